//! A node of kind's that leaves pods what a node of production has.

use std::time::Duration;

use k8s_openapi::api::core::v1::{Node, Pod};
use kube::Api;
use prodmirror::{
    backend::{
        Unheard,
        kind::ClusterName,
        kubernetes::{Cluster, Code, Wanted},
    },
    name::Name,
    plan::{BackendKind, Capabilities, kubernetes::ClusterShape},
    profile::{Bytes, Layers, Source, load},
    readers::kubeconfig::Kubeconfig,
};
use serde_json::json;

use crate::stage::{IMAGE, LONG, Space, client_of, clusters, owner, pod, undertake};

const GIB: u64 = 1 << 30;
const PROFILE: &str = "
apiVersion: prodmirror/v1
name: shop
platform: {cores: 1, memory: 1Gi}
services:
  web: {image: web, pids: 100}
  worker: {image: web, pids: 80}
";
const CROWD: &str = "
my @others;
while (@others < 300) {
    my $other = fork;
    last unless defined $other;
    if ($other == 0) { sleep 600; exit }
    push @others, $other;
}
kill 'KILL', @others;
waitpid $_, 0 for @others;
open my $file, '>', '/tmp/most';
print $file scalar(@others) + 1, qq(\\n);
close $file;
sleep 600;
";

#[tokio::test]
async fn what_production_has_no_room_for_waits_and_what_eats_its_memory_is_evicted() {
    let kind = clusters();
    let machine = kind.machine().await.unwrap();
    let mut here = Capabilities::unknown(BackendKind::Kind, Name::new("shop").unwrap(), owner());
    machine.tell(&mut here);
    here.cluster.node_image = kind.node_image().await.unwrap();
    let documents = [Source::new("profile.yaml", PROFILE)];
    let read_file = |_: &str, path: &str| Err(path.to_owned());
    let layers =
        Layers { documents: &documents, set: &[], unset: &[], allow_unpinned: true, read_file: &read_file };
    let shape = ClusterShape::of(&load(&layers).unwrap().profile, &here);
    assert!(machine.cores > 1 && machine.memory > 2 * GIB, "{machine:?} has no more than production's node");

    let name = ClusterName::shared(&owner(), &shape);
    undertake(&name);
    let _in_use = kind.ensure(&owner(), &name, &shape, &Unheard).await.unwrap();
    kind.bring(&name, &[IMAGE], &Unheard).await.unwrap();
    let credentials = kind.credentials(&name).await.unwrap();
    let client = client_of(&credentials).await;
    let cluster = Cluster::connect(&Kubeconfig::Text(credentials), &name.context()).await.unwrap();
    let host = cluster.host().await.unwrap();
    let open: Vec<_> = host.nodes.iter().filter(|node| node.open).collect();
    assert!(open.len() == 1 && host.nodes.len() == 2, "{host:?}");

    let nodes: Api<Node> = Api::all(client.clone());
    let node = nodes.get(&open[0].name).await.unwrap();
    let room = node.status.unwrap().allocatable.unwrap();
    assert_eq!((room["cpu"].0.as_str(), room["memory"].0.parse::<Bytes>().unwrap()), ("1", Bytes(GIB)));

    let space = Space::on(cluster, "room").await;
    let mut large = pod("large", IMAGE, &["sleep", "600"]);
    large["spec"]["containers"][0]["resources"] = json!({"requests": {"memory": "1100Mi"}});
    // One without limits, and one with half a core, see as many cores as production's would.
    let counting = ["sh", "-c", "test $(nproc) = 1 && sleep 600"];
    let mut limited = pod("limited", IMAGE, &counting);
    limited["spec"]["containers"][0]["resources"] = json!({"limits": {"cpu": "500m", "memory": "64Mi"}});
    // One that takes as many processes as it gets, and is ready where that were the profile's.
    let mut crowd = pod("crowd", IMAGE, &["perl", "-e", CROWD]);
    crowd["spec"]["containers"][0]["readinessProbe"] =
        json!({"exec": {"command": ["grep", "-qx", "100", "/tmp/most"]}, "periodSeconds": 1});
    space.apply(&[large, pod("free", IMAGE, &counting), limited, crowd]).await;
    let running = ["free", "limited", "crowd"].map(|name| Wanted::Pod(name.to_owned()));
    space.settle(&running).await.unwrap();
    let trouble = space.trouble(Wanted::Pod("large".to_owned())).await;
    assert!(
        trouble.code == Code::Unschedulable && trouble.message.contains("Insufficient memory"),
        "{trouble:?}"
    );

    // It asks for nothing and has no limit. The kubelet looks every ten seconds.
    let fills = "i=0; while [ $i -lt 400 ]; do head -c 4194304 /dev/zero > /memory/$i; i=$((i+1)); [ $i -lt 215 ] || sleep 2; done";
    let mut hungry = pod("hungry", IMAGE, &["sh", "-c", fills]);
    hungry["spec"]["containers"][0]["volumeMounts"] = json!([{"name": "memory", "mountPath": "/memory"}]);
    hungry["spec"]["volumes"] = json!([{"name": "memory", "emptyDir": {"medium": "Memory"}}]);
    space.apply(&[hungry]).await;
    let pods: Api<Pod> = Api::namespaced(client, space.name());
    let ended = async {
        loop {
            let status = pods.get("hungry").await.unwrap().status.unwrap_or_default();
            if status.phase.as_deref() == Some("Failed") {
                return status;
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    };
    let ended = tokio::time::timeout(LONG, ended).await.unwrap();
    assert_eq!(ended.reason.as_deref(), Some("Evicted"), "{ended:?}");
    assert!(ended.message.unwrap().contains("low on resource: memory"));
}
