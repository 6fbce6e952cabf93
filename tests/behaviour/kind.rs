//! The files that `render` writes, on a real Kubernetes, looked at by `kubectl`: what production's own would do.

use std::{
    net::IpAddr,
    path::PathBuf,
    process::{Command, Output},
    sync::OnceLock,
};

use prodmirror::{
    backend::{
        Unheard,
        kind::{ClusterName, Kind as Clusters, Settings},
    },
    name::Name,
    plan::kubernetes::ClusterShape,
};
use serde_json::Value;

use crate::{
    cli::{Cli, docker},
    ground::{Ground, beside, profile, undertake},
};

const NAME: &str = "behaviour";
const IMAGE: &str = "prodmirror-built/python:3.11";

pub struct Kind {
    kubectl: PathBuf,
    /// The cluster's credentials, and the files.
    folder: tempfile::TempDir,
}

pub fn ground() -> &'static dyn Ground {
    static GROUND: OnceLock<Kind> = OnceLock::new();
    GROUND.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let credentials = runtime.block_on(cluster(folder.path().as_os_str()));
        std::fs::write(folder.path().join("kubeconfig"), credentials).unwrap();
        let kind = Kind { kubectl: beside("kubectl"), folder };
        kind.launch();
        kind
    })
}

/// Makes the cluster, gives it the image, and answers how it is reached.
async fn cluster(folder: &std::ffi::OsStr) -> String {
    let program = beside("kind");
    let kept = ["PATH", "HOME", "DOCKER_HOST", "DOCKER_CONFIG"];
    let kept = kept.iter().filter_map(|name| Some(((*name).to_owned(), std::env::var(name).ok()?)));
    let clusters = Clusters::new(Settings {
        kind: program.clone(),
        docker: "docker".into(),
        self_exe: Some(env!("CARGO_BIN_EXE_prodmirror").into()),
        environment: kept.collect(),
        state_dir: folder.into(),
    });
    let owner = format!("test-{}@here", std::process::id());
    let name = ClusterName::own(&owner, &Name::new(NAME).unwrap());
    let image = clusters.node_image().await.unwrap();
    assert!(image.is_some(), "there is no image for nodes: `make setup-kind` makes one");
    undertake(
        r#""$0" delete cluster --name "$1" --kubeconfig /dev/null; rm -rf "$2""#,
        &[program.as_os_str(), name.as_str().as_ref(), folder],
        &[],
    );
    let shape = ClusterShape { image, ..ClusterShape::default() };
    // Nothing but this process knows the owner, so nobody else removes it.
    drop(clusters.ensure(&owner, &name, &shape, &Unheard).await.unwrap());
    clusters.bring(&name, &[IMAGE], &Unheard).await.unwrap();
    clusters.credentials(&name).await.unwrap()
}

impl Kind {
    fn launch(&self) {
        let cli = Cli::new();
        let file = cli.file("prodmirror.yaml", &profile(NAME)).display().to_string();
        let files = self.folder.path().join("files").display().to_string();
        cli.run(&["render", "-f", &file, "--backend", "kind", "-o", &files]).ok();
        self.kubectl(&["apply", "--filename", &format!("{files}/00-mirror.yaml")]);
        self.kubectl(&["apply", "--filename", &files]);
        let slow =
            ["--for=condition=Ready", "pod", "--selector", "prodmirror/kind=service", "--timeout=180s"];
        self.kubectl(&[&["wait"][..], &slow].concat());
        self.kubectl(&["wait", "--for=condition=Complete", "job/once", "--timeout=180s"]);
    }

    fn run(&self, arguments: &[&str]) -> Output {
        Command::new(&self.kubectl)
            .args(["--kubeconfig".as_ref(), self.folder.path().join("kubeconfig").as_os_str()])
            .args(["--namespace", &format!("pm-{NAME}")])
            .args(arguments)
            .output()
            .unwrap()
    }

    #[track_caller]
    fn kubectl(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "kubectl {arguments:?}: {said}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// A service's pods in order of name.
    fn pods(&self, service: &str) -> Vec<Value> {
        let list = self.kubectl(&[
            "get",
            "pods",
            "--selector",
            &format!("prodmirror/service={service}"),
            "-o",
            "json",
        ]);
        let list: Value = serde_json::from_str(&list).unwrap();
        list["items"].as_array().cloned().unwrap_or_default()
    }

    /// What the cluster says of the main container.
    fn main(&self, service: &str, ordinal: usize) -> Value {
        let pod = self.pods(service).into_iter().nth(ordinal).unwrap_or_default();
        let all = pod["status"]["containerStatuses"].as_array().cloned().unwrap_or_default();
        all.into_iter().find(|status| status["name"] == "main").unwrap_or_default()
    }
}

impl Ground for Kind {
    fn exec(&self, service: &str, ordinal: usize, command: &[&str]) -> (i32, String) {
        let pods = self.pods(service);
        let pod = pods[ordinal]["metadata"]["name"].as_str().unwrap();
        let output = self.run(&[&["exec", pod, "--container", "main", "--"][..], command].concat());
        let (printed, said) =
            (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        match output.status.code() {
            Some(0) => (0, printed.into_owned()),
            code => (code.unwrap_or(-1), format!("{printed}{said}")),
        }
    }

    fn restarts(&self, service: &str, ordinal: usize) -> u64 {
        self.main(service, ordinal)["restartCount"].as_u64().unwrap_or_default()
    }

    fn last_exit(&self, service: &str, ordinal: usize) -> Option<(i64, bool)> {
        let last = self.main(service, ordinal)["lastState"]["terminated"].clone();
        Some((last["exitCode"].as_i64()?, last["reason"] == "OOMKilled"))
    }

    fn job(&self, name: &str) -> (String, i64) {
        let log = self.kubectl(&["logs", &format!("job/{name}")]);
        let code = self.main(name, 0)["state"]["terminated"]["exitCode"].as_i64().unwrap_or(-1);
        (log, code)
    }

    fn outside(&self) -> IpAddr {
        let format = "{{range .IPAM.Config}}{{.Gateway}} {{end}}";
        let gateways = docker(&["network", "inspect", "kind", "--format", format]);
        let addresses = gateways.split_whitespace().filter_map(|address| address.parse::<IpAddr>().ok());
        addresses.into_iter().find(IpAddr::is_ipv4).unwrap()
    }

    fn domain(&self) -> String {
        format!("pm-{NAME}.svc.cluster.local")
    }
}
