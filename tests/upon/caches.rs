//! Registries of our own that nodes pull through. The registry behind them is the test's own, beside the nodes.

use std::{
    collections::BTreeMap,
    process::Command,
    sync::{Arc, Mutex},
};

use prodmirror::{
    backend::{
        Images as _, Nodes as _, Progress, Report, Unheard,
        kind::{Cache, NodesOf, Through},
        kubernetes::Pulled,
    },
    profile::Image,
};

use crate::{
    cli::{Cli, docker},
    ground::{User, ground, release},
    stage,
};

/// As `make setup-kind` makes it.
const REGISTRY: &str = "prodmirror-built/registry:2";

/// Cases that count an owner's caches, one at a time: they have one owner.
static COUNTING: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// A registry beside the nodes that asks for no TLS; gone when dropped.
struct Upstream {
    name: String,
}

impl Upstream {
    fn start(name: &str) -> Self {
        let name = format!("t{}-{name}", std::process::id());
        docker(&[
            "run",
            "--detach",
            "--name",
            &name,
            "--network",
            "kind",
            "--publish",
            "127.0.0.1::5000",
            REGISTRY,
        ]);
        Self { name }
    }

    /// As images are named with it.
    fn host(&self) -> String {
        format!("{}:5000", self.name)
    }

    /// An image that the engine has only for as long as it takes to push it; answers how a profile names it.
    fn push(&self, told: &str) -> Image {
        let folder = tempfile::tempdir().unwrap();
        let file =
            format!("FROM {}\nRUN echo {told} > /told\nENV TOLD={told}\nSTOPSIGNAL SIGINT\n", stage::IMAGE);
        std::fs::write(folder.path().join("Dockerfile"), file).unwrap();
        // The engine does so without TLS on loopback alone.
        let tag = format!("{}/app:1", docker(&["port", &self.name, "5000/tcp"]));
        docker(&["build", "--quiet", "--tag", &tag, folder.path().to_str().unwrap()]);
        docker(&["push", "--quiet", &tag]);
        let digest = docker(&["image", "inspect", "--format", "{{.Id}}", &tag]);
        docker(&["image", "rm", "--force", &tag]);
        format!("{}/app@{digest}", self.host()).parse().unwrap()
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        let _ = Command::new("docker").args(["rm", "--force", "--volumes", &self.name]).output();
    }
}

/// The caches of one owner; gone when dropped.
struct Owned(String);

impl Drop for Owned {
    fn drop(&mut self) {
        let own = format!("label=prodmirror.owner={}", self.0);
        let of = |list: &[&str]| {
            let words = ["--quiet", "--filter", "label=prodmirror.kind=registry", "--filter", &own];
            let output = Command::new("docker").args(list).args(words).output().unwrap();
            String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect::<Vec<_>>()
        };
        for (list, remove) in [(&["ps", "--all"][..], "rm"), (&["volume", "ls"], "volume rm")] {
            let _ = Command::new("docker").args(remove.split(' ')).arg("--force").args(of(list)).output();
        }
    }
}

/// What was noted.
#[derive(Default)]
struct Heard(Mutex<Vec<String>>);

impl Report for Heard {
    fn event(&self, event: Progress) {
        if let Progress::Note(text) = event {
            self.0.lock().unwrap().push(text);
        }
    }
}

/// One who has what `make setup-kind` makes, and no cluster.
fn user() -> Cli {
    let path = std::env::var("PATH").unwrap();
    Cli::with(vec![("PATH", format!("{}:{path}", release().display()))])
}

/// The nodes of the cluster, as an owner's launch has them who has no engine to fall back on.
async fn nodes(owner: &str, insecure: &str) -> NodesOf {
    let stage = stage::stage().await;
    NodesOf {
        kind: stage.kind.clone(),
        name: stage.name.clone(),
        through: Through { owner: owner.to_owned(), insecure: vec![insecure.to_owned()] },
        engine: Arc::new(Pulled),
    }
}

async fn bring(nodes: &NodesOf, image: &Image, report: &dyn Report) -> bool {
    nodes.bring(std::slice::from_ref(image), None, &BTreeMap::new(), report).await.unwrap().any
}

fn ctr(words: &[&str]) -> String {
    docker(&[&["exec", &ground().node(), "ctr", "--namespace", "k8s.io"], words].concat())
}

