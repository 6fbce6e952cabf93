use std::{path::PathBuf, time::Duration};

use clap::Args;
use prodmirror::{
    backend::{Backend, SecretValues, compose::Compose},
    formats::journal::Event,
    mirror::{self, Credentials, LeaseKind, MirrorDocument, Reconciliation, UpRequest},
    name::Name,
    plan::{self, Plan},
    profile::{self, Profile},
};

use crate::cli::{
    failure::{Failure, exit},
    host::{Host, span},
    naming::{self, Read},
    options::{LaunchArgs, PlanArgs, ProfileArgs, SecretArgs},
    progress::Drawn,
    ui::{BOLD, DIM, GREEN, Ui, YELLOW},
};

use super::{endpoints, ledger, plan as plan_command, status};

/// Bring a mirror up: launched, seeded, ready, verified
///
/// A second `up` changes only what must be, and says so first.
///
/// Examples:
///   prodmirror up
///   prodmirror up -f profiles/shop.yaml --set services.api.replicas=1
///   prodmirror up --require enforced:resources --ttl 2h
#[derive(Debug, Args)]
pub struct Up {
    #[command(flatten)]
    profile: ProfileArgs,
    #[command(flatten)]
    plan: PlanArgs,
    #[command(flatten)]
    launch: LaunchArgs,
    /// Only show what would be done, as `plan` does
    #[arg(long, env = "PRODMIRROR_DRY_RUN", hide_env = true)]
    dry_run: bool,
    /// Accepted: going on in the background is the default
    #[arg(short = 'd', long = "detach", hide = true)]
    detach: bool,
    /// Accepted: waiting is the default
    #[arg(long, hide = true)]
    wait: bool,
    /// Render through the templates of this folder where it has them
    #[arg(long, value_name = "DIR", env = "PRODMIRROR_TEMPLATES", hide_env = true)]
    templates: Option<PathBuf>,
}

impl Up {
    pub async fn run(&self, ui: &Ui) -> Result<u8, Failure> {
        if self.detach {
            ui.say("note: -d is the default: a mirror goes on in the background");
        }
        if self.wait {
            ui.say("note: --wait is the default");
        }
        let requirements = ledger::requirements(&self.launch.require)?;
        let (loaded, read) = self.profile.load(ui)?;
        let host = Host::read()?;
        let ask = host.ask(&loaded.profile, &self.plan, self.profile.allow_unpinned)?;
        let templates = super::render::templates(self.templates.as_deref())?;
        let backend = host.connect_with(templates).await?;
        if self.dry_run {
            let (capabilities, lacks) = backend.capabilities(&ask).await?;
            let planned = plan::plan(&loaded.profile, &capabilities, &loaded.origins);
            plan_command::print(ui, &planned, &lacks);
            return Ok(0);
        }
        let settings = Settings::read(&self.launch, &loaded.profile)?;
        let request = settings.request(&loaded.profile, &loaded, &read, ask, LeaseKind::Up, false)?;
        let up = launch(ui, &host, &backend, request, settings.keep).await?;
        let failed = ledger::require(ui, &up.ledger, &requirements)?;
        let name = up.plan.mirror.clone();
        let document = document(&host, &backend, &up, &name).await?;
        if ui.is_json() {
            ui.document("Mirror", &document);
        } else {
            ui.data(&summary(&document, &up));
        }
        Ok(if failed { exit::NO } else { 0 })
    }
}

/// The launch options as values.
pub struct Settings {
    pub given: mirror::GivenSecrets,
    pub timeout: Duration,
    pub ttl: Option<Duration>,
    pub keep: Keep,
    pub archive: Option<PathBuf>,
    pub replace: bool,
}

/// How long a failed mirror is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    Never,
    For(Duration),
    Forever,
}

impl Settings {
    pub fn read(args: &LaunchArgs, profile: &Profile) -> Result<Self, Failure> {
        Ok(Self {
            given: given(&args.secrets, profile)?,
            timeout: span("timeout", &args.timeout)?,
            ttl: args.ttl.as_deref().map(|text| span("ttl", text)).transpose()?,
            keep: match args.keep.as_str() {
                "never" => Keep::Never,
                "forever" => Keep::Forever,
                text => Keep::For(span("keep", text)?),
            },
            archive: args.image_archive.clone(),
            replace: args.replace,
        })
    }

    pub fn request<'a>(
        &self,
        profile: &'a Profile,
        loaded: &'a profile::Loaded,
        read: &'a Read,
        ask: prodmirror::backend::Ask,
        lease: LeaseKind,
        must_be_new: bool,
    ) -> Result<UpRequest<'a>, Failure> {
        let file = read.files.first().ok_or_else(|| Failure::usage("no-profile", "no profile was named"))?;
        Ok(UpRequest {
            profile,
            origins: &loaded.origins,
            file,
            folder: naming::folder(file),
            ask,
            given: self.given.clone(),
            archive: self.archive.clone(),
            timeout: self.timeout,
            ttl: self.ttl,
            replace: self.replace,
            lease,
            must_be_new,
        })
    }
}

