//! The process itself: its image, its command, its variables.

use serde_json::{Value as Json, json};

use super::{
    super::{
        Reading, inside,
        known::MASK,
        scene::texts,
        workload::{Within, Workload},
    },
    scene::{Pair, SPEC, Scene, is_as_told, items},
};
use crate::{
    observed::{Kept, Variable},
    plan::{
        ImageSource,
        kubernetes::{EnvSource, ids},
    },
    profile::PodField,
    render::kubernetes::{
        expansion::{literal, literals},
        words,
    },
};

pub(super) fn read(scene: &Scene<'_>, of: &Workload<'_>, within: &Within, wanted: &Json) -> Option<Reading> {
    let keys = within.keys();
    if within.len() != keys.len() {
        return None;
    }
    let reading = match keys.as_slice() {
        ["image"] => scene.each(of, |pair| image(pair, wanted)),
        ["entrypoint"] => {
            scene.each(of, |pair| words_of(wanted, &pair.plan.entrypoint, &pair.spec["command"]))
        }
        ["command"] => scene.each(of, |pair| words_of(wanted, &pair.plan.command, &pair.spec["args"])),
        ["env", name] => scene.each(of, |pair| variable(scene, pair, name, wanted)),
        ["flags"] => scene.each(of, |pair| {
            let names = items(wanted).filter_map(Json::as_str);
            Reading::of(wanted, names.filter(|name| is_set(pair, name)).collect::<Json>(), SPEC)
        }),
        ["enable_service_links"] => scene.each_pod(of, |pod| {
            // What is not written is Kubernetes' own default.
            let live = pod.spec()["enableServiceLinks"].as_bool().unwrap_or(true);
            Reading::of(wanted, live, SPEC).planned(pod.plan.enable_service_links)
        }),
        ["working_dir"] => scene.each(of, |pair| match pair.spec["workingDir"].as_str() {
            Some(live) => Reading::of(wanted, live, SPEC),
            None => Reading::absent(SPEC, "it says none"),
        }),
        ["user"] | ["run_as"] => scene.each(of, |pair| user(pair, wanted)),
        ["labels", name] => scene.each_pod(of, |pod| {
            let metadata = &pod.found["metadata"];
            let (from, live) = match (pod.plan.labels.get(*name), pod.plan.annotations.get(*name)) {
                (Some(_), _) => ("the pod's labels", &metadata["labels"][*name]),
                (None, Some(_)) => ("the pod's annotations", &metadata["annotations"][*name]),
                (None, None) => return Reading::unread("the plan puts it nowhere"),
            };
            match live.as_str() {
                Some(live) => Reading::of(wanted, live, from),
                None => Reading::absent(from, "the pod has no such label"),
            }
        }),
        ["service_account"] => scene.each_pod(of, |pod| match &pod.plan.service_account {
            None => Reading::unread("the plan gives it no account"),
            Some(_) => Reading::of(wanted, pod.spec()["serviceAccountName"].clone(), SPEC),
        }),
        _ => return None,
    };
    Some(reading)
}

const IMAGE: &str = "`status.imageID`";

/// What the runtime says that it runs, by whichever digest it names; a tag by the word of the spec.
fn image(pair: &Pair<'_>, wanted: &Json) -> Reading {
    let reference = pair.plan.image.reference.as_str();
    let asked = pair.spec["image"].as_str().unwrap_or_default();
    let id = pair.status["imageID"].as_str().unwrap_or_default();
    if id.is_empty() && asked == reference {
        return Reading::unread("it has not started: nothing tells what runs");
    }
    let name = asked.split('@').next().unwrap_or(asked);
    let digest = id.rsplit_once('@').map_or(id, |(_, digest)| digest);
    let there = || Json::from(if asked == reference { format!("{name}@{digest}") } else { asked.to_owned() });
    match pair.plan.image.source {
        ImageSource::Digest => {
            let own = reference.split_once('@').map_or(reference, |(_, digest)| digest);
            if asked == reference && digest != own && !id.contains('@') {
                // The digest of its configuration, which is of another kind: the node resolved what the spec says.
                return Reading::unread(format!(
                    "the node tells {id} alone, the digest of its configuration"
                ));
            }
            Reading::equal(wanted, asked == reference && digest == own, there, IMAGE)
        }
        ImageSource::Tag | ImageSource::Local => Reading::equal(wanted, asked == reference, there, IMAGE)
            .because(format!("the node runs {digest}")),
        ImageSource::Role | ImageSource::Helper => {
            let live = there();
            let reading = Reading::other(wanted, live.clone(), IMAGE);
            if asked == reference { reading.planned(live) } else { reading }
        }
    }
}

