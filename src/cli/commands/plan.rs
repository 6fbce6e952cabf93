use std::{
    fmt::Display,
    path::{Path, PathBuf},
};

use clap::Args;
use indexmap::IndexMap;
use prodmirror::{
    backend::{Ask, Backend, Lack, ObjectDifference, Unheard},
    ledger::Wanted,
    mirror::{self, Drawn, GivenSecrets, Source},
    plan::{self, Capabilities, ClusterPlan, Plan as Planned, Step},
    profile::Loaded,
    render::Templates,
};
use serde::Serialize;

use crate::cli::{
    failure::Failure,
    host::Host,
    options::{PlanArgs, ProfileArgs, SecretArgs},
    settings,
    ui::Ui,
};

/// Show the ordered steps that `up` would take, and the ledger's grades
///
/// With --backend kind or kubernetes no cluster is asked, and none need be there.
///
/// Example: prodmirror plan -f profiles/shop.yaml
#[derive(Debug, Args)]
pub struct Plan {
    #[command(flatten)]
    profile: ProfileArgs,
    #[command(flatten)]
    plan: PlanArgs,
    #[command(flatten)]
    secrets: SecretArgs,
    /// Plan for another host: what its `doctor --format json` printed
    #[arg(long, value_name = "FILE", env = "PRODMIRROR_HOST", hide_env = true)]
    host: Option<PathBuf>,
}

#[derive(Serialize)]
struct Body<'a> {
    backend: plan::BackendKind,
    mirror: String,
    steps: Vec<StepRow>,
    ledger: &'a [Wanted],
    notes: &'a [String],
    refusals: &'a [plan::Refusal],
    origins: &'a IndexMap<String, String>,
    /// What a cluster that was asked says would change.
    #[serde(skip_serializing_if = "Option::is_none")]
    changes: Option<&'a [ObjectDifference]>,
}

#[derive(Serialize)]
struct StepRow {
    id: String,
    does: String,
    needs: Vec<String>,
}

#[derive(serde::Deserialize)]
struct HostDocument {
    capabilities: Capabilities,
}

impl Plan {
    pub async fn run(&self, ui: &Ui) -> Result<u8, Failure> {
        let (mut loaded, _) = self.profile.load(ui)?;
        let given = settings::given(&self.secrets, &loaded.profile)?;
        settings::fill(&given, &mut loaded.profile);
        let host = Host::read()?;
        let unpinned = self.profile.allow_unpinned;
        if self.plan.context.is_some() {
            let ask = host.ask(&loaded.profile, &self.plan, unpinned)?;
            let place =
                host.place(&self.plan, &ask, &loaded.profile, Templates::embedded(), &Unheard).await?;
            return show(ui, place.backend(), &loaded, &ask, &given).await;
        }
        if let Some(kind) = self.plan.backend.cluster() {
            let known = host.cluster(kind, &loaded.profile, &self.plan, unpinned)?;
            let capabilities = match &self.host {
                Some(file) => of_file(file, known)?,
                None => known,
            };
            print_cluster(ui, &plan::cluster(&loaded.profile, &capabilities, &loaded.origins), None);
            return Ok(0);
        }
        let ask = host.ask(&loaded.profile, &self.plan, unpinned)?;
        let (capabilities, lacks) = match &self.host {
            Some(file) => {
                let mut known = Capabilities::unknown(plan::BackendKind::Compose, ask.mirror, ask.owner);
                known.options = ask.options;
                (of_file(file, known)?, Vec::new())
            }
            None => host.connect().await?.capabilities(&ask).await?,
        };
        let planned = plan::plan(&loaded.profile, &capabilities, &loaded.origins);
        print(ui, &planned, &lacks);
        Ok(0)
    }
}

/// Asks the place what it is, and shows the plan for it.
pub async fn show(
    ui: &Ui,
    backend: &dyn Backend,
    loaded: &Loaded,
    ask: &Ask,
    given: &GivenSecrets,
) -> Result<u8, Failure> {
    let (capabilities, lacks) = backend.capabilities(ask).await?;
    let source = Source { profile: &loaded.profile, origins: &loaded.origins };
    match Drawn::new(backend, source, &capabilities) {
        Drawn::Containers { plan, .. } => print(ui, &plan, &lacks),
        Drawn::Objects { place, plan } => {
            // Whoever lacks a right is told of all of them, not of the first that the cluster stumbles over.
            let changes = match lacks.iter().any(|lack| lack.fatal) {
                true => None,
                false => {
                    let present = backend.secrets(&plan.mirror).await?;
                    let values = mirror::secret_values(&plan.secrets, given, &present)?;
                    Some(place.placing(&plan, &values)?.preview().await?)
                }
            };
            print_cluster(ui, &plan, changes.as_deref());
            warn(ui, &lacks);
        }
    }
    Ok(0)
}

/// The host of a file, with the back end, the names and the options of this call.
fn of_file(file: &Path, known: Capabilities) -> Result<Capabilities, Failure> {
    let text = std::fs::read_to_string(file)
        .map_err(|error| Failure::input("unreadable", format!("{}: {error}", file.display())))?;
    let document: HostDocument = serde_json::from_str(&text).map_err(|error| {
        Failure::input("bad-host", format!("{}: {error}", file.display()))
            .hint("make it with `prodmirror doctor --format json`")
    })?;
    let mut capabilities = document.capabilities;
    capabilities.host.backend = known.host.backend;
    capabilities.mirror = known.mirror;
    capabilities.owner = known.owner;
    capabilities.options = known.options;
    Ok(capabilities)
}

fn print(ui: &Ui, planned: &Planned, lacks: &[Lack]) {
    if ui.is_json() {
        let body = Body {
            backend: planned.backend,
            mirror: planned.mirror.to_string(),
            steps: rows(&planned.steps),
            ledger: &planned.ledger,
            notes: &planned.notes,
            refusals: &planned.refusals,
            origins: &planned.origins,
            changes: None,
        };
        ui.document("Plan", &body);
    } else {
        ui.data(&planned.to_string());
    }
    warn(ui, lacks);
}

fn warn(ui: &Ui, lacks: &[Lack]) {
    for lack in lacks {
        ui.warn(format!("{} ({})", lack.message, lack.hint));
    }
}

fn print_cluster(ui: &Ui, planned: &ClusterPlan, changes: Option<&[ObjectDifference]>) {
    if !ui.is_json() {
        ui.data(&planned.to_string());
        if let Some(changes) = changes {
            let lines: Vec<String> = changes.iter().flat_map(ObjectDifference::lines).collect();
            ui.data(&match lines.is_empty() {
                true => "what the cluster says: nothing would change".to_owned(),
                false => format!("what the cluster says would change:\n{}", lines.join("\n")),
            });
        }
        return;
    }
    let body = Body {
        backend: planned.backend,
        mirror: planned.mirror.to_string(),
        steps: rows(&planned.steps),
        ledger: &planned.ledger,
        notes: &planned.notes,
        refusals: &planned.refusals,
        origins: &planned.origins,
        changes,
    };
    ui.document("Plan", &body);
}

fn rows<D: Display>(steps: &[Step<D>]) -> Vec<StepRow> {
    let row = |step: &Step<D>| StepRow {
        id: step.id.clone(),
        does: step.does.to_string(),
        needs: step.needs.clone(),
    };
    steps.iter().map(row).collect()
}
