//! Secrets of forty shapes in every place of a cluster's objects where one can be: none is in any output.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use prodmirror::capture::kubernetes::{self, Document};
use prodmirror::capture::{draft::Draft, redact::Rules};
use serde_json::{Value as Json, json};

use super::{
    planted::{Chance, Shows, shapes},
    stage::{FILES, closes},
};

fn deployment(container: Json, pod: Json) -> Json {
    let mut spec = json!({"containers": [{"name": "web", "image": "web:1"}]});
    let merge = |to: &mut Json, from: Json| {
        let from = from.as_object().cloned().unwrap_or_default();
        to.as_object_mut().unwrap().extend(from);
    };
    merge(&mut spec["containers"][0], container);
    merge(&mut spec, pod);
    json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": "shop"},
        "spec": {"selector": {"matchLabels": {"app": "web"}},
            "template": {"metadata": {"labels": {"app": "web"}}, "spec": spec}}})
}

fn of_container(container: Json) -> Vec<Json> {
    vec![deployment(container, json!({}))]
}

fn beside(other: Json) -> Vec<Json> {
    vec![deployment(json!({"envFrom": [{"configMapRef": {"name": "c"}}]}), json!({})), other]
}

/// Places where any text may stand, and places that say that theirs is a secret.
fn places(text: &str) -> Vec<(&'static str, Vec<Json>, bool)> {
    let flat = text.replace('\n', " ");
    let variable = |name: &str, value: &str| json!([{"name": name, "value": value}]);
    let config = |data: Json| json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c", "namespace": "shop"}, "data": data});
    let annotated = |key: &str, value: &str| {
        let mut object = deployment(json!({}), json!({}));
        object["metadata"]["annotations"] = json!({ key: value });
        vec![object]
    };
    let applied = serde_json::to_string(&deployment(json!({"env": variable("API_TOKEN", text)}), json!({})));
    let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web-1", "namespace": "shop",
        "labels": {"app": "web"}}, "spec": {"containers": [{"name": "web", "image": "web:1",
        "env": variable("API_TOKEN", text)}]}, "status": {"containerStatuses": [{"name": "web", "restartCount": 1,
        "lastState": {"terminated": {"reason": "Error", "message": flat}}}]}});
    let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "namespace": "shop"},
        "data": {"key": STANDARD.encode(text)}, "stringData": {"other": text}});
    let job = |env: Json| {
        json!({"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": "nightly", "namespace": "shop"},
            "spec": {"schedule": "0 3 * * *", "jobTemplate": {"spec": {"template": {"spec": {"restartPolicy": "Never",
            "containers": [{"name": "run", "image": "run:1", "env": env}]}}}}}})
    };
    vec![
        ("telling variable", of_container(json!({"env": variable("API_TOKEN", text)})), true),
        ("other variable", of_container(json!({"env": variable("BLOB", text)})), false),
        (
            "within a text",
            of_container(json!({"env": variable("BLOB", &format!("before {text} after"))})),
            false,
        ),
        (
            "variable of an init container",
            vec![deployment(
                json!({}),
                json!({"initContainers": [{"name": "i",
            "image": "i:1", "env": variable("DB_PASSWORD", text)}]}),
            )],
            true,
        ),
        (
            "variable of a sidecar",
            vec![deployment(
                json!({}),
                json!({"initContainers": [{"name": "i",
            "image": "i:1", "restartPolicy": "Always", "env": variable("DB_PASSWORD", text)}]}),
            )],
            true,
        ),
        ("variable of a job", vec![job(variable("API_KEY", text))], true),
        ("option of a command", of_container(json!({"args": ["run", format!("--api-key={flat}")]})), true),
        ("word after an option", of_container(json!({"args": ["run", "--password", text]})), true),
        (
            "assignment in a shell",
            of_container(json!({"command": ["sh", "-c", format!("DB_PASSWORD='{flat}' run")]})),
            true,
        ),
        ("word of a command", of_container(json!({"command": ["run", text]})), false),
        (
            "header of a probe",
            of_container(json!({"readinessProbe": {"httpGet": {"path": "/", "port": 80,
            "httpHeaders": [{"name": "Authorization", "value": flat}]}}})),
            true,
        ),
        (
            "path of a probe",
            of_container(json!({"livenessProbe": {"httpGet": {"path": format!("/?q={flat}"), "port": 80}}})),
            false,
        ),
        (
            "words of a probe",
            of_container(json!({"startupProbe": {"exec": {"command": ["ask", text]}}})),
            false,
        ),
        (
            "hook",
            of_container(json!({"lifecycle": {"preStop": {"exec": {"command": ["tell", text]}}}})),
            false,
        ),
        ("working folder", of_container(json!({"workingDir": format!("/{flat}")})), false),
        ("termination log", of_container(json!({"terminationMessagePath": format!("/{flat}")})), false),
        ("host name", vec![deployment(json!({}), json!({"hostname": flat}))], false),
        (
            "host alias",
            vec![deployment(json!({}), json!({"hostAliases": [{"ip": "10.0.0.1", "hostnames": [flat]}]}))],
            false,
        ),
        ("node selector", vec![deployment(json!({}), json!({"nodeSelector": {"note": flat}}))], false),
        (
            "sysctl",
            vec![deployment(
                json!({}),
                json!({"securityContext": {"sysctls": [{"name": "kernel.x", "value": flat}]}}),
            )],
            false,
        ),
        (
            "host path",
            vec![deployment(
                json!({}),
                json!({"volumes": [{"name": "v", "hostPath": {"path": format!("/{flat}")}}]}),
            )],
            false,
        ),
        (
            "volume of a driver",
            vec![deployment(
                json!({}),
                json!({"volumes": [{"name": "v", "csi": {"driver": "d",
            "volumeAttributes": {"token": text}}}]}),
            )],
            true,
        ),
        ("annotation", annotated("note", text), false),
        (
            "what was applied last",
            annotated("kubectl.kubernetes.io/last-applied-configuration", &applied.unwrap()),
            true,
        ),
        ("key of a ConfigMap that tells", beside(config(json!({"API_TOKEN": text}))), true),
        ("key of a ConfigMap", beside(config(json!({"BLOB": text}))), false),
        (
            "file of a ConfigMap",
            vec![
                deployment(
                    json!({"volumeMounts": [{"name": "v", "mountPath": "/etc/c"}]}),
                    json!({"volumes": [{"name": "v", "configMap": {"name": "c"}}]}),
                ),
                config(json!({"app.ini": format!("a\n{text}\n")})),
            ],
            false,
        ),
        ("ConfigMap that nobody names", vec![config(json!({"password": text}))], true),
        ("Secret", beside(secret), true),
        ("Pod that runs", beside(pod), true),
        (
            "Service",
            beside(
                json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web", "namespace": "shop",
            "annotations": {"token": text}}, "spec": {"selector": {"app": "web"}, "ports": [{"port": 80}]}}),
            ),
            true,
        ),
        (
            "Ingress",
            beside(
                json!({"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": "web",
            "namespace": "shop", "annotations": {"auth-secret": text}}, "spec": {"rules": [{"host": flat}]}}),
            ),
            false,
        ),
        (
            "kind that nobody reads",
            beside(json!({"apiVersion": "example.com/v1", "kind": "Own", "metadata": {"name": "o",
            "namespace": "shop"}, "spec": {"token": text}})),
            true,
        ),
    ]
}

