//! The same profile live on both back ends: what processes and clients find there is alike, but for what the project's
//! own table of differences says.
//!
//! Short by default; with `PRODMIRROR_SOAK=1` every profile that can run here.

use std::collections::{BTreeMap, BTreeSet};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use prodmirror::{
    ledger::field_of,
    name::Name,
    profile::{Layers, Profile, Source, load},
};
use serde_json::Value;

use crate::{
    cli::root,
    ground::{Ground, Place},
};

/// The table: a row of it is a field with both grades.
const TABLE: &str = include_str!("../plan/snapshots/differences.snap");
/// What an application asks a cluster by; a mirror on Compose has no API server that they could lead to.
const OF_A_CLUSTER: &str = "KUBERNETES_";
/// Limits that every container has, whether or not a profile names one.
const OF_THE_RUNTIME: [&str; 3] = [".pids", ".ulimits.nofile", ".sysctls[\"net.core.somaxconn\"]"];
/// Nobody is called so.
const UNKNOWN: &str = "nobody-is-called-so";

/// What was found, by the field that it comes from and what it is.
type Found = BTreeMap<(String, String), String>;

/// Profiles, and the requests of production's nodes that are too much for one with two cores.
const SHORT: [(&str, &[&str]); 2] = [("minimal", &[]), ("oom", &[])];
const LONG: [(&str, &[&str]); 6] = [
    ("connections", &[]),
    ("connections-dev", &[]),
    ("oom-dev", &[]),
    ("shop-dev", &[]),
    (
        "shop",
        &[
            "services.api.resources.requests.cpu=20m",
            "services.worker.resources.requests.cpu=20m",
            "stores.db.resources.requests.cpu=50m",
            "stores.cache.resources.requests.cpu=50m",
        ],
    ),
    (
        "everything",
        &[
            "services.api.resources.requests.cpu=20m",
            "services.api.sidecars.shipper.resources.requests.cpu=10m",
            "stores.db.resources.requests.cpu=20m",
        ],
    ),
];

#[test]
fn what_runs_on_both_is_alike_but_for_what_the_table_says() {
    let soak = std::env::var("PRODMIRROR_SOAK").is_ok_and(|soak| soak == "1");
    let long = LONG.iter().filter(|_| soak);
    let mut strange = Vec::new();
    for (profile, set) in SHORT.iter().chain(long) {
        strange.extend(differences(profile, set).into_iter().map(|line| format!("{profile}: {line}")));
    }
    assert!(strange.is_empty(), "the table of differences says nothing of\n{}", strange.join("\n"));
}

/// What the two differ in and should not.
fn differences(stem: &str, set: &[&str]) -> Vec<String> {
    let file = root().join(format!("profiles/{stem}.yaml"));
    let profile = read(&file);
    let options: Vec<&str> = set.iter().flat_map(|set| ["--set", *set]).collect();
    let up = |place| Ground::of(place, &file, &profile, &options);
    let (compose, kind) = std::thread::scope(|scope| {
        let kind = scope.spawn(|| up(Place::Kind));
        (up(Place::Compose), kind.join().unwrap())
    });
    let (one, two) = (found(&compose, &profile), found(&kind, &profile));
    let grades = [grades(&compose), grades(&kind)];
    for ground in [&compose, &kind] {
        ground.run("down", &[]).ok();
    }
    let keys: BTreeSet<_> = one.keys().chain(two.keys()).collect();
    let mut strange = Vec::new();
    // What a profile does not say is the runtime's own, and the table is of what it says.
    let is_said = |path: &str| {
        !OF_THE_RUNTIME.iter().any(|field| path.ends_with(field)) || grades[0].contains_key(path)
    };
    for key in keys.into_iter().filter(|(path, _)| is_said(path)) {
        let (on_compose, on_kind) = (one.get(key), two.get(key));
        if on_compose != on_kind && !is_told(&key.0, &grades) {
            let (path, what) = key;
            let grades = grades.each_ref().map(|all| all.get(path));
            strange
                .push(format!("{path}, {what}: {on_compose:?} on Compose, {on_kind:?} on Kind; {grades:?}"));
        }
    }
    strange
}

