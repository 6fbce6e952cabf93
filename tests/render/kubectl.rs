//! What `kubectl` itself makes of the files, without a cluster.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use prodmirror::plan::{ClusterPlan, kubernetes::Body};
use serde_json::Value as Json;

use crate::{cluster, launched::write};

/// As `make setup-kind` puts it, beside the program's release.
fn program() -> PathBuf {
    let release = Path::new(env!("CARGO_BIN_EXE_prodmirror")).ancestors().nth(3).unwrap().join("release");
    let kubectl = release.join("kubectl");
    assert!(kubectl.exists(), "{} is not there: `make setup-kind` makes it", kubectl.display());
    kubectl
}

fn kubectl(folder: &Path, arguments: &[&str]) -> String {
    let output = Command::new(program()).args(arguments).current_dir(folder).output().unwrap();
    assert!(output.status.success(), "kubectl {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn written(plan: &ClusterPlan) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    write(&cluster::bundle(plan), folder.path());
    folder
}

/// `kind name` of every object but the Secrets, sorted.
fn objects(plan: &ClusterPlan) -> Vec<String> {
    let rendered = plan.objects.iter().filter(|object| !matches!(object.body, Body::Secret { .. }));
    let mut all: Vec<String> = rendered.map(|object| object.key().to_string()).collect();
    all.sort();
    all
}

fn keys(list: &[Json]) -> Vec<String> {
    let key = |object: &Json| {
        format!("{} {}", object["kind"].as_str().unwrap(), object["metadata"]["name"].as_str().unwrap())
    };
    let mut all: Vec<String> = list.iter().map(key).collect();
    all.sort();
    all
}

/// What `kubectl` prints of several objects: a list, or one after the other.
fn read(text: &str) -> Vec<Json> {
    use serde::Deserialize as _;
    let documents =
        serde_yaml::Deserializer::from_str(text).map(|document| Json::deserialize(document).unwrap());
    documents.filter(|document| !document.is_null()).collect()
}

#[test]
fn kubectl_reads_the_folder_and_kustomize_takes_it_as_a_base() {
    let plan = cluster::rich();
    let folder = written(&plan);
    let read_by_f = kubectl(folder.path(), &["annotate", "--local", "-f", ".", "a=b", "--output", "yaml"]);
    let list = read(&read_by_f);
    let items = match list.as_slice() {
        [one] if one["kind"] == "List" => one["items"].as_array().unwrap().clone(),
        _ => list,
    };
    assert_eq!(keys(&items), objects(&plan));
    assert_eq!(keys(&read(&kubectl(folder.path(), &["kustomize", "."]))), objects(&plan));
}

/// Runs `secrets.sh` with a `kubectl` that keeps what it is told to apply, and reads the Secrets.
fn made_by_script(
    plan: &ClusterPlan,
    variables: &[(&str, &str)],
) -> Result<BTreeMap<String, BTreeMap<String, Vec<u8>>>, String> {
    let folder = written(plan);
    let tools = tempfile::tempdir().unwrap();
    let script = format!(
        "#!/bin/sh\ncase \" $* \" in\n*' apply '*) printf -- '---\\n' >>'{0}/applied'; cat >>'{0}/applied';;\n*) exec '{1}' \"$@\";;\nesac\n",
        tools.path().display(),
        program().display()
    );
    let fake = tools.path().join("kubectl");
    fs::write(&fake, script).unwrap();
    fs::set_permissions(&fake, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", tools.path().display(), std::env::var("PATH").unwrap());
    let output = Command::new("sh")
        .args(["secrets.sh", "--context", "none"])
        .current_dir(folder.path())
        .env("PATH", path)
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    let applied = fs::read_to_string(tools.path().join("applied")).unwrap();
    let secret = |object: &Json| {
        assert_eq!(object["metadata"]["namespace"], plan.namespace.as_str());
        let data = object["data"].as_object().unwrap().iter();
        let data = data.map(|(key, value)| (key.clone(), STANDARD.decode(value.as_str().unwrap()).unwrap()));
        (object["metadata"]["name"].as_str().unwrap().to_owned(), data.collect())
    };
    Ok(read(&applied).iter().map(secret).collect())
}

#[test]
fn the_script_makes_every_secret_of_the_plan_byte_for_byte() {
    let plan = cluster::rich();
    let values = [
        ("DB_PASSWORD", "p$a ${x} `y` 'q' \"r\" \\ #s\u{2028}\n"),
        ("DB_PASSWORD_URL", "p%24a"),
        ("SESSION_KEY", "a\\b\"c"),
    ];
    let found = made_by_script(&plan, &values).unwrap();
    let mut wanted = BTreeMap::new();
    for object in &plan.objects {
        let Body::Secret { data } = &object.body else { continue };
        let value_of = |name: &str| {
            values.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        };
        let filled = data.iter().map(|(key, text)| (key.clone(), text.fill(value_of).unwrap().into_bytes()));
        wanted.insert(object.name.clone(), filled.collect());
    }
    assert!(wanted.len() >= 4, "{:?}", wanted.keys());
    assert_eq!(found, wanted);
}

#[test]
fn the_script_misses_a_variable_that_is_not_set() {
    let said = made_by_script(&cluster::rich(), &[("DB_PASSWORD", "x")]).unwrap_err();
    assert!(said.contains("prodmirror up"), "{said}");
}
