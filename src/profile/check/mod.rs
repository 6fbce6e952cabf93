//! What the types cannot say: names that meet, ports that are there, limits that hold.
//!
//! Every check looks at the whole profile and goes on after a problem, so that
//! all of them are answered at once.

mod container;
mod endpoints;
mod mounts;
mod names;
mod needs;
mod network;
mod probes;
mod references;
mod stores;

use super::{
    Container, EngineKind, Name, Port, Process, Profile, Protocol, Workload, node::Node, problem::Problem,
    words,
};
use crate::path::Path;

/// Adds what is wrong with a profile; the tree it was read from says where.
pub(crate) fn cross_check(profile: &Profile, root: &Node, allow_unpinned: bool, problems: &mut Vec<Problem>) {
    let mut check = Check { profile, root, allow_unpinned, problems };
    names::check(&mut check);
    needs::check(&mut check);
    for workload in workloads(profile) {
        references::check(&mut check, &workload);
        container::check(&mut check, &workload);
        probes::check(&mut check, &workload);
        mounts::check(&mut check, &workload);
    }
    stores::check(&mut check);
    network::check(&mut check);
    endpoints::check(&mut check);
}

struct Check<'a> {
    profile: &'a Profile,
    root: &'a Node,
    allow_unpinned: bool,
    problems: &'a mut Vec<Problem>,
}

impl Check<'_> {
    fn error(&mut self, code: &'static str, at: &Path, message: impl Into<String>) -> &mut Problem {
        self.add(Problem::error(code, at, self.root.locate(at), message))
    }

    /// The caret goes under the key instead of its value.
    fn key_error(&mut self, code: &'static str, at: &Path, message: impl Into<String>) -> &mut Problem {
        self.add(Problem::error(code, at, self.root.locate_key(at), message))
    }

    fn warning(&mut self, code: &'static str, at: &Path, message: impl Into<String>) -> &mut Problem {
        self.add(Problem::warning(code, at, self.root.locate(at), message))
    }

    fn add(&mut self, problem: Problem) -> &mut Problem {
        let last = self.problems.len();
        self.problems.push(problem);
        &mut self.problems[last]
    }

    /// A name that is none of the known ones, with the nearest of them.
    fn unknown(&mut self, code: &'static str, at: &Path, message: String, name: &str, known: &[&str]) {
        let hint = match (words::nearest(name, known), known) {
            (Some(near), _) => Some(format!("did you mean `{near}`?")),
            (None, []) => None,
            (None, known) => {
                let each: indexmap::IndexSet<&str> = known.iter().copied().collect();
                Some(format!("known are {}", each.into_iter().collect::<Vec<_>>().join(", ")))
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
}

/// One of a workload's containers: its main one, an init container or a sidecar.
struct Member<'a> {
    at: Path,
    process: &'a Process,
    /// Absent for the main one.
    beside: Option<&'a Container>,
}

fn workloads(profile: &Profile) -> Vec<Placed<'_>> {
    let placed =
        |kind, of: &str, name, run| Placed { kind, name, at: Path::of([of, Name::as_str(name)]), run };
    let services =
        profile.services.iter().map(|(name, each)| placed(Kind::Service, "services", name, &each.run));
    let jobs = profile.jobs.iter().map(|(name, each)| placed(Kind::Job, "jobs", name, &each.run));
    let stores =
        profile.stores.iter().map(|(name, each)| placed(Kind::Store(each.engine), "stores", name, &each.run));
    services.chain(jobs).chain(stores).collect()
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

    /// Ports as written, else the one that the engine listens on.
    fn ports(&self) -> Vec<(String, Port)> {
        let written: Vec<(String, Port)> =
            self.run.ports.iter().map(|(name, port)| (name.to_string(), *port)).collect();
        match self.kind {
            Kind::Store(engine) if written.is_empty() => {
                let (name, port) = engine_port(engine);
                vec![(name.to_owned(), Port { port, protocol: Protocol::Tcp })]
            }
            _ => written,
        }
    }
}

fn engine_port(engine: EngineKind) -> (&'static str, u16) {
    match engine {
        EngineKind::Postgres => ("postgres", 5432),
        EngineKind::Redis => ("redis", 6379),
    }
}
