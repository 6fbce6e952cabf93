//! `capture kubernetes`: a namespace of a live cluster.

use std::{fs::File, io::Write as _, path::PathBuf};

use clap::Args;
use prodmirror::{
    capture::draft::From,
    mirror,
    readers::kubernetes::{Ask, Call, Wider, rights},
};

use super::{Output, now};
use crate::cli::{failure::Failure, host::Host, source::cluster, ui::Ui};

/// From a namespace of a live cluster, which is listed and never touched
///
/// Needs no more than the role `view`: no Secret is read, nothing is executed or watched. At most 20 requests a second;
/// where the server asks for patience or a connection breaks, the list goes on from where it was. A list that is
/// refused is a note, what only it would have told a hole.
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
    /// Read Nodes too: architecture, kernel, cores and memory. More than `view`
    #[arg(long)]
    nodes: bool,
    /// Read Secrets too, for their keys and for keyed hashes by which env-diff compares them. More than `view`; no
    /// value is kept
    #[arg(long)]
    hash_secrets: bool,
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
        let wider = Wider { nodes: self.nodes, secrets: self.hash_secrets };
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
        let ask = Ask {
            kubeconfig: host.kubeconfig.clone(),
            context,
            namespace: self.namespace.clone(),
            selector: self.selector.clone(),
            nodes: self.nodes,
            hash_key: self.hash_secrets.then(|| mirror::hash_key(&host.hash_key)).transpose()?,
        };
        let mut journal = Journal::open(self.journal.as_ref())?;
        let from = From { at: Some(now()), ..From::default() };
        let read = cluster::read(&ask, from, &self.output.rules(), &mut |call| journal.write(call)).await;
        journal.close()?;
        self.output.put(read?.captured.draft, ui)
    }
}

/// Calls as lines of JSON; the first fault is told at the end.
struct Journal {
    to: Option<(PathBuf, File)>,
    fault: Option<std::io::Error>,
}

impl Journal {
    fn open(file: Option<&PathBuf>) -> Result<Self, Failure> {
        let open = |file: &PathBuf| match File::create(file) {
            Ok(opened) => Ok((file.clone(), opened)),
            Err(error) => Err(Failure::unwritten(file, &error)),
        };
        Ok(Self { to: file.map(open).transpose()?, fault: None })
    }

    fn write(&mut self, call: &Call) {
        let Some((_, file)) = &mut self.to else { return };
        let line = serde_json::to_string(call).map_err(std::io::Error::other);
        if let Err(error) = line.and_then(|line| writeln!(file, "{line}")) {
            self.fault.get_or_insert(error);
        }
    }

    fn close(self) -> Result<(), Failure> {
        match (self.to, self.fault) {
            (Some((file, _)), Some(error)) => Err(Failure::unwritten(&file, &error)),
            _ => Ok(()),
        }
    }
}
