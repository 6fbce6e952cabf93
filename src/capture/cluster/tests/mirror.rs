//! What a workload is as a whole, and what is around all of them.

use serde_json::json;

use super::*;
use crate::observed::{EgressTry, OpenDoor};

fn unready(stage: &mut Stage, service: &str) {
    stage.pod(service)["status"]["conditions"] = json!([{"type": "Ready", "status": "False"}]);
}

#[test]
fn replicas_are_the_pods_that_are_ready() {
    assert_eq!(breaks(|stage| unready(stage, "web"), ["services.web.replicas"]), 1);
    let leaving = |stage: &mut Stage| {
        stage.pod("web")["metadata"]["deletionTimestamp"] = json!("2026-11-26T00:00:00Z");
    };
    breaks(leaving, ["services.web.replicas"]);
    let live = breaks(|stage| unready(stage, "db"), ["stores.db.replicas"]);
    assert_eq!(live, 0, "a profile need not say that one is wanted");
    let stray = |stage: &mut Stage| {
        let mut pod = stage.pod("web").clone();
        pod["metadata"].as_object_mut().unwrap().shift_remove("ownerReferences");
        stage.put("Pod", "web-by-hand", pod);
    };
    assert_eq!(breaks(stray, ["services.web.replicas"]), 3);
    breaks(
        |stage| {
            let mut pod = stage.pod("web").clone();
            pod["metadata"]["name"] = json!("web-more");
            stage.put("Pod", "web-more", pod);
        },
        ["services.web.replicas"],
    );
}

#[test]
fn a_name_leads_to_the_pods_that_are_ready() {
    const PORT: &str = "services.web.ports[name=http]";
    fn service<'s>(stage: &'s mut Stage, name: &str) -> &'s mut Json {
        &mut stage.object("Service", name)["spec"]
    }
    let live = breaks(|stage| service(stage, "web")["ports"][0]["port"] = json!(9), [PORT]);
    assert_eq!(live["port"], 9);
    breaks(|stage| service(stage, "web")["ports"][0]["targetPort"] = json!(9), [PORT]);
    breaks(|stage| service(stage, "web")["ports"][0]["protocol"] = json!("UDP"), [PORT]);
    breaks(|stage| service(stage, "web")["selector"] = json!({"app": "web"}), [PORT]);
    breaks(|stage| stage.remove("Service", "web"), ["services.web.balancing", PORT]);
    let headless = |stage: &mut Stage| service(stage, "web")["clusterIP"] = json!("None");
    assert_eq!(breaks(headless, ["services.web.balancing"]), "headless");
    let empty = |stage: &mut Stage| {
        for slice in stage.observed.objects.get_mut("EndpointSlice").unwrap().values_mut() {
            slice["endpoints"] = json!([]);
        }
    };
    breaks(empty, [PORT]);
    let more = json!({"name": "debug", "port": 9, "targetPort": 9, "protocol": "TCP"});
    let more = |stage: &mut Stage| service(stage, "web")["ports"].as_array_mut().unwrap().push(more);
    assert_eq!(breaks(more, ["services.web.ports[name=debug]"]), json!({"name": "debug", "port": 9}));
    let open = |stage: &mut Stage| service(stage, "db")["type"] = json!("NodePort");
    assert_eq!(breaks(open, ["network.expose[1]"]), json!({"service": "db", "type": "NodePort"}));
}

#[test]
fn a_job_is_its_end_and_what_needs_it_knows() {
    let failed = |stage: &mut Stage| {
        let pod = stage.pod("migrate");
        pod["status"]["containerStatuses"][0]["state"] = json!({"terminated": {"exitCode": 3}});
        stage.object("Job", "migrate")["status"]["conditions"] =
            json!([{"type": "Failed", "status": "True"}]);
    };
    assert_eq!(breaks(failed, ["jobs.migrate.exit_code", "services.web.needs"]), 3);
    breaks(
        |stage| stage.object("Job", "migrate")["spec"]["backoffLimit"] = json!(9),
        ["jobs.migrate.retries"],
    );
    let init = |stage: &mut Stage| {
        let status = &mut stage.pod("worker")["status"]["initContainerStatuses"];
        let of = status.as_array_mut().unwrap().iter_mut().find(|one| one["name"] == "prepare").unwrap();
        of["state"] = json!({"terminated": {"exitCode": 1}});
    };
    breaks(init, ["services.worker.init.prepare.exit_code"]);
    let again = |stage: &mut Stage| {
        stage.object("Job", "migrate")["metadata"]["creationTimestamp"] = json!("2126-01-01T00:00:00Z");
    };
    hides(again, ["services.web.needs"]);
}

