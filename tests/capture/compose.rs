use std::{fs, path::Path, process::Command};

use serde_json::Value as Json;

use crate::{errors, has_compose};

struct Done {
    code: i32,
    stdout: String,
    stderr: String,
}

fn capture(arguments: &[&str], folder: &Path) -> Done {
    let output = Command::new(env!("CARGO_BIN_EXE_prodmirror"))
        .arg("capture")
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap();
    Done {
        code: output.status.code().unwrap(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

const SMALL: &str = "name: small\nservices: {web: {image: web:1, environment: {TAG: \"${TAG}\", MODE: a}}}\n";

#[test]
fn its_own_output_is_replaced_and_nobody_elses() {
    let folder = folder(&[("compose.yaml", SMALL)]);
    let file = folder.path().join("prodmirror.yaml");
    let to = ["compose", "compose.yaml", "-o", "prodmirror.yaml"];
    for _ in 0..2 {
        let done = capture(&to, folder.path());
        assert_eq!(done.code, 0, "{}", done.stderr);
        assert!(done.stderr.contains("hole services.web.env.TAG"), "{}", done.stderr);
    }
    let edited = fs::read_to_string(&file).unwrap().replace("MODE: a", "MODE: b");
    fs::write(&file, &edited).unwrap();
    let refused = capture(&to, folder.path());
    assert_eq!(refused.code, 2);
    assert!(refused.stderr.contains("--force"), "{}", refused.stderr);
    assert_eq!(fs::read_to_string(&file).unwrap(), edited);
    assert_eq!(capture(&[&to[..], &["--force"]].concat(), folder.path()).code, 0);
    assert!(fs::read_to_string(&file).unwrap().contains("MODE: a"));
}

#[test]
fn the_document_has_the_profile_its_holes_and_the_account() {
    let folder = folder(&[("compose.yaml", SMALL)]);
    let done = capture(&["compose", "compose.yaml", "--format", "json"], folder.path());
    let document: Json = serde_json::from_str(&done.stdout).unwrap();
    assert_eq!(document["kind"], "Capture");
    assert_eq!(document["profile"]["services"]["web"]["image"], "web:1");
    assert_eq!(document["profile"]["captured"]["from"], "compose");
    assert_eq!(document["holes"][0]["path"], "services.web.env.TAG");
    assert_eq!(document["holes"][0]["fill"], "--set services.web.env.TAG=…");
    let count = |key: &str| document["account"][key].as_u64().unwrap();
    assert_eq!(count("leaves"), count("used") + count("noted") + count("holes"));
    assert_eq!(count("holes"), 1);
}

#[test]
fn several_files_profiles_and_variables_are_read_as_compose_reads_them() {
    if !has_compose() {
        println!("skipped: no docker compose on PATH");
        return;
    }
    let folder = folder(&[
        (
            "compose.yaml",
            "include: [more.yaml]\nservices:\n  web: {extends: {file: base.yaml, service: web}, image: \"web:${TAG}\"}\n",
        ),
        ("base.yaml", "services: {web: {image: base, environment: {A: base}}}\n"),
        ("more.yaml", "services: {more: {image: more:1, profiles: [extra]}}\n"),
        ("over.yaml", "services: {web: {environment: {B: over}}}\n"),
        ("tags.env", "TAG=7\n"),
    ]);
    let files = ["compose", "compose.yaml", "over.yaml", "--env-file", "tags.env"];
    let without = capture(&files, folder.path());
    assert_eq!(without.code, 0, "{}", without.stderr);
    assert!(errors(&without.stdout).is_empty(), "{}", without.stdout);
    assert!(without.stdout.contains("image: web:7"), "{}", without.stdout);
    for text in ["A: base", "B: over"] {
        assert!(without.stdout.contains(text), "{text}: {}", without.stdout);
    }
    assert!(!without.stdout.contains("more:1"));
    let with = capture(&[&files[..], &["--profile", "extra"]].concat(), folder.path());
    assert!(with.stdout.contains("image: more:1"), "{}", with.stdout);
}

#[test]
fn a_place_can_be_called_secret_or_plain() {
    let folder = folder(&[(
        "compose.yaml",
        "services: {web: {image: web:1, environment: {LICENCE: abc-def, SORT_KEY: created_at}}}\n",
    )]);
    let rules = ["--is-secret", "services.*.env.LICENCE", "--is-plain", "services.web.env.SORT_KEY"];
    let done = capture(&[&["compose", "compose.yaml"][..], &rules].concat(), folder.path());
    assert!(done.stdout.contains("LICENCE: \"${secret:web-licence}\""), "{}", done.stdout);
    assert!(done.stdout.contains("SORT_KEY: created_at"), "{}", done.stdout);
    let bad = capture(&["compose", "compose.yaml", "--is-secret", "a..b"], folder.path());
    assert_eq!(bad.code, 2);
}

/// Notes of a capture, as `path: message`.
fn notes(done: &Done) -> Vec<String> {
    let document: Json = serde_json::from_str(&done.stdout).unwrap();
    let note =
        |note: &Json| format!("{}: {}", note["path"].as_str().unwrap(), note["message"].as_str().unwrap());
    document["notes"].as_array().unwrap().iter().map(note).collect()
}

const MOUNTS: &str = r#"
services:
  web:
    image: web:1
    volumes:
      - ${MEDIA}:/media
      - ${ABSENT:-./data}:/data
      - {type: bind, source: "${MEDIA}", target: /bound}
      - ${KEPT}:/kept
      - kept:/read:ro
      - {type: volume, source: "${NOWHERE}", target: /nowhere}
volumes: {kept: {}}
"#;

#[test]
fn a_folder_of_the_host_is_no_volume_though_a_variable_names_it() {
    if !has_compose() {
        println!("skipped: no docker compose on PATH");
        return;
    }
    let folder = folder(&[("compose.yaml", MOUNTS), (".env", "MEDIA=/srv/media\nKEPT=kept\n")]);
    let done = capture(&["compose", "compose.yaml", "--format", "json"], folder.path());
    let document: Json = serde_json::from_str(&done.stdout).unwrap();
    let claim = serde_json::json!({"claim": "kept"});
    let wanted = serde_json::json!({"/kept": claim.clone(), "/read": claim});
    assert_eq!(document["profile"]["services"]["web"]["volumes"], wanted);
    let notes = notes(&done);
    for wanted in [
        "services.web.volumes[0]: /srv/media to /media; a file: `files: {/media: {from: /srv/media}}`",
        "services.web.volumes[1]: ./data to /data; a file: `files: {/data: {from: ./data}}`",
        "services.web.volumes[2]: /srv/media to /bound; a file: `files: {/bound: {from: /srv/media}}`",
        "services.web.volumes[4].read_only: a claim of a mirror can be written",
        "services.web.volumes[5]: the Compose file takes ${NOWHERE} from the host",
    ] {
        assert!(notes.iter().any(|note| note == wanted), "{wanted}\n{notes:#?}");
    }
}

#[test]
fn what_a_profile_says_in_another_way_is_told() {
    let file = r#"
services:
  web: {image: web:1, restart: unless-stopped, volumes: ["kept:/kept:ro"]}
  db: {image: "postgres:16", environment: {POSTGRES_PASSWORD_FILE: /run/secrets/db-login}, secrets: [db-login]}
volumes: {kept: {}}
secrets: {db-login: {file: ./login.txt}}
"#;
    let folder = folder(&[("compose.yaml", file)]);
    let notes = notes(&capture(&["compose", "compose.yaml", "--format", "json"], folder.path()));
    for wanted in [
        "services.web.restart: it is `always` now: what `prodmirror stop` ends stays so until `start`",
        "services.db.environment.POSTGRES_PASSWORD_FILE: `password: ${secret:db-login}` says it: a mirror gives no file",
    ] {
        assert!(notes.iter().any(|note| note == wanted), "{wanted}\n{notes:#?}");
    }
    assert!(notes.iter().any(|note| note.ends_with("a claim of a mirror can be written")), "{notes:#?}");
}

#[test]
fn what_is_no_compose_file_and_what_is_not_there_is_said() {
    let folder = folder(&[("broken.yaml", "services: [\n")]);
    for file in ["broken.yaml", "absent.yaml"] {
        let done = capture(&["compose", file, "--format", "json"], folder.path());
        assert_eq!(done.code, 3, "{}", done.stderr);
        let document: Json = serde_json::from_str(&done.stdout).unwrap();
        assert_eq!(document["code"], "compose-file");
        assert!(document["message"].as_str().unwrap().contains(file));
    }
}
