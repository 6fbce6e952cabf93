//! Containers of an engine, and saved answers of `docker inspect`.

use std::{collections::BTreeMap, fs, path::Path, process::Command};

use prodmirror::capture::{
    docker::{self, Dump},
    draft::{Draft, From},
    redact::Rules,
};
use serde_json::{Value as Json, json};

use crate::corpora::{faults, root};

fn draft(dump: Dump) -> Draft {
    let from = From { from: "files", at: Some("2026-11-20T08:15:00Z".to_owned()), ..From::default() };
    docker::draft(dump, "captured", &from, &Rules::default()).unwrap()
}

fn of(documents: &[Json]) -> Draft {
    let mut dump = Dump::default();
    dump.add("dump.json", documents.into()).unwrap();
    draft(dump)
}

fn gather(folder: &Path, found: &mut Vec<std::path::PathBuf>) {
    for path in fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path()) {
        match path.is_dir() {
            true => gather(&path, found),
            false => {
                found.extend(Some(path).filter(|path| path.extension().is_some_and(|end| end == "json")))
            }
        }
    }
}

/// Answers of the API 1.21 to 1.24, and documents of the API that are no container.
#[test]
fn every_leaf_of_saved_answers_is_accounted_for() {
    let folder = root().join("docker-inspect");
    let mut files = Vec::new();
    gather(&folder, &mut files);
    files.sort();
    if files.is_empty() {
        println!("skipped: no {}; PRODMIRROR_CORPORA names the folder above", folder.display());
        return;
    }
    let mut table = format!("{:<86} leaves   used  noted  holes\n", "answer of docker inspect");
    for path in files {
        let name = path.strip_prefix(&folder).unwrap().display().to_string();
        let mut dump = Dump { stopped_too: true, ..Dump::default() };
        match dump.add(&name, serde_json::from_slice(&fs::read(&path).unwrap()).unwrap()) {
            Ok(()) => {
                let draft = draft(dump);
                assert_eq!(faults(&draft), [""; 0], "{name}");
                let unknown =
                    draft.notes.iter().filter(|note| note.message == "a profile has no field for it");
                assert_eq!(unknown.map(|note| note.path.to_string()).collect::<Vec<_>>(), [""; 0], "{name}");
                let account = draft.account;
                table += &format!(
                    "{name:<86} {:>6} {:>6} {:>6} {:>6}\n",
                    account.leaves, account.used, account.noted, account.holes
                );
            }
            Err(why) => table += &format!("{name:<86} {why}\n"),
        }
    }
    insta::assert_snapshot!("answers", table);
}

fn container(name: &str, config: Json, host: Json) -> Json {
    let mut document = json!({
        "Id": format!("{name}000000000000"),
        "Name": format!("/{name}"),
        "Image": "sha256:1111111111111111111111111111111111111111111111111111111111111111",
        "State": {"Status": "running", "Running": true},
        "Config": {"Image": "web:1", "Labels": {}, "Env": ["PATH=/bin"]},
        "HostConfig": {"NetworkMode": "default", "RestartPolicy": {"Name": "no", "MaximumRetryCount": 0}},
        "NetworkSettings": {"Networks": {}},
        "Mounts": [],
    });
    for (part, values) in [("Config", config), ("HostConfig", host)] {
        for (key, value) in values.as_object().unwrap() {
            document[part][key] = value.clone();
        }
    }
    document
}

fn project(service: &str, number: usize, rest: Json) -> Json {
    let mut labels = BTreeMap::from([
        ("com.docker.compose.project", "shop".to_owned()),
        ("com.docker.compose.service", service.to_owned()),
        ("com.docker.compose.container-number", number.to_string()),
    ]);
    if service == "web" {
        labels.insert(
            "com.docker.compose.depends_on",
            "db:service_healthy:false,migrate:service_completed_successfully:false".to_owned(),
        );
    }
    let mut config = json!({"Labels": labels});
    for (key, value) in rest.as_object().unwrap() {
        config[key] = value.clone();
    }
    container(&format!("shop-{service}-{number}"), config, json!({}))
}

