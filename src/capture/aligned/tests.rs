use serde_json::json;

use super::*;
use crate::{
    diff::{self, Difference},
    profile::lengthen,
};

/// What differs between a profile and what was captured, both in any spelling.
#[track_caller]
fn compared(wanted: Json, captured: Json, teller: Teller) -> Difference {
    let long = |tree: Json| {
        let mut tree = tree;
        tree["apiVersion"] = json!(crate::profile::VERSION);
        tree["name"] = json!("shop");
        crate::profile::tree(&from_tree(&lengthen(&tree)).unwrap())
    };
    let (wanted, captured) = (long(wanted), long(captured));
    let hashes = Hashes::default();
    let Aligned { tree, unread, untold, .. } = aligned(&captured, teller, &hashes, &wanted).unwrap();
    let mut difference = diff::compare(&wanted, &tree);
    difference.set_aside(&unread);
    difference.untold = untold;
    assert_eq!(diff::apply(&wanted, &diff::diff(&wanted, &tree)).map(|b| diff::equal(&b, &tree)), Ok(true));
    difference
}

fn changes(difference: &Difference) -> Vec<String> {
    difference.meaningful().map(|change| change.path.to_string()).collect()
}

fn untold(difference: &Difference) -> Vec<String> {
    difference.untold.iter().map(|one| one.path.to_string()).collect()
}

fn profile() -> Json {
    json!({
        "flags": {"ENABLE_CACHE": "true", "NOBODY_READS": "x"},
        "secrets": {"db-password": {"generate": "hex:8"}},
        "services": {"web": {
            "image": "web:1", "flags": ["ENABLE_CACHE"], "timezone": "Europe/Berlin", "needs": ["db"],
            "env": {"DATABASE_URL": "${store:db.url}", "KEY": "k-${secret:db-password}", "WORKERS": 4},
            "ports": {"http": 8000, "metrics": 9000},
            "probes": {"readiness": {"http": {"path": "/healthz", "port": "http"}, "period": "10s"}},
        }},
        "stores": {"db": {"engine": "postgres", "image": "postgres:16", "database": "shop", "user": "shop",
            "password": "${secret:db-password}", "seed": "snapshot:shop"}},
    })
}

fn production() -> Json {
    json!({
        "secrets": {"db-pw": {}, "web-key": {}},
        "services": {"web": {
            "image": "web:1", "replicas": 1, "stop_grace_period": "30s",
            "env": {"DATABASE_URL": "postgres://shop:${secret:db-pw}@db:5432/shop", "KEY": "k-${secret:web-key}",
                "WORKERS": "4", "ENABLE_CACHE": "true", "TZ": "Europe/Berlin"},
            "ports": {"p8000": 8000, "p9000": 9000},
            "probes": {"readiness": {"http": {"path": "/healthz", "port": 8000}, "failure_threshold": 3}},
        }},
        "stores": {"db": {"engine": "postgres", "image": "postgres:16", "database": "shop", "user": "shop",
            "password": "${secret:db-pw}"}},
    })
}

#[test]
fn what_means_the_same_is_no_difference_and_what_cannot_be_told_is_said() {
    let difference = compared(profile(), production(), Teller::Kubernetes);
    assert_eq!(changes(&difference), [""; 0]);
    assert!(difference.incomparable.is_empty(), "{:?}", difference.incomparable);
    assert_eq!(untold(&difference), ["secrets", "stores.db.seed", "services.web.needs"]);
}

#[test]
fn a_cluster_starts_services_again_without_a_word_and_docker_does_not() {
    let (mut wanted, mut there) = (profile(), production());
    there["services"]["web"]["restart"] = json!("always");
    assert_eq!(changes(&compared(wanted.clone(), there.clone(), Teller::Kubernetes)), [""; 0]);
    assert_eq!(changes(&compared(wanted.clone(), there, Teller::Docker)), ["services.web.restart"]);
    wanted["services"]["web"]["restart"] = json!("always");
    assert_eq!(changes(&compared(wanted.clone(), production(), Teller::Kubernetes)), [""; 0]);
    assert_eq!(changes(&compared(wanted, production(), Teller::Docker)), ["services.web.restart"]);
}

#[test]
fn service_links_that_nobody_may_have_asked_for_are_told_and_no_difference() {
    let (mut wanted, mut there) = (profile(), production());
    let links = |tree: &mut Json, are: bool| tree["services"]["web"]["enable_service_links"] = json!(are);
    // As a mirror has them whose profile is silent.
    links(&mut there, false);
    let difference = compared(wanted.clone(), there.clone(), Teller::Kubernetes);
    assert_eq!(changes(&difference), [""; 0]);
    assert!(!untold(&difference).contains(&"services.web.enable_service_links".to_owned()));
    links(&mut there, true);
    let difference = compared(wanted.clone(), there.clone(), Teller::Kubernetes);
    assert_eq!(changes(&difference), [""; 0]);
    assert!(untold(&difference).contains(&"services.web.enable_service_links".to_owned()));
    // Where a profile does say it, it is a difference like another.
    links(&mut wanted, false);
    let difference = compared(wanted.clone(), there.clone(), Teller::Kubernetes);
    assert_eq!(changes(&difference), ["services.web.enable_service_links"]);
    links(&mut wanted, true);
    links(&mut there, false);
    let difference = compared(wanted, there, Teller::Kubernetes);
    assert_eq!(changes(&difference), ["services.web.enable_service_links"]);
}

