//! A mirror that is as planned holds in every field, and each thing that is done behind its back is seen.

mod images_and_mounts;
mod mutations;
pub(super) mod stage;
mod unasked;

use serde_json::json;

use super::*;
use crate::{
    formats::journal::JobStatus,
    labels,
    ledger::Entry,
    observed::{FileFacts, StoreFacts},
    plan::{self},
};
use stage::*;

#[test]
fn a_mirror_that_is_as_planned_holds_and_hardly_anything_is_unread() {
    let stage = Stage::set("shop.yaml");
    assert_eq!(stage.broken(), Vec::<String>::new());
    let ledger = stage.judge();
    let unread = |entry: &&Entry| entry.holds.is_none() && entry.grade.promises_live_value();
    let unread: Vec<_> =
        ledger.entries.iter().filter(unread).map(|entry| (entry.path.to_string(), &entry.why)).collect();
    assert!(unread.len() * 10 <= ledger.entries.len(), "{unread:#?}");
    assert_eq!(ledger.summary.unmet, 0);
    assert!(ledger.entries.len() >= 60);
}

#[test]
fn where_the_mirror_is_as_wanted_the_tree_is_the_profiles_own() {
    let stage = Stage::set("shop.yaml");
    let mut captured = stage.capture().tree;
    let mut wanted = stage.tree.clone();
    for path in [
        "stores.db.image",
        "stores.cache.image",
        "services.api.ulimits",
        "services.api.balancing",
        "jobs.migrate.ulimits",
        "platform.cgroup",
        "platform.kernel",
    ] {
        let path: Path = path.parse().unwrap();
        remove(&mut captured, &path.0);
        remove(&mut wanted, &path.0);
    }
    assert_eq!(captured, wanted);
}

#[test]
fn no_secret_gets_into_what_is_captured() {
    let mut stage = Stage::set("shop.yaml");
    stage.of("api.0.main").env.push("LEAK=see hidden-DB_PASSWORD here".to_owned());
    for variable in &mut stage.of("api.1.main").env {
        if variable.starts_with("DATABASE_URL=") {
            variable.push_str("?changed");
        }
    }
    stage.of("worker.0.main").command = Some(vec!["hidden-SIGNING_KEY".to_owned()]);
    stage.of("api.0.main").labels.insert("team".to_owned(), "hidden-DB_PASSWORD".to_owned());
    let captured = format!("{:?}", stage.capture());
    assert!(!captured.contains("hidden-"), "{}", &captured[captured.find("hidden-").unwrap_or(0)..][..80]);
    let broken = stage.broken();
    let wanted = [
        "services.api.env.DATABASE_URL",
        "services.api.env.LEAK",
        "services.api.labels.team",
        "services.worker.command",
    ];
    assert!(wanted.iter().all(|path| broken.iter().any(|broken| broken == path)), "{broken:?}");
}

#[test]
fn what_the_plan_itself_departs_from_is_shown_and_is_no_lie() {
    let stage = Stage::set("shop.yaml");
    let live = stage.live("services.api.ulimits.nofile");
    assert_eq!((live.holds, live.value), (None, Some(json!({"soft": 4096, "hard": 6000}))));
    let live = stage.live("stores.db.image");
    assert_eq!(live.holds, None);
    assert!(live.value.unwrap().as_str().unwrap().starts_with("built/postgres:15@sha256:"));
    let live = stage.live("services.api.balancing");
    assert_eq!((live.holds, live.value), (None, Some(json!("dns"))));
    assert_eq!(stage.live("platform.cgroup").value, Some(json!("v1")));
}

/// Breaks one thing and sees exactly these paths break.
fn breaks(act: impl FnOnce(&mut Stage), wanted: &[&str]) -> Stage {
    let mut stage = Stage::set("shop.yaml");
    act(&mut stage);
    let broken = stage.broken();
    assert_eq!(broken, wanted);
    stage
}