/// Under all names that it has on the node, that of its configuration among them.
fn forget(image: &Image) {
    let image = image.to_string();
    let digest = image.split('@').nth(1).unwrap();
    let listed = ctr(&["images", "list"]);
    let own = listed.lines().filter(|line| line.contains(digest)).filter_map(|line| line.split(' ').next());
    ctr(&["images", "rm", "--sync"].into_iter().chain(own).collect::<Vec<_>>());
}

fn is_here(image: &Image) -> bool {
    let found = Command::new("docker").args(["image", "inspect", &image.to_engine()]).output().unwrap();
    found.status.success()
}

async fn caches(nodes: &NodesOf) -> Vec<Cache> {
    nodes.kind.caches(Some(&nodes.through.owner)).await.unwrap()
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Runtime::new().unwrap()
}

#[test]
fn what_came_through_a_cache_once_comes_again_without_its_registry() {
    let _turn = COUNTING.blocking_lock();
    ground();
    let upstream = Upstream::start("once");
    let image = upstream.push("once");
    let runs = |stem: &str| {
        let it = User::new(stem, |profile| profile.shell("app", "grep -qx once /told && sleep 600", ""));
        it.up(&["--set", &format!("services.app.image={image}")]).ok();
        let ledger = it.run("ledger", &["--format", "json"]).ok().json();
        let entries = ledger["entries"].as_array().unwrap();
        let entry = entries.iter().find(|entry| entry["path"] == "services.app.image").unwrap().clone();
        let digest = image.to_string().split('@').nth(1).unwrap().to_owned();
        assert!(entry["holds"] == true && entry["live"].to_string().contains(&digest), "{entry:#}");
        it
    };
    let cli = user();
    let _owned = Owned(cli.owner.clone());
    let nodes = runtime().block_on(async {
        let nodes = nodes(&cli.owner, &upstream.host()).await;
        assert!(bring(&nodes, &image, &Unheard).await);
        nodes
    });
    assert!(!is_here(&image), "the engine has a copy of its own");
    drop(runs("once"));

    docker(&["stop", "--timeout", "0", &upstream.name]);
    forget(&image);
    // The kubelet's own pull, which asks the runtime alone.
    drop(runs("again"));
    forget(&image);
    assert!(runtime().block_on(bring(&nodes, &image, &Unheard)));
    assert!(!is_here(&image), "the engine has a copy of its own");

    let told = cli.run(&["status", "--format", "json"]).ok().json();
    let told = told["registries"].as_array().unwrap().iter().find(|one| one["owner"] == cli.owner.as_str());
    let told = told.unwrap_or_else(|| panic!("`status` does not tell of it"));
    assert_eq!((&told["upstream"], &told["state"]), (&upstream.host().into(), &"running".into()));
    let name = told["name"].as_str().unwrap();
    let note = cli.run(&["down", "--all"]).ok().stderr;
    assert!(note.contains(&upstream.host()), "{note}");
    // Its owner has no cluster.
    let would = cli.run(&["gc", "--dry-run", "--format", "json"]).ok().json();
    assert_eq!(
        (&would["containers"], &would["volumes"]),
        (&serde_json::json!([name]), &serde_json::json!([name]))
    );
    cli.run(&["gc"]).ok();
    assert_eq!(runtime().block_on(caches(&nodes)), []);
    let volumes = docker(&["volume", "ls", "--quiet", "--filter", &format!("name={name}")]);
    assert_eq!(volumes, "", "its state is left");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cache_is_made_once_begins_again_and_stays_as_long_as_its_owner_has_a_cluster() {
    let _turn = COUNTING.lock().await;
    tokio::task::spawn_blocking(ground).await.unwrap();
    let upstream = Upstream::start("stays");
    let image = upstream.push("stays");
    let _owned = Owned(stage::owner());
    let nodes = nodes(&stage::owner(), &upstream.host()).await;
    let (one, other) = tokio::join!(bring(&nodes, &image, &Unheard), bring(&nodes, &image, &Unheard));
    assert!(one && other);
    let [cache] = &caches(&nodes).await[..] else { panic!("{:?}", caches(&nodes).await) };
    assert_eq!(
        (cache.upstream.as_str(), cache.state.as_deref()),
        (upstream.host().as_str(), Some("running"))
    );
    let id = || docker(&["inspect", "--format", "{{.Id}}", &cache.name]);
    let first = id();

    // What is known of an image that the engine has not.
    let ask = prodmirror::backend::Ask {
        mirror: prodmirror::name::Name::new("stays").unwrap(),
        owner: stage::owner(),
        options: Default::default(),
        images: vec![image.clone()],
        helper: prodmirror::backend::HelperSource::Files(Vec::new()),
        socket: false,
        timezone: false,
        not_on: None,
        build_tools: false,
    };
    let here = nodes.here(&ask).await.unwrap();
    let facts = &here.images[&image.to_engine()];
    assert!(facts.env.contains(&"TOLD=stays".to_owned()), "{facts:?}");
    assert_eq!(
        (facts.stop_signal.as_deref(), facts.repo_digests.as_slice()),
        (Some("SIGINT"), &[image.to_string()][..])
    );

    // As after a machine that was switched off, and by whoever supplies pods.
    docker(&["kill", &cache.name]);
    forget(&image);
    nodes.supply(&[image.to_engine()], &Unheard).await.unwrap();
    assert!(ctr(&["images", "list", "--quiet"]).contains(&image.to_string()));
    assert_eq!((id(), caches(&nodes).await[0].state.as_deref()), (first.clone(), Some("running")));

    // Cut off between its making and its start: made of something else, then it is made anew, its state kept.
    let made_of = docker(&["inspect", "--format", "{{.Config.Image}}", &cache.name]);
    docker(&["rm", "--force", &cache.name]);
    let state = format!("{}:/var/lib/registry", cache.name);
    docker(&["create", "--name", &cache.name, "--network", "kind", "--volume", &state, &made_of]);
    docker(&["exec", &ground().node(), "rm", "-r", &format!("/etc/containerd/certs.d/{}", upstream.host())]);
    forget(&image);
    assert!(bring(&nodes, &image, &Unheard).await);
    assert_ne!(id(), first);

    let left = nodes.kind.delete_unused_caches(Some(&stage::owner()), &[], false).await.unwrap();
    assert_eq!(left, [], "a cluster of its owner is there");
    let cluster = [nodes.name.to_string()];
    let gone = nodes.kind.delete_unused_caches(Some(&stage::owner()), &cluster, false).await.unwrap();
    assert!(gone.len() == 1 && caches(&nodes).await.is_empty(), "{gone:?}");
    forget(&image);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_a_registry_is_not_in_reach_that_is_told_and_nothing_is_left() {
    let _turn = COUNTING.lock().await;
    tokio::task::spawn_blocking(ground).await.unwrap();
    let cli = tokio::task::spawn_blocking(user).await.unwrap();
    let _owned = Owned(cli.owner.clone());
    let nodes = nodes(&cli.owner, "none.invalid:5000").await;
    let image = format!("none.invalid:5000/app@sha256:{}", "0".repeat(64)).parse().unwrap();
    let heard = Heard::default();
    assert!(!bring(&nodes, &image, &heard).await);
    let notes = heard.0.into_inner().unwrap().join("\n");
    assert!(
        notes.contains("nodes do not pull from none.invalid:5000") && notes.contains("no such host"),
        "{notes}"
    );
    assert_eq!(caches(&nodes).await, []);
    tokio::task::spawn_blocking(|| drop(cli)).await.unwrap();
}

#[test]
fn a_launch_on_kind_asks_the_nodes_first_and_then_the_engine() {
    let _turn = COUNTING.blocking_lock();
    ground();
    let path = format!("{}:{}", release().display(), std::env::var("PATH").unwrap());
    // By its owner and its name the cluster of these tests is this mirror's own.
    let cli = Cli::with(vec![("PATH", path), ("PRODMIRROR_OWNER", stage::owner())]);
    let image = format!("none.invalid:5000/app@sha256:{}", "0".repeat(64));
    let text = format!("apiVersion: prodmirror/v1\nname: tests\nservices: {{app: {{image: \"{image}\"}}}}\n");
    let file = cli.file("prodmirror.yaml", &text).display().to_string();
    let failed = cli.run(&["up", "-f", &file, "--backend", "kind", "--fresh-cluster"]).code(5);
    let nodes = failed.stderr.find("nodes do not pull from none.invalid:5000");
    let engine = failed.stderr.find("pulling none.invalid:5000/app");
    assert!(nodes.is_some() && nodes < engine && !failed.stderr.contains("making the cluster"), "{failed}");
    assert!(failed.stderr.contains(&format!("image {image} is not here")), "{failed}");
}
