//! Stores, as their own engines answer.

use serde_json::Value as Json;

use super::{
    Reading,
    scene::{Scene, Within, Workload},
    settings,
};
use crate::{
    observed::StoreFacts,
    plan::{StorePlan, Template},
};

const ENGINE: &str = "the engine, over the network";
const LOGIN: &str = "a login over the network";

pub(super) fn read(scene: &Scene<'_>, of: &Workload<'_>, within: &Within, wanted: &Json) -> Option<Reading> {
    if of.section != "stores" {
        return None;
    }
    let keys = within.keys();
    let plan = scene.plan.stores.iter().find(|store| store.store.as_str() == of.name)?;
    let facts = scene.observed.stores.get(of.name);
    let asked = |read: &dyn Fn(&StoreFacts) -> Reading| match facts {
        None => Reading::unread("the engine was not asked"),
        Some(facts) => read(facts),
    };
    let reading = match keys.as_slice() {
        ["engine"] => asked(&|facts| match &facts.version {
            Some(version) => {
                Reading::of(wanted, plan.engine.as_str(), ENGINE).because(format!("version {version}"))
            }
            None => {
                Reading::unread(facts.error.clone().unwrap_or_else(|| "the engine did not answer".to_owned()))
            }
        }),
        ["database"] => {
            asked(&|facts| login(scene, facts, wanted, (&plan.database, facts.database.as_deref())))
        }
        ["user"] => asked(&|facts| login(scene, facts, wanted, (&plan.user, facts.user.as_deref()))),
        ["password"] => asked(&|facts| match facts.login {
            Some(true) => Reading::as_wanted(LOGIN),
            Some(false) => refused(facts),
            None => Reading::unread("no login was tried"),
        }),
        ["settings", name] => asked(&|facts| setting(plan, facts, name, wanted)),
        ["seed"] => seed(scene, of, plan, wanted),
        ["clock"] => clock(scene, of, wanted),
        _ => return None,
    };
    Some(reading)
}

fn refused(facts: &StoreFacts) -> Reading {
    let why = facts.error.clone().unwrap_or_else(|| "the login was refused".to_owned());
    Reading::absent(LOGIN, why)
}

/// What the login came to be, against what the plan wants it to be.
fn login(
    scene: &Scene<'_>,
    facts: &StoreFacts,
    wanted: &Json,
    (planned, live): (&Option<Template>, Option<&str>),
) -> Reading {
    match (facts.login, live) {
        (Some(true), Some(live)) => {
            let planned = planned.as_ref().and_then(|template| scene.fill(template));
            match planned {
                Some(planned) => Reading::equal(wanted, planned == live, || live.into(), LOGIN),
                None => Reading::unread("the value of a secret in it is not known here"),
            }
        }
        (Some(false), _) => refused(facts),
        _ => Reading::unread(facts.error.clone().unwrap_or_else(|| "the engine did not say".to_owned())),
    }
}

fn setting(plan: &StorePlan, facts: &StoreFacts, name: &str, wanted: &Json) -> Reading {
    match facts.settings.get(name) {
        Some(live) => {
            let same = wanted.as_str().is_some_and(|wanted| settings::same(plan.engine, name, wanted, live));
            Reading::equal(wanted, same, || live.as_str().into(), ENGINE)
        }
        None if facts.version.is_some() => Reading::absent(ENGINE, "the engine knows no such setting"),
        None => {
            Reading::unread(facts.error.clone().unwrap_or_else(|| "the engine did not answer".to_owned()))
        }
    }
}

/// What was loaded, by the keeper's journal; what is there now the application may have changed.
fn seed(scene: &Scene<'_>, of: &Workload<'_>, plan: &StorePlan, wanted: &Json) -> Reading {
    let from = "the keeper's journal, and the engine's own count";
    let Some(keeper) = &scene.observed.keeper else {
        return Reading::unread("the keeper does not answer");
    };
    let Some(loaded) = keeper.seeds.iter().rfind(|seed| seed.store == of.name) else {
        return Reading::absent(from, "no seed was loaded");
    };
    let now = scene.observed.stores.get(of.name).and_then(|facts| facts.count);
    let counts: Vec<String> = [
        loaded.hash.as_ref().map(|hash| format!("content {hash}")),
        loaded.count.map(|count| format!("{count} counted after loading")),
        now.map(|count| format!("{count} now")),
        loaded.expired.filter(|expired| *expired > 0).map(|expired| format!("{expired} keys had expired")),
    ]
    .into_iter()
    .flatten()
    .collect();
    match &loaded.seed {
        None => Reading::absent(from, "the store began empty"),
        Some(seed) if loaded.hash.is_none() && Some(seed) == plan.seed.as_ref() => {
            Reading::unread("the journal does not tell what was in the seed")
        }
        Some(seed) => Reading::of(wanted, seed.as_str(), from).because(counts.join(", ")),
    }
}

/// Time is the wall's in this version.
fn clock(scene: &Scene<'_>, of: &Workload<'_>, wanted: &Json) -> Reading {
    let loaded = scene
        .observed
        .keeper
        .as_ref()
        .and_then(|keeper| keeper.seeds.iter().rfind(|seed| seed.store == of.name));
    let expired =
        loaded.and_then(|seed| seed.expired).or_else(|| scene.observed.stores.get(of.name)?.expired);
    // The kernel has one clock for all; only a library that is loaded before others can show another.
    let is_moved = |variable: &String| {
        variable.starts_with("FAKETIME")
            || variable.starts_with("LD_PRELOAD=") && variable.contains("faketime")
    };
    let reading = scene.each(of, |_, found| {
        let live = if found.env.iter().any(is_moved) { "moved" } else { "wall" };
        Reading::of(wanted, live, "`Config.Env` of the container, in which nothing moves the clock")
            .planned("wall")
    });
    match expired {
        Some(expired) => reading.because(format!("{expired} keys had expired before they were loaded")),
        None => reading,
    }
}
