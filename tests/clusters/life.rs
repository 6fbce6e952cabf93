//! From the first who asks for a cluster to the last who leaves it.

use std::{
    process::Command,
    sync::{Arc, Mutex},
    time::Duration,
};

use prodmirror::{
    backend::{
        BackendError, Progress, Report, Unheard,
        kind::{ClusterName, InUse, Kind, KindCluster},
        kubernetes::Cluster,
    },
    name::Name,
    plan::kubernetes::ClusterShape,
    readers::kubeconfig::Kubeconfig,
};

use crate::stage::{LONG, clusters, namespace, owner, shape, undertake};

/// What was begun.
#[derive(Default)]
struct Heard(Mutex<Vec<String>>);

impl Report for Heard {
    fn event(&self, event: Progress) {
        if let Progress::Begun { what, .. } = event {
            self.0.lock().unwrap().push(what);
        }
    }
}

async fn connect(kind: &Kind, name: &ClusterName) -> Cluster {
    let credentials = kind.credentials(name).await.unwrap();
    Cluster::connect(&Kubeconfig::Text(credentials), &name.context()).await.unwrap()
}

async fn listed(kind: &Kind, name: &ClusterName) -> Option<KindCluster> {
    let all = kind.list(Some(&owner())).await.unwrap();
    all.into_iter().find(|cluster| cluster.name == *name)
}

fn docker(words: &[&str]) -> String {
    let output = Command::new("docker").args(words).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// Containers beside the nodes, one of which has an address that was free.
struct Taker(Vec<String>);

impl Taker {
    fn of(address: &str, image: &str) -> Self {
        let mut taker = Self(Vec::new());
        // An engine gives the lowest that is free, which another container may just have left.
        while taker.0.last().is_none_or(|last| address_of(last) != address) {
            assert!(taker.0.len() < 10, "{address} is not given to anybody");
            let words = ["run", "--detach", "--network", "kind", "--entrypoint", "sleep", image, "600"];
            taker.0.push(docker(&words));
        }
        taker
    }
}

fn address_of(container: &str) -> String {
    docker(&["inspect", "--format", "{{.NetworkSettings.Networks.kind.IPAddress}}", container])
}

impl Drop for Taker {
    fn drop(&mut self) {
        let _ = Command::new("docker").args(["rm", "--force"]).args(&self.0).output();
    }
}

#[tokio::test]
async fn mirrors_that_ask_for_the_same_share_one_cluster_until_the_last_of_them_is_gone() {
    let (kind, whose) = (clusters(), owner());
    let shape = shape(&kind).await;
    let name = ClusterName::shared(&whose, &shape);
    undertake(&name);
    let heard = Arc::new(Heard::default());
    let asks = async || -> InUse { kind.ensure(&whose, &name, &shape, heard.as_ref()).await.unwrap() };

    let (one, other) = tokio::join!(asks(), asks());

    assert_eq!(*heard.0.lock().unwrap(), [format!("making the cluster {name}")]);
    let found = listed(&kind, &name).await.unwrap();
    let mark = found.mark.unwrap();
    assert_eq!((mark.owner, &mark.shape), (whose.clone(), &shape));
    assert_eq!((found.mirrors, found.busy), (Some(Vec::new()), true));
    assert!(found.used.is_some());

    // One is about to bring a mirror up on it.
    drop(one);
    assert!(!kind.delete_unused(&name).await.unwrap());
    let cluster = connect(&kind, &name).await;
    let mirror = Name::new("shop").unwrap();
    cluster.apply([&namespace("pm-shop", &mirror, &whose)]).await.unwrap();
    drop(other);
    assert!(!kind.delete_unused(&name).await.unwrap(), "a mirror is on it");
    let found = listed(&kind, &name).await.unwrap();
    assert_eq!((found.mirrors, found.busy), (Some(vec!["pm-shop".to_owned()]), false));

    // A machine that was switched off, and on again; its address is another's by then.
    let before = cluster.host().await.unwrap().uid;
    let node = format!("{name}-control-plane");
    let first = address_of(&node);
    docker(&["kill", &node]);
    let taker = Taker::of(&first, &kind.node_image().await.unwrap().unwrap());
    assert_eq!(listed(&kind, &name).await.unwrap().mirrors, None, "a cluster that is stopped was asked");
    assert!(kind.delete_unused(&name).await.is_err(), "what cannot be asked may hold mirrors");
    let again = kind.ensure(&whose, &name, &shape, &Unheard).await.unwrap();
    let cluster = connect(&kind, &name).await;
    assert_eq!(cluster.host().await.unwrap().uid, before, "it was made again, and its mirrors are lost");
    assert_ne!(address_of(&node), first);
    drop(taker);
    drop(again);

    // Its nodes are ready, and its control plane, busy with other things, still keeps pods away from them.
    docker(&["exec", &node, "pkill", "-STOP", "-x", "kube-controller"]);
    let taint = ["taint", "node", &node, "node.kubernetes.io/not-ready:NoSchedule"];
    docker(&[&["exec", &node, "kubectl", "--kubeconfig", "/etc/kubernetes/admin.conf"][..], &taint].concat());
    let early = tokio::time::timeout(Duration::from_secs(3), kind.ensure(&whose, &name, &shape, &Unheard));
    assert!(early.await.is_err(), "a cluster was given of which no node takes pods");
    docker(&["exec", &node, "pkill", "-CONT", "-x", "kube-controller"]);
    drop(kind.ensure(&whose, &name, &shape, &Unheard).await.unwrap());
    assert!(cluster.host().await.unwrap().nodes[0].open);

    cluster.destroy("pm-shop", &mirror, LONG).await.unwrap();
    assert!(kind.delete_unused(&name).await.unwrap());
    assert_eq!(listed(&kind, &name).await, None);
}

#[tokio::test]
async fn a_making_that_is_cut_off_at_any_moment_is_made_again() {
    let (kind, whose) = (clusters(), owner());
    let shape = shape(&kind).await;
    let name = ClusterName::own(&whose, &Name::new("cut").unwrap());
    undertake(&name);
    for seconds in [1, 4, 11] {
        // Dropped, it lets go of its programs as a process does that is killed.
        let making = kind.ensure(&whose, &name, &shape, &Unheard);
        let cut = tokio::time::timeout(Duration::from_secs(seconds), making).await;
        assert!(cut.is_err(), "after {seconds} s: {cut:?}");
        if let Some(half) = listed(&kind, &name).await {
            assert_eq!((half.mark, half.mirrors), (None, None), "after {seconds} s");
        }
    }

    let made = kind.ensure(&whose, &name, &shape, &Unheard).await.unwrap();

    assert!(listed(&kind, &name).await.unwrap().mark.is_some());
    let host = connect(&kind, &name).await.host().await.unwrap();
    assert!(host.nodes.len() == 1 && host.nodes[0].ready, "{host:?}");
    let another = ClusterShape { pods: Some("10.1.0.0/16".parse().unwrap()), ..shape.clone() };
    drop(made);
    let refused = kind.ensure(&whose, &name, &another, &Unheard).await.unwrap_err();
    assert!(matches!(refused, BackendError::Engine { .. }), "{refused}");
    // Cut off for the last time: what is left is of no use to anyone.
    kind.delete(&name).await.unwrap();
    let making = kind.ensure(&whose, &name, &shape, &Unheard);
    assert!(tokio::time::timeout(Duration::from_secs(6), making).await.is_err());
    assert!(kind.delete_unused(&name).await.unwrap());
    assert_eq!(listed(&kind, &name).await, None);
}
