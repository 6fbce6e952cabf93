//! Holes in random profiles: the types hold what is blank there, and the profile says why.

use prodmirror::profile::*;

use super::Generator;

const REASONS: &[&str] =
    &["no permission to read it", "built here", "", "a: b # c", "it's \"gone\"\nfor good"];

pub fn dig(profile: &mut Profile, random: &mut Generator) {
    let mut holes = indexmap::IndexMap::new();
    let mut hole = |random: &mut Generator, path: Path| {
        holes.insert(path, random.of(REASONS).to_owned());
    };
    for (name, shape) in &mut profile.secrets {
        if random.one_in(8) {
            *shape = None;
            hole(random, Path::of(["secrets", name.as_str()]));
        }
    }
    for (name, value) in &mut profile.flags {
        if random.one_in(12) {
            value.clear();
            hole(random, Path::of(["flags", name.as_str()]));
        }
    }
    for (name, service) in &mut profile.services {
        let at = Path::of(["services", name.as_str()]);
        workload(&at, &mut service.run, random, &mut hole);
    }
    for (name, job) in &mut profile.jobs {
        workload(&Path::of(["jobs", name.as_str()]), &mut job.run, random, &mut hole);
    }
    for (name, store) in &mut profile.stores {
        let at = Path::of(["stores", name.as_str()]);
        workload(&at, &mut store.run, random, &mut hole);
        if random.one_in(4) {
            store.password = None;
            hole(random, at.key("password"));
        }
        if random.one_in(4) {
            store.seed = None;
            hole(random, at.key("seed"));
        }
        for (setting, value) in &mut store.settings {
            if random.one_in(4) {
                value.clear();
                hole(random, at.key("settings").key(setting.as_str()));
            }
        }
    }
    profile.holes = holes;
}

type Hole<'h> = dyn FnMut(&mut Generator, Path) + 'h;

fn workload(at: &Path, run: &mut Workload, random: &mut Generator, hole: &mut Hole<'_>) {
    if random.one_in(10) {
        run.image = Image::Local { name: "unreadable".into(), tag: "unreadable".into() };
        hole(random, at.key("image"));
    }
    for (path, file) in &mut run.files {
        if let (FileContent::Inline(text), true) = (&mut file.content, random.one_in(6)) {
            text.clear();
            hole(random, at.key("files").key(path.as_str()).key("content"));
        }
    }
    if run.probes.liveness.is_some() && random.one_in(6) {
        run.probes.liveness = None;
        hole(random, at.key("probes").key("liveness"));
    }
    process(at, &mut run.process, random, hole);
    for (kind, containers) in [("init", &mut run.init), ("sidecars", &mut run.sidecars)] {
        for (name, container) in containers {
            process(&at.key(kind).key(name.as_str()), &mut container.process, random, hole);
        }
    }
}

fn process(at: &Path, process: &mut Process, random: &mut Generator, hole: &mut Hole<'_>) {
    if random.one_in(10) {
        process.command = None;
        hole(random, at.key("command"));
    }
    if random.one_in(10) {
        process.resources.limits.memory = None;
        hole(random, at.key("resources").key("limits").key("memory"));
    } else if random.one_in(20) {
        process.resources.limits = Limits::default();
        hole(random, at.key("resources").key("limits"));
    }
    for (name, value) in &process.env {
        if let Value::Hole = value {
            hole(random, at.key("env").key(name.as_str()));
        }
    }
}
