//! `capture files`: saved objects of a cluster, saved answers of an engine.

use std::path::PathBuf;

use clap::Args;
use prodmirror::capture::draft::From;

use super::{Output, now};
use crate::cli::{failure::Failure, source::captured, ui::Ui};

/// From saved Kubernetes objects, or from what `docker inspect` answered of containers and of their images
///
/// Manifests, `kubectl get -o yaml` and `-o json`, rendered charts, lists of every kind, several documents a file; a folder stands for all in it. With Pods, ReplicaSets
/// and Nodes among them the profile has digests and the platform, and says what still runs of an older revision. Values
/// of Secrets are not looked at.
///
/// Examples:
///   docker inspect $(docker ps -q) > dump.json && prodmirror capture files dump.json -o prodmirror.yaml
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
        let from = From { from: "files", at: Some(now()), ..From::default() };
        let captured = captured::from_paths(&self.paths, &from, &self.output.rules())?;
        self.output.put(captured.draft, ui)
    }
}