#[test]
fn a_limit_that_was_changed_is_seen_from_both_sides() {
    let stage = breaks(
        |stage| stage.of("api.1.main").host.memory = 512 << 20,
        &["platform.swap", "services.api.resources.limits.memory"],
    );
    let live = stage.live("services.api.resources.limits.memory");
    assert_eq!(live.value, Some(json!("512Mi")));
    assert!(live.why.unwrap().contains("api.1.main"));
    let quota = "/sys/fs/cgroup/cpu/cpu.cfs_quota_us";
    let stage = breaks(
        |stage| drop(stage.inside_of("api.2.main").files.insert(quota.to_owned(), "50000\n".to_owned())),
        &["services.api.resources.limits.cpu"],
    );
    assert_eq!(stage.live("services.api.resources.limits.cpu").value, Some(json!("500m")));
    breaks(|stage| stage.of("worker.0.main").host.pids_limit = 0, &["services.worker.pids"]);
    breaks(|stage| stage.of("db.0.main").host.cpu_shares = 1024, &["stores.db.resources.requests.cpu"]);
    let swap = "/sys/fs/cgroup/memory/memory.memsw.limit_in_bytes";
    breaks(
        |stage| {
            drop(stage.inside_of("cache.0.main").files.insert(swap.to_owned(), "999999999999\n".to_owned()))
        },
        &["platform.swap"],
    );
}

#[test]
fn a_replica_that_is_gone_or_killed_is_seen() {
    let key = labels::COMPOSE_SERVICE;
    breaks(
        |stage| stage.observed.containers.retain(|container| container.labels[key] != "api.2.main"),
        &["services.api.image", "services.api.replicas"],
    );
    let stage = breaks(
        |stage| {
            let found = stage.of("api.2.main");
            found.state.status = "exited".to_owned();
            found.inside = None;
        },
        &["services.api.replicas"],
    );
    let live = stage.live("services.api.replicas");
    assert_eq!(live.value, Some(json!(2)));
    assert_eq!(live.why.as_deref(), Some("api.2.main does not run"));
}

#[test]
fn of_a_probe_of_another_kind_what_stayed_the_same_holds() {
    let stage = breaks(
        |stage| {
            let label = stage.of("api.0").labels.get_mut(labels::DUTIES).unwrap();
            let mut duties: Json = serde_json::from_str(label).unwrap();
            let containers = duties["containers"].as_array_mut().unwrap();
            let main = containers.iter_mut().find(|duty| duty["name"] == "main").unwrap();
            main["liveness"]["action"] = json!({"tcp": {"port": 8000}});
            *label = duties.to_string();
        },
        &["services.api.probes.liveness.http.path", "services.api.probes.liveness.http.port"],
    );
    assert_eq!(stage.live("services.api.probes.liveness.period").holds, Some(true));
}

#[test]
fn what_a_process_is_given_is_seen() {
    breaks(|stage| stage.of("api.0.main").user = "0".to_owned(), &["services.api.user"]);
    breaks(|stage| stage.of("api.0.main").host.read_only = false, &["services.api.read_only"]);
    breaks(|stage| stage.of("api.0.main").host.cap_drop.clear(), &["services.api.capabilities.drop"]);
    breaks(|stage| stage.of("api.0.main").host.security_opt.clear(), &["services.api.no_new_privileges"]);
    breaks(|stage| stage.of("api.0").host.sysctls.clear(), &["services.api.sysctls[\"net.core.somaxconn\"]"]);
    breaks(|stage| stage.of("api.0.main").env.push("NEW=1".to_owned()), &["services.api.env.NEW"]);
    breaks(
        |stage| stage.of("api.0.main").env.retain(|variable| !variable.starts_with("ENABLE_CACHE=")),
        &["flags.ENABLE_CACHE", "services.api.flags"],
    );
    breaks(
        |stage| {
            let answers = &mut stage.inside_of("api.2.main").answers;
            answers.insert("date +%Z%z".to_owned(), "Europe+0000".to_owned());
        },
        &["services.api.timezone"],
    );
    breaks(
        |stage| {
            let files = &mut stage.inside_of("api.2.main").files;
            files.insert("/etc/resolv.conf".to_owned(), "options ndots:5\n".to_owned());
        },
        &["services.api.dns.ndots"],
    );
}

