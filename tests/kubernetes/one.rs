//! One workload of a live namespace, `kubernetes:CONTEXT/NAMESPACE/KIND/NAME`: what is read for it, and nothing else.

use std::fs;

use crate::{
    api::resource,
    live::{SECRET, STACK, Stage, nothing_else},
};

/// Beside the stack, of which none is named by `web`.
const BESIDE: &str = "
apiVersion: apps/v1
kind: Deployment
metadata: {name: other, namespace: shop}
spec:
  selector: {matchLabels: {app: other}}
  template:
    metadata: {labels: {app: other}}
    spec: {containers: [{name: other, image: 'other:1', envFrom: [{configMapRef: {name: elsewhere}}]}]}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: elsewhere, namespace: shop}
data: {a: b}
---
apiVersion: v1
kind: Service
metadata: {name: front, namespace: shop}
spec: {selector: {app: other}, ports: [{port: 80}]}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web, namespace: shop}
spec: {scaleTargetRef: {kind: Deployment, name: web}, minReplicas: 2, maxReplicas: 5}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: other, namespace: shop}
spec: {scaleTargetRef: {kind: Deployment, name: other}, minReplicas: 2, maxReplicas: 5}
";

#[test]
fn one_workload_is_read_with_what_it_names_and_nothing_else() {
    let stage = Stage::new(&format!("{STACK}---{SECRET}---{BESIDE}"), nothing_else());
    let profile = stage.cli.home.path().join("p.yaml").display().to_string();
    stage.run(&["capture", "kubernetes", "--context", "prod", "-o", &profile]).ok();
    let before = stage.api.asked().len();
    let one = "kubernetes:prod/shop/deployment/web";
    stage.run(&["drift", one, "--against", &profile, "--hash-secrets"]).ok();
    let asked: Vec<String> = stage.api.asked().split_off(before);
    let lists: Vec<&str> = asked.iter().map(|one| resource(one.split('?').next().unwrap())).collect();
    assert_eq!(
        lists,
        [
            "deployments",
            "replicasets",
            "pods",
            "services",
            "horizontalpodautoscalers",
            "poddisruptionbudgets",
            "configmaps",
            "secrets",
            "kube-system"
        ]
    );
    assert!(asked[0].contains("fieldSelector=metadata.name%3Dweb"), "{asked:#?}");
    assert!(asked[2].contains("labelSelector=app%3Dweb"), "{asked:#?}");
    assert!(asked[6].contains("metadata.name%3Dsettings") && asked[7].contains("metadata.name%3Dkeys"));
    // What differs is told of this workload alone, under the name that its Service gives it.
    let other = fs::read_to_string(&profile).unwrap().replace("max: 5", "max: 7");
    assert!(other.contains("max: 7"), "{other}");
    let other = stage.cli.file("other.yaml", &other).display().to_string();
    let front = "kubernetes:prod/shop/deployment/other";
    let difference = stage.run(&["diff", &other, front, "--format", "json"]).code(1).json();
    let paths: Vec<&str> =
        difference["changes"].as_array().unwrap().iter().map(|one| one["path"].as_str().unwrap()).collect();
    assert_eq!(paths, ["services.front.autoscaling"], "{difference}");
    let dump = stage.run(&["env-dump", "--from", front]).ok();
    assert!(dump.stdout.contains("a=b") && !dump.stdout.contains("LEVEL"), "{dump}");

    let gone = stage.run(&["diff", &other, "kubernetes:prod/shop/statefulset/web"]).code(2);
    assert!(gone.stderr.contains("there is no statefulset `web` in namespace `shop`"), "{gone}");
}

#[test]
fn a_budget_is_a_workloads_own_whether_it_is_read_alone_or_with_all_others() {
    const OTHER: &str = "
apiVersion: v1
kind: Pod
metadata: {name: other-1, namespace: shop, labels: {app: other}, ownerReferences: [{kind: ReplicaSet, name: other-x}]}
spec: {containers: [{name: other, image: 'other:1'}]}
";
    let budget = |name: &str, selector: &str| {
        format!(
            "---\napiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: {{name: {name}, namespace: shop}}\n\
             spec: {{minAvailable: 1, selector: {selector}}}\n"
        )
    };
    let (own, every) = (budget("own", "{matchLabels: {app: web}}"), budget("every", "{}"));
    for (budgets, is_taken) in [(own.clone(), true), (every.clone(), false), (format!("{own}{every}"), false)]
    {
        let stage = Stage::new(&format!("{STACK}---{BESIDE}---{OTHER}{budgets}"), nothing_else());
        let profile = stage.cli.home.path().join("p.yaml").display().to_string();
        stage.run(&["capture", "kubernetes", "--context", "prod", "-o", &profile]).ok();
        let text = fs::read_to_string(&profile).unwrap();
        assert_eq!(text.contains("disruption: {min_available: 1}"), is_taken, "{text}");
        stage.run(&["drift", "kubernetes:prod/shop/deployment/web", "--against", &profile]).ok();
    }
}