#[test]
fn a_job_on_demand_never_runs_by_the_clock() {
    fn spec<'s>(stage: &'s mut Stage, key: &str) -> &'s mut Json {
        &mut stage.object("CronJob", "report")["spec"][key]
    }
    let live = breaks(|stage| *spec(stage, "suspend") = json!(false), ["jobs.report.schedule"]);
    assert_eq!(live, "0 3 * * *, by the clock");
    breaks(|stage| *spec(stage, "schedule") = json!("* * * * *"), ["jobs.report.schedule"]);
    breaks(|stage| stage.remove("CronJob", "report"), ["jobs.report.schedule"]);
}

#[test]
fn what_no_profile_has_is_noticed_by_its_kind() {
    let pod = json!({"metadata": {"name": "shell"}, "spec": {"containers": [{"image": "debian"}]}});
    assert_eq!(
        breaks(|stage| stage.put("Pod", "shell", pod), ["services.shell"]),
        json!({"image": "debian"})
    );
    breaks(|stage| stage.put("DaemonSet", "agent", json!({"metadata": {}})), ["services.agent"]);
    breaks(|stage| stage.put("Job", "once", json!({"metadata": {}})), ["jobs.once"]);
    let made = json!({"metadata": {"ownerReferences": [{"kind": "CronJob", "name": "report"}]}});
    passes(|stage| stage.put("Job", "report-1", made));
    let ours = json!({"app.kubernetes.io/managed-by": "prodmirror", "prodmirror/kind": "gateway"});
    passes(|stage| stage.put("Deployment", "gateway", json!({"metadata": {"labels": ours}})));
    let scaler = json!({"spec": {"minReplicas": 1, "maxReplicas": 5, "scaleTargetRef": {"name": "web"}}});
    let live =
        breaks(|stage| stage.put("HorizontalPodAutoscaler", "more", scaler), ["services.web.autoscaling"]);
    assert_eq!(live["max"], 5);
}

#[test]
fn a_budget_is_the_planned_one_over_its_own_pods_and_no_other_holds_them() {
    const BUDGET: &str = "PodDisruptionBudget";
    const AT: &str = "services.web.disruption.min_available";
    fn spec(stage: &mut Stage) -> &mut Json {
        &mut stage.object(BUDGET, "web")["spec"]
    }
    assert_eq!(breaks(|stage| spec(stage)["minAvailable"] = json!(0), [AT]), 0);
    breaks(|stage| stage.remove(BUDGET, "web"), [AT]);
    let other =
        |stage: &mut Stage| *spec(stage) = json!({"maxUnavailable": 1, "selector": spec(stage)["selector"]});
    breaks(other, [AT]);
    for selector in [
        json!(null),
        json!({}),
        json!({"matchLabels": {"app": "web"}}),
        json!({"matchLabels": {"prodmirror/service": "web", "more": "x"}}),
    ] {
        breaks(|stage| spec(stage)["selector"] = selector, [AT]);
    }
    breaks(|stage| spec(stage)["unhealthyPodEvictionPolicy"] = json!("AlwaysAllow"), [AT]);
    passes(|stage| spec(stage)["unhealthyPodEvictionPolicy"] = json!("IfHealthyBudget"));
    let of = |name: &str| {
        let selector = json!({"matchLabels": {"prodmirror/service": name}});
        json!({"metadata": {}, "spec": {"minAvailable": 1, "selector": selector}})
    };
    breaks(|stage| stage.put(BUDGET, "more", of("web")), [AT]);
    let live = breaks(|stage| stage.put(BUDGET, "more", of("worker")), ["services.worker.disruption"]);
    assert_eq!(live, json!({"min_available": 1}));
    breaks(|stage| stage.put(BUDGET, "more", of("db")), ["stores.db.disruption"]);
    passes(|stage| stage.put(BUDGET, "more", of("nobody")));
    let denied = |stage: &mut Stage| {
        stage.observed.objects.remove(BUDGET);
        stage.observed.unlisted.insert(BUDGET.to_owned(), "forbidden".to_owned());
    };
    hides(denied, [AT]);
}

