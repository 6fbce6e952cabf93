//! `capture files`, as it is typed.

use std::{path::Path, process::Command};

use serde_json::Value as Json;

struct Done {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

fn run(folder: &Path, arguments: &[&str]) -> Done {
    let output = Command::new(env!("CARGO_BIN_EXE_prodmirror"))
        .args(arguments)
        .current_dir(folder)
        .env_clear()
        .env("HOME", folder)
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Done { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

const WEB: &str = "\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec: {template: {metadata: {labels: {app: web}}, spec: {containers: [{name: a, image: \"a:1\", envFrom: [{secretRef: {name: keys}}]}]}}}
";
const KEYS: &str = r#"{"apiVersion": "v1", "kind": "List", "items": [{"apiVersion": "v1", "kind": "Secret",
  "metadata": {"name": "keys", "namespace": "shop"}, "data": {"TOKEN": "aHVudGVyMi1odW50ZXIy"}}]}"#;

fn manifests() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("manifests")).unwrap();
    std::fs::write(folder.path().join("manifests/web.yaml"), WEB).unwrap();
    std::fs::write(folder.path().join("manifests/keys.json"), KEYS).unwrap();
    std::fs::write(folder.path().join("manifests/notes.txt"), "not: [yaml").unwrap();
    folder
}

#[test]
fn a_folder_of_manifests_becomes_a_profile_that_check_takes() {
    let folder = manifests();
    let written = run(folder.path(), &["capture", "files", "manifests", "-o", "prodmirror.yaml"]);
    assert_eq!(written.code, Some(0), "{}", written.stderr);
    assert!(written.stderr.contains("values read"), "{}", written.stderr);
    let text = std::fs::read_to_string(folder.path().join("prodmirror.yaml")).unwrap();
    assert!(text.contains("name: shop") && text.contains("TOKEN: \"${secret:keys-token}\""), "{text}");
    assert!(!text.contains("aHVudGVy"), "{text}");
    let checked = run(folder.path(), &["check", "prodmirror.yaml", "--allow-unpinned"]);
    assert_eq!(checked.code, Some(0), "{}", checked.stderr);
    let again = run(folder.path(), &["capture", "files", "manifests", "-o", "prodmirror.yaml"]);
    assert_eq!(again.code, Some(0), "its own output is replaced: {}", again.stderr);
}

#[test]
fn the_document_has_an_account_of_every_leaf() {
    let folder = manifests();
    let done = run(
        folder.path(),
        &["capture", "files", "manifests/web.yaml", "manifests/keys.json", "--format", "json"],
    );
    let document: Json = serde_json::from_str(&done.stdout).unwrap();
    assert_eq!(document["kind"], "Capture");
    let count = |key: &str| document["account"][key].as_u64().unwrap();
    assert_eq!(count("leaves"), count("used") + count("noted") + count("holes"));
    assert!(!done.stdout.contains("aHVudGVy"));
}

#[test]
fn what_cannot_be_read_is_said_with_the_file_and_code_3() {
    let folder = manifests();
    for (file, content, word) in [
        ("broken.yaml", &b"a: [1\n"[..], "line"),
        ("binary.yaml", b"\xff\xfe", "UTF-8"),
        ("compose.yaml", b"services: {web: {image: a}}\n", "no Kubernetes object"),
        ("empty.yaml", b"", "no Kubernetes object"),
    ] {
        std::fs::write(folder.path().join(file), content).unwrap();
        let done = run(folder.path(), &["capture", "files", file]);
        assert_eq!(done.code, Some(3), "{}", done.stderr);
        assert!(done.stderr.contains(file) && done.stderr.contains(word), "{word}: {}", done.stderr);
    }
    let done = run(folder.path(), &["capture", "files", "no/such.yaml"]);
    assert_eq!(done.code, Some(3));
}
