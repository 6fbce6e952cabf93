//! Stores, jobs, and how many there are of each.

use super::Check;
use crate::path::Path;
use crate::profile::{Disruption, EngineKind};

/// Each is a container of its own, so the number is bounded before anything is planned.
const MOST_REPLICAS: u32 = 1000;

pub(super) fn check(check: &mut Check<'_>) {
    for (name, store) in &check.profile.stores {
        let at = Path::of(["stores", name.as_str()]);
        let engine = match store.engine {
            EngineKind::Postgres => "postgres",
            EngineKind::Redis => "redis",
        };
        if let Some(replicas) = store.replicas.filter(|replicas| *replicas > 1) {
            let message = format!("a {engine} store has one replica; {replicas} would be as many databases");
            check.error("store-replicas", &at.key("replicas"), message);
        }
        disruption(check, &at, store.disruption, 1);
        let is_given = store.password.is_some() || check.profile.is_hole(&at.key("password"));
        if !is_given && store.user.is_some() && store.engine == EngineKind::Postgres {
            let message = "the user has no password";
            let hint = "write `password: \"${secret:NAME}\"`, and declare the secret";
            check.warning("no-password", &at.key("user"), message).hint = Some(hint.to_owned());
        }
        if let Some(text) = store.password.as_ref().and_then(|password| password.as_literal())
            && !text.is_empty()
        {
            let message = "a password stands in the profile";
            let hint = "write `password: \"${secret:NAME}\"`, and declare the secret";
            check.warning("literal-password", &at.key("password"), message).hint = Some(hint.to_owned());
        }
    }
    for (name, service) in &check.profile.services {
        if let Some(replicas) = service.replicas.filter(|replicas| *replicas > MOST_REPLICAS) {
            let at = Path::of(["services", name.as_str(), "replicas"]);
            let message = format!("{replicas} replicas are more than one mirror can hold ({MOST_REPLICAS})");
            check.error("bad-value", &at, message);
        }
        let at = Path::of(["services", name.as_str()]);
        let fewest = service.autoscaling.as_ref().map(|scaling| scaling.min);
        disruption(check, &at, service.disruption, service.replicas.or(fewest).unwrap_or(1));
        let Some(scaling) = &service.autoscaling else { continue };
        let at = at.key("autoscaling");
        if check.profile.has_hole_below(&at) {
            continue;
        }
        if scaling.min > scaling.max {
            let message =
                format!("at least {} and at most {} replicas cannot be had", scaling.min, scaling.max);
            check.error("bad-autoscaling", &at, message);
        } else if service.replicas.is_some_and(|count| !(scaling.min..=scaling.max).contains(&count)) {
            let at = Path::of(["services", name.as_str()]).key("replicas");
            let message = format!("the autoscaler would hold between {} and {}", scaling.min, scaling.max);
            check.warning("bad-autoscaling", &at, message);
        }
    }
    for (name, job) in &check.profile.jobs {
        let Some(schedule) = &job.schedule else { continue };
        if !is_cron(schedule) {
            let at = Path::of(["jobs", name.as_str()]).key("schedule");
            let message = format!("`{schedule}` is no cron line");
            check.error("bad-schedule", &at, message).hint =
                Some("write five fields, `0 3 * * *`".to_owned());
        }
    }
}

/// The API server takes a bound that lets nothing be evicted; then no node with such a pod is ever drained.
fn disruption(check: &mut Check<'_>, of: &Path, bound: Option<Disruption>, replicas: u32) {
    if replicas > 0 && bound.is_some_and(|bound| bound.allows(replicas) == 0) {
        let message = format!(
            "none of its replicas ({replicas}) may ever be evicted: a node that runs one cannot be drained"
        );
        check.warning("bad-disruption", &of.key("disruption"), message);
    }
}

/// Five fields, or one of cron's words; the schedule is kept and never run by itself.
fn is_cron(text: &str) -> bool {
    const WORDS: &[&str] = &["@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly"];
    let field = |field: &str| field.bytes().all(|b| b.is_ascii_alphanumeric() || b"*/,-?#".contains(&b));
    let text = text
        .strip_prefix("TZ=")
        .or(text.strip_prefix("CRON_TZ="))
        .map_or(text, |rest| rest.split_once(' ').map_or("", |(_, line)| line));
    WORDS.contains(&text) || (text.split_whitespace().count() == 5 && text.split_whitespace().all(field))
}
