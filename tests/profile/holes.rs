//! Holes: what could not be read keeps its place, and is neither absent, nor empty, nor a secret.

use prodmirror::profile::{Path, from_tree, print, schema, tree};
use serde_json::{Value, json};

use crate::support::{load_layers, loaded, problems, service};

/// Every kind of place, as it is written, and the path at which the value is missing.
const PLACES: &[(&str, &str)] = &[
    ("    env: {A: {hole: why}, B: x}", "services.api.env.A"),
    ("    command: {hole: why}", "services.api.command"),
    ("    command: [a, {hole: why}, b]", "services.api.command[1]"),
    ("    entrypoint: {hole: why}", "services.api.entrypoint"),
    ("    replicas: {hole: why}", "services.api.replicas"),
    ("    user: {hole: why}", "services.api.user"),
    ("    read_only: {hole: why}", "services.api.read_only"),
    ("    labels: {a: {hole: why}, b: x}", "services.api.labels.a"),
    ("    sysctls: {net.core.somaxconn: {hole: why}}", "services.api.sysctls[\"net.core.somaxconn\"]"),
    ("    resources: {limits: {memory: {hole: why}}}", "services.api.resources.limits.memory"),
    ("    resources: {limits: {hole: why}, requests: {cpu: 1}}", "services.api.resources.limits"),
    ("    resources: {hole: why}", "services.api.resources"),
    ("    ulimits: {nofile: {soft: 5, hard: {hole: why}}}", "services.api.ulimits.nofile.hard"),
    ("    tmpfs: {/tmp: {size: {hole: why}}}", "services.api.tmpfs[\"/tmp\"].size"),
    ("    capabilities: {add: {hole: why}}", "services.api.capabilities.add"),
    ("    ports: {http: {hole: why}, admin: 81}", "services.api.ports[name=http].port"),
    ("    ports: [{name: http, port: 80, protocol: {hole: why}}]", "services.api.ports[name=http].protocol"),
    ("    ports: {a: {hole: why}}\n    probes: {liveness: {tcp: 8080}}", "services.api.ports[name=a].port"),
    ("    ports: {a: 80}\n    probes: {liveness: {hole: why}}", "services.api.probes.liveness"),
    (
        "    ports: {a: 80}\n    probes: {liveness: {http: {hole: why}}}",
        "services.api.probes.liveness.http.path",
    ),
    (
        "    ports: {a: 80}\n    probes: {liveness: {tcp: 80, period: {hole: why}}}",
        "services.api.probes.liveness.period",
    ),
    ("    probes: {liveness: {exec: {hole: why}}}", "services.api.probes.liveness.exec.command"),
    ("    probes: {liveness: {exec: [a, {hole: why}]}}", "services.api.probes.liveness.exec.command[1]"),
    ("    pre_stop: {hole: why}", "services.api.pre_stop"),
    ("    files: {/etc/a: {hole: why}, /etc/b: x}", "services.api.files[\"/etc/a\"].content"),
    ("    files: {/etc/a: {content: {hole: why}, mode: 0600}}", "services.api.files[\"/etc/a\"].content"),
    ("    files: {/etc/a: {content: x, user: {hole: why}}}", "services.api.files[\"/etc/a\"].user"),
    ("    files: {/etc/c/: {a: {hole: why}}}", "services.api.files[\"/etc/c/a\"].content"),
    ("    volumes: {/data: {hole: why}}", "services.api.volumes[\"/data\"]"),
    ("    volumes: {/data: {claim: data, size: {hole: why}}}", "services.api.volumes[\"/data\"].size"),
    ("    autoscaling: {min: {hole: why}, max: 3}\n    replicas: 9", "services.api.autoscaling.min"),
    ("    disruption: {hole: why}", "services.api.disruption"),
    ("    sidecars: {log: {image: {hole: why}}}", "services.api.sidecars.log.image"),
    ("    init: {wait: {command: {hole: why}}}", "services.api.init.wait.command"),
    ("    hostname: {hole: why}", "services.api.hostname"),
    ("    dns: {hole: why}", "services.api.dns"),
    ("flags: {NEW: {hole: why}, OLD: x}", "flags.NEW"),
    ("secrets: {key: {hole: why}, other: {}}", "secrets.key"),
    ("platform: {cores: {hole: why}}", "platform.cores"),
    ("network: {egress: {hole: why}}", "network.egress"),
    ("network: {egress: {allow: {hole: why}}}", "network.egress.allow"),
    ("endpoints: {env: {APP: {hole: why}}}", "endpoints.env.APP"),
    ("captured: {from: files, at: {hole: why}}", "captured.at"),
    ("stores: {db: {engine: postgres, image: {hole: why}}}", "stores.db.image"),
    (
        "stores: {db: {engine: postgres, image: \"local:a:b\", password: {hole: why}, user: x}}",
        "stores.db.password",
    ),
    (
        "stores: {db: {engine: postgres, image: \"local:a:b\", user: {hole: why}, run_as: 5}}",
        "stores.db.user",
    ),
    ("stores: {db: {engine: postgres, image: \"local:a:b\", run_as: {hole: why}}}", "stores.db.run_as"),
    ("stores: {db: {engine: postgres, image: \"local:a:b\", seed: {hole: why}}}", "stores.db.seed"),
    (
        "stores: {db: {engine: postgres, image: \"local:a:b\", settings: {a: {hole: why}, b: 1}}}",
        "stores.db.settings.a",
    ),
    ("jobs: {j: {image: \"local:a:b\", schedule: {hole: why}}}", "jobs.j.schedule"),
    ("jobs: {j: {image: {hole: why}}}", "jobs.j.image"),
];

