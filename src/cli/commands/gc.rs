use clap::Args;
use prodmirror::{
    backend::Names,
    mirror::{self, GcRule},
    readers::kubernetes::spool,
};

use crate::cli::{
    failure::Failure,
    host::{Host, span},
    options::PlaceArgs,
    places::Clusters,
    progress::Drawn,
    ui::Ui,
};

use super::down;

/// Remove mirrors that nobody will come back for
///
/// Takes mirrors past their expiry, mirrors whose up, run or down was cut off, and objects
/// without a keeper that are older than 10 s. Never one that is up, stopped or kept as failed. Kind clusters without
/// mirrors go, and with the last of them the registries that their nodes pulled through. Answers that are kept for
/// `capture kubernetes --resume` go after a day.
///
/// Example: prodmirror gc --dry-run
#[derive(Debug, Args)]
pub struct Gc {
    /// Also mirrors that are older than this, whatever their state
    #[arg(long, value_name = "TIME", env = "PRODMIRROR_OLDER_THAN", hide_env = true)]
    older_than: Option<String>,
    /// Only say what would go
    #[arg(long, env = "PRODMIRROR_DRY_RUN", hide_env = true)]
    dry_run: bool,
    /// Mirrors of every owner
    #[arg(long)]
    all_owners: bool,
    #[command(flatten)]
    place: PlaceArgs,
}

impl Gc {
    pub async fn run(&self, ui: &Ui) -> Result<u8, Failure> {
        let host = Host::read()?;
        let older_than = self.older_than.as_deref().map(|text| span("older-than", text)).transpose()?;
        let rule = GcRule {
            now: jiff::Timestamp::now(),
            owner: (!self.all_owners).then(|| host.owner.clone()),
            older_than,
        };
        let drawn = Drawn::new(ui);
        let mut removed = Names::default();
        let Clusters { answering, silent } = host.places(&self.place).await?;
        for backend in answering {
            removed.extend(mirror::gc(&*backend, &rule, self.dry_run, &drawn).await?);
        }
        if self.place.context.is_none() {
            removed.extend(host.unused_clusters(rule.owner.as_deref(), self.dry_run).await?);
        }
        silent.refuse()?;
        drop(drawn);
        let expired = spool::expire(&host.state_dir, std::time::SystemTime::now(), self.dry_run)?;
        if !expired.is_empty() {
            let word = if self.dry_run { "would remove" } else { "removed" };
            ui.say(format!("{word} what was kept of {} captures that were cut off", expired.len()));
        }
        down::print(ui, &removed, if self.dry_run { "would remove" } else { "removed" });
        Ok(0)
    }
}
