//! A mirror that is launched part by part, looked at and judged.

use std::{io::Cursor, path::Path, sync::Arc};

use prodmirror::{
    backend::{
        SecretValues, Unheard,
        kubernetes::{Cluster, Launch, Run},
    },
    engine::{self, InStore, InStoreError, Later, Login, Output, Reader},
    formats::journal::SeedStatus,
    ledger::{self, Entry, Ledger},
    name::Name,
    observed::{ClusterObserved, StoreFacts},
    plan::{
        self, BackendKind, Capabilities, ClusterPlan, Template,
        kubernetes::{ClusterDoes, ClusterStore},
    },
    profile::{self, Layers, Source, load},
    render::{self, Templates},
};
use serde_json::Value;
use tokio::io::AsyncReadExt as _;

use super::super::stage::{self, LONG, Stage, stage};

const PROFILES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/profiles");
/// Every secret's value begins so.
pub const KEPT: &str = "kept";

/// A mirror that was launched, and what it was launched from.
pub struct Mirror {
    pub cluster: Cluster,
    pub plan: ClusterPlan,
    tree: Value,
    pub secrets: SecretValues,
    seeds: Vec<SeedStatus>,
}

impl Mirror {
    /// Launches a profile; `set` are options `PATH=VALUE`, and its seeds lie beside the examples'.
    pub async fn up(name: &str, text: &str, set: &[&str]) -> Self {
        let Stage { kind, name: cluster, .. } = stage().await;
        let images = ["prodmirror-built/python:3.11", "prodmirror-built/postgres:15", "shop-app:1.0"];
        kind.bring(cluster, &images, &Unheard).await.unwrap();
        let read_file = |_: &str, path: &str| {
            std::fs::read(Path::new(PROFILES).join(path)).map_err(|error| error.to_string())
        };
        let documents = [Source::new("prodmirror.yaml", text.to_owned())];
        let set: Vec<String> = set.iter().map(|option| (*option).to_owned()).collect();
        let layers = Layers {
            documents: &documents,
            set: &set,
            unset: &[],
            allow_unpinned: true,
            read_file: &read_file,
        };
        let loaded = load(&layers).unwrap_or_else(|problems| panic!("{problems}"));
        let cluster = stage::cluster().await;
        let mut capabilities =
            Capabilities::unknown(BackendKind::Kind, Name::new(name).unwrap(), stage::owner());
        cluster.host().await.unwrap().tell(&mut capabilities);
        for role in ["postgres:15", "redis:7"] {
            let public = format!("docker.io/library/{}", role.split(':').next().unwrap());
            capabilities.roles.insert(public, format!("prodmirror-built/{role}"));
        }
        let plan = plan::cluster(&loaded.profile, &capabilities, &loaded.origins);
        assert_eq!(plan.refusals, []);
        let secrets = plan.secrets.iter().flat_map(|secret| {
            let value = format!("{KEPT}-{}", secret.secret);
            let of_url = secret.url_variable.clone().map(|variable| (variable, value.clone()));
            of_url.into_iter().chain([(secret.variable.clone(), value)])
        });
        let secrets = SecretValues(secrets.collect());
        let tree = profile::tree(&loaded.profile);
        let mut mirror = Self { cluster, plan, tree, secrets, seeds: Vec::new() };
        mirror.seeds = mirror.launch().await;
        mirror
    }

    /// Takes the steps of the plan, and answers what was loaded into stores. A store that has data keeps them.
    pub async fn launch(&self) -> Vec<SeedStatus> {
        let manifests = render::manifests(&self.plan, &Templates::embedded()).unwrap();
        let launch = Launch { plan: &self.plan, manifests: &manifests, secrets: &self.secrets };
        let mut seeds = Vec::new();
        for step in &self.plan.steps {
            match &step.does {
                ClusterDoes::Apply { objects } => self.cluster.place(&launch, objects).await.unwrap(),
                ClusterDoes::Secrets { objects } => self.cluster.fill(&launch, objects).await.unwrap(),
                ClusterDoes::Ready { services } => {
                    self.cluster.ready(&launch, services, LONG, &step.id, &Unheard).await.unwrap();
                }
                ClusterDoes::Seed { store } => {
                    let plan = self.plan.stores.iter().find(|plan| plan.store == *store).unwrap();
                    seeds.push(self.seed(&launch, plan).await);
                }
                ClusterDoes::Verify => {}
            }
        }
        seeds
    }

