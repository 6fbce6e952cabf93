//! `capture files`: saved objects of a cluster.

use std::path::PathBuf;

use clap::Args;
use prodmirror::{
    capture::{
        draft::From,
        kubernetes::{self, is_kubernetes},
        redact::scrub,
    },
    readers::files,
};

use super::{Output, now, unfit};
use crate::cli::{failure::Failure, ui::Ui};

/// From saved Kubernetes objects: manifests, or what `kubectl get -o yaml` and `-o json` answered
///
/// Rendered charts, lists of every kind, several documents a file; a folder stands for all in it. With Pods, ReplicaSets
/// and Nodes among them the profile has digests and the platform, and says what still runs of an older revision. Values
/// of Secrets are not looked at.
///
/// Examples:
///   prodmirror capture files manifests/ -o prodmirror.yaml
///   helm template shop ./chart > shop.yaml && prodmirror capture files shop.yaml
///   kubectl -n shop get deploy,sts,svc,cm,ing,hpa,pvc,rs,po -o json > shop.json && prodmirror capture files shop.json
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub struct Files {
    /// Files, and folders of them
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    output: Output,
}

impl Files {
    pub async fn run(&self, ui: &Ui) -> Result<u8, Failure> {
        self.output.admit()?;
        let documents = files::read(&self.paths)
            .map_err(|refused| Failure::input("unreadable", scrub(&refused.to_string())))?;
        if !documents.iter().flat_map(|document| &document.values).any(is_kubernetes) {
            let named: Vec<String> = self.paths.iter().map(|path| path.display().to_string()).collect();
            return Err(Failure::input(
                "no-objects",
                format!("{}: no Kubernetes object is in it", named.join(", ")),
            )
            .hint("a Compose file is for `prodmirror capture compose FILE`"));
        }
        let from = From { from: "files", at: Some(now()), ..From::default() };
        let draft = kubernetes::draft(documents, &from, &self.output.rules()).map_err(unfit)?;
        self.output.put(draft, ui)
    }
}
