//! One cluster for all tests of this program, and a namespace for each.

use std::{
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Mutex,
    time::Duration,
};

use prodmirror::{
    backend::{
        Unheard,
        kind::{ClusterName, InUse, Kind, Settings},
        kubernetes::{Cluster, ClusterError, Trouble, Wanted},
    },
    labels::kubernetes::{MANAGED_BY, MIRROR, OWNER},
    name::Name,
    plan::kubernetes::{ClusterShape, NodeShape},
    readers::kubeconfig::Kubeconfig,
};
use serde_json::{Value, json};
use tokio::sync::OnceCell;

/// A role of the examples, loaded from this engine.
pub const IMAGE: &str = "prodmirror-built/redis:7";
/// More than anything here takes: what fails, fails by its own word.
pub const LONG: Duration = Duration::from_secs(120);

pub struct Stage {
    pub kind: Kind,
    pub name: ClusterName,
    credentials: String,
    _in_use: InUse,
}

static STAGE: OnceCell<Stage> = OnceCell::const_new();
/// Their standard input is open for as long as this process lives.
static UNDERTAKERS: Mutex<Vec<Child>> = Mutex::new(Vec::new());

/// The cluster; the first who asks makes it.
pub async fn stage() -> &'static Stage {
    STAGE.get_or_init(async || make(&shape(&clusters()).await).await).await
}

/// The cluster with so many nodes for pods, beside one for the control plane; to be asked for before any other.
pub async fn stage_with(nodes: usize) -> &'static Stage {
    STAGE
        .get_or_init(async || {
            let one = shape(&clusters()).await;
            make(&ClusterShape { nodes: vec![NodeShape::default(); nodes], ..one }).await
        })
        .await
}

pub fn owner() -> String {
    format!("test-{}@here", std::process::id())
}

async fn make(shape: &ClusterShape) -> Stage {
    let kind = clusters();
    let name = ClusterName::own(&owner(), &Name::new("tests").unwrap());
    undertake(&name);
    let in_use = kind.ensure(&owner(), &name, shape, &Unheard).await.unwrap();
    kind.bring(&name, &[IMAGE], &Unheard).await.unwrap();
    let credentials = kind.credentials(&name).await.unwrap();
    Stage { kind, name, credentials, _in_use: in_use }
}

/// The clusters of this engine, as the command line reaches them.
pub fn clusters() -> Kind {
    let kept = ["PATH", "HOME", "DOCKER_HOST", "DOCKER_CONFIG"];
    let kept = kept.iter().filter_map(|name| Some(((*name).to_owned(), std::env::var(name).ok()?)));
    Kind::new(Settings {
        kind: program(),
        docker: "docker".into(),
        self_exe: Some(env!("CARGO_BIN_EXE_prodmirror").into()),
        environment: kept.collect(),
        state_dir: state_dir(),
    })
}

/// One node, of the image that was made here.
pub async fn shape(kind: &Kind) -> ClusterShape {
    let image = kind.node_image().await.unwrap();
    assert!(image.is_some(), "there is no image for nodes: `make setup-kind` makes one");
    ClusterShape { image, ..ClusterShape::default() }
}

/// As `make setup-kind` puts it, beside the program's release.
fn program() -> PathBuf {
    let beside = Path::new(env!("CARGO_BIN_EXE_prodmirror")).ancestors().nth(3).unwrap().join("release/kind");
    assert!(beside.exists(), "{} is not there: `make setup-kind` makes it", beside.display());
    beside
}

/// Removes the cluster when this process has ended, in whatever way: tests have no end of their own to do it at.
pub fn undertake(name: &ClusterName) {
    let mut command = Command::new("sh");
    command.args([
        "-c",
        r#"cat >/dev/null; "$0" delete cluster --name "$1" --kubeconfig /dev/null; rm -rf "$2""#,
    ]);
    command.arg(program()).arg(name.as_str()).arg(state_dir());
    // An interrupt of the terminal is not for it, and nobody waits for what it says.
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    let child = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    UNDERTAKERS.lock().unwrap().push(child);
}

fn state_dir() -> PathBuf {
    std::env::temp_dir().join(format!("prodmirror-{}", owner()))
}

pub async fn kubeconfig() -> Kubeconfig {
    Kubeconfig::Text(stage().await.credentials.clone())
}

/// A connection of the test's own: its runtime goes with it.
pub async fn cluster() -> Cluster {
    Cluster::connect(&kubeconfig().await, &stage().await.name.context()).await.unwrap()
}

/// The same cluster as another user of it, who may do what is bound to it.
pub async fn cluster_as(user: &str) -> Cluster {
    let name = &stage().await.name;
    Cluster::connect(&Kubeconfig::Text(credentials_of(user).await), &name.context()).await.unwrap()
}

/// The kubeconfig of another user.
pub async fn credentials_of(user: &str) -> String {
    stage().await.credentials.replace("\n  user:\n", &format!("\n  user:\n    as: {user}\n"))
}

