//! A profile, planned, rendered and launched on the cluster.

use std::collections::BTreeMap;

use k8s_openapi::api::{apps::v1::Deployment, batch::v1::Job, core::v1::Pod};
use kube::{Api, ResourceExt as _, api::ListParams};
use prodmirror::{
    backend::{
        LogQuery, SecretValues, Unheard,
        kubernetes::{Cluster, ClusterError, Launch, ObjectName, Run},
    },
    name::Name,
    plan::{self, BackendKind, Capabilities, ClusterPlan, kubernetes::ClusterDoes},
    profile::{Layers, Source, load},
    render::{self, Templates},
};

use super::stage::{self, LONG, client, cluster};

const PROFILE: &str = r#"
apiVersion: prodmirror/v1
name: NAME
secrets:
  token: {generate: "hex:16"}
services:
  api:
    image: local:prodmirror-built/redis:7
    entrypoint: [sh, -c, "echo serving; exec redis-server --port 6379 --protected-mode no"]
    replicas: 2
    env:
      GREETING: "hello $USER $$ $(HOME)"
      TOKEN: ${secret:token}
    files:
      /etc/app/app.ini: "currency = EUR\n"
    ports: [{name: redis, port: 6379}]
    probes: {readiness: {tcp: {port: 6379}, period: 1s}}
    stop_grace_period: 1s
    needs: [migrate]
  EXTRA
jobs:
  migrate:
    image: local:prodmirror-built/redis:7
    entrypoint: [sh, -c, "echo VERSION"]
"#;
const WORKER: &str = "worker: {image: \"local:prodmirror-built/redis:7\", entrypoint: [sleep, \"600\"], stop_grace_period: 1s}";
const TOKEN: &str = "0123456789abcdef";

pub fn planned(name: &str, extra: &str, version: &str) -> ClusterPlan {
    let text = PROFILE.replace("NAME", name).replace("EXTRA", extra).replace("VERSION", version);
    let read_file = |_: &str, path: &str| Err(format!("there is no file {path}"));
    let documents = [Source::new("prodmirror.yaml", text)];
    let layers =
        Layers { documents: &documents, set: &[], unset: &[], allow_unpinned: true, read_file: &read_file };
    let loaded = load(&layers).unwrap_or_else(|problems| panic!("{problems}"));
    let mut capabilities = Capabilities::unknown(BackendKind::Kind, Name::new(name).unwrap(), stage::owner());
    capabilities.host.arch = if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" }.to_owned();
    let plan = plan::cluster(&loaded.profile, &capabilities, &loaded.origins);
    assert_eq!(plan.refusals, []);
    plan
}

/// Takes the steps of a plan in their order; none of these profiles has a store.
pub async fn launch(plan: &ClusterPlan) {
    launch_on(&cluster().await, plan).await;
}

pub async fn launch_on(cluster: &Cluster, plan: &ClusterPlan) {
    let manifests = render::manifests(plan, &Templates::embedded()).unwrap();
    let secrets = SecretValues(BTreeMap::from([("TOKEN".to_owned(), TOKEN.to_owned())]));
    let launch = Launch { plan, manifests: &manifests, secrets: &secrets };
    cluster.admit(plan).await.unwrap();
    for step in &plan.steps {
        match &step.does {
            ClusterDoes::Apply { objects } => cluster.place(&launch, objects).await.unwrap(),
            ClusterDoes::Secrets { objects } => cluster.fill(&launch, objects).await.unwrap(),
            ClusterDoes::Ready { services } => {
                cluster.ready(&launch, services, LONG, &step.id, &Unheard).await.unwrap();
            }
            ClusterDoes::Seed { store } => panic!("{store}"),
            ClusterDoes::Verify => {}
        }
    }
}

pub async fn printed(cluster: &Cluster, namespace: &str, pod: &str, argv: &[&str]) -> String {
    let argv: Vec<String> = argv.iter().map(|word| (*word).to_owned()).collect();
    let (stdout, read) = super::inside::sink();
    let (stderr, _) = super::inside::sink();
    let run = Run {
        pod,
        container: "main",
        argv: &argv,
        tty: false,
        size: None,
        resized: None,
        stdin: None,
        stdout,
        stderr,
    };
    cluster.run(namespace, run).await.unwrap();
    read.await.unwrap()
}

