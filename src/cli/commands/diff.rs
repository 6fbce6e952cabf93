use std::path::PathBuf;

use clap::Args;
use prodmirror::{
    diff::{self, Change, Incomparable},
    profile,
};
use serde::Serialize;

use crate::cli::{
    failure::{Failure, exit},
    options::ProfileArgs,
    ui::Ui,
};

/// What differs between two profiles; A is "from", B is "to"
///
/// Exit 0 when they are equal, 1 when they differ, 6 when only what cannot be compared is left.
///
/// Example: prodmirror diff profiles/shop-dev.yaml profiles/shop.yaml
#[derive(Debug, Args)]
pub struct Diff {
    /// A profile: a file, `profile:FILE`, or `-`
    #[arg(value_name = "A")]
    a: String,
    #[arg(value_name = "B")]
    b: String,
    /// Also differences that mean nothing
    #[arg(long, env = "PRODMIRROR_NOISE", hide_env = true)]
    noise: bool,
    /// Also write a page to look at
    #[arg(long, value_name = "FILE", env = "PRODMIRROR_HTML", hide_env = true)]
    html: Option<PathBuf>,
}

#[derive(Serialize)]
struct Body {
    changes: Vec<Change>,
    incomparable: Vec<Incomparable>,
}

impl Diff {
    pub async fn run(&self, ui: &Ui) -> Result<u8, Failure> {
        let (a, b) = (tree(&self.a, ui)?, tree(&self.b, ui)?);
        let (changes, incomparable) = diff::compare(&a, &b);
        if let Some(file) = &self.html {
            let page = diff::page(&self.a, &self.b, &changes, &incomparable);
            std::fs::write(file, page)
                .map_err(|error| Failure::tool("io", format!("{}: {error}", file.display())))?;
        }
        let counts = changes.iter().any(|change| change.noise.is_none());
        let code = match (counts, incomparable.is_empty()) {
            (true, _) => exit::NO,
            (false, true) => 0,
            (false, false) => exit::INCONCLUSIVE,
        };
        if ui.is_json() {
            ui.document("Diff", &Body { changes, incomparable });
        } else {
            ui.data(&diff::text(&changes, &incomparable, self.noise));
        }
        Ok(code)
    }
}

/// The long form of a source; sources besides profiles come in a later version.
fn tree(source: &str, ui: &Ui) -> Result<serde_json::Value, Failure> {
    let later = ["mirror:", "docker:", "compose:", "kubernetes:", "postgres://", "mysql://", "redis://"];
    if let Some(kind) = later.into_iter().find(|kind| source.starts_with(kind)) {
        return Err(Failure::later(&format!("the source `{kind}…`")));
    }
    let file = source.strip_prefix("profile:").unwrap_or(source);
    let args =
        ProfileArgs { files: vec![PathBuf::from(file)], allow_unpinned: true, ..ProfileArgs::default() };
    let (loaded, _) = args.load(&ui.quieter())?;
    Ok(profile::tree(&loaded.profile))
}
