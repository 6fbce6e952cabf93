//! What one could do about a difference, in words.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{EnvChange, EnvDiff, Environment, Source, bash};
use crate::{
    diff::{Op, shown},
    ledger::Class,
    profile::Profile,
};

/// One thing to do; `set` are texts for `--set`, where a profile is in play.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Suggestion {
    pub message: String,
    pub set: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unset: Vec<String>,
    pub services: Vec<String>,
}

/// What profiles tell of variables that files do not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// Flags, and the workloads that read each.
    pub flags: BTreeMap<String, Vec<String>>,
}

impl Known {
    pub fn of(profile: &Profile) -> Self {
        let mut known = Self::default();
        let services = profile.services.iter().map(|(name, service)| (name, &service.run));
        let jobs = profile.jobs.iter().map(|(name, job)| (name, &job.run));
        for (name, run) in services.chain(jobs) {
            for flag in &run.flags {
                known.flags.entry(flag.clone()).or_default().push(name.to_string());
            }
        }
        known
    }

    /// The same with the flags that sources themselves tell of.
    fn with(&self, sources: &[&[Environment]]) -> Self {
        let mut known = self.clone();
        for environment in sources.iter().copied().flatten() {
            for flag in environment.variables.iter().filter(|variable| variable.source == Source::Flag) {
                let readers = known.flags.entry(flag.name.clone()).or_default();
                readers.extend(
                    environment
                        .service
                        .iter()
                        .filter(|service| !readers.contains(service))
                        .cloned()
                        .collect::<Vec<_>>(),
                );
            }
        }
        known
    }
}

/// A value that is longer stays out of a command to type.
const LONGEST: usize = 200;

/// One for each variable that differs and means something, in the order of the changes.
pub(super) fn suggestions(
    difference: &EnvDiff,
    a: &[Environment],
    b: &[Environment],
    known: &Known,
) -> Vec<Suggestion> {
    let known = known.with(&[a, b]);
    let origin = |side: &[Environment]| side.first().map(|first| first.origin.clone()).unwrap_or_default();
    let (a, b) = (origin(a), origin(b));
    let mut groups: Vec<Vec<&EnvChange>> = Vec::new();
    for change in difference.meaningful() {
        let alike = |group: &&mut Vec<&EnvChange>| {
            let first = group[0];
            first.name == change.name
                && first.change.from == change.change.from
                && first.change.to == change.change.to
        };
        match groups.iter_mut().find(alike) {
            Some(group) => group.push(change),
            None => groups.push(vec![change]),
        }
    }
    groups.iter().map(|group| of_group(group, &a, &b, &known)).collect()
}

fn of_group(group: &[&EnvChange], a: &str, b: &str, known: &Known) -> Suggestion {
    let first = group[0];
    let name = &first.name;
    let readers = known.flags.get(name);
    let services: Vec<String> = match readers {
        Some(readers) => readers.clone(),
        None => group.iter().filter_map(|change| change.service.clone()).collect(),
    };
    let paths: Vec<String> = match readers {
        Some(_) => vec![format!("flags.{name}")],
        None => group
            .iter()
            .filter(|change| change.service.is_some())
            .map(|change| change.change.path.to_string())
            .collect(),
    };
    let what = match readers {
        Some(readers) if !readers.is_empty() => {
            format!(", which is a feature flag read by {}", joined(readers))
        }
        Some(_) => ", which is a feature flag".to_owned(),
        None if services.len() > 1 => format!(" for {}", joined(&services)),
        None => String::new(),
    };
    let text = |value: &Option<serde_json::Value>| {
        value.as_ref().and_then(|value| value.as_str().map(str::to_owned))
    };
    let show = |value: &str| shown(&serde_json::Value::from(value));
    let change = &first.change;
    let (mut set, mut unset) = (Vec::new(), Vec::new());
    let message = match (change.op, text(&change.from), text(&change.to)) {
        _ if change.class == Class::Secret => match change.op {
            Op::Add => format!("{b} has the secret `{name}`{what}, {a} has none; give it one"),
            Op::Remove => format!("{a} has the secret `{name}`{what}, {b} has none"),
            Op::Change => {
                format!("the secret `{name}` is another{what}; nothing to do where each place has its own")
            }
        },
        (Op::Remove, from, _) => {
            let from = from.map(|from| format!("={}", show(&from))).unwrap_or_default();
            unset = paths;
            let way = run_with("--unset", &unset);
            format!("{a} sets {name}{from}{what}, {b} does not; remove it{way}")
        }
        (op, from, Some(to)) => {
            if to.len() <= LONGEST {
                set = paths.iter().map(|path| format!("{path}={to}")).collect();
            }
            let way = run_with("--set", &set);
            let todo = match (op, from) {
                (Op::Change, Some(from)) => format!("{a} has {}; change it", show(&from)),
                (Op::Change, None) => "change it".to_owned(),
                _ => "add it".to_owned(),
            };
            format!("{b} sets {name}={}{what}; {todo}{way}", show(&to))
        }
        (op, _, None) => {
            let why = change.to.as_ref().and_then(|to| to["hole"].as_str()).unwrap_or("not read");
            let todo = if op == Op::Add { "add it" } else { "compare it by hand" };
            format!("{b} gives `{name}` a value that is not known here{what} ({why}); {todo}")
        }
    };
    Suggestion { message, set, unset, services }
}

fn run_with(option: &str, texts: &[String]) -> String {
    if texts.is_empty() {
        return String::new();
    }
    let words: Vec<String> = texts.iter().map(|text| format!("{option} {}", quoted(text))).collect();
    format!(", or run with `{}`", words.join(" "))
}

/// A word to type; `=` needs no quotes.
fn quoted(text: &str) -> String {
    let word = bash::word(&text.replace('=', ""));
    if word.starts_with('\'') { bash::word(text) } else { text.to_owned() }
}

fn joined(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [one] => one.clone(),
        [rest @ .., last] => format!("{} and {last}", rest.join(", ")),
    }
}
