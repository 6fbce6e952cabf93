use clap::Args;
use comfy_table::{Table, presets};
use prodmirror::ledger::{self, Entry, Grade, Requirement};

use crate::cli::{
    again::{Again, again},
    failure::{Failure, exit},
    host::Host,
    naming,
    options::NameArg,
    ui::{DIM, GREEN, RED, Ui, YELLOW},
};

/// Show, field by field, what was wanted, how it is kept, and what is live
///
/// Exit 1 when an entry does not hold or a --require fails. What runs and was never asked for (a variable, a mount, a
/// network) is an entry of its own that does not hold.
///
/// Examples:
///   prodmirror ledger shop
///   prodmirror ledger shop --require enforced:env --require 'emulated:services.*.probes'
#[derive(Debug, Args)]
pub struct Ledger {
    #[command(flatten)]
    name: NameArg,
    /// The profile to hold it against; default: the one it came from
    #[arg(short = 'f', long = "file", value_name = "FILE", env = "PRODMIRROR_FILE", hide_env = true)]
    files: Vec<std::path::PathBuf>,
    /// Fail unless WHAT, a class or a path, is kept at least this well and holds
    #[arg(long, value_name = "GRADE:WHAT", env = "PRODMIRROR_REQUIRE", hide_env = true)]
    require: Vec<String>,
    /// Every entry; text shows only those that are not simply enforced
    #[arg(long, env = "PRODMIRROR_ALL", hide_env = true)]
    all: bool,
}

impl Ledger {
    pub async fn run(&self, ui: &Ui) -> Result<u8, Failure> {
        let requirements = requirements(&self.require)?;
        let host = Host::read()?;
        let (backend, name) = naming::find(&host, &self.name.place, self.name.name.as_deref()).await?;
        let Again { drawn, tree, secrets, .. } = again(&host, &*backend, &name, &self.files, ui).await?;
        let (ledger, _) = prodmirror::mirror::verify(&*backend, &drawn, &tree, &secrets).await?;
        let failed = require(ui, &ledger, &requirements)?;
        if ui.is_json() {
            ui.document("Ledger", &ledger);
        } else {
            ui.data(&text(&ledger, self.all));
        }
        Ok(if failed || ledger.summary.unmet > 0 { exit::NO } else { 0 })
    }
}

pub fn requirements(given: &[String]) -> Result<Vec<Requirement>, Failure> {
    let parse = |text: &String| {
        text.parse().map_err(|error| Failure::usage("require", format!("--require {text}: {error}")))
    };
    given.iter().map(parse).collect()
}

/// Judges `--require`; says each that fails, and answers whether any did.
pub fn require(ui: &Ui, ledger: &ledger::Ledger, requirements: &[Requirement]) -> Result<bool, Failure> {
    let outcome = ledger::require(ledger, requirements).map_err(|error| {
        Failure::usage("require", error.to_string())
            .hint("`prodmirror ledger --all` lists the paths and classes")
    })?;
    for failed in &outcome {
        ui.error_line(&format!("{RED}required{RED:#}: {failed}"));
    }
    Ok(!outcome.is_empty())
}

/// The ledger as a table and its sum.
pub fn text(ledger: &ledger::Ledger, all: bool) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    let plain = |entry: &&Entry| all || entry.holds != Some(true) || entry.grade != Grade::Enforced;
    for entry in ledger.entries.iter().filter(plain) {
        let verdict = match entry.holds {
            Some(true) => "holds",
            Some(false) => "UNMET",
            None => "unread",
        };
        let why = entry.why.clone().unwrap_or_default();
        let live = match (&entry.live, entry.holds) {
            (Some(live), Some(false)) if why.is_empty() => format!("live: {}", short(live)),
            (Some(live), Some(false)) => format!("live: {} ({why})", short(live)),
            _ => why,
        };
        table.add_row([
            entry.path.to_string(),
            format!("{:?}", entry.grade).to_lowercase(),
            verdict.to_owned(),
            live,
        ]);
    }
    let mut text: String = table
        .lines()
        .map(|line| {
            let line = line.trim_end().to_owned();
            if line.contains(" UNMET ") { format!("{RED}{line}{RED:#}\n") } else { format!("{line}\n") }
        })
        .collect();
    let sum = &ledger.summary;
    let unmet = if sum.unmet > 0 { RED } else { GREEN.bold() };
    text.push_str(&format!(
        "{} entries: {} enforced, {} emulated, {YELLOW}{} approximated{YELLOW:#}, {YELLOW}{} dropped{YELLOW:#}, {} unread, {unmet}{} unmet{unmet:#}\n",
        sum.total, sum.enforced, sum.emulated, sum.approximated, sum.dropped, sum.unread, sum.unmet
    ));
    if !all {
        text.push_str(&format!(
            "{DIM}entries that are enforced and hold are left out; --all shows them{DIM:#}\n"
        ));
    }
    text
}

fn short(value: &serde_json::Value) -> String {
    let text = match value {
        serde_json::Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    if text.chars().count() > 60 { format!("{}…", text.chars().take(59).collect::<String>()) } else { text }
}
