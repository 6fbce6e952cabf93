//! Stores, as their own engines answer.

use serde_json::Value as Json;

use super::{
    Reading,
    known::Known,
    scene::Scene,
    settings,
    workload::{Within, Workload},
};
use crate::{formats::journal::SeedStatus, observed::StoreFacts, plan::Template, profile::EngineKind};

const ENGINE: &str = "the engine, over the network";
const LOGIN: &str = "a login over the network";

pub(super) fn read(scene: &Scene<'_>, of: &Workload<'_>, within: &Within, wanted: &Json) -> Option<Reading> {
    let plan =
        scene.plan.stores.iter().find(|store| of.section == "stores" && store.store.as_str() == of.name)?;
    let asked = Asked {
        engine: plan.engine,
        database: &plan.database,
        user: &plan.user,
        seed: plan.seed.as_deref(),
        facts: scene.observed.stores.get(of.name),
        loaded: match &scene.observed.keeper {
            Some(keeper) => Ok(keeper.seeds.iter().rfind(|seed| seed.store == of.name)),
            None => Err("the keeper does not answer"),
        },
        remembered: "the keeper's journal",
        known: &scene.known,
    };
    // The kernel has one clock for all; only a library that is loaded before others can show another.
    let clock = || {
        scene.each(of, |_, found| {
            let mut variables = found.env.iter().filter_map(|variable| variable.split_once('='));
            wall(
                wanted,
                variables.any(|(name, value)| moves_clock(name, value)),
                "`Config.Env` of the container",
            )
        })
    };
    asked.read(&within.keys(), wanted, clock)
}

/// A store of a mirror, and what its engine and whoever loaded it say.
pub(super) struct Asked<'a> {
    pub engine: EngineKind,
    pub database: &'a Option<Template>,
    pub user: &'a Option<Template>,
    /// Absent is empty.
    pub seed: Option<&'a str>,
    pub facts: Option<&'a StoreFacts>,
    /// What was loaded, or why nothing tells of it.
    pub loaded: Result<Option<&'a SeedStatus>, &'static str>,
    /// Who tells of it.
    pub remembered: &'static str,
    pub known: &'a Known,
}

impl Asked<'_> {
    pub fn read(&self, keys: &[&str], wanted: &Json, clock: impl FnOnce() -> Reading) -> Option<Reading> {
        let asked = |read: &dyn Fn(&StoreFacts) -> Reading| match self.facts {
            None => Reading::unread("the engine was not asked"),
            Some(facts) => read(facts),
        };
        let reading = match keys {
            ["engine"] => asked(&|facts| match &facts.version {
                Some(version) => {
                    Reading::of(wanted, self.engine.as_str(), ENGINE).because(format!("version {version}"))
                }
                None => Reading::unread(
                    facts.error.clone().unwrap_or_else(|| "the engine did not answer".to_owned()),
                ),
            }),
            ["database"] => {
                asked(&|facts| login(self.known, facts, wanted, (self.database, facts.database.as_deref())))
            }
            ["user"] => asked(&|facts| login(self.known, facts, wanted, (self.user, facts.user.as_deref()))),
            ["password"] => asked(&|facts| match facts.login {
                Some(true) => Reading::as_wanted(LOGIN),
                Some(false) => refused(facts),
                None => Reading::unread("no login was tried"),
            }),
            ["settings", name] => asked(&|facts| setting(self.engine, facts, name, wanted)),
            ["seed"] => self.seed(wanted),
            ["clock"] => self.clock(clock()),
            _ => return None,
        };
        Some(reading)
    }

    /// What was loaded, by whoever loaded it; what is there now the application may have changed.
    fn seed(&self, wanted: &Json) -> Reading {
        let from = format!("{}, and the engine's own count", self.remembered);
        let loaded = match self.loaded {
            Err(why) => return Reading::unread(why),
            Ok(None) => return Reading::absent(from, "no seed was loaded"),
            Ok(Some(loaded)) => loaded,
        };
        let now = self.facts.and_then(|facts| facts.count);
        let counts: Vec<String> = [
            loaded.hash.as_ref().map(|hash| format!("content {hash}")),
            loaded.count.map(|count| format!("{count} counted after loading")),
            now.map(|count| format!("{count} now")),
            loaded
                .expired
                .filter(|expired| *expired > 0)
                .map(|expired| format!("{expired} keys had expired")),
        ]
        .into_iter()
        .flatten()
        .collect();
        match &loaded.seed {
            None => Reading::absent(from, "the store began empty"),
            Some(seed) if loaded.hash.is_none() && Some(seed.as_str()) == self.seed => {
                Reading::unread("nothing tells what was in the seed")
            }
            Some(seed) => Reading::of(wanted, seed.as_str(), from).because(counts.join(", ")),
        }
    }

    /// Time is the wall's in this version.
    fn clock(&self, reading: Reading) -> Reading {
        let loaded = self.loaded.ok().flatten().and_then(|seed| seed.expired);
        match loaded.or_else(|| self.facts?.expired) {
            Some(expired) => reading.because(format!("{expired} keys had expired before they were loaded")),
            None => reading,
        }
    }
}

/// Whether a variable shows its process another time than the kernel's.
pub(super) fn moves_clock(name: &str, value: &str) -> bool {
    name.starts_with("FAKETIME") || name == "LD_PRELOAD" && value.contains("faketime")
}

pub(super) fn wall(wanted: &Json, is_moved: bool, from: &str) -> Reading {
    let live = if is_moved { "moved" } else { "wall" };
    Reading::of(wanted, live, format!("{from}, in which nothing moves the clock")).planned("wall")
}

fn refused(facts: &StoreFacts) -> Reading {
    let why = facts.error.clone().unwrap_or_else(|| "the login was refused".to_owned());
    Reading::absent(LOGIN, why)
}

/// What the login came to be, against what the plan wants it to be.
fn login(
    known: &Known,
    facts: &StoreFacts,
    wanted: &Json,
    (planned, live): (&Option<Template>, Option<&str>),
) -> Reading {
    match (facts.login, live) {
        (Some(true), Some(live)) => {
            let planned = planned.as_ref().and_then(|template| known.fill(template));
            match planned {
                Some(planned) => Reading::equal(wanted, planned == live, || live.into(), LOGIN),
                None => Reading::unread("the value of a secret in it is not known here"),
            }
        }
        (Some(false), _) => refused(facts),
        _ => Reading::unread(facts.error.clone().unwrap_or_else(|| "the engine did not say".to_owned())),
    }
}

fn setting(engine: EngineKind, facts: &StoreFacts, name: &str, wanted: &Json) -> Reading {
    match facts.settings.get(name) {
        Some(live) => {
            let same = wanted.as_str().is_some_and(|wanted| settings::same(engine, name, wanted, live));
            Reading::equal(wanted, same, || live.as_str().into(), ENGINE)
        }
        None if facts.version.is_some() => Reading::absent(ENGINE, "the engine knows no such setting"),
        None => {
            Reading::unread(facts.error.clone().unwrap_or_else(|| "the engine did not answer".to_owned()))
        }
    }
}
