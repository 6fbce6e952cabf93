//! A pod: its main container is the workload, the others stand beside.

use std::collections::BTreeSet;

use serde_json::json;

use super::{
    container::{self, Place},
    field, mounts,
    objects::Cluster,
    ports, rest, security,
    workloads::{Workload, main},
};
use crate::{
    capture::{
        draft::{Sketch, Taking},
        names::unique,
    },
    labels::kubernetes::{MANAGED_BY, MANAGER},
    profile::EngineKind,
};

const NOWHERE: &str = "nothing is scheduled in a mirror";

/// Writes everything of a workload but how many of it there are.
pub(super) fn write<'s>(
    workload: &Workload<'s>,
    workloads: &[Workload<'s>],
    cluster: &Cluster<'s>,
    to: &mut Sketch<'s>,
) {
    workload.object.known();
    if let Some(engine) = workload.engine {
        let word = match engine {
            EngineKind::Postgres => "postgres",
            EngineKind::Redis => "redis",
        };
        to.put(&field(&workload.at, &["engine"]), word);
    }
    around(workload, to);
    rest::metadata(&workload.object.at);
    let Some(spec) = workload.spec() else { return };
    let containers = spec.get("containers").map(|all| all.items()).unwrap_or_default();
    let inits = spec.get("initContainers").map(|all| all.items()).unwrap_or_default();
    let chosen = main(&workload.template);
    let is_main =
        |container: &Taking<'_>| chosen.as_ref().is_some_and(|main| main.path() == container.path());
    let place = |at: crate::path::Path, kind| Place { at, kind, workload, workloads, cluster };
    let mut taken = BTreeSet::new();
    if let Some(main) = &chosen {
        container::write(main, &place(workload.at.clone(), container::Kind::Main), to);
    }
    let mut beside = |container: &Taking<'s>, section: &str, kind, to: &mut Sketch<'s>| {
        let name = unique(&mut taken, container.value()["name"].as_str().unwrap_or(section));
        container::write(container, &place(field(&workload.at, &[section, &name]), kind), to);
    };
    for container in containers.iter().filter(|container| !is_main(container)) {
        beside(container, "sidecars", container::Kind::Sidecar, to);
    }
    for container in &inits {
        match container.get("restartPolicy") {
            // Kubernetes' own sidecars: started in order before the rest, and kept running.
            Some(policy) if policy.value() == "Always" => {
                policy.used();
                beside(container, "sidecars", container::Kind::Sidecar, to);
            }
            _ => beside(container, "init", container::Kind::Init, to),
        }
    }
    let all: Vec<Taking<'s>> =
        chosen.iter().chain(containers.iter().filter(|one| !is_main(one))).cloned().collect();
    ports::take(&all, workload, cluster, to);
    let mounting: Vec<Taking<'s>> = all.iter().chain(&inits).cloned().collect();
    mounts::write(&mounting, workload, cluster, to);
    of_pod(&spec, workload, to);
    security::of_pod(&spec, workload, to);
}

/// What a workload says of its pods as a whole.
fn around<'s>(workload: &Workload<'s>, to: &mut Sketch<'s>) {
    let labels = workload.template.find(&["metadata", "labels"]);
    for (name, label) in labels.map(|all| all.entries()).unwrap_or_default() {
        match name {
            "pod-template-hash"
            | "controller-revision-hash"
            | "statefulset.kubernetes.io/pod-name"
            | "pod-template-generation"
            | "controller-uid"
            | "batch.kubernetes.io/controller-uid" => {
                label.left_out("Kubernetes keeps it for itself");
            }
            MANAGED_BY if label.value() == MANAGER => {
                label.left_out("it is the mirror's own, of which this was a part");
            }
            name => to.take(&field(&workload.at, &["labels", name]), label.value().clone(), &label),
        }
    }
    rest::metadata(&workload.template);
    let Some(spec) = workload.object.spec() else { return };
    if workload.object.kind != "Pod" {
        for key in ["selector", "serviceName"] {
            if let Some(at) = spec.get(key) {
                at.used();
            }
        }
    }
    spec.without(&[
        ("strategy", "`rollout` replaces one replica after the other"),
        ("updateStrategy", "`rollout` replaces one replica after the other"),
        ("minReadySeconds", "a replica that is ready is taken for available at once"),
        ("revisionHistoryLimit", "a mirror keeps no revisions"),
        ("progressDeadlineSeconds", "`up --timeout` says how long a mirror may take"),
        ("podManagementPolicy", "replicas of a mirror start together"),
        ("persistentVolumeClaimRetentionPolicy", "volumes go with the mirror"),
        ("ordinals", "replicas of a mirror are counted from 0"),
    ]);
    if let Some(paused) = spec.get("paused") {
        paused.left_out("a mirror has no rollouts of its own");
    }
    match workload.object.kind.as_str() {
        "Job" => job(&spec, workload, to),
        "CronJob" => {
            if let Some(schedule) = spec.get("schedule") {
                to.take(&field(&workload.at, &["schedule"]), schedule.value().clone(), &schedule);
            }
            spec.without(&[
                ("timeZone", "a mirror runs it on demand"),
                ("suspend", "a mirror runs it on demand"),
                ("concurrencyPolicy", "a mirror runs it on demand"),
                ("startingDeadlineSeconds", "a mirror runs it on demand"),
                ("successfulJobsHistoryLimit", "a mirror keeps the last run"),
                ("failedJobsHistoryLimit", "a mirror keeps the last run"),
            ]);
            if let Some(spec) = spec.find(&["jobTemplate", "spec"]) {
                job(&spec, workload, to);
            }
        }
        _ => {}
    }
}

