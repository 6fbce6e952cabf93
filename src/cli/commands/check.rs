use std::path::PathBuf;

use clap::Args;
use prodmirror::profile::{self, Problem};
use serde::Serialize;

use crate::cli::{
    failure::{Failure, exit},
    options::ProfileArgs,
    ui::{GREEN, Ui},
};

/// Find every problem of a profile at once
///
/// Several profiles are checked one by one; with -f, overlays are laid over the first.
///
/// Examples:
///   prodmirror check profiles/*.yaml
///   prodmirror check -f shop.yaml -f local.yaml --set services.api.replicas=1
#[derive(Debug, Args)]
pub struct Check {
    /// Profiles, each checked for itself
    #[arg(value_name = "PROFILE")]
    profiles: Vec<PathBuf>,
    /// A profile and its overlays, merged by key in this order
    #[arg(short = 'f', long = "file", value_name = "FILE", conflicts_with = "profiles")]
    files: Vec<PathBuf>,
    #[arg(long, value_name = "PATH=VALUE", env = "PRODMIRROR_SET", hide_env = true)]
    set: Vec<String>,
    #[arg(long, value_name = "PATH", env = "PRODMIRROR_UNSET", hide_env = true)]
    unset: Vec<String>,
    /// Accept images without a digest
    #[arg(long, env = "PRODMIRROR_ALLOW_UNPINNED", hide_env = true)]
    allow_unpinned: bool,
}

#[derive(Serialize)]
struct Body {
    problems: Vec<Problem>,
}

impl Check {
    pub fn run(&self, ui: &Ui) -> Result<u8, Failure> {
        let each: Vec<Vec<PathBuf>> = match self.profiles.as_slice() {
            [] => vec![self.files.clone()],
            profiles => profiles.iter().map(|profile| vec![profile.clone()]).collect(),
        };
        let mut problems = Vec::new();
        for files in each {
            let args = ProfileArgs {
                profile: None,
                files,
                set: self.set.clone(),
                unset: self.unset.clone(),
                allow_unpinned: self.allow_unpinned,
            };
            let read = args.read()?;
            let layers = args.layers(&read);
            let found = profile::check(&layers);
            if !ui.is_json() {
                let name = read.files.first().map(|file| file.display().to_string()).unwrap_or_default();
                if found.is_empty() {
                    ui.data(&format!("{GREEN}ok{GREEN:#} {name}"));
                } else {
                    ui.data(&profile::render(&found, &layers.sources(), ui.color_on_stdout()));
                }
            }
            problems.extend(found);
        }
        let bad = problems.iter().any(Problem::is_error);
        if ui.is_json() {
            ui.document("Check", &Body { problems });
        }
        Ok(if bad { exit::INPUT } else { 0 })
    }
}
