//! What a difference says of particular pairs.

use prodmirror::{
    diff::{ApplyError, Change, Op, apply, compare, diff, text},
    ledger::Class,
};
use serde_json::{Value, json};

use crate::laws::example;

fn service(fields: Value) -> Value {
    json!({"apiVersion": "prodmirror/v1", "name": "notes", "services": {"api": fields}})
}

fn paths(changes: &[Change]) -> Vec<String> {
    changes.iter().map(|change| change.path.to_string()).collect()
}

fn find<'a>(changes: &'a [Change], path: &str) -> &'a Change {
    changes
        .iter()
        .find(|change| change.path.to_string() == path)
        .unwrap_or_else(|| panic!("{path}: {changes:#?}"))
}

fn needs(changes: &[Change], path: &str) -> Vec<String> {
    find(changes, path).needs.iter().map(ToString::to_string).collect()
}

#[test]
fn variables_and_ports_are_apart_and_a_service_is_whole() {
    let a = service(json!({"image": "a", "env": {"A": "1", "B": "2"}}));
    let mut b = service(json!({
        "image": "a", "env": {"A": "1", "C": ""}, "labels": {"x": "1", "y": "2"},
        "ports": [{"name": "http", "port": 80, "protocol": "tcp"}],
    }));
    b["services"]["web"] = json!({"image": "b", "env": {"A": "1"}});
    let changes = diff(&a, &b);
    assert_eq!(
        paths(&changes),
        [
            "services.api.env.B",
            "services.api.env.C",
            "services.api.labels.x",
            "services.api.labels.y",
            "services.api.ports[name=http]",
            "services.web",
        ]
    );
    assert_eq!(changes[0].op, Op::Remove);
    assert_eq!(changes[1].to, Some(json!("")));
    assert_eq!(changes[0].class, Class::Env);
}

#[test]
fn a_thing_that_becomes_another_kind_of_thing_is_one_change() {
    let a = service(json!({
        "probes": {"readiness": {"http": {"path": "/a"}, "period": "1s"}, "liveness": {"tcp": {}, "period": "1s"}},
        "volumes": {"/d": {"empty": {"medium": "disk"}}}, "env": {"A": {"field": "pod.name"}},
    }));
    let b = service(json!({
        "probes": {"readiness": {"exec": {"command": ["x"]}}, "liveness": {"tcp": {}, "period": "2s"}},
        "volumes": {"/d": {"claim": "d"}}, "env": {"A": "x"},
    }));
    assert_eq!(
        paths(&diff(&a, &b)),
        [
            "services.api.probes.readiness",
            "services.api.probes.liveness.period",
            "services.api.volumes[\"/d\"]",
            "services.api.env.A",
        ]
    );
}

#[test]
fn a_change_needs_what_it_refers_to() {
    let a = json!({
        "flags": {"OLD": "1"}, "secrets": {"old": {}},
        "services": {"api": {"image": "a", "env": {"K": "${secret:old}"}, "flags": ["OLD"]}},
    });
    let b = json!({
        "flags": {"NEW": "1"}, "secrets": {"new": {}},
        "services": {
            "api": {
                "image": "a", "env": {"K": "x${secret:new}", "U": "${store:db.url}"}, "flags": ["NEW"],
                "needs": ["db"], "probes": {"liveness": {"tcp": {"port": "http"}}}, "privileged": true,
                "ports": [{"name": "http", "port": 80, "protocol": "tcp"}],
            }
        },
        "stores": {"db": {"engine": "redis", "image": "r"}},
        "network": {"expose": [{"service": "db"}]},
        "allow": ["privileged"],
    });
    let changes = diff(&a, &b);
    for (path, wanted) in [
        ("services.api.env.K", vec!["secrets.new"]),
        ("secrets.old", vec!["services.api.env.K"]),
        ("services.api.flags", vec!["flags.NEW"]),
        ("flags.OLD", vec!["services.api.flags"]),
        ("services.api.env.U", vec!["stores.db"]),
        ("services.api.needs", vec!["stores.db"]),
        ("services.api.probes.liveness", vec!["services.api.ports[name=http]"]),
        ("services.api.privileged", vec!["allow"]),
        ("network.expose", vec!["stores.db"]),
        ("stores.db", vec![]),
    ] {
        assert_eq!(needs(&changes, path), wanted, "{path}");
    }
}

