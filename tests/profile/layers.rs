//! Overlays, `--set`, `--unset` and `like`, and where each value came from.

use prodmirror::profile::{Origin, tree};
use serde_json::{Value, json};

use crate::support::{load_layers, service};

fn at(documents: &[&str], set: &[&str], unset: &[&str], pointer: &str) -> Value {
    let loaded = load_layers(documents, set, unset).unwrap_or_else(|problems| panic!("{problems}"));
    tree(&loaded.profile).pointer(pointer).cloned().unwrap_or(Value::Null)
}

fn codes(documents: &[&str], set: &[&str], unset: &[&str]) -> Vec<String> {
    let problems = match load_layers(documents, set, unset) {
        Ok(loaded) => loaded.problems,
        Err(problems) => problems.0,
    };
    problems.iter().map(|problem| problem.code.to_owned()).collect()
}

const BASE: &str = "    env: {A: 1, B: 2}\n    command: [a, b]\n    ports: {http: 80, admin: 81}\n    probes: {readiness: {http: {path: /h, port: http}, period: 5s}}\n    volumes: {/data: {claim: data}}";

#[test]
fn maps_merge_by_key_and_lists_are_replaced() {
    let base = service(BASE);
    let over = "services: {api: {env: {B: 3, C: 4}, command: [c]}}";
    assert_eq!(at(&[&base, over], &[], &[], "/services/api/env"), json!({"A": "1", "B": "3", "C": "4"}));
    assert_eq!(at(&[&base, over], &[], &[], "/services/api/command"), json!(["c"]));
}

#[test]
fn ports_merge_by_name_in_either_form() {
    let base = service(BASE);
    for over in [
        "services: {api: {ports: {admin: 91, new: 92}}}",
        "services: {api: {ports: [{name: admin, port: 91}, {name: new, port: 92}]}}",
    ] {
        assert_eq!(
            at(&[&base, over], &[], &[], "/services/api/ports"),
            json!([
                {"name": "http", "port": 80, "protocol": "tcp"},
                {"name": "admin", "port": 91, "protocol": "tcp"},
                {"name": "new", "port": 92, "protocol": "tcp"}
            ])
        );
    }
}

#[test]
fn a_member_of_a_named_list_keeps_what_the_overlay_does_not_say() {
    let over = "services: {api: {ports: [{name: admin, protocol: udp}]}}";
    assert_eq!(
        at(&[&service(BASE), over], &[], &[], "/services/api/ports/1"),
        json!({"name": "admin", "port": 81, "protocol": "udp"})
    );
}

#[test]
fn a_choice_replaces_the_other_choice_and_leaves_what_stands_beside() {
    let base = service(BASE);
    let over = "services: {api: {probes: {readiness: {tcp: admin}}, volumes: {/data: empty}}}";
    assert_eq!(
        at(&[&base, over], &[], &[], "/services/api/probes/readiness"),
        json!({"tcp": {"port": "admin"}, "period": "5s"})
    );
    assert_eq!(
        at(&[&base, over], &[], &[], "/services/api/volumes/~1data"),
        json!({"empty": {"medium": "disk"}})
    );
}

#[test]
fn a_short_form_over_a_long_one_changes_only_what_it_says() {
    let over = "services: {api: {probes: {readiness: {http: /other}}}}";
    assert_eq!(
        at(&[&service(BASE), over], &[], &[], "/services/api/probes/readiness/http"),
        json!({"path": "/other", "port": "http"})
    );
}

#[test]
fn null_never_removes() {
    assert_eq!(codes(&[&service(BASE), "services: {api: {env: {A: null}}}"], &[], &[]), ["null"]);
    assert_eq!(codes(&[&service(BASE), "services: {api: {env: }}"], &[], &[]), ["null"]);
}

#[test]
fn set_reads_a_value_by_the_type_of_its_field() {
    let base = service(BASE);
    for (option, pointer, wanted) in [
        ("services.api.replicas=3", "/services/api/replicas", json!(3)),
        ("services.api.env.A=[not, a, list]", "/services/api/env/A", json!("[not, a, list]")),
        ("services.api.env.A=null", "/services/api/env/A", json!("null")),
        ("services.api.env.A=", "/services/api/env/A", json!("")),
        ("services.api.env.A=x=y", "/services/api/env/A", json!("x=y")),
        ("services.api.command=[x, \"y z\"]", "/services/api/command", json!(["x", "y z"])),
        ("services.api.command[1]=z", "/services/api/command", json!(["a", "z"])),
        ("services.api.command[2]=z", "/services/api/command", json!(["a", "b", "z"])),
        ("services.api.ports[name=admin].port=99", "/services/api/ports/1/port", json!(99)),
        ("services.api.ports.admin=99", "/services/api/ports/1/port", json!(99)),
        ("services.api.files[\"/etc/a=b\"]=text", "/services/api/files/~1etc~1a=b/content", json!("text")),
        ("services.api.probes.readiness.http=/x", "/services/api/probes/readiness/http/path", json!("/x")),
        (
            "services.api.probes.readiness.http={path: /x}",
            "/services/api/probes/readiness/http/path",
            json!("/x"),
        ),
        ("services.api.env.A={\"a\": 1}", "/services/api/env/A", json!("{\"a\": 1}")),
        ("services.api.command=", "/services/api/command", json!([])),
        ("services.api.labels.x=", "/services/api/labels/x", json!("")),
        ("services.api.read_only=true", "/services/api/read_only", json!(true)),
        ("services.api.image=nginx:1.2", "/services/api/image", json!("nginx:1.2")),
        ("network.egress=denied", "/network/egress", json!("denied")),
        ("network.egress={allow: [a.example]}", "/network/egress/allow", json!(["a.example"])),
        ("flags.NEW=off", "/flags/NEW", json!("off")),
    ] {
        assert_eq!(at(&[&base], &[option], &[], pointer), wanted, "{option}");
    }
}

