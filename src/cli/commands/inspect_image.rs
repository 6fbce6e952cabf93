use std::path::{Path, PathBuf};

use clap::Args;
use prodmirror::{
    backend::BackendError,
    image::{self, Image},
    layers::{self, Wanted},
};
use tokio_util::io::{StreamReader, SyncIoBridge};

use crate::cli::{
    failure::{Failure, exit},
    host::Host,
    ui::Ui,
};

/// What differs inside two images, read from their layers; nothing of them runs
///
/// C library, zone data and packages first, then runtimes, operating system, configuration, locale, users and files by
/// layer. An image is one of the engine by name or id, an archive of `docker save`, or an OCI layout in a folder or a
/// tar. Exit 0 when they hold the same, 1 when they differ, 6 when only what cannot be read is left.
///
/// Examples:
///   prodmirror inspect-image postgres:15 postgres:16
///   prodmirror inspect-image ./prod.tar shop-api:dev --all
///   prodmirror inspect-image ./layout#1.2 ./layout#1.3 --platform linux/arm64 --format json
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub struct InspectImage {
    /// IMAGE, FILE or FOLDER; `FILE#NAME` picks one of several in it, `image:NAME` is never a file
    #[arg(value_name = "A")]
    a: String,
    #[arg(value_name = "B")]
    b: String,
    /// Where an archive has several, as `linux/arm64`; this machine's by default
    #[arg(long, value_name = "OS/ARCH", env = "PRODMIRROR_PLATFORM", hide_env = true)]
    platform: Option<String>,
    /// Every package and every file instead of the first of each group
    #[arg(long, env = "PRODMIRROR_ALL", hide_env = true)]
    all: bool,
}

enum Source {
    Path { path: PathBuf, name: Option<String> },
    Engine(String),
}

impl InspectImage {
    pub async fn run(&self, ui: &Ui) -> Result<u8, Failure> {
        let (a, b) = tokio::try_join!(self.read(&self.a, ui), self.read(&self.b, ui))?;
        let diff = image::compare(&a, &b);
        if ui.is_json() {
            ui.document("ImageDiff", &diff);
        } else {
            ui.data(&image::text(&diff, self.all));
        }
        Ok(match (diff.differs(), diff.incomparable.is_empty()) {
            (true, _) => exit::NO,
            (false, true) => 0,
            (false, false) => exit::INCONCLUSIVE,
        })
    }

    async fn read(&self, given: &str, ui: &Ui) -> Result<Image, Failure> {
        let source = source(given)?;
        let reference = match &source {
            Source::Path { name, .. } => name.clone(),
            Source::Engine(_) => None,
        };
        let wanted = Wanted { reference, platform: self.platform.clone(), usual: usual() };
        let name = given.to_owned();
        let read = match source {
            Source::Path { path, .. } => {
                tokio::task::spawn_blocking(move || layers::read_path(&name, &path, &wanted)).await
            }
            Source::Engine(reference) => {
                ui.say(format!("reading {reference} from the engine"));
                let engine = Host::read()?.engine().await?;
                let archive = engine.image_archive(&reference).await;
                let archive = archive.map_err(|error| absent(error, &reference))?;
                let stream = SyncIoBridge::new(StreamReader::new(Box::pin(archive)));
                tokio::task::spawn_blocking(move || layers::read_stream(&name, stream, &wanted)).await
            }
        };
        Ok(read.map_err(|error| Failure::tool("io", format!("{given}: {error}")))??)
    }
}

/// A file or a folder that exists, else an image of the engine.
fn source(given: &str) -> Result<Source, Failure> {
    if let Some(image) = given.strip_prefix("image:") {
        return Ok(Source::Engine(image.to_owned()));
    }
    if Path::new(given).exists() {
        return Ok(Source::Path { path: PathBuf::from(given), name: None });
    }
    if let Some((path, name)) = given.rsplit_once('#') {
        let path = PathBuf::from(path);
        if path.exists() {
            return Ok(Source::Path { path, name: Some(name.to_owned()) });
        }
    }
    let is_path = given.starts_with(['.', '/']) || given.ends_with(".tar") || given.contains('#');
    if is_path {
        return Err(Failure::input("unreadable", format!("{given}: there is no such file or folder")));
    }
    Ok(Source::Engine(given.to_owned()))
}

fn absent(error: BackendError, reference: &str) -> Failure {
    match error {
        BackendError::Image { .. } => Failure::usage("no-image", error.to_string()).hint(format!(
            "`docker pull {reference}` brings it; a file of `docker save` or a folder does as well"
        )),
        error => error.into(),
    }
}

/// This machine's platform in the words of OCI.
fn usual() -> String {
    let architecture = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        "x86" => "386",
        other => other,
    };
    format!("linux/{architecture}")
}
