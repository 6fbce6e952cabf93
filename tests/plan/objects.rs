//! What parts of a profile become on a Kubernetes cluster, object by object.

use std::collections::BTreeSet;

use prodmirror::{
    ledger::{Grade, Wanted},
    plan::{
        BackendKind, cluster,
        kubernetes::{
            Body, EnvSource, HookSpec, Object, PodSecurity, PullPolicy, RestartPolicy, VolumeSource,
        },
    },
    profile::{Disruption, Origins, Portion, Profile},
};

use crate::support::{DIGEST, cluster_host, on_kind, pod_spec, profile, service};

#[test]
fn a_service_is_a_deployment_a_stateful_one_and_a_store_are_stateful_sets_and_jobs_are_jobs() {
    let plan = on_kind(&profile(&format!(
        "services: {{api: {{image: \"local:api:dev\", ports: {{http: 80}}}}, \
         peer: {{image: \"local:api:dev\", stateful: true, replicas: 3, ports: {{http: 80}}}}}}\n\
         stores: {{db: {{engine: postgres, image: \"postgres@{DIGEST}\"}}}}\n\
         jobs: {{once: {{image: \"local:api:dev\"}}, nightly: {{image: \"local:api:dev\", schedule: \"0 3 * * *\"}}}}"
    )));
    let kinds: BTreeSet<String> = plan.objects.iter().map(|object| object.key().to_string()).collect();
    for key in [
        "Deployment api",
        "StatefulSet peer",
        "StatefulSet db",
        "Job once",
        "CronJob nightly",
        "Service api",
        "Service peer",
        "Service db",
    ] {
        assert!(kinds.contains(key), "no {key} in {kinds:?}");
    }
    assert!(!kinds.contains("Service once"), "nothing calls a job");
    let headless = |name: &str| {
        plan.objects.iter().find_map(|object| match &object.body {
            Body::Service { headless, .. } if object.name == name => Some(*headless),
            _ => None,
        })
    };
    assert_eq!((headless("api"), headless("peer"), headless("db")), (Some(false), Some(true), Some(true)));
}

#[test]
fn a_secret_alone_is_taken_from_its_own_object_and_one_in_a_text_from_a_composed_one() {
    let plan = on_kind(&profile(
        "secrets: [token, key]\nservices: {api: {image: \"local:api:dev\", env: {TOKEN: \"${secret:token}\", \
         URL: \"http://x:${secret:key}@y/\", PLAIN: \"a$b\"}}}",
    ));
    let env = &pod_spec(&plan, "api").main.env;
    let secret = |name: &str, key: &str| EnvSource::Secret { name: name.to_owned(), key: key.to_owned() };
    assert_eq!(env["TOKEN"], secret("token.secret", "value"));
    assert_eq!(env["URL"], secret("api.env", "main.URL"));
    assert_eq!(env["PLAIN"], EnvSource::Text("a$b".to_owned()));
    let composed = plan.objects.iter().find(|object| object.name == "api.env").unwrap();
    let Body::Secret { data } = &composed.body else { panic!("{composed:?}") };
    let value = data["main.URL"].fill(|name| (name == "KEY_URL").then(|| "a%2Fb".to_owned()));
    assert_eq!(value.as_deref(), Some("http://x:a%2Fb@y/"));
}

#[test]
fn what_a_process_does_not_see_change_makes_new_pods_and_other_changes_do_not() {
    let inputs = |profile: &Profile| pod_spec(&on_kind(profile), "api").annotations.clone();
    let of = |files: &str, env: &str| {
        profile(&format!(
            "secrets: [key]\nservices: {{api: {{image: \"local:api:dev\", env: {{URL: \"{env}${{secret:key}}\"}}, files: {{{files}}}}}}}"
        ))
    };
    let first = inputs(&of("/etc/a: one", "x"));
    assert_ne!(first, inputs(&of("/etc/a: two", "x")), "a file that is mounted alone");
    assert_ne!(first, inputs(&of("/etc/a: one", "y")), "a text around a secret");
    let folder = |text: &str| of(&format!("/etc/f/a: {{content: {text}, directory: /etc/f}}"), "x");
    assert_eq!(inputs(&folder("one")), inputs(&folder("two")), "files of a folder change in place");
}

