//! The layers, and what each of them may name.

use std::{collections::BTreeSet, fmt};

use super::{
    paths::{Named, named},
    tokens::{tokens, without_tests},
};

/// Values in, values out.
const CORE: [&str; 15] = [
    "profile", "plan", "render", "ledger", "diff", "observed", "capture", "formats", "env", "image",
    "sources", "labels", "digest", "name", "path",
];
/// Processes, files, networks, engines; `log` is the helpers' voice.
const WORLD: [&str; 9] =
    ["backend", "engine", "readers", "layers", "pause", "gateway", "keeper", "carry", "log"];
/// Joins the two.
const STORY: [&str; 1] = ["mirror"];
/// The only part that prints, reads arguments and the environment.
const BINARY: [&str; 2] = ["cli", "main"];
/// Where the command line chooses a back end; nothing else above the world names one.
const CHOOSER: &str = "cli/places.rs";
/// Programs of their own, run inside a mirror: they alone in the library may speak and read their environment.
const PROGRAMS: [&str; 4] = ["pause", "gateway", "keeper", "carry"];

/// What the core names nowhere, and what that would be.
const OUTSIDE: [(&str, &str); 18] = [
    ("std::fs", "files"),
    ("std::env", "the environment"),
    ("std::process", "processes"),
    ("std::thread", "threads"),
    ("std::os", "the system"),
    ("std::io::stdin", "the terminal"),
    ("std::io::stdout", "the terminal"),
    ("std::io::stderr", "the terminal"),
    ("std::net::TcpStream", "the network"),
    ("std::net::TcpListener", "the network"),
    ("std::net::UdpSocket", "the network"),
    ("std::net::ToSocketAddrs", "the network"),
    ("tokio", "the world's runtime"),
    ("hyper", "the network"),
    ("bollard", "the engine"),
    ("kube", "the cluster"),
    ("rustix", "the system"),
    ("getrandom", "randomness"),
];
const PRINTING: [&str; 5] = ["println!", "print!", "eprintln!", "eprint!", "dbg!"];
/// Reads of the environment. `std::env::current_exe` and `std::env::consts` are none.
const ENVIRONMENT: [&str; 11] = [
    "std::env::var",
    "std::env::var_os",
    "std::env::vars",
    "std::env::vars_os",
    "std::env::args",
    "std::env::args_os",
    "std::env::current_dir",
    "std::env::home_dir",
    "std::env::temp_dir",
    // Both ask for HOME and its kin.
    "etcetera",
    "bollard::Docker::connect_with_defaults",
];

/// One path that should not be where it is.
#[derive(Debug)]
pub struct Violation {
    file: String,
    line: usize,
    path: String,
    why: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}: {}", self.file, self.line, self.path, self.why)
    }
}

/// A file without its tests.
struct Source {
    file: String,
    module: Vec<String>,
    names: Vec<Named>,
}

impl Source {
    fn part(&self) -> &str {
        self.module.first().map_or("", String::as_str)
    }

    fn is(&self, layer: &[&str]) -> bool {
        layer.contains(&self.part())
    }

    fn violations(&self, why: impl Fn(&Named) -> Option<String>) -> Vec<Violation> {
        let violation = |name: &Named| {
            Some(Violation { file: self.file.clone(), line: name.line, path: name.text(), why: why(name)? })
        };
        self.names.iter().filter_map(violation).collect()
    }
}

/// Arrows that point upwards, from one back end to another, from an engine to a back end, or from above to one of them.
pub fn arrows(files: &[(String, String)]) -> Vec<Violation> {
    let sources = read(files);
    let backends = folders(&sources, "backend");
    sources.iter().flat_map(|source| source.violations(|name| wrong(source, name, &backends))).collect()
}

/// Reaches of the core to the outside, prints and reads of the environment in the library.
pub fn reach(files: &[(String, String)]) -> Vec<Violation> {
    read(files).iter().flat_map(|source| source.violations(|name| too_far(source, name))).collect()
}

