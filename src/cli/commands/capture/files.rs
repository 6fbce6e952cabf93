//! `capture files`: saved objects of a cluster, saved answers of an engine.

use std::path::PathBuf;

use clap::Args;
use prodmirror::capture::draft::From;

use super::{super::env_dump::DialectOption, Output, now};
use crate::cli::{
    failure::Failure,
    source::captured::{self, EnvFiles},
    ui::Ui,
};

/// From saved Kubernetes objects, or from what `docker inspect` answered of containers and of their images
///
/// Manifests, `kubectl get -o yaml` and `-o json`, rendered charts, lists of every kind, several documents a file; a folder stands for all in it. With Pods, ReplicaSets
/// and Nodes among them the profile has digests and the platform, and says what still runs of an older revision. Values
/// of Secrets are not looked at. Bundles (.tar, .tar.gz, .zip) of such files are read where they are, nothing is unpacked.
///
/// A file of variables among them belongs to the service that it is called by, `api.env` to api, and `.env` to the only
/// service; --env-file says it of any other. Files of variables alone make services whose images are to be filled in.
///
/// Examples:
///   docker inspect $(docker ps -q) > dump.json && prodmirror capture files dump.json -o prodmirror.yaml
///   prodmirror capture files manifests/ -o prodmirror.yaml
///   helm template shop ./chart > shop.yaml && prodmirror capture files shop.yaml
///   kubectl -n shop cluster-info dump --output-directory dump && prodmirror capture files dump
///   prodmirror capture files support-bundle.tar.gz --env-file api=prod.env -o prodmirror.yaml
///   kubectl -n shop get deploy,sts,svc,cm,ing,hpa,pvc,rs,po -o json > shop.json && prodmirror capture files shop.json
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub struct Files {
    /// Files, folders of them, and bundles (.tar, .tar.gz, .zip)
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Variables of one service; what the stack itself says of one wins, as with Compose's `env_file`
    #[arg(long = "env-file", value_name = "SERVICE=FILE")]
    env_files: Vec<String>,
    /// Who reads the files of variables: Compose, `docker run --env-file`, dotenv libraries, or a shell
    #[arg(long, value_enum, default_value_t, env = "PRODMIRROR_DIALECT", hide_env = true)]
    dialect: DialectOption,
    #[command(flatten)]
    output: Output,
}

impl Files {
    pub async fn run(&self, ui: &Ui) -> Result<u8, Failure> {
        self.output.admit()?;
        let from = From { from: "files", at: Some(now()), ..From::default() };
        let files = EnvFiles { given: self.env_files.clone(), dialect: self.dialect.into() };
        let captured = captured::from_paths(&self.paths, &files, &from, &self.output.rules())?;
        self.output.put(captured.draft, ui)
    }
}