/// What others do to the cluster: as `kubectl` would.
pub async fn client() -> kube::Client {
    client_of(&stage().await.credentials).await
}

/// The same, which takes the first no for an answer.
pub async fn client_told_once() -> kube::Client {
    let mut config = config_of(&stage().await.credentials).await;
    config.default_retry = false;
    kube::Client::try_from(config).unwrap()
}

pub async fn client_of(credentials: &str) -> kube::Client {
    kube::Client::try_from(config_of(credentials).await).unwrap()
}

async fn config_of(credentials: &str) -> kube::Config {
    let credentials = kube::config::Kubeconfig::from_yaml(credentials).unwrap();
    kube::Config::from_custom_kubeconfig(credentials, &Default::default()).await.unwrap()
}

/// The namespace of one mirror.
pub struct Space {
    pub cluster: Cluster,
    pub mirror: Name,
}

impl Space {
    pub async fn new(name: &str) -> Self {
        Self::on(cluster().await, name).await
    }

    pub async fn on(cluster: Cluster, name: &str) -> Self {
        let mirror = Name::new(format!("kt-{name}")).unwrap();
        cluster.apply([&namespace(mirror.as_str(), &mirror, &owner())]).await.unwrap();
        Self { cluster, mirror }
    }

    pub fn name(&self) -> &str {
        self.mirror.as_str()
    }

    /// The manifests, put into the namespace under the mirror's labels.
    pub fn own(&self, manifests: &[Value]) -> Vec<Value> {
        let own = |manifest: &Value| {
            let mut own = manifest.clone();
            own["metadata"]["namespace"] = json!(self.name());
            own["metadata"]["labels"] = json!({MANAGED_BY: "prodmirror", MIRROR: self.mirror});
            own
        };
        manifests.iter().map(own).collect()
    }

    #[track_caller]
    pub fn apply<'a>(&'a self, manifests: &[Value]) -> impl Future<Output = ()> + use<'a> {
        let own = self.own(manifests);
        async move { self.cluster.apply(&own).await.unwrap() }
    }

    pub async fn settle(&self, wanted: &[Wanted]) -> Result<(), ClusterError> {
        self.cluster.settle(self.name(), wanted, LONG, "start", &Unheard).await
    }

    /// What is told of something that never comes about.
    pub async fn trouble(&self, wanted: Wanted) -> Trouble {
        match self.settle(&[wanted]).await {
            Err(ClusterError::Trouble(trouble)) => *trouble,
            other => panic!("{other:?}"),
        }
    }

    pub async fn remove(self) {
        self.cluster.destroy(self.name(), &self.mirror, LONG).await.unwrap();
    }
}

/// As a plan has it.
pub fn namespace(name: &str, mirror: &Name, owner: &str) -> Value {
    let labels = json!({MANAGED_BY: "prodmirror", MIRROR: mirror});
    let metadata = json!({"name": name, "labels": labels, "annotations": {OWNER: owner}});
    json!({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
}

pub fn object(kind: &str, name: &str, rest: Value) -> Value {
    let version = match kind {
        "Deployment" | "StatefulSet" => "apps/v1",
        "Job" | "CronJob" => "batch/v1",
        "Role" | "RoleBinding" => "rbac.authorization.k8s.io/v1",
        _ => "v1",
    };
    let mut object = json!({"apiVersion": version, "kind": kind, "metadata": {"name": name}});
    for (key, value) in rest.as_object().into_iter().flatten() {
        object[key] = value.clone();
    }
    object
}

/// A pod's specification: one container that goes when it is told to, at once.
pub fn running(image: &str, command: &[&str]) -> Value {
    json!({
        "terminationGracePeriodSeconds": 0,
        "containers": [{"name": "main", "image": image, "imagePullPolicy": "IfNotPresent", "command": command}],
    })
}

pub fn pod(name: &str, image: &str, command: &[&str]) -> Value {
    object("Pod", name, json!({"spec": running(image, command)}))
}

pub fn deployment(name: &str, replicas: u32, pod: Value) -> Value {
    workload("Deployment", name, replicas, pod)
}

/// A deployment or a stateful set.
pub fn workload(kind: &str, name: &str, replicas: u32, pod: Value) -> Value {
    let mut spec = json!({
        "replicas": replicas,
        "selector": {"matchLabels": {"app": name}},
        "template": {"metadata": {"labels": {"app": name}}, "spec": pod},
    });
    if kind == "StatefulSet" {
        spec["serviceName"] = json!(name);
    }
    object(kind, name, json!({ "spec": spec }))
}

/// A job that has one try.
pub fn job(name: &str, mut pod: Value) -> Value {
    pod["restartPolicy"] = json!("Never");
    object("Job", name, json!({"spec": {"backoffLimit": 0, "template": {"spec": pod}}}))
}
