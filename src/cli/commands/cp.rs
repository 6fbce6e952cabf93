use std::{
    io::Read,
    path::{Path, PathBuf},
};

use clap::Args;
use futures_util::TryStreamExt;
use prodmirror::backend::{Backend, PathKind, TarStream, Target};
use tokio_util::io::{StreamReader, SyncIoBridge};

use crate::cli::{failure::Failure, host::Host, naming, ui::Ui};

/// Copy files between a replica and this host
///
/// As `docker compose cp`: into a folder that is there, else under the name given.
///
/// Examples:
///   prodmirror cp shop api:/tmp/heap.txt .
///   prodmirror cp shop ./fixture.json api/1:/tmp/
#[derive(Debug, Args)]
pub struct Cp {
    /// A mirror's name, a profile's path, or `.`
    #[arg(value_name = "NAME")]
    name: String,
    /// SERVICE[/ORDINAL]:/PATH, or a path here
    #[arg(value_name = "SOURCE")]
    source: String,
    /// A path here, or SERVICE[/ORDINAL]:/PATH
    #[arg(value_name = "DEST")]
    destination: String,
}

enum Side {
    Here(PathBuf),
    There(String, String),
}

fn side(text: &str) -> Side {
    match text.split_once(':') {
        Some((service, path)) if !service.is_empty() && !text.starts_with(['.', '/']) => {
            Side::There(service.to_owned(), path.to_owned())
        }
        _ => Side::Here(PathBuf::from(text)),
    }
}

impl Cp {
    pub async fn run(&self, ui: &Ui) -> Result<u8, Failure> {
        let host = Host::read()?;
        let backend = host.connect().await?;
        let mirror = naming::mirror(&host, &*backend, Some(&self.name)).await?;
        let (part, path, local, out) = match (side(&self.source), side(&self.destination)) {
            (Side::There(part, path), Side::Here(local)) => (part, path, local, true),
            (Side::Here(local), Side::There(part, path)) => (part, path, local, false),
            _ => {
                return Err(Failure::usage("cp", "exactly one side is SERVICE:/PATH")
                    .hint("prodmirror cp shop api:/tmp/heap.txt ."));
            }
        };
        let (service, ordinal) = naming::replica(&part)?;
        naming::must_exist(&*backend, &mirror, &service, ordinal).await?;
        let target = Target { mirror, service, ordinal, container: None };
        if out {
            bring_out(&*backend, &target, &path, &local).await?;
        } else {
            bring_in(&*backend, &target, &local, &path).await?;
        }
        ui.say("copied");
        Ok(0)
    }
}

async fn bring_out(backend: &dyn Backend, target: &Target, path: &str, local: &Path) -> Result<(), Failure> {
    let tar = backend.copy_from(target, path).await?;
    let local = local.to_path_buf();
    let unpacked = tokio::task::spawn_blocking(move || unpack(tar, &local)).await;
    let failed = |why: String| Failure::tool("cp", format!("{path}: {why}"));
    unpacked.map_err(|error| failed(error.to_string()))?.map_err(|error| failed(error.to_string()))
}

/// Unpacks what the engine sent; every entry begins with the last name of the path.
fn unpack(tar: TarStream, local: &Path) -> std::io::Result<()> {
    let reader: Box<dyn Read> =
        Box::new(SyncIoBridge::new(StreamReader::new(tar.map_err(std::io::Error::other))));
    let mut archive = tar::Archive::new(reader);
    archive.set_preserve_permissions(true);
    if local.is_dir() {
        // `unpack_in` refuses what would lead out of the folder.
        for entry in archive.entries()? {
            entry?.unpack_in(local)?;
        }
        return Ok(());
    }
    let folder =
        local.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    let staging = tempfile::tempdir_in(folder)?;
    let mut first = None;
    for entry in archive.entries()? {
        let mut entry = entry?;
        let name = entry.path()?.components().next().map(|part| part.as_os_str().to_owned());
        first = first.or(name);
        entry.unpack_in(staging.path())?;
    }
    let first = first.ok_or_else(|| std::io::Error::other("there is nothing"))?;
    std::fs::rename(staging.path().join(first), local)
}

async fn bring_in(backend: &dyn Backend, target: &Target, local: &Path, path: &str) -> Result<(), Failure> {
    let unreadable =
        |error: std::io::Error| Failure::input("unreadable", format!("{}: {error}", local.display()));
    let kind = std::fs::metadata(local).map_err(unreadable)?;
    let own = std::fs::canonicalize(local).map_err(unreadable)?;
    let own = own.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let into_folder = backend.path_kind(target, path).await? == Some(PathKind::Folder);
    let (folder, name) = match (into_folder, path.rsplit_once('/')) {
        (true, _) => (path.to_owned(), own),
        (false, Some((folder, name))) if !name.is_empty() => (format!("{folder}/"), name.to_owned()),
        _ => return Err(Failure::usage("cp", format!("there is no folder {path} in {}", target.service))),
    };
    let (reader, writer) = tokio::io::duplex(1 << 18);
    let local = local.to_path_buf();
    let pack = tokio::task::spawn_blocking(move || {
        let mut bridge = SyncIoBridge::new(writer);
        let mut tar = tar::Builder::new(&mut bridge);
        tar.follow_symlinks(false);
        if kind.is_dir() {
            tar.append_dir_all(&name, &local)?;
        } else {
            tar.append_path_with_name(&local, &name)?;
        }
        tar.finish()?;
        drop(tar);
        bridge.shutdown()
    });
    let sent = backend.copy_to(target, &folder, Box::pin(reader)).await;
    let packed = pack.await.map_err(|error| Failure::tool("cp", error.to_string()))?;
    sent?;
    packed.map_err(|error| Failure::tool("cp", error.to_string()))
}
