//! The ledger: an entry for every leaf, and the grade that profile and host allow.

use std::collections::BTreeMap;

use prodmirror::{
    ledger::{Class, Grade, Wanted},
    path::Path,
    plan::{Capabilities, plan},
    profile::{Origins, Profile, schema, tree},
};
use serde_json::Value;

use crate::{
    golden::{load_file, profiles},
    support::{DIGEST, host, planned, profile, service},
};

/// Paths of the scalars, lists of scalars and empty maps of a tree.
fn scalars(at: &Path, value: &Value, found: &mut Vec<Path>) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            map.iter().for_each(|(key, value)| scalars(&at.key(key.as_str()), value, found));
        }
        Value::Array(items) if items.iter().any(Value::is_object) => {
            for (index, item) in items.iter().enumerate() {
                let at = match item.get("name").and_then(Value::as_str) {
                    Some(name) => at.member("name", name),
                    None => at.index(index),
                };
                scalars(&at, item, found);
            }
        }
        // An empty map asks for nothing, unless its field says otherwise.
        Value::Object(_) if !prodmirror::ledger::has_row(at) => {}
        _ => found.push(at.clone()),
    }
}

fn answered_for(path: &Path) -> bool {
    let first = path.key_at(0).unwrap();
    let silent = ["apiVersion", "name", "secrets", "endpoints", "allow", "scenarios"];
    !silent.contains(&first) && (first != "captured" || path.key_at(1) == Some("unsupported"))
}

/// Behaviour that has no field of its own.
fn is_behaviour(path: &Path) -> bool {
    let text = path.to_string();
    [".oom_group", ".identity", ".source_address", ".exit_code"].iter().any(|end| text.ends_with(end))
}

/// Fails unless every leaf of the long form has one entry, and every entry a leaf.
pub fn assert_one_entry_a_leaf(profile: &Profile, ledger: &[Wanted]) {
    let mut leaves = Vec::new();
    scalars(&Path::root(), &tree(profile), &mut leaves);
    leaves.retain(answered_for);
    let entries: Vec<&Path> =
        ledger.iter().map(|wanted| &wanted.path).filter(|path| !is_behaviour(path)).collect();
    for leaf in &leaves {
        let covering: Vec<_> = entries.iter().filter(|entry| leaf.starts_with(entry)).collect();
        assert_eq!(covering.len(), 1, "{leaf} in {}: {covering:?}", profile.name);
    }
    for entry in entries {
        let written = leaves.iter().any(|leaf| leaf.starts_with(entry));
        let unseeded = profile.captured.is_some() && entry.to_string().ends_with(".seed");
        assert!(written || unseeded, "{entry} is written nowhere in {}", profile.name);
    }
}

#[test]
fn every_leaf_has_exactly_one_entry_and_nothing_else_has_one() {
    for file in profiles() {
        let profile = load_file(&file).profile;
        assert_one_entry_a_leaf(&profile, &planned(&profile).ledger);
    }
}

#[test]
fn below_enforced_there_is_a_reason_and_every_field_has_a_row() {
    for file in profiles() {
        for wanted in planned(&load_file(&file).profile).ledger {
            let why = wanted.why.unwrap_or_default();
            assert!(wanted.grade == Grade::Enforced || !why.is_empty(), "{}", wanted.path);
            assert!(!why.contains("no row"), "{}", wanted.path);
        }
    }
}

#[test]
fn the_shop_has_its_sixty_leaves_and_hides_no_secret() {
    let shop = profiles().into_iter().find(|path| path.ends_with("shop.yaml")).unwrap();
    let plan = planned(&load_file(&shop).profile);
    assert!(plan.ledger.len() >= 60, "{}", plan.ledger.len());
    let of = |path: &str| plan.ledger.iter().find(|wanted| wanted.path.to_string() == path).unwrap().clone();
    assert_eq!(of("services.api.env.DATABASE_URL").class, Class::Secret);
    assert_eq!(of("services.api.env.DATABASE_URL").wanted, Some("${store:db.url}".into()));
    assert_eq!(of("stores.db.password").class, Class::Secret);
    assert_eq!(of("services.api.ports[name=http]").grade, Grade::Approximated);
}

