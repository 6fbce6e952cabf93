//! What a container runs, less what its image says itself.

use serde_json::json;

use super::Group;
use crate::{
    capture::{
        compose::{process::command, store},
        draft::{Sketch, Taking},
    },
    observed::{Container, HealthCheck},
    path::Path,
    plan::capabilities::ImageFacts,
    profile::{Duration, EngineKind, Text},
};

pub fn write<'s>(group: &Group<'s>, place: &Taking<'s>, found: &Container, at: &Path, to: &mut Sketch<'s>) {
    let image = group.image.clone().unwrap_or_default();
    if group.image.is_none() {
        place.remark(
            "its image is not at hand: what the image says itself cannot be told from what was given",
        );
    }
    variables(group.engine, place, found, &image, at, to);
    words(group.engine, place, found, &image, at, to);
    let user = if group.engine.is_some() { "run_as" } else { "user" };
    for (key, field, value, own) in [
        ("User", user, &found.user, &image.user),
        ("WorkingDir", "working_dir", &found.working_dir, &image.working_dir),
    ] {
        if let Some(place) = place.find(&["Config", key]).filter(|_| !value.is_empty() && value != own) {
            to.take(&at.key(field), value.clone(), &place);
        }
    }
    let signal = found
        .stop_signal
        .clone()
        .filter(|signal| Some(signal) != image.stop_signal.as_ref() && !signal.is_empty());
    if let (Some(signal), Some(place)) = (signal, place.find(&["Config", "StopSignal"])) {
        // SIGTERM is what every engine sends, and older ones wrote it down.
        if signal != "SIGTERM" {
            to.take(&at.key("stop_signal"), signal, &place);
        }
    }
    if let (Some(seconds), Some(place)) = (found.stop_timeout_seconds, place.find(&["Config", "StopTimeout"]))
    {
        to.take(&at.key("stop_grace_period"), format!("{seconds}s"), &place);
    }
    if let (Some(check), Some(place)) = (&found.health, place.find(&["Config", "Healthcheck"])) {
        readiness(check, &place, group.is_job, at, to);
    }
}

/// Each variable that the image does not have, or has with another value.
fn variables<'s>(
    engine: Option<EngineKind>,
    place: &Taking<'s>,
    found: &Container,
    image: &ImageFacts,
    at: &Path,
    to: &mut Sketch<'s>,
) {
    let Some(all) = place.find(&["Config", "Env"]) else { return };
    for (item, text) in all.items().into_iter().zip(&found.env) {
        item.used();
        if image.env.contains(text) {
            continue;
        }
        let Some((name, value)) = text.split_once('=') else {
            item.left_out("it has no value");
            continue;
        };
        let at = match engine.and_then(|engine| store::field_of(engine, name)) {
            Some(field) => at.key(field),
            None => at.key("env").key(name),
        };
        to.take(&at, Text::literal(value).to_string(), &item);
    }
}

/// Both as they were given: one that is the image's own is not written, unless the other is no longer.
fn words<'s>(
    engine: Option<EngineKind>,
    place: &Taking<'s>,
    found: &Container,
    image: &ImageFacts,
    at: &Path,
    to: &mut Sketch<'s>,
) {
    let entrypoint = found.entrypoint.clone().unwrap_or_default();
    let command = found.command.clone().unwrap_or_default();
    let other_entrypoint = entrypoint != image.entrypoint && !entrypoint.is_empty();
    if let Some(place) = place.find(&["Config", "Entrypoint"]).filter(|_| other_entrypoint) {
        to.take(&at.key("entrypoint"), json!(entrypoint), &place);
    }
    let Some(place) = place.find(&["Config", "Cmd"]).filter(|_| !command.is_empty()) else { return };
    // Another entrypoint takes the image's command away, so what is there was given.
    if command == image.command && !other_entrypoint {
        return;
    }
    match engine {
        Some(engine) => {
            let words: Vec<store::Word> =
                command.into_iter().map(|text| store::Word { text, missing: None }).collect();
            store::command(&words, engine, &place, at, to);
        }
        None => to.take(&at.key("command"), json!(command), &place),
    }
}

/// The engine's defaults stand for numbers that were not given.
fn readiness<'s>(check: &HealthCheck, place: &Taking<'s>, is_job: bool, at: &Path, to: &mut Sketch<'s>) {
    let Some(words) = command(&json!(check.test)) else { return };
    if is_job {
        place.left_out("a job is ready when it has ended");
        return;
    }
    let span = |nanos: i64| match u64::try_from(nanos / 1_000_000) {
        Ok(millis @ 1..) => Duration { millis }.to_string(),
        _ => "30s".to_owned(),
    };
    let retries = u32::try_from(check.retries).ok().filter(|retries| *retries > 0).unwrap_or(3);
    let probe = json!({
        "exec": words,
        "period": span(check.interval_nanos),
        "timeout": span(check.timeout_nanos),
        "failure_threshold": retries,
    });
    if let Some(test) = place.get("Test") {
        to.take(&at.key("probes").key("readiness"), probe, &test);
    }
}