#[test]
fn a_bad_option_is_a_problem_that_points_into_it() {
    let base = service(BASE);
    for (option, code, column) in [
        ("services.api.replicas=three", "wrong-type", 23),
        ("services.api.replcas=3", "unknown-key", 1),
        ("services.api..x=3", "bad-path", 1),
        ("services.api.replicas", "bad-path", 1),
        ("services.api.command=[x", "syntax", 22),
        ("services.api.command[9]=x", "bad-path", 1),
    ] {
        let problems = load_layers(&[&base], &[option], &[]).unwrap_err().0;
        assert_eq!(problems.len(), 1, "{option}: {problems:?}");
        assert_eq!((problems[0].code, problems[0].column), (code, Some(column)), "{option}");
        assert_eq!(problems[0].file.as_deref(), Some("--set"));
    }
}

#[test]
fn unset_removes_and_says_when_there_was_nothing() {
    let base = service(BASE);
    assert_eq!(at(&[&base], &[], &["services.api.env.A"], "/services/api/env"), json!({"B": "2"}));
    assert_eq!(at(&[&base], &[], &["services.api.probes"], "/services/api/probes"), Value::Null);
    let ports = at(&[&base], &[], &["services.api.ports[name=admin]"], "/services/api/ports");
    assert_eq!(ports.as_array().map(Vec::len), Some(1));
    let loaded = load_layers(&[&base], &[], &["services.api.en"]).unwrap();
    assert_eq!(loaded.problems[0].code, "unset-nothing");
    assert_eq!(loaded.problems[0].hint.as_deref(), Some("did you mean `env`?"));
}

#[test]
fn a_job_takes_over_what_it_is_like_and_its_own_words_win() {
    let text = service(
        "    env: {A: 1, B: 2}\n    user: app\n    working_dir: /srv\n    ports: {http: 80}\njobs:\n  one: {like: api, env: {B: 3}, needs: [api]}\n  two: {like: one, env: {C: 4}}",
    );
    let job = |name: &str, set: &[&str], unset: &[&str]| at(&[&text], set, unset, &format!("/jobs/{name}"));
    assert_eq!(
        job("one", &[], &[]),
        json!({"image": "local:api:dev", "env": {"A": "1", "B": "3"}, "user": "app", "needs": ["api"]})
    );
    assert_eq!(job("two", &[], &[])["env"], json!({"A": "1", "B": "3", "C": "4"}));
    assert_eq!(job("two", &["services.api.image=local:x:y"], &[])["image"], json!("local:x:y"));
    assert_eq!(job("two", &[], &["jobs.two.env.A"])["env"], json!({"B": "3", "C": "4"}));
    assert_eq!(job("two", &[], &["jobs.two.env.A"])["image"], json!("local:api:dev"));
}

#[test]
fn every_value_knows_where_it_came_from() {
    let base = service(BASE);
    let over = "services:\n  api:\n    env:\n      B: 3\n";
    let loaded = load_layers(&[&base, over], &["services.api.replicas=2"], &[]).unwrap();
    let origin =
        |path: &str| loaded.origins.of(&path.parse().unwrap()).cloned().map(|origin| origin.to_string());
    assert_eq!(origin("services.api.env.A").as_deref(), Some("prodmirror.yaml:6:14"));
    assert_eq!(origin("services.api.env.B").as_deref(), Some("over-1.yaml:4:10"));
    assert_eq!(origin("services.api.replicas").as_deref(), Some("--set services.api.replicas=2"));
    assert_eq!(origin("services.api.ports[name=http].port").as_deref(), Some("prodmirror.yaml:8:19"));
    assert_eq!(origin("services.api.ports[name=http].protocol").as_deref(), Some("prodmirror.yaml:8:13"));
    assert!(matches!(loaded.origins.0.values().next(), Some(Origin::File { line: 1, .. })));
}

#[test]
fn a_problem_in_an_overlay_points_into_the_overlay() {
    let problems =
        load_layers(&[&service(BASE), "services:\n  api:\n    replicas: x\n"], &[], &[]).unwrap_err().0;
    assert_eq!(
        problems[0].to_string(),
        "over-1.yaml:3:15: services.api.replicas: `x` is no whole number from 0 to 4294967295"
    );
}