#[test]
fn what_the_keeper_and_the_network_do_is_seen() {
    let told_otherwise = |from: &'static str, to: &'static str| {
        move |stage: &mut Stage| {
            let duties = stage.of("api.0").labels.get_mut(labels::DUTIES).unwrap();
            assert!(duties.contains(from), "{duties}");
            *duties = duties.replace(from, to);
        }
    };
    let stage = breaks(
        told_otherwise("/healthz", "/other"),
        &["services.api.probes.liveness.http.path", "services.api.probes.startup.http.path"],
    );
    assert_eq!(stage.live("services.api.probes.liveness.http.path").value, Some(json!("/other")));
    let stage =
        breaks(told_otherwise(r#""restart":"always""#, r#""restart":"never""#), &["services.api.restart"]);
    assert_eq!(stage.live("services.api.restart").value, Some(json!("never")));
    breaks(
        |stage| stage.of("api.0").networks.values_mut().for_each(|network| network.aliases.clear()),
        &["services.api.balancing", "services.api.ports[name=http]"],
    );
    breaks(|stage| stage.observed.networks[0].internal = false, &["network.egress"]);
    breaks(|stage| stage.observed.egress.as_mut().unwrap().refused = false, &["network.egress"]);
    breaks(|stage| stage.of("pm.gateway").published.clear(), &["network.expose[0]"]);
    let stage = breaks(|stage| stage.observed.keeper = None, &[]);
    let live = stage.live("services.api.probes.readiness.period");
    assert_eq!((live.holds, live.value), (None, None));
    assert!(live.why.unwrap().contains("keeper"));
}

#[test]
fn a_keeper_without_a_socket_is_not_said_to_do_what_it_cannot() {
    let mut stage = Stage::set("shop.yaml");
    stage.plan.keeper.command.as_mut().unwrap().push("--no-socket".to_owned());
    for path in ["probes.liveness.http.path", "restart", "pre_stop.sleep"] {
        let live = stage.live(&format!("services.api.{path}"));
        assert_eq!((live.holds, live.value), (None, None), "{path}");
        assert!(live.why.unwrap().contains("no socket"), "{path}");
    }
    assert_eq!(stage.live("services.api.probes.readiness.http.path").holds, Some(true));
}

#[test]
fn what_an_engine_answers_is_seen() {
    let facts = |change: fn(&mut StoreFacts)| {
        move |stage: &mut Stage| change(stage.observed.stores.get_mut("db").unwrap())
    };
    breaks(
        facts(|facts| drop(facts.settings.insert("work_mem".into(), "64MB".into()))),
        &["stores.db.settings.work_mem"],
    );
    breaks(
        facts(|facts| facts.login = Some(false)),
        &["stores.db.database", "stores.db.password", "stores.db.user"],
    );
    breaks(
        |stage| stage.observed.keeper.as_mut().unwrap().seeds.clear(),
        &["stores.cache.seed", "stores.db.seed"],
    );
    let stage = breaks(|stage| stage.observed.stores.clear(), &[]);
    assert_eq!(stage.live("stores.db.settings.work_mem").holds, None);
}

#[test]
fn a_job_that_failed_is_seen() {
    let stage = breaks(
        |stage| stage.of("migrate.0.main").state.exit_code = 3,
        &["jobs.migrate.exit_code", "services.api.needs", "services.worker.needs"],
    );
    assert_eq!(stage.live("jobs.migrate.exit_code").value, Some(json!(3)));
    let needs = stage.live("services.worker.needs").value.unwrap();
    assert!(!needs.as_array().unwrap().contains(&json!("migrate")), "{needs}");
}

#[test]
fn an_init_container_that_failed_is_seen() {
    let end = "services.worker.init.journal.exit_code";
    let stage = breaks(|stage| stage.of("worker.0.init.journal").state.exit_code = 1, &[end]);
    assert_eq!(stage.live(end).value, Some(json!(1)));
    // The journal tells of jobs alone, and a container that is gone tells nothing.
    let gone = |stage: &mut Stage, key: &str| {
        stage.observed.containers.retain(|container| container.labels[labels::COMPOSE_SERVICE] != key);
    };
    let stage = breaks(|stage| gone(stage, "worker.0.init.journal"), &[]);
    assert_eq!((stage.live(end).holds, stage.live(end).value), (None, None));
    let stage = breaks(
        |stage| {
            gone(stage, "migrate.0.main");
            let job = JobStatus { job: "migrate".into(), spec: String::new(), code: 4 };
            stage.observed.keeper.as_mut().unwrap().jobs.push(job);
        },
        &["jobs.migrate.exit_code"],
    );
    assert_eq!(stage.live("jobs.migrate.exit_code").value, Some(json!(4)));
}

#[test]
fn the_form_of_a_secret_in_a_url_need_not_be_known() {
    let mut stage = Stage::set("shop.yaml");
    let variables: Vec<_> =
        stage.plan.secrets.iter().filter_map(|secret| secret.url_variable.clone()).collect();
    assert!(!variables.is_empty());
    for variable in variables {
        // As it was launched.
        let plain = stage.secrets[variable.trim_end_matches("_URL")].clone();
        let launched = stage.secrets.remove(&variable).unwrap();
        for container in &mut stage.observed.containers {
            container
                .env
                .iter_mut()
                .for_each(|text| *text = text.replace(&launched, &plan::url_encode(&plain)));
        }
    }
    assert_eq!(stage.live("services.api.env.DATABASE_URL").holds, Some(true));
}

#[test]
fn an_entry_that_qualifies_a_field_is_not_taken_for_the_field() {
    let mut stage = Stage::set("shop.yaml");
    let entry = |stage: &Stage, path: &str| {
        let found = stage.judge().entries.into_iter().find(|entry| entry.path.to_string() == path).unwrap();
        (found.holds, found.live)
    };
    let oom = "services.api.resources.limits.memory.oom_group";
    // The profile's nodes have version 2, where Kubernetes kills the whole container.
    assert_eq!(entry(&stage, oom), (None, Some(json!(false))));
    assert_eq!(entry(&stage, "services.api.replicas.identity"), (None, Some(json!("ordinal"))));
    assert_eq!(entry(&stage, "network.expose.source_address").0, None);
    let file = "services.api.files[\"/etc/shop/shop.ini\"]";
    assert_eq!(entry(&stage, file).0, Some(true));
    let facts = |stage: &mut Stage| {
        drop(stage.inside_of("api.1.main").checksums.insert(
            "/etc/shop/shop.ini".into(),
            FileFacts { sha256: Some("ab".into()), mode: 0o644, user: 0, group: 0 },
        ))
    };
    facts(&mut stage);
    let (holds, live) = entry(&stage, file);
    assert_eq!((holds, live.unwrap()["sha256"].as_str()), (Some(false), Some("sha256:ab")));
}

#[test]
fn every_field_of_a_profile_has_a_reader() {
    let stage = Stage::set("everything.yaml");
    let captured = stage.capture();
    let nobody: Vec<String> = captured
        .readings
        .iter()
        .filter(|(_, reading)| reading.why.as_deref() == Some("nothing in a mirror tells it"))
        .map(|(path, _)| path.to_string())
        .collect();
    assert_eq!(nobody, Vec::<String>::new());
    assert_eq!(stage.broken(), Vec::<String>::new());
}
