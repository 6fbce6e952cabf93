use std::{
    fs,
    path::{Path, PathBuf},
};

use prodmirror::{
    capture::{
        compose::{self, Document},
        draft::{Draft, From},
        redact::Rules,
    },
    env::{self, HashKey, Keeping, Value},
    profile::from_tree,
    readers::compose::{Ask, KEPT, read},
};

use crate::{errors, has_compose};

/// Files that Compose itself refuses, with its reason.
const REFUSED: [(&str, &str); 7] = [
    ("compose-go/loader/testdata/compose-include-cycle.yaml", "include cycle"),
    ("compose-go/loader/testdata/empty.yaml", "empty compose file"),
    ("compose-go/loader/testdata/extends/base.yaml", "must be a mapping"),
    // A remote file, which only the loader's own test knows how to get.
    ("compose-go/loader/testdata/remote/cycle/", "no such file or dir"),
    ("compose-go/loader/testdata/remote/nested/compose.yaml", "no such file or dir"),
    ("kompose/controller/compose-controller-label.yaml", "additional properties"),
    ("kompose/envvars-separators/compose.yaml", "additional properties"),
];

pub fn root() -> PathBuf {
    let root = std::env::var_os("PRODMIRROR_CORPORA").map(PathBuf::from);
    root.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpora"))
}

/// The Compose files of three collections, or nothing, said aloud, where they are not there.
pub fn files() -> Vec<(String, PathBuf)> {
    let root = root();
    let mut files = Vec::new();
    for collection in ["awesome-compose", "compose-go", "kompose"] {
        let folder = root.join(collection);
        match folder.is_dir() {
            true => gather(&root, &folder, &mut files),
            false => println!("skipped: no {}; PRODMIRROR_CORPORA names the folder", folder.display()),
        }
    }
    files.sort();
    files
}

fn gather(root: &Path, folder: &Path, files: &mut Vec<(String, PathBuf)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let named = name.contains("compose") || path.strip_prefix(root).unwrap().starts_with("compose-go");
        if path.is_dir() {
            gather(root, &path, files);
        } else if named && (name.ends_with(".yaml") || name.ends_with(".yml")) {
            files.push((path.strip_prefix(root).unwrap().to_string_lossy().into_owned(), path));
        }
    }
}

/// The file as this program reads it alone: the same wherever the test runs.
pub fn alone(path: &Path) -> Result<Draft, String> {
    let text = fs::read_to_string(path).map_err(|error| error.to_string())?;
    let folder = path.parent().unwrap().display().to_string();
    draft(Document::parse("compose.yaml", &text, &folder)?)
}

pub fn draft(document: Document) -> Result<Draft, String> {
    let from = From { from: "compose", at: Some("2026-11-20T08:15:00Z".to_owned()), ..From::default() };
    compose::draft(document, &from, &Rules::default()).map_err(|problems| problems.to_string())
}

/// What is wrong with a draft, whatever it was captured from.
pub fn faults(draft: &Draft) -> Vec<String> {
    let account = draft.account;
    let mut faults = Vec::new();
    if account.leaves != account.used + account.noted + account.holes {
        faults.push(format!("{account:?} does not add up"));
    }
    faults
        .extend(errors(&draft.text()).iter().map(|problem| format!("{}: {}", problem.path, problem.message)));
    match from_tree(&draft.profile) {
        Ok(profile) if prodmirror::profile::tree(&profile) == draft.profile => {}
        Ok(_) => faults.push("its tree is not the long form".to_owned()),
        Err(problems) => faults.push(problems.to_string()),
    }
    faults.extend(draft.notes.iter().filter(|note| note.message.trim().is_empty()).map(|note| note.line()));
    faults
}

