//! Places that are read from several sources, or that a plan cannot promise: each source is looked at.

use serde_json::json;

use super::{profiles::faithful, *};

/// What the ledger says of one path of a mirror of `everything.yaml` after something of it was changed.
#[track_caller]
fn after(act: impl FnOnce(&mut Stage), path: &str) -> Entry {
    let mut stage = faithful("everything.yaml");
    act(&mut stage);
    stage.entry(path)
}

/// The change is noticed at this path, among others perhaps; the answer is what is live.
#[track_caller]
fn noticed(act: impl FnOnce(&mut Stage), path: &str) -> Json {
    let entry = after(act, path);
    assert_eq!(entry.holds, Some(false), "{entry:?}");
    entry.live.unwrap_or_default()
}

/// A word of the spec alone, of which the container says nothing.
#[track_caller]
fn noticed_in_the_spec(act: impl FnOnce(&mut Stage), path: &str) {
    let mut stage = Stage::set();
    act(&mut stage);
    assert!(stage.paths(Some(false)).contains(&path.to_owned()), "{:?}", stage.paths(Some(false)));
}

#[test]
fn names_of_the_spec_count_where_the_container_says_otherwise() {
    fn spec(stage: &mut Stage) -> &mut Json {
        &mut stage.pod("web")["spec"]
    }
    const LEGACY: &str = "services.web.extra_hosts[\"legacy.example.com\"]";
    noticed_in_the_spec(|stage| spec(stage)["hostAliases"][0]["ip"] = json!("192.0.2.9"), LEGACY);
    noticed_in_the_spec(
        |stage| spec(stage)["dnsConfig"]["options"] = json!([{"name": "ndots", "value": "1"}]),
        "services.web.dns.ndots",
    );
    noticed_in_the_spec(
        |stage| spec(stage)["dnsConfig"]["searches"] = json!(["example.org"]),
        "services.web.dns.search",
    );
    noticed_in_the_spec(
        |stage| stage.pod("worker")["spec"]["serviceAccountName"] = json!("admin"),
        "services.worker.service_account",
    );
    let servers = |stage: &mut Stage| {
        stage.pod("health")["spec"]["dnsConfig"]["nameservers"] = json!(["192.0.2.54"]);
    };
    assert_eq!(noticed(servers, "services.health.dns.servers"), json!(["192.0.2.54"]));
}

#[test]
fn what_makes_the_pods_is_read_by_its_kind_and_their_names() {
    let renamed = |stage: &mut Stage| {
        let pods = stage.observed.objects.get_mut("Pod").unwrap();
        let mut pod = pods.remove("api-1").unwrap();
        pod["metadata"]["name"] = json!("api-7f9c4-x2x4z");
        pods.insert("api-7f9c4-x2x4z".to_owned(), pod);
    };
    let entry = after(renamed, "services.api.replicas.identity");
    assert_eq!(entry.live, Some("random".into()), "{entry:?}");
    let deployed = |stage: &mut Stage| {
        let of = stage.observed.objects.get_mut("StatefulSet").unwrap().remove("api").unwrap();
        stage.put("Deployment", "api", of);
    };
    assert_eq!(noticed(deployed, "services.api.stateful"), false);
    let scaler = |stage: &mut Stage| {
        stage.object("HorizontalPodAutoscaler", "api")["spec"]["maxReplicas"] = json!(60);
    };
    assert_eq!(noticed(scaler, "services.api.autoscaling.max"), 60);
}

#[test]
fn walls_that_the_profile_wants_shut_are_looked_at() {
    for (field, key) in [("services.api.host_network", "hostNetwork"), ("services.api.host_pid", "hostPID")] {
        assert_eq!(noticed(|stage| stage.pod("api")["spec"][key] = json!(true), field), true);
    }
}

#[test]
fn a_node_is_what_it_says_of_itself() {
    fn info(stage: &mut Stage) -> &mut Json {
        &mut stage.object("Node", "node")["status"]["nodeInfo"]
    }
    assert_eq!(noticed(|stage| info(stage)["architecture"] = json!("arm64"), "platform.arch"), "arm64");
    let older = |stage: &mut Stage| info(stage)["kubeletVersion"] = json!("v1.31.2");
    let promised = |stage: &mut Stage| {
        older(stage);
        for entry in &mut stage.plan.ledger {
            if entry.path.to_string() == "platform.kubernetes.version" {
                entry.grade = Grade::Enforced;
            }
        }
    };
    assert_eq!(noticed(promised, "platform.kubernetes.version"), "1.31");
    let room = |stage: &mut Stage| {
        stage.object("Node", "node")["status"]["allocatable"] = json!({"memory": "8Gi"});
    };
    assert_eq!(after(room, "platform.memory").live, Some("8Gi".into()));
    assert_eq!(after(|_| (), "platform.memory").live, None, "it does not tell it");
}

