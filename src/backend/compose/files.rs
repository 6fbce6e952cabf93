//! Filling volumes with files, as the kubelet does it: a folder of the content's own name behind the link `..data`.
//!
//! ```text
//! ..0f3a…/app.conf      the files of one content
//! ..data -> ..0f3a…     swapped at once when the content changes
//! app.conf -> ..data/app.conf
//! ```
//! The first filling goes through the archive API on a container that is never started; a change is brought in the
//! same way and then swapped by a one-shot, for an archive cannot rename.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    io,
};

use bollard::{
    body_full,
    container::PathStatResponse,
    query_parameters::{
        ContainerArchiveInfoOptionsBuilder, ListContainersOptionsBuilder, UploadToContainerOptionsBuilder,
    },
};
use futures_util::future::try_join_all;
use tar::{Builder, EntryType, Header};

use super::{
    super::{BackendError, Result, SecretValues},
    Compose,
    oneshot::OneShot,
    trouble::{self, Doing as _},
};
use crate::{
    carry::{DATA_LINK, Filled, hidden_name, top_names},
    labels,
    plan::{Plan, VolumePlan},
};

/// The files of one folder of a volume, and the name of the hidden folder that holds them.
struct Content<'a> {
    /// `/v0/conf`, in the one-shot.
    root: String,
    files: Vec<Filled<'a>>,
    hidden: String,
}

impl Compose {
    /// Gives the roots of these volumes their owner and mode and fills them with their files; what is as it shall
    /// be is left alone.
    ///
    /// A volume in memory must be mounted by a running container, or its files would be gone at once.
    pub(super) async fn start_files(
        &self,
        plan: &Plan,
        names: &[String],
        secrets: &SecretValues,
    ) -> Result<()> {
        let mut volumes = Vec::new();
        for name in names {
            let volume = plan.volumes.iter().find(|volume| &volume.name == name);
            let volume = volume.ok_or_else(|| wrong(name, "the plan has no such volume"))?;
            if !volume.files.is_empty() && volume.memory.is_some() && !self.is_mounted(name).await? {
                return Err(wrong(name, "no running container holds this volume in memory mounted"));
            }
            volumes.push(volume);
        }
        if volumes.is_empty() {
            return Ok(());
        }
        let mut contents = Vec::new();
        for (at, volume) in volumes.iter().enumerate() {
            contents.extend(contents_of(volume, &place(at), secrets)?);
        }
        let id = self.make_oneshot(&one_shot(plan, &volumes, &contents)).await?;
        let done = self.fill_through(&id, &volumes, &contents).await;
        self.remove_container(&id).await?;
        done
    }

    async fn fill_through(&self, id: &str, volumes: &[&VolumePlan], contents: &[Content<'_>]) -> Result<()> {
        let links: Vec<_> = contents.iter().map(|content| format!("{}/{DATA_LINK}", content.root)).collect();
        let places: Vec<_> = (0..volumes.len()).map(place).collect();
        let (links, places) = tokio::try_join!(
            try_join_all(links.iter().map(|path| self.stat(id, path))),
            try_join_all(places.iter().map(|path| self.stat(id, path))),
        )?;
        let mut tar = Builder::new(Vec::new());
        let mut swap = false;
        let mut write = || -> io::Result<()> {
            for (at, (volume, present)) in volumes.iter().zip(&places).enumerate() {
                if let Some(mode) = root_mode(volume).filter(|mode| !has_mode(present.as_ref(), *mode)) {
                    directory(&mut tar, &place(at)[1..], mode, volume.group.unwrap_or(0))?;
                }
            }
            for (content, present) in contents.iter().zip(&links) {
                let target =
                    present.as_ref().map(|stat| stat.link_target.rsplit('/').next().unwrap_or_default());
                if target != Some(&content.hidden) {
                    swap |= target.is_some();
                    write_content(&mut tar, content, target.is_none())?;
                }
            }
            Ok(())
        };
        write().map_err(trouble::io("archive of files"))?;
        let tar = tar.into_inner().map_err(trouble::io("archive of files"))?;
        // Two empty blocks are an archive without an entry.
        if tar.len() <= 1024 {
            return Ok(());
        }
        self.put(id, "/", tar).await?;
        if swap { self.finish(id, "carry swap").await.map(|_| ()) } else { Ok(()) }
    }

    async fn put(&self, id: &str, folder: &str, tar: Vec<u8>) -> Result<()> {
        let options = UploadToContainerOptionsBuilder::new().path(folder).build();
        self.docker
            .upload_to_container(id, Some(options), body_full(tar.into()))
            .await
            .doing("filling volumes")
    }

    async fn stat(&self, id: &str, path: &str) -> Result<Option<PathStatResponse>> {
        let options = ContainerArchiveInfoOptionsBuilder::new().path(path).build();
        self.docker.get_container_archive_info(id, Some(options)).await.if_there(path)
    }

    async fn is_mounted(&self, volume: &str) -> Result<bool> {
        let filters = HashMap::from([("volume", vec![volume]), ("status", vec!["running"])]);
        let options = ListContainersOptionsBuilder::new().filters(&filters).build();
        let users = self.docker.list_containers(Some(options)).await.doing("list of containers")?;
        Ok(!users.is_empty())
    }
}

fn one_shot<'a>(plan: &Plan, volumes: &[&'a VolumePlan], contents: &[Content<'_>]) -> OneShot<'a> {
    let labels = [(labels::MIRROR, plan.mirror.to_string()), (labels::OWNER, plan.owner.clone())];
    let swaps = contents.iter().flat_map(|content| [content.root.clone(), content.hidden.clone()]);
    OneShot {
        mounts: volumes.iter().enumerate().map(|(at, volume)| (volume.name.as_str(), place(at))).collect(),
        args: ["carry", "swap"].map(str::to_owned).into_iter().chain(swaps).collect(),
        labels: labels.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
    }
}

fn wrong(volume: &str, why: &str) -> BackendError {
    BackendError::Engine { what: format!("files of volume {volume}"), why: why.to_owned() }
}

/// Where the one-shot mounts the volume with this number.
fn place(at: usize) -> String {
    format!("/v{at}")
}

/// The volume's files by the folder that holds them, `ROOT/REST` ([`crate::plan::FilePlan::path`]).
fn contents_of<'a>(volume: &'a VolumePlan, place: &str, secrets: &SecretValues) -> Result<Vec<Content<'a>>> {
    let mut folders: BTreeMap<&str, Vec<Filled>> = BTreeMap::new();
    for file in &volume.files {
        let (root, rest) =
            file.path.split_once('/').ok_or_else(|| wrong(&volume.name, "a file lies in no folder"))?;
        let bytes = file.content.fill(|variable| secrets.0.get(variable).cloned());
        let bytes =
            bytes.ok_or_else(|| wrong(&volume.name, &format!("a secret in {} has no value", file.path)))?;
        let filled = Filled { path: rest, bytes, mode: file.mode, user: file.user, group: file.group };
        folders.entry(root).or_default().push(filled);
    }
    let content = |(root, files): (&str, Vec<Filled<'a>>)| {
        let hidden = hidden_name(&files);
        Content { root: format!("{place}/{root}"), files, hidden }
    };
    Ok(folders.into_iter().map(content).collect())
}