/// What stands at a path of a tree.
fn at<'v>(tree: &'v Value, path: &str) -> Option<&'v Value> {
    use prodmirror::path::Segment;
    path.parse::<Path>().unwrap().0.iter().try_fold(tree, |value, segment| match segment {
        Segment::Key(key) => value.get(key),
        Segment::Index(index) => value.get(index),
        Segment::Member { field, value: name } => {
            value.as_array()?.iter().find(|member| member[field] == name.as_str())
        }
    })
}

#[test]
fn a_hole_may_stand_wherever_a_value_does() {
    let validator = jsonschema::validator_for(&schema()).unwrap();
    for (body, path) in PLACES {
        let text = service(body);
        let warnings = problems(&text);
        assert_eq!(warnings.len(), 1, "{body}: {warnings:?}");
        assert_eq!((warnings[0].code, warnings[0].is_error()), ("hole", false), "{body}");
        assert_eq!(warnings[0].path.to_string(), *path, "{body}");
        let (line, column) = (warnings[0].line.unwrap() as usize, warnings[0].column.unwrap() as usize);
        let caret = &text.lines().nth(line - 1).unwrap()[column - 1..];
        assert!(caret.starts_with("{hole: why}"), "{body}: the caret is at {caret}");

        let profile = loaded(&text);
        assert_eq!(profile.holes.len(), 1, "{body}: {:?}", profile.holes);
        let tree = tree(&profile);
        assert_eq!(at(&tree, path), Some(&json!({"hole": "why"})), "{body}: {tree:#}");
        assert_eq!(from_tree(&tree).unwrap(), profile, "{body}");
        assert_eq!(loaded(&print(&profile)), profile, "{body}");
        assert!(validator.is_valid(&tree), "{body}: {:?}", validator.validate(&tree));
        let written: Value = serde_yaml::from_str(&text).unwrap();
        assert!(validator.is_valid(&written), "{body}: {:?}", validator.validate(&written));
    }
}

#[test]
fn a_hole_is_written_where_its_field_belongs() {
    let profile = loaded(&service(
        "    command: {hole: why}\n    env: {A: {hole: gone}, B: x}\n    replicas: 3\n    resources: {limits: {cpu: {hole: hidden}, memory: 1Gi}}",
    ));
    assert_eq!(
        print(&profile),
        "apiVersion: prodmirror/v1\nname: t\nservices:\n  api:\n    image: local:api:dev\n    command:\n      hole: why\n    env:\n      A:\n        hole: gone\n      B: x\n    resources:\n      limits:\n        cpu:\n          hole: hidden\n        memory: 1Gi\n    replicas: 3\n"
    );
}

#[test]
fn absent_empty_a_secret_and_a_hole_are_four_things() {
    let four = [
        "    command: [a]",
        "    user: \"\"",
        "    env: {A: \"${secret:key}\"}\nsecrets: {key: {}}",
        "    env: {A: {hole: why}}",
    ];
    let env = ["    env: {}", "    env: {A: \"\"}", four[2], four[3]];
    let trees: Vec<Value> = env.iter().map(|body| tree(&loaded(&service(body)))).collect();
    for (index, one) in trees.iter().enumerate() {
        assert_eq!(&tree(&from_tree(one).unwrap()), one);
        assert_eq!(trees.iter().filter(|other| other["services"] == one["services"]).count(), 1, "{index}");
    }
}

#[test]
fn a_map_of_free_keys_may_have_one_called_hole() {
    for (body, path) in [
        ("    env: {hole: x}", "services.api.env"),
        ("    labels: {hole: x}", "services.api.labels"),
        ("flags: {hole: x}", "flags"),
        ("scenarios: {s: {hole: x}}", "scenarios.s"),
    ] {
        let profile = loaded(&service(body));
        assert!(profile.holes.is_empty(), "{body}");
        let tree = tree(&profile);
        assert_eq!(at(&tree, path), Some(&json!({"hole": "x"})), "{body}");
        assert_eq!(prodmirror::profile::hole(&path.parse().unwrap(), at(&tree, path).unwrap()), None);
    }
    assert_eq!(loaded(&service("    ports: {hole: 80}")).services[0].run.ports[0].port, 80);
    let file = loaded(&service("    files: {/etc/a/: {hole: x}}"));
    assert_eq!(at(&tree(&file), "services.api.files[\"/etc/a/hole\"].content"), Some(&json!("x")));
}

