//! What a cluster's first node says of it: that it was made to its end, of what, and for whom.

use serde::{Deserialize, Serialize};

use super::{ClusterName, Kind, Result, io};
use crate::{backend::BackendError, plan::kubernetes::ClusterShape};

/// In the layer of the node's container, which a restart keeps and nothing else shares.
const FILE: &str = "/kind/prodmirror.json";
/// How an engine says that a container has no such file, or that there is no such container.
const ABSENT: [&str; 3] = ["Could not find the file", "No such container", "no such file or directory"];

/// Written when all else was done: nodes without it are of a making that was cut off.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Mark {
    pub owner: String,
    pub shape: ClusterShape,
    pub made: jiff::Timestamp,
}

impl Kind {
    /// `None` where there is no cluster, or one that was not made to its end.
    pub(super) async fn mark(&self, name: &ClusterName) -> Result<Option<Mark>> {
        let folder = tempfile::tempdir().map_err(io("a folder for a mark"))?;
        let file = folder.path().join("mark");
        // The engine reads it of a node that is stopped as well.
        let from = format!("{}:{FILE}", name.control_plane());
        match self.docker(&[&"cp", &from, &file]).await {
            Ok(_) => {}
            Err(BackendError::Command { output, .. }) if ABSENT.iter().any(|no| output.contains(no)) => {
                return Ok(None);
            }
            Err(error) => return Err(error),
        }
        let text = std::fs::read(&file).map_err(io("a mark"))?;
        // One that was cut off in the middle is none.
        Ok(serde_json::from_slice(&text).ok())
    }

    pub(super) async fn set_mark(&self, name: &ClusterName, mark: &Mark) -> Result<()> {
        let folder = tempfile::tempdir().map_err(io("a folder for a mark"))?;
        let file = folder.path().join("mark");
        let text = serde_json::to_vec(mark).map_err(|error| io("a mark")(error.into()))?;
        std::fs::write(&file, text).map_err(io("a mark"))?;
        let to = format!("{}:{FILE}", name.control_plane());
        self.docker(&[&"cp", &file, &to]).await.map(|_| ())
    }
}
