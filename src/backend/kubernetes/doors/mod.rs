//! The ports of a mirror on this host's loopback, kept open by a process of their own.
//!
//! A port of a cluster's is one of this host's for as long as a process forwards it, and an `up` ends. So
//! `prodmirror forward` goes on: it opens every door of a mirror, ends when the mirror's namespace is gone, and is
//! found by its socket, where it says itself what it keeps: no file has to be trusted. Kind has the same. Ports of its
//! nodes on this host are fixed when a cluster is made, and many mirrors share one.

mod keep;
mod order;

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use kube::ResourceExt as _;
use serde::{Deserialize, Serialize};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::UnixStream,
};

pub(in crate::backend) use keep::keep;
pub(in crate::backend) use order::{Answer, Order};

use super::{Cluster, ClusterError, Result};
use crate::{
    backend::{Endpoint, program::Program},
    digest,
    formats::doors::Door,
    readers::kubeconfig::Kubeconfig,
};

/// How long a process that was just started may take to open its doors.
const OPENS_WITHIN: Duration = Duration::from_secs(30);
/// Between two looks at what another process is about to do.
const PAUSE: Duration = Duration::from_millis(50);
/// A process that is there answers at once.
const ANSWERS_WITHIN: Duration = Duration::from_secs(5);

/// The doors of this host's mirrors.
#[derive(Clone, Debug)]
pub struct Doors {
    program: Program,
    folder: PathBuf,
}

/// What a process says of itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(in crate::backend) struct Kept {
    /// Of the mirror's namespace: one of the same name that is made anew is another mirror.
    pub(super) uid: String,
    pub(super) open: Vec<Open>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Open {
    pub(super) door: Door,
    pub(super) address: SocketAddr,
}

impl Doors {
    /// `own` is our own file; `environment` is all that it finds there, as what a kubeconfig's programs need;
    /// `state_dir` holds sockets, and nothing that is needed later.
    pub fn new(own: PathBuf, environment: Vec<(String, String)>, state_dir: &Path) -> Self {
        let program = Program { path: own, self_exe: None, environment, shown: Vec::new() };
        Self { program, folder: state_dir.join("forward") }
    }

    /// The addresses of a mirror's doors, in their order. The process that keeps them is started where there is none,
    /// and replaced where it keeps others, on the ports that it had as far as they are free.
    ///
    /// Connections go through Kubernetes' port forward, which has TCP alone.
    ///
    /// # Errors
    /// [`ClusterError::Api`] where the namespace is not there, or the process cannot be started or says why not.
    pub async fn open(
        &self,
        cluster: &Cluster,
        way: &Kubeconfig,
        namespace: &str,
        doors: &[Door],
    ) -> Result<Vec<Endpoint>> {
        let what = format!("ports of namespace `{namespace}`");
        let bad = |why: String| ClusterError::Api { what: what.clone(), why };
        let space = cluster.namespace(namespace).await?;
        let uid = space.and_then(|space| space.uid()).ok_or_else(|| bad("it is not there".to_owned()))?;
        let place = Place::of(&self.folder, cluster.context(), namespace);
        place.prepare().map_err(|error| bad(error.to_string()))?;
        // One at a time starts or replaces.
        let _turn = place.turn().await.map_err(|error| bad(error.to_string()))?;
        if let Some(kept) = place.ask().await {
            if kept.uid == uid && kept.open.iter().map(|open| &open.door).eq(doors) {
                return Ok(kept.endpoints());
            }
            place.end().await;
        }
        let order = Order {
            way: way.absolute().map_err(|error| bad(error.to_string()))?,
            context: cluster.context().to_owned(),
            namespace: namespace.to_owned(),
            uid,
            doors: doors.to_vec(),
            place,
        };
        let order = serde_json::to_vec(&order).map_err(|error| bad(error.to_string()))?;
        match tokio::time::timeout(OPENS_WITHIN, self.start(&order)).await {
            Ok(Ok(Answer::Opened(kept))) => Ok(kept.endpoints()),
            Ok(Ok(Answer::Failed(why))) => Err(bad(why)),
            Ok(Err(error)) => Err(bad(error.to_string())),
            Err(_) => Err(bad(format!("they are not open after {} s", OPENS_WITHIN.as_secs()))),
        }
    }

