//! Verify, read through the ledger: `diff(profile, capture(observed))`, told entry by entry.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json};

use super::{Live, Wanted, table, wanted::file};
use crate::{
    capture::{self, Captured},
    diff::{self, Change},
    observed::{ClusterObserved, Observed},
    path::{Path, Segment},
    plan::{ClusterPlan, Plan},
};

/// Live values by path: of every entry that the plan has, and of every change that belongs to none.
///
/// `tree` is the profile in its long form; `secrets` are the values of the plan's variables, and none gets out.
///
/// An entry holds when no change between the profile and what was captured touches its path, does not when one does,
/// and is neither where it could not be read. It is neither, with the live value beside it, where the mirror is as
/// planned and the plan itself departs from the profile (a limit cut to the host's, the build of an image's role):
/// that the entry's grade says already.
pub fn live(
    plan: &Plan,
    tree: &Json,
    observed: &Observed,
    secrets: &BTreeMap<String, String>,
) -> BTreeMap<Path, Live> {
    let asked = asked(&plan.ledger, tree);
    told_of(&plan.ledger, &asked, &capture::mirror(&asked, plan, observed, secrets))
}

/// The same of a mirror on a cluster.
pub fn live_on_cluster(
    plan: &ClusterPlan,
    tree: &Json,
    observed: ClusterObserved,
    secrets: &BTreeMap<String, String>,
) -> BTreeMap<Path, Live> {
    let asked = asked(&plan.ledger, tree);
    let captured = capture::on_cluster(&asked, plan, &observed, secrets);
    // The largest thing there is, of which nothing more is asked.
    drop(observed);
    told_of(&plan.ledger, &asked, &captured)
}

/// What was captured, entry by entry of the plan's ledger.
fn told_of(ledger: &[Wanted], asked: &Json, captured: &Captured) -> BTreeMap<Path, Live> {
    let account = Account {
        changes: meaningful(diff::diff(asked, &captured.tree)),
        departures: meaningful(diff::diff(&captured.planned, &captured.tree)),
        captured,
        asked,
    };
    let mut live: BTreeMap<Path, Live> =
        ledger.iter().map(|entry| (entry.path.clone(), account.entry(&entry.path))).collect();
    let unasked = account.unasked(&live);
    live.extend(unasked);
    live
}

/// What is asked for: the profile, with the images that an option put in place of its own.
fn asked(ledger: &[Wanted], tree: &Json) -> Json {
    let mut asked = tree.clone();
    let is_image = |entry: &&Wanted| table::row(&entry.path).is_some_and(|row| row.field == "run.image");
    for entry in ledger.iter().filter(is_image) {
        let place = entry.path.0.iter().try_fold(&mut asked, |value, segment| match segment {
            Segment::Key(key) => value.get_mut(key),
            Segment::Member { .. } | Segment::Index(_) => None,
        });
        if let Some((place, wanted)) = place.zip(entry.wanted.as_ref()) {
            *place = wanted.clone();
        }
    }
    asked
}

fn meaningful(changes: Vec<Change>) -> Vec<Change> {
    changes.into_iter().filter(|change| change.noise.is_none()).collect()
}

struct Account<'a> {
    asked: &'a Json,
    captured: &'a Captured,
    /// From what is asked for to what is live.
    changes: Vec<Change>,
    /// From what is planned to what is live.
    departures: Vec<Change>,
}

impl Account<'_> {
    fn entry(&self, path: &Path) -> Live {
        if let Some(of) = self.captured.behaviour.get(path) {
            let differs =
                |from: &Json| of.live.as_ref().is_none_or(|live| !diff::diff(from, live).is_empty());
            let holds = verdict(differs(&of.wanted), differs(&of.planned), of.reading.is_unread());
            return told(path, Some(&of.reading), holds, of.live.clone());
        }
        let looks = self.captured.looks(path);
        let look = self.captured.look(path);
        let differs = touched(&self.changes, path);
        let is_unread = look.is_none_or(capture::Reading::is_unread);
        let holds = verdict(differs, touched(&self.departures, path), is_unread);
        let told = told(path, look, holds, self.value(path).cloned());
        // Of what holds in every part each part was read.
        if holds == Some(true) { Live { read_from: sources(&looks), ..told } } else { told }
    }

    /// The live value; a list without names has no places, so a member of one is known by what it is.
    fn value(&self, path: &Path) -> Option<&Json> {
        let Some((Segment::Index(_), above)) = path.0.split_last() else { return self.captured.value(path) };
        let list = self.captured.value(&Path(above.to_vec()))?.as_array()?;
        let wanted = step_into(self.asked, &path.0)?;
        list.iter().find(|item| diff::equal(item, wanted))
    }

    /// What runs beside all entries, each as one of its own.
    fn unasked(&self, entries: &BTreeMap<Path, Live>) -> Vec<(Path, Live)> {
        let mut found = Vec::new();
        for change in &self.changes {
            let more = more_members(change);
            let is_told = entries.keys().any(|entry| differs_at(change, entry));
            if more.is_empty() && !is_told {
                found.push((change.path.clone(), change.to.clone()));
            }
            found.extend(more.into_iter().map(|(path, value)| (path, Some(value.clone()))));
        }
        let holds = Some(false);
        found
            .into_iter()
            .map(|(path, value)| {
                let live = told(&path, self.captured.look(&path), holds, value);
                (path, live)
            })
            .collect()
    }
}

