use std::path::{Path as FilePath, PathBuf};

use clap::Args;
use prodmirror::{
    diff::{
        self, Allowance, Change, Difference, Incomparable, Judged, Untold,
        report::{self, Compared, Place},
    },
    path::Path,
    profile::{Origin, Origins},
};
use serde::Serialize;

use super::diff::code;
use crate::cli::{
    failure::Failure,
    host::Host,
    source::{self, reach::ReachArgs},
    ui::{DIM, Ui},
};

/// Fail when what runs is not what the profile in git says
///
/// The profile is "from" (`-`), what runs is "to" (`+`).
/// SOURCE may be production itself, or its manifests: they are captured first, and what means the same is no drift.
/// What such a source cannot tell (a seed, an allowance) is named, and no drift either.
/// Exit 0 when it is as the profile says, 1 when it drifted, 6 when only what cannot be compared is left.
/// A file of allowances is a map of paths, `*` for any one key, to the reason why each may differ:
///   services.*.env.LOG_LEVEL: turned up by hand while the incident lasts
///
/// Examples:
///   prodmirror drift mirror:shop --against profiles/shop.yaml
///   prodmirror drift manifests/ --against profiles/shop.yaml
///   prodmirror drift captured.yaml --against profiles/shop.yaml --allow drift-allowed.yaml --junit drift.xml
#[derive(Debug, Args)]
pub struct Drift {
    /// What really is: mirror:NAME, read live, docker:CONTAINER, compose:PROJECT, kubernetes:CONTEXT/NAMESPACE[/KIND/NAME], a
    /// Compose file, Kubernetes manifests or a folder/ of them, `docker inspect`'s answer, a captured profile or what
    /// `capture --format json` printed
    #[arg(value_name = "SOURCE")]
    source: String,
    /// How it should be
    #[arg(long, value_name = "PROFILE", env = "PRODMIRROR_AGAINST", hide_env = true)]
    against: PathBuf,
    /// Paths that may differ, each with a reason
    #[arg(long, value_name = "FILE", env = "PRODMIRROR_ALLOW", hide_env = true)]
    allow: Option<PathBuf>,
    /// Also write JUnit's XML
    #[arg(long, value_name = "FILE", env = "PRODMIRROR_JUNIT", hide_env = true)]
    junit: Option<PathBuf>,
    /// Also write SARIF 2.1.0
    #[arg(long, value_name = "FILE", env = "PRODMIRROR_SARIF", hide_env = true)]
    sarif: Option<PathBuf>,
    /// Also differences that mean nothing
    #[arg(long, env = "PRODMIRROR_NOISE", hide_env = true)]
    noise: bool,
    #[command(flatten)]
    reach: ReachArgs,
}

/// `Diff`, with what was allowed.
#[derive(Serialize)]
struct Body<'a> {
    changes: &'a [Change],
    incomparable: &'a [Incomparable],
    untold: &'a [Untold],
    allowed: Vec<Allowed<'a>>,
    unused: &'a [Allowance],
    unknown: &'a [Allowance],
}

#[derive(Serialize)]
struct Allowed<'a> {
    #[serde(flatten)]
    change: &'a Change,
    reason: &'a str,
}

impl Drift {
    pub async fn run(&self, ui: &Ui) -> Result<u8, Failure> {
        let host = Host::read()?;
        let allowances = self.allowances()?;
        let name = source::named(&self.source)?;
        let against = self.against.display().to_string();
        let profile = source::named(&format!("profile:{against}"))?;
        let reach = self.reach.open(&host)?;
        let mut wanted = source::tree(&host, &profile, &reach, ui).await?;
        let mut real = source::tree(&host, &name, &reach, ui).await?;
        let mut difference = source::compare(&mut wanted, &mut real)?;
        if let Some(service) = name.service.as_ref().or(real.only.as_ref()) {
            difference.only(service);
        }
        let judged = diff::judge(difference, &allowances, &wanted.tree, &real.tree);
        let source = name.to_string();
        let written = Written(&wanted.origins);
        let compared = Compared { against: &against, source: &source, place: &written };
        if let Some(file) = &self.junit {
            write(file, &report::junit(&judged, compared))?;
        }
        if let Some(file) = &self.sarif {
            write(file, &report::sarif(&judged, compared))?;
        }
        self.tell(&judged, &compared, ui);
        Ok(code(&judged.difference))
    }

    fn allowances(&self) -> Result<Vec<Allowance>, Failure> {
        let Some(file) = &self.allow else { return Ok(Vec::new()) };
        let text = std::fs::read_to_string(file)
            .map_err(|error| Failure::input("unreadable", format!("{}: {error}", file.display())))?;
        diff::allowances(&text).map_err(|error| {
            Failure::input("bad-allowances", format!("{}: {error}", file.display()))
                .hint("one a line, for example `services.*.env.LOG_LEVEL: why it may differ`")
        })
    }

    fn tell(&self, judged: &Judged, compared: &Compared<'_>, ui: &Ui) {
        for allowance in &judged.unknown {
            ui.warn(format!("{} is allowed to differ, and names nothing on either side", allowance.path));
        }
        for allowance in &judged.unused {
            ui.warn(format!("{} is allowed to differ, and does not", allowance.path));
        }
        if ui.is_json() {
            let allowed = judged
                .allowed
                .iter()
                .map(|(change, reason)| Allowed { change, reason: reason.as_str() })
                .collect();
            let Difference { changes, incomparable, untold } = &judged.difference;
            let (unused, unknown) = (&judged.unused, &judged.unknown);
            let body = Body { changes, incomparable, untold, allowed, unused, unknown };
            ui.document("Diff", &body);
            return;
        }
        ui.data(&ui.painted(&diff::text(&judged.difference, self.noise)));
        for (change, reason) in &judged.allowed {
            ui.data(&format!("{DIM}allowed: {}: {reason}{DIM:#}", change.path));
        }
        if judged.difference.meaningful().next().is_none() && judged.difference.incomparable.is_empty() {
            ui.say(format!("{} is what {} says", compared.source, compared.against));
        }
    }
}

fn write(file: &FilePath, text: &str) -> Result<(), Failure> {
    std::fs::write(file, text).map_err(|error| Failure::unwritten(file, &error))
}

/// Where the profile was written.
#[derive(Debug)]
struct Written<'a>(&'a Origins);

impl Place for Written<'_> {
    fn of(&self, path: &Path) -> Option<(String, u32, u32)> {
        match self.0.of(path)? {
            Origin::File { file, line, column } => Some((file.clone(), *line, *column)),
            Origin::Set(_) => None,
        }
    }
}