    /// Closes a mirror's doors; where none are open that is no error. They close by themselves when its namespace is
    /// gone: this is for a mirror that is stopped.
    pub async fn close(&self, context: &str, namespace: &str) {
        let place = Place::of(&self.folder, context, namespace);
        if let Ok(_turn) = place.turn().await {
            place.end().await;
        }
    }

    async fn start(&self, order: &[u8]) -> std::io::Result<Answer> {
        let mut child = self.program.detach(&["forward"])?;
        if let Some(mut stdin) = child.stdin.take() {
            stdin.write_all(order).await?;
        }
        let mut line = String::new();
        if let Some(stdout) = child.stdout.take() {
            BufReader::new(stdout).read_line(&mut line).await?;
        }
        serde_json::from_str(&line)
            .map_err(|_| std::io::Error::other("`prodmirror forward` ended without a word"))
    }
}

impl Kept {
    fn endpoints(&self) -> Vec<Endpoint> {
        let endpoint = |Open { door, address }: &Open| Endpoint {
            service: door.service.clone(),
            port: door.port.clone(),
            protocol: "tcp".to_owned(),
            address: *address,
        };
        self.open.iter().map(endpoint).collect()
    }
}

/// Where a mirror's process is found.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::backend) struct Place {
    /// The folder, and a name in it without its ending: a socket's path holds some hundred letters.
    base: PathBuf,
}

impl Place {
    fn of(folder: &Path, context: &str, namespace: &str) -> Self {
        Self { base: folder.join(digest::spec(&(context, namespace))) }
    }

    /// Others of this host are not told what there is.
    fn prepare(&self) -> std::io::Result<()> {
        use std::os::unix::fs::DirBuilderExt as _;
        let folder = self.base.parent().unwrap_or(Path::new("."));
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
    }

    fn socket(&self) -> PathBuf {
        self.base.with_extension("sock")
    }

    /// The ports that were open last: a wish, and no more.
    fn wishes(&self) -> PathBuf {
        self.base.with_extension("ports")
    }

    async fn turn(&self) -> std::io::Result<fs::File> {
        let file = fs::File::create(self.base.with_extension("turn"))?;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(file),
                Err(fs::TryLockError::WouldBlock) => tokio::time::sleep(PAUSE).await,
                Err(fs::TryLockError::Error(error)) => return Err(error),
            }
        }
    }

    /// The lock that the process itself holds for as long as it lives; `None` while another does.
    fn hold(&self) -> std::io::Result<Option<fs::File>> {
        let file = fs::File::create(self.base.with_extension("lock"))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(file)),
            Err(fs::TryLockError::WouldBlock) => Ok(None),
            Err(fs::TryLockError::Error(error)) => Err(error),
        }
    }

    /// What the process says, if there is one that answers.
    async fn ask(&self) -> Option<Kept> {
        let asked = async {
            let stream = UnixStream::connect(self.socket()).await.ok()?;
            let mut line = String::new();
            BufReader::new(stream).read_line(&mut line).await.ok()?;
            serde_json::from_str(&line).ok()
        };
        tokio::time::timeout(ANSWERS_WITHIN, asked).await.ok()?
    }

    /// Tells the process to end, and waits until it has.
    async fn end(&self) {
        let told = async {
            let Ok(mut stream) = UnixStream::connect(self.socket()).await else { return };
            // It may be gone before it has read all.
            let _ = stream.write_all(b"end\n").await;
            let _ = stream.read_to_end(&mut Vec::new()).await;
            while matches!(self.hold(), Ok(None)) {
                tokio::time::sleep(PAUSE).await;
            }
        };
        let _ = tokio::time::timeout(ANSWERS_WITHIN, told).await;
    }
}