    async fn seed(&self, launch: &Launch<'_>, store: &ClusterStore) -> SeedStatus {
        let own = [store.store.clone()];
        self.cluster.ready(launch, &own, LONG, "seed", &Unheard).await.unwrap();
        let (engine, inside, login) = (engine::of(store.engine), self.inside(store), self.login(store));
        let mut loaded = (None, None);
        if let (Some(seed), true) = (&store.seed, self.seeds.is_empty()) {
            let opened = engine::seed::open(Path::new(PROFILES), seed, store.engine).unwrap();
            let (found, hash) = opened.load(engine, &inside, &login, Arc::default()).await.unwrap();
            loaded = (Some(hash), found.expired);
        }
        let count = engine.ask(&inside, &login, &[]).await.count;
        let (hash, expired) = loaded;
        SeedStatus {
            store: store.store.to_string(),
            seed: store.seed.clone(),
            hash,
            fingerprint: None,
            bytes: 0,
            count,
            expired,
            millis: 0,
            at: String::new(),
        }
    }

    pub async fn look(&self) -> ClusterObserved {
        let mut observed = self.cluster.look(&self.plan, &self.secrets, true).await.unwrap();
        for store in &self.plan.stores {
            observed.stores.insert(store.store.to_string(), self.ask(store).await);
        }
        observed.seeds = Some(self.seeds.clone());
        observed
    }

    fn inside(&self, store: &ClusterStore) -> InPod<'_> {
        let pod = store.pod.clone();
        InPod { cluster: &self.cluster, namespace: &self.plan.namespace, pod }
    }

    fn login(&self, store: &ClusterStore) -> Login {
        let fill = |text: &Option<Template>| {
            text.as_ref().and_then(|text| text.fill(|name| self.secrets.0.get(name).cloned()))
        };
        Login {
            port: store.port,
            user: fill(&store.user),
            password: fill(&store.password),
            database: fill(&store.database),
        }
    }

    async fn ask(&self, store: &ClusterStore) -> StoreFacts {
        let settings: Vec<String> = store.settings.keys().cloned().collect();
        engine::of(store.engine).ask(&self.inside(store), &self.login(store), &settings).await
    }

    pub fn broken_of(&self, observed: &ClusterObserved) -> Vec<Entry> {
        let entries = self.judge(observed).entries;
        entries.into_iter().filter(|entry| entry.holds == Some(false)).collect()
    }

    pub fn judge(&self, observed: &ClusterObserved) -> Ledger {
        let live = ledger::live::live_on_cluster(&self.plan, &self.tree, observed.clone(), &self.secrets.0);
        ledger::judge(&self.plan.mirror, self.plan.backend, &self.plan.ledger, &live)
    }
}

/// A store's server, whose tools are beside it.
struct InPod<'a> {
    cluster: &'a Cluster,
    namespace: &'a str,
    pod: String,
}

/// Takes its variables from the first lines of its input: what is in the arguments is seen by everyone.
const WITH_VARIABLES: &str =
    r#"while IFS= read -r line && [ -n "$line" ]; do export "$line"; done; exec "$@""#;

impl InStore for InPod<'_> {
    fn run<'a>(
        &'a self,
        argv: &'a [String],
        env: &'a [(String, String)],
        stdin: Option<Reader>,
    ) -> Later<'a, Result<Output, InStoreError>> {
        Box::pin(async move {
            let words = ["sh", "-c", WITH_VARIABLES, "sh"].map(str::to_owned);
            let argv: Vec<String> = words.into_iter().chain(argv.iter().cloned()).collect();
            let head: String = env.iter().map(|(name, value)| format!("{name}={value}\n")).collect();
            let head = Cursor::new(format!("{head}\n").into_bytes());
            let rest = stdin.unwrap_or_else(|| Box::pin(Cursor::new(Vec::new())));
            let ((stdout, printed), (stderr, said)) =
                (super::super::inside::sink(), super::super::inside::sink());
            let run = Run {
                pod: &self.pod,
                container: "main",
                argv: &argv,
                tty: false,
                size: None,
                resized: None,
                stdin: Some(Box::pin(head.chain(rest))),
                stdout,
                stderr,
            };
            let failed = |error: &dyn std::fmt::Display| InStoreError {
                what: "a command".to_owned(),
                why: error.to_string(),
            };
            let code = self.cluster.run(self.namespace, run).await.map_err(|error| failed(&error))?;
            Ok(Output { code, stdout: printed.await.unwrap(), stderr: said.await.unwrap() })
        })
    }

    fn restart(&self) -> Later<'_, Result<(), InStoreError>> {
        Box::pin(async {
            let why = "no seed here asks for it".to_owned();
            Err(InStoreError { what: "a restart".to_owned(), why })
        })
    }
}