/// Run `cargo insta review` when a reader has learnt more: the numbers are the point.
#[test]
fn every_leaf_of_the_corpora_is_accounted_for() {
    let files = files();
    if files.is_empty() {
        return;
    }
    let mut wrong = Vec::new();
    let mut table = format!("{:<76} leaves   used  noted  holes\n", "file, read without Compose");
    for (name, path) in &files {
        match alone(path) {
            Ok(draft) => {
                let account = draft.account;
                table += &format!(
                    "{name:<76} {:>6} {:>6} {:>6} {:>6}\n",
                    account.leaves, account.used, account.noted, account.holes
                );
                wrong.extend(faults(&draft).into_iter().map(|fault| format!("{name}: {fault}")));
            }
            Err(_) => table += &format!("{name:<76} is no YAML\n"),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    insta::assert_snapshot!("accounts", table);
}

#[test]
fn every_file_that_compose_accepts_becomes_a_profile_that_check_accepts() {
    if !has_compose() {
        println!("skipped: no docker compose on PATH");
        return;
    }
    let files = files();
    let one = |(name, path): &(String, PathBuf)| -> Vec<String> {
        let refused = REFUSED.iter().find(|(refused, _)| name.starts_with(refused)).map(|(_, why)| *why);
        let environment =
            KEPT.iter().filter_map(|name| Some(((*name).to_owned(), std::env::var_os(name)?))).collect();
        let ask = Ask { files: vec![path.clone()], environment, ..Ask::default() };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        match (runtime.block_on(read(&ask)), refused) {
            (Ok(_), Some(_)) => vec![format!("{name}: Compose refuses it no longer")],
            (Ok(document), None) => match draft(document) {
                Ok(draft) => faults(&draft).into_iter().map(|fault| format!("{name}: {fault}")).collect(),
                Err(said) => vec![format!("{name}: {said}")],
            },
            (Err(said), Some(why)) if said.to_string().contains(why) => {
                println!("refused by Compose: {name}: {why}");
                Vec::new()
            }
            (Err(said), _) => vec![format!("{name}: {said}")],
        }
    };
    let (some, others) = files.split_at(files.len() / 2);
    let wrong: Vec<String> = std::thread::scope(|scope| {
        let first = scope.spawn(|| some.iter().flat_map(one).collect::<Vec<_>>());
        let second: Vec<_> = others.iter().flat_map(one).collect();
        [first.join().unwrap(), second].concat()
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Every key of the specification is used, or left out for a reason of its own.
#[test]
fn no_key_of_the_specification_is_unknown() {
    let file = root().join("compose-spec/schema/compose-spec.json");
    let Ok(text) = fs::read_to_string(&file) else {
        println!("skipped: no {}", file.display());
        return;
    };
    let schema: serde_json::Value = serde_json::from_str(&text).unwrap();
    let keys = |of: &str| schema["definitions"][of]["properties"].as_object().unwrap().clone();
    let mut unknown = Vec::new();
    let mut look = |within: &str, value: serde_json::Value| {
        let document =
            Document { name: "compose.yaml".into(), value, folder: "/x".into(), ..Document::default() };
        let draft = draft(document).unwrap();
        assert_eq!(faults(&draft), [""; 0], "{within}");
        let noted = draft.notes.iter().filter(|note| note.message == "a profile has no field for it");
        unknown.extend(noted.map(|note| note.path.to_string()));
    };
    for key in keys("service").keys().filter(|key| *key != "image") {
        // Of no form that the key has: at the least it is said what it was.
        for value in
            [serde_json::json!("1"), serde_json::json!(["a=1"]), serde_json::json!({"a": "b"}), true.into()]
        {
            if key != "deploy" || !value.is_object() {
                look(key, serde_json::json!({"services": {"web": {"image": "web:1", key: value}}}));
            }
        }
    }
    // Those two are maps of their own.
    for key in keys("deployment").keys().filter(|key| *key != "resources" && *key != "restart_policy") {
        let value = serde_json::json!({"a": "b"});
        look(
            key,
            serde_json::json!({"services": {"web": {"image": "web:1", "deploy": {"replicas": 2, key: value}}}}),
        );
    }
    for key in ["networks", "volumes", "secrets", "configs", "models"] {
        look(
            key,
            serde_json::json!({"services": {"web": {"image": "web:1"}}, key: {"a": {"driver": "x", "labels": {"a": "b"}}}}),
        );
    }
    unknown.retain(|path| {
        !path.contains("healthcheck.a") && !path.contains("build") && !path.contains("resources.a")
    });
    assert_eq!(unknown, [""; 0]);
}

/// Values of a public collection that were taken for secrets; each was looked at, and each is one.
#[test]
fn hardly_anything_that_is_no_secret_is_taken_for_one() {
    let mut found = String::new();
    let mut values = 0;
    for (name, path) in files().iter().filter(|(name, _)| name.starts_with("awesome-compose")) {
        let draft = alone(path).unwrap();
        values += draft.account.used;
        for note in &draft.notes {
            let secret = ["what is secret of it", "it holds a secret", "it is secret"];
            if secret.iter().any(|word| note.message.starts_with(word)) {
                found += &format!("{name}: {}\n", note.path);
            }
        }
    }
    if values > 0 {
        insta::assert_snapshot!("taken_for_secrets", format!("of {values} values\n{found}"));
    }
}

/// What `capture` leaves in the open is in the open for `env-dump` as well.
#[test]
fn variables_are_no_more_secret_than_a_capture_of_them_says() {
    let key = HashKey::new(b"0123456789abcdef").unwrap();
    let keeping = Keeping { key: &key, rules: &env::Rules::default() };
    let mut found = Vec::new();
    for (name, path) in files() {
        let Ok(draft) = alone(&path) else { continue };
        for service in env::of_profile(&from_tree(&draft.profile).unwrap(), &name, keeping) {
            let hashed = service.variables.iter().filter(|one| matches!(one.value, Value::Secret(Some(_))));
            let service = service.service.as_deref().unwrap_or_default();
            found.extend(hashed.map(|one| format!("{name} {service}: {}", one.name)));
        }
    }
    assert_eq!(found, [""; 0]);
}
