//! Images of the engine on the nodes, by the names that a profile has.

use std::process::Command;

use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use prodmirror::backend::{
    Unheard,
    kind::NodeImages,
    kubernetes::{Code, Wanted},
};
use serde_json::json;

use super::stage::{IMAGE, Space, Stage, client, pod, stage};

/// An image of one file that nothing else has, under a name in a registry that is not there; gone when dropped.
struct Built {
    name: String,
    folder: tempfile::TempDir,
}

impl Built {
    fn new(name: &str, text: &str) -> Self {
        let name = format!("registry.example.com/kt-{}/{name}", std::process::id());
        let built = Self { name, folder: tempfile::tempdir().unwrap() };
        built.build(text);
        built
    }

    /// Under the same tag.
    fn build(&self, text: &str) {
        let file = format!("FROM {IMAGE}\nRUN echo {text} > /told\n");
        std::fs::write(self.folder.path().join("Dockerfile"), file).unwrap();
        docker(&["build", "--quiet", "--tag", &self.tag(), self.folder.path().to_str().unwrap()]);
    }

    fn tag(&self) -> String {
        format!("{}:1", self.name)
    }

    /// What a profile is pinned to.
    fn digest(&self) -> String {
        let id = docker(&["image", "inspect", "--format", "{{.Id}}", &self.tag()]);
        format!("{}@{}", self.name, id.trim())
    }
}

impl Drop for Built {
    fn drop(&mut self) {
        let _ = Command::new("docker").args(["image", "rm", "--force", &self.tag()]).output();
    }
}

fn docker(words: &[&str]) -> String {
    let output = Command::new("docker").args(words).output().unwrap();
    assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

async fn brought(references: &[&str]) -> NodeImages {
    let Stage { kind, name, .. } = stage().await;
    kind.bring(name, references, &Unheard).await.unwrap()
}

#[tokio::test]
async fn an_image_by_digest_runs_under_its_own_reference_without_a_registry() {
    let (one, two) = (Built::new("one", "one"), Built::new("two", "two"));
    let (by_one, by_two) = (one.digest(), two.digest());
    let found = brought(&[&by_one, &by_two, IMAGE]).await;
    assert_eq!(found, NodeImages { brought: vec![by_one.clone(), by_two.clone()], left: Vec::new() });
    assert_eq!(brought(&[&by_one, &by_two]).await.brought, Vec::<String>::new(), "it was sent twice");

    let space = Space::new("digest").await;
    let tells = |text: &str| format!("grep -qx {text} /told && sleep 600");
    let pods = [
        pod("one", &by_one, &["sh", "-c", &tells("one")]),
        pod("two", &by_two, &["sh", "-c", &tells("two")]),
    ];
    space.apply(&pods).await;
    space.settle(&[Wanted::Pod("one".to_owned()), Wanted::Pod("two".to_owned())]).await.unwrap();
    let pods: Api<Pod> = Api::namespaced(client().await, space.name());
    let status = pods.get("one").await.unwrap().status.unwrap();
    assert_eq!(status.container_statuses.unwrap()[0].image_id, by_one);
}

#[tokio::test]
async fn a_tag_that_was_built_anew_is_brought_again() {
    let image = Built::new("again", "before");
    assert_eq!(brought(&[&image.tag()]).await.brought, [image.tag()]);
    image.build("after");
    assert_eq!(brought(&[&image.tag()]).await.brought, [image.tag()]);
    let space = Space::new("again").await;
    let mut told = pod("told", &image.tag(), &["sh", "-c", "grep -qx after /told && sleep 600"]);
    told["spec"]["containers"][0]["imagePullPolicy"] = json!("Never");
    space.apply(&[told]).await;
    space.settle(&[Wanted::Pod("told".to_owned())]).await.unwrap();
}

#[tokio::test]
async fn what_this_engine_does_not_have_is_left_to_the_nodes() {
    let absent = format!("registry.example.com/kt/none@sha256:{}", "0".repeat(64));
    assert_eq!(brought(&[&absent]).await, NodeImages { brought: Vec::new(), left: vec![absent.clone()] });
    let space = Space::new("absent").await;
    space.apply(&[pod("app", &absent, &["true"])]).await;
    assert_eq!(space.trouble(Wanted::Pod("app".to_owned())).await.code, Code::Image);
}