#[test]
fn a_request_needs_the_limit_that_makes_room_for_it() {
    let with = |limit: &str, request: &str| {
        service(json!({"resources": {"limits": {"memory": limit}, "requests": {"memory": request}}}))
    };
    let (limit, request) = ("services.api.resources.limits.memory", "services.api.resources.requests.memory");
    let up = diff(&with("1Gi", "512Mi"), &with("4Gi", "2Gi"));
    assert_eq!((needs(&up, request), needs(&up, limit)), (vec![limit.to_owned()], vec![]));
    let down = diff(&with("4Gi", "2Gi"), &with("1Gi", "512Mi"));
    assert_eq!((needs(&down, request), needs(&down, limit)), (vec![], vec![request.to_owned()]));
}

#[test]
fn noise_is_named_and_hidden() {
    let digest = format!("sha256:{}", "0".repeat(64));
    let mut a = service(json!({
        "image": format!("web:1@{digest}"), "resources": {"limits": {"cpu": "0.5", "memory": "512Mi"}},
        "capabilities": {"add": ["A", "B"]}, "command": ["a", "b"], "env": {"CPU": "0.5"},
    }));
    let b = service(json!({
        "image": format!("docker.io/library/web:2@{digest}"), "resources": {"limits": {"cpu": "500m", "memory": "0.5Gi"}},
        "capabilities": {"add": ["B", "A"]}, "command": ["b", "a"], "env": {"CPU": "500m"},
    }));
    a["captured"] = json!({"from": "kubernetes", "at": "2026-11-20T08:15:00Z"});
    let difference = compare(&a, &b);
    let noise: Vec<(String, Option<&str>)> =
        difference.changes.iter().map(|change| (change.path.to_string(), change.noise.as_deref())).collect();
    let wanted = [
        ("services.api.image", Some("image-tag-only")),
        ("services.api.resources.limits.cpu", Some("equal-quantity")),
        ("services.api.resources.limits.memory", Some("equal-quantity")),
        ("services.api.capabilities.add", Some("order-only")),
        ("services.api.command", None),
        ("services.api.env.CPU", None),
        ("captured", Some("description")),
    ];
    assert_eq!(noise, wanted.map(|(path, noise)| (path.to_owned(), noise)));
    assert_eq!(difference.meaningful().count(), 2);
    insta::assert_snapshot!(text(&difference, false));
}

#[test]
fn another_digest_is_no_noise() {
    let image = |digit: &str| service(json!({"image": format!("web:1@sha256:{}", digit.repeat(64))}));
    assert_eq!(diff(&image("0"), &image("1"))[0].noise, None);
    let tags = |tag: &str| service(json!({"image": format!("web:{tag}")}));
    assert_eq!(diff(&tags("1"), &tags("2"))[0].noise, None);
}

#[test]
fn what_was_not_read_is_neither_equal_nor_different() {
    let hole = |why: &str| json!({"hole": why});
    let env = |env: Value| service(json!({"env": env}));
    let a = env(
        json!({"A": hole("no right"), "B": "1", "C": hole("gone"), "D": {"secret": "k1:aa"}, "E": {"secret": "k1:aa"}}),
    );
    let b = env(
        json!({"A": "x", "B": hole("no shell"), "C": hole("gone"), "D": {"secret": "k2:aa"}, "E": {"secret": "k1:bb"}, "F": hole("new")}),
    );
    let difference = compare(&a, &b);
    assert_eq!(paths(&difference.changes), ["services.api.env.E", "services.api.env.F"]);
    let unread: Vec<String> =
        difference.incomparable.iter().map(|unread| format!("{}: {}", unread.path, unread.why)).collect();
    assert_eq!(
        unread,
        [
            "services.api.env.A: the first was not read: no right",
            "services.api.env.B: the second was not read: no shell",
            "services.api.env.C: neither was read: gone",
            "services.api.env.D: secrets were hashed under different keys, `k1` and `k2`",
        ]
    );
}