/// Walks the schema as a profile's long form would be written, with `*` for keys that are anyone's.
fn fields(
    schema: &Value,
    root: &Value,
    at: &Path,
    has_row: &dyn Fn(&Path) -> bool,
    missing: &mut Vec<String>,
) {
    if !at.0.is_empty()
        && (!answered_for(at) && at.key_at(0) != Some("captured") || has_row(at) && is_group(at))
    {
        return;
    }
    if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
        let target = root.pointer(reference.trim_start_matches('#')).unwrap_or_else(|| panic!("{reference}"));
        return fields(target, root, at, has_row, missing);
    }
    let branches = branches(schema);
    let long: Vec<&&Value> = branches.iter().filter(|branch| is_long(branch, root)).collect();
    if !branches.is_empty() {
        // A list of named members is the long form of a map.
        let lists: Vec<&&&Value> = long.iter().filter(|branch| is_list_of_maps(branch, root)).collect();
        match (lists.as_slice(), long.as_slice()) {
            ([list], _) => return fields(list, root, at, has_row, missing),
            (_, []) => {}
            (_, long) => return long.iter().for_each(|branch| fields(branch, root, at, has_row, missing)),
        }
    }
    if is_list_of_maps(schema, root) {
        return fields(&schema["items"], root, &at.member("name", "*"), has_row, missing);
    }
    let properties = schema.get("properties").and_then(Value::as_object);
    let open = schema.get("additionalProperties").filter(|value| value.is_object());
    let patterns = schema.get("patternProperties").and_then(Value::as_object);
    let any = open.into_iter().chain(patterns.into_iter().flat_map(|map| map.values()));
    let mut is_leaf = true;
    for (key, below) in properties.into_iter().flatten() {
        is_leaf = false;
        fields(below, root, &at.key(key.as_str()), has_row, missing);
    }
    for below in any {
        is_leaf = false;
        fields(below, root, &at.key("*"), has_row, missing);
    }
    if is_leaf && answered_for(at) && !has_row(at) {
        missing.push(at.to_string());
    }
}

/// Fields that are one entry whatever lies below.
fn is_group(at: &Path) -> bool {
    let text = at.to_string();
    let groups =
        [".env.*", ".files.*", ".volumes.*", ".tmpfs.*", ".ulimits.*", ".ports[name=*]", "expose[name=*]"];
    groups.iter().any(|group| text.ends_with(group))
}

fn resolve<'a>(schema: &'a Value, root: &'a Value) -> &'a Value {
    match schema.get("$ref").and_then(Value::as_str) {
        Some(reference) => root.pointer(reference.trim_start_matches('#')).unwrap_or(schema),
        None => schema,
    }
}

/// A hole stands in place of a value, and has that value's row.
fn branches(schema: &Value) -> Vec<&Value> {
    let all = ["anyOf", "oneOf"].iter().filter_map(|word| schema.get(word)?.as_array()).flatten();
    all.filter(|branch| branch["$ref"] != "#/$defs/Hole").collect()
}

fn is_list_of_maps(schema: &Value, root: &Value) -> bool {
    resolve(schema, root).get("items").is_some_and(|items| resolve(items, root)["type"] == "object")
}

fn is_long(schema: &Value, root: &Value) -> bool {
    resolve(schema, root)["type"] == "object"
        || is_list_of_maps(schema, root)
        || branches(resolve(schema, root)).iter().any(|branch| is_long(branch, root))
}

#[test]
fn every_field_of_the_schema_has_a_row() {
    let root = schema();
    let mut missing = Vec::new();
    fields(&root, &root, &Path::root(), &|path| prodmirror::ledger::has_row(path), &mut missing);
    // Not in the long form: it is expanded when a profile is loaded.
    missing.retain(|field| !field.ends_with(".like"));
    assert!(missing.is_empty(), "{missing:#?}");
}

fn grades(profile: &Profile, capabilities: &Capabilities) -> BTreeMap<String, Wanted> {
    let plan = plan(profile, capabilities, &Origins::default());
    plan.ledger.into_iter().map(|wanted| (wanted.path.to_string(), wanted)).collect()
}

#[test]
fn an_image_that_is_not_pinned_is_said() {
    let loose = profile("services: {api: {image: \"x/y:1\"}}");
    let entry = grades(&loose, &host()).remove("services.api.image").unwrap();
    assert_eq!(entry.grade, Grade::Approximated);
    assert!(entry.why.unwrap().contains("not pinned"));
}

#[test]
fn a_stand_in_for_an_image_is_never_enforced() {
    let profile = profile(&format!("stores: {{db: {{engine: postgres, image: \"postgres@{DIGEST}\"}}}}"));
    let entry = grades(&profile, &host()).remove("stores.db.image").unwrap();
    assert_eq!(entry.grade, Grade::Approximated);
    let mut capabilities = host();
    capabilities.roles.clear();
    assert_eq!(grades(&profile, &capabilities)["stores.db.image"].grade, Grade::Enforced);
}

