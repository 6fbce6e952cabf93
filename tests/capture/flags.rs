//! Containers of a real engine, started with every flag that `docker run` has, beside what `docker inspect` says of them.
//!
//! `flags.json` has a row for each flag: in which container it is set, where `docker inspect` shows it, and what a capture
//! makes of it: a field of the profile (`ours`), a note (`note`), or nothing, for the reason that it gives (`said`).

use std::{collections::BTreeSet, path::Path, process::Command};

use prodmirror::profile::Bytes;
use serde::Deserialize;
use serde_json::{Value as Json, json};

const PYTHON: &str = "prodmirror-built/python:3.11";
const SECRET: &str = "letmein-77";

#[derive(Deserialize)]
struct Table {
    /// Flags that reach no container, or none here, with the reason.
    left: serde_json::Map<String, Json>,
    flags: Vec<Row>,
}

/// One flag with one value. `NAME`, `FILES` and `DISK` in it are the test's own.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    on: String,
    flag: String,
    value: Option<String>,
    inspect: String,
    ours: Option<String>,
    #[serde(rename = "as")]
    spelled: Option<String>,
    note: Option<String>,
    said: Option<String>,
    /// Whether an engine may refuse it or leave it out for its kernel's or its disk's sake.
    #[serde(default)]
    optional: bool,
    /// How it would stand in a Compose file, for `benches/survives.py`.
    #[allow(dead_code, reason = "the script's")]
    compose: Option<String>,
}

fn table() -> Table {
    serde_json::from_str(include_str!("flags.json")).unwrap()
}

fn docker(arguments: &[&str]) -> Option<String> {
    let output = Command::new("docker").args(arguments).output().ok()?;
    output.status.success().then(|| String::from_utf8(output.stdout).unwrap().trim().to_owned())
}

/// The long flags of a help text.
fn flags_of(help: &str) -> BTreeSet<String> {
    let flag = |line: &str| {
        let line = line.trim_start();
        let long = line.split_once(", ").filter(|(short, _)| short.len() == 2).map_or(line, |(_, long)| long);
        let name = long.split_whitespace().next()?;
        name.starts_with("--").then(|| name.to_owned())
    };
    help.lines().filter(|line| line.trim_start().starts_with('-')).filter_map(flag).collect()
}

#[test]
fn every_flag_that_docker_run_has_is_tried_or_left_for_a_reason() {
    let Some(help) = docker(&["run", "--help"]) else {
        println!("skipped: no docker on PATH");
        return;
    };
    let there = flags_of(&help);
    assert!(there.len() > 80, "{there:?}");
    let Table { left, flags } = table();
    let known: BTreeSet<String> =
        flags.iter().map(|row| row.flag.clone()).chain(left.keys().cloned()).collect();
    let new: Vec<&String> = there.difference(&known).collect();
    assert!(new.is_empty(), "give tests/capture/flags.json a row for {new:?}");
    assert!(left.values().all(|reason| reason.as_str().is_some_and(|reason| !reason.is_empty())));
    for row in &flags {
        let answers = [&row.ours, &row.note, &row.said].into_iter().flatten().count();
        assert_eq!(answers, 1, "{}: one thing becomes of it", row.flag);
    }
}

/// What was made, removed whatever becomes of the test.
struct Made {
    name: String,
    files: tempfile::TempDir,
}

const SETS: [&str; 4] = ["full", "bare", "host", "created"];

impl Made {
    /// The containers of all sets; `created` never runs, for what this machine cannot give.
    fn new() -> Self {
        let made = Self {
            name: format!("capture-flags-{}", std::process::id()),
            files: tempfile::tempdir().unwrap(),
        };
        for (file, text) in [("variables.env", "FROM_FILE=1\n"), ("labels.txt", "tier=front\n")] {
            std::fs::write(made.files.path().join(file), text).unwrap();
        }
        let name = &made.name;
        let subnets = ["--subnet", "10.231.79.0/24", "--ipv6", "--subnet", "fd00:79::/64"];
        made.docker(&[&["network", "create"], &subnets[..], &[name]].concat());
        let (other, volume) = (made.of("other"), format!("{name}:/other"));
        let run = ["run", "--detach", "--pull", "never", "--name"];
        made.docker(&[&run[..], &[&other, "--volume", &volume, PYTHON, "sleep", "300"]].concat());
        for set in SETS {
            made.start(set);
        }
        made
    }

    fn of(&self, set: &str) -> String {
        format!("{}-{set}", self.name)
    }

