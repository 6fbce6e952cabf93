//! Clusters of our own: a real Kubernetes in containers of the local engine, made by the program `kind`.
//!
//! A node's container carries no label of ours, so a cluster is ours by its name, [`ClusterName`]. No file of this host
//! remembers it: the program reads the clusters from the engine, and the credentials from the control plane's node,
//! which has a [`Mark`] as well that the cluster was made to its end.
//!
//! [`Kind::ensure`] is how a mirror comes by one: mirrors of one owner whose [`ClusterShape`] is equal share it.
//! [`NodesOf`] is how its nodes come by images: from the engine what is there, else through a [`Cache`].

mod cache;
mod config;
mod ensure;
mod facts;
mod images;
mod list;
mod lock;
mod machine;
mod mark;
mod name;
mod nodes;
mod supply;
mod through;
mod upstream;

use std::{ffi::OsStr, path::PathBuf, sync::Arc};

use tokio::sync::OnceCell;

pub use cache::Cache;
pub use ensure::InUse;
pub use images::NodeImages;
pub use list::KindCluster;
pub use machine::Machine;
pub use mark::Mark;
pub use name::ClusterName;
pub use nodes::CLUSTER;
pub use supply::NodesOf;
pub use through::Through;

use super::{BackendError, Result, SecretValues, program::Program};
use crate::{labels, plan::kubernetes::ClusterShape};

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
    /// Where processes of this host keep out of each other's way; nothing in it is needed later.
    pub state_dir: PathBuf,
}

/// The clusters of this engine.
#[derive(Clone, Debug)]
pub struct Kind {
    program: Program,
    docker: Program,
    state_dir: PathBuf,
    machine: Arc<OnceCell<Machine>>,
}

impl Kind {
    pub fn new(settings: Settings) -> Self {
        let Settings { kind, docker, self_exe, environment, state_dir } = settings;
        let program = |path| Program {
            path,
            self_exe: self_exe.clone(),
            environment: environment.clone(),
            shown: Vec::new(),
        };
        Self { program: program(kind), docker: program(docker), state_dir, machine: Arc::default() }
    }

    /// Makes a cluster of which nothing is there, and waits until its control plane is ready.
    ///
    /// Cut off, it leaves nodes behind, which [`Kind::delete`] removes. The caller's own kubeconfig is not touched.
    async fn create(&self, name: &ClusterName, shape: &ClusterShape) -> Result<()> {
        let config = tempfile::NamedTempFile::new().map_err(io("kind's configuration"))?;
        std::fs::write(config.path(), config::config(shape)).map_err(io("kind's configuration"))?;
        let kubeconfig = Aside::new()?;
        let words: [&(dyn AsRef<OsStr> + Sync); 10] = [
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
        ];
        self.run(&words).await.map(|_| ())
    }

    /// Removes a cluster with its nodes and their volumes; one that is not there is no error.
    pub async fn delete(&self, name: &ClusterName) -> Result<()> {
        let kubeconfig = Aside::new()?;
        self.run(&[&"delete", &"cluster", &"--name", name, &"--kubeconfig", &kubeconfig.path()])
            .await
            .map(|_| ())
    }

    /// The name of every cluster of ours, of any owner, in order.
    pub async fn names(&self) -> Result<Vec<ClusterName>> {
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
        self.role(NODE_ROLE).await
    }

    /// The youngest image that plays the role of a public one.
    async fn role(&self, role: &str) -> Result<Option<String>> {
        let filter = format!("label={}={role}", labels::ROLE);
        let words = ["image", "ls", "--filter", &filter, "--format", "{{.Repository}}:{{.Tag}}"];
        let printed = self.docker.run(&words, &SecretValues::default()).await?;
        // One that was replaced has lost its name.
        Ok(printed.lines().find(|line| !line.contains("<none>")).map(str::to_owned))
    }

    async fn run(&self, words: &[&(dyn AsRef<OsStr> + Sync)]) -> Result<String> {
        self.program.run(words, &SecretValues::default()).await
    }

    async fn docker(&self, words: &[&(dyn AsRef<OsStr> + Sync)]) -> Result<String> {
        self.docker.run(words, &SecretValues::default()).await
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
