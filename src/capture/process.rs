//! The process itself: its image, its command, its variables.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;

use super::{
    Reading,
    scene::{MASK, Pair, Scene, Within, Workload, texts, variables},
};
use crate::{
    labels::Kind,
    observed::Container,
    path::Path,
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
            Some(found) => {
                // `--image` may have put another in its place.
                let written = pair.plan.image.written.as_ref().map(|image| Json::from(image.to_string()));
                image_of(scene, pair.plan, found, written.as_ref().unwrap_or(wanted), from)
            }
            None if matches!(pair.plan.kind, Kind::Init | Kind::Job) => {
                Reading::unread("the container is not there any more")
            }
            None => Reading::absent(from, "the container is not there"),
        };
        (pair.plan.key.clone(), reading)
    });
    Reading::of_all(readings).unwrap_or_else(|| Reading::unread("it runs on demand only"))
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
            Reading::as_wanted(wanted, digests.iter().any(|known| known == digest), || there().into(), from)
        }
        // By id: what the tag means now is another question.
        ImageSource::Local => {
            let same = found.image_id == reference || digests.iter().any(|known| known == reference);
            Reading::as_wanted(wanted, same, || found.image_id.as_str().into(), from)
        }
        ImageSource::Tag => {
            Reading::as_wanted(wanted, found.image_reference == reference, || there().into(), from)
        }
        ImageSource::Role | ImageSource::Helper => {
            let same = found.image_reference == reference || found.image_id == reference;
            let live: Json = format!("{name}@{}", found.image_id).into();
            Reading {
                live: Some(live),
                holds: if same { None } else { Some(false) },
                from: from.to_owned(),
                why: None,
            }
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
    Reading::as_wanted(wanted, same, || found.iter().map(|word| Json::from(word.as_str())).collect(), CONFIG)
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
    match scene.fill(template) {
        Some(planned) => Reading::as_wanted(wanted, planned == live, shown, from),
        None => Reading::unread("the value of a secret in it is not known here"),
    }
}

/// Whether each flag that the workload reads is a variable with the flag's value.
fn flags(scene: &Scene<'_>, pair: &Pair<'_>, found: &Container, wanted: &Json) -> Reading {
    let env = variables(&found.env);
    let set = |name: &&str| {
        let planned = pair.plan.env.get(*name).and_then(|template| scene.fill(template));
        planned.is_some_and(|planned| env.get(*name).is_some_and(|live| *live == planned))
    };
    let names = wanted.as_array().into_iter().flatten().filter_map(Json::as_str);
    let live: Json = names.filter(set).collect();
    Reading::of(wanted, live, "`Config.Env` of the container")
}

/// Whether every variable that was added for other services is there.
fn links(scene: &Scene<'_>, of: &Workload<'_>, pair: &Pair<'_>, found: &Container, wanted: &Json) -> Reading {
    let written = &scene.tree[of.section][of.name]["env"];
    let env = variables(&found.env);
    let added = pair.plan.env.iter().filter(|(name, _)| written.get(name.as_str()).is_none());
    let there = |(name, template): (&String, &Template)| {
        scene.fill(template).is_none_or(|planned| env.get(name.as_str()).is_some_and(|live| *live == planned))
    };
    let all = { added }.all(there);
    Reading::as_wanted(
        wanted,
        all,
        || Json::from(!wanted.as_bool().unwrap_or_default()),
        "`Config.Env` of the container",
    )
}

/// Variables that neither the profile, nor the plan, nor the image has.
pub(super) fn unasked_variables(scene: &Scene<'_>) -> BTreeMap<Path, Reading> {
    let mut found = BTreeMap::new();
    for pod in &scene.plan.pods {
        let section = match pod.kind {
            crate::plan::PodKind::Service => "services",
            crate::plan::PodKind::Job => "jobs",
            crate::plan::PodKind::Store => "stores",
        };
        let Some(container) = scene.find(&pod.main.key) else { continue };
        let facts = scene.observed.images.get(&container.image_id);
        let Some(image) = facts.map(|facts| facts.env.iter().collect::<BTreeSet<_>>()) else { continue };
        for variable in container.env.iter().filter(|variable| !image.contains(variable)) {
            let (name, value) = variable.split_once('=').unwrap_or((variable, ""));
            if !pod.main.env.contains_key(name) {
                let path = Path::root().key(section).key(pod.service.as_str()).key("env").key(name);
                let reading = Reading {
                    live: Some(value.into()),
                    holds: Some(false),
                    from: "`Config.Env` of the container".to_owned(),
                    why: Some(format!("{}: nobody asked for this variable", pod.main.key)),
                };
                found.insert(path, reading);
            }
        }
    }
    found
}
