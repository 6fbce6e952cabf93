//! What runs and nobody asked for has an entry of its own, and a faithful mirror of any profile has none.

use serde_json::json;

use super::stage::*;
use crate::{
    labels,
    observed::{Attachment, Mount},
};

/// Does one thing behind the mirror's back and sees this one entry appear.
#[track_caller]
fn appears(act: impl FnOnce(&mut Stage), path: &str) -> serde_json::Value {
    let mut stage = Stage::set("minimal.yaml");
    assert_eq!(stage.broken(), Vec::<String>::new());
    let before = stage.judge().summary;
    act(&mut stage);
    assert_eq!(stage.broken(), [path]);
    let ledger = stage.judge();
    assert_eq!((ledger.summary.total, ledger.summary.unmet), (before.total + 1, 1));
    let entry = ledger.entries.into_iter().find(|entry| entry.path.to_string() == path).unwrap();
    assert_eq!(entry.wanted, None);
    assert!(entry.why.is_some() && entry.read_from.is_some(), "{entry:?}");
    entry.live.unwrap()
}

#[test]
fn no_faithful_mirror_of_any_profile_has_more_than_was_asked_for() {
    for profile in PROFILES {
        let stage = Stage::set(profile);
        assert_eq!(stage.broken(), Vec::<String>::new(), "{profile}");
        let entries = stage.judge().entries.len();
        assert_eq!(entries, stage.plan.ledger.len(), "{profile}");
    }
}

#[test]
fn a_variable_or_label_is_noticed() {
    let live = appears(|stage| stage.of("api.0.main").env.push("NEW=1".into()), "services.api.env.NEW");
    assert_eq!(live, "1");
    appears(|stage| stage.of("api.0.main").env.push("PATH=/else".into()), "services.api.env.PATH");
    let label = |stage: &mut Stage| drop(stage.of("api.0.main").labels.insert("team".into(), "a".into()));
    appears(label, "services.api.labels.team");
}

#[test]
fn a_limit_or_right_is_noticed() {
    let live =
        appears(|stage| stage.of("db.0.main").host.memory = 64 << 20, "stores.db.resources.limits.memory");
    assert_eq!(live, "64Mi");
    let live =
        appears(|stage| stage.of("api.0.main").host.cpu_quota = 50_000, "services.api.resources.limits.cpu");
    assert_eq!(live, "500m");
    appears(|stage| stage.of("api.0.main").host.cpu_shares = 512, "services.api.resources.requests.cpu");
    appears(|stage| stage.of("api.0.main").host.pids_limit = 7, "services.api.pids");
    let live = appears(
        |stage| stage.of("api.0.main").host.cap_add = vec!["CAP_NET_ADMIN".into()],
        "services.api.capabilities.add",
    );
    assert_eq!(live, json!(["NET_ADMIN"]));
    appears(|stage| stage.of("api.0.main").host.privileged = true, "services.api.privileged");
    appears(|stage| stage.of("api.0.main").host.read_only = true, "services.api.read_only");
    appears(
        |stage| stage.of("api.0.main").host.security_opt = vec!["seccomp=unconfined".into()],
        "services.api.seccomp",
    );
    appears(
        |stage| drop(stage.of("api.0").host.sysctls.insert("net.core.somaxconn".into(), "1".into())),
        "services.api.sysctls[\"net.core.somaxconn\"]",
    );
    appears(|stage| stage.of("api.0.main").host.pid_mode = "host".into(), "services.api.host_pid");
    appears(|stage| stage.of("api.0.main").stop_timeout_seconds = Some(1), "services.api.stop_grace_period");
}

#[test]
fn what_the_image_would_have_done_otherwise_is_noticed() {
    appears(|stage| stage.of("api.0.main").user = "7".into(), "services.api.user");
    appears(|stage| stage.of("db.0.main").user = "7".into(), "stores.db.run_as");
    appears(|stage| stage.of("api.0.main").working_dir = "/x".into(), "services.api.working_dir");
    appears(|stage| stage.of("api.0.main").entrypoint = Some(vec!["sh".into()]), "services.api.entrypoint");
    appears(|stage| stage.of("api.0.main").stop_signal = Some("SIGINT".into()), "services.api.stop_signal");
}

