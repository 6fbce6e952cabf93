use clap::Args;
use prodmirror::{
    backend::{Names, Scope},
    mirror,
    plan::BackendKind,
};

use crate::cli::{
    failure::Failure, host::Host, naming, options::NameArg, places::Clusters, progress::Drawn, ui::Ui,
};

/// Remove everything of a mirror, its state too
///
/// Example: prodmirror down shop
#[derive(Debug, Args)]
pub struct Down {
    #[command(flatten)]
    name: NameArg,
    /// Remove all mirrors of yours
    #[arg(long, conflicts_with = "name", env = "PRODMIRROR_ALL", hide_env = true)]
    all: bool,
    /// With --all: of every owner
    #[arg(long, requires = "all")]
    all_owners: bool,
    /// Accepted: removing volumes is the default
    #[arg(long = "volumes", hide = true)]
    volumes: bool,
}

impl Down {
    pub async fn run(&self, ui: &Ui) -> Result<u8, Failure> {
        let host = Host::read()?;
        // `-v`, which Compose wants here, is our word for saying more.
        if self.volumes || ui.is_verbose() {
            ui.say("note: -v is the default: `down` always removes the state");
        }
        let drawn = Drawn::new(ui);
        let mut removed = Names::default();
        let mut is_on_kind = self.all && self.name.place.context.is_none();
        if self.all {
            let owner = (!self.all_owners).then(|| host.owner.clone());
            let Clusters { answering, silent } = host.places(&self.name.place).await?;
            for backend in answering {
                for found in backend.list(&Scope { mirror: None, owner: owner.clone() }).await? {
                    let name = naming::labelled(&found.mirror)?;
                    removed.extend(mirror::down(&*backend, &name, &drawn).await?);
                }
            }
            silent.refuse()?;
        } else {
            let (backend, name) = naming::find(&host, &self.name.place, self.name.name.as_deref()).await?;
            let found = backend.list(&Scope::of(&name)).await?;
            if found.is_empty() {
                return Err(mirror::StoryError::NoMirror { mirror: name }.into());
            }
            if let Some(other) = found.iter().find(|found| found.owner != host.owner) {
                return Err(Failure::usage(
                    "other-owner",
                    format!("mirror `{name}` belongs to {}", other.owner),
                )
                .hint(format!(
                    "take it down as its owner: PRODMIRROR_OWNER={} prodmirror down {name}",
                    other.owner
                )));
            }
            removed.extend(mirror::down(&*backend, &name, &drawn).await?);
            is_on_kind = backend.kind() == BackendKind::Kind;
        }
        drop(drawn);
        print(ui, &removed, "removed");
        if is_on_kind {
            let kept = host.caches(Some(&host.owner)).await?;
            let kept: Vec<&str> = kept.iter().map(|cache| cache.upstream.as_str()).collect();
            if !kept.is_empty() {
                let kept = kept.join(", ");
                ui.say(format!(
                    "note: what came from {kept} is kept for the next mirror; `prodmirror gc` removes it"
                ));
            }
        }
        Ok(0)
    }
}

pub fn print(ui: &Ui, removed: &Names, word: &str) {
    if ui.is_json() {
        ui.document("Removed", removed);
        return;
    }
    let Names { containers, networks, volumes, clusters, objects } = removed;
    let mut text = format!("{word} {} containers", containers.len());
    text.push_str(&format!(", {} networks, {} volumes", networks.len(), volumes.len()));
    for (names, what) in [(objects, "objects"), (clusters, "clusters")] {
        if !names.is_empty() {
            text.push_str(&format!(", {} {what}", names.len()));
        }
    }
    ui.data(&text);
}
