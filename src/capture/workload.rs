//! Which workload of a profile a path is about, and which of its containers.

use serde_json::Value as Json;

use crate::path::{Path, Segment};

/// One workload of the profile, and which of its containers a path is about.
pub(super) struct Workload<'a> {
    /// `services`, `jobs` or `stores`.
    pub section: &'a str,
    pub name: &'a str,
    pub part: Part<'a>,
    /// How many segments of a path come before the field.
    depth: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Part<'a> {
    Main,
    Init(&'a str),
    Sidecar(&'a str),
}

/// A field of a workload or of one of its containers: the segments after its name.
pub(super) struct Within(Vec<Segment>);

impl Within {
    /// The plain keys from the start.
    pub fn keys(&self) -> Vec<&str> {
        fn plain(segment: &Segment) -> Option<&str> {
            match segment {
                Segment::Key(key) => Some(key),
                Segment::Member { .. } | Segment::Index(_) => None,
            }
        }
        self.0.iter().map_while(plain).collect()
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// The name of a member of a list, `ports[name=http]`.
    pub fn member(&self) -> Option<&str> {
        match self.0.get(1)? {
            Segment::Member { value, .. } => Some(value),
            _ => None,
        }
    }
}

impl<'a> Workload<'a> {
    /// The workload that a path is in; `None` for the workload itself and for what is no workload.
    pub fn at(path: &'a Path) -> Option<Self> {
        let (section, name) = (path.key_at(0)?, path.key_at(1)?);
        let side = path.key_at(3).filter(|_| path.0.len() > 4);
        let (part, depth) = match (path.key_at(2)?, side) {
            ("init", Some(name)) => (Part::Init(name), 4),
            ("sidecars", Some(name)) => (Part::Sidecar(name), 4),
            ("init" | "sidecars", None) => return None,
            _ => (Part::Main, 2),
        };
        Some(Self { section, name, part, depth })
    }

    /// Every workload of the profile with each of its containers.
    pub fn all(tree: &'a Json) -> Vec<Self> {
        let members = |value: &'a Json| value.as_object().into_iter().flatten();
        let mut all = Vec::new();
        for section in ["services", "jobs", "stores"] {
            for (name, written) in members(&tree[section]) {
                let mut add = |part, depth| all.push(Workload { section, name, part, depth });
                add(Part::Main, 2);
                members(&written["init"]).for_each(|(name, _)| add(Part::Init(name), 4));
                members(&written["sidecars"]).for_each(|(name, _)| add(Part::Sidecar(name), 4));
            }
        }
        all
    }

    /// Where the fields of the container stand in the profile.
    pub fn path(&self) -> Path {
        let workload = Path::of([self.section, self.name]);
        match self.part {
            Part::Main => workload,
            Part::Init(name) => workload.key("init").key(name),
            Part::Sidecar(name) => workload.key("sidecars").key(name),
        }
    }

    pub fn within(&self, path: &Path) -> Within {
        Within(path.0.get(self.depth..).unwrap_or_default().to_vec())
    }
}