#[test]
fn what_is_mounted_is_noticed() {
    let bind = Mount { kind: "bind".into(), source: "/etc".into(), target: "/x".into(), ..Mount::default() };
    let live = appears(|stage| stage.of("api.0.main").mounts.push(bind), "services.api.volumes[\"/x\"]");
    assert_eq!(live, json!({"host": "/etc"}));
    let tmpfs = |stage: &mut Stage| drop(stage.of("api.0.main").host.tmpfs.insert("/y".into(), "".into()));
    appears(tmpfs, "services.api.tmpfs[\"/y\"]");
}

#[test]
fn a_way_in_or_out_is_noticed() {
    let other = |stage: &mut Stage| {
        drop(stage.of("api.0").networks.insert("bridge".into(), Attachment::default()));
    };
    assert_eq!(appears(other, "network.egress"), "open");
    appears(|stage| stage.observed.networks[0].internal = false, "network.egress");
    let publish = |stage: &mut Stage| {
        drop(stage.of("api.0").published.insert("8000/tcp".into(), ("0.0.0.0".into(), 80)));
    };
    let live = appears(publish, "network.expose[0]");
    assert_eq!(live, json!({"service": "api.0", "port": "8000/tcp", "address": "0.0.0.0:80"}));
    let wide = |stage: &mut Stage| {
        stage.of("pm.gateway").published.values_mut().next().unwrap().0 = "0.0.0.0".into();
    };
    appears(wide, "network.expose[0]");
    let mut stage = Stage::set("shop.yaml");
    publish_another(&mut stage);
    assert_eq!(stage.broken(), ["network.expose[1]"]);
    assert_eq!(stage.live("network.expose[0]").holds, Some(true));
}

fn publish_another(stage: &mut Stage) {
    stage.of("pm.gateway").published.insert("9/tcp".into(), ("127.0.0.1".into(), 9));
}

#[test]
fn a_replica_too_many_or_too_few_is_noticed() {
    let one_more = |stage: &mut Stage| {
        let mut more = stage.of("api.0.main").clone();
        more.labels.insert(labels::COMPOSE_SERVICE.into(), "api.9.main".into());
        stage.observed.containers.push(more);
    };
    let mut stage = Stage::set("shop-dev.yaml");
    let container = "api.0.main";
    stage.of(container).state.status = "exited".into();
    assert_eq!(stage.broken(), ["services.api.replicas"]);
    let replicas = stage.tree["services"]["api"].get("replicas").is_some();
    assert!(!replicas, "the profile is silent on it");
    assert_eq!(stage.live("services.api.replicas").value, Some(json!(0)));
    let mut stage = Stage::set("minimal.yaml");
    one_more(&mut stage);
    assert_eq!(stage.broken(), ["services.api.replicas"]);
    let foreign = |stage: &mut Stage| {
        let mut other = stage.of("api.0.main").clone();
        other.labels.insert(labels::COMPOSE_SERVICE.into(), "other.0.main".into());
        other.labels.insert(labels::SERVICE.into(), "other".into());
        stage.observed.containers.push(other);
    };
    appears(foreign, "services.other");
}

#[test]
fn a_name_that_leads_nowhere_is_noticed() {
    appears(
        |stage| stage.of("db.0").networks.values_mut().for_each(|network| network.aliases.clear()),
        "stores.db.balancing",
    );
}

#[test]
fn what_the_keeper_was_told_beside_the_plan_is_noticed() {
    let stage = |from: &str, to: &str| {
        let mut stage = Stage::set("minimal.yaml");
        let duties = stage.of("api.0").labels.get_mut(labels::DUTIES).unwrap();
        assert!(duties.contains(from), "{duties}");
        *duties = duties.replace(from, to);
        stage.broken()
    };
    assert_eq!(stage(r#""restart":"always""#, r#""restart":"never""#), ["services.api.restart"]);
    assert_eq!(
        stage(r#""failure_threshold":3"#, r#""failure_threshold":4"#),
        ["services.api.probes.readiness.failure_threshold"]
    );
}
