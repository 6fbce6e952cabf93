//! The Compose schema and Compose itself take what is rendered.

use std::{path::PathBuf, process::Command};

use prodmirror::{
    plan::Plan,
    profile::{Profile, Source},
    render::{self, COMPOSE_FILE, Form, Templates},
};
use serde_json::Value;

use crate::{
    generate,
    hand::{self, HELPER, IMAGE},
    planned,
};

/// The folder of real inputs, or `None`, said aloud.
pub fn corpora() -> Option<PathBuf> {
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

/// Every profile in `profiles/`.
pub fn examples() -> Vec<(String, Profile)> {
    let folder = format!("{}/profiles", env!("CARGO_MANIFEST_DIR"));
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "yaml"));
    files.sort_unstable();
    assert!(files.len() >= 4, "{files:?}");
    let of_file = |file: &PathBuf| {
        let documents = [Source::new(file.display().to_string(), std::fs::read(file).unwrap())];
        let read_file = |_: &str, path: &str| Ok(format!("content of {path}\n").into_bytes());
        let loaded = planned::read(&documents, &read_file).unwrap_or_else(|problems| panic!("{problems}"));
        (file.display().to_string(), loaded.profile)
    };
    files.iter().map(of_file).collect()
}

/// The plans of the examples, and of generated profiles.
fn plans(generated: u64) -> Vec<(String, Plan)> {
    let of_seed = |seed: u64| (format!("seed {seed}"), generate::profile(seed));
    let profiles = examples().into_iter().chain((0..generated).map(of_seed));
    profiles.map(|(of, profile)| (of, planned::planned(&profile))).collect()
}

#[test]
fn examples_and_200_generated_profiles_are_valid_under_the_compose_schema() {
    let Some(schema) = schema() else { return };
    let templates = Templates::embedded();
    for (of, plan) in plans(200) {
        for form in [Form::Launch, Form::Standalone] {
            let bundle =
                render::bundle(&plan, form, &templates).unwrap_or_else(|error| panic!("{of}: {error}"));
            let wrong = wrong(&schema, &bundle.files[COMPOSE_FILE]);
            assert!(wrong.is_empty(), "{of}, {form:?}: {wrong:#?}");
        }
    }
}

#[test]
fn compose_takes_examples_and_200_generated_profiles() {
    let templates = Templates::embedded();
    let plans = plans(200);
    let refuse = |(of, plan): &(String, Plan)| {
        let bundle = render::bundle(plan, Form::Standalone, &templates).unwrap();
        let names =
            plan.secrets.iter().flat_map(|secret| [Some(&secret.variable), secret.url_variable.as_ref()]);
        let variables: Vec<(&str, &str)> = names.flatten().map(|name| (name.as_str(), "value")).collect();
        let refused = refused(&bundle, &variables);
        (!refused.is_empty()).then(|| format!("{of}: {refused}"))
    };
    // A process each: two at a time.
    let (some, others) = plans.split_at(plans.len() / 2);
    let refused: Vec<String> = std::thread::scope(|scope| {
        let first = scope.spawn(|| some.iter().filter_map(refuse).collect::<Vec<_>>());
        let second: Vec<String> = others.iter().filter_map(refuse).collect();
        first.join().unwrap().into_iter().chain(second).collect()
    });
    assert!(refused.is_empty(), "{refused:#?}");
}
