//! Secrets of forty shapes in every place of a Compose file, and of an answer of `docker inspect`, where one can be:
//! none is in any output.

use std::collections::BTreeMap;

use prodmirror::capture::{compose::Document, docker, draft::From, redact::Rules};
use serde_json::{Value as Json, json};

use crate::{
    corpora::{draft, faults},
    planted::{Chance, Shows, shapes},
};

/// Places where any text may stand, and places that say that theirs is a secret.
fn places(text: &str) -> Vec<(&'static str, Json, bool)> {
    let service = |key: &str, value: Json| json!({"services": {"web": {"image": "web:1", key: value}}});
    let store = |key: &str, value: Json| json!({"services": {"db": {"image": "postgres:16", key: value}}});
    let dollars = text.replace('$', "$$");
    let text = dollars.as_str();
    let flat = text.replace('\n', " ");
    vec![
        ("telling variable", service("environment", json!({"API_TOKEN": text})), true),
        ("listed variable", service("environment", json!([format!("DB_PASSWORD={text}")])), true),
        ("store's password", store("environment", json!({"POSTGRES_PASSWORD": text})), true),
        ("option of a command", service("command", json!(["run", format!("--api-key={flat}")])), true),
        ("word after an option", service("command", json!(["run", "--password", text])), true),
        (
            "assignment in a shell",
            service("command", json!(["sh", "-c", format!("DB_PASSWORD='{flat}' run")])),
            true,
        ),
        ("other variable", service("environment", json!({"BLOB": text})), false),
        ("within a text", service("environment", json!({"BLOB": format!("before {text} after")})), false),
        ("word of a command", service("command", json!(["run", text])), false),
        ("entrypoint", service("entrypoint", json!(["run", text])), false),
        ("label", service("labels", json!({"note": text})), false),
        ("deploy label", service("deploy", json!({"labels": {"note": text}})), false),
        ("health check", service("healthcheck", json!({"test": ["CMD", "ask", text]})), false),
        ("hook", service("post_start", json!([{"command": ["tell", text]}])), false),
        ("database", store("environment", json!({"POSTGRES_DB": text})), false),
        ("setting", store("command", json!(["-c", format!("x.y={text}")])), false),
        ("host name", service("hostname", json!(text)), false),
        ("user", service("user", json!(text)), false),
        ("working folder", service("working_dir", json!(format!("/{text}"))), false),
        ("sysctl", service("sysctls", json!({"kernel.x": text})), false),
        ("host entry", service("extra_hosts", json!({"a": text})), false),
        (
            "mounted folder",
            service("volumes", json!([{"type": "bind", "source": format!("/{text}"), "target": "/x"}])),
            false,
        ),
        ("build argument", service("build", json!({"context": ".", "args": {"TOKEN": text}})), true),
        ("logging option", service("logging", json!({"driver": "x", "options": {"token": text}})), true),
        ("container name", service("container_name", json!(text)), true),
        ("extension", json!({"services": {"web": {"image": "web:1"}}, "x-own": {"token": text}}), true),
        (
            "driver option",
            json!({"services": {"web": {"image": "web:1"}}, "volumes": {"v": {"driver_opts": {"o": text}}}}),
            true,
        ),
        (
            "config",
            json!({"services": {"web": {"image": "web:1", "configs": ["c"]}}, "configs": {"c": {"content": format!("a\n{text}\n")}}}),
            false,
        ),
    ]
}

#[test]
fn no_planted_secret_is_in_any_output() {
    let mut chance = Chance(7);
    let mut planted = 0;
    let mut leaks = Vec::new();
    let kinds = shapes(&mut chance).len();
    assert!(kinds >= 40);
    for kind in 0..kinds {
        for place in 0..places("").len() {
            let (name, text, secret, shows) = shapes(&mut chance).swap_remove(kind);
            let (at, value, telling) = places(&text).swap_remove(place);
            if shows == Shows::Nothing && !telling {
                continue;
            }
            let document =
                Document { name: "compose.yaml".into(), value, folder: "/x".into(), ..Document::default() };
            let draft = draft(document).unwrap();
            planted += 1;
            assert_eq!(faults(&draft), [""; 0], "{name} as {at}");
            let printed = [draft.text(), serde_json::to_string(&draft).unwrap(), format!("{draft:?}")];
            if printed
                .iter()
                .any(|text| text.contains(&secret) || text.contains(&secret[..secret.len().min(8)]))
            {
                leaks.push(format!("{name} as {at}:\n{}", printed[0]));
            }
        }
    }
    assert!(planted >= 1_000, "{planted}");
    assert!(leaks.is_empty(), "{} of {planted} leak:\n{}", leaks.len(), leaks.join("\n"));
}