#[test]
fn an_image_given_as_an_option_is_what_is_wanted_and_said_not_to_be_productions() {
    let profile = profile(&format!("services: {{api: {{image: \"x/y@{DIGEST}\"}}}}"));
    let mut capabilities = host();
    capabilities.options.images.insert("api".into(), "local:api:dev".parse().unwrap());
    let entry = grades(&profile, &capabilities).remove("services.api.image").unwrap();
    assert_eq!(entry.wanted, Some("local:api:dev".into()));
    assert_eq!(entry.grade, Grade::Approximated);
    assert!(entry.why.unwrap().contains("x/y@"));
}

#[test]
fn what_the_host_cannot_do_lowers_the_grade() {
    let profile = profile(
        "platform: {arch: arm64, cores: 64, swap: none}\nservices: {api: {image: \"local:api:dev\", resources: {limits: {cpu: 64, memory: 1Gi, ephemeral_storage: 1Gi}}, ulimits: {nofile: -1, core: 0}, ports: {http: 80}, probes: {readiness: {http: /}, startup: {exec: [a]}, liveness: {exec: [a]}}, restart: always}}",
    );
    let here = grades(&profile, &host());
    assert_eq!(here["platform.arch"].grade, Grade::Approximated);
    assert_eq!(here["platform.cores"].grade, Grade::Approximated);
    assert_eq!(here["platform.swap"].grade, Grade::Enforced);
    assert_eq!(here["services.api.resources.limits.cpu"].grade, Grade::Approximated);
    assert_eq!(here["services.api.resources.limits.memory"].grade, Grade::Enforced);
    assert_eq!(here["services.api.resources.limits.ephemeral_storage"].grade, Grade::Dropped);
    assert_eq!(here["services.api.ulimits.nofile"].grade, Grade::Approximated);
    assert_eq!(here["services.api.ulimits.core"].grade, Grade::Enforced);
    assert_eq!(here["services.api.probes.liveness.exec.command"].grade, Grade::Emulated);

    let mut poor = host();
    poor.host.socket = None;
    poor.host.swap_limit = false;
    let poor = grades(&profile, &poor);
    assert_eq!(poor["services.api.probes.liveness.exec.command"].grade, Grade::Dropped);
    assert_eq!(poor["services.api.probes.startup.exec.command"].grade, Grade::Dropped);
    assert_eq!(poor["services.api.probes.readiness.http.path"].grade, Grade::Approximated);
    assert_eq!(poor["services.api.restart"].grade, Grade::Dropped);
    assert_eq!(poor["platform.swap"].grade, Grade::Dropped);

    let mut same = host();
    same.host.arch = "arm64".to_owned();
    same.host.cores = 64;
    same.host.storage_quota = true;
    let same = grades(&profile, &same);
    for path in [
        "platform.arch",
        "platform.cores",
        "services.api.resources.limits.cpu",
        "services.api.resources.limits.ephemeral_storage",
    ] {
        assert_eq!(same[path].grade, Grade::Enforced, "{path}");
    }
}

#[test]
fn what_this_version_does_not_do_is_dropped_or_approximated_and_says_so() {
    let profile = profile(&format!(
        "services: {{api: {{image: \"local:api:dev\", ports: {{http: 80}}, balancing: cluster-ip, replicas: 2}}}}\nstores: {{c: {{engine: redis, image: \"redis@{DIGEST}\", seed: \"snapshot:x\", clock: shifted}}}}\nnetwork: {{egress: {{allow: [a.example]}}, links: [{{from: api, to: c, latency: 1ms}}]}}\nexternals: {{a.example: {{status: 200}}}}"
    ));
    let all = grades(&profile, &host());
    let dropped = [
        "stores.c.seed",
        "stores.c.clock",
        "network.egress.allow",
        "network.links[0].latency",
        "externals[\"a.example\"].status",
    ];
    for path in dropped {
        assert_eq!(all[path].grade, Grade::Dropped, "{path}");
        assert!(
            all[path].why.as_ref().unwrap().contains("not in this version"),
            "{path}: {:?}",
            all[path].why
        );
    }
    for path in [
        "services.api.ports[name=http]",
        "services.api.balancing",
        "services.api.replicas.identity",
        "network.expose.source_address",
    ] {
        assert_eq!(all[path].grade, Grade::Approximated, "{path}");
    }
}