#[test]
fn policies_are_the_planned_ones_and_no_other_opens_a_way() {
    let policy =
        |spec: Json| move |stage: &mut Stage| stage.put("NetworkPolicy", "more", json!({"spec": spec}));
    assert_eq!(breaks(|stage| stage.remove("NetworkPolicy", "mirror"), ["network.egress"]), "open");
    let wider = |stage: &mut Stage| {
        let egress = &mut stage.object("NetworkPolicy", "mirror")["spec"]["egress"];
        egress.as_array_mut().unwrap().push(json!({}));
    };
    breaks(wider, ["network.egress"]);
    breaks(policy(json!({"policyTypes": ["Egress"], "egress": [{}]})), ["network.egress"]);
    passes(policy(json!({"policyTypes": ["Egress"]})));
    breaks(policy(json!({"policyTypes": ["Ingress"]})), ["network.policies"]);
}

#[test]
fn a_network_that_keeps_no_policies_makes_the_promise_worth_nothing() {
    let mut stage = Stage::set();
    let address = "10.244.0.4:9153".to_owned();
    stage.observed.egress = Some(EgressTry { address, refused: false, answer: "connected".to_owned() });
    assert_eq!(stage.paths(Some(false)), [""; 0]);
    let entry = stage.entry("network.egress");
    assert_eq!((entry.grade, entry.holds, entry.live), (Grade::Dropped, None, Some("open".into())));
    assert!(entry.why.unwrap().contains("keeps no network policies: 10.244.0.4:9153"));
    hides(|stage| stage.observed.egress = None, ["network.egress"]);
}

#[test]
fn a_port_of_this_host_is_one_that_somebody_forwards() {
    let door = |service: &str, address: &str| OpenDoor {
        service: service.to_owned(),
        port: 8000,
        address: address.parse().unwrap(),
    };
    let mut stage = Stage::set();
    stage.observed.doors = Some(vec![door("web", "127.0.0.1:4000")]);
    assert_eq!(stage.entry("network.expose[0]").holds, Some(true));
    assert_eq!(stage.entry("network.expose.source_address").live, Some("node".into()));
    breaks(|stage| stage.observed.doors = Some(vec![]), ["network.expose[0]"]);
    breaks(|stage| stage.observed.doors = Some(vec![door("web", "192.0.2.1:4000")]), ["network.expose[0]"]);
}

#[test]
fn a_store_is_what_its_engine_answers() {
    fn cache(stage: &mut Stage) -> &mut crate::observed::StoreFacts {
        stage.observed.stores.get_mut("cache").unwrap()
    }
    let live = breaks(
        |stage| drop(cache(stage).settings.insert("maxmemory-policy".into(), "allkeys-lru".into())),
        ["stores.cache.settings.maxmemory-policy"],
    );
    assert_eq!(live, "allkeys-lru");
    breaks(|stage| cache(stage).login = Some(false), ["stores.cache.password"]);
    hides(
        |stage| drop(stage.observed.stores.remove("cache")),
        ["stores.cache.engine", "stores.cache.password", "stores.cache.settings.maxmemory-policy"],
    );
}

#[test]
fn what_may_not_be_listed_is_unread_and_never_taken_for_gone() {
    let denied = |kind: &'static str| {
        move |stage: &mut Stage| {
            stage.observed.objects.remove(kind);
            stage.observed.unlisted.insert(kind.to_owned(), "forbidden".to_owned());
        }
    };
    hides(denied("NetworkPolicy"), ["network.egress"]);
    hides(denied("Node"), ["platform.arch"]);
    hides(denied("EndpointSlice"), []);
    for kind in ["Pod", "Deployment", "StatefulSet", "Job", "CronJob", "Service", "ConfigMap"] {
        let mut stage = Stage::set();
        denied(kind)(&mut stage);
        assert_eq!(stage.paths(Some(false)), [""; 0], "{kind}");
    }
}
