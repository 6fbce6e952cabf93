use std::path::PathBuf;

use clap::Args;
use prodmirror::{
    backend::{Backend, LeaseKind},
    mirror::{self, Credentials, MirrorDocument},
    name::Name,
};

use crate::cli::{
    failure::{Failure, exit},
    host::Host,
    launch,
    options::{LaunchArgs, PlanArgs, ProfileArgs},
    progress::Drawn,
    settings::Settings,
    ui::{BOLD, DIM, GREEN, Ui, YELLOW},
};

use super::{ledger, plan as plan_command, status};

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
        let (mut loaded, read) = self.profile.load(ui)?;
        let host = Host::read()?;
        let ask = host.ask(&loaded.profile, &self.plan, self.profile.allow_unpinned)?;
        let templates = super::render::templates(self.templates.as_deref())?;
        if self.dry_run && self.plan.context.is_none() && self.plan.backend.cluster().is_some() {
            return Err(Failure::usage("dry-run", "a Kind cluster would be made to ask it")
                .hint("`prodmirror plan --backend kind` asks none"));
        }
        let place = host.place(&self.plan, &ask, &loaded.profile, templates, &Drawn::new(ui)).await?;
        let backend = place.backend();
        let settings = Settings::read(&self.launch, &loaded.profile)?;
        settings.fill(&mut loaded.profile);
        if self.dry_run {
            return plan_command::show(ui, backend, &loaded, &ask, &settings.given).await;
        }
        let request = settings.request(&loaded, &read, &host, ask, LeaseKind::Up, false)?;
        let up = launch::launch(ui, &host, backend, request, settings.keep).await?;
        let failed = ledger::require(ui, &up.ledger, &requirements)?;
        let name = up.mirror.clone();
        let document = document(&host, backend, &up, &name).await?;
        if ui.is_json() {
            ui.document("Mirror", &document);
        } else {
            ui.data(&summary(&document, &up));
        }
        Ok(if failed { exit::NO } else { 0 })
    }
}

async fn document(
    host: &Host,
    backend: &dyn Backend,
    up: &mirror::Up,
    name: &Name,
) -> Result<MirrorDocument, Failure> {
    let endpoints = backend.endpoint(name).await?;
    let show = if host.ci { Credentials::Masked } else { Credentials::None };
    Ok(MirrorDocument::read(backend.kind(), &up.observed, &endpoints, up.timings.clone(), show))
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
