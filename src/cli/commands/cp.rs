use std::{
    fs, io,
    io::{IsTerminal, Read},
    path::{Path, PathBuf},
};

use clap::Args;
use futures_util::{StreamExt, TryStreamExt};
use prodmirror::backend::{Backend, PathKind, TarStream, Target};
use tokio::io::AsyncWriteExt;
use tokio_util::io::{StreamReader, SyncIoBridge};

use crate::cli::{
    failure::Failure,
    host::Host,
    landing::{Landing, Source, There, is_content, landing},
    naming,
    options::PlaceArgs,
    ui::Ui,
};

/// Copy files between a replica and this host
///
/// As `docker compose cp`: into a folder that is there, else under the name given; `FOLDER/.` is what
/// the folder holds; `-` is a tar archive on standard input or output. A path here with a colon in it
/// begins with `./` or `/`. Owners and modes are kept on the way in, modes on the way out.
///
/// Examples:
///   prodmirror cp shop api:/tmp/heap.txt .
///   prodmirror cp shop ./fixture.json api/1:/tmp/
///   prodmirror cp shop api:/etc/ssl - | tar -t
#[derive(Debug, Args)]
pub struct Cp {
    /// A mirror's name, a profile's path, or `.`
    #[arg(value_name = "NAME")]
    name: String,
    /// SERVICE[/ORDINAL]:/PATH, a path here, or `-`
    #[arg(value_name = "SOURCE")]
    source: String,
    /// A path here, SERVICE[/ORDINAL]:/PATH, or `-`
    #[arg(value_name = "DEST")]
    destination: String,
    /// Copy what a link leads to, and not the link
    #[arg(short = 'L', long)]
    follow_link: bool,
    /// Accepted: owners are kept where they can be
    #[arg(short = 'a', long, hide = true)]
    archive: bool,
    #[command(flatten)]
    place: PlaceArgs,
}

enum Side {
    Here(String),
    There(String, String),
}

/// As Docker tells them apart: what begins with `.` or `/` is here.
fn side(text: &str) -> Side {
    match text.split_once(':') {
        Some((part, path)) if !part.is_empty() && !text.starts_with(['.', '/']) => {
            let root = if path.starts_with('/') { "" } else { "/" };
            Side::There(part.to_owned(), format!("{root}{path}"))
        }
        _ => Side::Here(text.to_owned()),
    }
}

impl Cp {
    pub async fn run(&self, ui: &Ui) -> Result<u8, Failure> {
        let (part, path, here, out) = match (side(&self.source), side(&self.destination)) {
            (Side::There(part, path), Side::Here(here)) => (part, path, here, true),
            (Side::Here(here), Side::There(part, path)) => (part, path, here, false),
            _ => {
                return Err(Failure::usage("cp", "exactly one side is SERVICE:/PATH")
                    .hint("prodmirror cp shop api:/tmp/heap.txt ."));
            }
        };
        let (service, ordinal) = naming::replica(&part)
            .map_err(|failure| failure.hint("a path here with a colon in it begins with ./ or /"))?;
        let host = Host::read()?;
        let (backend, mirror) = naming::find(&host, &self.place, Some(&self.name)).await?;
        naming::must_exist(&*backend, &mirror, &service, ordinal).await?;
        let target = Target { mirror, service, ordinal, container: None };
        let remote = Remote { backend: &*backend, target: &target };
        match (out, here.as_str()) {
            (true, "-") => return remote.give_archive(&path, self.follow_link).await.map(|()| 0),
            (true, here) => remote.bring_out(&path, here, self.follow_link).await?,
            (false, "-") => remote.take_archive(&path).await?,
            (false, here) => remote.bring_in(here, &path, self.follow_link).await?,
        }
        ui.say("copied");
        Ok(0)
    }
}

/// The replica's side of a copy.
struct Remote<'a> {
    backend: &'a dyn Backend,
    target: &'a Target,
}

