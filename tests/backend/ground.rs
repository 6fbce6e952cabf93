//! Mirrors for tests: made on the engine of this machine, gone when they go out of scope.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use prodmirror::{
    backend::{
        Ask, Backend, Containers as _, Exec, HelperSource, Planned, Result, RunState, SecretValues, Target,
        What,
        compose::{Compose, Connection, Settings},
    },
    labels::Kind,
    name::Name,
    plan::{Capabilities, Plan, capabilities::Options, plan},
    profile::{Layers, Loaded, Source, load},
    render::Templates,
};

pub use prodmirror::backend::Unheard as Quiet;

/// The program itself: static, so it is the helper as well.
pub fn program() -> PathBuf {
    env!("CARGO_BIN_EXE_prodmirror").into()
}

pub async fn compose(state: &Path) -> Compose {
    compose_with(state, Path::new("docker")).await
}

async fn compose_with(state: &Path, docker: &Path) -> Compose {
    let variable = |name: &str| std::env::var(name).ok();
    let connection = Connection {
        host: variable("DOCKER_HOST"),
        config_dir: variable("HOME").map(|home| PathBuf::from(home).join(".docker")),
        context: variable("DOCKER_CONTEXT"),
    };
    let kept = ["PATH", "HOME", "DOCKER_CONFIG"];
    let settings = Settings {
        state_dir: state.to_owned(),
        self_exe: Some(program()),
        docker: docker.to_owned(),
        environment: kept.iter().filter_map(|name| Some(((*name).to_owned(), variable(name)?))).collect(),
        templates: Arc::new(Templates::embedded()),
    };
    Compose::connect(&connection, settings).await.expect("an engine runs: `make setup` starts one")
}

pub fn loaded(text: &str) -> Loaded {
    let documents =
        [Source::new("prodmirror.yaml", format!("apiVersion: prodmirror/v1\nname: ground\n{text}"))];
    let read_file = |_: &str, path: &str| Err(format!("there is no file {path}"));
    let layers =
        Layers { documents: &documents, set: &[], unset: &[], allow_unpinned: true, read_file: &read_file };
    load(&layers).unwrap_or_else(|problems| panic!("{problems}"))
}

/// One mirror of its own, under a name that no other test has.
pub struct Ground {
    pub compose: Compose,
    pub name: Name,
    pub secrets: SecretValues,
    pub state: tempfile::TempDir,
}

/// Subnets are chosen from those in use: two mirrors of this program must not choose at the same moment.
static CHOICE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

impl Ground {
    pub async fn new() -> Self {
        Self::with_docker(Path::new("docker")).await
    }

    /// With another program in place of the `docker` command.
    pub async fn with_docker(docker: &Path) -> Self {
        let state = tempfile::tempdir().unwrap();
        let mut bytes = [0_u8; 4];
        getrandom::fill(&mut bytes).unwrap();
        let name = Name::new(format!("bt-{:08x}", u32::from_le_bytes(bytes))).unwrap();
        Self {
            compose: compose_with(state.path(), docker).await,
            name,
            secrets: SecretValues::default(),
            state,
        }
    }

    pub fn secret(mut self, variable: &str, value: &str) -> Self {
        self.secrets.0.insert(variable.to_owned(), value.to_owned());
        self
    }

    pub async fn capabilities(&self, loaded: &Loaded) -> Capabilities {
        let services = loaded.profile.services.values().map(|service| service.run.image.clone());
        let ask = Ask {
            mirror: self.name.clone(),
            owner: "tester@ground".to_owned(),
            options: Options { allow_unpinned: true, ..Options::default() },
            images: services.collect(),
            helper: HelperSource::Files(vec![program()]),
            socket: true,
            timezone: false,
            not_on: None,
            build_tools: false,
        };
        let (capabilities, lacks) = self.compose.capabilities(&ask).await.unwrap();
        assert!(lacks.iter().all(|lack| !lack.fatal), "{lacks:?}");
        capabilities
    }

    /// Plans the profile and makes the networks, so that the choice of subnets holds. The keeper stays what a pause
    /// is: these tests look at the back end alone.
    pub async fn plan(&self, text: &str) -> Plan {
        self.plan_with(text, |plan| plan.keeper.command = Some(vec!["pause".to_owned()])).await
    }

    /// With whoever keeps a mirror of this back end.
    pub async fn kept(&self, text: &str) -> Plan {
        self.plan_with(text, |_| {}).await
    }

    pub async fn plan_with(&self, text: &str, change: impl FnOnce(&mut Plan)) -> Plan {
        let _choice = CHOICE.lock().await;
        let loaded = loaded(text);
        let mut plan = plan(&loaded.profile, &self.capabilities(&loaded).await, &loaded.origins);
        change(&mut plan);
        assert!(plan.refusals.is_empty(), "{:?}", plan.refusals);
        self.start(&plan, What::Networks, RunState::Running).await.unwrap();
        plan
    }

