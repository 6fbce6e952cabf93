//! The process itself: its image, its command, its variables.

use serde_json::Value as Json;

use super::{
    Reading,
    known::MASK,
    scene::{ON_DEMAND, Pair, Scene, texts, variables},
    workload::{Within, Workload},
};
use crate::{
    labels::Kind,
    observed::Container,
    plan::{ContainerPlan, ImageSource, Template},
};

const CONFIG: &str = "the container's `Config`";

pub(super) fn read(scene: &Scene<'_>, of: &Workload<'_>, within: &Within, wanted: &Json) -> Option<Reading> {
    let keys = within.keys();
    if within.len() != keys.len() {
        return None;
    }
    let reading = match keys.as_slice() {
        ["image"] => image(scene, of, wanted),
        ["entrypoint"] => {
            scene.each(of, |pair, found| words(wanted, &pair.plan.entrypoint, &found.entrypoint))
        }
        ["command"] => scene.each(of, |pair, found| words(wanted, &pair.plan.command, &found.command)),
        ["env", name] => scene.each(of, |pair, found| variable(scene, pair, found, name, wanted)),
        ["flags"] => scene.each(of, |pair, found| flags(scene, pair, found, wanted)),
        ["enable_service_links"] => scene.each(of, |pair, found| links(scene, of, pair, found, wanted)),
        ["working_dir"] => scene.each(of, |_, found| Reading::of(wanted, found.working_dir.as_str(), CONFIG)),
        ["user"] | ["run_as"] => scene.each(of, |_, found| Reading::of(wanted, found.user.as_str(), CONFIG)),
        ["labels", name] => scene.each(of, |_, found| match found.labels.get(*name) {
            Some(value) => Reading::of(wanted, value.as_str(), CONFIG),
            None => Reading::absent(CONFIG, "the container has no such label"),
        }),
        _ => return None,
    };
    Some(reading)
}

/// The container's own image, compared by whichever digest the plan names.
fn image(scene: &Scene<'_>, of: &Workload<'_>, wanted: &Json) -> Reading {
    let from = "the container's image descriptor and id";
    let pairs = scene.pairs(of);
    let readings = pairs.iter().map(|pair| {
        let reading = match pair.found {
            Some(found) => image_of(scene, pair.plan, found, wanted, from),
            None if matches!(pair.plan.kind, Kind::Init | Kind::Job) => {
                Reading::unread("the container is not there any more")
            }
            None => Reading::absent(from, "the container is not there"),
        };
        (pair.plan.key.clone(), reading)
    });
    Reading::of_all(readings).unwrap_or_else(|| Reading::unread(ON_DEMAND))
}

fn image_of(
    scene: &Scene<'_>,
    plan: &ContainerPlan,
    found: &Container,
    wanted: &Json,
    from: &str,
) -> Reading {
    let digests = digests(scene, found);
    let reference = plan.image.reference.as_str();
    let name = reference.split('@').next().unwrap_or(reference);
    let there = || match found.image_descriptor.as_ref().or(digests.first()) {
        Some(digest) if digest != name => format!("{name}@{digest}"),
        _ => found.image_id.clone(),
    };
    match plan.image.source {
        ImageSource::Digest => {
            let digest = reference.split_once('@').map_or(reference, |(_, digest)| digest);
            Reading::equal(wanted, digests.iter().any(|known| known == digest), || there().into(), from)
        }
        // By id: what the tag means now is another question.
        ImageSource::Local => {
            let same = found.image_id == reference || digests.iter().any(|known| known == reference);
            Reading::equal(wanted, same, || found.image_id.as_str().into(), from)
        }
        ImageSource::Tag => {
            Reading::equal(wanted, found.image_reference == reference, || there().into(), from)
        }
        ImageSource::Role | ImageSource::Helper => {
            let same = found.image_reference == reference || found.image_id == reference;
            let live: Json = format!("{name}@{}", found.image_id).into();
            let reading = Reading::other(wanted, live.clone(), from);
            if same { reading.planned(live) } else { reading }
        }
    }
}

/// Every digest under which the image is known: of the descriptor, of the id, of registries.
fn digests(scene: &Scene<'_>, found: &Container) -> Vec<String> {
    let facts = scene.observed.images.get(&found.image_id);
    let in_registries = facts.into_iter().flat_map(|facts| &facts.repo_digests);
    let in_registries =
        in_registries.filter_map(|known| known.split_once('@')).map(|(_, digest)| digest.to_owned());
    found.image_descriptor.iter().cloned().chain([found.image_id.clone()]).chain(in_registries).collect()
}

fn words(wanted: &Json, planned: &Option<Vec<String>>, found: &Option<Vec<String>>) -> Reading {
    let found = found.clone().unwrap_or_default();
    // Settings of a store are words of its command too, beside those that the profile writes.
    let same = planned.as_ref() == Some(&found) || texts(&found) == *wanted;
    Reading::equal(wanted, same, || found.iter().map(|word| Json::from(word.as_str())).collect(), CONFIG)
}

fn variable(scene: &Scene<'_>, pair: &Pair<'_>, found: &Container, name: &str, wanted: &Json) -> Reading {
    let Some(template) = pair.plan.env.get(name) else {
        return Reading::unread("the plan gives it no value");
    };
    let from = "`Config.Env` of the container";
    match variables(&found.env).get(name) {
        None => Reading::absent(from, "the container has no such variable"),
        Some(live) => compare(scene, template, live, wanted, from),
    }
}

/// A variable against its planned text; one that holds a secret is never shown.
fn compare(scene: &Scene<'_>, template: &Template, live: &str, wanted: &Json, from: &str) -> Reading {
    let shown = || Json::from(if template.holds_secret() { MASK } else { live });
    match scene.known.fill(template) {
        Some(planned) => Reading::equal(wanted, planned == live, shown, from),
        None => Reading::unread("the value of a secret in it is not known here"),
    }
}

/// Whether each flag that the workload reads is a variable with the flag's value.
fn flags(scene: &Scene<'_>, pair: &Pair<'_>, found: &Container, wanted: &Json) -> Reading {
    let env = variables(&found.env);
    let set = |name: &&str| {
        let planned = pair.plan.env.get(*name).and_then(|template| scene.known.fill(template));
        planned.is_some_and(|planned| env.get(*name).is_some_and(|live| *live == planned))
    };
    let names = wanted.as_array().into_iter().flatten().filter_map(Json::as_str);
    let live: Json = names.filter(set).collect();
    Reading::of(wanted, live, "`Config.Env` of the container")
}

/// Whether the variables that Kubernetes would add for other services are there: all of the planned ones, or any.
fn links(scene: &Scene<'_>, of: &Workload<'_>, pair: &Pair<'_>, found: &Container, wanted: &Json) -> Reading {
    let written = &scene.tree[of.section][of.name]["env"];
    let env = variables(&found.env);
    let is_link = |name: &str| {
        ["_SERVICE_HOST", "_SERVICE_PORT", "_PORT"].iter().any(|part| name.contains(part))
            && written.get(name).is_none()
    };
    let mut planned = pair.plan.env.iter().filter(|(name, _)| is_link(name)).peekable();
    let there = |(name, template): (&String, &Template)| {
        scene
            .known
            .fill(template)
            .is_none_or(|planned| env.get(name.as_str()).is_some_and(|live| *live == planned))
    };
    let live = match planned.peek() {
        Some(_) => planned.all(there),
        None => {
            wanted.as_bool().unwrap_or_default() || env.keys().any(|name| name.ends_with("_SERVICE_HOST"))
        }
    };
    Reading::of(wanted, live, "`Config.Env` of the container")
}