/// Values of secrets from options; a name that the profile does not declare is an error.
fn given(args: &SecretArgs, profile: &Profile) -> Result<mirror::GivenSecrets, Failure> {
    let mut given = mirror::GivenSecrets::default();
    let mut add = |name: &str, value: String| {
        let known = Name::new(name).ok().filter(|name| profile.secrets.contains_key(name));
        let Some(name) = known else {
            let names: Vec<String> = profile.secrets.keys().map(Name::to_string).collect();
            return Err(Failure::usage("no-secret", format!("the profile declares no secret `{name}`"))
                .hint(format!("it declares {}", names.join(", "))));
        };
        given.0.insert(name, value);
        Ok(())
    };
    if let Some(file) = &args.secrets_file {
        let text = std::fs::read_to_string(file)
            .map_err(|error| Failure::input("unreadable", format!("{}: {error}", file.display())))?;
        for (number, line) in
            text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty() && !line.starts_with('#'))
        {
            let (name, value) = line.split_once('=').ok_or_else(|| {
                Failure::input(
                    "bad-secrets-file",
                    format!("{}:{}: expected NAME=VALUE", file.display(), number + 1),
                )
            })?;
            add(name.trim(), value.to_owned())?;
        }
    }
    for secret in &args.secrets {
        // The value itself may stand here by mistake, so an error repeats the name only.
        let (name, source) = secret.split_once('=').ok_or_else(|| {
            Failure::usage("bad-secret", "--secret takes NAME=@FILE, NAME=env:VAR or NAME=-")
        })?;
        add(name, secret_value(name, source)?)?;
    }
    Ok(given)
}

fn secret_value(name: &str, source: &str) -> Result<String, Failure> {
    let trimmed = |text: String| text.strip_suffix('\n').map(str::to_owned).unwrap_or(text);
    if let Some(file) = source.strip_prefix('@') {
        let text = std::fs::read_to_string(file)
            .map_err(|error| Failure::input("unreadable", format!("--secret {name}=@{file}: {error}")))?;
        return Ok(trimmed(text));
    }
    if let Some(variable) = source.strip_prefix("env:") {
        return std::env::var(variable).map_err(|_| {
            Failure::usage("bad-secret", format!("--secret {name}: the variable {variable} is not set"))
        });
    }
    if source == "-" {
        let mut text = String::new();
        std::io::Read::read_to_string(&mut std::io::stdin().lock(), &mut text)
            .map_err(|error| Failure::input("unreadable", format!("--secret {name}=-: {error}")))?;
        return Ok(trimmed(text));
    }
    Err(Failure::usage(
        "bad-secret",
        format!("--secret {name}=… takes @FILE, env:VAR or -; a value itself would show in the process list"),
    ))
}

/// Brings a mirror up; on failure or Ctrl-C keeps or removes it as the contract says.
pub async fn launch(
    ui: &Ui,
    host: &Host,
    backend: &Compose,
    request: UpRequest<'_>,
    keep: Keep,
) -> Result<mirror::Up, Failure> {
    let mirror = request.ask.mirror.clone();
    let file = request.file.to_path_buf();
    let drawn = Drawn::new(ui);
    let says = |changes: &Reconciliation| {
        for line in &changes.says {
            ui.say(format!("  {line}"));
        }
    };
    let work = mirror::up(backend, request, &drawn, &says);
    let failed = tokio::select! {
        done = work => match done {
            Ok(up) => return Ok(up),
            Err(failed) => failed,
        },
        _ = interrupted() => {
            drop(drawn);
            ui.say("interrupted: removing what was made");
            let drawn = Drawn::new(ui);
            mirror::abandon(backend, &mirror, &drawn).await?;
            return Err(Failure::new("interrupted", exit::INTERRUPTED, "interrupted"));
        }
    };
    drop(drawn);
    let mirror::UpFailed { error, run } = failed;
    let mut failure = Failure::from(error);
    let Some(run) = run else { return Err(failure) };
    let secrets = backend.secrets(&mirror).await.unwrap_or_default();
    scrub(&mut failure, &secrets);
    match mirror::keep_artifacts(backend, &mirror, &run, &host.artifacts, &secrets).await {
        Ok(folder) => failure.artifacts = Some(folder.display().to_string()),
        Err(error) => ui.warn(format!("what is left of the failure could not be kept: {error}")),
    }
    settle(ui, backend, &mirror, &run, keep, &mut failure).await;
    if failure.kept.is_some() {
        let service = failure.service.clone().unwrap_or_else(|| "SERVICE".to_owned());
        let lines = format!(
            "prodmirror logs {mirror} {service}\nprodmirror exec {mirror} {service} --fresh -- sh\nprodmirror down {mirror}"
        );
        failure.hint = Some(failure.hint.map_or(lines.clone(), |hint| format!("{hint}\n{lines}")));
    }
    let _ = file;
    Err(failure)
}