#[test]
fn spans_are_whole_seconds_and_never_shorter() {
    let plan = on_kind(&service(
        "ports: {http: 80}, stop_grace_period: 1500ms, pre_stop: {sleep: 5s}, post_start: {sleep: 0s}, \
         probes: {readiness: {http: /, initial_delay: 200ms, period: 1200ms, timeout: 100ms}}",
    ));
    let pod = pod_spec(&plan, "api");
    let probe = pod.main.readiness.as_ref().unwrap();
    assert_eq!(pod.grace_seconds, 2);
    assert_eq!((probe.initial_delay_seconds, probe.period_seconds, probe.timeout_seconds), (1, 2, 1));
    assert_eq!(pod.main.pre_stop, Some(HookSpec::Sleep { seconds: 2 }), "no longer than the time to stop");
    assert_eq!(pod.main.post_start, None);
    let grade = |path: &str| {
        let entry =
            plan.ledger.iter().find(|wanted| wanted.path.to_string() == format!("services.api.{path}"));
        entry.unwrap().grade
    };
    assert_eq!(grade("stop_grace_period"), Grade::Approximated);
    assert_eq!(grade("pre_stop.sleep"), Grade::Approximated);
    assert_eq!(grade("probes.readiness.period"), Grade::Approximated);
    assert_eq!(grade("probes.readiness.http.path"), Grade::Enforced);
}

#[test]
fn an_image_built_here_is_never_pulled_and_on_a_foreign_cluster_refused() {
    let built = service("restart: always");
    let plan = on_kind(&built);
    let main = &pod_spec(&plan, "api").main;
    assert_eq!((main.pull, main.image.reference.as_str()), (PullPolicy::Never, "api:dev"));
    assert_eq!(plan.refusals, []);
    let foreign = cluster(&built, &cluster_host(BackendKind::Kubernetes), &Origins::default());
    assert_eq!(foreign.refusals[0].code, "image-local");
    let pinned = profile(&format!("services: {{api: {{image: \"x/y@{DIGEST}\"}}}}"));
    let foreign = cluster(&pinned, &cluster_host(BackendKind::Kubernetes), &Origins::default());
    assert_eq!(foreign.refusals, []);
    assert_eq!(pod_spec(&foreign, "api").main.pull, PullPolicy::IfNotPresent);
}

#[test]
fn the_namespace_enforces_the_strictest_standard_that_all_pods_meet() {
    let security = |body: &str| {
        let plan = on_kind(&loaded(body));
        let Body::Namespace { security } = &plan.objects[0].body else { panic!("{:?}", plan.objects[0]) };
        *security
    };
    fn loaded(body: &str) -> Profile {
        profile(&format!(
            "services: {{api: {{image: \"local:api:dev\", {body}}}}}\nallow: [privileged, host-path, host-pid, host-network]"
        ))
    }
    let strict =
        "user: \"1000\", no_new_privileges: true, seccomp: runtime/default, capabilities: {drop: [ALL]}";
    assert_eq!(security(strict), PodSecurity::Restricted);
    assert_eq!(security(&strict.replace("1000", "0")), PodSecurity::Baseline, "root");
    assert_eq!(security("restart: always"), PodSecurity::Baseline, "nothing said");
    for wide in [
        "privileged: true",
        "host_pid: true",
        "host_network: true",
        "volumes: {/x: {host: /x}}",
        "capabilities: {add: [SYS_ADMIN]}",
        "seccomp: unconfined",
    ] {
        assert_eq!(security(wide), PodSecurity::Privileged, "{wide}");
    }
}

#[test]
fn what_kubernetes_takes_for_no_label_is_an_annotation_or_left_out_and_said() {
    let plan = on_kind(&service("labels: {team: checkout, owner: \"a b\", \"no key\": x}"));
    let pod = pod_spec(&plan, "api");
    assert_eq!(pod.labels["team"], "checkout");
    assert_eq!(pod.annotations["owner"], "a b");
    assert!(!pod.labels.contains_key("no key") && !pod.annotations.contains_key("no key"));
    let grade = |key: &str| {
        let entry = plan.ledger.iter().find(|wanted| wanted.path.to_string().contains(key)).unwrap();
        entry.grade
    };
    assert_eq!(grade("team"), Grade::Enforced);
    assert_eq!(grade("owner"), Grade::Approximated);
    assert_eq!(grade("no key"), Grade::Dropped);
}