#[tokio::test]
async fn a_plain_profile_runs_with_its_variables_secrets_files_and_names() {
    let plan = planned("kt-plain", "", "one");
    launch(&plan).await;
    let cluster = cluster().await;
    let pods = cluster.pods(&plan.namespace).await.unwrap();
    let api: Vec<_> = pods.iter().filter(|pod| pod.service == "api").collect();
    assert_eq!(api.iter().map(|pod| pod.ordinal).collect::<Vec<_>>(), [0, 1], "{pods:?}");
    let printed = async |argv: &[&str]| printed(&cluster, &plan.namespace, &api[0].pod, argv).await;
    assert_eq!(printed(&["printenv", "GREETING"]).await, "hello $USER $$ $(HOME)\n");
    assert_eq!(printed(&["printenv", "TOKEN"]).await, format!("{TOKEN}\n"));
    assert_eq!(printed(&["cat", "/etc/app/app.ini"]).await, "currency = EUR\n");
    assert_eq!(printed(&["redis-cli", "-h", "api", "ping"]).await, "PONG\n");
    let query = LogQuery { service: Some(Name::new("migrate").unwrap()), ..LogQuery::default() };
    let lines = cluster.logs(&plan.namespace, &query).await.unwrap();
    let lines: Vec<_> = futures_util::TryStreamExt::try_collect(lines).await.unwrap();
    let [prodmirror::backend::LogLine { line, .. }] = &lines[..] else { panic!("{lines:?}") };
    assert_eq!(line.as_ref(), b"one");
    cluster.destroy(&plan.namespace, &plan.mirror, LONG).await.unwrap();
}

#[tokio::test]
async fn a_changed_plan_changes_what_differs_and_takes_away_what_it_no_longer_has() {
    let before = planned("kt-changed", WORKER, "one");
    launch(&before).await;
    let pods: Api<Pod> = Api::namespaced(client().await, &before.namespace);
    let jobs: Api<Job> = Api::namespaced(client().await, &before.namespace);
    let of_api = ListParams::default().labels("prodmirror/service=api");
    let ids = async || -> Vec<String> {
        let mut ids: Vec<_> = pods.list(&of_api).await.unwrap().iter().filter_map(|pod| pod.uid()).collect();
        ids.sort();
        ids
    };
    let (running, job) = (ids().await, jobs.get("migrate").await.unwrap().uid());

    let kept = cluster().await.kept_secrets(&before).await.unwrap();
    assert_eq!(kept.0, BTreeMap::from([("TOKEN".to_owned(), TOKEN.to_owned())]));

    launch(&before).await;
    assert_eq!(jobs.get("migrate").await.unwrap().uid(), job, "an unchanged job ran again");

    let after = planned("kt-changed", "", "two");
    launch(&after).await;
    let gone = cluster().await.sweep(&after).await.unwrap();

    let worker = ObjectName::new("Deployment", "worker", Some(&after.namespace));
    assert!(gone.contains(&worker), "{gone:?}");
    let deployments: Api<Deployment> = Api::namespaced(client().await, &after.namespace);
    assert!(deployments.get_opt("worker").await.unwrap().is_none());
    assert_ne!(jobs.get("migrate").await.unwrap().uid(), job, "a changed job did not run again");
    assert_eq!(ids().await, running, "what had not changed was replaced");
    assert_eq!(cluster().await.sweep(&after).await.unwrap(), []);
}

#[tokio::test]
async fn a_secret_without_a_value_is_named_before_it_is_filled() {
    let plan = planned("kt-novalue", "", "one");
    let launch = Launch { plan: &plan, manifests: &[], secrets: &SecretValues::default() };
    let objects: Vec<_> = plan
        .steps
        .iter()
        .find_map(|step| match &step.does {
            ClusterDoes::Secrets { objects } => Some(objects.clone()),
            _ => None,
        })
        .unwrap();
    let error = cluster().await.fill(&launch, &objects).await.unwrap_err();
    assert_eq!(error.to_string(), "Secret token.secret: there is no value for its key `value`");
}

#[tokio::test]
async fn a_namespace_of_others_is_neither_taken_nor_removed() {
    let (cluster, plan) = (cluster().await, planned("kt-theirs", "", "one"));
    cluster.admit(&plan).await.unwrap();
    assert!(cluster.kept_secrets(&plan).await.unwrap().0.is_empty());
    for (mirror, owner) in [("kt-other", stage::owner()), ("kt-theirs", "somebody@else".to_owned())] {
        let theirs = stage::namespace(&plan.namespace, &Name::new(mirror).unwrap(), &owner);
        cluster.apply([&theirs]).await.unwrap();
        let admitted = cluster.admit(&plan).await;
        assert!(matches!(admitted, Err(ClusterError::NotOurs { .. })), "{admitted:?}");
    }
    let removed = cluster.destroy("default", &plan.mirror, LONG).await;
    assert!(matches!(removed, Err(ClusterError::NotOurs { .. })), "{removed:?}");
}
