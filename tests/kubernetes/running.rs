//! What a live cluster adds: digests, older revisions, restarts, nodes.

use super::stage::{draft, says};

const DIGEST: &str = "sha256:9b1d34adbce1dd07ee6e94b4a2cf698884b89bd44a6c9c12f5da8f3acbfe4957";
const OLDER: &str = "sha256:71da9275c5f3fcb97d0fa0c8c5b36cc995327265420f17a04bfd544f458059f7";

fn pod(name: &str, hash: &str, image: &str, digest: &str) -> String {
    format!(
        "---\napiVersion: v1\nkind: Pod\nmetadata: {{name: {name}, labels: {{app: web, pod-template-hash: {hash}}}, ownerReferences: [{{kind: ReplicaSet, name: web-{hash}}}]}}\nspec: {{containers: [{{name: web, image: \"{image}\"}}]}}\nstatus: {{containerStatuses: [{{name: web, restartCount: 2, imageID: \"docker-pullable://example.com/web@{digest}\", lastState: {{terminated: {{reason: OOMKilled}}}}}}]}}\n"
    )
}

fn set(hash: &str, image: &str, mode: &str, replicas: u32) -> String {
    format!(
        "---\napiVersion: apps/v1\nkind: ReplicaSet\nmetadata: {{name: web-{hash}, labels: {{pod-template-hash: {hash}}}, ownerReferences: [{{kind: Deployment, name: web}}]}}\nspec: {{replicas: {replicas}, template: {{metadata: {{labels: {{app: web, pod-template-hash: {hash}}}}}, spec: {{containers: [{{name: web, image: \"{image}\", env: [{{name: MODE, value: {mode}}}]}}]}}}}}}\n"
    )
}

const DEPLOYMENT: &str = "\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 3
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: \"example.com/web:2\", env: [{name: MODE, value: new}]}]}
";

#[test]
fn the_newer_revision_is_captured_and_the_older_is_a_note() {
    let text = [
        DEPLOYMENT.to_owned(),
        set("aaa", "example.com/web:1", "old", 1),
        set("bbb", "example.com/web:2", "new", 2),
        set("ccc", "example.com/web:0", "oldest", 0),
        pod("web-aaa-1", "aaa", "example.com/web:1", OLDER),
        pod("web-bbb-1", "bbb", "example.com/web:2", DIGEST),
    ];
    let draft = draft(&text.concat());
    let web = &draft.profile["services"]["web"];
    assert_eq!(web["image"], format!("example.com/web:2@{DIGEST}"));
    assert_eq!(web["env"]["MODE"], "new");
    assert_eq!(draft.profile["services"].as_object().unwrap().len(), 1);
    says(
        &draft,
        &format!(
            "an older revision of which 1 replicas still run, image example.com/web:1@{OLDER}; it differs in"
        ),
    );
    says(&draft, "spec.containers[name=web].env[name=MODE].value");
    says(&draft, "restarted 4 times in production, last for OOMKilled");
}

#[test]
fn pods_without_what_made_them_are_replicas_of_one_service() {
    let text = pod("web-aaa-1", "aaa", "example.com/web:1", DIGEST)
        + &pod("web-aaa-2", "aaa", "example.com/web:1", DIGEST);
    let draft = draft(&text);
    let web = &draft.profile["services"]["web"];
    assert_eq!(web["replicas"], 2);
    assert_eq!(web["image"], format!("example.com/web:1@{DIGEST}"));
}

#[test]
fn a_digest_of_a_configuration_is_no_registrys() {
    let own = pod("web-bbb-1", "bbb", "example.com/web:2", DIGEST)
        .replace("docker-pullable://example.com/web@", "");
    let draft = draft(&(DEPLOYMENT.to_owned() + &own));
    assert_eq!(draft.profile["services"]["web"]["image"], "example.com/web:2");
}

#[test]
fn nodes_are_the_platform_and_another_kind_of_node_is_said() {
    let node = |name: &str, arch: &str| {
        format!(
            "---\napiVersion: v1\nkind: Node\nmetadata: {{name: {name}}}\nstatus: {{capacity: {{cpu: \"8\", memory: 32Gi, pods: \"110\"}}, nodeInfo: {{architecture: {arch}, kernelVersion: \"6.1.0-18\", containerRuntimeVersion: \"containerd://1.7\"}}}}\n"
        )
    };
    let draft = draft(&[DEPLOYMENT.to_owned(), node("a", "amd64"), node("b", "arm64")].concat());
    let platform = &draft.profile["platform"];
    assert_eq!(platform["arch"], "amd64");
    assert_eq!(platform["kernel"], "6.1.0-18");
    assert_eq!(platform["cores"], 8);
    assert_eq!(platform["memory"], "32Gi");
    says(&draft, "another machine");
}

/// A node of a cloud's cluster.
fn of_cluster(name: &str, version: &str, zone: &str, spec: &str) -> String {
    format!(
        "---\napiVersion: v1\nkind: Node\nmetadata: {{name: {name}, labels: {{topology.kubernetes.io/zone: {zone}}}}}\nspec: {spec}\n\
         status: {{nodeInfo: {{kubeletVersion: {version}}}}}\n"
    )
}

#[test]
fn nodes_tell_of_their_cluster_what_they_know_and_the_rest_is_left_open() {
    let closed = "{taints: [{key: node-role.kubernetes.io/control-plane, effect: NoSchedule}]}";
    let all = [
        of_cluster("a", "v1.34.4-gke.1047000", "eu-1b", "{podCIDR: 10.8.0.0/24}"),
        of_cluster("b", "v1.34.4-gke.1047000", "eu-1a", "{taints: [{key: spot, effect: PreferNoSchedule}]}"),
        of_cluster("c", "v1.33.9-gke.22", "eu-1a", "{}"),
        of_cluster("d", "v1.34.4-gke.1047000", "eu-1c", closed),
        of_cluster("e", "v1.34.4-gke.1047000", "eu-1d", "{unschedulable: true}"),
    ];
    let draft = draft(&(DEPLOYMENT.to_owned() + &all.concat()));
    let found = &draft.profile["platform"]["kubernetes"];
    assert_eq!(*found, serde_json::json!({"version": "1.34", "nodes": 3, "zones": ["eu-1a", "eu-1b"]}));
    for said in [
        "its kubelet is of version v1.34.4-gke.1047000",
        "its kubelet is of version v1.33.9-gke.22, and another node's is captured",
        "pods do not come to it",
        "no object tells the ranges of addresses and the feature gates",
    ] {
        says(&draft, said);
    }
}