#[test]
fn refused_egress_is_enforced_unless_a_service_stands_on_the_hosts_network() {
    let of = |body: &str| {
        let profile = profile(&format!(
            "network: {{egress: denied}}\nallow: [host-network]\nservices: {{api: {{image: \"local:api:dev\"{body}}}}}"
        ));
        grades(&profile, &host()).remove("network.egress").unwrap()
    };
    assert_eq!(of("").grade, Grade::Enforced);
    assert!(of(", capabilities: {add: [NET_ADMIN]}").why.unwrap().contains("api.0.main"));
    assert_eq!(of(", host_network: true").grade, Grade::Dropped);
}

#[test]
fn an_oom_kill_is_what_production_would_see() {
    let of = |platform: &str| {
        let profile = profile(&format!(
            "{platform}\nservices: {{api: {{image: \"local:api:dev\", resources: {{limits: {{memory: 64Mi}}}}}}}}"
        ));
        let entry =
            grades(&profile, &host()).remove("services.api.resources.limits.memory.oom_group").unwrap();
        (entry.wanted, entry.grade)
    };
    assert_eq!(of(""), (Some(true.into()), Grade::Approximated));
    assert_eq!(of("platform: {cgroup: v1}"), (Some(false.into()), Grade::Emulated));
}

#[test]
fn a_captured_store_without_its_data_is_said() {
    let stores = format!("stores: {{db: {{engine: redis, image: \"redis@{DIGEST}\"}}}}");
    let captured =
        format!("captured: {{from: docker, unsupported: {{Policy/x: no such thing here}}}}\n{stores}");
    assert!(!grades(&profile(&stores), &host()).contains_key("stores.db.seed"));
    let all = grades(&profile(&captured), &host());
    assert_eq!((&all["stores.db.seed"].wanted, all["stores.db.seed"].grade), (&None, Grade::Dropped));
    assert_eq!(all["captured.unsupported[\"Policy/x\"]"].why.as_deref(), Some("no such thing here"));
}

#[test]
fn a_file_is_wanted_by_its_hash() {
    let all = grades(&service("files: {/etc/a: {content: \"canary\", mode: \"0600\", user: 7}}"), &host());
    let wanted = all["services.api.files[\"/etc/a\"]"].wanted.as_ref().unwrap();
    assert_eq!(wanted["sha256"], prodmirror::digest::sha256(b"canary"));
    assert_eq!((wanted["mode"].as_str(), wanted["user"].as_u64()), (Some("0600"), Some(7)));
    assert!(!wanted.to_string().contains("canary"));
}

#[test]
fn a_job_is_wanted_to_end_well() {
    let entry = grades(&profile("jobs: {migrate: {image: \"local:api:dev\"}}"), &host())
        .remove("jobs.migrate.exit_code")
        .unwrap();
    assert_eq!((entry.wanted, entry.grade, entry.class), (Some(0.into()), Grade::Emulated, Class::Job));
}

#[test]
fn a_time_to_stop_that_the_engine_cannot_count_is_raised_and_said() {
    let of = |grace: &str| {
        let all = grades(&service(&format!("stop_grace_period: {grace}")), &host());
        all["services.api.stop_grace_period"].clone()
    };
    for exact in ["0s", "1s", "70s", "2000ms"] {
        assert_eq!((of(exact).grade, of(exact).why), (Grade::Enforced, None), "{exact}");
    }
    for (raised, to) in [("500ms", "1s"), ("1500ms", "2s")] {
        let entry = of(raised);
        assert_eq!(entry.grade, Grade::Approximated, "{raised}");
        assert_eq!(entry.why.unwrap(), format!("raised to {to}: the engine counts whole seconds"));
    }
}

#[test]
fn who_is_asked_over_https_is_told_that_nobody_looks_at_the_certificate() {
    let profile = service("ports: {https: 443}, probes: {readiness: {http: {path: /, scheme: https}}}");
    let at = "services.api.probes.readiness.http.scheme";
    let entry = grades(&profile, &host()).remove(at).unwrap();
    assert_eq!(entry.grade, Grade::Emulated);
    assert!(entry.why.unwrap().contains("any certificate, as the kubelet"));
    let mut blind = host();
    blind.host.socket = None;
    assert_eq!(grades(&profile, &blind)[at].grade, Grade::Approximated);
}

#[test]
fn a_job_that_runs_on_demand_promises_no_live_value() {
    let profile =
        profile("jobs: {nightly: {image: \"local:api:dev\", schedule: \"0 3 * * *\", env: {A: 1}}}");
    for (path, wanted) in grades(&profile, &host()) {
        assert!(wanted.grade <= Grade::Approximated, "{path}");
    }
}