#[test]
fn a_cluster_is_compared_as_far_as_its_nodes_tell_it() {
    let (mut wanted, mut there) = (profile(), production());
    wanted["platform"] = json!({"timezone": "Europe/Berlin", "kubernetes": {"version": "1.34.4", "nodes": 3,
        "pods": "10.8.0.0/14", "services": "10.96.0.0/16", "feature_gates": {"Gate": true}}});
    there["platform"] = json!({"kubernetes": {"version": "1.34", "nodes": 3}});
    let difference = compared(wanted.clone(), there.clone(), Teller::Kubernetes);
    assert_eq!(changes(&difference), [""; 0]);
    let found = untold(&difference);
    for path in ["timezone", "kubernetes.pods", "kubernetes.services", "kubernetes.feature_gates"] {
        assert!(found.contains(&format!("platform.{path}")), "{path}: {found:?}");
    }
    there["platform"]["kubernetes"] = json!({"version": "1.33", "nodes": 40});
    let found = changes(&compared(wanted, there, Teller::Kubernetes));
    assert_eq!(found, ["platform.kubernetes.version", "platform.kubernetes.nodes"]);
}

#[test]
fn a_flag_that_all_its_readers_have_otherwise_differs_itself() {
    let mut there = production();
    there["services"]["web"]["env"]["ENABLE_CACHE"] = json!("false");
    assert_eq!(changes(&compared(profile(), there.clone(), Teller::Docker)), ["flags.ENABLE_CACHE"]);
    let env = there["services"]["web"]["env"].as_object_mut().unwrap();
    env.remove("ENABLE_CACHE");
    assert_eq!(changes(&compared(profile(), there.clone(), Teller::Docker)), ["services.web.flags"]);
    there["services"]["web"]["env"]["ENABLE_CACHE"] = json!({"hole": "no right"});
    let difference = compared(profile(), there, Teller::Docker);
    assert_eq!(changes(&difference), [""; 0]);
    assert_eq!(difference.incomparable[0].path.to_string(), "services.web.flags");
}

#[test]
fn real_differences_are_left() {
    let mut there = production();
    let web = &mut there["services"]["web"];
    web["env"]["DATABASE_URL"] = json!("postgres://shop:${secret:db-pw}@db2:5432/shop");
    web["env"]["KEY"] = json!("k-");
    web["env"]["TZ"] = json!("UTC");
    web["probes"]["readiness"]["http"]["port"] = json!(9000);
    web["replicas"] = json!(3);
    web["ports"] = json!({"http": 9000});
    there["stores"]["db"]["image"] = json!("postgres:17");
    there["secrets"] = json!({"db-pw": {}});
    let found = changes(&compared(profile(), there, Teller::Kubernetes));
    for path in [
        "services.web.env.DATABASE_URL",
        "services.web.env.KEY",
        "services.web.env.TZ",
        "services.web.timezone",
        "services.web.probes.readiness.http.port",
        "services.web.replicas",
        "services.web.ports[name=http]",
        "stores.db.image",
    ] {
        assert!(found.iter().any(|one| one == path), "{path}: {found:?}");
    }
}

#[test]
fn a_hole_and_an_image_of_which_one_side_has_the_digest_are_neither_equal_nor_different() {
    let mut wanted = profile();
    wanted["services"]["web"]["image"] = json!(format!("web:1@sha256:{}", "a".repeat(64)));
    let mut there = production();
    there["services"]["web"]["env"]["WORKERS"] = json!({"hole": "it is in a Secret"});
    let difference = compared(wanted, there, Teller::Compose);
    assert_eq!(changes(&difference), ["services.web.needs"], "a Compose file does tell what waits");
    let unread: Vec<String> = difference.incomparable.iter().map(|one| one.path.to_string()).collect();
    assert_eq!(unread, ["services.web.env.WORKERS", "services.web.image"]);
}

#[test]
fn a_workload_that_was_not_found_is_not_filled_with_what_could_not_be_told() {
    let mut there = production();
    there["stores"] = json!({});
    let difference = compared(profile(), there, Teller::Docker);
    assert!(changes(&difference).contains(&"stores.db".to_owned()), "{:?}", changes(&difference));
    assert!(!untold(&difference).contains(&"stores.db.seed".to_owned()));
}