/// The hidden folder; on the first filling `..data` and the links into it as well.
fn write_content(tar: &mut Builder<Vec<u8>>, content: &Content<'_>, first: bool) -> io::Result<()> {
    let root = &content.root[1..];
    let hidden = format!("{root}/{}", content.hidden);
    if first {
        directory(tar, root, 0o755, 0)?;
    }
    directory(tar, &hidden, 0o755, 0)?;
    let mut made = BTreeSet::new();
    for file in &content.files {
        for (end, _) in file.path.match_indices('/') {
            if made.insert(&file.path[..end]) {
                directory(tar, &format!("{hidden}/{}", &file.path[..end]), 0o755, 0)?;
            }
        }
        let mut header = header(EntryType::Regular, file.mode, file.user, file.group);
        header.set_size(file.bytes.len() as u64);
        tar.append_data(&mut header, format!("{hidden}/{}", file.path), file.bytes.as_slice())?;
    }
    if first {
        link(tar, &format!("{root}/{DATA_LINK}"), &content.hidden)?;
        for name in top_names(content.files.iter().map(|file| file.path)) {
            link(tar, &format!("{root}/{name}"), &format!("{DATA_LINK}/{name}"))?;
        }
    }
    Ok(())
}

/// What the volume's root shall be; a group of its own may write, and its files stay the group's.
fn root_mode(volume: &VolumePlan) -> Option<u32> {
    match volume.group {
        Some(_) => Some(volume.mode.unwrap_or(0o775) | 0o2070),
        None => volume.mode,
    }
}

/// The engine tells modes as Go writes them: permission bits below, the set-group bit far above.
fn has_mode(stat: Option<&PathStatResponse>, mode: u32) -> bool {
    const GO_SETGID: u32 = 1 << 22;
    let as_go = (mode & 0o777) | if mode & 0o2000 != 0 { GO_SETGID } else { 0 };
    stat.is_some_and(|stat| stat.file_mode & (0o777 | GO_SETGID) == as_go)
}

fn directory(tar: &mut Builder<Vec<u8>>, path: &str, mode: u32, group: u32) -> io::Result<()> {
    let mut header = header(EntryType::Directory, mode, 0, group);
    tar.append_data(&mut header, format!("{path}/"), io::empty())
}

fn link(tar: &mut Builder<Vec<u8>>, path: &str, target: &str) -> io::Result<()> {
    let mut header = header(EntryType::Symlink, 0o777, 0, 0);
    tar.append_link(&mut header, path, target)
}

fn header(kind: EntryType, mode: u32, user: u32, group: u32) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_uid(user.into());
    header.set_gid(group.into());
    header.set_mtime(0);
    header.set_size(0);
    header
}
