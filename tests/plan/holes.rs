//! Holes: refused together, as one block to fill in, and never counted as held.

use prodmirror::{
    ledger::Grade,
    plan::{Plan, plan, to_fill},
    profile::{Origins, Source},
};

use crate::support::{env_of, host, planned, profile, read};

const BLOCKS: &str = r#"secrets: {key: {hole: no right to read secrets}}
services:
  api:
    image: {hole: built here}
    command: [a, {hole: hidden}]
    env: {A: {hole: not readable}, B: x, "C.D": {hole: "gone\nfor good"}, KEY: "${secret:key}"}
    ports: {http: {hole: not published}}
    files: {/etc/a: {hole: too large}}
    resources: {limits: {memory: {hole: no right}}}
  web:
    image: "local:api:dev"
    sidecars: {s: {command: [x], env: {E: {hole: no right}}}}
stores:
  db: {engine: postgres, image: "local:api:dev", password: {hole: in a file}, seed: {hole: not captured}}
"#;

fn refused(plan: &Plan) -> Vec<&str> {
    plan.refusals.iter().map(|refusal| refusal.path.as_str()).collect()
}

#[test]
fn holes_are_refused_together_as_one_block_to_fill_in() {
    let plan = planned(&profile(BLOCKS));
    assert!(plan.refusals.iter().all(|refusal| refusal.code == "hole"), "{:?}", plan.refusals);
    insta::assert_snapshot!(to_fill(&plan.refusals).unwrap());
    assert_eq!(env_of(&plan, "api", "A"), None);
}

#[test]
fn the_block_fills_every_hole_once_it_is_completed_and_none_before() {
    let base = format!("apiVersion: prodmirror/v1\nname: shop\n{BLOCKS}");
    let block = to_fill(&planned(&profile(BLOCKS)).refusals).unwrap();
    let overlay = block.split("# as options").next().unwrap();
    let read = |overlay: &str| {
        let documents = [Source::new("prodmirror.yaml", base.as_str()), Source::new("fill.yaml", overlay)];
        read(&documents, &|_, _| Err("no file is read".to_owned()))
    };
    let problems = read(overlay).unwrap_err();
    let empty: Vec<_> =
        problems.0.iter().filter(|problem| problem.is_error()).map(|problem| problem.code).collect();
    assert!(!empty.is_empty() && empty.iter().all(|code| *code == "null"), "{problems}");
    let value = |line: &str| match line.split_once(": # ") {
        Some((key, _)) if key.ends_with("image") => format!("{key}: \"local:api:dev\""),
        Some((key, _)) if key.ends_with("port") => format!("{key}: 80"),
        Some((key, _)) if key.ends_with("memory") => format!("{key}: 1Gi"),
        Some((key, _)) => format!("{key}: x"),
        None => line.to_owned(),
    };
    let completed: String = overlay.lines().map(|line| value(line) + "\n").collect();
    let profile = read(&completed).unwrap_or_else(|problems| panic!("{problems}\n{completed}")).profile;
    let left: Vec<String> = profile.holes.keys().map(ToString::to_string).collect();
    assert_eq!(left, ["secrets.key", "services.api.command[1]"]);
}

#[test]
fn what_could_not_be_read_is_dropped_in_the_ledger_with_its_reason() {
    let plan = planned(&profile(BLOCKS));
    let of = |path: &str| {
        plan.ledger.iter().find(|wanted| wanted.path.to_string() == path).unwrap_or_else(|| panic!("{path}"))
    };
    for (path, reason) in [
        ("services.api.image", "built here"),
        ("services.api.command", "hidden"),
        ("services.api.env.A", "not readable"),
        ("services.api.ports[name=http]", "not published"),
        ("services.api.files[\"/etc/a\"]", "too large"),
        ("services.api.resources.limits.memory", "no right"),
        ("services.web.sidecars.s.env.E", "no right"),
        ("stores.db.password", "in a file"),
        ("stores.db.seed", "not captured"),
    ] {
        let entry = of(path);
        assert_eq!(entry.grade, Grade::Dropped, "{path}");
        assert_eq!(entry.why.as_deref(), Some(format!("it could not be read: {reason}").as_str()), "{path}");
    }
    assert!(of("services.api.env.B").grade > Grade::Dropped);
    assert!(!plan.ledger.iter().any(|wanted| wanted.path.to_string().ends_with("oom_group")));
    let limits =
        planned(&profile("services: {api: {image: \"local:api:dev\", resources: {limits: {hole: why}}}}"));
    let entry = limits
        .ledger
        .iter()
        .find(|wanted| wanted.path.to_string() == "services.api.resources.limits")
        .unwrap();
    assert_eq!(entry.grade, Grade::Dropped);
}

#[test]
fn an_image_that_was_not_read_may_be_given_by_the_option() {
    let holed = profile("services: {api: {image: {hole: built here}}, web: {image: {hole: built here}}}");
    assert_eq!(refused(&planned(&holed)), ["services.api.image", "services.web.image"]);
    let mut capabilities = host();
    capabilities.options.images.insert("api".into(), "local:api:dev".parse().unwrap());
    let plan = plan(&holed, &capabilities, &Origins::default());
    assert_eq!(refused(&plan), ["services.web.image"]);
    let entry = plan.ledger.iter().find(|wanted| wanted.path.to_string() == "services.api.image").unwrap();
    assert_eq!((entry.grade, entry.wanted.clone()), (Grade::Approximated, Some("local:api:dev".into())));
    assert!(entry.why.as_deref().unwrap().contains("--image"));
}
