use std::path::PathBuf;

use clap::Args;
use prodmirror::{
    backend::{Backend, LeaseKind},
    mirror::{self, Credentials, MirrorDocument},
    name::Name,
    render::Templates,
};

use crate::cli::{
    again,
    failure::{Failure, exit},
    host::Host,
    launch,
    options::{LaunchArgs, PlanArgs, ProfileArgs},
    progress::Drawn,
    settings::{Keep, Settings},
    ui::Ui,
};

use super::ledger;

/// A mirror for one command: up, the command with the endpoints in its environment, down
///
/// Prints nothing of its own on stdout, and exits with the command's own code; failures of
/// ours are 125, a command that cannot be run 126 or 127, as `docker run` has it.
///
/// Examples:
///   prodmirror run -- pytest -q
///   prodmirror run -f profiles/shop.yaml -- sh -c 'curl -fsS "$API_URL/healthz"'
#[derive(Debug, Args)]
pub struct Run {
    #[arg(value_name = "PROFILE")]
    profile: Option<PathBuf>,
    #[arg(short = 'f', long = "file", value_name = "FILE", env = "PRODMIRROR_FILE", hide_env = true)]
    files: Vec<PathBuf>,
    #[arg(long, value_name = "PATH=VALUE", env = "PRODMIRROR_SET", hide_env = true)]
    set: Vec<String>,
    #[arg(long, value_name = "PATH", env = "PRODMIRROR_UNSET", hide_env = true)]
    unset: Vec<String>,
    #[arg(long, env = "PRODMIRROR_ALLOW_UNPINNED", hide_env = true)]
    allow_unpinned: bool,
    #[command(flatten)]
    plan: PlanArgs,
    #[command(flatten)]
    launch: LaunchArgs,
    /// Use the mirror of --name if it is up, and leave it
    #[arg(long, env = "PRODMIRROR_REUSE", hide_env = true)]
    reuse: bool,
    /// A variable of your own: -e 'DATABASE_URL={db.url}'
    #[arg(short = 'e', long = "env", value_name = "NAME=TEXT")]
    own: Vec<String>,
    /// Write the Error document here when something of ours fails
    #[arg(long, value_name = "FILE", env = "PRODMIRROR_ERROR_FILE", hide_env = true)]
    error_file: Option<PathBuf>,
    /// Write the Mirror document here once the mirror is up
    #[arg(long, value_name = "FILE", env = "PRODMIRROR_INFO", hide_env = true)]
    info: Option<PathBuf>,
    #[arg(last = true, required = true, value_name = "COMMAND")]
    command: Vec<String>,
}

impl Run {
    pub async fn run(&self, ui: &Ui) -> Result<u8, Failure> {
        // Nothing of ours may reach the command's stdout, documents included.
        let ui = &ui.as_text();
        let outcome = self.story(ui).await;
        if let (Err(failure), Some(file)) = (&outcome, &self.error_file) {
            write(file, &Ui::document_text("Error", failure))?;
        }
        outcome
    }

