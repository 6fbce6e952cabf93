//! The workload of a store, where `user` means the database's user.
//!
//! The user that the container runs as is `run_as` there.

use schemars::SchemaGenerator;

use super::{
    form::{Fields, Object, Reader, Shape},
    hole,
    scalars::Letters,
};
use crate::path::Path;
use crate::profile::{Workload, node::Node};

const INSIDE: &str = "user";
const IN_FILE: &str = "run_as";

/// `Workload` with `run_as` in the place of `user`.
pub(crate) enum StoreRun {}

impl Fields for StoreRun {
    type Record = Workload;

    fn keys(keys: &mut Vec<&'static str>) {
        let mut inner = Vec::new();
        Workload::keys(&mut inner);
        keys.extend(inner.into_iter().map(|key| if key == INSIDE { IN_FILE } else { key }));
    }

    fn lengthen_fields(node: &mut Node) {
        Workload::lengthen_fields(node);
        if let Some(run_as) = node.get_mut(IN_FILE) {
            hole::lengthen::<Letters>(run_as);
        }
    }

    fn read_fields(node: &Node, at: &Path, to: &mut Reader<'_>) -> Option<Workload> {
        let mut renamed = node.clone();
        if let Some(map) = renamed.as_map_mut() {
            map.entries.shift_remove(INSIDE);
            if let Some(entry) = map.entries.shift_remove(IN_FILE) {
                map.entries.insert(INSIDE.to_owned(), entry);
            }
        }
        let (mark, holes) = (to.problems.mark(), to.holes.len());
        let read = Workload::read_fields(&renamed, at, to);
        let (inside, in_file) = (at.key(INSIDE), at.key(IN_FILE));
        let renamed = |path: Path| if path == inside { in_file.clone() } else { path };
        for problem in to.problems.since(mark) {
            problem.path = renamed(std::mem::take(&mut problem.path));
        }
        let found = to.holes.split_off(holes);
        to.holes.extend(found.into_iter().map(|(path, reason)| (renamed(path), reason)));
        read
    }

    fn write_fields(record: &Workload, object: &mut Object) {
        let mut inner = Object::new();
        Workload::write_fields(record, &mut inner);
        for (key, value) in inner {
            object.insert(if key == INSIDE { IN_FILE.to_owned() } else { key }, value);
        }
    }

    fn schema_fields(shape: &mut Shape, generator: &mut SchemaGenerator) {
        let mut inner = Shape::default();
        Workload::schema_fields(&mut inner, generator);
        for (key, value) in inner.properties {
            shape.properties.insert(if key == INSIDE { IN_FILE.to_owned() } else { key }, value);
        }
        shape.required.extend(inner.required);
    }
}