#[test]
fn a_hole_in_place_of_a_map_is_compared_with_the_whole_map() {
    let hole = json!({"hole": "no right"});
    let a = service(json!({"image": hole, "resources": {"limits": hole}, "env": {"hole": "x"}}));
    let b = service(
        json!({"image": "a:1", "resources": {"limits": {"cpu": "1", "memory": "1Gi"}}, "env": {"A": "y"}}),
    );
    let difference = compare(&a, &b);
    let unread: Vec<String> = difference.incomparable.iter().map(|unread| unread.path.to_string()).collect();
    assert_eq!(unread, ["services.api.image", "services.api.resources.limits"]);
    assert_eq!(paths(&difference.changes), ["services.api.env.hole", "services.api.env.A"]);
    for (from, to) in [(&a, &b), (&b, &a)] {
        let changes = diff(from, to);
        assert_eq!(apply(from, &changes).as_ref(), Ok(to));
        let limits = find(&changes, "services.api.resources.limits");
        assert_eq!(limits.to.as_ref(), to["services"]["api"]["resources"].get("limits"));
    }
}

#[test]
fn changes_that_do_not_fit_are_refused() {
    let (a, b) = (
        service(json!({"replicas": 3, "env": {"A": "1"}})),
        service(json!({"replicas": 1, "env": {"B": "2"}})),
    );
    let changes = diff(&a, &b);
    let other = service(json!({"replicas": 2, "env": {"A": "1"}}));
    assert!(matches!(apply(&other, &changes), Err(ApplyError::Other { found, .. }) if found == "2"));
    assert!(matches!(apply(&b, &changes[1..2]), Err(ApplyError::Absent { .. })));
    assert!(matches!(apply(&b, &changes[2..]), Err(ApplyError::Present { .. })));
    let through = Change { path: "services.api.replicas.x".parse().unwrap(), ..changes[2].clone() };
    assert!(matches!(apply(&a, &[through]), Err(ApplyError::Blocked { .. })));
}

#[test]
fn a_difference_is_grouped_by_what_it_is_in() {
    let mut a = service(json!({"image": "a", "env": {"LEVEL": "info", "OLD": "1"}, "replicas": 3}));
    let mut b =
        service(json!({"image": "a", "env": {"LEVEL": "debug", "KEY": "${secret:key}"}, "replicas": 1}));
    a["stores"] = json!({"db": {"engine": "postgres", "settings": {"work_mem": "4MB"}}});
    b["stores"] = json!({"db": {"engine": "postgres"}, "cache": {"engine": "redis", "image": "redis:7"}});
    a["flags"] = json!({"NEW": "true"});
    a["network"] = json!({"egress": "denied"});
    a["services"]["api"]["env"]["LOST"] = json!({"hole": "no right to read it"});
    b["services"]["api"]["env"]["LOST"] = json!("x");
    insta::assert_snapshot!(text(&compare(&a, &b), false));
}

#[test]
fn the_flag_that_makes_the_bug_of_the_shop_is_the_first_to_suspect() {
    let difference = compare(&example("shop"), &example("shop-dev"));
    let change = find(&difference.changes, "flags.ENABLE_CACHE");
    assert_eq!((&change.from, &change.to), (&Some(json!("true")), &Some(json!("false"))));
    let most = difference.changes.iter().filter_map(|change| change.cause_prior).fold(0.0, f64::max);
    assert_eq!(change.cause_prior, Some(most));
}

#[test]
fn nothing_in_a_value_moves_the_cursor() {
    let a = service(
        json!({"env": {"A": "\u{1b}[2J", "B": " x ", "C": "", "D": "\u{9b}1m\u{202e}", "E": "a\nb"}}),
    );
    let b = service(json!({"env": {"A": "x".repeat(1000)}}));
    let shown = text(&compare(&a, &b), true);
    assert!(!shown.chars().any(|c| c.is_control() && c != '\n'), "{shown:?}");
    insta::assert_snapshot!(shown);
}

#[test]
fn no_difference_is_no_text() {
    assert_eq!(text(&compare(&example("shop"), &example("shop")), true), "");
}