    async fn story(&self, ui: &Ui) -> Result<u8, Failure> {
        let requirements = ledger::requirements(&self.launch.require)?;
        let args = ProfileArgs {
            profile: self.profile.clone(),
            files: self.files.clone(),
            set: self.set.clone(),
            unset: self.unset.clone(),
            allow_unpinned: self.allow_unpinned,
        };
        let (mut loaded, read) = args.load(ui)?;
        let host = Host::read()?;
        let mut ask = host.ask(&loaded.profile, &self.plan, self.allow_unpinned)?;
        if self.plan.name.is_none() {
            ask.mirror = one_off(&loaded.profile.name)?;
        }
        let name = ask.mirror.clone();
        let place =
            host.place(&self.plan, &ask, &loaded.profile, Templates::embedded(), &Drawn::new(ui)).await?;
        let backend = place.backend();
        let was_up = self.plan.name.is_some() && mirror::exists(backend, &name).await?;
        if was_up && !self.reuse {
            return Err(Failure::usage("name-taken", format!("the mirror `{name}` is there already"))
                .hint("use it with --reuse, or leave --name out for one of its own"));
        }
        let settings = Settings::read(&self.launch, &loaded.profile)?;
        settings.fill(&mut loaded.profile);
        let lease = if was_up { LeaseKind::Up } else { LeaseKind::Run };
        let request = settings.request(&loaded, &read, &host, ask, lease, false)?;
        let launched = launch::launch(ui, &host, backend, request, Keep::Never).await?;
        let code = match ledger::require(ui, &launched.ledger, &requirements) {
            Ok(false) => self.command(backend, &name, &loaded.profile, &launched).await,
            Ok(true) => Err(Failure::new("require", exit::NO, "a --require failed")),
            Err(failure) => Err(failure),
        };
        if was_up {
            return code;
        }
        drop(launched.lease);
        let quiet = ui.quieter();
        let drawn = Drawn::new(&quiet);
        mirror::abandon(backend, &name, &drawn).await?;
        code
    }

    async fn command(
        &self,
        backend: &dyn Backend,
        name: &Name,
        profile: &prodmirror::profile::Profile,
        launched: &mirror::Up,
    ) -> Result<u8, Failure> {
        if let Some(file) = &self.info {
            let endpoints = backend.endpoint(name).await?;
            let document = MirrorDocument::read(
                backend.kind(),
                &launched.observed,
                &endpoints,
                launched.timings.clone(),
                Credentials::None,
            );
            write(file, &Ui::document_text("Mirror", &document))?;
        }
        let mut variables = again::endpoint_variables(backend, name, profile, Credentials::Shown).await?;
        let rows = super::endpoints::rows(backend, name, Credentials::Shown).await?;
        variables.extend(super::endpoints::own(&self.own, &rows)?);
        let Some((program, arguments)) = self.command.split_first() else {
            return Err(Failure::usage("no-command", "no command was given after --"));
        };
        let child = tokio::process::Command::new(program)
            .args(arguments)
            .envs(variables)
            .env("PRODMIRROR_MIRROR", name.as_str())
            .kill_on_drop(true)
            .spawn();
        let mut child = match child {
            Ok(child) => child,
            Err(error) => return Err(cannot_run(program, &error)),
        };
        tokio::select! {
            status = child.wait() => match status {
                Ok(status) => Ok(code(status)),
                Err(error) => Err(Failure::tool("command", format!("`{program}`: {error}"))),
            },
            () = launch::interrupted() => {
                let _ = child.kill().await;
                Err(Failure::new("interrupted", exit::INTERRUPTED, "interrupted"))
            }
        }
    }
}

/// `<profile>-<8 random>`; a long name gives way to the random part.
fn one_off(profile: &Name) -> Result<Name, Failure> {
    let id = mirror::short_id().map_err(|error| Failure::tool("random", error.to_string()))?;
    let stem: String = profile.as_str().chars().take(31).collect();
    Name::new(format!("{}-{id}", stem.trim_end_matches('-')))
        .map_err(|error| Failure::usage("bad-name", error.to_string()))
}

fn cannot_run(program: &str, error: &std::io::Error) -> Failure {
    let (code, process_exit) = match error.kind() {
        std::io::ErrorKind::NotFound => ("command-not-found", 127),
        _ => ("command-not-executable", 126),
    };
    let mut failure = Failure::tool(code, format!("`{program}`: {error}"));
    failure.process_exit = Some(process_exit);
    failure
}

/// The command's code; killed by a signal is 128 and its number, as shells have it.
fn code(status: std::process::ExitStatus) -> u8 {
    use std::os::unix::process::ExitStatusExt;
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal)).unwrap_or(1);
    u8::try_from(code).unwrap_or(1)
}

fn write(file: &std::path::Path, text: &str) -> Result<(), Failure> {
    std::fs::write(file, text).map_err(|error| Failure::tool("io", format!("{}: {error}", file.display())))
}
