use std::path::PathBuf;

use clap::Args;
use indexmap::IndexMap;
use prodmirror::{
    backend::Lack,
    ledger::Wanted,
    plan::{self, Capabilities, Plan as Planned},
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
        settings::fill(&settings::given(&self.secrets, &loaded.profile)?, &mut loaded.profile);
        let host = Host::read()?;
        let ask = host.ask(&loaded.profile, &self.plan, self.profile.allow_unpinned)?;
        let (capabilities, lacks) = match &self.host {
            Some(file) => {
                let text = std::fs::read_to_string(file)
                    .map_err(|error| Failure::input("unreadable", format!("{}: {error}", file.display())))?;
                let document: HostDocument = serde_json::from_str(&text).map_err(|error| {
                    Failure::input("bad-host", format!("{}: {error}", file.display()))
                        .hint("make it with `prodmirror doctor --format json`")
                })?;
                let mut capabilities = document.capabilities;
                capabilities.mirror = ask.mirror;
                capabilities.owner = ask.owner;
                capabilities.options = ask.options;
                (capabilities, Vec::new())
            }
            None => host.connect().await?.capabilities(&ask).await?,
        };
        let planned = plan::plan(&loaded.profile, &capabilities, &loaded.origins);
        print(ui, &planned, &lacks);
        Ok(0)
    }
}

pub fn print(ui: &Ui, planned: &Planned, lacks: &[Lack]) {
    if ui.is_json() {
        let steps = planned
            .steps
            .iter()
            .map(|step| StepRow {
                id: step.id.clone(),
                does: step.does.to_string(),
                needs: step.needs.clone(),
            })
            .collect();
        let body = Body {
            backend: planned.backend,
            mirror: planned.mirror.to_string(),
            steps,
            ledger: &planned.ledger,
            notes: &planned.notes,
            refusals: &planned.refusals,
            origins: &planned.origins,
        };
        ui.document("Plan", &body);
    } else {
        ui.data(&planned.to_string());
    }
    for lack in lacks {
        ui.warn(format!("{} ({})", lack.message, lack.hint));
    }
}