/// The planned words as the kubelet reads them; a store's command holds its settings too.
fn words_of(wanted: &Json, planned: &Option<Vec<String>>, found: &Json) -> Reading {
    let Some(planned) = planned else {
        return Reading::unread("the plan leaves it to the image");
    };
    let same = *found == texts(&literals(planned));
    match found {
        Json::Null => Reading::absent(SPEC, "it says none"),
        found => Reading::equal(wanted, same, || found.clone(), SPEC),
    }
}

/// Whether a flag is a variable with the flag's value.
pub(super) fn is_set(pair: &Pair<'_>, name: &str) -> bool {
    pair.plan.env.get_key_value(name).is_some_and(|planned| is_as_planned(planned, written(pair, name)))
}

/// Whether the spec has a variable as the plan wants it. A value that is empty the API server leaves out.
fn is_as_planned(planned: (&String, &EnvSource), found: &Json) -> bool {
    match planned.1 {
        EnvSource::Text(text) => {
            let live = found["value"].as_str().unwrap_or_default();
            found.is_object() && found.get("valueFrom").is_none() && live == literal(text)
        }
        EnvSource::Secret { .. } | EnvSource::Field(_) => is_as_told(&words::variable(planned), found),
    }
}

/// A variable in the spec; of two with one name the last counts.
pub(super) fn written<'a>(pair: &Pair<'a>, name: &str) -> &'a Json {
    static NOTHING: Json = Json::Null;
    items(&pair.spec["env"]).rfind(|variable| variable["name"].as_str() == Some(name)).unwrap_or(&NOTHING)
}

fn variable(scene: &Scene<'_>, pair: &Pair<'_>, name: &str, wanted: &Json) -> Reading {
    let Some(planned) = pair.plan.env.get_key_value(name) else {
        return Reading::unread("the plan gives it no value");
    };
    let found = written(pair, name);
    if found.is_null() {
        return Reading::absent(SPEC, "the container has no such variable");
    }
    if !is_as_planned(planned, found) {
        let is_secret = matches!(planned.1, EnvSource::Secret { .. });
        let live = if is_secret { json!(MASK) } else { shown(found) };
        return Reading::other(wanted, live, SPEC);
    }
    let told = match planned.1 {
        EnvSource::Secret { name, key } => of_secret(scene, name, key, wanted),
        EnvSource::Text(_) | EnvSource::Field(_) => Reading::as_wanted(SPEC),
    };
    let process = pair.environ.and_then(|environ| environ.get(name));
    match (planned.1, process) {
        // Before a process begins nothing but the pod's spec says what it has; it may have set another since.
        (EnvSource::Text(text), Some(Variable::Text(live))) if live != text => {
            told.because("the first process has set another for itself")
        }
        (EnvSource::Text(_), Some(Variable::Text(_))) => told.and(Some(Reading::as_wanted(ENVIRON))),
        (EnvSource::Field(field), Some(Variable::Text(live))) => match value_of(pair, *field) {
            Some(value) if value == live => told.and(Some(Reading::as_wanted(ENVIRON))),
            _ => told,
        },
        (EnvSource::Secret { .. }, Some(Variable::Secret(Kept::Wanted))) => {
            told.and(Some(Reading::as_wanted(ENVIRON)))
        }
        (EnvSource::Secret { .. }, Some(Variable::Secret(Kept::Other))) => {
            told.and(Some(Reading::other(wanted, json!(MASK), ENVIRON).because(STALE)))
        }
        _ => told,
    }
}

