use serde_json::json;

use super::*;
use crate::profile::{Layers, Source, load};

const COMPOSE: From =
    From { from: "compose", of: None, context: None, cluster: None, namespace: None, at: None };

/// A reader as small as one can be.
fn draft(services: Json, rules: &Rules) -> Draft {
    let inputs = [Input::new("compose.yaml", json!({"services": services}))];
    let mut sketch = Sketch::new("shop", &COMPOSE);
    for (name, service) in inputs[0].top().get("services").map(|all| all.entries()).unwrap_or_default() {
        let at = Path::of(["services", name]);
        service.became(at.clone());
        for (key, value) in service.entries() {
            match key {
                "environment" => {
                    for pair in service.pairs(key, &['=']) {
                        let text = crate::profile::Text::literal(pair.value.unwrap_or_default());
                        sketch.take(&at.key("env").key(pair.name), text.to_string(), &pair.at);
                    }
                }
                "build" => sketch.hole(&at.key("image"), "built here", Some(&value)),
                "labels" => {
                    for (name, label) in value.entries() {
                        sketch.take(&at.key(key).key(name), label.value().clone(), &label);
                    }
                }
                "image" | "command" | "hostname" | "probes" => {
                    sketch.take(&at.key(key), value.value().clone(), &value);
                }
                _ => {}
            }
        }
    }
    sketch.finish(&inputs, rules).unwrap()
}

/// What `check` makes of the text.
fn loaded(text: &str) -> Json {
    let documents = [Source::new("prodmirror.yaml", text)];
    let layers = Layers {
        documents: &documents,
        set: &[],
        unset: &[],
        allow_unpinned: true,
        read_file: &|_, _| Err("no file".into()),
    };
    tree(&load(&layers).map_err(|problems| format!("{problems:?}\n{text}")).unwrap().profile)
}

#[test]
fn secrets_are_references_and_what_was_said_stands_beside() {
    let draft = draft(
        json!({
            "db": {"image": "mariadb:11", "environment": {"MARIADB_PASSWORD": "hunter2-hunter2", "MARIADB_USER": "app"}},
            "web": {
                "image": "web:1",
                "environment": {
                    "DATABASE_URL": "mysql://app:hunter2-hunter2@db/x?a=${b}",
                    "SESSION_KEY": "0123456789abcdef0123456789abcdef",
                    "CERT": "-----BEGIN CERTIFICATE-----\nMII\n-----END CERTIFICATE-----",
                    "WORKERS": 4,
                },
                "labels": {"note": "the password is hunter2-hunter2", "team": "shop"},
                "hostname": "no_host_name",
                "x-own": {"a": 1, "b": 2},
            },
        }),
        &Rules::default(),
    );
    let text = draft.text();
    insta::assert_snapshot!(text);
    assert_eq!(loaded(&text), draft.profile);
    assert_eq!(draft.account, Account { leaves: 13, used: 8, noted: 3, holes: 2 });
    assert!(!serde_json::to_string(&draft).unwrap().contains("hunter2"));
    assert_eq!(draft.holes.len(), 2);
    assert_eq!(draft.holes[0].fill, "--set services.web.env.CERT=…");
}

#[test]
fn a_rule_says_what_is_secret_and_what_is_not() {
    let services =
        || json!({"web": {"image": "web:1", "environment": {"COLOUR": "mauve", "SORT_KEY": "created"}}});
    let plain = draft(services(), &Rules::default());
    assert_eq!(plain.profile["services"]["web"]["env"]["SORT_KEY"], "${secret:web-sort-key}");
    let path = |text: &str| text.parse().unwrap();
    let rules =
        Rules { secret: vec![path("services.*.env.COLOUR")], open: vec![path("services.web.env.SORT_KEY")] };
    let ruled = draft(services(), &rules);
    assert_eq!(ruled.profile["services"]["web"]["env"]["SORT_KEY"], "created");
    assert_eq!(ruled.profile["services"]["web"]["env"]["COLOUR"], "${secret:web-colour}");
    assert_eq!(ruled.profile["secrets"]["web-colour"]["generate"], "letters:5");
}
