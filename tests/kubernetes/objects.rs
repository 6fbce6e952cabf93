//! Objects, and the part of a profile that each becomes.

use serde_json::json;

use super::stage::{draft, notes, says};

/// A Deployment with these lines in its pod's specification, further in by six spaces.
fn deployment(name: &str, pod: &str) -> String {
    format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: {name}}}\nspec:\n  selector: {{matchLabels: {{app: {name}}}}}\n  template:\n    metadata: {{labels: {{app: {name}}}}}\n    spec:\n{}",
        pod.lines().map(|line| format!("      {line}\n")).collect::<String>()
    )
}

#[test]
fn a_deployment_is_a_service_with_all_of_its_pod() {
    let text = "\
apiVersion: v1
kind: Service
metadata: {name: shop, namespace: prod}
spec:
  type: LoadBalancer
  selector: {app: web}
  ports: [{name: http, port: 80, targetPort: web}]
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web, namespace: prod}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  minReplicas: 2
  maxReplicas: 9
  metrics:
  - {type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 70}}}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: settings, namespace: prod}
data: {app.ini: \"[a]\\n\", unread: x}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: prod, uid: 1-2-3, annotations: {a: b}}
spec:
  replicas: 3
  selector: {matchLabels: {app: web}}
  strategy: {type: RollingUpdate}
  template:
    metadata: {labels: {app: web, team: shop}}
    spec:
      terminationGracePeriodSeconds: 40
      serviceAccountName: web
      hostAliases: [{ip: 192.0.2.7, hostnames: [old.example.com]}]
      dnsConfig: {searches: [prod.svc], options: [{name: ndots, value: \"2\"}, {name: single-request}]}
      nodeSelector: {disk: ssd}
      securityContext: {runAsUser: 1000, fsGroup: 2000, supplementalGroups: [3000], sysctls: [{name: net.core.somaxconn, value: \"512\"}]}
      initContainers:
      - {name: prepare, image: \"busybox:1.36\", command: [sh, -c, \"echo $(NONE)\"]}
      - {name: log, image: \"fluent:2\", restartPolicy: Always}
      containers:
      - name: main
        image: example.com/web:1.2
        imagePullPolicy: Always
        command: [/bin/web]
        args: [--level, info]
        workingDir: /srv
        ports: [{name: web, containerPort: 8080}]
        resources: {limits: {cpu: 500m, memory: 256Mi, nvidia.com/gpu: 1}, requests: {cpu: \"0.1\"}}
        securityContext: {runAsGroup: 1001, readOnlyRootFilesystem: true, allowPrivilegeEscalation: false, capabilities: {add: [NET_BIND_SERVICE], drop: [ALL]}, seccompProfile: {type: RuntimeDefault}}
        startupProbe: {grpc: {port: 8080, service: x}, failureThreshold: 30}
        readinessProbe: {httpGet: {path: /ready, port: web, scheme: HTTP, httpHeaders: [{name: X-Probe, value: a}]}, initialDelaySeconds: 1, periodSeconds: 2, timeoutSeconds: 3, successThreshold: 1, failureThreshold: 4}
        livenessProbe: {tcpSocket: {port: 8080}}
        lifecycle: {preStop: {exec: {command: [sleep, \"5\"]}}, postStart: {httpGet: {path: /warm, port: web}}}
        volumeMounts:
        - {name: settings, mountPath: /etc/app}
        - {name: tmp, mountPath: /tmp}
        - {name: data, mountPath: /data}
      - name: exporter
        image: exporter:1
        volumeMounts: [{name: tmp, mountPath: /tmp}]
      volumes:
      - {name: settings, configMap: {name: settings, defaultMode: 288, items: [{key: app.ini, path: app.ini}]}}
      - {name: tmp, emptyDir: {medium: Memory, sizeLimit: 64Mi}}
      - {name: data, persistentVolumeClaim: {claimName: web_data}}
status: {readyReplicas: 3}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: web, namespace: prod}
spec: {minAvailable: 2, selector: {matchLabels: {app: web}}}
status: {disruptionsAllowed: 1, expectedPods: 3}
---
apiVersion: example.com/v1
kind: Widget
metadata: {name: w}
spec: {a: 1}
";
    let draft = draft(text);
    insta::assert_snapshot!("deployment", draft.text());
    assert_eq!(draft.profile["services"]["shop"]["disruption"], json!({"min_available": 2}));
    assert_eq!(draft.profile["captured"]["unsupported"]["Widget/w"], "a profile has no place for this kind");
}

#[test]
fn a_budget_belongs_to_the_one_workload_whose_pods_it_holds() {
    let pod = "containers: [{name: a, image: \"a:1\"}]";
    let stack = format!("{}---\n{}", deployment("web", pod), deployment("api", pod));
    let budget = |name: &str, spec: &str| {
        format!(
            "---\napiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: {{name: {name}}}\nspec: {{{spec}}}\n"
        )
    };
    let web = "selector: {matchLabels: {app: web}}";
    let taken = |budgets: &[String]| draft(&format!("{stack}{}", budgets.concat()));
    for (spec, wanted) in [
        (format!("minAvailable: 0, {web}"), json!({"min_available": 0})),
        (format!("maxUnavailable: 25%, {web}"), json!({"max_unavailable": "25%"})),
        (
            "maxUnavailable: 1, selector: {matchExpressions: [{key: app, operator: In, values: [web, gone]}]}".to_owned(),
            json!({"max_unavailable": 1}),
        ),
    ] {
        let draft = taken(&[budget("b", &spec)]);
        assert_eq!(draft.profile["services"]["web"]["disruption"], wanted, "{spec}");
        assert!(draft.profile["services"]["api"].get("disruption").is_none());
        assert!(draft.profile["captured"].get("unsupported").is_none(), "{spec}");
    }
    for (spec, why) in [
        ("minAvailable: 1, selector: {}".to_owned(), "it holds several workloads together"),
        ("minAvailable: 1".to_owned(), "it selects nothing that was read"),
        (
            "minAvailable: 1, selector: {matchLabels: {app: gone}}".to_owned(),
            "it selects nothing that was read",
        ),
        (web.to_owned(), "it has no bound"),
        (format!("minAvailable: 1, maxUnavailable: 1, {web}"), "it has two bounds"),
        (format!("minAvailable: 101%, {web}"), "neither a number nor a percentage"),
        (format!("minAvailable: -1, {web}"), "neither a number nor a percentage"),
    ] {
        let draft = taken(&[budget("b", &spec)]);
        let said = draft.profile["captured"]["unsupported"]["PodDisruptionBudget/b"].to_string();
        assert!(said.contains(why), "{spec}: {said}");
        assert!(draft.profile["services"]["web"].get("disruption").is_none(), "{spec}");
    }
    let two = taken(&[
        budget("b", &format!("minAvailable: 1, {web}")),
        budget("c", &format!("minAvailable: 1, {web}")),
    ]);
    assert_eq!(two.profile["captured"]["unsupported"].as_object().unwrap().len(), 2);
    assert!(two.profile["services"]["web"].get("disruption").is_none());
    says(&two, "another one holds the same pods");
    let policy = format!("minAvailable: 1, unhealthyPodEvictionPolicy: AlwaysAllow, {web}");
    says(&taken(&[budget("b", &policy)]), "what is not ready is evicted while the budget is met alone");
}

#[test]
fn stores_jobs_and_sets_each_go_to_their_section() {
    let text = "\
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db}
spec:
  replicas: 1
  serviceName: db
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}}
    spec:
      containers:
      - name: postgres
        image: postgres:16.4
        env:
        - {name: POSTGRES_DB, value: shop}
        - {name: POSTGRES_PASSWORD, valueFrom: {secretKeyRef: {name: db, key: password}}}
        volumeMounts: [{name: data, mountPath: /var/lib/postgresql/data}]
  volumeClaimTemplates: [{metadata: {name: data}, spec: {resources: {requests: {storage: 10Gi}}}}]
---
apiVersion: v1
kind: Service
metadata: {name: db}
spec: {clusterIP: None, selector: {app: db}, ports: [{port: 5432}]}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: queue}
spec:
  replicas: 2
  selector: {matchLabels: {app: queue}}
  template:
    metadata: {labels: {app: queue}}
    spec: {containers: [{name: q, image: \"rabbitmq:3\", volumeMounts: [{name: data, mountPath: /var/lib/rabbitmq}]}]}
  volumeClaimTemplates: [{metadata: {name: data}, spec: {resources: {requests: {storage: 1Gi}}}}]
---
apiVersion: v1
kind: Service
metadata: {name: queue}
spec: {clusterIP: None, selector: {app: queue}, ports: [{port: 5672}]}
---
apiVersion: batch/v1
kind: CronJob
metadata: {name: nightly}
spec:
  schedule: \"0 3 * * *\"
  jobTemplate: {spec: {backoffLimit: 2, template: {spec: {restartPolicy: Never, containers: [{name: n, image: \"n:1\"}]}}}}
---
apiVersion: batch/v1
kind: Job
metadata: {name: migrate}
spec: {template: {spec: {restartPolicy: OnFailure, containers: [{name: n, image: \"n:1\"}]}}}
";
    let draft = draft(text);
    let profile = &draft.profile;
    assert_eq!(profile["stores"]["db"]["password"], "${secret:db-password}");
    assert_eq!(profile["stores"]["db"]["database"], "shop");
    assert!(profile["stores"]["db"].get("volumes").is_none(), "{profile}");
    assert_eq!(profile["services"]["queue"]["stateful"], true);
    assert_eq!(profile["services"]["queue"]["balancing"], "headless");
    assert_eq!(profile["services"]["queue"]["volumes"]["/var/lib/rabbitmq"]["claim"], "data");
    assert_eq!(profile["jobs"]["nightly"]["schedule"], "0 3 * * *");
    assert_eq!(profile["jobs"]["nightly"]["retries"], 2);
    assert_eq!(profile["jobs"]["migrate"]["retries"], 6);
    assert_eq!(profile["jobs"]["migrate"]["restart"], "on-failure");
}

#[test]
fn the_words_of_a_stores_command_are_its_settings() {
    let text = "\
apiVersion: apps/v1
kind: Deployment
metadata: {name: cache}
spec:
  template:
    spec:
      containers:
      - name: redis
        image: redis:7.4
        command: [redis-server]
        args: [--maxmemory, 64mb, --requirepass, $(PASS)]
        env: [{name: PASS, valueFrom: {secretKeyRef: {name: cache, key: pass}}}]
";
    let draft = draft(text);
    let cache = &draft.profile["stores"]["cache"];
    assert_eq!(cache["settings"]["maxmemory"], "64mb");
    assert_eq!(cache["password"], "${secret:cache-pass}");
    assert!(cache.get("command").is_none() && cache.get("entrypoint").is_none(), "{cache}");
}

#[test]
fn a_port_that_clients_know_by_another_number_is_said() {
    let service = "---\napiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {selector: {app: web}, ports: [{port: 80, targetPort: 8080}]}\n";
    let draft = draft(
        &(deployment("web", "containers: [{name: a, image: \"a:1\", ports: [{containerPort: 8080}]}]")
            + service),
    );
    says(&draft, "clients reach it at 8080 in a mirror");
    assert_eq!(draft.profile["services"]["web"]["ports"][0]["port"], 8080);
}

#[test]
fn lists_of_every_kind_are_taken_apart_and_counted_whole() {
    let single = "{\"apiVersion\": \"apps/v1\", \"kind\": \"Deployment\", \"metadata\": {\"name\": \"a\"}, \"spec\": {\"template\": {\"spec\": {\"containers\": [{\"name\": \"a\", \"image\": \"a:1\"}]}}}}";
    let bare = single.replace("\"apiVersion\": \"apps/v1\", \"kind\": \"Deployment\", ", "");
    let plain = draft(single);
    let list = draft(&format!(
        "{{\"apiVersion\": \"v1\", \"kind\": \"List\", \"metadata\": {{\"resourceVersion\": \"\"}}, \"items\": [{single}]}}"
    ));
    let typed = draft(&format!(
        "{{\"apiVersion\": \"apps/v1\", \"kind\": \"DeploymentList\", \"metadata\": {{}}, \"items\": [{bare}]}}"
    ));
    assert_eq!(plain.profile["services"], list.profile["services"]);
    assert_eq!(plain.profile["services"], typed.profile["services"]);
    assert_eq!(list.account.leaves, plain.account.leaves + 3);
    assert_eq!(typed.account.leaves, plain.account.leaves + 1);
}

#[test]
fn of_an_object_that_stands_twice_the_last_holds() {
    let of = |image: &str| deployment("web", &format!("containers: [{{name: a, image: \"{image}\"}}]"));
    let draft = draft(&format!("{}---\n{}", of("a:1"), of("a:2")));
    assert_eq!(draft.profile["services"]["web"]["image"], "a:2");
    says(&draft, "the same object stands further on");
}

#[test]
fn what_opens_the_host_is_left_out_and_said() {
    let pod = "hostNetwork: true\nhostPID: true\ncontainers: [{name: a, image: \"a:1\", securityContext: {privileged: true}, volumeMounts: [{name: h, mountPath: /host}]}]\nvolumes: [{name: h, hostPath: {path: /var/log}}]";
    let draft = draft(&deployment("web", pod));
    for words in ["hostNetwork", "hostPID", "privileged", "a path of the node"] {
        says(&draft, words);
    }
    assert!(draft.profile.get("allow").is_none());
}

#[test]
fn an_image_that_no_template_filled_in_is_a_hole() {
    let draft = draft(&deployment("web", "containers: [{name: a, image: \"{{ .Values.image }}\"}]"));
    let holes: Vec<String> =
        draft.holes.iter().map(|hole| format!("{}: {}", hole.path, hole.reason)).collect();
    assert_eq!(holes, ["services.web.image: the name of the image is not complete"]);
    assert_eq!(draft.account.holes, 1);
}

#[test]
fn nonsense_of_every_kind_is_an_account_and_no_panic() {
    let kinds = [
        "Deployment",
        "Pod",
        "Service",
        "CronJob",
        "ConfigMap",
        "Node",
        "HorizontalPodAutoscaler",
        "PodDisruptionBudget",
        "List",
        "X",
    ];
    let shapes = [json!(null), json!(1), json!([]), json!([1, "x", null]), json!("text"), json!({"a": [{}]})];
    for kind in kinds {
        for shape in &shapes {
            for key in ["spec", "data", "status", "items", "metadata"] {
                let mut object = json!({"apiVersion": "v1", "kind": kind, "metadata": {"name": "a"}});
                object[key] = shape.clone();
                draft(&object.to_string());
            }
            let pod =
                json!({"containers": shape, "volumes": shape, "securityContext": shape, "dnsConfig": shape});
            draft(
                &json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}, "spec": pod})
                    .to_string(),
            );
            let container = json!({
                "name": shape, "image": "a:1", "env": shape, "envFrom": shape, "ports": shape, "resources": shape,
                "livenessProbe": shape, "lifecycle": shape, "volumeMounts": shape, "command": shape, "securityContext": shape
            });
            let spec = json!({"containers": [container]});
            let draft = draft(
                &json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}, "spec": spec})
                    .to_string(),
            );
            assert!(draft.account.leaves > 0, "{:?}", notes(&draft));
        }
    }
}