const ENVIRON: &str = "/proc/1/environ";
const STALE: &str = "the process was started with another value than the Secret has";

/// A variable of the spec as a reader would want to see it.
pub(super) fn shown(found: &Json) -> Json {
    match found["valueFrom"].as_object() {
        // A value that is empty is not written.
        None => found["value"].as_str().unwrap_or_default().into(),
        Some(from) => Json::Object(from.clone()),
    }
}

/// A value that a Secret holds, by comparison alone.
pub(super) fn of_secret(scene: &Scene<'_>, name: &str, key: &str, wanted: &Json) -> Reading {
    let from = format!("the keyed comparison with Secret {name}");
    if let Some(why) = scene.observed.unlisted.get("Secret") {
        return Reading::unread(format!("Secrets may not be read: {why}"));
    }
    match scene.observed.secrets.get(name).and_then(|secret| secret.get(key)) {
        Some(Kept::Wanted) => Reading::as_wanted(format!("{SPEC}, {from}")),
        Some(Kept::Other) => {
            Reading::other(wanted, json!(MASK), from).because("the Secret holds another value")
        }
        Some(Kept::Unknown) => Reading::unread("the value of its secret is not known here"),
        None => Reading::absent(from, format!("there is no Secret {name} with the key `{key}`")),
    }
}

/// What the pod tells of itself.
fn value_of<'a>(pair: &Pair<'a>, field: PodField) -> Option<&'a str> {
    let found = pair.pod.found;
    match field {
        PodField::PodName => found["metadata"]["name"].as_str(),
        PodField::PodAddress => found["status"]["podIP"].as_str(),
        PodField::NodeName => found["spec"]["nodeName"].as_str(),
        PodField::LimitsCpu | PodField::LimitsMemory | PodField::RequestsCpu | PodField::RequestsMemory => {
            None
        }
    }
}

/// The user by its number; the container's own word wins over the pod's.
fn user(pair: &Pair<'_>, wanted: &Json) -> Reading {
    let spelled = |user: Option<u64>, group: Option<u64>| match (user, group) {
        (Some(user), Some(group)) => Some(format!("{user}:{group}")),
        (Some(user), None) => Some(user.to_string()),
        (None, _) => None,
    };
    let walls = &pair.plan.walls;
    let Some(planned) = spelled(walls.user.map(u64::from), walls.group.map(u64::from)) else {
        return Reading::unread("the pod's spec says none: the image's own holds");
    };
    let (own, pods) = (&pair.spec["securityContext"], &pair.pod.spec()["securityContext"]);
    let number = |key: &str| own[key].as_u64().or(pods[key].as_u64());
    let told = match spelled(number("runAsUser"), number("runAsGroup")) {
        None => return Reading::absent(SPEC, "it says no user"),
        Some(live) => {
            let same = ids(wanted.as_str()) == (walls.user, walls.group) && live == planned;
            let group_is_lost =
                wanted.as_str().is_some_and(|wanted| wanted.contains(':')) && walls.group.is_none();
            Reading::equal(wanted, same && !group_is_lost, || live.into(), SPEC).planned(planned)
        }
    };
    // Root may have become another; nobody else can.
    let process = pair.inside.and_then(|inside| inside::status(inside, "Uid")?.split_whitespace().next());
    let Some(uid) = process.filter(|_| walls.is_non_root()) else { return told };
    let same = walls.user.is_some_and(|user| uid == user.to_string());
    let said = if same {
        Reading::as_wanted("/proc/1/status")
    } else {
        Reading::other(wanted, uid.into(), "/proc/1/status")
    };
    told.and(Some(said))
}