/// A failure's texts without any secret value.
fn scrub(failure: &mut Failure, secrets: &SecretValues) {
    let clean = |text: &mut String| *text = mirror::redacted(text, secrets);
    clean(&mut failure.message);
    failure.last_answer.iter_mut().for_each(clean);
    failure.log_tail.iter_mut().for_each(clean);
}

/// Keeps the failed mirror for a while, or removes it.
async fn settle(ui: &Ui, backend: &Compose, mirror: &Name, run: &str, keep: Keep, failure: &mut Failure) {
    let expires = match keep {
        Keep::Never => {
            let drawn = Drawn::new(ui);
            if let Err(error) = mirror::abandon(backend, mirror, &drawn).await {
                ui.warn(format!("`prodmirror gc` must finish the removal: {error}"));
            }
            return;
        }
        Keep::For(span) => mirror::expiry(span),
        Keep::Forever => None,
    };
    let event = Event::UpFailed {
        run: run.to_owned(),
        code: failure.code.clone(),
        message: failure.message.clone(),
        expires: expires.clone(),
    };
    match mirror::note(backend, mirror, &event).await {
        Ok(()) => failure.kept = Some(expires.unwrap_or_else(|| "forever".to_owned())),
        Err(error) => ui.warn(format!("the mirror is not kept, `prodmirror gc` will take it: {error}")),
    }
}

pub async fn interrupted() {
    let mut term = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()).ok();
    let terminated = async {
        match &mut term {
            Some(term) => {
                term.recv().await;
            }
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        () = terminated => {}
    }
}

async fn document(
    host: &Host,
    backend: &Compose,
    up: &mirror::Up,
    name: &Name,
) -> Result<MirrorDocument, Failure> {
    let endpoints = backend.endpoint(name).await?;
    let show = if host.ci { Credentials::Masked } else { Credentials::None };
    Ok(MirrorDocument::read(&up.observed, &endpoints, up.timings.clone(), show))
}

/// What a person reads at the end of an `up`.
fn summary(document: &MirrorDocument, up: &mirror::Up) -> String {
    let mut text = status::text(document);
    let sum = &up.ledger.summary;
    let verdict = if sum.unmet == 0 {
        format!("{GREEN}holds{GREEN:#}")
    } else {
        format!("{YELLOW}{} unmet{YELLOW:#}", sum.unmet)
    };
    text.push_str(&format!(
        "{BOLD}ledger{BOLD:#} {verdict}: {} entries, {} enforced, {} emulated, {} approximated, {} dropped, {} unread\n",
        sum.total, sum.enforced, sum.emulated, sum.approximated, sum.dropped, sum.unread
    ));
    if !up.changed {
        text.push_str(&format!("{DIM}nothing had changed{DIM:#}\n"));
    }
    let name = &document.name;
    text.push_str(&format!(
        "{DIM}next: prodmirror ledger {name} · prodmirror endpoints {name} · prodmirror down {name}{DIM:#}\n"
    ));
    text
}

/// A mirror that is up, planned again from what its keeper remembers.
pub struct Again {
    pub plan: Plan,
    pub tree: serde_json::Value,
    pub secrets: SecretValues,
}

/// Plans a mirror again: from the files given, else from the profile that its last `up` left with the keeper.
pub async fn again(
    host: &Host,
    backend: &Compose,
    name: &Name,
    files: &[PathBuf],
    ui: &Ui,
) -> Result<Again, Failure> {
    let present = backend.secrets(name).await?;
    let kept = mirror::recall(backend, name).await?;
    let profile = match files {
        [] => kept.profile,
        files => {
            let args = ProfileArgs { files: files.to_vec(), allow_unpinned: true, ..ProfileArgs::default() };
            args.load(ui)?.0.profile
        }
    };
    let ask = prodmirror::backend::Ask {
        mirror: name.clone(),
        owner: kept.owner,
        options: kept.options,
        images: profile::images(&profile).into_iter().map(|(_, image)| image).collect(),
        helper: host.ask_host()?.helper,
        socket: kept.socket,
        timezone: profile::names_timezone(&profile),
    };
    let (capabilities, _) = backend.capabilities(&ask).await?;
    let plan = plan::plan(&profile, &capabilities, &profile::Origins::default());
    let secrets = mirror::secret_values(&plan, &mirror::GivenSecrets::default(), &present)?;
    Ok(Again { plan, tree: profile::tree(&profile), secrets })
}

/// Addresses as variables, with the profile's own names.
pub async fn endpoint_variables(
    backend: &Compose,
    name: &Name,
    profile: &Profile,
    show: Credentials,
) -> Result<Vec<(String, String)>, Failure> {
    let rows = endpoints::rows(backend, name, show).await?;
    let mut variables = endpoints::variables(&rows);
    let own: Vec<String> = profile.endpoints.iter().map(|(name, text)| format!("{name}={text}")).collect();
    variables.extend(endpoints::own(&own, &rows)?);
    Ok(variables)
}
