//! `capture files`: saved objects of a cluster, saved answers of an engine.

use std::path::PathBuf;

use clap::Args;
use prodmirror::{
    capture::{
        docker,
        draft::From,
        kubernetes::{self, is_kubernetes},
        redact::scrub,
    },
    readers::files,
};

use super::{Output, now, unfit};
use crate::cli::{failure::Failure, ui::Ui};

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
        let documents = files::read(&self.paths)
            .map_err(|refused| Failure::input("unreadable", scrub(&refused.to_string())))?;
        let from = From { from: "files", at: Some(now()), ..From::default() };
        // The one place that tells inputs apart.
        let is_cluster = documents.iter().flat_map(|document| &document.values).any(is_kubernetes);
        let is_engine = documents.iter().flat_map(|document| &document.values).any(docker::is_answer);
        let named: Vec<String> = self.paths.iter().map(|path| path.display().to_string()).collect();
        let named = named.join(", ");
        let draft = match (is_cluster, is_engine) {
            (true, false) => kubernetes::draft(documents, &from, &self.output.rules()),
            (false, true) => docker::draft(dump(documents)?, "captured", &from, &self.output.rules()),
            (true, true) => {
                let message =
                    format!("{named}: Kubernetes objects and answers of `docker inspect` are two stacks");
                return Err(Failure::input("two-stacks", message).hint("capture each by itself"));
            }
            (false, false) => {
                let message =
                    format!("{named}: no Kubernetes object and no answer of `docker inspect` is in it");
                return Err(Failure::input("no-objects", message)
                    .hint("a Compose file is for `prodmirror capture compose FILE`"));
            }
        };
        self.output.put(draft.map_err(unfit)?, ui)
    }
}

/// Every document of a container or an image, those that did not run too: somebody saved them on purpose.
fn dump(documents: Vec<kubernetes::Document>) -> Result<docker::Dump, Failure> {
    let mut dump = docker::Dump { stopped_too: true, ..docker::Dump::default() };
    for kubernetes::Document { name, values } in documents {
        for value in values {
            dump.add(&name, value)
                .map_err(|why| Failure::input("no-objects", format!("{name}: {}", scrub(&why))))?;
        }
    }
    Ok(dump)
}
