//! What one pod has beside its plan, apart from its containers.

use std::collections::BTreeSet;

use serde_json::{Value as Json, json};

use super::{Look, container::spelled};
use crate::{
    capture::{
        cluster::{
            added, duties,
            life::GRACE,
            scene::{Pod, SPEC, items, named},
        },
        scene::texts,
    },
    profile::Duration,
};

pub(super) fn read(look: &mut Look<'_, '_>, pod: &Pod<'_>) {
    let (plan, spec) = (pod.plan, pod.spec());
    for (key, value) in spec.as_object().into_iter().flatten() {
        let planned_arch = key == "nodeSelector"
            && *value == plan.arch.as_ref().map_or(Json::Null, |arch| json!({"kubernetes.io/arch": arch}));
        let usual = planned_arch || added::is_usual(key, value, plan.host_network);
        look.add_if(!usual, [&spelled(key)], added::shown(key, value), SPEC);
    }
    labels(look, pod);
    containers(look, pod);
    walls(look, pod);
    names(look, pod);
    let grace = spec["terminationGracePeriodSeconds"].as_u64().unwrap_or(GRACE);
    let shown = json!(Duration { millis: grace.saturating_mul(1000) });
    look.add_if(grace != plan.grace_seconds, ["stop_grace_period"], shown, SPEC);
    let restart = spec["restartPolicy"].as_str().unwrap_or("Always");
    look.add_if(restart != plan.restart.as_str(), ["restart"], duties::restart(restart), SPEC);
    let links = spec["enableServiceLinks"].as_bool().unwrap_or(true);
    look.add_if(links != plan.enable_service_links, ["enable_service_links"], links, SPEC);
    let account = spec["serviceAccountName"].as_str().unwrap_or("default");
    let planned = plan.service_account.as_deref().unwrap_or("default");
    look.add_if(account != planned, ["service_account"], account, SPEC);
    let token = spec["automountServiceAccountToken"].as_bool().unwrap_or(true);
    look.add_if(token != plan.automount_token, ["automount_service_account_token"], token, SPEC);
}

fn labels(look: &mut Look<'_, '_>, pod: &Pod<'_>) {
    for (name, value) in pod.found["metadata"]["labels"].as_object().into_iter().flatten() {
        let asked = pod.plan.labels.contains_key(name) || added::is_label(name);
        look.add_if(!asked, ["labels", name], value.clone(), "the pod's labels");
    }
}

/// Containers beside the planned ones, those of a debugger too while they run.
fn containers(look: &mut Look<'_, '_>, pod: &Pod<'_>) {
    let planned: BTreeSet<&str> = pod.plan.containers().map(|container| container.name.as_str()).collect();
    for (list, field) in
        [("containers", "sidecars"), ("initContainers", "init"), ("ephemeralContainers", "sidecars")]
    {
        for container in items(&pod.spec()[list]) {
            let name = container["name"].as_str().unwrap_or_default();
            let statuses = &pod.found["status"]["ephemeralContainerStatuses"];
            let is_over =
                list == "ephemeralContainers" && named(statuses, name)["state"].get("terminated").is_some();
            let live = json!({"image": container["image"]});
            look.add_if(!planned.contains(name) && !is_over, [field, name], live, SPEC);
        }
    }
}

fn walls(look: &mut Look<'_, '_>, pod: &Pod<'_>) {
    let (plan, spec) = (pod.plan, pod.spec());
    let live = &spec["securityContext"];
    let is = |key: &str| spec[key] == Json::Bool(true);
    look.add_if(is("hostNetwork") != plan.host_network, ["host_network"], is("hostNetwork"), SPEC);
    look.add_if(is("hostPID") != plan.host_pid, ["host_pid"], is("hostPID"), SPEC);
    let group = live["fsGroup"].as_u64();
    look.add_if(group != plan.fs_group.map(u64::from), ["fs_group"], live["fsGroup"].clone(), SPEC);
    let groups: BTreeSet<u64> = items(&live["supplementalGroups"]).filter_map(Json::as_u64).collect();
    let planned: BTreeSet<u64> = plan.groups.iter().map(|group| u64::from(*group)).collect();
    look.add_if(groups != planned, ["groups"], live["supplementalGroups"].clone(), SPEC);
    for sysctl in items(&live["sysctls"]) {
        let name = sysctl["name"].as_str().unwrap_or_default();
        look.add_if(!plan.sysctls.contains_key(name), ["sysctls", name], sysctl["value"].clone(), SPEC);
    }
}

fn names(look: &mut Look<'_, '_>, pod: &Pod<'_>) {
    let (plan, spec) = (pod.plan, pod.spec());
    // A StatefulSet names its pods and gives each its name for hostname.
    let hostname = spec["hostname"].as_str().filter(|name| *name != pod.name);
    look.add_if(
        hostname.is_some() && hostname != plan.hostname.as_deref(),
        ["hostname"],
        spec["hostname"].clone(),
        SPEC,
    );
    for alias in items(&spec["hostAliases"]) {
        for name in items(&alias["hostnames"]).filter_map(Json::as_str) {
            let asked = plan.host_aliases.values().flatten().any(|known| known == name);
            look.add_if(!asked, ["extra_hosts", name], alias["ip"].clone(), SPEC);
        }
    }
    let dns = &spec["dnsConfig"];
    let list = |key: &str| if dns[key].is_null() { json!([]) } else { dns[key].clone() };
    let servers: Vec<String> = plan.dns.servers.iter().map(ToString::to_string).collect();
    look.add_if(list("nameservers") != texts(&servers), ["dns", "servers"], list("nameservers"), SPEC);
    look.add_if(list("searches") != texts(&plan.dns.searches), ["dns", "search"], list("searches"), SPEC);
    for option in items(&dns["options"]) {
        let name = option["name"].as_str().unwrap_or_default();
        let value = option["value"].as_str().unwrap_or_default();
        let planned = plan.dns.ndots.map(|dots| dots.to_string());
        let asked = name == "ndots" && planned.as_deref() == Some(value);
        look.add_if(!asked, ["dns", name], value, SPEC);
    }
}