    fn start(&self, set: &str) {
        let own = self.of(set);
        let run: &[&str] = if set == "created" { &["create"] } else { &["run", "--detach"] };
        let mut arguments: Vec<String> = run.iter().map(|word| (*word).to_owned()).collect();
        arguments.extend(["--pull", "never"].map(str::to_owned));
        if set != "full" {
            arguments.extend(["--name".to_owned(), own]);
        }
        for row in table().flags.into_iter().filter(|row| row.on == set && self.is_taken(row)) {
            arguments.push(row.flag);
            arguments.extend(row.value.map(|value| self.filled(&value)));
        }
        arguments.extend([PYTHON, "sleep", "300"].map(str::to_owned));
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        self.docker(&arguments);
    }

    /// Whether this engine takes a flag alone; said aloud where it does not.
    fn is_taken(&self, row: &Row) -> bool {
        if !row.optional {
            return true;
        }
        let probe = self.of("probe");
        let value = row.value.as_deref().map(|value| self.filled(value));
        let flag: Vec<&str> = [row.flag.as_str()].into_iter().chain(value.as_deref()).collect();
        let made = docker(&[&["create", "--pull", "never", "--name", &probe], &flag[..], &[PYTHON]].concat());
        docker(&["rm", "--force", &probe]);
        if made.is_none() {
            println!("skipped {}: this engine refuses it", row.flag);
        }
        made.is_some()
    }

    fn filled(&self, text: &str) -> String {
        let files = self.files.path().to_str().unwrap();
        // The two of a test run have networks of their own.
        let text = text.replace("10.231.78.", "10.231.79.").replace("fd00:78:", "fd00:79:");
        text.replace("NAME", &self.name).replace("FILES", files).replace("DISK", &disk())
    }

    #[track_caller]
    fn docker(&self, arguments: &[&str]) {
        let output = Command::new("docker").args(arguments).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "docker {arguments:?}: {said}");
        for line in said.lines().filter(|line| line.contains("discarded")) {
            println!("said by the engine: {line}");
        }
    }
}

impl Drop for Made {
    fn drop(&mut self) {
        for set in SETS.iter().chain(&["other"]) {
            docker(&["rm", "--force", "--volumes", &self.of(set)]);
        }
        docker(&["volume", "rm", "--force", &self.name]);
        docker(&["network", "rm", &self.name]);
    }
}

/// A disk of this machine, as limits of reading and writing want one.
fn disk() -> String {
    let entries = std::fs::read_dir("/sys/block").unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    let there = names.iter().map(|name| format!("/dev/{name}"));
    there.into_iter().find(|disk| Path::new(disk).exists()).expect("a disk")
}

/// A container as it was captured, and as `docker inspect` has it.
struct Captured {
    profile: Json,
    service: Json,
    notes: Vec<String>,
    inspected: Json,
}

fn captured(container: &str) -> Captured {
    let output = Command::new(env!("CARGO_BIN_EXE_prodmirror"))
        .args(["capture", "docker", container, "--format", "json"])
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{said}");
    let printed = String::from_utf8(output.stdout).unwrap();
    assert!(!printed.contains(SECRET) && !said.contains(SECRET), "{container}");
    let document: Json = serde_json::from_str(&printed).unwrap();
    let count = |key: &str| document["account"][key].as_u64().unwrap();
    assert_eq!(count("leaves"), count("used") + count("noted") + count("holes"));
    let notes = document["notes"].as_array().unwrap().iter();
    let notes = notes.map(|note| note["path"].as_str().unwrap().replace("[\"", ".").replace("\"]", ""));
    let service = document["profile"]["services"].as_object().unwrap().values().next().unwrap().clone();
    let inspected: Json = serde_json::from_str(&docker(&["inspect", container]).unwrap()).unwrap();
    Captured {
        service,
        notes: notes.collect(),
        profile: document["profile"].clone(),
        inspected: inspected[0].clone(),
    }
}