fn is_told(path: &str, [compose, kind]: &[BTreeMap<String, String>; 2]) -> bool {
    let (Some(one), Some(two)) = (compose.get(path), kind.get(path)) else { return false };
    let field = path.parse().ok().and_then(|path| field_of(&path).map(str::to_owned));
    let row = format!("{}: {one} on Compose, {two} on Kind", field.unwrap_or_default());
    TABLE.lines().any(|line| line == row)
}

/// The grade of each entry of a mirror's ledger.
fn grades(ground: &Ground) -> BTreeMap<String, String> {
    let ledger = ground.ledger(&["--format", "json"]).ok().json();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let entries = ledger["entries"].as_array().unwrap();
    entries.iter().map(|entry| (text(&entry["path"]), text(&entry["grade"]))).collect()
}

fn read(file: &std::path::Path) -> Profile {
    let documents = [Source::new(file.display().to_string(), std::fs::read(file).unwrap())];
    let folder = file.parent().unwrap();
    let read_file = |_: &str, path: &str| std::fs::read(folder.join(path)).map_err(|error| error.to_string());
    let layers =
        Layers { documents: &documents, set: &[], unset: &[], allow_unpinned: false, read_file: &read_file };
    load(&layers).unwrap_or_else(|problems| panic!("{problems}")).profile
}

/// A replica that runs, and the part of the profile that it is of.
struct Replica {
    part: String,
    service: String,
    ordinal: usize,
    restarts: u64,
}

fn found(ground: &Ground, profile: &Profile) -> Found {
    let replicas = replicas(ground, profile);
    let mut all = Found::new();
    let mut looks = Vec::new();
    for replica in &replicas {
        let said = ground.sh(&replica.service, replica.ordinal, &script(profile));
        let said: Vec<(String, String)> = said
            .lines()
            .filter_map(|line| {
                line.split_once(' ').map(|(what, rest)| (what.to_owned(), rest.trim().to_owned()))
            })
            .collect();
        looks.push(said);
    }
    let addresses: BTreeMap<String, String> = replicas
        .iter()
        .zip(&looks)
        .map(|(replica, said)| (one(said, "address"), format!("{}/{}", replica.service, replica.ordinal)))
        .collect();
    for (replica, said) in replicas.iter().zip(&looks) {
        let Replica { part, service, ordinal, restarts } = replica;
        let who = format!("{service}/{ordinal}");
        let mut put = |path: String, what: String, value: String| all.insert((path, what), value);
        put(format!("{part}.restart"), format!("{who} restarts"), restarts.to_string());
        let (name, address) = (one(said, "name"), one(said, "address"));
        for (what, value) in said {
            match what.as_str() {
                "environ" => {
                    for (variable, value) in variables(value) {
                        let value = match value {
                            own if own == name => "its name".to_owned(),
                            own if own == address => "its address".to_owned(),
                            value => value,
                        };
                        let path = if profile.flags.contains_key(&variable) {
                            format!("flags.{variable}")
                        } else if !is_own(profile, service, &variable) && is_link(profile, &variable) {
                            format!("{part}.enable_service_links")
                        } else {
                            format!("{part}.env.{variable}")
                        };
                        if !variable.starts_with(OF_A_CLUSTER) {
                            put(path, format!("variable {variable} of {who}"), value);
                        }
                    }
                }
                "name" | "address" => {}
                field if field.starts_with("dns:") => {
                    let asked = field.trim_start_matches("dns:");
                    let mut answers: Vec<&str> = value
                        .split_whitespace()
                        .map(|address| addresses.get(address).map_or("an address of none", String::as_str))
                        .collect();
                    answers.sort_unstable();
                    put(path_of_name(profile, asked), format!("{asked} asked by {who}"), answers.join(" "));
                }
                field if field.starts_with("port:") => {
                    let asked = field.trim_start_matches("port:");
                    let name = asked.split(':').next().unwrap_or_default();
                    put(path_of_name(profile, name), format!("{asked} called by {who}"), value.clone());
                }
                field => {
                    put(format!("{part}.{field}"), format!("{field} of {who}"), value.clone());
                }
            }
        }
    }
    all
}