impl Remote<'_> {
    async fn there(&self, path: &str) -> Result<(String, There), Failure> {
        let mut path = path.to_owned();
        let mut kind = self.backend.path_kind(self.target, &path).await?;
        if let Some(PathKind::Link(to)) = kind {
            kind = self.backend.path_kind(self.target, &to).await?;
            path = to;
        }
        let there = match kind {
            None => There::Nothing,
            Some(PathKind::Folder) => There::Folder,
            Some(PathKind::File | PathKind::Link(_)) => There::File,
        };
        Ok((path, there))
    }

    /// What is copied from there: its path, links followed if that was asked for.
    async fn source(&self, path: &str, follow: bool) -> Result<(String, Source), Failure> {
        let missing = || Failure::tool("cp", format!("there is no {path} in {}", self.target.service));
        match self.backend.path_kind(self.target, path).await?.ok_or_else(missing)? {
            PathKind::Link(to) if follow => {
                let (to, there) = self.there(&to).await?;
                // Under the link's own name, as Docker has it.
                Ok((to, Source::new(path, there == There::Folder)))
            }
            kind => Ok((path.to_owned(), Source::new(path, kind == PathKind::Folder))),
        }
    }

    async fn give_archive(&self, path: &str, follow: bool) -> Result<(), Failure> {
        if io::stdout().is_terminal() {
            return Err(Failure::usage("cp", "a tar archive is nothing for a terminal")
                .hint("pass it on: … - | tar -t"));
        }
        let (path, _) = self.source(path, follow).await?;
        let mut tar = self.backend.copy_from(self.target, &path).await?;
        let mut out = tokio::io::stdout();
        let failed = |error: io::Error| Failure::tool("cp", format!("{path}: {error}"));
        while let Some(part) = tar.next().await {
            out.write_all(&part.map_err(failed)?).await.map_err(failed)?;
        }
        out.flush().await.map_err(failed)
    }

    async fn take_archive(&self, path: &str) -> Result<(), Failure> {
        let (path, there) = self.there(path).await?;
        if there != There::Folder {
            return Err(Failure::usage(
                "cp",
                format!("there is no folder {path} in {}", self.target.service),
            )
            .hint("an archive is unpacked into a folder that is there"));
        }
        Ok(self.backend.copy_to(self.target, &path, Box::pin(tokio::io::stdin())).await?)
    }

    async fn bring_out(&self, path: &str, here: &str, follow: bool) -> Result<(), Failure> {
        let (from, source) = self.source(path, follow).await?;
        // A link here is followed, also one that leads nowhere yet.
        let here = match fs::read_link(here) {
            Ok(to) => {
                Path::new(here).parent().unwrap_or(Path::new(".")).join(to).to_string_lossy().into_owned()
            }
            Err(_) => here.to_owned(),
        };
        let there = match fs::metadata(&here) {
            Ok(found) if found.is_dir() => There::Folder,
            Ok(_) => There::File,
            Err(error) if error.kind() == io::ErrorKind::NotFound => There::Nothing,
            Err(error) => return Err(unreadable(Path::new(&here), &error)),
        };
        let landing = landing(&source, &here, there)?;
        if !Path::new(&landing.folder).is_dir() {
            return Err(Failure::usage("cp", format!("there is no folder {} here", landing.folder)));
        }
        let tar = self.backend.copy_from(self.target, &from).await?;
        // What a link led to comes under a name of its own.
        let whole = there == There::Folder && from == path;
        let content = source.name == ".";
        let unpacked = tokio::task::spawn_blocking(move || match (whole, content) {
            (true, _) => unpack_into(tar, Path::new(&landing.folder)),
            (false, true) => unpack_as_new(tar, &landing),
            (false, false) => unpack_as(tar, &landing),
        });
        let unpacked = unpacked.await;
        let failed = |why: String| Failure::tool("cp", format!("{path}: {why}"));
        unpacked.map_err(|error| failed(error.to_string()))?.map_err(|error| failed(chain(&error)))
    }

    async fn bring_in(&self, here: &str, path: &str, follow: bool) -> Result<(), Failure> {
        let local = PathBuf::from(here);
        // A slash at the end, or what a folder holds, goes through a link.
        let through = follow || here.ends_with('/') || is_content(here);
        let kind = if through { fs::metadata(&local) } else { fs::symlink_metadata(&local) };
        let kind = kind.map_err(|error| unreadable(&local, &error))?;
        let mut source = Source::new(here, kind.is_dir());
        if source.name == ".." {
            let whole = fs::canonicalize(&local).map_err(|error| unreadable(&local, &error))?;
            source = Source::new(&whole.to_string_lossy(), true);
        }
        let (path, there) = self.there(path).await?;
        let Landing { folder, name } = landing(&source, &path, there)?;
        let (reader, writer) = tokio::io::duplex(1 << 18);
        let pack = tokio::task::spawn_blocking(move || {
            let mut bridge = SyncIoBridge::new(writer);
            let mut tar = tar::Builder::new(&mut bridge);
            tar.follow_symlinks(false);
            // The engine does not unpack sparse files.
            tar.sparse(false);
            if kind.is_dir() {
                tar.append_dir_all(&name, &local)?;
            } else {
                let local = if follow { fs::canonicalize(&local)? } else { local };
                tar.append_path_with_name(&local, &name)?;
            }
            tar.finish()?;
            drop(tar);
            bridge.shutdown()
        });
        let sent = self.backend.copy_to(self.target, &folder, Box::pin(reader)).await;
        let packed = pack.await.map_err(|error| Failure::tool("cp", error.to_string()))?;
        // What could not be read here explains what was missing there.
        match packed {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                Err(Failure::input("unreadable", chain(&error)))
            }
            _ => Ok(sent?),
        }
    }
}

fn unreadable(path: &Path, error: &io::Error) -> Failure {
    Failure::input("unreadable", format!("{}: {error}", path.display()))
}

/// An error with its causes: the archive's own say only which entry it was.
fn chain(error: &io::Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}

/// Unpacks what the engine sent, whose entries all begin with the last name of the path; owners become the caller's.
///
/// Refuses what would lead out of the folder, and gives folders their modes last.
fn unpack_into(tar: TarStream, folder: &Path) -> io::Result<()> {
    let reader: Box<dyn Read> = Box::new(SyncIoBridge::new(StreamReader::new(tar.map_err(io::Error::other))));
    let mut archive = tar::Archive::new(reader);
    archive.set_preserve_permissions(true);
    archive.unpack(folder)
}

/// What a folder holds, in a folder that is made for it.
fn unpack_as_new(tar: TarStream, landing: &Landing) -> io::Result<()> {
    let folder = Path::new(&landing.folder).join(&landing.name);
    fs::create_dir(&folder)?;
    unpack_into(tar, &folder)
}

/// Under another name: beside, and then moved there.
fn unpack_as(tar: TarStream, landing: &Landing) -> io::Result<()> {
    let folder = Path::new(&landing.folder);
    let staging = tempfile::tempdir_in(folder)?;
    unpack_into(tar, staging.path())?;
    let mut found = fs::read_dir(staging.path())?;
    let first = found.next().ok_or_else(|| io::Error::other("there is nothing"))??;
    fs::rename(first.path(), folder.join(&landing.name))
}
