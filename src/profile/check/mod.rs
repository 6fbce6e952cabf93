//! What the types cannot say: names that meet, ports that are there, limits that hold.
//!
//! Every check looks at the whole profile and goes on after a problem, so that
//! all of them are answered at once.

mod container;
mod endpoints;
mod holes;
mod mounts;
mod names;
mod needs;
mod network;
mod platform;
mod probes;
mod references;
mod stores;

use std::collections::HashMap;

use super::{
    Container, EngineKind, Name, Port, Process, Profile, Protocol, Workload,
    node::Node,
    problem::{Gathering, Problem},
    source::Span,
    words,
};
use crate::path::Path;

/// Adds what is wrong with a profile; the tree it was read from says where.
pub(crate) fn cross_check(profile: &Profile, root: &Node, allow_unpinned: bool, problems: &mut Gathering) {
    let stack = Stack::of(profile);
    let mut check = Check { profile, stack: &stack, root, allow_unpinned, problems };
    holes::check(&mut check);
    names::check(&mut check);
    needs::check(&mut check);
    for workload in &stack.all {
        references::check(&mut check, workload);
        container::check(&mut check, workload);
        probes::check(&mut check, workload);
        mounts::check(&mut check, workload);
    }
    if let Some(zone) = &profile.platform.timezone {
        container::timezone(&mut check, zone, &Path::of(["platform", "timezone"]));
    }
    platform::check(&mut check);
    stores::check(&mut check);
    network::check(&mut check);
    endpoints::check(&mut check);
}

/// How many known names a hint lists.
const SHOWN: usize = 12;

struct Check<'a> {
    profile: &'a Profile,
    stack: &'a Stack<'a>,
    root: &'a Node,
    allow_unpinned: bool,
    problems: &'a mut Gathering,
}

impl Check<'_> {
    fn error(&mut self, code: &'static str, at: &Path, message: impl Into<String>) -> &mut Problem {
        let span = if self.problems.is_full() { Span::default() } else { self.root.locate(at) };
        self.add(Problem::error(code, at, span, message))
    }

    /// The caret goes under the key instead of its value.
    fn key_error(&mut self, code: &'static str, at: &Path, message: impl Into<String>) -> &mut Problem {
        self.add(Problem::error(code, at, self.root.locate_key(at), message))
    }

    fn warning(&mut self, code: &'static str, at: &Path, message: impl Into<String>) -> &mut Problem {
        self.add(Problem::warning(code, at, self.root.locate(at), message))
    }

    /// Nothing is wrong with a value that is not known.
    fn add(&mut self, problem: Problem) -> &mut Problem {
        if self.profile.is_hole(&problem.path) {
            return self.problems.scrap(problem);
        }
        self.problems.push(problem)
    }

    /// A name that is none of the known ones, with the nearest of them.
    fn unknown(&mut self, code: &'static str, at: &Path, message: String, name: &str, known: &[&str]) {
        if self.problems.is_full() {
            return;
        }
        let hint = match (words::nearest(name, known), known) {
            (Some(near), _) => Some(format!("did you mean `{near}`?")),
            (None, []) => None,
            (None, known) => {
                let more = if known.len() > SHOWN { " and others" } else { "" };
                Some(format!("known are {}{more}", known[..known.len().min(SHOWN)].join(", ")))
            }
        };
        self.error(code, at, message).hint = hint;
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Service,
    Job,
    Store(EngineKind),
}

/// A service, a job or a store with the place where it stands.
struct Placed<'a> {
    kind: Kind,
    name: &'a Name,
    at: Path,
    run: &'a Workload,
    ports: Vec<(String, Port)>,
}

/// One of a workload's containers: its main one, an init container or a sidecar.
struct Member<'a> {
    at: Path,
    process: &'a Process,
    /// Absent for the main one.
    beside: Option<&'a Container>,
}

/// All workloads, in the order of the profile.
struct Stack<'a> {
    all: Vec<Placed<'a>>,
    by_name: HashMap<&'a str, usize>,
}

impl<'a> Stack<'a> {
    fn of(profile: &'a Profile) -> Self {
        let placed = |kind, of: &str, name: &'a Name, run: &'a Workload| {
            let ports = ports(kind, run);
            Placed { kind, name, at: Path::of([of, name.as_str()]), run, ports }
        };
        let services =
            profile.services.iter().map(|(name, s)| placed(Kind::Service, "services", name, &s.run));
        let jobs = profile.jobs.iter().map(|(name, j)| placed(Kind::Job, "jobs", name, &j.run));
        let stores =
            profile.stores.iter().map(|(name, s)| placed(Kind::Store(s.engine), "stores", name, &s.run));
        let all: Vec<Placed<'a>> = services.chain(jobs).chain(stores).collect();
        let mut by_name = HashMap::new();
        for (index, workload) in all.iter().enumerate() {
            by_name.entry(workload.name.as_str()).or_insert(index);
        }
        Self { all, by_name }
    }

    fn get(&self, name: &str) -> Option<&Placed<'a>> {
        self.all.get(*self.by_name.get(name)?)
    }

    /// Each name once.
    fn names(&self) -> Vec<&'a str> {
        self.names_of(|_| true)
    }

    fn names_of(&self, wanted: impl Fn(&Placed<'a>) -> bool) -> Vec<&'a str> {
        let first = |index: usize, each: &Placed<'_>| self.by_name.get(each.name.as_str()) == Some(&index);
        let all = self.all.iter().enumerate();
        all.filter(|(index, each)| wanted(each) && first(*index, each))
            .map(|(_, each)| each.name.as_str())
            .collect()
    }
}

/// Ports as written, else the one that the engine listens on.
fn ports(kind: Kind, run: &Workload) -> Vec<(String, Port)> {
    match kind {
        Kind::Store(engine) if run.ports.is_empty() => {
            let (name, port) = engine_port(engine);
            vec![(name.to_owned(), Port { port, protocol: Protocol::Tcp })]
        }
        _ => run.ports.iter().map(|(name, port)| (name.to_string(), *port)).collect(),
    }
}

impl<'w> Placed<'w> {
    fn members(&self) -> Vec<Member<'w>> {
        let main = Member { at: self.at.clone(), process: &self.run.process, beside: None };
        let beside = |key: &str, name: &Name, container: &'w Container| Member {
            at: self.at.key(key).key(name.as_str()),
            process: &container.process,
            beside: Some(container),
        };
        let init = self.run.init.iter().map(|(name, each)| beside("init", name, each));
        let sidecars = self.run.sidecars.iter().map(|(name, each)| beside("sidecars", name, each));
        std::iter::once(main).chain(init).chain(sidecars).collect()
    }

    /// What the process runs as; in a store `user` is the database's.
    fn user_key(&self, member: &Member<'_>) -> &'static str {
        if matches!(self.kind, Kind::Store(_)) && member.beside.is_none() { "run_as" } else { "user" }
    }
}

fn engine_port(engine: EngineKind) -> (&'static str, u16) {
    match engine {
        EngineKind::Postgres => ("postgres", 5432),
        EngineKind::Redis => ("redis", 6379),
    }
}