/// The variables of the host, of `.env` and of an `env_file` come by other ways.
#[test]
fn values_from_beside_the_file_are_kept_as_well() {
    let value = json!({"services": {"web": {
        "image": "web:1",
        "environment": {"DB_PASSWORD": "${DB_PASSWORD}", "URL": "mysql://u:${PW:-fallback-77}@db/x"},
        "env_file": ["web.env"],
    }}});
    let resolved = json!({"services": {"web": {"environment": {
        "DB_PASSWORD": "from-dotenv-1", "SESSION_SECRET": "from-file-2", "PLAIN": "open"
    }}}});
    let dotenv = BTreeMap::from([("DB_PASSWORD".to_owned(), "from-dotenv-1".to_owned())]);
    let document = Document {
        name: "compose.yaml".into(),
        value,
        resolved: Some(resolved),
        dotenv,
        folder: "/x".into(),
        by_compose: true,
        ..Document::default()
    };
    let draft = draft(document).unwrap();
    let printed = serde_json::to_string(&draft).unwrap() + &draft.text();
    for secret in ["from-dotenv", "from-file", "fallback"] {
        assert!(!printed.contains(secret), "{secret} in\n{}", draft.text());
    }
    assert!(printed.contains("PLAIN: open"), "{}", draft.text());
}

/// The same places as `docker inspect` has them.
fn inspected(text: &str) -> Vec<(&'static str, Json, bool)> {
    let of = |key: &str, value: Json| {
        let mut one = json!({
            "Id": "0123456789ab", "Name": "/web", "State": {"Status": "running"}, "HostConfig": {},
            "Config": {"Image": "web:1", "Env": ["LEVEL=info"], "Labels": {}}, "NetworkSettings": {},
        });
        let (part, field) = key.split_once('.').unwrap();
        one[part][field] = value;
        one
    };
    let flat = text.replace('\n', " ");
    vec![
        ("telling variable", of("Config.Env", json!([format!("API_TOKEN={text}")])), true),
        ("other variable", of("Config.Env", json!([format!("BLOB={text}")])), false),
        ("option of a command", of("Config.Cmd", json!(["run", format!("--api-key={flat}")])), true),
        ("word after an option", of("Config.Cmd", json!(["run", "--password", text])), true),
        ("word of a command", of("Config.Cmd", json!(["run", text])), false),
        ("entrypoint", of("Config.Entrypoint", json!(["run", text])), false),
        ("label", of("Config.Labels", json!({"note": text})), false),
        ("health check", of("Config.Healthcheck", json!({"Test": ["CMD", "ask", text]})), false),
        ("host name", of("Config.Hostname", json!(text)), false),
        ("user", of("Config.User", json!(text)), false),
        ("working folder", of("Config.WorkingDir", json!(format!("/{flat}"))), false),
        ("host entry", of("HostConfig.ExtraHosts", json!([format!("{flat}:10.0.0.1")])), false),
        ("mounted folder", of("HostConfig.Binds", json!([format!("/{flat}:/x")])), false),
        ("logging option", of("HostConfig.LogConfig", json!({"Type": "x", "Config": {"token": text}})), true),
        ("sysctl", of("HostConfig.Sysctls", json!({"kernel.x": text})), false),
        (
            "answer of a health check",
            of("State.Health", json!({"Status": "healthy", "Log": [{"Output": text}]})),
            false,
        ),
        ("error", of("State.Error", json!(text)), false),
        ("alias", of("NetworkSettings.Networks", json!({"n": {"Aliases": [flat]}})), false),
    ]
}

#[test]
fn no_planted_secret_is_in_what_is_made_of_docker_inspect() {
    let mut chance = Chance(13);
    let (mut planted, mut leaks) = (0, Vec::new());
    for kind in 0..shapes(&mut chance).len() {
        for place in 0..inspected("").len() {
            let (name, text, secret, shows) = shapes(&mut chance).swap_remove(kind);
            let (at, value, telling) = inspected(&text).swap_remove(place);
            if shows == Shows::Nothing && !telling {
                continue;
            }
            let mut dump = docker::Dump::default();
            dump.add("inspect.json", value).unwrap();
            let from = From { from: "docker", ..From::default() };
            let draft = docker::draft(dump, "captured", &from, &Rules::default()).unwrap();
            planted += 1;
            assert_eq!(faults(&draft), [""; 0], "{name} as {at}");
            let printed = [draft.text(), serde_json::to_string(&draft).unwrap(), format!("{draft:?}")];
            if printed.iter().any(|text| text.contains(&secret[..secret.len().min(8)])) {
                leaks.push(format!("{name} as {at}:\n{}", printed[0]));
            }
        }
    }
    assert!(planted >= 700, "{planted}");
    assert!(leaks.is_empty(), "{} of {planted} leak:\n{}", leaks.len(), leaks.join("\n"));
}
