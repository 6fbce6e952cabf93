//! `capture`: one subcommand for each kind of source.

mod files;
mod kubernetes;

use std::{collections::BTreeMap, path::PathBuf};

use clap::{Args, Subcommand};
use prodmirror::{
    capture::{
        draft::{Draft, From, is_unedited, sealed},
        redact::Rules,
        saved,
    },
    mirror,
    path::Path,
    readers::compose::Ask,
};

use crate::cli::{
    failure::Failure,
    host::Host,
    source::{
        self,
        captured::{self, Containers, environment},
    },
    ui::Ui,
};

/// Make a profile of what really runs, or of its files
///
/// What a profile cannot hold stands in it as comments, values of secrets nowhere. With --format json the answer has a
/// keyed hash of each secret whose value was read, by which `diff` and `env-diff` compare it.
///
/// Example: prodmirror capture compose compose.yaml -o prodmirror.yaml
#[derive(Debug, Args)]
pub struct Capture {
    #[command(subcommand)]
    source: Source,
}

#[derive(Debug, Subcommand)]
enum Source {
    Compose(Compose),
    Docker(Docker),
    Files(files::Files),
    Kubernetes(kubernetes::Kubernetes),
}

/// From Compose files, read as Compose reads them where Docker is there
///
/// The environment of this shell is no part of it: variables come from the `.env` beside the file, else they have
/// their default, else they are holes.
///
/// Example: prodmirror capture compose compose.yaml compose.prod.yaml --profile web -o prodmirror.yaml
#[derive(Debug, Args)]
pub struct Compose {
    /// Compose files; later ones lie over the first
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Switch on a profile of the Compose files
    #[arg(long = "profile", value_name = "NAME")]
    profiles: Vec<String>,
    /// Variables for the Compose files, in place of `.env`
    #[arg(long = "env-file", value_name = "FILE")]
    env_files: Vec<PathBuf>,
    #[command(flatten)]
    output: Output,
}

/// From the containers of the Docker engine, which are looked at and, without --ask-stores, never touched
///
/// Containers of mirrors are left out, and so are those that do not run, unless they are named. Replicas become one service.
/// The project `pm-NAME` of a mirror gives its own profile back, with what really runs in every place that can be read.
///
/// Examples:
///   prodmirror capture docker --project shop -o prodmirror.yaml
///   prodmirror capture docker --project pm-shop -o as-it-runs.yaml
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub struct Docker {
    /// Containers by name or id; absent: all that the options name
    #[arg(value_name = "CONTAINER")]
    containers: Vec<String>,
    /// Those with this label, `NAME` or `NAME=VALUE`
    #[arg(long = "label", value_name = "LABEL", conflicts_with = "containers")]
    labels: Vec<String>,
    /// Those of this Compose project
    #[arg(long, value_name = "PROJECT", conflicts_with = "containers")]
    project: Option<String>,
    /// Ask stores of themselves: version, and the settings that are not the engine's own, by psql or redis-cli run in
    /// their containers with what these log in with, read-only
    #[arg(long, env = "PRODMIRROR_ASK_STORES", hide_env = true)]
    ask_stores: bool,
    #[command(flatten)]
    output: Output,
}

/// Where it goes, and what is secret by rule.
#[derive(Debug, Args)]
pub struct Output {
    /// Where to write; absent: on stdout
    #[arg(short = 'o', long = "output", value_name = "PROFILE")]
    output: Option<PathBuf>,
    /// Write over a profile that somebody edited, or that is no capture
    #[arg(long)]
    force: bool,
    /// Take the value at this path of the profile for a secret, `services.*.env.LICENCE`
    #[arg(long = "is-secret", value_name = "PATH")]
    secret: Vec<Path>,
    /// Take the value at this path of the profile for none
    #[arg(long = "is-plain", value_name = "PATH")]
    open: Vec<Path>,
}

impl Capture {
    pub async fn run(&self, ui: &Ui) -> Result<u8, Failure> {
        match &self.source {
            Source::Compose(it) => it.run(ui).await,
            Source::Docker(it) => it.run(ui).await,
            Source::Files(it) => it.run(ui).await,
            Source::Kubernetes(it) => it.run(ui).await,
        }
    }
}

impl Compose {
    async fn run(&self, ui: &Ui) -> Result<u8, Failure> {
        self.output.admit()?;
        let ask = Ask {
            files: self.files.clone(),
            profiles: self.profiles.clone(),
            env_files: self.env_files.clone(),
            environment: environment(),
        };
        let from = From { from: "compose", at: Some(now()), ..From::default() };
        let captured = captured::from_compose(&ask, &from, &self.output.rules()).await?;
        self.output.put(captured.draft, ui)
    }
}

impl Docker {
    async fn run(&self, ui: &Ui) -> Result<u8, Failure> {
        self.output.admit()?;
        let host = Host::read()?;
        if let Some(project) = &self.project
            && let Some(name) = source::of_mirror(&host, project).await?
        {
            let live = source::live(&host, &*host.connect().await?, &name, ui).await?;
            return self.output.put(live.into_draft(&name), ui);
        }
        let engine = host.engine().await?;
        let of = Containers {
            named: self.containers.clone(),
            labels: self.labels.clone(),
            project: self.project.clone(),
        };
        let from = From { from: "docker", at: Some(now()), ..From::default() };
        let captured =
            captured::from_engine(&*engine, &of, self.ask_stores, &from, &self.output.rules()).await?;
        self.output.put(captured.draft, ui)
    }
}

/// RFC 3339 in UTC, to the second.
fn now() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

impl Output {
    fn rules(&self) -> Rules {
        Rules { secret: self.secret.clone(), open: self.open.clone() }
    }

    /// Refuses before anything is asked of the source.
    fn admit(&self) -> Result<(), Failure> {
        let Some(file) = self.output.as_ref().filter(|file| !self.force && file.exists()) else {
            return Ok(());
        };
        let text = std::fs::read(file)
            .map_err(|error| Failure::tool("io", format!("{}: {error}", file.display())))?;
        match is_unedited(&String::from_utf8_lossy(&text)) {
            true => Ok(()),
            false => Err(Failure::usage(
                "exists",
                format!("{} was edited, or was not written by `capture`", file.display()),
            )
            .hint("write elsewhere with -o PROFILE, or over it with --force")),
        }
    }

    fn put(&self, draft: Draft, ui: &Ui) -> Result<u8, Failure> {
        let text = sealed(&draft.text());
        if let Some(file) = &self.output {
            std::fs::write(file, &text)
                .map_err(|error| Failure::tool("io", format!("{}: {error}", file.display())))?;
            ui.say(format!("wrote {}", file.display()));
        }
        if ui.is_json() {
            // The key is made at first use, so not without need.
            let hashes = match draft.values.is_empty() {
                true => BTreeMap::new(),
                false => draft.values.hashed(&mirror::hash_key(&Host::read()?.hash_key)?),
            };
            ui.document("Capture", &saved::Document::new(&draft, hashes));
        } else if self.output.is_none() {
            ui.data(&text);
        }
        let account = draft.account;
        ui.say(format!(
            "{} values read: {} used, {} noted, {} in holes",
            account.leaves, account.used, account.noted, account.holes
        ));
        for hole in &draft.holes {
            ui.say(format!("hole {}: {}", hole.path, hole.reason));
            ui.say(format!("  fill it with {}", hole.fill));
        }
        Ok(0)
    }
}
