//! Grades that the profile and the host decide: one function a field.
//!
//! Here is what does not depend on the back end; each back end's own are beside.

pub(super) mod compose;
pub(super) mod kubernetes;

use super::{
    Grade,
    wanted::{Case, Shape},
};
use crate::{
    plan::ImageSource,
    profile::{Allow, EngineKind, Protocol, Seed, StoreClock, Value},
};

/// A grade and, below `enforced`, the reason; without one the row's own words are taken.
pub(crate) type Verdict = (Grade, Option<String>);

use Grade::{Approximated, Dropped, Enforced};

const ENFORCED: Verdict = (Enforced, None);

fn because(grade: Grade, why: impl Into<String>) -> Verdict {
    (grade, Some(why.into()))
}

pub(crate) fn flag<P: Shape>(case: &Case<'_, P>) -> Verdict {
    let flag = case.path.key_at(1).unwrap_or_default();
    let profile = case.profile;
    let runs = profile.services.values().map(|service| &service.run);
    let runs = runs.chain(profile.jobs.values().map(|job| &job.run));
    let mut runs = runs.chain(profile.stores.values().map(|store| &store.run));
    if runs.any(|run| run.flags.iter().any(|read| read == flag)) {
        ENFORCED
    } else {
        because(Dropped, "no service, job or store reads it")
    }
}

pub(crate) fn image<P: Shape>(case: &Case<'_, P>) -> Verdict {
    let Some(owner) = case.owner else { return ENFORCED };
    let Some(image) = owner.container.map(P::image) else {
        return because(Approximated, "there is no replica to hold it against");
    };
    let by_option = case.capabilities.options.images.contains_key(owner.name.as_str());
    let verdict = match image.source {
        ImageSource::Digest | ImageSource::Helper => ENFORCED,
        ImageSource::Tag => because(Approximated, "it is not pinned: the tag may mean other bytes tomorrow"),
        ImageSource::Local => because(Approximated, "built here: production's bytes are not proven"),
        ImageSource::Role => because(
            Approximated,
            format!("{}, built here for the same role, stands in: the image is not here", image.reference),
        ),
    };
    if by_option && case.profile.is_hole(case.path) {
        return because(Approximated, "`--image` gave it: production's could not be read");
    }
    if by_option && owner.run.image != *image.written.as_ref().unwrap_or(&owner.run.image) {
        return because(Approximated, format!("`--image` put it in place of {}", owner.run.image));
    }
    verdict
}

pub(crate) fn seccomp<P: Shape>(case: &Case<'_, P>) -> Verdict {
    match case.value.as_str() {
        Some("runtime/default" | "unconfined") => ENFORCED,
        _ => because(Dropped, "a profile file of production's nodes is not here; the engine's default holds"),
    }
}

/// The variable `TZ` carries the zone, unless the profile's own says another.
pub(crate) fn timezone<P: Shape>(case: &Case<'_, P>) -> Verdict {
    let own = case.owner.and_then(|owner| owner.process.env.get("TZ"));
    match own {
        Some(Value::Text(text)) if text.as_literal() != case.value.as_str() => {
            because(Dropped, "the variable `TZ` says another")
        }
        _ => ENFORCED,
    }
}

fn allowed<P: Shape>(case: &Case<'_, P>, what: Allow) -> Verdict {
    if case.value.as_bool() == Some(false) || case.profile.allow.contains(&what) {
        ENFORCED
    } else {
        because(Dropped, "refused: the profile's `allow` does not name it")
    }
}

pub(crate) fn privileged<P: Shape>(case: &Case<'_, P>) -> Verdict {
    allowed(case, Allow::Privileged)
}

pub(crate) fn host_network<P: Shape>(case: &Case<'_, P>) -> Verdict {
    allowed(case, Allow::HostNetwork)
}

pub(crate) fn host_pid<P: Shape>(case: &Case<'_, P>) -> Verdict {
    allowed(case, Allow::HostPid)
}

pub(crate) fn seed<P: Shape>(case: &Case<'_, P>) -> Verdict {
    match case.owner.and_then(|owner| owner.store).map(|store| &store.seed) {
        Some(Some(Seed::Snapshot(_))) => because(Dropped, "snapshots are not in this version"),
        Some(None) => because(Dropped, "production's data was not captured: the store starts empty"),
        Some(Some(Seed::Path(_))) | None => ENFORCED,
    }
}

pub(crate) fn clock<P: Shape>(case: &Case<'_, P>) -> Verdict {
    match case.owner.and_then(|owner| owner.store) {
        Some(store) if store.clock == Some(StoreClock::Wall) || store.clock.is_none() => match store.engine {
            EngineKind::Redis => because(Enforced, "keys whose time has passed since are gone, and counted"),
            EngineKind::Postgres => ENFORCED,
        },
        _ => because(Dropped, "not in this version: the clock is the wall's"),
    }
}

pub(crate) fn unsupported<P: Shape>(case: &Case<'_, P>) -> Verdict {
    let reason = case.value.as_str().filter(|reason| !reason.is_empty());
    because(Dropped, reason.unwrap_or("a profile cannot hold it"))
}

pub(crate) fn expose<P: Shape>(case: &Case<'_, P>) -> Verdict {
    let service = case.value.get("service").and_then(serde_json::Value::as_str).unwrap_or_default();
    let port = case.value.get("port").and_then(serde_json::Value::as_str);
    let doors = case.plan.doors().iter();
    let found =
        doors.filter(|door| door.service.as_str() == service && port.is_none_or(|p| door.port.as_str() == p));
    let ports = case.profile.services.get(service).map(|service| &service.run.ports);
    let udp = ports.is_some_and(|ports| {
        ports.iter().any(|(name, of)| of.protocol == Protocol::Udp && port.is_none_or(|p| name.as_str() == p))
    });
    match (found.count(), udp) {
        (0, _) => because(Dropped, "it has no TCP port to publish"),
        (_, true) => because(Approximated, "its UDP ports are not published"),
        _ => ENFORCED,
    }
}
