//! Short commands in containers of a cluster, for what no object of its API tells.
//!
//! It takes the right to execute, which the role `view` has not; nothing is written by it. Each is told to the journal
//! with its words, so no secret may be among them.

use std::time::{Duration, Instant};

use k8s_openapi::api::core::v1::Pod;
use kube::{
    Api, Client,
    api::{AttachParams, AttachedProcess},
};
use tokio::io::{AsyncRead, AsyncReadExt as _};

use super::{
    super::kubeconfig::chain,
    Ask, Call, ReadError,
    connect::{self, Connected},
};
use crate::plan::url_encode;

/// Of an answer, and of what is said about it.
const MOST_BYTES: u64 = 1 << 20;
/// A command that takes longer is left to itself, and its connection closed.
const LONGEST: Duration = Duration::from_secs(20);

/// A way into the containers of one namespace.
pub struct Inside {
    client: Client,
    namespace: String,
}

/// Why a command told nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{command}` in pod `{pod}`, container `{container}`: {why}")]
pub struct Unanswered {
    pub command: String,
    pub pod: String,
    pub container: String,
    pub why: String,
}

impl Inside {
    /// # Errors
    /// The kubeconfig has no such context, or it is of no use.
    pub async fn open(ask: &Ask) -> Result<Self, ReadError> {
        let Connected { client, namespace, server: _ } = connect::open(ask).await?;
        Ok(Self { client, namespace })
    }

    /// What a command prints that ends with 0.
    ///
    /// # Errors
    /// It may not be run, is not there, takes too long, ends otherwise, or prints more than anybody reads.
    pub async fn answer(
        &self,
        pod: &str,
        container: &str,
        argv: &[&str],
        journal: &mut (dyn FnMut(&Call) + Send),
    ) -> Result<Vec<u8>, Unanswered> {
        let sent = Instant::now();
        let words: String = argv.iter().map(|word| format!("&command={}", url_encode(word))).collect();
        let namespace = url_encode(&self.namespace);
        let mut call = Call {
            at: jiff::Timestamp::now().to_string(),
            method: "GET",
            path: format!("/api/v1/namespaces/{namespace}/pods/{pod}/exec?container={container}{words}"),
            status: None,
            millis: 0,
            bytes: 0,
            objects: 0,
        };
        let asked = tokio::time::timeout(LONGEST, self.ask(pod, container, argv, &mut call)).await;
        let answer = asked.unwrap_or_else(|_| Err(format!("no answer in {} s", LONGEST.as_secs())));
        call.millis = u64::try_from(sent.elapsed().as_millis()).unwrap_or(u64::MAX);
        journal(&call);
        answer.map_err(|why| Unanswered {
            command: argv.join(" "),
            pod: pod.to_owned(),
            container: container.to_owned(),
            why,
        })
    }

    async fn ask(
        &self,
        pod: &str,
        container: &str,
        argv: &[&str],
        call: &mut Call,
    ) -> Result<Vec<u8>, String> {
        let how = AttachParams::default().container(container).stdin(false).stdout(true).stderr(true);
        let pods: Api<Pod> = Api::namespaced(self.client.clone(), &self.namespace);
        let mut process = pods.exec(pod, argv.iter().copied(), &how).await.map_err(|error| chain(&error))?;
        call.status = Some(SWITCHED);
        let (answer, said) = printed(&mut process).await?;
        call.bytes = answer.len();
        let status = match process.take_status() {
            Some(status) => status.await,
            None => None,
        };
        let Some(status) = status else { return Err("the connection broke before it ended".to_owned()) };
        if status.status.as_deref() == Some("Success") {
            return Ok(answer);
        }
        let said = String::from_utf8_lossy(&said);
        let last = said.lines().rev().find(|line| !line.trim().is_empty()).map(str::to_owned);
        Err(last.or(status.message).unwrap_or_else(|| "it failed".to_owned()))
    }
}

/// The protocol was switched: the command runs.
const SWITCHED: u16 = 101;

async fn printed(process: &mut AttachedProcess) -> Result<(Vec<u8>, Vec<u8>), String> {
    let (mut output, mut complaints) = (process.stdout(), process.stderr());
    let both = tokio::try_join!(read(output.as_mut()), read(complaints.as_mut()));
    both.map_err(|error| error.to_string())
}

async fn read(from: Option<&mut (impl AsyncRead + Unpin)>) -> std::io::Result<Vec<u8>> {
    let Some(from) = from else { return Ok(Vec::new()) };
    let mut bytes = Vec::new();
    from.take(MOST_BYTES + 1).read_to_end(&mut bytes).await?;
    if bytes.len() as u64 > MOST_BYTES {
        return Err(std::io::Error::other(format!("it prints more than {MOST_BYTES} bytes")));
    }
    Ok(bytes)
}
