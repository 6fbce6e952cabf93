//! Short forms equal long ones; what is printed reads back.

use prodmirror::profile::{by_hand, from_tree, print, shorten, tree};

use crate::{
    generate,
    support::{DIGEST, load_layers, loaded, service},
};

fn notes() -> String {
    format!(
        r#"apiVersion: prodmirror/v1
name: notes
flags: {{ENABLE_CACHE: true}}
secrets: {{db-password: {{}}, session-key: {{generate: "hex:32"}}}}
services:
  web:
    image: registry.example.com/notes/web:2.3.1@{DIGEST}
    command: [gunicorn, notes.wsgi, --bind, "0.0.0.0:8000"]
    env:
      DATABASE_URL: ${{store:db.url}}
      SESSION_KEY: ${{secret:session-key}}
      WORKERS: 4
    flags: [ENABLE_CACHE]
    replicas: 3
    resources: {{limits: {{cpu: 500m, memory: 512Mi}}, requests: {{cpu: 250m, memory: 256Mi}}}}
    ports: {{http: 8000}}
    probes: {{readiness: {{http: /healthz}}, liveness: {{http: /livez, period: 10s}}}}
    needs: [migrate, cache]
jobs:
  migrate: {{like: web, command: [python, manage.py, migrate], needs: [db]}}
stores:
  db: {{engine: postgres, image: "postgres:16.4@{DIGEST}", database: notes, user: app, password: "${{secret:db-password}}",
       seed: ./seed, settings: {{max_connections: 50}}}}
  cache: {{engine: redis, image: "redis:7.4@{DIGEST}", seed: "snapshot:notes-cache:2026-11-20", clock: pinned}}
"#
    )
}

#[test]
fn the_thirty_line_profile_is_kept_in_its_long_form() {
    let profile = loaded(&notes());
    insta::assert_snapshot!(print(&profile));
    assert_eq!(from_tree(&tree(&profile)), Ok(profile.clone()));
    assert_eq!(loaded(&print(&profile)), profile);
}

#[test]
fn a_short_form_equals_its_long_one() {
    for (short, long) in [
        ("    ports: {http: 8000}", "    ports: [{name: http, port: 8000, protocol: tcp}]"),
        ("    ports: {dns: {port: 53, protocol: udp}}", "    ports: [{name: dns, port: 53, protocol: udp}]"),
        (
            "    ports: {http: 80}\n    probes: {readiness: {http: /healthz}}",
            "    ports: {http: 80}\n    probes: {readiness: {http: {path: /healthz}}}",
        ),
        (
            "    ports: {http: 80}\n    probes: {startup: {tcp: http}, liveness: {grpc: 80}}",
            "    ports: {http: 80}\n    probes: {startup: {tcp: {port: http}}, liveness: {grpc: {port: 80}}}",
        ),
        ("    probes: {liveness: {exec: [true]}}", "    probes: {liveness: {exec: {command: [true]}}}"),
        ("    files: {/etc/a: text}", "    files: {/etc/a: {content: text}}"),
        (
            "    files: {/etc/shop/: {a.ini: text, b: {content: x, mode: \"0600\"}}}",
            "    files: {/etc/shop/a.ini: {content: text, directory: /etc/shop}, /etc/shop/b: {content: x, directory: /etc/shop, mode: 0600}}",
        ),
        ("    volumes: {/data: empty}", "    volumes: {/data: {empty: {medium: disk}}}"),
        ("    ulimits: {nofile: 1024}", "    ulimits: {nofile: {soft: 1024, hard: 1024}}"),
        ("    tmpfs: [/tmp, /run]", "    tmpfs: {/tmp: {}, /run: {}}"),
        (
            "    ports: {http: 80}\n    post_start: {exec: [a]}\n    pre_stop: {http: /bye}",
            "    ports: {http: 80}\n    post_start: {exec: {command: [a]}}\n    pre_stop: {http: {path: /bye}}",
        ),
        (
            "    capabilities: {add: [CAP_NET_ADMIN], drop: [all]}",
            "    capabilities: {add: [NET_ADMIN], drop: [ALL]}",
        ),
        ("secrets: [a, b]", "secrets: {a: {}, b: {}}"),
        (
            "    ports: {http: 80}\nnetwork: {expose: [api]}",
            "    ports: {http: 80}\nnetwork: {expose: [{service: api}]}",
        ),
    ] {
        assert_eq!(loaded(&service(short)), loaded(&service(long)), "{short}");
    }
}

