//! A cluster, and users of it.

use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::OnceLock,
    time::{Duration, Instant},
};

use prodmirror::backend::Unheard;
use serde_json::Value;

use crate::{
    cli::{Cli, Done, docker},
    profiles::{Profile, profile},
    stage,
};

const IMAGES: [&str; 3] = ["python:3.11", "postgres:15", "redis:7"];
/// Where production would have them from; nobody answers there, and the nodes have them already.
const REGISTRY: &str = "registry.example.com";

/// The cluster as a user of `kubectl` has it.
pub struct Ground {
    pub context: String,
    folder: tempfile::TempDir,
}

/// The first who asks makes it.
pub fn ground() -> &'static Ground {
    static GROUND: OnceLock<Ground> = OnceLock::new();
    GROUND.get_or_init(|| {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let (context, cluster, credentials) = runtime.block_on(async {
            let stage = stage::stage().await;
            let built = IMAGES.map(|image| format!("prodmirror-built/{image}"));
            stage.kind.bring(&stage.name, &built.each_ref().map(String::as_str), &Unheard).await.unwrap();
            let credentials = stage.kind.credentials(&stage.name).await.unwrap();
            (stage.name.context(), stage.name.clone(), credentials)
        });
        // The cluster has its claim as long as this process lives, and the runtime that holds it.
        std::mem::forget(runtime);
        let nodes = docker(&[
            "ps",
            "--filter",
            &format!("label=io.x-k8s.kind.cluster={cluster}"),
            "--format",
            "{{.Names}}",
        ]);
        let control_plane = format!("{cluster}-control-plane");
        let is_for_pods = |node: &&str| nodes.lines().count() == 1 || **node != control_plane;
        for node in nodes.lines().filter(is_for_pods) {
            for image in IMAGES {
                let (from, to) =
                    (format!("docker.io/prodmirror-built/{image}"), format!("{REGISTRY}/{image}"));
                docker(&["exec", node, "ctr", "--namespace", "k8s.io", "images", "tag", &from, &to]);
            }
        }
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("kubeconfig"), credentials).unwrap();
        Ground { context, folder }
    })
}

impl Ground {
    pub fn kubeconfig(&self) -> PathBuf {
        self.folder.path().join("kubeconfig")
    }

    pub fn try_kubectl(&self, arguments: &[&str]) -> Output {
        let kubeconfig = self.kubeconfig();
        let mut command = Command::new(release().join("kubectl"));
        command.args(["--kubeconfig".as_ref(), kubeconfig.as_os_str()]).args(arguments).output().unwrap()
    }

    /// What `kubectl` itself says, for looking behind the program's back.
    #[track_caller]
    pub fn kubectl(&self, arguments: &[&str]) -> String {
        let output = self.try_kubectl(arguments);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "kubectl {arguments:?}: {said}");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// What it prints, which may be a no.
    pub fn kubectl_says(&self, arguments: &[&str]) -> String {
        String::from_utf8_lossy(&self.try_kubectl(arguments).stdout).trim().to_owned()
    }

    /// The container that is its only node, or the control plane's.
    pub fn node(&self) -> String {
        format!("{}-control-plane", self.context.trim_start_matches("kind-"))
    }

    /// Puts objects there as somebody else would.
    #[track_caller]
    pub fn create(&self, cli: &Cli, manifest: &Value) {
        let file = cli.file("object.json", &manifest.to_string());
        self.kubectl(&["apply", "--filename", &file.display().to_string()]);
    }

    /// Whether anything of a mirror is left.
    pub fn has(&self, mirror: &str) -> bool {
        !self
            .kubectl(&["get", "namespace", &space(mirror), "--ignore-not-found", "--output", "name"])
            .is_empty()
    }
}

/// Where `make setup-kind` puts its programs.
pub fn release() -> PathBuf {
    Path::new(env!("CARGO_BIN_EXE_prodmirror")).ancestors().nth(3).unwrap().join("release")
}

/// The namespace of a mirror.
pub fn space(mirror: &str) -> String {
    format!("pm-{mirror}")
}

/// A user with a mirror's name and profile of its own.
pub struct User {
    pub cli: Cli,
    pub name: String,
    pub file: String,
}

impl User {
    /// One who works on the cluster by its context alone.
    pub fn new(stem: &str, profile: impl FnOnce(Profile) -> Profile) -> Self {
        let ground = ground();
        Self::through(&ground.kubeconfig(), stem, profile)
    }

    /// One who has another kubeconfig.
    pub fn through(kubeconfig: &Path, stem: &str, with: impl FnOnce(Profile) -> Profile) -> Self {
        let cli = Cli::with(vec![
            ("PATH", format!("{}:{}", release().display(), std::env::var("PATH").unwrap())),
            ("KUBECONFIG", kubeconfig.display().to_string()),
            ("PRODMIRROR_CONTEXT", ground().context.clone()),
            ("PRODMIRROR_BACKEND", "kubernetes".to_owned()),
            ("PRODMIRROR_ALLOW_UNPINNED", "true".to_owned()),
        ]);
        let name = cli.name(stem);
        let text = with(profile(&name)).text().replace("local:prodmirror-built/", &format!("{REGISTRY}/"));
        let file = cli.file("prodmirror.yaml", &text).display().to_string();
        Self { cli, name, file }
    }

    #[track_caller]
    pub fn up(&self, more: &[&str]) -> Done {
        self.cli.run(&[&["up", "-f", &self.file], more].concat())
    }

    /// A command about the mirror.
    #[track_caller]
    pub fn run(&self, command: &str, more: &[&str]) -> Done {
        self.cli.run(&[&[command, self.name.as_str()], more].concat())
    }

    #[track_caller]
    pub fn kubectl(&self, arguments: &[&str]) -> String {
        ground().kubectl(&[&["--namespace", &space(&self.name)], arguments].concat())
    }

    /// The uids of a service's pods, in order.
    pub fn pods(&self, service: &str) -> Vec<String> {
        let selector = format!("prodmirror/service={service}");
        let path = "jsonpath={range .items[*]}{.metadata.uid}{\"\\n\"}{end}";
        let listed = self.kubectl(&["get", "pods", "--selector", &selector, "--output", path]);
        let mut ids: Vec<String> = listed.lines().map(str::to_owned).collect();
        ids.sort();
        ids
    }

    #[track_caller]
    pub fn sql(&self, text: &str) -> String {
        let psql = ["db", "--", "psql", "-U", "app", "-d", "notes", "-Atc", text];
        self.run("exec", &psql).ok().stdout.trim().to_owned()
    }

    /// The states of all replicas: `web/0 ready`.
    #[track_caller]
    pub fn states(&self) -> Vec<String> {
        let mirror = self.run("status", &["--format", "json"]).ok().json()["mirrors"][0].clone();
        let rows = mirror["services"].as_array().unwrap();
        let state = |row: &Value| {
            format!("{}/{} {}", row["name"].as_str().unwrap(), row["ordinal"], row["state"].as_str().unwrap())
        };
        rows.iter().map(state).collect()
    }
}

/// Waits for something that comes by itself, for two minutes at most.
#[track_caller]
pub fn until(what: &str, mut is: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(120);
    while !is() {
        assert!(Instant::now() < deadline, "{what}: not within two minutes");
        std::thread::sleep(Duration::from_millis(200));
    }
}
