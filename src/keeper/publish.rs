//! What the keeper shows: the ready set for the other helpers, its present view for `keeper status`.

use std::{collections::BTreeMap, fs, io, path::Path};

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::formats::{
    journal::KeeperStatus,
    ready::{READY_FILE, ReadyReplica, ReadySet, STATUS_FILE},
};

/// The keeper's view at one moment.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct View {
    /// How far of the journal it has taken in, in bytes.
    pub journal: u64,
    #[serde(flatten)]
    pub status: KeeperStatus,
}

/// Writes what changed, and only then.
#[derive(Debug, Default)]
pub struct Publisher {
    ready: Option<ReadySet>,
    view: Option<View>,
}

impl Publisher {
    pub fn ready(&mut self, folder: &Path, services: BTreeMap<String, Vec<ReadyReplica>>) -> io::Result<()> {
        if self.ready.as_ref().is_some_and(|old| old.services == services) {
            return Ok(());
        }
        let generation = self.ready.as_ref().map_or(1, |old| old.generation + 1);
        let set = ReadySet { generation, services };
        put(&folder.join(READY_FILE), &set)?;
        self.ready = Some(set);
        Ok(())
    }

    pub fn view(&mut self, folder: &Path, view: View) -> io::Result<()> {
        if self.view.as_ref() == Some(&view) {
            return Ok(());
        }
        put(&folder.join(STATUS_FILE), &view)?;
        self.view = Some(view);
        Ok(())
    }
}

/// The view that was written last; none before the first.
pub fn read_view(folder: &Path) -> io::Result<Option<View>> {
    read(&folder.join(STATUS_FILE))
}

fn read<T: DeserializeOwned>(file: &Path) -> io::Result<Option<T>> {
    match fs::read(file) {
        Ok(bytes) => Ok(Some(serde_json::from_slice(&bytes)?)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whole or not at all: written beside, then renamed.
fn put(file: &Path, value: &impl Serialize) -> io::Result<()> {
    let beside = file.with_extension("new");
    fs::write(&beside, serde_json::to_vec(value)?)?;
    fs::rename(&beside, file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_generation_is_a_change() {
        let folder = tempfile::tempdir().unwrap();
        let mut publisher = Publisher::default();
        let set = |ready| {
            let replica = ReadyReplica { ordinal: 0, address: [10, 0, 0, 1].into(), ready };
            BTreeMap::from([("api".to_owned(), vec![replica])])
        };
        let mut generations = Vec::new();
        for ready in [false, false, true] {
            publisher.ready(folder.path(), set(ready)).unwrap();
            let written: ReadySet = read(&folder.path().join(READY_FILE)).unwrap().unwrap();
            assert_eq!(written.services, set(ready));
            generations.push(written.generation);
        }
        assert_eq!(generations, [1, 1, 2]);
    }

    #[test]
    fn the_view_reads_as_a_status() {
        let status = KeeperStatus { run: Some("r".to_owned()), leased: true, ..KeeperStatus::default() };
        let view = View { journal: 7, status: status.clone() };
        let text = serde_json::to_string(&view).unwrap();
        assert_eq!(serde_json::from_str::<KeeperStatus>(&text).unwrap(), status);
        assert_eq!(serde_json::from_str::<View>(&text).unwrap(), view);
    }
}