fn drafted(objects: Vec<Json>) -> Draft {
    let document = Document { name: "shop.yaml".to_owned(), values: objects };
    kubernetes::draft(vec![document], &FILES, &Rules::default()).unwrap()
}

#[test]
fn no_planted_secret_is_in_any_output() {
    let mut chance = Chance(11);
    let (mut planted, mut leaks) = (0, Vec::new());
    let kinds = shapes(&mut chance).len();
    assert!(kinds >= 40);
    for kind in 0..kinds {
        for place in 0..places("").len() {
            let (name, text, secret, shows) = shapes(&mut chance).swap_remove(kind);
            let (at, objects, telling) = places(&text).swap_remove(place);
            if shows == Shows::Nothing && !telling {
                continue;
            }
            let draft = drafted(objects);
            closes(&draft);
            planted += 1;
            let printed = [draft.text(), serde_json::to_string(&draft).unwrap(), format!("{draft:?}")];
            let head = &secret[..secret.len().min(8)];
            let in_base64 = STANDARD.encode(&text);
            if printed.iter().any(|text| text.contains(head) || text.contains(&in_base64)) {
                leaks.push(format!("{name} as {at}:\n{}", printed[0]));
            }
        }
    }
    assert!(planted >= 1_000, "{planted}");
    assert!(leaks.is_empty(), "{} of {planted} leak:\n{}", leaks.len(), leaks.join("\n"));
}