fn job<'s>(spec: &Taking<'s>, workload: &Workload<'s>, to: &mut Sketch<'s>) {
    if let Some(selector) = spec.get("selector") {
        selector.used();
    }
    let at = field(&workload.at, &["retries"]);
    match spec.get("backoffLimit") {
        Some(limit) => to.take(&at, limit.value().clone(), &limit),
        // Kubernetes' own default.
        None => to.put(&at, 6),
    }
    for key in ["completions", "parallelism"] {
        if let Some(count) = spec.get(key) {
            match count.value().as_u64() == Some(1) {
                true => count.used(),
                false => count.left_out("a job of a mirror runs once"),
            }
        }
    }
    spec.without(&[
        ("activeDeadlineSeconds", "`up --timeout` says how long a mirror may take"),
        ("ttlSecondsAfterFinished", "a job goes with its mirror"),
        ("completionMode", "a job of a mirror runs once"),
        ("suspend", "a job of a mirror runs with it"),
        ("manualSelector", "Kubernetes keeps it for itself"),
        ("podReplacementPolicy", "Kubernetes keeps it for itself"),
    ]);
}

/// What a pod says of all its containers.
fn of_pod<'s>(spec: &Taking<'s>, workload: &Workload<'s>, to: &mut Sketch<'s>) {
    let at = &workload.at;
    if let Some(policy) = spec.get("restartPolicy") {
        let word = match policy.value().as_str() {
            Some("Always") => "always",
            Some("OnFailure") => "on-failure",
            _ => "never",
        };
        to.take(&field(at, &["restart"]), word, &policy);
    }
    if let Some(seconds) = spec.get("terminationGracePeriodSeconds") {
        let text = crate::capture::draft::scalar(seconds.value()).unwrap_or_default();
        to.take(&field(at, &["stop_grace_period"]), format!("{text}s"), &seconds);
    }
    let account = spec.get("serviceAccountName").or(spec.get("serviceAccount"));
    if let Some(account) = account {
        to.take(&field(at, &["service_account"]), account.value().clone(), &account);
    }
    // The older name of the same.
    if let Some(old) = spec.get("serviceAccount") {
        old.used();
    }
    for (theirs, ours) in [("hostNetwork", "host_network"), ("hostPID", "host_pid")] {
        if let Some(opened) = spec.get(theirs) {
            match opened.value() == &json!(true) {
                true => to.take(&field(at, &[ours]), true, &opened),
                false => opened.used(),
            }
        }
    }
    if let Some(name) = spec.get("hostname") {
        to.take(&field(at, &["hostname"]), name.value().clone(), &name);
    }
    for alias in spec.get("hostAliases").map(|all| all.items()).unwrap_or_default() {
        let address = alias.scalar("ip").unwrap_or_default();
        for name in alias.get("hostnames").map(|all| all.items()).unwrap_or_default() {
            let host = name.value().as_str().unwrap_or_default();
            to.take(&field(at, &["extra_hosts", host]), address.as_str(), &name);
        }
    }
    dns(spec, workload, to);
    let links = field(at, &["enable_service_links"]);
    match spec.get("enableServiceLinks") {
        Some(written) => to.take(&links, written.value().clone(), &written),
        // Kubernetes' own default; a store's server reads none of them.
        None if workload.engine.is_none() => to.put(&links, true),
        None => {}
    }
    spec.without(&[
        ("affinity", NOWHERE),
        ("nodeSelector", NOWHERE),
        ("nodeName", NOWHERE),
        ("tolerations", NOWHERE),
        ("topologySpreadConstraints", NOWHERE),
        ("schedulerName", NOWHERE),
        ("schedulingGates", NOWHERE),
        ("priority", NOWHERE),
        ("priorityClassName", NOWHERE),
        ("preemptionPolicy", NOWHERE),
        ("readinessGates", "a replica is ready when its probes say so"),
        ("imagePullSecrets", "images come with the credentials of whoever makes the mirror"),
        ("automountServiceAccountToken", "there is no Kubernetes API in a mirror"),
        ("runtimeClassName", "a mirror's engine has one runtime"),
        ("overhead", "a mirror's engine has one runtime"),
        ("shareProcessNamespace", "containers of a mirror see their own processes alone"),
        ("hostIPC", "a mirror shares nothing of the host's memory"),
        ("hostUsers", "a mirror's engine says which users there are"),
        ("subdomain", "the name of a headless service answers instead"),
        ("setHostnameAsFQDN", "the name stays short"),
        ("activeDeadlineSeconds", "`up --timeout` says how long a mirror may take"),
        ("os", "containers of a mirror are Linux ones"),
        ("ephemeralContainers", "they belong to whoever was looking into the pod"),
    ]);
}

fn dns<'s>(spec: &Taking<'s>, workload: &Workload<'s>, to: &mut Sketch<'s>) {
    if let Some(policy) = spec.get("dnsPolicy") {
        match policy.value().as_str() {
            Some("ClusterFirst") => policy.used(),
            _ => policy.left_out("a mirror's names come first"),
        }
    }
    let Some(config) = spec.get("dnsConfig") else { return };
    let at = field(&workload.at, &["dns"]);
    for (theirs, ours) in [("nameservers", "servers"), ("searches", "search")] {
        if let Some(list) = config.get(theirs) {
            to.take(&at.key(ours), list.value().clone(), &list);
        }
    }
    for option in config.get("options").map(|all| all.items()).unwrap_or_default() {
        let number = option.value()["value"].as_str().and_then(|text| text.parse::<u32>().ok());
        match (option.value()["name"].as_str(), number) {
            (Some("ndots"), Some(number)) => to.take(&at.key("ndots"), number, &option),
            _ => option.left_out("of a resolver's options a mirror sets `ndots` alone"),
        }
    }
}