    pub async fn start(&self, plan: &Plan, what: What<'_>, state: RunState) -> Result<()> {
        let labels = BTreeMap::from([("prodmirror.run".to_owned(), "run-1".to_owned())]);
        let planned = Planned { plan, secrets: &self.secrets, launch_labels: &labels, what, state };
        self.compose.start(planned, &Quiet).await
    }

    /// Everything of the plan, in the order of its steps.
    pub async fn up(&self, plan: &Plan) -> Result<()> {
        let volumes: Vec<_> = plan.volumes.iter().map(|volume| volume.name.clone()).collect();
        let running = RunState::Running;
        self.start(plan, What::Networks, running).await?;
        self.start(plan, What::Volumes, running).await?;
        self.start(plan, What::Keeper, running).await?;
        self.start(plan, What::Containers(&helpers(plan)), running).await?;
        self.start(plan, What::Files(&volumes), running).await?;
        self.start(plan, What::Containers(&members(plan)), running).await
    }

    /// What the suites ask: the contracts and nothing else.
    pub fn backend(&self) -> &dyn Backend {
        &self.compose
    }

    pub fn target(&self, service: &str) -> Target {
        let service = Name::new(service).unwrap();
        Target { mirror: self.name.clone(), service, ordinal: None, container: None }
    }

    /// What a command in a service's first replica prints, with its exit code.
    pub async fn sh(&self, service: &str, script: &str) -> (i64, String) {
        let out = Sink::default();
        let target = self.target(service);
        let argv = ["sh", "-c", script].map(str::to_owned);
        let exec = Exec {
            target: &target,
            argv: &argv,
            env: &[],
            user: None,
            tty: false,
            size: None,
            resized: None,
            stdin: None,
            stdout: Box::pin(out.clone()),
            stderr: Box::pin(out.clone()),
            fresh: false,
        };
        let code = self.compose.exec(exec).await.unwrap();
        (code, out.text())
    }
}

/// Asks again and again until the answer is yes; a mechanism that does not work is an end as well.
pub async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    for _ in 0..400 {
        if holds().await {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("never: {what}");
}

impl Drop for Ground {
    fn drop(&mut self) {
        let (compose, name) = (self.compose.clone(), self.name.clone());
        let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let removed = std::thread::spawn(move || runtime().block_on(compose.destroy(&name, &Quiet)));
        removed.join().unwrap().unwrap();
    }
}

/// The gateway and every pause, by key.
pub fn helpers(plan: &Plan) -> Vec<String> {
    let pauses = plan.pods.iter().map(|pod| pod.pause.key.clone());
    pauses.chain([plan.gateway.container.key.clone()]).collect()
}

/// Everything in the pods but their pauses.
pub fn members(plan: &Plan) -> Vec<String> {
    let all = plan.pods.iter().flat_map(|pod| pod.containers());
    all.filter(|container| container.kind != Kind::Pause).map(|container| container.key.clone()).collect()
}

/// A writer that keeps what it is given.
#[derive(Clone, Default)]
pub struct Sink(Arc<std::sync::Mutex<Vec<u8>>>);

impl Sink {
    pub fn bytes(&self) -> Vec<u8> {
        self.0.lock().unwrap().clone()
    }

    pub fn text(&self) -> String {
        String::from_utf8(self.bytes()).unwrap()
    }
}

impl tokio::io::AsyncWrite for Sink {
    fn poll_write(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
        bytes: &[u8],
    ) -> std::task::Poll<std::io::Result<usize>> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        std::task::Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        std::task::Poll::Ready(Ok(()))
    }

    fn poll_shutdown(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        std::task::Poll::Ready(Ok(()))
    }
}

/// `docker ARGS…`, for a look from the outside.
pub fn docker(args: &[&str]) -> String {
    let output = std::process::Command::new("docker").args(args).output().expect("docker is installed");
    assert!(output.status.success(), "docker {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// Ids of all containers of a mirror, in order.
pub fn ids(mirror: &Name) -> Vec<String> {
    let filter = format!("label=prodmirror.mirror={mirror}");
    let listed = docker(&["ps", "-aq", "--no-trunc", "--filter", &filter]);
    let mut ids: Vec<_> = listed.lines().map(str::to_owned).collect();
    ids.sort();
    ids
}

/// The id of the container with this Compose key, empty where there is none.
pub fn id(mirror: &Name, key: &str) -> String {
    let mirror = format!("label=prodmirror.mirror={mirror}");
    let key = format!("label=com.docker.compose.service={key}");
    docker(&["ps", "-aq", "--no-trunc", "--filter", &mirror, "--filter", &key])
}
