//! Variables as the kubelet makes them, each from where it comes.

use serde_json::json;

use super::stage::{draft, says};

const AROUND: &str = "\
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {MODE: fast, LEVEL: \"3\", URL: \"http://x\"}
---
apiVersion: v1
kind: Secret
metadata: {name: keys}
data: {API_KEY: aHVudGVyMi1odW50ZXIy, token: aHVudGVyMy1odW50ZXIz}
---
apiVersion: v1
kind: Service
metadata: {name: redis-main}
spec: {selector: {app: cache}, ports: [{port: 6379}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: cache}
spec: {template: {metadata: {labels: {app: cache}}, spec: {containers: [{name: r, image: \"redis:7.4\"}]}}}
---
";

fn env(lines: &str) -> prodmirror::capture::draft::Draft {
    let pod = format!(
        "{AROUND}apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: web, namespace: default}}\nspec:\n  template:\n    metadata: {{labels: {{app: web}}}}\n    spec:\n      serviceAccountName: shop\n      containers:\n      - name: a\n        image: a:1\n        resources: {{limits: {{cpu: 1500m, memory: 64Mi}}}}\n{lines}"
    );
    draft(&pod)
}

#[test]
fn whole_maps_come_first_and_single_variables_win() {
    let draft = env(
        "        envFrom: [{configMapRef: {name: settings}}, {prefix: K_, secretRef: {name: keys}}]\n        env: [{name: MODE, value: slow}, {name: MORE, value: \"$(LEVEL)-$(MODE)-$$(X)-$(NONE)\"}]\n",
    );
    let env = &draft.profile["services"]["web"]["env"];
    assert_eq!(env["MODE"], "slow");
    assert_eq!(env["LEVEL"], "3");
    assert_eq!(env["MORE"], "3-slow-$(X)-$(NONE)");
    assert_eq!(env["K_API_KEY"], "${secret:keys-api-key}");
    assert_eq!(env["K_token"], "${secret:keys-token}");
    let printed = draft.text() + &serde_json::to_string(&draft).unwrap();
    for value in ["aHVudGVy", "hunter2", "hunter3"] {
        assert!(!printed.contains(value), "a Secret's value is printed: {value}");
    }
}

#[test]
fn secrets_stand_inside_of_texts_and_addresses_are_references() {
    let draft = env(
        "        env:\n        - {name: KEY, valueFrom: {secretKeyRef: {name: keys, key: token}}}\n        - {name: URL, value: \"redis://:$(KEY)@$(REDIS_MAIN_SERVICE_HOST):$(REDIS_MAIN_SERVICE_PORT)/0\"}\n",
    );
    let env = &draft.profile["services"]["web"]["env"];
    assert_eq!(
        env["URL"],
        "redis://:${secret:keys-token}@${store:redis-main.host}:${store:redis-main.port}/0"
    );
}

#[test]
fn the_downward_api_becomes_what_a_profile_has_for_it() {
    let draft = env(
        "        env:\n        - {name: POD, valueFrom: {fieldRef: {fieldPath: metadata.name}}}\n        - {name: IP, valueFrom: {fieldRef: {fieldPath: status.podIP}}}\n        - {name: NS, valueFrom: {fieldRef: {fieldPath: metadata.namespace}}}\n        - {name: APP, valueFrom: {fieldRef: {fieldPath: \"metadata.labels['app']\"}}}\n        - {name: ACCOUNT, valueFrom: {fieldRef: {fieldPath: spec.serviceAccountName}}}\n        - {name: HOST, valueFrom: {fieldRef: {fieldPath: status.hostIP}}}\n        - {name: CPU, valueFrom: {resourceFieldRef: {resource: limits.cpu}}}\n        - {name: MILLIS, valueFrom: {resourceFieldRef: {resource: limits.cpu, divisor: 1m}}}\n        - {name: MIB, valueFrom: {resourceFieldRef: {resource: limits.memory, divisor: 1Mi}}}\n        - {name: ID, value: \"$(POD)-1\"}\n",
    );
    let env = &draft.profile["services"]["web"]["env"];
    assert_eq!(env["POD"]["field"], "pod.name");
    assert_eq!(env["IP"]["field"], "pod.address");
    assert_eq!(env["NS"], "default");
    assert_eq!(env["APP"], "web");
    assert_eq!(env["ACCOUNT"], "shop");
    assert_eq!(env["CPU"]["field"], "limits.cpu");
    assert_eq!(env["MILLIS"], "1500");
    assert_eq!(env["MIB"], "64");
    let holes: Vec<String> = draft.holes.iter().map(|hole| hole.path.to_string()).collect();
    assert_eq!(holes, ["services.web.env.HOST", "services.web.env.ID"]);
}

#[test]
fn what_was_not_read_is_a_hole_or_a_note_and_never_empty() {
    let draft = env(
        "        envFrom: [{configMapRef: {name: gone}}, {secretRef: {name: gone, optional: true}}]\n        env:\n        - {name: A, valueFrom: {configMapKeyRef: {name: gone, key: a}}}\n        - {name: B, valueFrom: {configMapKeyRef: {name: settings, key: gone, optional: true}}}\n        - {name: C, valueFrom: {secretKeyRef: {name: elsewhere, key: c}}}\n        - {name: D}\n",
    );
    let env = &draft.profile["services"]["web"]["env"];
    assert!(env["A"]["hole"].as_str().unwrap().contains("ConfigMap `gone` was not read"));
    assert!(env.get("B").is_none());
    assert_eq!(env["C"], "${secret:elsewhere-c}");
    assert_eq!(env["D"], "");
    says(&draft, "the ConfigMap `gone` was not read: its variables are not known");
    says(&draft, "the Secret `gone` was not read, and it may be absent");
    says(&draft, "has no key `gone`, and it may be absent");
}

#[test]
fn words_of_a_command_are_filled_in_and_a_secret_there_is_said() {
    let draft =
        env("        args: [\"--mode=$(MODE)\", \"$$(MODE)\"]\n        env: [{name: MODE, value: fast}]\n");
    assert_eq!(draft.profile["services"]["web"]["command"], json!(["--mode=fast", "$(MODE)"]));
    let draft = env(
        "        args: [\"--key=$(KEY)\"]\n        env: [{name: KEY, valueFrom: {secretKeyRef: {name: keys, key: token}}}]\n",
    );
    assert_eq!(draft.holes[0].path.to_string(), "services.web.command");
    assert!(draft.holes[0].reason.contains("no reference can stand here"), "{:?}", draft.holes);
}

#[test]
fn files_of_a_secret_are_secrets_and_those_of_a_map_have_their_content() {
    let draft = env(
        "        volumeMounts: [{name: k, mountPath: /run/keys, readOnly: true}, {name: s, mountPath: /etc/mode, subPath: MODE}]\n      volumes: [{name: k, secret: {secretName: keys, defaultMode: 256}}, {name: s, configMap: {name: settings}}]\n",
    );
    let files = &draft.profile["services"]["web"]["files"];
    assert_eq!(files["/run/keys/token"]["secret"], "keys-token");
    assert_eq!(files["/run/keys/token"]["mode"], "0400");
    assert_eq!(files["/run/keys/token"]["directory"], "/run/keys");
    assert_eq!(files["/etc/mode"]["content"], "fast");
    assert!(files.get("/etc/mode/LEVEL").is_none());
}

/// The kubelet fills in the words of a probe by what is written out beside it alone, and those of a hook not at all.
#[test]
fn words_of_a_probe_are_what_the_kubelet_runs_and_words_of_a_hook_what_is_written() {
    let draft = draft(
        "
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - name: web
    image: web:1
    env: [{name: PORT, value: \"8080\"}, {name: NODE, valueFrom: {fieldRef: {fieldPath: spec.nodeName}}}]
    readinessProbe: {exec: {command: [ask, \"$(PORT)\", \"$(NODE)\", \"$$(PORT)\", \"$$\", \"$(NONE)\"]}}
    lifecycle: {preStop: {exec: {command: [tell, \"$(PORT)\", \"$$\"]}}}
",
    );
    let web = &draft.profile["services"]["web"];
    let words = &web["probes"]["readiness"]["exec"]["command"];
    assert_eq!(*words, json!(["ask", "8080", "$(NODE)", "$(PORT)", "$", "$(NONE)"]));
    assert_eq!(web["pre_stop"]["exec"]["command"], json!(["tell", "$(PORT)", "$$"]));
}