#[test]
fn an_autoscaler_is_made_only_where_something_measures() {
    let scaled = service("autoscaling: {min: 2, max: 5, target_cpu: 70}, resources: {requests: {cpu: 100m}}");
    let has_autoscaler = |metrics: bool| {
        let mut capabilities = cluster_host(BackendKind::Kind);
        capabilities.cluster.metrics = metrics;
        let plan = cluster(&scaled, &capabilities, &Origins::default());
        let grade = plan.ledger.iter().find(|wanted| wanted.path.to_string().ends_with("autoscaling.min"));
        let made = plan.objects.iter().any(|object| matches!(object.body, Body::Autoscaler { .. }));
        (made, grade.unwrap().grade)
    };
    assert_eq!(has_autoscaler(true), (true, Grade::Enforced));
    assert_eq!(has_autoscaler(false), (false, Grade::Approximated));
}

#[test]
fn a_budget_is_made_for_a_service_and_a_store_that_have_one() {
    let written = r#"
services:
  web: {image: "local:web:1", replicas: 3, disruption: {min_available: 50%}}
  api: {image: "local:web:1", replicas: 3}
stores:
  db: {engine: redis, image: "local:redis:7", disruption: {max_unavailable: 0}}
"#;
    let plan = cluster(&profile(written), &cluster_host(BackendKind::Kind), &Origins::default());
    let of = |object: &Object| match object.body {
        Body::DisruptionBudget { bound } => Some((object.name.clone(), bound)),
        _ => None,
    };
    let budgets: Vec<_> = plan.objects.iter().filter_map(of).collect();
    let all = Disruption::MaxUnavailable(Portion::Count(0));
    let half = Disruption::MinAvailable(Portion::Percent(50));
    assert_eq!(budgets, [("db".to_owned(), all), ("web".to_owned(), half)]);
    let graded = |entry: &&Wanted| entry.path.key_at(2) == Some("disruption");
    let grades: Vec<_> = plan.ledger.iter().filter(graded).map(|entry| entry.grade).collect();
    assert_eq!(grades, [Grade::Enforced, Grade::Enforced]);
}

#[test]
fn sidecars_start_before_the_main_container_and_a_job_is_not_restarted_for_ever() {
    let plan = on_kind(&profile(
        "jobs: {once: {image: \"local:api:dev\", retries: 2, restart: on-failure, init: {a: {command: [x]}}, sidecars: {b: {command: [y]}}}}",
    ));
    let pod = pod_spec(&plan, "once");
    assert_eq!(pod.restart, RestartPolicy::OnFailure);
    let names: Vec<&str> = pod.containers().map(|container| container.name.as_str()).collect();
    assert_eq!(names, ["a", "b", "main"]);
}

#[test]
fn more_than_a_config_map_holds_is_refused() {
    let text = "x".repeat((1 << 20) + 1);
    let plan = on_kind(&service(&format!("files: {{/etc/large: \"{text}\"}}")));
    assert_eq!(plan.refusals[0].code, "files-too-large");
    assert_eq!(plan.refusals[0].path, "services.api.files");
}

