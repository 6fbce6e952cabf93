//! What clusters of ours there are, and who uses them.

use super::{
    ClusterName, Kind, Mark, Result,
    lock::{self, Lock},
};

/// One cluster, as its engine and it itself tell it.
#[derive(Clone, Debug, PartialEq)]
pub struct KindCluster {
    pub name: ClusterName,
    /// Absent while it is made, and where its making was cut off.
    pub mark: Option<Mark>,
    /// The namespaces of the mirrors in it; absent where it cannot be asked, as when it is stopped.
    pub mirrors: Option<Vec<String>>,
    /// Whether a process of this host makes it, removes it, or brings a mirror up on it.
    pub busy: bool,
    /// When an `up` of this host took it last: one that has no mirrors had none for no longer than since the last of
    /// them was removed, and that was later.
    pub used: Option<jiff::Timestamp>,
}

impl Kind {
    /// Every cluster of ours, of one owner or of all, in order of name.
    pub async fn list(&self, owner: Option<&str>) -> Result<Vec<KindCluster>> {
        let mut all = Vec::new();
        for name in self.names().await? {
            if owner.is_some_and(|owner| !name.belongs_to(owner)) {
                continue;
            }
            let mark = self.mark(&name).await?;
            let mirrors = match &mark {
                Some(_) => self.namespaces(&name).await.ok(),
                None => None,
            };
            let busy = Lock::Change.try_take(&self.state_dir, name.as_str())?.is_none();
            let used = lock::used(&self.state_dir, name.as_str());
            all.push(KindCluster { name, mark, mirrors, busy, used });
        }
        Ok(all)
    }
}
