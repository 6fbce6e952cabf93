//! What one container has beside its plan.

use serde_json::{Value as Json, json};

use super::Look;
use crate::{
    capture::{
        cluster::{
            added, duties,
            process::shown as variable,
            scene::{Pair, SPEC, items},
            volumes, walls,
        },
        kubernetes::quantity,
        workload::{Part, Workload},
    },
    plan::kubernetes::{HookSpec, ProbeSpec},
    profile::{Bytes, Cpu},
};

pub(super) fn read(look: &mut Look<'_, '_>, of: &Workload<'_>, pair: &Pair<'_>) {
    process(look, of, pair);
    resources(look, pair);
    rights(look, pair);
    mounts(look, pair);
    told(look, pair);
    for (key, value) in pair.spec.as_object().into_iter().flatten() {
        let usual = added::is_usual_of_container(key, value);
        look.add_if(!usual, [&spelled(key)], added::shown(key, value), SPEC);
    }
}

/// A field of Kubernetes' in the profile's letters: `volumeDevices` is `volume_devices`.
pub(super) fn spelled(key: &str) -> String {
    let mut spelled = String::new();
    for letter in key.chars() {
        if letter.is_ascii_uppercase() && !spelled.is_empty() {
            spelled.push('_');
        }
        spelled.push(letter.to_ascii_lowercase());
    }
    spelled
}

fn process(look: &mut Look<'_, '_>, of: &Workload<'_>, pair: &Pair<'_>) {
    let (plan, spec) = (pair.plan, pair.spec);
    for found in items(&spec["env"]) {
        let name = found["name"].as_str().unwrap_or_default();
        look.add_if(!plan.env.contains_key(name), ["env", name], variable(found), SPEC);
    }
    let from = &spec["envFrom"];
    look.add_if(items(from).next().is_some(), ["env_from"], added::shown("envFrom", from), SPEC);
    let fields = [
        ("entrypoint", "command", plan.entrypoint.is_some()),
        ("command", "args", plan.command.is_some()),
        ("working_dir", "workingDir", plan.working_dir.is_some()),
    ];
    for (field, key, is_planned) in fields {
        look.add_if(!is_planned && !spec[key].is_null(), [field], spec[key].clone(), SPEC);
    }
    if plan.walls.user.is_none() {
        let own = &spec["securityContext"]["runAsUser"];
        let live = if own.is_null() { &pair.pod.spec()["securityContext"]["runAsUser"] } else { own };
        // The user of a store is the database's.
        let field = if of.section == "stores" && of.part == Part::Main { "run_as" } else { "user" };
        look.add_if(!live.is_null(), [field], live.clone(), SPEC);
    }
}

/// What nobody asked for. A request without a word is as large as its limit: Kubernetes writes that itself.
fn resources(look: &mut Look<'_, '_>, pair: &Pair<'_>) {
    let (limits, requests) = (&pair.plan.limits, &pair.plan.requests);
    let cpu = |cpu: Option<Cpu>| cpu.map(|cpu| json!(cpu));
    let bytes = |bytes: Option<Bytes>| bytes.map(|bytes| json!(bytes));
    for (which, planned) in [("limits", limits), ("requests", requests)] {
        for (name, live) in pair.spec["resources"][which].as_object().into_iter().flatten() {
            let is_cpu = name == "cpu";
            let (field, own, of_limit) = match name.as_str() {
                "cpu" => ("cpu", cpu(planned.cpu), cpu(limits.cpu)),
                "memory" => ("memory", bytes(planned.memory), bytes(limits.memory)),
                "ephemeral-storage" => {
                    ("ephemeral_storage", bytes(planned.ephemeral_storage), bytes(limits.ephemeral_storage))
                }
                other => (other, None, None),
            };
            let amount = |value: &Json| quantity(value, is_cpu).flatten();
            let is_added =
                which == "requests" && of_limit.as_ref().is_some_and(|limit| amount(limit) == amount(live));
            let shown = amount(live).map_or_else(|| live.clone(), Json::from);
            look.add_if(own.is_none() && !is_added, ["resources", which, field], shown, SPEC);
        }
    }
}

fn rights(look: &mut Look<'_, '_>, pair: &Pair<'_>) {
    let (planned, live) = (&pair.plan.walls, &pair.spec["securityContext"]);
    let is = |key: &str| live[key] == Json::Bool(true);
    look.add_if(is("privileged") != planned.privileged, ["privileged"], is("privileged"), SPEC);
    let read_only = is("readOnlyRootFilesystem");
    look.add_if(read_only != planned.read_only, ["read_only"], read_only, SPEC);
    let forbids = |escalation: Option<bool>| escalation == Some(false);
    let own = live["allowPrivilegeEscalation"].as_bool();
    look.add_if(
        forbids(own) != forbids(planned.privilege_escalation),
        ["no_new_privileges"],
        forbids(own),
        SPEC,
    );
    for (which, planned) in [("add", &planned.cap_add), ("drop", &planned.cap_drop)] {
        let live = walls::capabilities(&live["capabilities"][which]);
        let differs = live != walls::capabilities(&json!(planned));
        let shown: Json = live.iter().map(String::as_str).collect();
        look.add_if(differs, ["capabilities", which], shown, SPEC);
    }
    if let Some(filter) = walls::of_spec(pair).filter(|_| planned.seccomp.is_none()) {
        look.add(["seccomp"], filter, SPEC);
    }
}

/// What is mounted where the plan mounts nothing.
fn mounts(look: &mut Look<'_, '_>, pair: &Pair<'_>) {
    for mount in items(&pair.spec["volumeMounts"]) {
        let target = mount["mountPath"].as_str().unwrap_or_default();
        let is_token = pair.pod.plan.automount_token && added::is_token(mount);
        if !is_token && volumes::planned_mount(pair, target).is_none() {
            look.add(["volumes", target], volumes::shown(pair, mount), SPEC);
        }
    }
}

/// What the kubelet is told to ask and to do.
fn told(look: &mut Look<'_, '_>, pair: &Pair<'_>) {
    let (plan, spec) = (pair.plan, pair.spec);
    let probes = [
        ("startup", "startupProbe", &plan.startup),
        ("readiness", "readinessProbe", &plan.readiness),
        ("liveness", "livenessProbe", &plan.liveness),
    ];
    for (which, key, planned) in probes {
        let live = duties::of_spec(&spec[key]);
        let differs = live != planned.as_ref().map(|probe: &ProbeSpec| duties::told(probe));
        look.add_if(
            differs,
            ["probes", which],
            live.as_ref().map_or_else(|| json!("none"), duties::shown),
            SPEC,
        );
    }
    let hooks = [("post_start", "postStart", &plan.post_start), ("pre_stop", "preStop", &plan.pre_stop)];
    for (which, key, planned) in hooks {
        let live = duties::hook_of(&spec["lifecycle"][key]);
        let differs = live != planned.as_ref().map(|hook: &HookSpec| duties::told_hook(hook));
        look.add_if(differs, [which], spec["lifecycle"][key].clone(), SPEC);
    }
    let signal = &spec["lifecycle"]["stopSignal"];
    look.add_if(!signal.is_null(), ["stop_signal"], signal.clone(), SPEC);
}
