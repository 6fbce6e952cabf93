//! The manifests of a cluster's plan.

use prodmirror::{
    capture::{
        draft::From,
        kubernetes::{self, Document, documents},
        redact::Rules,
    },
    plan::{BackendKind, ClusterPlan, cluster, kubernetes::ObjectKind},
    profile::{Origins, Profile, Text, Value},
    render::{self, Bundle, RenderError, Templates},
};

use crate::{launched::hard, planned};

/// A service and a store with something of everything, and a job.
const RICH: &str = r#"
secrets: {db-password: {}, session-key: {}}
flags: {ENABLE_CACHE: true}
services:
  api:
    image: "registry.example.com/notes/web:2.3.1@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
    entrypoint: [/bin/sh, -c]
    command: ["exec serve $(PORT) $$"]
    working_dir: /srv
    env: {DATABASE_URL: "${store:db.url}", SESSION_KEY: "${secret:session-key}", POD: {field: pod.name}, CORES: {field: limits.cpu}, HOME_IS: "$HOME $(HOME)"}
    flags: [ENABLE_CACHE]
    files:
      /etc/app/app.ini: {content: "[a]\nb = 1\n", directory: /etc/app, mode: "0640"}
      /run/keys/key: {secret: session-key, mode: "0400"}
    volumes: {/cache: {empty: {medium: memory, size: 16Mi}}, /data: {claim: uploads, size: 2Gi}}
    init: {wait: {command: [wait-for, db]}}
    sidecars: {log: {command: [tail, -F, /cache/log], resources: {limits: {memory: 32Mi}}}}
    replicas: 3
    disruption: {max_unavailable: 25%}
    resources: {limits: {cpu: 500m, memory: 256Mi}, requests: {cpu: 250m}}
    ports: {http: 8000, metrics: 9000}
    probes:
      startup: {exec: [test, -e, "$(x)"]}
      readiness: {http: {path: /healthz, port: http, headers: {Host: "a: b"}}, period: 2s}
      liveness: {grpc: {port: metrics, service: a.b}}
    needs: [migrate]
    user: "1000:2000"
    groups: ["3000"]
    fs_group: 3000
    read_only: true
    tmpfs: {/tmp: {size: 1Mi}}
    capabilities: {add: [NET_BIND_SERVICE], drop: [ALL]}
    no_new_privileges: true
    seccomp: runtime/default
    hostname: web
    service_account: web
    extra_hosts: {legacy.example.com: 192.0.2.7}
    dns: {search: [prod.svc], ndots: 2}
    sysctls: {net.ipv4.tcp_syncookies: "0"}
    stop_grace_period: 70s
    post_start: {exec: [echo, "$(not read)"]}
    pre_stop: {sleep: 5s}
    labels: {team: checkout, note: "a b: c"}
jobs:
  migrate: {like: api, command: [migrate], needs: [db], retries: 2}
  nightly: {image: "local:api:dev", schedule: "0 3 * * *"}
stores:
  db: {engine: postgres, image: "postgres:16.4@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", database: notes, user: app, password: "${secret:db-password}"}
  cache: {engine: redis, image: "redis:7.4@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", password: "it's \"${secret:session-key}\""}
"#;

pub fn plan_of(profile: &Profile) -> ClusterPlan {
    cluster(profile, &planned::cluster_host(BackendKind::Kind), &Origins::default())
}

/// On a cluster with a metrics server.
pub fn measured(profile: &Profile) -> ClusterPlan {
    let mut capabilities = planned::cluster_host(BackendKind::Kind);
    capabilities.cluster.metrics = true;
    cluster(profile, &capabilities, &Origins::default())
}

pub fn rich() -> ClusterPlan {
    plan_of(&planned::profile(RICH))
}

pub fn bundle(plan: &ClusterPlan) -> Bundle {
    render::cluster(plan, &Templates::embedded()).unwrap_or_else(|error| panic!("{error}"))
}

/// A profile whose service `api` is given these variables, letter by letter.
pub fn with_variables(variables: impl IntoIterator<Item = (String, String)>) -> Profile {
    let mut profile = planned::service("restart: always");
    let env = &mut profile.services.values_mut().next().unwrap().run.process.env;
    env.extend(variables.into_iter().map(|(name, value)| (name, Value::Text(Text::literal(&value)))));
    profile
}

