//! The JSON Schema accepts what `check` accepts, and refuses what is wrong in form.

use prodmirror::profile::{from_tree, schema, tree};
use serde_json::{Value, json};

use crate::{
    examples::profiles,
    generate::{self, Generator},
};

fn validator() -> jsonschema::Validator {
    jsonschema::validator_for(&schema()).unwrap()
}

#[test]
fn it_is_a_schema_of_2020_12_with_words_for_every_field() {
    let schema = schema();
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    assert!(jsonschema::meta::is_valid(&schema));
    let mut undescribed = Vec::new();
    described(&schema, "", &mut undescribed);
    assert_eq!(undescribed, Vec::<String>::new());
}

fn described(value: &Value, at: &str, undescribed: &mut Vec<String>) {
    let Some(object) = value.as_object() else { return };
    for (key, inner) in object {
        if key == "properties" {
            for (name, property) in inner.as_object().unwrap() {
                // Variants that are a map of one key are described where they stand.
                let alone = object.get("required") == Some(&json!([name]));
                if property.get("description").is_none()
                    && !alone
                    && !["size", "read_only"].contains(&name.as_str())
                {
                    undescribed.push(format!("{at}/{name}"));
                }
            }
        }
        described(inner, &format!("{at}/{key}"), undescribed);
    }
}

#[test]
fn delivered_profiles_fit_as_they_are_written() {
    let validator = validator();
    for (path, text) in profiles() {
        let value: Value = serde_yaml::from_str(&text).unwrap();
        if let Err(error) = validator.validate(&value) {
            panic!("{}: {error} at {}", path.display(), error.instance_path());
        }
    }
}

#[test]
fn generated_profiles_fit() {
    let validator = validator();
    for seed in 0..200 {
        let value = tree(&generate::profile(seed));
        if let Err(error) = validator.validate(&value) {
            panic!("seed {seed}: {error} at {}", error.instance_path());
        }
    }
}

#[test]
fn short_forms_fit() {
    let validator = validator();
    let api = |body: Value| {
        let mut service = json!({"image": "local:a:b"});
        service.as_object_mut().unwrap().extend(body.as_object().unwrap().clone());
        json!({"apiVersion": "prodmirror/v1", "name": "t", "services": {"api": service}})
    };
    for good in [
        json!({"ports": {"http": 80}}),
        json!({"probes": {"readiness": {"http": "/x"}, "liveness": {"tcp": 80}, "startup": {"exec": ["a"]}}}),
        json!({"probes": {"readiness": {"grpc": "http"}}}),
        json!({"files": {"/a": "text", "/b/": {"c": "text", "d": {"secret": "x"}}, "/e": {"from": "x"}}}),
        json!({"volumes": {"/a": "empty", "/b": {"empty": {}}, "/c": {"claim": "x", "size": "1Gi"}}}),
        json!({"tmpfs": ["/tmp"], "ulimits": {"nofile": 1}, "env": {"A": 4, "B": true, "C": {"hole": "why"}}}),
        json!({"resources": {"limits": {"cpu": 0.5, "memory": 1024}}, "user": 1000}),
        json!({"command": ["sleep", 5], "pre_stop": {"exec": ["a"]}, "post_start": {"http": "/x"}}),
    ] {
        let value = api(good);
        assert!(validator.is_valid(&value), "{value}");
        assert!(from_tree(&value).is_ok() || value.to_string().contains("from"), "{value}");
    }
    let job =
        json!({"apiVersion": "prodmirror/v1", "name": "t", "jobs": {"j": {"like": "api"}}, "secrets": ["a"]});
    assert!(validator.is_valid(&job));
    for bad in [
        json!({"ports": {"http": "80:80"}}),
        json!({"probes": {"readiness": {"http": "/x", "tcp": 1}}}),
        json!({"probes": {"readiness": {}}}),
        json!({"replcas": 1}),
        json!({"replicas": "1"}),
        json!({"env": {"A": null}}),
        json!({"env": ["A=1"]}),
        json!({"command": "a b"}),
        json!({"volumes": {"/a": {"claim": "x", "shared": "y"}}}),
        json!({"read_only": "yes"}),
        json!({"like": "web"}),
    ] {
        let value = api(bad);
        assert!(!validator.is_valid(&value), "{value}");
        assert!(from_tree(&value).is_err(), "{value}");
    }
}

/// Refusals that are about form alone, which a schema can express.
const FORM: &[&str] =
    &["unknown-key", "wrong-type", "null", "missing-key", "unknown-word", "two-of-one", "command-line"];

#[test]
fn a_changed_profile_is_accepted_or_refused_by_both() {
    let validator = validator();
    let (mut accepted, mut refused) = (0, 0);
    for seed in 0..600 {
        let mut value = tree(&generate::profile(seed % 150));
        let mut random = Generator::new(seed);
        let places = count(&value);
        let change = random.below(7);
        let mut at = random.below(places) as i64;
        mutate(&mut value, &mut at, change, &mut random);
        let fits = validator.is_valid(&value);
        match from_tree(&value) {
            Ok(_) => {
                assert!(fits, "seed {seed}: read, and yet {:?}\n{value:#}", validator.validate(&value));
                accepted += 1;
            }
            Err(problems)
                if problems.0.iter().any(|problem| problem.is_error() && FORM.contains(&problem.code)) =>
            {
                assert!(!fits, "seed {seed}: {problems}");
                refused += 1;
            }
            Err(_) => {}
        }
    }
    assert!(accepted > 50 && refused > 150, "{accepted} accepted, {refused} refused");
}

fn count(value: &Value) -> u64 {
    1 + match value {
        Value::Object(object) => object.values().map(count).sum(),
        Value::Array(items) => items.iter().map(count).sum(),
        _ => 0,
    }
}

fn mutate(value: &mut Value, at: &mut i64, change: u64, random: &mut Generator) {
    *at -= 1;
    if *at < 0 {
        *at = i64::MAX;
        match (change, &mut *value) {
            (0, Value::Object(object)) => {
                object.insert("zzz".into(), json!({"a": 1}));
            }
            (1, Value::Object(object)) if !object.is_empty() => {
                let key = object.keys().nth(random.below(object.len() as u64) as usize).unwrap().clone();
                object.remove(&key);
            }
            (2, _) => *value = Value::Null,
            (3, _) => *value = json!([]),
            (4, _) => *value = json!({}),
            (5, _) => *value = json!("a b"),
            _ => *value = json!(-7),
        }
        return;
    }
    match value {
        Value::Object(object) => object.values_mut().for_each(|inner| mutate(inner, at, change, random)),
        Value::Array(items) => items.iter_mut().for_each(|inner| mutate(inner, at, change, random)),
        _ => {}
    }
}