/// The parts of the library that no layer names.
pub fn homeless(files: &[(String, String)]) -> BTreeSet<String> {
    let layers = [&CORE[..], &WORLD, &STORY, &BINARY].concat();
    let parts = read(files).into_iter().map(|source| source.part().to_owned());
    parts.filter(|part| !part.is_empty() && !layers.contains(&part.as_str())).collect()
}

fn wrong(source: &Source, name: &Named, backends: &BTreeSet<String>) -> Option<String> {
    let target = match name.segments.as_slice() {
        [first, second, ..] if first == "crate" => second.as_str(),
        _ => return None,
    };
    let backend = name.segments.get(2).filter(|third| target == "backend" && backends.contains(*third));
    if backend.is_some() && source.is(&STORY) {
        return Some("the story names one of the back ends".to_owned());
    }
    if backend.is_some() && source.is(&BINARY) && source.file != CHOOSER {
        return Some("only one place chooses a back end".to_owned());
    }
    let any = |layers: &[&[&str]]| target == "*" || layers.iter().any(|layer| layer.contains(&target));
    if source.is(&CORE) && any(&[&WORLD, &STORY, &BINARY]) {
        return Some("core names what lies above it".to_owned());
    }
    if source.is(&WORLD) && any(&[&STORY, &BINARY]) {
        return Some("world names what lies above it".to_owned());
    }
    if source.is(&STORY) && any(&[&BINARY]) {
        return Some("the library names the command line".to_owned());
    }
    if source.part() == "engine" && target == "backend" {
        return Some("an engine names a back end".to_owned());
    }
    if target == "log" && !source.is(&PROGRAMS) {
        return Some("only the helpers' programs speak".to_owned());
    }
    if let ([part, own, ..], Some(other)) = (source.module.as_slice(), backend)
        && part == "backend"
        && backends.contains(own)
        && own != other
    {
        return Some("one back end names another".to_owned());
    }
    None
}

fn too_far(source: &Source, name: &Named) -> Option<String> {
    if source.is(&BINARY) || source.part().is_empty() {
        return None;
    }
    let prints = name.segments.last().is_some_and(|last| PRINTING.contains(&last.as_str()));
    if prints && source.part() != "log" {
        return Some("the library prints".to_owned());
    }
    outside(source, name)
}

fn outside(source: &Source, name: &Named) -> Option<String> {
    if source.is(&CORE) {
        if let Some((_, what)) = OUTSIDE.iter().find(|(prefix, _)| name.below(prefix)) {
            return Some(format!("core reaches for {what}"));
        }
        if name.segments.len() > 1 && name.segments.last().is_some_and(|last| last == "now") {
            return Some("core reads the clock".to_owned());
        }
    }
    let reads = ENVIRONMENT.iter().any(|prefix| name.below(prefix)) || name.text() == "std::env::*";
    (reads && !source.is(&PROGRAMS)).then(|| "the library reads the environment".to_owned())
}

/// The folders directly below a part, by name: `compose` for `backend/compose/mod.rs`.
fn folders(sources: &[Source], part: &str) -> BTreeSet<String> {
    let folder = |source: &Source| match source.file.split('/').collect::<Vec<_>>()[..] {
        [first, second, _, ..] if first == part => Some(second.to_owned()),
        _ => None,
    };
    sources.iter().filter_map(folder).collect()
}

fn read(files: &[(String, String)]) -> Vec<Source> {
    let mut tests: Vec<Vec<String>> = Vec::new();
    let mut sources = Vec::new();
    for (file, text) in files {
        let module = module(file);
        let (rest, gone) = without_tests(&tokens(text));
        tests.extend(gone.into_iter().map(|name| module.iter().cloned().chain([name]).collect()));
        sources.push(Source { file: file.clone(), names: named(&rest, &module), module });
    }
    sources.retain(|source| !tests.iter().any(|test| source.module.starts_with(test)));
    sources
}

/// `plan/order.rs` is `["plan", "order"]`, `plan/mod.rs` is `["plan"]`, `lib.rs` is the root.
fn module(file: &str) -> Vec<String> {
    let mut segments: Vec<String> = file.trim_end_matches(".rs").split('/').map(str::to_owned).collect();
    if segments.last().is_some_and(|last| last == "mod") || segments == ["lib"] {
        segments.pop();
    }
    segments
}