#[test]
fn scalars_of_env_and_flags_keep_their_letters() {
    let profile = loaded(&service(
        "    env: {A: 4, B: 0777, C: no, D: 1e400, E: \"\", F: 1_000, G: ~x}\nflags: {X: off}",
    ));
    let printed = tree(&profile);
    assert_eq!(
        printed["services"]["api"]["env"],
        serde_json::json!({"A": "4", "B": "0777", "C": "no", "D": "1e400", "E": "", "F": "1_000", "G": "~x"})
    );
    assert_eq!(printed["flags"], serde_json::json!({"X": "off"}));
}

#[test]
fn files_that_were_read_travel_with_the_profile() {
    let profile = loaded(&service("    files: {/a: {from: text}, /b: {from: binary}}"));
    assert_eq!(from_tree(&tree(&profile)), Ok(profile.clone()));
    assert_eq!(loaded(&print(&profile)), profile);
}

#[test]
fn generated_profiles_are_good_and_read_back() {
    for seed in 0..200 {
        let profile = generate::profile(seed);
        assert_eq!(
            from_tree(&tree(&profile)).unwrap_or_else(|problems| panic!("seed {seed}: {problems}")),
            profile
        );
        let printed = print(&profile);
        let again = load_layers(&[&printed], &[], &[])
            .unwrap_or_else(|problems| panic!("seed {seed}: {problems}\n{printed}"));
        assert_eq!(again.profile, profile, "seed {seed}");
    }
}

#[test]
fn other_readers_of_yaml_understand_what_is_printed() {
    for seed in 0..100 {
        let profile = generate::profile(seed);
        let printed = print(&profile);
        let theirs: serde_json::Value = serde_yaml::from_str(&printed).unwrap();
        assert_eq!(theirs, tree(&profile), "seed {seed}");
        let saphyr: serde_json::Value = serde_saphyr::from_str(&printed).unwrap();
        assert_eq!(saphyr, tree(&profile), "seed {seed}");
    }
}

#[test]
fn the_generator_reaches_every_field() {
    let mut reached = std::collections::BTreeSet::new();
    for seed in 0..400 {
        collect(&tree(&generate::profile(seed)), "", &mut reached);
    }
    // One of each kind of place; the schema's walk covers the rest.
    for wanted in
        ["base64", "hole", "field", "jitter", "target_cpu", "ephemeral_storage", "run_as", "grpc", "sleep"]
    {
        assert!(reached.iter().any(|key| key == wanted), "{wanted}");
    }
}

fn collect(value: &serde_json::Value, key: &str, reached: &mut std::collections::BTreeSet<String>) {
    reached.insert(key.to_owned());
    match value {
        serde_json::Value::Object(object) => {
            object.iter().for_each(|(key, value)| collect(value, key, reached))
        }
        serde_json::Value::Array(items) => items.iter().for_each(|value| collect(value, "", reached)),
        _ => {}
    }
}

#[test]
fn the_short_forms_of_a_generated_profile_read_back() {
    for seed in 0..200 {
        let profile = generate::profile(seed);
        let long = tree(&profile);
        assert_eq!(from_tree(&shorten(&long)).as_ref(), Ok(&profile), "seed {seed}");
        let printed = by_hand(&long, &|at| vec![format!("beside `{at}`:\nno line of its own")]);
        let again = load_layers(&[&printed], &[], &[])
            .unwrap_or_else(|problems| panic!("seed {seed}: {problems}\n{printed}"));
        assert_eq!(again.profile, profile, "seed {seed}\n{printed}");
    }
}
