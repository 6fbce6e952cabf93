//! A cluster's plan as manifests: files that `kubectl apply -f` takes in the order of their names, and a base for
//! kustomize.

mod check;
mod container;
pub(crate) mod expansion;
mod pod;
mod shell;
mod view;
pub(crate) mod words;

use indexmap::IndexMap;
use serde::Deserialize as _;
use serde_json::Value as Json;

use super::{Bundle, RenderError, Templates};
use crate::plan::kubernetes::{Body, ClusterPlan, Object, ObjectKey};

/// Kustomize takes a folder by it; without an ending, `kubectl apply -f FOLDER` does not read it.
pub const KUSTOMIZATION: &str = "Kustomization";
/// Makes the Secrets: their values are in no file.
pub const SECRETS_FILE: &str = "secrets.sh";

const FILE: &str = "kubernetes/file.yaml.tera";
const POD: &str = "kubernetes/pod.yaml.tera";
const KUSTOMIZE: &str = "kubernetes/kustomization.yaml.tera";
const SECRETS: &str = "kubernetes/secrets.sh.tera";

/// Renders a cluster's plan; the same plan and templates give the same bytes.
pub fn cluster(plan: &ClusterPlan, templates: &Templates) -> Result<Bundle, RenderError> {
    let mut bundle = Bundle::default();
    for (name, objects) in files(plan) {
        let text = file(plan, templates, &name, &objects)?;
        bundle.files.insert(name, text.into_bytes());
    }
    let names: Vec<&String> = bundle.files.keys().collect();
    let kustomization = templates.fill(KUSTOMIZE, &view::Files { files: names })?;
    bundle.files.insert(KUSTOMIZATION.to_owned(), kustomization.into_bytes());
    if plan.objects.iter().any(is_secret) {
        let first = bundle.files.keys().next().cloned().unwrap_or_default();
        let text = templates.fill(SECRETS, &shell::view(plan, first))?;
        bundle.files.insert(SECRETS_FILE.to_owned(), text.into_bytes());
    }
    Ok(bundle)
}

/// The objects of the bundle as what an API server is told, in the plan's order; Secrets are not among them.
pub fn manifests(plan: &ClusterPlan, templates: &Templates) -> Result<Vec<(ObjectKey, Json)>, RenderError> {
    let mut all = Vec::new();
    for (name, objects) in files(plan) {
        let text = file(plan, templates, &name, &objects)?;
        all.extend(objects.iter().map(|object| object.key()).zip(documents(&name, &text)?));
    }
    Ok(all)
}

/// One file's text, read back and held against the plan.
fn file(
    plan: &ClusterPlan,
    templates: &Templates,
    name: &str,
    objects: &[&Object],
) -> Result<String, RenderError> {
    let pod = |object: &&Object| {
        object.pod().map(|pod| templates.fill(POD, &view::Pod { pod: pod::view(pod) })).transpose()
    };
    let pods = objects.iter().map(pod).collect::<Result<Vec<_>, _>>()?;
    let text = templates.fill(FILE, &view::file(plan, name, objects, pods))?;
    let found = documents(name, &text)?;
    check::check(plan, name, objects, &found)?;
    Ok(text)
}

/// The documents of a file; one that is empty is none.
fn documents(name: &str, text: &str) -> Result<Vec<Json>, RenderError> {
    let not_yaml = |why: String| RenderError::NotYaml { file: name.to_owned(), why };
    let read = serde_yaml::Deserializer::from_str(text)
        .map(|document| Json::deserialize(document).map_err(|error| not_yaml(error.to_string())));
    read.filter(|document| !matches!(document, Ok(Json::Null))).collect()
}

fn is_secret(object: &Object) -> bool {
    matches!(object.body, Body::Secret { .. })
}

/// What is in which file: what belongs to the whole mirror, all names, then each service in its wave.
///
/// A name begins with the object's stage, in as many digits as the last one has, so that their order is the plan's.
fn files(plan: &ClusterPlan) -> IndexMap<String, Vec<&Object>> {
    let last = plan.objects.iter().map(|object| object.stage).max().unwrap_or(0);
    let width = last.to_string().len().max(2);
    let mut files: IndexMap<String, Vec<&Object>> = IndexMap::new();
    for object in plan.objects.iter().filter(|object| !is_secret(object)) {
        let what = match (object.stage, &object.service) {
            (0, _) | (_, None) => "mirror",
            (1, _) => "services",
            (_, Some(service)) => service.as_str(),
        };
        files.entry(format!("{:0width$}-{what}.yaml", object.stage)).or_default().push(object);
    }
    files.sort_keys();
    files
}
