use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::{errors, first, has_compose};

/// Files that Compose itself refuses, with its reason.
const REFUSED: [(&str, &str); 2] = [
    ("kompose/controller/compose-controller-label.yaml", "additional properties"),
    ("kompose/envvars-separators/compose.yaml", "additional properties"),
];

/// The Compose files of two collections, or nothing, said aloud, where they are not there.
fn files() -> Vec<(String, PathBuf)> {
    let root = std::env::var_os("PRODMIRROR_CORPORA").map(PathBuf::from);
    let root = root.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpora"));
    let mut files = Vec::new();
    for collection in ["awesome-compose", "kompose"] {
        let folder = root.join(collection);
        if !folder.is_dir() {
            println!("skipped: {} is not there; PRODMIRROR_CORPORA names the folder", folder.display());
            continue;
        }
        gather(&root, &folder, &mut files);
    }
    files.sort();
    files
}

fn gather(root: &Path, folder: &Path, files: &mut Vec<(String, PathBuf)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            gather(root, &path, files);
        } else if name.contains("compose") && (name.ends_with(".yaml") || name.ends_with(".yml")) {
            files.push((path.strip_prefix(root).unwrap().to_string_lossy().into_owned(), path));
        }
    }
}

#[test]
fn every_file_that_compose_accepts_becomes_a_profile_that_check_accepts() {
    if !has_compose() {
        println!("skipped: no docker compose on PATH");
        return;
    }
    let mut wrong = Vec::new();
    for (name, path) in files() {
        let refused = REFUSED.iter().find(|(refused, _)| *refused == name).map(|(_, why)| *why);
        match (first(&path, true), refused) {
            (Ok(text), None) => {
                wrong.extend(
                    errors(&text)
                        .iter()
                        .map(|problem| format!("{name}: {}: {}", problem.path, problem.message)),
                );
            }
            (Err(said), Some(why)) if said.contains(why) => println!("refused by Compose: {name}: {why}"),
            (Ok(_), Some(_)) => wrong.push(format!("{name}: Compose refuses it no longer")),
            (Err(said), _) => wrong.push(format!("{name}: {said}")),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn without_docker_the_same_files_become_profiles_too() {
    let mut wrong = Vec::new();
    for (name, path) in files() {
        match first(&path, false) {
            Ok(text) => {
                wrong.extend(
                    errors(&text)
                        .iter()
                        .map(|problem| format!("{name}: {}: {}", problem.path, problem.message)),
                );
            }
            Err(said) => wrong.push(format!("{name}: {said}")),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Every service is there, or is named as left out.
#[test]
fn no_service_is_lost_in_silence() {
    for (name, path) in files() {
        let Ok(text) = first(&path, false) else { continue };
        let value: serde_json::Value = serde_yaml::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        let profile: serde_json::Value = serde_yaml::from_str(&text).unwrap();
        let there: usize = ["services", "jobs", "stores"]
            .iter()
            .filter_map(|key| profile.get(key)?.as_object())
            .map(|all| all.len())
            .sum();
        let services = value.get("services").and_then(|all| all.as_object());
        let left_out = |service: &&String| {
            text.lines().any(|line| line.starts_with(&format!("# not taken: services.{service} ")))
        };
        let gone = services.into_iter().flat_map(|all| all.keys()).filter(left_out).count();
        assert_eq!(there + gone, services.map_or(0, |all| all.len()), "{name}:\n{text}");
    }
}
