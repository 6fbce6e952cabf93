//! The Compose schema and Compose itself take what is rendered.

use std::{path::PathBuf, process::Command};

use prodmirror::render::{self, COMPOSE_FILE, Form, Templates};
use serde_json::Value;

use crate::hand::{self, HELPER, IMAGE};

/// The folder of real inputs, or `None`, said aloud.
fn corpora() -> Option<PathBuf> {
    let folder = std::env::var_os("PRODMIRROR_CORPORA")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/corpora"), PathBuf::from);
    if folder.is_dir() {
        return Some(folder);
    }
    eprintln!("skipped: no corpora in {}; name their folder in PRODMIRROR_CORPORA", folder.display());
    None
}

/// The schema of the Compose specification.
pub fn schema() -> Option<jsonschema::Validator> {
    let file = corpora()?.join("compose-spec/schema/compose-spec.json");
    let schema: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    Some(jsonschema::options().with_draft(jsonschema::Draft::Draft7).build(&schema).unwrap())
}

pub fn wrong(schema: &jsonschema::Validator, compose: &[u8]) -> Vec<String> {
    let file: Value = serde_yaml::from_slice(compose).unwrap();
    schema.iter_errors(&file).map(|error| format!("{}: {error}", error.instance_path())).collect()
}

/// What `docker compose config` says against the files; empty is nothing.
pub fn refused(bundle: &render::Bundle, variables: &[(&str, &str)]) -> String {
    let folder = tempfile::tempdir().unwrap();
    crate::launched::write(bundle, folder.path());
    let mut compose = Command::new("docker");
    compose.args(["compose", "config", "--quiet"]).current_dir(folder.path());
    let output = compose.envs(variables.iter().copied()).output().expect("docker is installed");
    if output.status.success() { String::new() } else { String::from_utf8_lossy(&output.stderr).into_owned() }
}

#[test]
fn both_forms_are_valid_under_the_compose_schema() {
    let Some(schema) = schema() else { return };
    for form in [Form::Launch, Form::Standalone] {
        let bundle = render::bundle(&hand::rich(IMAGE, HELPER), form, &Templates::embedded()).unwrap();
        let found = wrong(&schema, &bundle.files[COMPOSE_FILE]);
        assert!(found.is_empty(), "{form:?}: {found:#?}");
    }
    let broken = wrong(&schema, b"services: {a: {image: 1, memory: 3}}");
    assert!(!broken.is_empty(), "the schema takes anything");
}

#[test]
fn compose_takes_both_forms_and_misses_unset_secrets() {
    for form in [Form::Launch, Form::Standalone] {
        let bundle = render::bundle(&hand::rich(IMAGE, HELPER), form, &Templates::embedded()).unwrap();
        assert_eq!(refused(&bundle, &[("DB_PASSWORD_URL", "a"), ("SESSION_KEY", "b")]), "");
        let unset = refused(&bundle, &[("SESSION_KEY", "b")]);
        assert!(unset.contains("DB_PASSWORD_URL") && unset.contains("prodmirror up"), "{unset}");
    }
}
