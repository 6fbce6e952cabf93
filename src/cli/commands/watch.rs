use std::{collections::VecDeque, time::Duration};

use clap::Args;
use prodmirror::mirror::{self, MirrorDocument};

use super::status;
use crate::cli::{
    failure::{Failure, exit},
    host::{Host, span},
    launch::interrupted,
    naming,
    options::NameArg,
    ui::{DIM, Ui},
};

/// Watch a mirror: states, restarts, readiness and what happened last
///
/// On a terminal the screen is drawn anew; elsewhere each event is a line. With --format json each change is the
/// whole Mirror document on a line. Ends when the mirror goes, or with Ctrl-C (exit 130).
///
/// Examples:
///   prodmirror watch shop
///   prodmirror watch shop | tee events.log
#[derive(Debug, Args)]
pub struct Watch {
    #[command(flatten)]
    name: NameArg,
    /// How often to look
    #[arg(long, value_name = "TIME", default_value = "1s", env = "PRODMIRROR_EVERY", hide_env = true)]
    every: String,
}

/// Events that stay on the screen.
const KEPT: usize = 12;

impl Watch {
    pub async fn run(&self, ui: &Ui) -> Result<u8, Failure> {
        let every = span("every", &self.every)?.max(Duration::from_millis(100));
        let host = Host::read()?;
        let (backend, name) = naming::find(&host, &self.name.place, self.name.name.as_deref()).await?;
        let watching = async {
            let mut seen: Option<MirrorDocument> = None;
            let mut last = VecDeque::new();
            loop {
                let now = match status::document(&*backend, &name).await {
                    Ok(now) => now,
                    // A look at a mirror that is being removed may fail anywhere.
                    Err(failure) => match (&seen, mirror::exists(&*backend, &name).await?) {
                        (Some(_), false) => {
                            ui.say(format!("the mirror `{name}` is gone"));
                            return Ok(0);
                        }
                        (Some(_), true) => {
                            tokio::time::sleep(every).await;
                            continue;
                        }
                        (None, _) => return Err(failure),
                    },
                };
                show(ui, seen.as_ref(), &now, &mut last);
                seen = Some(now);
                tokio::time::sleep(every).await;
            }
        };
        tokio::select! {
            done = watching => done,
            () = interrupted() => Ok(exit::INTERRUPTED),
        }
    }
}

fn show(ui: &Ui, before: Option<&MirrorDocument>, now: &MirrorDocument, last: &mut VecDeque<String>) {
    let at = jiff::Timestamp::now().round(jiff::Unit::Second).unwrap_or_default();
    let happened: Vec<String> =
        events(before, now).into_iter().map(|event| format!("{at}  {event}")).collect();
    if ui.is_json() {
        if before != Some(now) {
            ui.document_line("Mirror", now);
        }
        return;
    }
    if !ui.redraws() {
        happened.iter().for_each(|event| ui.data(event));
        return;
    }
    // What stood there from the start is the table above.
    if before.is_some() {
        last.extend(happened);
    }
    while last.len() > KEPT {
        last.pop_front();
    }
    let events: String = last.iter().map(|event| format!("  {event}\n")).collect();
    ui.screen(&format!("{}\n{DIM}last events (Ctrl-C ends){DIM:#}\n{events}", status::text(now)));
}

/// What changed from one look to the next, in words; at the first look, what there is.
fn events(before: Option<&MirrorDocument>, now: &MirrorDocument) -> Vec<String> {
    let mut events = Vec::new();
    let ready = |ready: bool| if ready { "ready" } else { "not ready" };
    if before.is_none_or(|before| before.ready != now.ready) {
        events.push(format!("{}  {}", now.name, ready(now.ready)));
    }
    if let (Some(failure), true) = (&now.failure, before.is_none_or(|before| before.failure != now.failure)) {
        events.push(format!("{}  failed: {}", now.name, failure.message));
    }
    for row in &now.services {
        let what = format!("{}/{}", row.name, row.ordinal);
        let old = before.and_then(|before| {
            before.services.iter().find(|old| old.name == row.name && old.ordinal == row.ordinal)
        });
        let Some(old) = old else {
            events.push(format!("{what}  {}", row.state));
            continue;
        };
        if let (Some(exit), true) = (&row.last_exit, old.last_exit != row.last_exit) {
            let why = if exit.oom_killed { ", killed for memory" } else { "" };
            events.push(format!("{what}  exited {}{why}", exit.code));
        }
        if row.restarts > old.restarts {
            events.push(format!("{what}  restarted, {} in all", row.restarts));
        }
        if row.image != old.image {
            events.push(format!("{what}  image {} → {}", old.image, row.image));
        }
        if row.state != old.state {
            events.push(format!("{what}  {} → {}", old.state, row.state));
        }
    }
    for old in before.into_iter().flat_map(|before| &before.services) {
        if !now.services.iter().any(|row| row.name == old.name && row.ordinal == old.ordinal) {
            events.push(format!("{}/{}  gone", old.name, old.ordinal));
        }
    }
    events
}

#[cfg(test)]
mod tests {
    use prodmirror::{
        mirror::{Credentials, ServiceRow},
        observed::Observed,
        plan::BackendKind,
    };

    use super::*;

    fn mirror(rows: &[(&str, &'static str, u32)]) -> MirrorDocument {
        let row = |(name, state, restarts): &(&str, &'static str, u32)| ServiceRow {
            name: (*name).to_owned(),
            ordinal: 0,
            state,
            restarts: *restarts,
            image: "x".to_owned(),
            digest: None,
            last_exit: None,
        };
        let nothing = Observed::default();
        let mut mirror =
            MirrorDocument::read(BackendKind::Compose, &nothing, &[], Vec::new(), Credentials::None);
        mirror.name = "shop".to_owned();
        mirror.ready = rows.iter().all(|(_, state, _)| *state == "ready");
        mirror.services = rows.iter().map(row).collect();
        mirror
    }

    #[test]
    fn each_change_is_one_event_and_no_change_is_none() {
        let first = mirror(&[("api", "ready", 0), ("db", "ready", 0)]);
        assert_eq!(events(None, &first), ["shop  ready", "api/0  ready", "db/0  ready"]);
        assert!(events(Some(&first), &first).is_empty());
        let later = mirror(&[("api", "restarting", 1)]);
        assert_eq!(
            events(Some(&first), &later),
            ["shop  not ready", "api/0  restarted, 1 in all", "api/0  ready → restarting", "db/0  gone"]
        );
    }
}
