//! Clusters of our own: a real Kubernetes in containers of the local engine, made by the program `kind`.
//!
//! A node's container carries no label of ours, so a cluster is ours by its name, [`ClusterName`]. No file remembers
//! it: the program reads the clusters from the engine, and the credentials from the control plane's node.

mod name;
mod shape;

use std::{ffi::OsStr, path::PathBuf};

pub use name::ClusterName;
pub use shape::{NodeShape, Shape};

use super::{BackendError, Result, SecretValues, program::Program};
use crate::labels;

/// The public image whose role an image for nodes plays that was made here.
const NODE_ROLE: &str = "docker.io/kindest/node";
/// How long the program itself waits until the control plane is ready. It only warns when that is over: whoever needs
/// the nodes waits for them by the cluster's own word.
const READY_WITHIN: &str = "120s";

/// What the caller knows; nothing is read from the environment here.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `kind` or its path.
    pub kind: PathBuf,
    /// The `docker` command, as kind calls it: by the `PATH` below.
    pub docker: PathBuf,
    /// Our own file, whose `tether` ends the programs when we die; `None` where it cannot be run.
    pub self_exe: Option<PathBuf>,
    /// All that the programs find in their environment.
    pub environment: Vec<(String, String)>,
}

/// The clusters of this engine.
#[derive(Clone, Debug)]
pub struct Kind {
    program: Program,
    docker: Program,
}

impl Kind {
    pub fn new(settings: Settings) -> Self {
        let Settings { kind, docker, self_exe, environment } = settings;
        let program = |path| Program {
            path,
            self_exe: self_exe.clone(),
            environment: environment.clone(),
            shown: Vec::new(),
        };
        Self { program: program(kind), docker: program(docker) }
    }

    /// Makes a cluster; one of that name that is there already is kept as it is, whatever its shape.
    ///
    /// Cut off, it leaves nodes behind, which [`Kind::delete`] removes. The caller's own kubeconfig is not touched.
    ///
    /// # Errors
    /// [`BackendError::Command`] with the program's last words.
    pub async fn create(&self, name: &ClusterName, shape: &Shape) -> Result<()> {
        if self.list().await?.contains(name) {
            return Ok(());
        }
        let config = tempfile::NamedTempFile::new().map_err(io("kind's configuration"))?;
        std::fs::write(config.path(), shape.to_string()).map_err(io("kind's configuration"))?;
        let kubeconfig = Aside::new()?;
        self.run(&[
            &"create",
            &"cluster",
            &"--name",
            name,
            &"--config",
            &config.path(),
            &"--kubeconfig",
            &kubeconfig.path(),
            &"--wait",
            &READY_WITHIN,
        ])
        .await
        .map(|_| ())
    }

    /// Removes a cluster with its nodes and their volumes; one that is not there is no error.
    pub async fn delete(&self, name: &ClusterName) -> Result<()> {
        let kubeconfig = Aside::new()?;
        self.run(&[&"delete", &"cluster", &"--name", name, &"--kubeconfig", &kubeconfig.path()])
            .await
            .map(|_| ())
    }

    /// Every cluster of ours, of any owner, in order of name.
    pub async fn list(&self) -> Result<Vec<ClusterName>> {
        let printed = self.run(&[&"get", &"clusters", &"--quiet"]).await?;
        let mut names: Vec<_> = printed.lines().filter_map(ClusterName::read).collect();
        names.sort();
        Ok(names)
    }

    /// How the cluster is reached, as the text of a kubeconfig whose one context is [`ClusterName::context`].
    ///
    /// It holds a key to the whole cluster: keep it in memory.
    pub async fn credentials(&self, name: &ClusterName) -> Result<String> {
        self.run(&[&"get", &"kubeconfig", &"--name", name]).await
    }

    /// The image for nodes that was made on this machine, the youngest where there are several; where there is none,
    /// kind knows a public one.
    pub async fn node_image(&self) -> Result<Option<String>> {
        let filter = format!("label={}={NODE_ROLE}", labels::ROLE);
        let words = ["image", "ls", "--filter", &filter, "--format", "{{.Repository}}:{{.Tag}}"];
        let printed = self.docker.run(&words, &SecretValues::default()).await?;
        // One that was replaced has lost its name.
        Ok(printed.lines().find(|line| !line.contains("<none>")).map(str::to_owned))
    }

    /// Brings images of this engine into every node, by one archive. They are known there by these references alone:
    /// the digest that an image has in the engine is not kept, so a reference by digest is refused.
    ///
    /// # Errors
    /// [`BackendError::Image`] for a reference by digest, [`BackendError::Command`] for one that is not here.
    pub async fn load(&self, name: &ClusterName, images: &[&str]) -> Result<()> {
        if let Some(image) = images.iter().find(|image| image.contains('@')) {
            let why = "a node cannot be given an image by digest: give it a tag".to_owned();
            return Err(BackendError::Image { image: (*image).to_owned(), why });
        }
        let archive = tempfile::NamedTempFile::new().map_err(io("an archive of images"))?;
        let mut words: Vec<&(dyn AsRef<OsStr> + Sync)> = vec![&"save", &"--output"];
        let path = archive.path();
        words.push(&path);
        words.extend(images.iter().map(|image| image as &(dyn AsRef<OsStr> + Sync)));
        self.docker.run(&words, &SecretValues::default()).await?;
        self.run(&[&"load", &"image-archive", &path, &"--name", name]).await.map(|_| ())
    }

    async fn run(&self, words: &[&(dyn AsRef<OsStr> + Sync)]) -> Result<String> {
        self.program.run(words, &SecretValues::default()).await
    }
}

/// A kubeconfig for the program to write and forget, so that it leaves the caller's alone. It locks the file beside it.
struct Aside(tempfile::TempDir);

impl Aside {
    fn new() -> Result<Self> {
        tempfile::tempdir().map(Self).map_err(io("a folder for kind's kubeconfig"))
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("kubeconfig")
    }
}

fn io(what: &str) -> impl FnOnce(std::io::Error) -> BackendError {
    let what = what.to_owned();
    move |source| BackendError::Io { what, source }
}