fn image() -> Json {
    json!({
        "Id": "sha256:1111111111111111111111111111111111111111111111111111111111111111",
        "RepoTags": ["web:1"],
        "RepoDigests": ["web@sha256:2222222222222222222222222222222222222222222222222222222222222222"],
        "Architecture": "amd64",
        "RootFS": {},
        "Config": {"Env": ["PATH=/bin"], "Cmd": ["serve"], "WorkingDir": "/srv", "Labels": {"maker": "them"}},
    })
}

#[test]
fn a_compose_project_is_one_service_for_its_replicas_with_needs_jobs_and_stores() {
    let web = |number, mode: &str| {
        let env = json!({"Env": ["PATH=/bin", format!("MODE={mode}"), "API_TOKEN=letmein-77"], "Cmd": ["serve"],
            "WorkingDir": "/srv", "ExposedPorts": {"8000/tcp": {}}});
        project("web", number, env)
    };
    let mut migrate = project("migrate", 1, json!({"Cmd": ["migrate"]}));
    migrate["State"] = json!({"Status": "exited", "ExitCode": 0});
    let mut old = project("old", 1, json!({}));
    old["State"] = json!({"Status": "exited", "ExitCode": 1});
    let db = project(
        "db",
        1,
        json!({"Image": "postgres:16", "Cmd": ["postgres", "-c", "max_connections=50"],
            "Env": ["POSTGRES_USER=shop", "POSTGRES_PASSWORD=letmein-77", "POSTGRES_DB=shop"]}),
    );
    let draft = of(&[web(1, "a"), web(2, "a"), web(3, "b"), migrate, old, db, image()]);
    assert_eq!(faults(&draft), [""; 0]);
    insta::assert_snapshot!("a_project", draft.text());
}

#[test]
fn containers_without_labels_are_folded_by_likeness_alone() {
    let one = |name: &str, mode: &str| container(name, json!({"Env": [format!("MODE={mode}")]}), json!({}));
    let draft = of(&[one("web-10", "a"), one("web-9", "a"), one("web-11", "b")]);
    assert_eq!(faults(&draft), [""; 0]);
    let services = draft.profile["services"].as_object().unwrap();
    assert_eq!(services.keys().collect::<Vec<_>>(), ["web", "web-11"]);
    assert_eq!(services["web"]["replicas"], 2);
    assert_eq!(services["web-11"].get("replicas"), None);
}

#[test]
fn no_secret_of_a_container_is_in_any_output() {
    let secret = "letmein-77";
    let config = json!({
        "Env": [format!("DB_PASSWORD={secret}"), format!("URL=amqp://u:{secret}@mq/x"), "COLOUR=mauve"],
        "Cmd": ["run", "--password", secret],
        "Entrypoint": ["sh", "-c", format!("DB_PASSWORD={secret} run")],
        "Labels": {"note": format!("the word is {secret}")},
        "Healthcheck": {"Test": ["CMD", "ask", "-u", format!("root:{secret}")]},
        "Hostname": secret,
        "Domainname": secret,
    });
    let host = json!({
        "Binds": [format!("/srv/{secret}:/x")],
        "LogConfig": {"Type": "x", "Config": {"token": secret}},
        "Sysctls": {"kernel.domainname": secret},
        "ExtraHosts": [format!("{secret}:192.0.2.1")],
        "SecurityOpt": [format!("label=user:{secret}")],
    });
    let mut document = container("web", config, host);
    document["Mounts"] =
        json!([{"Type": "bind", "Source": format!("/srv/{secret}"), "Destination": "/x", "RW": true}]);
    document["Args"] = json!([secret]);
    let draft = of(&[document]);
    assert_eq!(faults(&draft), [""; 0]);
    let printed = [draft.text(), serde_json::to_string(&draft).unwrap()];
    assert!(printed.iter().all(|text| !text.contains(secret)), "{}", printed[0]);
    assert!(printed[0].contains("COLOUR: mauve"));
}

const PYTHON: &str = "prodmirror-built/python:3.11";

fn docker(arguments: &[&str]) -> Option<String> {
    let output = Command::new("docker").args(arguments).output().ok()?;
    output.status.success().then(|| String::from_utf8(output.stdout).unwrap().trim().to_owned())
}

/// Removes what a test made, whatever becomes of it.
struct Made(String);

