//! Stores of an engine that are asked of themselves.

use std::{process::Command, time::Duration};

use serde_json::{Value as Json, json};

const POSTGRES: &str = "prodmirror-built/postgres:15";
const REDIS: &str = "prodmirror-built/redis:7";

fn docker(arguments: &[&str]) -> Option<String> {
    let output = Command::new("docker").args(arguments).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Containers, with their volumes, and then names of images, removed whatever becomes of the test.
struct Made(Vec<String>, [String; 2]);

impl Drop for Made {
    fn drop(&mut self) {
        for name in &self.0 {
            docker(&["rm", "--force", "--volumes", name]);
        }
        for tag in &self.1 {
            docker(&["rmi", "--no-prune", tag]);
        }
    }
}

fn answers(name: &str, argv: &[&str]) -> bool {
    docker(&[&["exec", name], argv].concat()).is_some()
}

fn capture(label: &str, more: &[&str]) -> Json {
    let home = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_prodmirror"));
    command
        .args(["capture", "docker", "--label", label, "--format", "json"])
        .args(more)
        .env("HOME", home.path());
    let output = command.output().unwrap();
    let said =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{said}");
    assert!(!said.contains("letmein"), "{said}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// A command line says a part of what a store is set to: the rest stands in its files, or was set while it ran.
#[test]
fn stores_tell_their_version_and_what_they_were_set_to() {
    if [POSTGRES, REDIS].iter().any(|image| docker(&["image", "inspect", image]).is_none()) {
        println!("skipped: no Docker engine with the images {POSTGRES} and {REDIS}");
        return;
    }
    let stem = format!("asked-{}", std::process::id());
    let label = format!("asked.test={stem}");
    let names: Vec<String> = ["db", "cache", "locked"].iter().map(|name| format!("{stem}-{name}")).collect();
    // A store is told by the name of the official image.
    let tags = [format!("postgres:{stem}"), format!("redis:{stem}")];
    for (image, tag) in [POSTGRES, REDIS].iter().zip(&tags) {
        docker(&["tag", image, tag]).unwrap();
    }
    let made = Made(names.clone(), tags.clone());
    let [postgres, redis] = tags.each_ref().map(String::as_str);
    let [db, cache, locked] = names.as_slice() else { unreachable!() };
    let common = |name: &str| -> Vec<String> {
        ["run", "--detach", "--network", "none", "--label", &label, "--name", name]
            .map(str::to_owned)
            .to_vec()
    };
    let run = |name: &str, more: &[&str]| {
        let all = [common(name), more.iter().map(|word| (*word).to_owned()).collect()].concat();
        docker(&all.iter().map(String::as_str).collect::<Vec<_>>()).unwrap();
    };
    let given =
        ["--env", "POSTGRES_PASSWORD=letmein-77", "--env", "POSTGRES_USER=app", "--env", "POSTGRES_DB=shop"];
    run(
        db,
        &[&given[..], &[postgres, "postgres", "-c", "max_connections=55", "-c", "work_mem=8192kB"]].concat(),
    );
    run(cache, &["--env", "REDIS_PASSWORD=letmein-78", redis, "redis-server", "--requirepass", "letmein-78"]);
    run(locked, &[redis, "redis-server", "--requirepass", "letmein-79"]);
    let set = "ALTER SYSTEM SET random_page_cost = 1.5";
    let psql = ["psql", "-U", "app", "-d", "shop", "-c"];
    let cli = ["redis-cli", "-a", "letmein-78"];
    while !answers(db, &[&psql[..], &["select 1"]].concat())
        || !answers(cache, &[&cli[..], &["ping"]].concat())
    {
        std::thread::sleep(Duration::from_millis(100));
    }
    assert!(answers(db, &[&psql[..], &[set]].concat()));
    assert!(answers(db, &[&psql[..], &["select pg_reload_conf()"]].concat()));
    assert!(answers(cache, &[&cli[..], &["config", "set", "maxmemory", "10mb"]].concat()));

    let before = capture(&label, &[]);
    let asked = capture(&label, &["--ask-stores"]);
    let settings = |document: &Json, name: &str| document["profile"]["stores"][name]["settings"].clone();
    assert_eq!(settings(&before, db), json!({"max_connections": "55", "work_mem": "8192kB"}));
    let told = settings(&asked, db);
    // The spelling of the command line stands where it means what the server says, `8MB`.
    assert_eq!((&told["work_mem"], &told["max_connections"]), (&json!("8192kB"), &json!("55")));
    assert_eq!(told["random_page_cost"], "1.5");
    let names: Vec<&String> = told.as_object().unwrap().keys().collect();
    assert!(!names.iter().any(|name| name.ends_with("_file") || name.starts_with("lc_")), "{names:?}");
    assert_eq!(settings(&asked, cache)["maxmemory"], "10485760");
    assert_eq!(settings(&before, cache), Json::Null);
    let notes = asked["notes"].to_string();
    assert!(
        notes.contains("it says that it is postgres 15.") && notes.contains("it says that it is redis 7."),
        "{notes}"
    );
    assert!(
        notes.contains("did not tell them: NOAUTH"),
        "who has no password is refused, and it is said: {notes}"
    );
    let account = &asked["account"];
    let number = |key: &str| account[key].as_u64().unwrap();
    assert_eq!(number("leaves"), number("used") + number("noted") + number("holes"));
    drop(made);
}