/// What `docker inspect` says, as a profile spells it.
fn spelled(how: Option<&str>, value: &Json, row: &Row) -> Json {
    let number = || value.as_u64().unwrap();
    let first = || value.as_str().unwrap().split_once([':', '=']).unwrap();
    let asked = row.value.as_deref().unwrap_or_default();
    match how {
        None => value.clone(),
        // Of a list of variables, the one that was asked for, or that the file has.
        Some("variable") => {
            let name = asked.split_once('=').map_or("FROM_FILE", |(name, _)| name);
            let find = |item: &Json| item.as_str()?.strip_prefix(name)?.strip_prefix('=').map(str::to_owned);
            json!(value.as_array().unwrap().iter().find_map(find).unwrap())
        }
        Some("secret") => {
            assert!(value.to_string().contains(asked), "{value}");
            json!("${secret:capture-flags-db-password}")
        }
        Some("bytes") => json!(Bytes(number()).to_string()),
        Some("nanos") => json!(format!("{}m", number() / 1_000_000)),
        Some("shares") => json!(format!("{}m", number() * 1000 / 1024)),
        // Of the period that is asked for beside it.
        Some("quota") => json!(format!("{}m", number() * 1000 / 50_000)),
        Some("none") => json!("none"),
        Some("seconds") => json!(prodmirror::profile::Duration { millis: number() * 1000 }.to_string()),
        Some("nanoseconds") => json!(format!("{}s", number() / 1_000_000_000)),
        Some("check") => json!(["sh", "-c", value[1]]),
        Some("host") => json!(first().1),
        Some("ndots") => json!(first().1.parse::<u32>().unwrap()),
        Some("claim") => json!({"claim": first().0}),
        Some("port") => json!(value.get("8000/tcp").map(|_| 8000)),
        Some("ulimit") => json!({"soft": value["Soft"], "hard": value["Hard"]}),
        Some("tmpfs") => {
            assert_eq!(value, "size=16m,mode=1777");
            json!({"size": "16Mi", "mode": "1777"})
        }
        Some("tmpfs-options") => json!({
            "size": Bytes(value["SizeBytes"].as_u64().unwrap()).to_string(),
            "mode": format!("{:04o}", value["Mode"].as_u64().unwrap()),
        }),
        // An engine writes them with the prefix.
        Some("capabilities") => value
            .as_array()
            .unwrap()
            .iter()
            .map(|name| json!(name.as_str().unwrap().trim_start_matches("CAP_")))
            .collect(),
        Some("true") => json!(value.to_string().contains("no-new-privileges")),
        Some("unconfined") => json!(value.to_string().contains("seccomp=unconfined").then_some("unconfined")),
        Some(how) => panic!("{how} is no way to spell a value"),
    }
}

#[test]
fn containers_with_every_flag_are_what_docker_inspect_says() {
    if docker(&["image", "inspect", PYTHON]).is_none() {
        println!("skipped: no Docker engine with the image {PYTHON}");
        return;
    }
    let made = Made::new();
    let sets: Vec<(&str, Captured)> = SETS.iter().map(|set| (*set, captured(&made.of(set)))).collect();
    let mut wrong = Vec::new();
    for row in table().flags {
        let (_, of) = sets.iter().find(|(set, _)| *set == row.on).unwrap();
        let shown = format!("{} {}", row.flag, row.value.as_deref().unwrap_or_default());
        let found = of.inspected.pointer(&made.filled(&row.inspect)).filter(|value| !is_nothing(value));
        let Some(found) = found else {
            // Said aloud by the engine when it was started.
            if !row.optional {
                wrong.push(format!("{shown}: `docker inspect` has no {}", row.inspect));
            }
            continue;
        };
        if let Some(ours) = &row.ours {
            let tree = if ours.starts_with("/platform") { &of.profile } else { &of.service };
            let kept = tree.pointer(ours).cloned().unwrap_or_default();
            let wanted = match spelled(row.spelled.as_deref(), found, &row) {
                // Its name is made of the service's, which is this run's own.
                Json::String(name) if name.starts_with("${secret:") => {
                    let is_secret = kept.as_str().is_some_and(|text| text.starts_with("${secret:"));
                    if is_secret { kept.clone() } else { json!(name) }
                }
                wanted => wanted,
            };
            if kept != wanted {
                wrong.push(format!("{shown}: {ours} is {kept}, `docker inspect` says {wanted}"));
            }
        } else if let Some(note) = &row.note {
            let note = made.filled(note);
            if !of.notes.iter().any(|path| path.starts_with(&note)) {
                wrong.push(format!("{shown}: no note of {note}, which is {found}"));
            }
        }
    }
    drop(made);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn is_nothing(value: &Json) -> bool {
    match value {
        Json::Null | Json::Bool(false) => true,
        Json::Number(number) => number.as_i64() == Some(0),
        Json::String(text) => text.is_empty(),
        Json::Array(items) => items.is_empty(),
        Json::Object(map) => map.is_empty(),
        Json::Bool(true) => false,
    }
}
