//! Files of a service: in which volume they lie and where they are mounted.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use std::collections::BTreeMap;

use super::{
    FileBytes, FilePlan, Mount, Site, VolumePlan, VolumeRole,
    order::Node,
    stores,
    volumes::{Mounts, seal, slug},
};
use crate::{
    formats::duties::{FileDuty, FileSource, SECRETS_DIR},
    profile::{File, FileContent},
};

/// The folder of a volume that holds files which are mounted one by one.
const SINGLE: &str = "files";

/// The service's files, how its containers mount them, and what the keeper must know of them.
#[derive(Default)]
pub(crate) struct Files {
    pub mounts: Mounts,
    pub duties: Vec<FileDuty>,
}

struct Placed {
    plan: FilePlan,
    is_secret: bool,
    mount: Mount,
}

pub(crate) fn files(site: &Site<'_>, node: &Node<'_>) -> Files {
    let (plain, secret) =
        (site.volume(node.name.as_str(), "files"), site.volume(node.name.as_str(), "secrets"));
    let mut placed: Vec<Placed> =
        node.run.files.iter().map(|(path, file)| place(site, node, path, file, [&plain, &secret])).collect();
    placed.extend(redis_conf(site, node, &plain));
    let mut found = Files::default();
    for (name, is_secret) in [(plain, false), (secret, true)] {
        let of: Vec<&Placed> = placed.iter().filter(|file| file.is_secret == is_secret).collect();
        if of.is_empty() {
            continue;
        }
        if is_secret {
            found.mounts.hold(&name, SECRETS_DIR);
            found.duties = of.iter().map(|file| duty(&file.plan)).collect();
        }
        let volume = VolumePlan {
            name,
            role: if is_secret { VolumeRole::SecretFiles } else { VolumeRole::Files },
            labels: Default::default(),
            memory: is_secret.then_some(None),
            files: of.iter().map(|file| file.plan.clone()).collect(),
            group: None,
            mode: None,
        };
        found.mounts.volumes.push(seal(site, Some(node.name), None, volume));
    }
    for file in placed {
        if !found.mounts.shared.contains(&file.mount) {
            found.mounts.shared.push(file.mount);
        }
    }
    found
}

fn place(site: &Site<'_>, node: &Node<'_>, path: &str, file: &File, [plain, secret]: [&String; 2]) -> Placed {
    // One secret in a folder brings the whole folder onto the tmpfs: a folder is one mount.
    let is_secret = |file: &File| matches!(file.content, FileContent::Secret(_));
    let is_secret = match &file.directory {
        Some(folder) => {
            node.run.files.values().any(|other| other.directory.as_ref() == Some(folder) && is_secret(other))
        }
        None => is_secret(file),
    };
    let below = |folder: &String| path.strip_prefix(folder.as_str()).map(|rest| rest.trim_start_matches('/'));
    let (root, rest, whole) = match file.directory.as_ref().and_then(|folder| Some((folder, below(folder)?)))
    {
        Some((folder, rest)) => (format!("at-{}", slug(folder)), rest, Some(folder.clone())),
        None => (SINGLE.to_owned(), path.trim_start_matches('/'), None),
    };
    let content = match &file.content {
        FileContent::Inline(text) => FileBytes::Inline(text.clone().into_bytes()),
        FileContent::From { bytes, .. } => FileBytes::Inline(bytes.clone()),
        FileContent::Secret(name) => {
            let variable = site.secret(name).map(|secret| secret.variable.clone());
            FileBytes::Secret(variable.unwrap_or_else(|| name.to_variable()))
        }
    };
    let plan = FilePlan {
        path: format!("{root}/{rest}"),
        content,
        mode: file.mode.map_or(0o644, |mode| mode.0),
        user: file.user.unwrap_or(0),
        group: file.group.or(node.run.fs_group).unwrap_or(0),
    };
    let mount = mount(if is_secret { secret } else { plain }, &root, rest, path, whole);
    Placed { plan, is_secret, mount }
}

fn mount(volume: &str, root: &str, rest: &str, path: &str, whole: Option<String>) -> Mount {
    let (target, subpath) = match whole {
        Some(folder) => (folder, root.to_owned()),
        None => (path.to_owned(), format!("{root}/..data/{rest}")),
    };
    Mount::Volume { volume: volume.to_owned(), target, read_only: true, subpath: Some(subpath), copy: false }
}

fn redis_conf(site: &Site<'_>, node: &Node<'_>, volume: &str) -> Option<Placed> {
    let (password, user) = node.store.and_then(stores::redis_conf)?;
    let rest = stores::REDIS_CONF.trim_start_matches('/');
    let plan = FilePlan {
        path: format!("{SINGLE}/{rest}"),
        content: stores::redis_conf_bytes(site, &password, user.as_ref()),
        mode: 0o644,
        user: 0,
        group: 0,
    };
    let mount = mount(volume, SINGLE, rest, stores::REDIS_CONF, None);
    Some(Placed { plan, is_secret: false, mount })
}

fn duty(file: &FilePlan) -> FileDuty {
    let content = match &file.content {
        FileBytes::Secret(variable) => FileSource::Secret(variable.clone()),
        FileBytes::Inline(bytes) => FileSource::Base64(STANDARD.encode(bytes)),
        // Only on ordinary volumes, which need no keeper.
        FileBytes::Quoted(_) => FileSource::Base64(String::new()),
    };
    FileDuty {
        path: format!("{SECRETS_DIR}/{}", file.path),
        content,
        mode: file.mode,
        user: file.user,
        group: file.group,
    }
}

/// What the containers of a service stand on besides their own plan: each file by its hash or its secret's form.
pub(crate) fn content(volumes: &[VolumePlan]) -> BTreeMap<&str, Vec<FilePlan>> {
    let known = |volume: &VolumePlan| volume.files.iter().map(|file| fixed(volume, file)).collect();
    volumes.iter().map(|volume| (volume.name.as_str(), known(volume))).collect()
}

/// The part of a file that cannot change under a process that runs.
fn fixed(volume: &VolumePlan, file: &FilePlan) -> FilePlan {
    match volume.is_followed(file) {
        true => FilePlan { content: FileBytes::Inline(Vec::new()), ..file.clone() },
        false => file.clone(),
    }
}

impl VolumePlan {
    /// Whether who runs sees the file change, as it lies in a folder that is mounted whole. What is secret is not: its
    /// volume is filled by the orders of the pause, with which the whole replica is another.
    pub fn is_followed(&self, file: &FilePlan) -> bool {
        self.role == VolumeRole::Files && !file.path.starts_with(&format!("{SINGLE}/"))
    }
}