#[test]
fn what_is_asked_inside_is_told_as_it_is_found() {
    let stage = Stage::set();
    // The recorded node has the first version of control groups, and the profile asks for the second.
    assert_eq!(stage.entry("platform.cgroup").live, Some("v1".into()));
    let mut fewer = Stage::set();
    for told in fewer.observed.inside.values_mut().filter_map(|pod| pod.get_mut("main")) {
        told.inside.answers.insert("nproc".to_owned(), "1\n".to_owned());
    }
    assert_eq!(fewer.entry("platform.cores").live, Some(1.into()));
    let entry = stage.entry("stores.db.image");
    assert!(entry.holds.is_some() || entry.live.is_some(), "{entry:?}");
}

#[test]
fn an_image_that_stands_in_for_production_is_told() {
    let entry = after(|_| (), "stores.db.image");
    assert!(entry.live.as_ref().is_some_and(|live| live.to_string().contains("built/postgres")), "{entry:?}");
}

#[test]
fn the_mode_of_a_file_is_the_specs_where_nobody_answers_inside() {
    let path = "services.api.files[\"/etc/shop/notes.txt\"]";
    let wider = |stage: &mut Stage| {
        for volume in stage.pod("api")["spec"]["volumes"].as_array_mut().unwrap() {
            for source in volume["projected"]["sources"].as_array_mut().into_iter().flatten() {
                for item in source["configMap"]["items"].as_array_mut().into_iter().flatten() {
                    item["mode"] = json!(0o777);
                }
            }
        }
    };
    let entry = after(wider, path);
    assert_eq!(entry.live.unwrap()["mode"], "0777", "its plan is another, which it is held to");
}

/// Nothing that could not be read is taken for what is wanted.
#[test]
fn what_nobody_can_read_is_no_reading() {
    #[track_caller]
    fn is_unread(act: impl FnOnce(&mut Stage), path: &str, why: &str) {
        let entry = after(act, path);
        assert!(entry.holds.is_none() && entry.live.is_none(), "{entry:?}");
        assert!(entry.why.as_deref().unwrap_or_default().contains(why), "{entry:?}");
    }
    let denied = |kind: &'static str| {
        move |stage: &mut Stage| {
            stage.observed.objects.remove(kind);
            stage.observed.unlisted.insert(kind.to_owned(), "forbidden".to_owned());
        }
    };
    is_unread(|_| (), "services.api.resources.limits.memory.oom_group", "");
    is_unread(denied("Pod"), "services.api.command", "pods may not be listed");
    is_unread(denied("Pod"), "services.api.replicas", "pods may not be listed");
    is_unread(denied("StatefulSet"), "services.api.stateful", "may not be listed");
    is_unread(denied("Job"), "services.api.needs", "may not be listed");
    is_unread(|_| (), "jobs.nightly.command", "on demand");
    is_unread(|_| (), "network.links[0].latency", "");
    is_unread(|_| (), "network.egress.allow", "");
    is_unread(|_| (), "externals[\"payments.example.com\"].port", "");
    is_unread(|_| (), "platform.timezone", "");
    let gone = |stage: &mut Stage| stage.observed.doors = None;
    is_unread(gone, "network.expose.source_address", "");
}

#[test]
fn processes_are_limited_by_the_kubelets_of_the_nodes() {
    let limited = |most: Option<i64>| {
        move |stage: &mut Stage| {
            stage.plan.shape.as_mut().unwrap().pids = Some(100);
            stage.pod("api")["spec"]["nodeName"] = json!("node");
            let other = "api-0".to_owned();
            stage.object("Pod", &other)["spec"]["nodeName"] = json!("node");
            stage.observed.pids = most.map(|most| ("node".to_owned(), most)).into_iter().collect();
            for entry in &mut stage.plan.ledger {
                if entry.path.to_string() == "services.api.pids" {
                    entry.grade = Grade::Enforced;
                }
            }
        }
    };
    let of = |most| after(limited(most), "services.api.pids");
    assert_eq!(of(Some(101)).holds, Some(true), "a kubelet counts the process that holds the network");
    assert_eq!((of(Some(201)).holds, of(Some(201)).live), (Some(false), Some(200.into())));
    assert_eq!((of(Some(-1)).holds, of(Some(-1)).live), (Some(false), None));
    assert_eq!(of(None).holds, None);
}