#[test]
fn users_and_groups_that_kubernetes_takes_for_none_are_left_out_and_said() {
    let of = |body: &str| {
        let plan = on_kind(&service(body));
        let grade = |field: &str| {
            let path = format!("services.api.{field}");
            plan.ledger.iter().find(|wanted| wanted.path.to_string() == path).map(|wanted| wanted.grade)
        };
        let grades = [grade("user"), grade("groups"), grade("fs_group")];
        let pod = pod_spec(&plan, "api");
        (
            pod.main.walls.user,
            pod.main.walls.group,
            pod.groups.clone(),
            pod.fs_group,
            grades.map(Option::unwrap),
        )
    };
    let (enforced, approximated, dropped) = (Grade::Enforced, Grade::Approximated, Grade::Dropped);
    assert_eq!(
        of("user: \"1:2\", groups: [\"3\"], fs_group: 4"),
        (Some(1), Some(2), vec![3], Some(4), [enforced, enforced, enforced])
    );
    assert_eq!(
        of("user: app, groups: [\"3\", audio], fs_group: 4294967294"),
        (None, None, vec![3], None, [dropped, approximated, dropped])
    );
    assert_eq!(
        of("user: \"1:app\", groups: [audio], fs_group: 0"),
        (Some(1), None, vec![], Some(0), [approximated, dropped, enforced])
    );
}

#[test]
fn more_requests_than_the_cluster_has_cores_are_said() {
    let of = |replicas: u32, resources: &str| {
        let plan = on_kind(&service(&format!("replicas: {replicas}, resources: {resources}")));
        plan.notes.iter().any(|note| note.contains("wait for room"))
    };
    let (asked, limited) = ("{requests: {cpu: 500m}, limits: {cpu: 4}}", "{limits: {cpu: 500m}}");
    assert!(!of(8, asked) && of(9, asked), "four cores are there");
    assert!(!of(8, limited) && of(9, limited), "a limit alone is a request");
}

#[test]
fn a_node_that_is_made_keeps_from_pods_what_productions_has_not() {
    let told = |platform: &str, limits: &str| {
        let body =
            format!("{{api: {{image: \"local:api:dev\", replicas: 5, resources: {{limits: {limits}}}}}}}");
        let plan = on_kind(&profile(&format!("platform: {platform}\nservices: {body}")));
        let entry = |path: &str| plan.ledger.iter().find(|entry| entry.path.to_string() == path).cloned();
        let waits = plan.notes.iter().any(|note| note.contains("there are 2 cores"));
        (entry("platform.cores"), entry("platform.memory"), waits)
    };
    let (cores, memory, waits) = told("{cores: 2, memory: 8Gi}", "{cpu: 500m, memory: 1Gi}");
    assert_eq!(cores.unwrap().grade, Grade::Enforced);
    let why = memory.unwrap().why.unwrap();
    assert!(why.starts_with("what does not fit waits or is evicted"), "{why}");
    assert!(waits, "two and a half are asked for");

    // Guaranteed one whole core, it has that one alone, where production's sees two.
    let (cores, ..) = told("{cores: 2}", "{cpu: 1, memory: 1Gi}");
    let cores = cores.unwrap();
    assert_eq!(cores.grade, Grade::Approximated);
    assert!(cores.why.unwrap().ends_with("theirs alone: api/main"));
    let (cores, ..) = told("{cores: 2}", "{cpu: 1}");
    assert_eq!(
        cores.unwrap().grade,
        Grade::Enforced,
        "a limit on memory is missing: it is guaranteed nothing"
    );

    let (cores, memory, _) = told("{cores: 64, memory: 64Gi}", "{cpu: 1}");
    assert_eq!(cores.unwrap().grade, Grade::Dropped, "there are four");
    assert!(memory.unwrap().why.unwrap().starts_with("a process sees"));
}

#[test]
fn a_file_of_another_owner_can_be_read_by_it_though_it_belongs_to_root() {
    let mode = |file: &str, rest: &str| {
        let plan = on_kind(&service(&format!("files: {{/etc/a: {{content: x, {file}}}}}{rest}")));
        let VolumeSource::Files { from } = &pod_spec(&plan, "api").volumes["files"] else { panic!() };
        from[0].items[0].mode
    };
    assert_eq!(mode("mode: \"0400\"", ""), 0o400, "root's own");
    assert_eq!(mode("mode: \"0400\", user: 1000", ""), 0o404);
    assert_eq!(mode("mode: \"0640\", group: 2000", ""), 0o644);
    assert_eq!(mode("mode: \"0640\", group: 2000", ", fs_group: 2000"), 0o640, "the group is kept");
    assert_eq!(mode("mode: \"0700\", user: 1000", ""), 0o705);
}