/// Whether an entry holds: `None` for what was not read, and for what is as planned though not as wanted.
fn verdict(differs: bool, departs: bool, is_unread: bool) -> Option<bool> {
    match (differs, departs) {
        (true, true) => Some(false),
        (true, false) => None,
        (false, _) => (!is_unread).then_some(true),
    }
}

fn told(path: &Path, look: Option<&capture::Reading>, holds: Option<bool>, live: Option<Json>) -> Live {
    let (from, why) = look.map(|look| (look.from.clone(), look.why.clone())).unwrap_or_default();
    let is_unread = holds.is_none() && look.is_none_or(capture::Reading::is_unread);
    Live {
        value: live.filter(|_| !is_unread).map(|live| if is_file(path) { as_shown(&live) } else { live }),
        holds,
        read_from: Some(from).filter(|from| !from.is_empty()),
        why,
        grade: look.and_then(capture::Reading::lowered),
    }
}

fn sources(looks: &[&capture::Reading]) -> Option<String> {
    let mut sources: Vec<&str> = Vec::new();
    for look in looks {
        if !look.from.is_empty() && !sources.contains(&look.from.as_str()) {
            sources.push(&look.from);
        }
    }
    Some(sources.join(", ")).filter(|sources| !sources.is_empty())
}

fn touched(changes: &[Change], path: &Path) -> bool {
    changes.iter().any(|change| differs_at(change, path))
}

/// Whether a change touches a path: at it or in it, or at a whole around it of which this part is another too.
fn differs_at(change: &Change, path: &Path) -> bool {
    if change.path.starts_with(path) {
        return true;
    }
    let Some(rest) = path.0.strip_prefix(change.path.0.as_slice()) else { return false };
    let (Some(from), Some(to)) = (&change.from, &change.to) else { return true };
    match (rest.first(), from.as_array(), to.as_array()) {
        (Some(Segment::Index(index)), Some(from), Some(to)) => {
            from.get(*index).is_none_or(|member| !to.iter().any(|other| diff::equal(member, other)))
        }
        _ => match (step_into(from, rest), step_into(to, rest)) {
            (Some(from), Some(to)) => !diff::equal(from, to),
            (None, None) => false,
            _ => true,
        },
    }
}

/// Members of a list without names that only the live one has, placed after those of the profile.
fn more_members(change: &Change) -> Vec<(Path, &Json)> {
    let none = Vec::new();
    let from = match &change.from {
        None => &none,
        Some(Json::Array(from)) => from,
        Some(_) => return Vec::new(),
    };
    let Some(Json::Array(to)) = &change.to else { return Vec::new() };
    if !to.iter().all(Json::is_object) {
        return Vec::new();
    }
    let more = to.iter().filter(|member| !from.iter().any(|other| diff::equal(member, other)));
    more.enumerate().map(|(at, member)| (change.path.index(from.len() + at), member)).collect()
}

fn step_into<'a>(value: &'a Json, path: &[Segment]) -> Option<&'a Json> {
    path.iter().try_fold(value, |value, segment| match segment {
        Segment::Key(key) => value.get(key),
        Segment::Index(index) => value.get(index),
        Segment::Member { field, value: name } => {
            value.as_array()?.iter().find(|item| item[field].as_str() == Some(name))
        }
    })
}

/// `services.api.files["/etc/x"]`
fn is_file(path: &Path) -> bool {
    matches!(path.0.as_slice(), [_, _, Segment::Key(field), Segment::Key(_)] if field == "files")
}

/// A file as the ledger shows it, by its hash; one that differs was read as a hash.
fn as_shown(live: &Json) -> Json {
    let is_hash = |key: &&str| live[*key].as_str().is_some_and(|text| text.starts_with("sha256:"));
    let read = ["content", "base64", "from", "secret"].into_iter().find(is_hash);
    let mut shown = match file(live) {
        Json::Object(shown) => shown,
        _ => Map::new(),
    };
    if let Some(key) = read {
        shown.shift_remove(key);
        shown.insert("sha256".to_owned(), live[key].clone());
    }
    Json::Object(shown)
}