#[test]
fn the_files_read_like_this() {
    let bundle = bundle(&rich());
    let text =
        bundle.files.iter().map(|(name, text)| format!("==> {name}\n{}", String::from_utf8_lossy(text)));
    insta::assert_snapshot!(text.collect::<Vec<_>>().join("\n"));
}

#[test]
fn the_same_plan_gives_the_same_bytes() {
    assert_eq!(bundle(&rich()), bundle(&rich()));
}

#[test]
fn manifests_are_the_objects_of_the_plan_in_its_order_but_for_secrets() {
    let plan = rich();
    let manifests = render::manifests(&plan, &Templates::embedded()).unwrap();
    let wanted: Vec<_> =
        plan.objects.iter().map(|object| object.key()).filter(|key| key.kind != ObjectKind::Secret).collect();
    let found: Vec<_> = manifests.iter().map(|(key, _)| key.clone()).collect();
    let sorted = |mut keys: Vec<_>| {
        keys.sort();
        keys
    };
    assert_eq!(sorted(found), sorted(wanted));
    for (key, manifest) in manifests {
        assert_eq!(manifest["kind"], key.kind.as_str());
        assert_eq!(manifest["metadata"]["name"], key.name);
    }
}

#[test]
fn files_are_in_the_order_of_the_plan_even_with_more_than_ninety_waves() {
    let mut blocks = String::from("services:\n  s0: {image: \"local:api:dev\"}\n");
    for number in 1..=120 {
        let before = number - 1;
        blocks.push_str(&format!("  s{number}: {{image: \"local:api:dev\", needs: [s{before}]}}\n"));
    }
    let bundle = bundle(&plan_of(&planned::profile(&blocks)));
    let place = |service: &str| {
        let ends = format!("-{service}.yaml");
        let mut names: Vec<&String> = bundle.files.keys().filter(|name| name.ends_with(".yaml")).collect();
        names.sort();
        names.iter().position(|name| name.ends_with(&ends)).unwrap()
    };
    assert!((1..=120).all(|number| place(&format!("s{}", number - 1)) < place(&format!("s{number}"))));
}

#[test]
fn no_file_holds_the_value_of_a_secret_or_a_secret_object() {
    for (name, text) in bundle(&rich()).files {
        let text = String::from_utf8(text).unwrap();
        assert!(!text.contains("kind: Secret\n"), "{name}");
    }
}

