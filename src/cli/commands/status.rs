use clap::Args;
use comfy_table::{Table, presets};
use prodmirror::{
    backend::{Backend, Scope},
    mirror::{Credentials, MirrorDocument, StoryError},
    name::Name,
};
use serde::Serialize;

use crate::cli::{
    failure::Failure,
    host::Host,
    naming,
    options::NameArg,
    places::{Cache, Clusters},
    ui::{DIM, GREEN, RED, Ui, YELLOW},
};

/// Show mirrors, their replicas and their states
///
/// Example: prodmirror status shop
#[derive(Debug, Args)]
pub struct Status {
    #[command(flatten)]
    name: NameArg,
}

#[derive(Serialize)]
struct Mirrors {
    mirrors: Vec<MirrorDocument>,
    /// Where no mirror is named: what is kept for all that come.
    registries: Vec<Cache>,
}

impl Status {
    pub async fn run(&self, ui: &Ui) -> Result<u8, Failure> {
        let host = Host::read()?;
        let (mut mirrors, mut registries) = (Vec::new(), Vec::new());
        match &self.name.name {
            Some(name) => {
                let (backend, name) = naming::find(&host, &self.name.place, Some(name)).await?;
                mirrors.push(document(&*backend, &name).await?);
            }
            None => {
                let Clusters { answering, silent } = host.places(&self.name.place).await?;
                if self.name.place.context.is_none() {
                    registries = host.caches(None).await?;
                }
                for note in silent.notes() {
                    ui.say(format!("note: {note}"));
                }
                for backend in answering {
                    for found in backend.list(&Scope::default()).await? {
                        match document(&*backend, &naming::labelled(&found.mirror)?).await {
                            Ok(found) => mirrors.push(found),
                            // It went since it was listed.
                            Err(failure) if failure.code == "no-mirror" => {}
                            Err(failure) => return Err(failure),
                        }
                    }
                }
            }
        }
        if ui.is_json() {
            ui.document("Mirrors", &Mirrors { mirrors, registries });
            return Ok(0);
        }
        if mirrors.is_empty() {
            ui.say("no mirrors; `prodmirror up` makes one");
        }
        for mirror in &mirrors {
            ui.data(&text(mirror));
        }
        for Cache { name, owner, upstream, state } in &registries {
            let state = state.as_deref().unwrap_or("only its volume is left");
            ui.data(&format!("registry {name}  {state}  {DIM}for {upstream} · owner {owner}{DIM:#}"));
        }
        Ok(0)
    }
}

pub async fn document(backend: &dyn Backend, name: &Name) -> Result<MirrorDocument, Failure> {
    let observed = backend.observe(&Scope::of(name), false).await?;
    if observed.containers.is_empty() && observed.volumes.is_empty() && observed.networks.is_empty() {
        return Err(StoryError::NoMirror { mirror: name.clone() }.into());
    }
    let endpoints = backend.endpoint(name).await?;
    Ok(MirrorDocument::read(backend.kind(), &observed, &endpoints, Vec::new(), Credentials::None))
}

/// A mirror as a table.
pub fn text(mirror: &MirrorDocument) -> String {
    let verdict = match (&mirror.failure, mirror.ready) {
        (Some(_), _) => format!("{RED}failed{RED:#}"),
        (None, true) => format!("{GREEN}ready{GREEN:#}"),
        (None, false) => format!("{YELLOW}not ready{YELLOW:#}"),
    };
    let mut text = format!(
        "{}  {verdict}  {DIM}from {} · owner {}{DIM:#}",
        mirror.name, mirror.profile.file, mirror.owner
    );
    if let Some(expires) = &mirror.expires {
        text.push_str(&format!("{DIM} · expires {expires}{DIM:#}"));
    }
    text.push('\n');
    if let Some(failure) = &mirror.failure {
        text.push_str(&format!("  {}\n", failure.message));
    }
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    for row in &mirror.services {
        let exit = row.last_exit.as_ref().filter(|exit| exit.code != 0);
        let note = match exit {
            Some(exit) if exit.oom_killed => format!("killed for memory at {}", exit.at),
            Some(exit) => format!("exited {} at {}", exit.code, exit.at),
            None => String::new(),
        };
        table.add_row([
            format!("  {}/{}", row.name, row.ordinal),
            row.state.to_owned(),
            format!("{} restarts", row.restarts),
            note,
        ]);
    }
    text.push_str(&colored(&table.to_string()));
    text.push('\n');
    for endpoint in &mirror.endpoints {
        let address = endpoint.url.as_ref().unwrap_or(&endpoint.address);
        text.push_str(&format!("  {}:{} {address}\n", endpoint.service, endpoint.port));
    }
    text
}

/// Colour only where it means something: a state that needs a look.
fn colored(table: &str) -> String {
    let mut text = String::new();
    for line in table.lines() {
        let bad = [" failed ", " restarting ", " unready "].iter().any(|word| line.contains(word));
        let line = line.trim_end();
        if bad {
            text.push_str(&format!("{YELLOW}{line}{YELLOW:#}\n"));
        } else {
            text.push_str(&format!("{line}\n"));
        }
    }
    text
}