impl Drop for Made {
    fn drop(&mut self) {
        docker(&["rm", "--force", "--volumes", &self.0]);
        docker(&["volume", "rm", "--force", &self.0]);
    }
}

/// Every flag of `docker run` that says how a container is, and what `docker inspect` says of it.
#[test]
fn a_container_with_every_flag_is_what_docker_inspect_says() {
    if docker(&["image", "inspect", PYTHON]).is_none() {
        println!("skipped: no Docker engine with the image {PYTHON}");
        return;
    }
    let name = format!("capture-flags-{}", std::process::id());
    let made = Made(name.clone());
    let volume = format!("{name}:/var/lib/app");
    let label = format!("capture.test={name}");
    let flags = [
        "--name",
        &name,
        "--label",
        &label,
        "--label",
        "team=shop",
        "--env",
        "MODE=a b",
        "--env",
        "DB_PASSWORD=letmein-77",
        "--env",
        "URL=postgres://u:letmein-77@db/x",
        "--hostname",
        "web-host",
        "--user",
        "1000:1000",
        "--workdir",
        "/tmp",
        "--cpus",
        "0.5",
        "--memory",
        "64m",
        "--memory-swap",
        "64m",
        "--memory-reservation",
        "32m",
        "--cpu-shares",
        "512",
        "--pids-limit",
        "100",
        "--shm-size",
        "32m",
        "--read-only",
        "--tmpfs",
        "/run:size=16m,mode=1777",
        "--cap-add",
        "NET_BIND_SERVICE",
        "--cap-drop",
        "ALL",
        "--security-opt",
        "no-new-privileges",
        "--security-opt",
        "seccomp=unconfined",
        "--group-add",
        "2000",
        "--add-host",
        "legacy.example.com:192.0.2.7",
        "--dns",
        "192.0.2.53",
        "--dns-search",
        "shop.local",
        "--dns-option",
        "ndots:3",
        "--sysctl",
        "net.core.somaxconn=512",
        "--ulimit",
        "nofile=1024:2048",
        "--ulimit",
        "core=0",
        "--restart",
        "on-failure:3",
        "--stop-signal",
        "SIGINT",
        "--stop-timeout",
        "70",
        "--volume",
        &volume,
        "--volume",
        "/var/cache",
        "--expose",
        "8000",
        "--expose",
        "53/udp",
        "--health-cmd",
        "true",
        "--health-interval",
        "5s",
        "--health-timeout",
        "2s",
        "--health-retries",
        "2",
        "--health-start-period",
        "1s",
        "--tty",
        "--interactive",
        "--init",
        "--ipc",
        "private",
        "--oom-score-adj",
        "10",
        "--log-driver",
        "local",
        "--domainname",
        "example.com",
        "--mount",
        "type=tmpfs,destination=/scratch,tmpfs-size=1048576,tmpfs-mode=0700",
        "--security-opt",
        "systempaths=unconfined",
        "--cpuset-cpus",
        "0",
    ];
    let run = [&["run", "--detach"][..], &flags, &["--entrypoint", "/usr/bin/env", PYTHON, "sleep", "300"]]
        .concat();
    let output = Command::new("docker").args(&run).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));

    let output = Command::new(env!("CARGO_BIN_EXE_prodmirror"))
        .args(["capture", "docker", "--label", &label, "--format", "json"])
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{said}");
    let printed = String::from_utf8(output.stdout).unwrap();
    assert!(!printed.contains("letmein-77") && !said.contains("letmein-77"));
    let document: Json = serde_json::from_str(&printed).unwrap();
    let inspected: Json = serde_json::from_str(&docker(&["inspect", &name]).unwrap()).unwrap();
    drop(made);

    let service = document["profile"]["services"].as_object().unwrap().values().next().unwrap();
    let (config, host) = (&inspected[0]["Config"], &inspected[0]["HostConfig"]);
    let at = |path: &str| service.pointer(path).cloned().unwrap_or_default();
    let bytes = |value: &Json| json!(prodmirror::profile::Bytes(value.as_u64().unwrap()).to_string());
    for (path, wanted) in [
        ("/entrypoint", config["Entrypoint"].clone()),
        ("/command", config["Cmd"].clone()),
        ("/env/MODE", json!("a b")),
        ("/user", config["User"].clone()),
        ("/working_dir", config["WorkingDir"].clone()),
        ("/hostname", config["Hostname"].clone()),
        ("/stop_signal", config["StopSignal"].clone()),
        ("/stop_grace_period", json!("1m10s")),
        ("/resources/limits/cpu", json!(format!("{}m", host["NanoCpus"].as_u64().unwrap() / 1_000_000))),
        ("/resources/limits/memory", bytes(&host["Memory"])),
        ("/resources/requests/memory", bytes(&host["MemoryReservation"])),
        ("/resources/requests/cpu", json!(format!("{}m", host["CpuShares"].as_u64().unwrap() * 1000 / 1024))),
        ("/pids", host["PidsLimit"].clone()),
        ("/shm_size", bytes(&host["ShmSize"])),
        ("/read_only", host["ReadonlyRootfs"].clone()),
        ("/groups", host["GroupAdd"].clone()),
        ("/capabilities/drop", host["CapDrop"].clone()),
        ("/no_new_privileges", json!(true)),
        ("/seccomp", json!("unconfined")),
        ("/dns/servers", host["Dns"].clone()),
        ("/dns/search", host["DnsSearch"].clone()),
        ("/dns/ndots", json!(3)),
        ("/sysctls/net.core.somaxconn", host["Sysctls"]["net.core.somaxconn"].clone()),
        ("/ulimits/nofile", json!({"soft": 1024, "hard": 2048})),
        ("/extra_hosts/legacy.example.com", json!("192.0.2.7")),
        ("/tmpfs/~1run", json!({"size": "16Mi", "mode": "1777"})),
        ("/tmpfs/~1scratch", json!({"size": "1Mi", "mode": "0700"})),
        ("/volumes/~1var~1lib~1app/claim", json!(name)),
        ("/volumes/~1var~1cache", json!({"empty": {"medium": "disk"}})),
        ("/restart", json!("on-failure")),
        ("/labels/team", json!("shop")),
        ("/probes/readiness/exec/command", json!(["sh", "-c", "true"])),
        ("/probes/readiness/period", json!("5s")),
        ("/probes/readiness/timeout", json!("2s")),
        ("/probes/readiness/failure_threshold", json!(2)),
    ] {
        assert_eq!(at(path), wanted, "{path} in {service:#}");
    }
    assert_eq!(document["profile"]["platform"]["swap"], "none");
    assert!(at("/capabilities/add")[0].as_str().unwrap().ends_with("NET_BIND_SERVICE"));
    assert_eq!(at("/ports").as_array().unwrap().len(), 2, "{service:#}");
    let noted: Vec<&str> =
        document["notes"].as_array().unwrap().iter().filter_map(|note| note["path"].as_str()).collect();
    for path in [
        "HostConfig.Init",
        "Config.Tty",
        "Config.Domainname",
        "HostConfig.OomScoreAdj",
        "HostConfig.CpusetCpus",
        "HostConfig.MaskedPaths",
    ] {
        assert!(noted.contains(&path), "{path} in {noted:?}");
    }
    let count = |key: &str| document["account"][key].as_u64().unwrap();
    assert_eq!(count("leaves"), count("used") + count("noted") + count("holes"));
}

#[test]
fn files_are_told_apart_by_what_is_in_them() {
    let folder = tempfile::tempdir().unwrap();
    let container = serde_json::to_string(&[container("web", json!({}), json!({}))]).unwrap();
    let cases = [
        ("dump.json", container, 0, "web"),
        ("compose.yaml", "services:\n  web: {image: web}\n".to_owned(), 3, "capture compose"),
        (
            "pod.yaml",
            "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: a, image: a}]}\n"
                .to_owned(),
            0,
            "image: a",
        ),
        ("half.json", "{\"Id\": ".to_owned(), 3, "half.json"),
    ];
    for (name, text, code, said) in cases {
        fs::write(folder.path().join(name), text).unwrap();
        let output = Command::new(env!("CARGO_BIN_EXE_prodmirror"))
            .args(["capture", "files", name])
            .current_dir(folder.path())
            .output()
            .unwrap();
        let all = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        assert_eq!(output.status.code(), Some(code), "{name}: {all}");
        assert!(all.contains(said), "{name}: {all}");
    }
}
