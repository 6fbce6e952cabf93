//! `capture kubernetes`: a namespace of a live cluster.

use std::path::PathBuf;

use clap::Args;
use prodmirror::{
    capture::draft::From,
    readers::kubernetes::{Ask, Keep, Token, Wider, rights, spool},
};

use super::{Output, now};
use crate::cli::{
    failure::Failure,
    host::Host,
    source::{
        self, cluster,
        reach::{Journalling, Reach},
    },
    ui::Ui,
};

/// From a namespace of a live cluster, which is listed and never touched
///
/// Needs no more than the role `view`: no Secret is read, nothing is executed or watched. At most 20 requests a second;
/// where the server asks for patience or a connection breaks, the list goes on from where it was. A list that is
/// refused is a note, what only it would have told a hole.
///
/// A namespace that is a mirror of ours is read as that mirror, live values in its own profile, unless a switch says how
/// objects are read.
///
/// On a terminal, and with --resumable, the answers so far are kept until it is done, sealed under a token that it
/// shows first and that no file has: where it was cut off, a second run with --resume TOKEN asks for the rest alone.
///
/// Examples:
///   prodmirror capture kubernetes --context prod --namespace shop -o prodmirror.yaml
///   prodmirror capture kubernetes --context prod --namespace shop --selector app=api --journal calls.jsonl
///   prodmirror capture kubernetes --print-rbac --namespace shop | kubectl apply -f -
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub struct Kubernetes {
    /// The context of the kubeconfig; the current one is never used
    #[arg(long, value_name = "CONTEXT", env = "PRODMIRROR_CONTEXT", hide_env = true)]
    context: Option<String>,
    /// The namespace; absent: the context's own, else `default`
    #[arg(long, value_name = "NAMESPACE", env = "PRODMIRROR_NAMESPACE", hide_env = true)]
    namespace: Option<String>,
    /// Workloads and Pods with these labels alone, as `kubectl` takes it
    #[arg(long, value_name = "LABELS", env = "PRODMIRROR_SELECTOR", hide_env = true)]
    selector: Option<String>,
    /// Read Nodes too: architecture, kernel, cores and memory, how many there are, their zones and the version of Kubernetes.
    /// More than `view`
    #[arg(long)]
    nodes: bool,
    /// Read Secrets too, for their keys and for keyed hashes by which they are compared. More than `view`; no
    /// value is kept
    #[arg(long)]
    hash_secrets: bool,
    /// Ask stores of themselves: version, and the settings that are not the engine's own, by psql or redis-cli run in
    /// their containers with what these log in with, read-only. More than `view`: the right to execute
    #[arg(long, env = "PRODMIRROR_ASK_STORES", hide_env = true)]
    ask_stores: bool,
    /// Keep the answers so far, and show the token of --resume, though no terminal is there: a log has the token then
    #[arg(long, conflicts_with = "resume", env = "PRODMIRROR_RESUMABLE", hide_env = true)]
    resumable: bool,
    /// Go on with a capture that was cut off, of the same cluster, namespace and selector; its answers are kept for a day
    #[arg(long, value_name = "TOKEN", env = "PRODMIRROR_RESUME", hide_env = true)]
    resume: Option<String>,
    /// Print the rights that these switches need, as manifests, and ask nothing
    #[arg(long)]
    print_rbac: bool,
    /// Write every call down, one JSON object a line
    #[arg(long, value_name = "FILE", env = "PRODMIRROR_JOURNAL", hide_env = true)]
    journal: Option<PathBuf>,
    #[command(flatten)]
    output: Output,
}

impl Kubernetes {
    pub async fn run(&self, ui: &Ui) -> Result<u8, Failure> {
        let wider = Wider { nodes: self.nodes, secrets: self.hash_secrets, exec: self.ask_stores };
        if self.print_rbac {
            ui.exactly(&rights(wider, self.namespace.as_deref().unwrap_or("default")));
            return Ok(0);
        }
        let Some(context) = self.context.clone() else {
            return Err(Failure::usage("no-context", "which cluster? The current context is never used")
                .hint("name it with --context; `kubectl config get-contexts` lists them"));
        };
        self.output.admit()?;
        let host = Host::read()?;
        let journalling = if self.resume.is_some() { Journalling::On } else { Journalling::Anew };
        let reach = Reach::new(&host, self.hash_secrets, self.journal.as_ref(), journalling)?;
        let ask = Ask {
            kubeconfig: host.kubeconfig.clone(),
            context,
            namespace: self.namespace.clone(),
            selector: self.selector.clone(),
            target: None,
            nodes: self.nodes,
            hash_key: reach.hash_key.clone(),
        };
        if let Some(namespace) = self.namespace.as_deref().filter(|_| self.is_plain())
            && let Some((backend, name)) = source::of_namespace(&host, &ask.context, namespace).await
        {
            ui.say(format!("namespace {namespace} is the mirror `{name}`, and is read as that"));
            let live = source::live(&host, &*backend, &name, ui).await?;
            return self.output.put(live.into_draft(&name), ui);
        }
        let token = self.token(ui)?;
        let keep = match &token {
            None => Keep::Nothing,
            Some(token) if self.resume.is_some() => Keep::On { state: &host.state_dir, token: token.clone() },
            Some(token) => {
                ui.say(format!("if this is cut off, repeat it with --resume {token}"));
                Keep::From { state: &host.state_dir, token: token.clone(), now: now() }
            }
        };
        let from = From { at: Some(now()), ..From::default() };
        let read = cluster::read(&ask, keep, self.ask_stores, from, &self.output.rules(), &reach).await;
        let read =
            read.map_err(|failure| match token.filter(|token| spool::is_kept(&host.state_dir, token)) {
                Some(token) => {
                    let before = failure.hint.as_ref().map(|hint| format!("{hint}; ")).unwrap_or_default();
                    failure.hint(format!("{before}go on with it with --resume {token}"))
                }
                None => failure,
            })?;
        self.output.put(read.captured.draft, ui)
    }

    /// Whether no switch says how objects shall be read, by which it would be them who are meant.
    fn is_plain(&self) -> bool {
        let Self {
            context: _,
            namespace: _,
            print_rbac: _,
            output: _,
            selector,
            nodes,
            hash_secrets,
            ask_stores,
            resumable,
            resume,
            journal,
        } = self;
        let is_narrowed = selector.is_some() || resume.is_some() || journal.is_some();
        !(is_narrowed || *nodes || *hash_secrets || *ask_stores || *resumable)
    }

    /// The token of what is kept: none where nobody would have it.
    fn token(&self, ui: &Ui) -> Result<Option<Token>, Failure> {
        if let Some(text) = &self.resume {
            let token =
                text.parse().map_err(|error| Failure::usage("bad-token", format!("--resume: {error}")))?;
            return Ok(Some(token));
        }
        if !self.resumable && !ui.draws() {
            return Ok(None);
        }
        let token = Token::new().map_err(|error| Failure::tool("io", format!("no randomness: {error}")))?;
        Ok(Some(token))
    }
}
