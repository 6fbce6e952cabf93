//! Volumes of a replica: where each lies, how it is mounted, and what covers the `VOLUME`s of an image.

use super::{
    Mount, Site, VolumePlan, VolumeRole,
    capabilities::ImageFacts,
    order::Node,
    spec::{labels, sealed},
};
use crate::{
    digest,
    labels::Kind,
    name::Name,
    profile::{Allow, Medium, Volume},
};

/// Volumes and where containers of a pod mount them.
#[derive(Default)]
pub(crate) struct Mounts {
    pub volumes: Vec<VolumePlan>,
    /// By every container of the pod.
    pub shared: Vec<Mount>,
    /// By the pause, which keeps them filled while the others come and go.
    pub held: Vec<Mount>,
}

impl Mounts {
    pub fn hold(&mut self, volume: &str, target: impl Into<String>) {
        let (volume, target) = (volume.to_owned(), target.into());
        self.held.push(Mount::Volume { volume, target, read_only: false, subpath: None, copy: false });
    }
}

/// The volumes that the profile names, and a store's data.
pub(crate) fn of_pod(site: &Site<'_>, node: &Node<'_>, ordinal: u32, data_dir: Option<&str>) -> Mounts {
    let key = format!("{}.{ordinal}", node.name);
    let mut mounts = Mounts::default();
    if let Some(target) = data_dir {
        let volume =
            plain(site, site.volume(&key, "data"), VolumeRole::Store(node.name.clone()), node, Some(ordinal));
        mounts.shared.push(mount(&volume.name, target, true));
        mounts.volumes.push(volume);
    }
    for (target, volume) in &node.run.volumes {
        // A store's data lies in a volume of its own, which can be copied and put back.
        if data_dir == Some(target.trim_end_matches('/')) {
            continue;
        }
        if let Volume::Host { path, read_only } = volume {
            if site.profile.allow.contains(&Allow::HostPath) {
                let (source, target) = (path.clone(), target.clone());
                mounts.shared.push(Mount::Bind { source, target, read_only: *read_only });
            }
            continue;
        }
        let plan = volume_of(site, node, ordinal, target, volume);
        mounts.shared.push(mount(&plan.name, target, false));
        if plan.memory.is_some() {
            let held = format!("/held/{}", mounts.held.len());
            mounts.hold(&plan.name, held);
        }
        mounts.volumes.push(plan);
    }
    mounts
}

fn volume_of(site: &Site<'_>, node: &Node<'_>, ordinal: u32, target: &str, volume: &Volume) -> VolumePlan {
    let key = format!("{}.{ordinal}", node.name);
    let (name, role, of) = match volume {
        Volume::Empty { .. } | Volume::Host { .. } => {
            (site.volume(&key, &slug(target)), VolumeRole::Replica, Some(ordinal))
        }
        Volume::Claim { name, .. } if node.stateful => {
            (site.volume(&key, &format!("claim-{name}")), VolumeRole::Claim, Some(ordinal))
        }
        Volume::Claim { name, .. } => (site.volume("pm.claim", name.as_str()), VolumeRole::Claim, None),
        Volume::Shared { name } => (site.volume("pm.shared", name.as_str()), VolumeRole::Shared, None),
    };
    let ours = matches!(role, VolumeRole::Replica) || node.stateful && matches!(role, VolumeRole::Claim);
    let service = ours.then_some(node.name);
    let memory = match volume {
        Volume::Empty { medium: Medium::Memory, size } => Some(size.map(|size| size.0)),
        _ => None,
    };
    seal(
        site,
        service,
        of,
        VolumePlan {
            name,
            role,
            labels: Default::default(),
            memory,
            files: Vec::new(),
            // What several services share belongs to the group of none of them.
            group: node.run.fs_group.filter(|_| ours),
            mode: Some(0o777),
        },
    )
}

/// A volume for each `VOLUME` of the image on which nothing is mounted: an anonymous one would carry no label.
pub(crate) fn covers(
    site: &Site<'_>,
    node: &Node<'_>,
    ordinal: u32,
    key: &str,
    facts: Option<&ImageFacts>,
    mounted: &[String],
) -> (Vec<VolumePlan>, Vec<Mount>) {
    let bare = |path: &str| path.trim_end_matches('/').to_owned();
    let is_mounted = |path: &&String| mounted.iter().any(|target| bare(target) == bare(path));
    let volumes = facts.map(|facts| facts.volumes.as_slice()).unwrap_or_default();
    let mut volumes: Vec<&String> = volumes.iter().filter(|path| !is_mounted(path)).collect();
    volumes.sort();
    volumes.dedup();
    volumes
        .into_iter()
        .map(|path| {
            let name = site.volume(key, &slug(path));
            let volume = plain(site, name, VolumeRole::Replica, node, Some(ordinal));
            let mount = mount(&volume.name, path, true);
            (volume, mount)
        })
        .unzip()
}

/// A volume as the engine makes it.
pub(crate) fn plain(
    site: &Site<'_>,
    name: String,
    role: VolumeRole,
    node: &Node<'_>,
    ordinal: Option<u32>,
) -> VolumePlan {
    let volume = VolumePlan {
        name,
        role,
        labels: Default::default(),
        memory: None,
        files: Vec::new(),
        group: None,
        mode: None,
    };
    seal(site, Some(node.name), ordinal, volume)
}

/// Labels do not change with the files: these are put in place anew, in a volume that stays.
pub(crate) fn seal(
    site: &Site<'_>,
    service: Option<&Name>,
    ordinal: Option<u32>,
    mut volume: VolumePlan,
) -> VolumePlan {
    let files = std::mem::take(&mut volume.files);
    volume.labels = sealed(&volume, labels(site.capabilities, Kind::Volume, service, ordinal), &());
    VolumePlan { files, ..volume }
}

fn mount(volume: &str, target: &str, copy: bool) -> Mount {
    let (volume, target) = (volume.to_owned(), target.to_owned());
    Mount::Volume { volume, target, read_only: false, subpath: None, copy }
}

/// A path as part of a name: `/var/spool/shop` is `var-spool-shop`; what would be lost is told apart by a hash.
pub(crate) fn slug(path: &str) -> String {
    let bare = path.trim_matches('/');
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    let mut text: String =
        bare.bytes().map(|b| if is_plain(b) { char::from(b) } else { '-' }).take(60).collect();
    if bare.is_empty() || bare.len() > 60 || !bare.split('/').all(|part| part.bytes().all(is_plain)) {
        text = format!("{text}-{}", digest::spec(&bare).get(..8).unwrap_or_default());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::slug;

    #[test]
    fn two_paths_never_share_a_name() {
        assert_eq!(slug("/var/spool/shop"), "var-spool-shop");
        let paths =
            ["/a/b", "/a-b", "/a.b", "/ä", "/a//b", "/", &format!("/{}", "x".repeat(99)), &"y".repeat(99)];
        let slugs: std::collections::BTreeSet<String> = paths.iter().map(|path| slug(path)).collect();
        assert_eq!(slugs.len(), paths.len(), "{slugs:?}");
    }
}
