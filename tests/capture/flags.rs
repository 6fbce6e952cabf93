//! A container of a real engine, with every flag that says how one is.

use std::process::Command;

use serde_json::{Value as Json, json};

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
