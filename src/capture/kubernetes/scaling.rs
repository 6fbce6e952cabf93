//! How many replicas, and who changes the number.

use serde_json::json;

use super::{
    field,
    objects::{Cluster, Object},
    workloads::Workload,
};
use crate::capture::draft::{Sketch, Taking};

pub(super) fn write<'s>(workload: &Workload<'s>, cluster: &Cluster<'s>, to: &mut Sketch<'s>) {
    replicas(workload, to);
    if workload.section != "services" {
        return;
    }
    let ours = |scaler: &&Object<'_>| {
        let target = scaler.at.find(&["spec", "scaleTargetRef"]).map(|at| at.value());
        target.is_some_and(|target| {
            target["kind"] == *workload.object.kind && target["name"] == *workload.object.name
        }) && scaler.namespace == workload.object.namespace
    };
    let scalers: Vec<&Object<'_>> = cluster.of_kind("HorizontalPodAutoscaler").filter(ours).collect();
    if let Some(scaler) = scalers.first() {
        autoscaling(scaler, workload, to);
    }
}

fn replicas<'s>(workload: &Workload<'s>, to: &mut Sketch<'s>) {
    let at = field(&workload.at, &["replicas"]);
    let count = workload.alike.len() + 1;
    match (workload.section, workload.object.kind.as_str()) {
        ("jobs", _) => {}
        (_, "DaemonSet") => {
            let there = workload.object.at.find(&["status", "desiredNumberScheduled"]);
            match there.filter(|there| there.value().as_u64().is_some()) {
                Some(there) => to.take(&at, there.value().clone(), &there),
                None => workload
                    .object
                    .at
                    .remark("it runs once on every node, and how many there are was not read"),
            }
        }
        (_, "Pod") => {
            if count > 1 {
                to.put(&at, count);
            }
        }
        ("stores", _) => {
            if let Some(asked) = workload.object.at.find(&["spec", "replicas"]) {
                match asked.value().as_u64() {
                    Some(0 | 1) => to.take(&at, 1, &asked),
                    _ => asked.left_out("a store of a mirror has one replica"),
                }
            }
        }
        _ => {
            if let Some(asked) = workload.object.at.find(&["spec", "replicas"]) {
                to.take(&at, asked.value().clone(), &asked);
            }
        }
    }
    if workload.object.kind == "StatefulSet" && workload.section == "services" {
        to.put(&field(&workload.at, &["stateful"]), true);
    }
}

fn autoscaling<'s>(scaler: &Object<'s>, workload: &Workload<'s>, to: &mut Sketch<'s>) {
    scaler.known();
    scaler.at.became(workload.at.clone());
    let Some(spec) = scaler.spec() else { return };
    let at = field(&workload.at, &["autoscaling"]);
    if let Some(target) = spec.get("scaleTargetRef") {
        target.used();
    }
    let Some(most) = spec.get("maxReplicas") else { return };
    // Kubernetes' own default.
    match spec.get("minReplicas") {
        Some(least) => to.take(&at.key("min"), least.value().clone(), &least),
        None => to.put(&at.key("min"), 1),
    }
    to.take(&at.key("max"), most.value().clone(), &most);
    if let Some(target) = spec.get("targetCPUUtilizationPercentage") {
        to.take(&at.key("target_cpu"), target.value().clone(), &target);
    }
    for metric in spec.get("metrics").map(|all| all.items()).unwrap_or_default() {
        match cpu(&metric) {
            Some(target) => {
                metric.used();
                to.take(&at.key("target_cpu"), json!(target.value()), &target);
            }
            None => metric.left_out("a mirror scales by nothing but CPU, and then not by itself"),
        }
    }
}

/// The share of the requested CPU that a metric aims at, in both spellings that there were.
fn cpu<'s>(metric: &Taking<'s>) -> Option<Taking<'s>> {
    let resource = metric.get("resource").filter(|resource| resource.value()["name"] == "cpu")?;
    let old = resource.get("targetAverageUtilization");
    old.or(resource.find(&["target", "averageUtilization"]))
}
