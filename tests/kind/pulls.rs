//! What the user may pull, given to the pods of a mirror.

use k8s_openapi::api::core::v1::{Pod, Secret};
use kube::{Api, api::ListParams};
use prodmirror::{backend::DockerLogins, plan::ImageSource};
use serde_json::Value;

use super::{
    mirror::{launch_on, planned},
    stage::{self, LONG, client, cluster},
};

#[tokio::test]
async fn the_pods_of_a_mirror_may_pull_what_the_user_may_and_only_from_their_own_registries() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config.json");
    let text = r#"{"auths": {"registry.example.com": {"username": "me", "password": "word"},
        "other.example.com": {"username": "them", "password": "hidden"}}}"#;
    std::fs::write(&file, text).unwrap();
    let logins = DockerLogins::new(file, Vec::new(), Some(env!("CARGO_BIN_EXE_prodmirror").into()));
    let (cluster, plan) = (cluster().await, planned("kt-pulls", "", "one"));
    // As it would be named where a registry has it.
    let mut named = plan.clone();
    for object in &mut named.objects {
        if let prodmirror::plan::kubernetes::Body::Deployment { pod, .. } = &mut object.body {
            pod.main.image.source = ImageSource::Tag;
            pod.main.image.reference = "registry.example.com/shop/api:1".to_owned();
        }
    }
    cluster.apply([&stage::namespace(&plan.namespace, &plan.mirror, &plan.owner)]).await.unwrap();

    assert_eq!(cluster.allow_pulls(&named, &logins).await.unwrap(), Vec::<String>::new());
    launch_on(&cluster, &plan).await;
    cluster.sweep(&plan).await.unwrap();

    let secrets: Api<Secret> = Api::namespaced(client().await, &plan.namespace);
    let secret = secrets.get("registries.pull").await.unwrap();
    assert_eq!(secret.type_.as_deref(), Some("kubernetes.io/dockerconfigjson"));
    let document: Value = serde_json::from_slice(&secret.data.unwrap()[".dockerconfigjson"].0).unwrap();
    let auths = document["auths"].as_object().unwrap();
    assert_eq!(auths.keys().collect::<Vec<_>>(), ["registry.example.com"]);
    assert_eq!(auths["registry.example.com"]["password"], "word");
    let pods: Api<Pod> = Api::namespaced(client().await, &plan.namespace);
    for pod in pods.list(&ListParams::default()).await.unwrap() {
        let uses = pod.spec.unwrap().image_pull_secrets.unwrap_or_default();
        assert_eq!(uses.iter().map(|one| one.name.as_str()).collect::<Vec<_>>(), ["registries.pull"]);
    }
    cluster.destroy(&plan.namespace, &plan.mirror, LONG).await.unwrap();
}
