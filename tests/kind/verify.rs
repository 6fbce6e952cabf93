//! The ledger of a mirror on a cluster: each mechanism is broken on purpose, and its entry, and no other, says so.

#[path = "verify/behind.rs"]
mod behind;
#[path = "verify/mirror.rs"]
mod mirror;

use k8s_openapi::api::{
    apps::v1::Deployment,
    autoscaling::v2::HorizontalPodAutoscaler,
    batch::v1::CronJob,
    core::v1::{ConfigMap, Pod, Secret, Service},
    networking::v1::NetworkPolicy,
    policy::v1::PodDisruptionBudget,
    rbac::v1::RoleBinding,
};
use kube::api::DeleteParams;
use prodmirror::{
    backend::{Unheard, kubernetes::Wanted},
    ledger::Entry,
};
use serde_json::{Value, json};

use self::{
    behind::Behind,
    mirror::{KEPT, Mirror},
};
use super::stage::{self, IMAGE, LONG};

/// That of the readers' own tests, so that what they are tried on can be recorded here.
const PROFILE: &str = include_str!("../../src/capture/cluster/tests/mirror.yaml");

fn paths(entries: &[Entry]) -> Vec<String> {
    let mut paths: Vec<String> = entries.iter().map(|entry| entry.path.to_string()).collect();
    paths.sort();
    paths
}

/// Each with the reason, for a reader of a failure.
fn told(entries: &[Entry]) -> String {
    let line = |entry: &Entry| format!("{}: {:?} {:?}\n", entry.path, entry.live, entry.why);
    entries.iter().map(line).collect()
}

#[track_caller]
fn live<'e>(entries: &'e [Entry], path: &str) -> &'e Value {
    let entry = entries.iter().find(|entry| entry.path.to_string() == path).unwrap();
    entry.live.as_ref().unwrap_or(&Value::Null)
}

/// One mirror, faithful at first. What is broken stays so for all that follows.
#[tokio::test]
async fn every_mechanism_that_is_broken_on_a_cluster_is_noticed() {
    let mirror = Mirror::up("kt-verify", PROFILE, &[]).await;
    let behind = Behind::new(&mirror).await;
    it_holds_no_secret_and_hardly_anything_is_unread(&mirror).await;
    a_viewer_is_told_what_it_may_not_see(&mirror, &behind).await;
    objects_that_pods_do_not_see_change(&mirror, &behind).await;
    pods_of_another_kind(&mirror, &behind).await;
    mirror.cluster.destroy(&mirror.plan.namespace, &mirror.plan.mirror, LONG).await.unwrap();
}

/// The requests of the example are those of production's nodes; the tests' one has two cores for all of them.
const SMALLER: [&str; 4] = [
    "services.api.resources.requests.cpu=20m",
    "services.worker.resources.requests.cpu=20m",
    "stores.db.resources.requests.cpu=50m",
    "stores.cache.resources.requests.cpu=50m",
];

#[tokio::test]
async fn the_shop_on_a_cluster_is_what_its_profile_says() {
    let mirror = Mirror::up("kt-shop", include_str!("../../profiles/shop.yaml"), &SMALLER).await;
    it_holds_no_secret_and_hardly_anything_is_unread(&mirror).await;
    mirror.cluster.destroy(&mirror.plan.namespace, &mirror.plan.mirror, LONG).await.unwrap();
}

async fn it_holds_no_secret_and_hardly_anything_is_unread(mirror: &Mirror) {
    let observed = mirror.look().await;
    let text = serde_json::to_string(&observed).unwrap();
    // `RECORD=FILE` records it anew for the tests of the readers.
    if let Some(file) = std::env::var_os("RECORD") {
        std::fs::write(file, &text).unwrap();
    }
    let ledger = mirror.judge(&observed);
    let broken = mirror.broken_of(&observed);
    assert_eq!(told(&broken), "");
    let sum = ledger.summary;
    assert!(sum.unread * 10 <= sum.total, "{sum:?}");
    assert!(!text.contains(KEPT), "a value of a secret is kept");
    assert!(!serde_json::to_string(&ledger).unwrap().contains(KEPT), "the ledger holds no secret");
    let tried = observed.egress.unwrap();
    assert!(tried.refused, "{tried:?}");
}