/// The embedded templates with one piece of one of them replaced.
fn altered(name: &str, piece: &str, by: &str) -> Result<Bundle, RenderError> {
    let name = format!("kubernetes/{name}");
    let text = std::fs::read_to_string(format!("{}/templates/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap();
    assert!(text.contains(piece), "`{piece}` is not in {name}");
    let text = text.replace(piece, by);
    render::cluster(&rich(), &Templates::with([(name.as_str(), text.as_str())])?)
}

#[test]
fn a_template_may_add_what_the_plan_does_not_speak_of() {
    let restart = "  restartPolicy: {{ pod.restart | key }}";
    altered("pod.yaml.tera", restart, &format!("  priorityClassName: low\n{restart}")).unwrap();
}

#[test]
fn a_template_that_loses_or_opens_something_is_refused() {
    let (object, pod, container, walls) =
        ("object.yaml.tera", "pod.yaml.tera", "container.yaml.tera", "walls.yaml.tera");
    for (name, piece, by, place) in [
        (
            object,
            "podSelector: {}\n  policyTypes",
            "podSelector: {matchLabels: {a: b}}\n  policyTypes",
            "NetworkPolicy",
        ),
        (object, "        - podSelector: {}", "        - podSelector: {}\n    - {}", "NetworkPolicy"),
        (object, "policyTypes: [Egress]", "policyTypes: [Ingress]", "NetworkPolicy"),
        (object, "  selector:\n", "  type: LoadBalancer\n  selector:\n", "type"),
        (object, "  selector:\n", "  externalIPs: [192.0.2.1]\n  selector:\n", "externalIPs"),
        (object, "replicas: {{ object.replicas }}", "replicas: 1", "replicas"),
        (object, "suspend: true", "suspend: false", "suspend"),
        (object, "{{ entry.key | key }}: {{ entry.value }}", "{{ entry.key | key }}: x", "data"),
        (object, "{{ label.key | key }}: {{ label.value }}", "{{ label.key | key }}: x", "labels"),
        (object, "  namespace: {{ object.namespace | key }}", "  namespace: default", "namespace"),
        (object, "automountServiceAccountToken: false", "automountServiceAccountToken: true", "automount"),
        (
            pod,
            "automountServiceAccountToken: {{ pod.automount_token }}",
            "automountServiceAccountToken: true",
            "automount",
        ),
        (pod, "  restartPolicy:", "  hostNetwork: true\n  restartPolicy:", "hostNetwork"),
        (pod, "  restartPolicy:", "  hostPID: true\n  restartPolicy:", "hostPID"),
        (pod, "  restartPolicy:", "  hostIPC: true\n  restartPolicy:", "hostIPC"),
        (pod, "  volumes:\n", "  volumes:\n    - {name: more, hostPath: {path: /}}", "volumes"),
        (pod, "fsGroup: {{ pod.security.fs_group }}", "fsGroup: 0", "securityContext"),
        (pod, "mode: {{ item.mode }}", "mode: 511", "volumes"),
        (container, "image: {{ container.image }}", "image: debian", "image"),
        (container, "value: {{ variable.value }}", "value: x", "env"),
        (container, "key: {{ variable.key | key }}", "key: x", "env"),
        (container, "args: {{ container.command | list }}", "args: [x]", "args"),
        (
            container,
            "containerPort: {{ port.port }}",
            "containerPort: {{ port.port }}, hostPort: 80",
            "hostPort",
        ),
        (container, "          readOnly: true\n", "", "volumeMounts"),
        (
            container,
            "imagePullPolicy: {{ container.pull | key }}",
            "imagePullPolicy: Always",
            "imagePullPolicy",
        ),
        (container, "      env:\n", "      envFrom: [{secretRef: {name: x}}]\n      env:\n", "envFrom"),
        (container, "restartPolicy: Always", "tty: true", "restartPolicy"),
        (
            walls,
            "allowPrivilegeEscalation: {{ walls.privilege_escalation }}",
            "privileged: true",
            "securityContext",
        ),
        (walls, "drop: {{ walls.cap_drop | list }}", "drop: []", "securityContext"),
        ("file.yaml.tera", "---\n", "---\na: {b: c}\n---\n", "documents"),
    ] {
        let error = altered(name, piece, by).expect_err(by).to_string();
        assert!(error.contains(place), "{by}: {error}");
    }
}

#[test]
fn a_variable_that_a_template_misspells_is_an_error_with_its_place() {
    let error = altered("container.yaml.tera", "container.image }}", "container.imagf }}").unwrap_err();
    assert!(error.to_string().contains("container.imagf"), "{error}");
}

/// What `capture` makes of a bundle: the same reading of `$` as the kubelet's, written by somebody else.
fn captured(bundle: &Bundle) -> serde_json::Value {
    let documents = bundle.files.iter().filter(|(name, _)| name.ends_with(".yaml")).map(|(name, text)| {
        let values = documents(std::str::from_utf8(text).unwrap()).unwrap();
        Document { name: name.clone(), values }
    });
    let from = From { from: "files", ..From::default() };
    kubernetes::draft(documents.collect(), &from, &Rules::default()).unwrap().profile
}

#[test]
fn variables_and_words_are_read_back_byte_for_byte() {
    let hard = hard();
    // Kubernetes takes no variable of that name.
    let taken: Vec<_> = hard.into_iter().filter(|(name, _)| name != "<<").collect();
    let mut profile = with_variables(taken.clone());
    let words: Vec<String> =
        taken.iter().map(|(_, value)| value.clone()).filter(|value| !value.is_empty()).collect();
    let process = &mut profile.services.values_mut().next().unwrap().run.process;
    process.entrypoint = Some(words.clone());
    process.command = Some(words.clone());
    let tree = captured(&bundle(&plan_of(&profile)));
    let api = &tree["services"]["api"];
    let text = |value: &serde_json::Value| {
        let text = value.as_str().unwrap_or_else(|| panic!("{value}"));
        Text::parse(text).unwrap().0.as_literal().unwrap_or_default().to_owned()
    };
    for (name, value) in &taken {
        assert_eq!(text(&api["env"][name]), *value, "{name}");
    }
    for key in ["entrypoint", "command"] {
        let found: Vec<String> =
            api[key].as_array().unwrap().iter().map(|word| word.as_str().unwrap().to_owned()).collect();
        assert_eq!(found, words, "{key}");
    }
}
