use std::path::PathBuf;

use clap::Args;
use prodmirror::{
    diff::{self, Difference},
    sources::Place,
};

use crate::cli::{
    failure::{Failure, exit},
    host::Host,
    source::{self, reach::ReachArgs},
    ui::Ui,
};

/// What differs between two sources; A is "from", B is "to"
///
/// A mirror is read live: what really runs, not what its profile says. Anything but a profile and a mirror is captured
/// first, as `capture` does it: what means the same is no difference, and what such a source cannot tell is named.
/// Where the values of secrets were read on both sides, they are compared by keyed hash. Without --hash-secrets those of a
/// live cluster cannot be compared with those of another capture.
/// Exit 0 when they are equal, 1 when they differ, 6 when only what cannot be compared is left.
///
/// Examples:
///   prodmirror diff profiles/shop-dev.yaml profiles/shop.yaml
///   prodmirror diff profiles/shop.yaml mirror:shop --html difference.html
///   prodmirror diff compose.yaml compose:shop
///   prodmirror diff captured.json kubernetes:prod/shop --hash-secrets
#[derive(Debug, Args)]
pub struct Diff {
    /// A profile, a Compose file, Kubernetes manifests or a folder/ of them, `docker inspect`'s answer, what
    /// `capture --format json` printed, `-`,
    /// mirror:NAME, docker:CONTAINER, compose:PROJECT, kubernetes:CONTEXT/NAMESPACE[/KIND/NAME]; `#SERVICE` picks one service
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
    #[command(flatten)]
    reach: ReachArgs,
}

impl Diff {
    pub async fn run(&self, ui: &Ui) -> Result<u8, Failure> {
        let host = Host::read()?;
        let (from, to) = (source::named(&self.a)?, source::named(&self.b)?);
        if from.place == to.place && from.place == Place::Stdin {
            return Err(Failure::usage("bad-source", "only one of the two can be standard input"));
        }
        let service = match (&from.service, &to.service) {
            (Some(a), Some(b)) if a != b => {
                return Err(Failure::usage("bad-source", format!("`#{a}` and `#{b}` are two services")));
            }
            (a, b) => a.clone().or_else(|| b.clone()),
        };
        let reach = self.reach.open(&host)?;
        let (mut a, mut b) =
            (source::tree(&host, &from, &reach, ui).await?, source::tree(&host, &to, &reach, ui).await?);
        let mut difference = source::compare(&mut a, &mut b)?;
        if let Some(service) = service.or(a.only).or(b.only) {
            difference.only(&service);
        }
        if let Some(file) = &self.html {
            let page = diff::page(&from.to_string(), &to.to_string(), &difference);
            std::fs::write(file, page).map_err(|error| Failure::unwritten(file, &error))?;
        }
        if ui.is_json() {
            ui.document("Diff", &difference);
        } else {
            ui.data(&ui.painted(&diff::text(&difference, self.noise)));
        }
        Ok(code(&difference))
    }
}

/// Noise never counts, and what cannot be compared is neither yes nor no.
pub fn code(difference: &Difference) -> u8 {
    match (difference.meaningful().next().is_some(), difference.incomparable.is_empty()) {
        (true, _) => exit::NO,
        (false, true) => 0,
        (false, false) => exit::INCONCLUSIVE,
    }
}