async fn a_viewer_is_told_what_it_may_not_see(mirror: &Mirror, behind: &Behind) {
    let api = "rbac.authorization.k8s.io";
    let binding = json!({
        "metadata": {"name": "onlooker"},
        "subjects": [{"kind": "User", "name": "onlooker", "apiGroup": api}],
        "roleRef": {"kind": "ClusterRole", "name": "view", "apiGroup": api},
    });
    behind.create::<RoleBinding>(binding).await;
    let onlooker = stage::cluster_as("onlooker").await;
    let observed = onlooker.look(&mirror.plan, &mirror.secrets, true).await.unwrap();
    let unlisted: Vec<&str> = observed.unlisted.keys().map(String::as_str).collect();
    assert_eq!(unlisted, ["Node", "Secret"], "{:?}", observed.unlisted);
    assert!(observed.inside.is_empty() && observed.egress.is_none(), "it may not run commands");
    assert_eq!(told(&mirror.broken_of(&observed)), "", "what may not be seen is no fault");
    let ledger = mirror.judge(&observed);
    let key = ledger.entries.iter().find(|entry| entry.path.to_string() == "services.web.env.KEY").unwrap();
    assert!(key.holds.is_none() && key.why.as_ref().unwrap().contains("forbidden"), "{key:?}");
}

/// One port of a Service in place of those that it has.
fn opening(port: u16) -> Value {
    json!({"spec": {"ports": [{"$patch": "replace"}, {"name": "http", "port": port, "targetPort": 8000}]}})
}

async fn objects_that_pods_do_not_see_change(mirror: &Mirror, behind: &Behind) {
    behind.patch::<Secret>("api-key.secret", json!({"stringData": {"value": "leaked-value"}})).await;
    behind.patch::<ConfigMap>("web.files", json!({"data": {"etc-app-ini-3889fcf5": "a = 2\n"}})).await;
    behind.patch::<Service>("web", opening(8001)).await;
    behind.patch::<Service>("db", json!({"spec": {"selector": {"prodmirror/service": "nobody"}}})).await;
    behind.patch::<CronJob>("report", json!({"spec": {"suspend": false}})).await;
    behind.api::<NetworkPolicy>().delete("mirror", &DeleteParams::default()).await.unwrap();
    let target = json!({"apiVersion": "apps/v1", "kind": "Deployment", "name": "worker"});
    let scaler = json!({"metadata": {"name": "more"}, "spec": {"maxReplicas": 3, "scaleTargetRef": target}});
    behind.create::<HorizontalPodAutoscaler>(scaler).await;
    let held = json!({"matchLabels": {"prodmirror/service": "worker"}});
    let budget = json!({"metadata": {"name": "more"}, "spec": {"minAvailable": 1, "selector": held}});
    behind.create::<PodDisruptionBudget>(budget).await;
    behind.patch::<PodDisruptionBudget>("web", json!({"spec": {"minAvailable": 2}})).await;
    let mut stray = stage::pod("stray", IMAGE, &["sleep", "600"]);
    behind.create::<Pod>(stray.clone()).await;
    // A Service sends requests to whatever carries the label.
    stray["metadata"] = json!({"name": "web-more", "labels": {"prodmirror/service": "web"}});
    behind.create::<Pod>(stray).await;
    let more = ["stray", "web-more"].map(|name| Wanted::Pod(name.to_owned()));
    mirror.cluster.settle(&mirror.plan.namespace, &more, LONG, "start", &Unheard).await.unwrap();
    let cache = mirror.plan.stores.iter().find(|store| store.store.as_str() == "cache").unwrap();
    let password = format!("{KEPT}-cache-password");
    let set = ["redis-cli", "-a", &password, "config", "set", "maxmemory-policy", "allkeys-lru"];
    super::mirror::printed(&mirror.cluster, &mirror.plan.namespace, &cache.pod, &set).await;

    let observed = mirror.look().await;
    let tried = observed.egress.as_ref().unwrap();
    assert!(!tried.refused, "without its policy nothing keeps a pod from leaving: {tried:?}");
    let broken = mirror.broken_of(&observed);
    let mut expected = [
        "jobs.report.schedule",
        "network.egress",
        "services.stray",
        "services.web.disruption.min_available",
        "services.web.env.KEY",
        "services.web.files[\"/etc/app.ini\"]",
        "services.web.files[\"/etc/web/key\"]",
        "services.web.ports[name=http]",
        "services.web.replicas",
        "services.worker.autoscaling",
        "services.worker.disruption",
        "stores.cache.settings.maxmemory-policy",
        "stores.db.balancing",
    ]
    .map(str::to_owned)
    .to_vec();
    expected.sort();
    assert_eq!(paths(&broken), expected, "{}", told(&broken));
    assert_eq!(live(&broken, "services.web.env.KEY"), "***");
    assert_eq!(live(&broken, "services.web.ports[name=http]")["port"], 8001);
    let egress = broken.iter().find(|entry| entry.path.to_string() == "network.egress").unwrap();
    assert!(egress.why.as_ref().unwrap().contains("NetworkPolicy mirror is not there"), "{egress:?}");
    assert!(!serde_json::to_string(&observed).unwrap().contains("leaked"), "no Secret's value is kept");
}

