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
    let checked = run(folder.path(), &["check", "prodmirror.yaml"]);
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

const API: &str = "\
apiVersion: apps/v1
kind: Deployment
metadata: {name: api, namespace: shop}
spec: {template: {metadata: {labels: {app: api}}, spec: {containers: [{name: a, image: \"api:1\", env: [{name: LEVEL, value: info}]}]}}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: worker, namespace: shop}
spec: {template: {metadata: {labels: {app: w}}, spec: {containers: [{name: a, image: \"w:1\", env: [{name: MODE, valueFrom: {configMapKeyRef: {name: c, key: m}}}]}]}}}
";

fn capture(folder: &Path, arguments: &[&str]) -> Json {
    let done = run(folder, &[&["capture", "files"], arguments, &["--format", "json"]].concat());
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    assert!(
        !done.stdout.contains("letmein") && !done.stderr.contains("letmein"),
        "{}{}",
        done.stdout,
        done.stderr
    );
    let document: Json = serde_json::from_str(&done.stdout).unwrap();
    let count = |key: &str| document["account"][key].as_u64().unwrap();
    assert_eq!(count("leaves"), count("used") + count("noted") + count("holes"));
    document
}

#[test]
fn files_of_variables_are_their_service_s_and_what_the_stack_says_wins() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    for (name, text) in [
        ("shop.yaml", API),
        ("api.env", "LEVEL=debug\nPRICE=$5 ${X:-y}\nAPI_TOKEN=letmein-77\n"),
        ("prod.txt", "MODE='it''s'\nB=\"a\\nb\"\n"),
        (".env", "A=1\n"),
    ] {
        std::fs::write(at.join(name), text).unwrap();
    }
    let document = capture(
        at,
        &["shop.yaml", "api.env", ".env", "--env-file", "worker=prod.txt", "--dialect", "docker"],
    );
    let env = |service: &str| document["profile"]["services"][service]["env"].clone();
    // Letters stay letters in a profile.
    assert_eq!(
        env("api"),
        serde_json::json!({"LEVEL": "info", "PRICE": "$5 $${X:-y}", "API_TOKEN": "${secret:api-token}"})
    );
    assert_eq!(
        env("worker"),
        serde_json::json!({"MODE": "'it''s'", "B": "\"a\\nb\""}),
        "no quotes in this dialect"
    );
    assert_eq!(document["holes"], serde_json::json!([]), "the file fills what the ConfigMap has");
    let notes = document["notes"].to_string();
    assert!(notes.contains("wins as it does in Compose") && notes.contains("several services"), "{notes}");

    let compose = capture(at, &["shop.yaml", "--env-file", "worker=api.env", "--dialect", "compose"]);
    assert_eq!(compose["profile"]["services"]["worker"]["env"]["PRICE"], "$5 y");
    let wrong = run(at, &["capture", "files", "shop.yaml", "--env-file", "web=api.env"]);
    assert_eq!(wrong.code, Some(2), "{}", wrong.stderr);
    assert!(wrong.stderr.contains("no service is called `web`"), "{}", wrong.stderr);
    assert_eq!(run(at, &["capture", "files", "shop.yaml", "--env-file", "api.env"]).code, Some(2));
    std::fs::write(at.join("bad.env"), "A=1\nB=\"letmein\n").unwrap();
    let bad = run(at, &["capture", "files", "shop.yaml", "--env-file", "api=bad.env"]);
    assert_eq!(bad.code, Some(3));
    assert!(bad.stderr.contains("bad.env:2:") && !bad.stderr.contains("letmein"), "{}", bad.stderr);
}

#[test]
fn files_of_variables_alone_make_services_whose_image_is_a_hole() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("api.env"), "LEVEL=info\n").unwrap();
    std::fs::write(folder.path().join(".env.production"), "MODE=live\n").unwrap();
    let document = capture(folder.path(), &["."]);
    let services = &document["profile"]["services"];
    assert_eq!(
        (&services["api"]["env"]["LEVEL"], &services["app"]["env"]["MODE"]),
        (&"info".into(), &"live".into())
    );
    let holes: Vec<&str> =
        document["holes"].as_array().unwrap().iter().map(|hole| hole["path"].as_str().unwrap()).collect();
    assert_eq!(holes, ["services.app.image", "services.api.image"]);
}

#[test]
fn a_bundle_is_what_its_folder_is_and_nothing_is_written() {
    let folder = manifests();
    std::fs::write(folder.path().join("manifests/web.env"), "A=1\n").unwrap();
    let mut builder = tar::Builder::new(Vec::new());
    builder.append_dir_all("bundle/shop", folder.path().join("manifests")).unwrap();
    let tar = builder.into_inner().unwrap();
    let mut zipped = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    std::io::Write::write_all(&mut zipped, &tar).unwrap();
    std::fs::write(folder.path().join("bundle.tar"), tar).unwrap();
    std::fs::write(folder.path().join("bundle.tar.gz"), zipped.finish().unwrap()).unwrap();
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for entry in std::fs::read_dir(folder.path().join("manifests")).unwrap() {
        let file = entry.unwrap().path();
        let name = format!("bundle/shop/{}", file.file_name().unwrap().to_string_lossy());
        zip.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
        std::io::Write::write_all(&mut zip, &std::fs::read(file).unwrap()).unwrap();
    }
    std::fs::write(folder.path().join("bundle.zip"), zip.finish().unwrap().into_inner()).unwrap();
    let there = || std::fs::read_dir(folder.path()).unwrap().count();
    let before = there();
    let mut wanted = capture(folder.path(), &["manifests"])["profile"].clone();
    wanted["captured"] = Json::Null;
    assert_eq!(wanted["services"]["web"]["env"]["A"], "1");
    for bundle in ["bundle.tar", "bundle.tar.gz", "bundle.zip"] {
        let mut found = capture(folder.path(), &[bundle])["profile"].clone();
        found["captured"] = Json::Null;
        assert_eq!(found, wanted, "{bundle}");
    }
    let same = run(folder.path(), &["diff", "bundle.tar.gz", "manifests/"]);
    assert_eq!(same.code, Some(0), "{}{}", same.stdout, same.stderr);
    assert_eq!(there(), before);
    std::fs::write(folder.path().join("bad.zip"), b"PK\x03\x04").unwrap();
    let bad = run(folder.path(), &["capture", "files", "bad.zip"]);
    assert_eq!(bad.code, Some(3));
    assert!(bad.stderr.contains("bad.zip: the archive is damaged"), "{}", bad.stderr);
}
