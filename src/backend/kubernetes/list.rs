//! The mirrors of a cluster, by the labels of their namespaces.

use k8s_openapi::api::core::v1::Namespace;
use kube::{Api, ResourceExt as _, api::ListParams};

use super::{Cluster, ClusterError, MANAGED_BY, MANAGER, MIRROR, OWNER, Result, error};
use crate::name::Name;

/// A mirror as its namespace tells it.
#[derive(Clone, Debug, PartialEq)]
pub struct ListedMirror {
    pub mirror: String,
    pub owner: String,
    pub namespace: String,
    /// In Unix seconds.
    pub created: i64,
    /// Whether it is on its way out.
    pub leaving: bool,
}

impl Cluster {
    /// Every mirror of the cluster, whoever's it is, in order of its name.
    pub async fn mirrors(&self) -> Result<Vec<ListedMirror>> {
        let spaces: Api<Namespace> = Api::all(self.client.clone());
        let ours = ListParams::default().labels(&format!("{MANAGED_BY}={MANAGER},{MIRROR}"));
        let listed = error::ask("list of namespaces", spaces.list(&ours)).await?;
        let mut mirrors: Vec<_> = listed.items.iter().map(read).collect();
        mirrors.sort_by(|one, other| (&one.mirror, &one.namespace).cmp(&(&other.mirror, &other.namespace)));
        Ok(mirrors)
    }

    pub(super) async fn namespace(&self, name: &str) -> Result<Option<Namespace>> {
        let spaces: Api<Namespace> = Api::all(self.client.clone());
        error::ask(format!("namespace `{name}`"), spaces.get_opt(name)).await
    }
}

/// Other people's namespaces are left alone, whatever they are called.
pub(super) fn refuse_others(
    there: &Namespace,
    namespace: &str,
    mirror: &Name,
    owner: Option<&str>,
) -> Result<()> {
    let has = |key: &str, value: &str| there.labels().get(key).is_some_and(|found| found == value);
    let is_owners =
        owner.is_none_or(|owner| there.annotations().get(OWNER).is_some_and(|found| found == owner));
    if has(MANAGED_BY, MANAGER) && has(MIRROR, mirror.as_str()) && is_owners {
        return Ok(());
    }
    Err(ClusterError::NotOurs { namespace: namespace.to_owned(), mirror: mirror.to_string() })
}

fn read(space: &Namespace) -> ListedMirror {
    let created = space.metadata.creation_timestamp.as_ref();
    ListedMirror {
        mirror: space.labels().get(MIRROR).cloned().unwrap_or_default(),
        owner: space.annotations().get(OWNER).cloned().unwrap_or_default(),
        namespace: space.name_any(),
        created: created.map(|time| time.0.as_second()).unwrap_or_default(),
        leaving: space.metadata.deletion_timestamp.is_some(),
    }
}
