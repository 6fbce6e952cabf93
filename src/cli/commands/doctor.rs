use clap::Args;
use prodmirror::{backend::Lack, plan::Capabilities};
use serde::Serialize;

use crate::cli::{
    failure::{Failure, exit},
    host::Host,
    ui::{GREEN, RED, Ui, YELLOW},
};

/// Show what this host can do, and every lack at once
///
/// Example: prodmirror doctor --format json > host.json
#[derive(Debug, Args)]
pub struct Doctor {}

#[derive(Serialize)]
struct Body {
    capabilities: Capabilities,
    problems: Vec<Lack>,
}

impl Doctor {
    pub async fn run(&self, ui: &Ui) -> Result<u8, Failure> {
        let host = Host::read()?;
        let backend = host.connect().await?;
        let (capabilities, problems) = backend.capabilities(&host.ask_host()?).await?;
        let code = if problems.iter().any(|lack| lack.fatal) { exit::NO } else { 0 };
        if ui.is_json() {
            ui.document("Host", &Body { capabilities, problems });
        } else {
            ui.data(&text(&capabilities, &problems));
        }
        Ok(code)
    }
}

fn text(capabilities: &Capabilities, problems: &[Lack]) -> String {
    let host = &capabilities.host;
    let gib = |bytes: u64| format!("{:.1} GiB", bytes as f64 / (1u64 << 30) as f64);
    let or_none = |text: &Option<String>| text.clone().unwrap_or_else(|| "none".to_owned());
    let yes = |holds: bool| if holds { "yes" } else { "no" };
    let rows = [
        (
            "engine",
            format!("Docker {} (API {}), {}", host.engine_version, host.api_version, host.storage_driver),
        ),
        ("compose", or_none(&host.compose_version)),
        ("buildx", or_none(&host.buildx_version)),
        ("platform", format!("linux/{}, kernel {}, cgroup v{}", host.arch, host.kernel, host.cgroup)),
        ("cores", host.cores.to_string()),
        ("memory", gib(host.memory)),
        ("disk free", host.disk_free.map_or_else(|| "unknown".to_owned(), gib)),
        ("containerd image store", yes(host.containerd_store).to_owned()),
        ("limits without swap", yes(host.swap_limit).to_owned()),
        ("keeper's socket", or_none(&host.socket)),
        ("helper image", or_none(&host.helper)),
    ];
    let mut text: String = rows.iter().map(|(name, value)| format!("{name:24}{value}\n")).collect();
    for lack in problems {
        let (style, word) = if lack.fatal { (RED, "lacks") } else { (YELLOW.bold(), "note") };
        text.push_str(&format!(
            "{style}{word}{style:#} {}: {}\n      {}\n",
            lack.code, lack.message, lack.hint
        ));
    }
    if problems.is_empty() {
        text.push_str(&format!("{GREEN}nothing is missing{GREEN:#}\n"));
    }
    text
}