/// What is made anew from a changed workload: one rollout holds them all.
async fn pods_of_another_kind(mirror: &Mirror, behind: &Behind) {
    // An apply would put its port beside this one.
    behind.patch::<Service>("web", opening(8000)).await;
    mirror.launch().await;
    for pod in ["stray", "web-more"] {
        behind.api::<Pod>().delete(pod, &DeleteParams::default().grace_period(0)).await.unwrap();
    }
    behind.api::<HorizontalPodAutoscaler>().delete("more", &DeleteParams::default()).await.unwrap();
    behind.api::<PodDisruptionBudget>().delete("more", &DeleteParams::default()).await.unwrap();
    let of_redis = "stores.cache.settings.maxmemory-policy";
    assert_eq!(paths(&mirror.broken_of(&mirror.look().await)), [of_redis], "what was put back is as it was");

    let env = json!([
        {"name": "PLAIN", "value": "two"},
        {"name": "NEW", "value": "1"},
        {"name": "FAST", "$patch": "delete"},
        {"name": "KEY", "value": "leaked-value", "valueFrom": null},
    ]);
    let main = json!({
        "name": "main",
        "env": env,
        "resources": {"limits": {"cpu": "300m"}},
        "readinessProbe": {"periodSeconds": 2},
        "livenessProbe": null,
        "workingDir": "/tmp",
        "securityContext": {
            "runAsUser": 1001,
            "readOnlyRootFilesystem": false,
            "capabilities": {"add": ["CHOWN", "NET_BIND_SERVICE"]},
        },
        "volumeMounts": [{"name": "extra", "mountPath": "/mnt"}],
    });
    let pod = json!({
        "terminationGracePeriodSeconds": 7,
        "tolerations": [{"key": "dedicated", "operator": "Exists"}],
        "securityContext": {"sysctls": [{"name": "net.ipv4.tcp_fin_timeout", "value": "50"}]},
        "hostAliases": [{"ip": "192.0.2.7", "hostnames": ["other.example.com"]}],
        "volumes": [{"name": "extra", "emptyDir": {}}],
        "containers": [main, {"name": "spy", "image": IMAGE, "command": ["sleep", "600"]}],
    });
    let template = json!({"metadata": {"labels": {"tier": "front"}}, "spec": pod});
    behind.patch::<Deployment>("web", json!({"spec": {"replicas": 1, "template": template}})).await;
    let shipper = json!({"name": "shipper", "env": [{"name": "SHIP", "value": "no"}]});
    let pod = json!({
        "serviceAccountName": "default",
        "initContainers": [shipper],
        "containers": [{"name": "main", "image": IMAGE}],
    });
    behind.patch::<Deployment>("worker", json!({"spec": {"template": {"spec": pod}}})).await;
    let both = ["web", "worker"].map(|name| Wanted::Deployment(name.to_owned()));
    mirror.cluster.settle(&mirror.plan.namespace, &both, LONG, "roll", &Unheard).await.unwrap();

    let observed = mirror.look().await;
    let broken = mirror.broken_of(&observed);
    let of_web = [
        "capabilities.add",
        "env.KEY",
        "env.NEW",
        "env.PLAIN",
        "extra_hosts[\"legacy.example.com\"]",
        "extra_hosts[\"other.example.com\"]",
        "flags",
        "labels.tier",
        "probes.liveness.exec.command",
        "probes.liveness.initial_delay",
        "probes.liveness.period",
        "probes.readiness.period",
        "read_only",
        "replicas",
        "resources.limits.cpu",
        "sidecars.spy",
        "stop_grace_period",
        "sysctls[\"net.ipv4.tcp_fin_timeout\"]",
        "tolerations",
        "user",
        "volumes[\"/mnt\"]",
        "working_dir",
    ];
    let mut expected: Vec<String> = of_web.iter().map(|field| format!("services.web.{field}")).collect();
    let of_worker = ["image", "service_account", "sidecars.shipper.env.SHIP"];
    expected.extend(of_worker.iter().map(|field| format!("services.worker.{field}")));
    expected.extend(["flags.FAST", of_redis].map(str::to_owned));
    expected.sort();
    assert_eq!(paths(&broken), expected, "{}", told(&broken));
    for (field, value) in [
        ("env.KEY", json!("***")),
        ("env.NEW", json!("1")),
        ("env.PLAIN", json!("two")),
        ("probes.readiness.period", json!("2s")),
        ("resources.limits.cpu", json!("300m")),
        ("stop_grace_period", json!("7s")),
        ("user", json!("1001:1000")),
        ("volumes[\"/mnt\"]", json!({"empty": {}})),
        ("replicas", json!(1)),
    ] {
        assert_eq!(live(&broken, &format!("services.web.{field}")), &value, "{field}");
    }
    assert!(
        !serde_json::to_string(&observed).unwrap().contains("leaked"),
        "what stands for a secret is not kept"
    );
}