fn replicas(ground: &Ground, profile: &Profile) -> Vec<Replica> {
    let status = ground.run("status", &["--format", "json"]).ok().json();
    let rows = status["mirrors"][0]["services"].as_array().unwrap();
    let replica = |row: &Value| {
        let service = row["name"].as_str().unwrap().to_owned();
        let is_it = |name: &Name| name.as_str() == service;
        let part = if profile.services.keys().any(is_it) {
            format!("services.{service}")
        } else if profile.stores.keys().any(is_it) {
            format!("stores.{service}")
        } else {
            return None;
        };
        let ordinal = usize::try_from(row["ordinal"].as_u64().unwrap()).unwrap();
        Some(Replica { part, service, ordinal, restarts: row["restarts"].as_u64().unwrap() })
    };
    rows.iter().filter_map(replica).collect()
}

/// The field that says what a name leads to.
fn path_of_name(profile: &Profile, name: &str) -> String {
    let service = profile.services.iter().find(|(known, _)| known.as_str() == name);
    match service {
        Some((_, service)) if service.balancing.is_some() => format!("services.{name}.balancing"),
        Some((_, service)) => match service.run.ports.keys().next() {
            Some(port) => format!("services.{name}.ports[name={port}]"),
            None => format!("services.{name}"),
        },
        None if name == UNKNOWN => "network.egress".to_owned(),
        None => format!("stores.{name}"),
    }
}

/// Whether the profile itself says what it is.
fn is_own(profile: &Profile, service: &str, variable: &str) -> bool {
    let of = profile.services.iter().find(|(name, _)| name.as_str() == service);
    of.is_some_and(|(_, service)| service.run.process.env.contains_key(variable))
}

/// Whether a variable is one of those that lead to a service.
fn is_link(profile: &Profile, variable: &str) -> bool {
    let names = profile.services.keys().chain(profile.stores.keys());
    names.map(Name::to_variable).any(|name| {
        let rest = variable.strip_prefix(&format!("{name}_")).unwrap_or_default();
        rest == "PORT" || rest.starts_with("PORT_") || rest.starts_with("SERVICE_")
    })
}

fn one(said: &[(String, String)], what: &str) -> String {
    said.iter().find(|(found, _)| found == what).map(|(_, value)| value.clone()).unwrap_or_default()
}

fn variables(base64: &str) -> Vec<(String, String)> {
    let bytes = STANDARD.decode(base64).unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let pairs = bytes.split(|byte| *byte == 0).filter_map(|pair| {
        let text = text(pair);
        text.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()))
    });
    pairs.collect()
}

/// A line for each thing that is looked at: what it is, and how it is found.
fn script(profile: &Profile) -> String {
    let services = profile.services.iter().flat_map(|(name, service)| {
        service.run.ports.values().map(move |port| (name.to_string(), port.port))
    });
    let names = profile.services.keys().chain(profile.stores.keys()).map(ToString::to_string);
    let names: Vec<String> = names.chain([UNKNOWN.to_owned()]).collect();
    let ports: Vec<String> = services.map(|(name, port)| format!("{name}:{port}")).collect();
    format!(
        r#"
cgroup=/sys/fs/cgroup
read_one() {{ cat "$@" 2>/dev/null | head -n 1; }}
echo "environ $(base64 -w 0 /proc/1/environ)"
echo "name $(hostname)"
echo "address $(hostname -i)"
echo "resources.limits.memory $(read_one $cgroup/memory.max $cgroup/memory/memory.limit_in_bytes)"
echo "resources.limits.cpu $(read_one $cgroup/cpu.max) $(read_one $cgroup/cpu/cpu.cfs_quota_us)"
echo "pids $(read_one $cgroup/pids.max $cgroup/pids/pids.max)"
echo "ulimits.nofile $(grep 'Max open files' /proc/1/limits | tr -s ' ')"
echo "sysctls[\"net.core.somaxconn\"] $(cat /proc/sys/net/core/somaxconn)"
echo "timezone $(date +%Z)"
for name in {names}; do
  echo "dns:$name $(getent ahostsv4 $name | cut -d ' ' -f 1 | sort -u | tr '\n' ' ')"
done
for port in {ports}; do
  echo "port:$port $(timeout 10 bash -c 'exec 3<>/dev/tcp/$0/$1 && printf "GET /healthz HTTP/1.0\r\n\r\n" >&3 && read -r line <&3; echo "connected $line"' ${{port%:*}} ${{port#*:}} 2>/dev/null | tr -d '\r\000-\010' | cut -c 1-40)"
done
true"#,
        names = names.join(" "),
        ports = ports.join(" "),
    )
}