#[test]
fn what_shapes_a_profile_is_no_hole() {
    for (body, path) in [
        ("    needs: [{hole: why}]", "services.api.needs[0]"),
        ("    ports: [{name: {hole: why}, port: 1}]", "services.api.ports[0].name"),
        ("    volumes: {/a: {claim: {hole: why}}}", "services.api.volumes[\"/a\"].claim"),
        ("    sidecars: {s: {hole: why}}", "services.api.sidecars.s"),
        ("  web: {hole: why}", "services.web"),
        ("stores: {db: {engine: {hole: why}, image: \"local:a:b\"}}", "stores.db.engine"),
        ("network: {links: [{from: {hole: why}, to: api, loss: 1}]}", "network.links[0].from"),
        ("    env: {A: {hole: }}", "services.api.env.A"),
        ("    env: {A: {hole: why, field: pod.name}}", "services.api.env.A.hole"),
        ("    resources: {limits: {hole: why, memory: 1Gi}}", "services.api.resources.limits.hole"),
    ] {
        let said = problems(&service(body));
        assert!(
            said.iter().any(|each| each.is_error() && each.path.to_string().starts_with(path)),
            "{body}: {said:?}"
        );
        let written: Value = serde_yaml::from_str(&service(body)).unwrap();
        assert!(!jsonschema::is_valid(&schema(), &written), "{body}");
    }
}

#[test]
fn a_later_layer_fills_a_hole_and_digs_one() {
    let base = service(
        "    command: [a, {hole: why}]\n    env: {A: {hole: why}, hole: 1}\n    resources: {limits: {hole: why}}\n    ports: {http: {hole: why}}",
    );
    let fill = "services: {api: {command: [b], env: {A: x, B: 2}, resources: {limits: {memory: 1Gi}}, ports: {http: 80}}}";
    let full = load_layers(&[&base, fill], &[], &[]).unwrap().profile;
    assert!(full.holes.is_empty(), "{:?}", full.holes);
    let full = tree(&full);
    assert_eq!(at(&full, "services.api.resources.limits"), Some(&json!({"memory": "1Gi"})));
    assert_eq!(at(&full, "services.api.env"), Some(&json!({"A": "x", "hole": "1", "B": "2"})));
    assert_eq!(at(&full, "services.api.ports[name=http].port"), Some(&json!(80)));

    let set = [
        "services.api.command[1]=b",
        "services.api.env.A=",
        "services.api.resources.limits.cpu=1",
        "services.api.ports.http=80",
    ];
    let set = load_layers(&[&base], &set, &[]).unwrap().profile;
    assert!(set.holes.is_empty(), "{:?}", set.holes);
    assert_eq!(at(&tree(&set), "services.api.env.A"), Some(&json!("")));
    assert_eq!(at(&tree(&set), "services.api.command"), Some(&json!(["a", "b"])));

    let unset = load_layers(&[&base], &[], &["services.api.env.A", "services.api.resources.limits"]).unwrap();
    assert_eq!(unset.profile.holes.len(), 2);
    assert!(unset.problems.iter().all(|problem| problem.code == "hole"), "{:?}", unset.problems);

    let dug = "services: {api: {env: {B: {hole: later}}, resources: {limits: {hole: later}}}}";
    let dug = load_layers(
        &[&service("    env: {A: 1, B: 2}\n    resources: {limits: {memory: 1Gi}}"), dug],
        &[],
        &[],
    );
    let dug = tree(&dug.unwrap().profile);
    assert_eq!(at(&dug, "services.api.env"), Some(&json!({"A": "1", "B": {"hole": "later"}})));
    assert_eq!(at(&dug, "services.api.resources.limits"), Some(&json!({"hole": "later"})));
}

#[test]
fn a_job_that_is_like_a_service_has_its_holes() {
    let text = service("    env: {A: {hole: why}, B: x}\njobs: {j: {like: api, env: {B: {hole: other}}}}");
    let profile = loaded(&text);
    let holes: Vec<String> = profile.holes.iter().map(|(path, why)| format!("{path} {why}")).collect();
    assert_eq!(holes, ["services.api.env.A why", "jobs.j.env.A why", "jobs.j.env.B other"]);
    assert_eq!(loaded(&print(&profile)), profile);
}

#[test]
fn a_secret_that_is_given_is_no_hole() {
    let mut profile = loaded(&service("secrets: {key: {hole: why}, other: {hole: why}}"));
    profile.fill_secret(&"key".parse().unwrap());
    assert_eq!(tree(&profile)["secrets"], json!({"key": {}, "other": {"hole": "why"}}));
}
