//! A mirror that is launched part by part, looked at and judged.

use std::io::Cursor;

use prodmirror::{
    backend::{
        SecretValues, Unheard,
        kubernetes::{Cluster, Launch, Run},
    },
    engine::{self, InStore, InStoreError, Later, Login, Output, Reader},
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

/// Every secret's value begins so.
pub const KEPT: &str = "kept";

/// A mirror that was launched, and what it was launched from.
pub struct Mirror {
    pub cluster: Cluster,
    pub plan: ClusterPlan,
    tree: Value,
    secrets: SecretValues,
}

impl Mirror {
    pub async fn up(name: &str, text: &str) -> Self {
        let Stage { kind, name: cluster, .. } = stage().await;
        kind.load(cluster, &["prodmirror-built/python:3.11", "prodmirror-built/postgres:15"]).await.unwrap();
        let read_file = |_: &str, path: &str| Err(format!("there is no file {path}"));
        let documents = [Source::new("prodmirror.yaml", text.to_owned())];
        let layers = Layers {
            documents: &documents,
            set: &[],
            unset: &[],
            allow_unpinned: true,
            read_file: &read_file,
        };
        let loaded = load(&layers).unwrap_or_else(|problems| panic!("{problems}"));
        let cluster = stage::cluster().await;
        let mut capabilities =
            Capabilities::unknown(BackendKind::Kind, Name::new(name).unwrap(), stage::owner());
        cluster.host().await.unwrap().tell(&mut capabilities);
        let plan = plan::cluster(&loaded.profile, &capabilities, &loaded.origins);
        assert_eq!(plan.refusals, []);
        let secrets = plan.secrets.iter().flat_map(|secret| {
            let value = format!("{KEPT}-{}", secret.secret);
            let of_url = secret.url_variable.clone().map(|variable| (variable, value.clone()));
            of_url.into_iter().chain([(secret.variable.clone(), value)])
        });
        let secrets = SecretValues(secrets.collect());
        let mirror = Self { cluster, plan, tree: profile::tree(&loaded.profile), secrets };
        mirror.launch().await;
        mirror
    }

    pub async fn launch(&self) {
        let manifests = render::manifests(&self.plan, &Templates::embedded()).unwrap();
        let launch = Launch { plan: &self.plan, manifests: &manifests, secrets: &self.secrets };
        for step in &self.plan.steps {
            match &step.does {
                ClusterDoes::Apply { objects } => self.cluster.place(&launch, objects).await.unwrap(),
                ClusterDoes::Secrets { objects } => self.cluster.fill(&launch, objects).await.unwrap(),
                ClusterDoes::Ready { services } => {
                    self.cluster.ready(&launch, services, LONG, &step.id, &Unheard).await.unwrap();
                }
                ClusterDoes::Seed { .. } | ClusterDoes::Verify => {}
            }
        }
    }

    pub async fn look(&self) -> ClusterObserved {
        let mut observed = self.cluster.look(&self.plan, &self.secrets, true).await.unwrap();
        for store in &self.plan.stores {
            observed.stores.insert(store.store.to_string(), self.ask(store).await);
        }
        observed
    }

    async fn ask(&self, store: &ClusterStore) -> StoreFacts {
        let fill = |text: &Option<Template>| {
            text.as_ref().and_then(|text| text.fill(|name| self.secrets.0.get(name).cloned()))
        };
        let login = Login {
            port: store.port,
            user: fill(&store.user),
            password: fill(&store.password),
            database: fill(&store.database),
        };
        let inside = InPod { cluster: &self.cluster, namespace: &self.plan.namespace, pod: &store.pod };
        let settings: Vec<String> = store.settings.keys().cloned().collect();
        engine::of(store.engine).ask(&inside, &login, &settings).await
    }

    pub fn broken_of(&self, observed: &ClusterObserved) -> Vec<Entry> {
        let entries = self.judge(observed).entries;
        entries.into_iter().filter(|entry| entry.holds == Some(false)).collect()
    }

    pub fn judge(&self, observed: &ClusterObserved) -> Ledger {
        let live = ledger::live::live_on_cluster(&self.plan, &self.tree, observed, &self.secrets.0);
        ledger::judge(&self.plan.mirror, self.plan.backend, &self.plan.ledger, &live)
    }
}

/// A store's server, whose tools are beside it.
struct InPod<'a> {
    cluster: &'a Cluster,
    namespace: &'a str,
    pod: &'a str,
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
                pod: self.pod,
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
            let why = "nothing is seeded here".to_owned();
            Err(InStoreError { what: "a restart".to_owned(), why })
        })
    }
}
