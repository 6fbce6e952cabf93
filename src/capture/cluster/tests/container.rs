//! What one container is, and was given.

use serde_json::json;

use super::*;
use crate::observed::{Kept, Variable};

#[test]
fn another_image_is_noticed_in_any_replica() {
    let live = breaks(|stage| stage.main("web")["image"] = json!("other:1"), ["services.web.image"]);
    assert_eq!(live, "other:1");
    let unstarted = |stage: &mut Stage| {
        stage.pod("web")["status"]["containerStatuses"][0]["imageID"] = json!("");
    };
    let mut stage = Stage::set();
    unstarted(&mut stage);
    assert_eq!(stage.entry("services.web.image").holds, None, "nothing tells what runs");
}

#[test]
fn words_of_a_process_are_compared_as_the_kubelet_reads_them() {
    breaks(|stage| stage.main("web")["args"] = json!(["true"]), ["services.web.command"]);
    breaks(|stage| drop(stage.main("web")["args"].take()), ["services.web.command"]);
    breaks(|stage| stage.main("web")["command"] = json!(["true"]), ["services.web.entrypoint"]);
    breaks(|stage| stage.main("web")["workingDir"] = json!("/"), ["services.web.working_dir"]);
    breaks(|stage| stage.main("worker")["workingDir"] = json!("/"), ["services.worker.working_dir"]);
}

fn variable<'s>(stage: &'s mut Stage, name: &str) -> &'s mut Json {
    let env = stage.main("web")["env"].as_array_mut().unwrap();
    env.iter_mut().find(|variable| variable["name"] == name).unwrap()
}

#[test]
fn a_variable_is_what_the_spec_says() {
    let live = breaks(|stage| variable(stage, "PLAIN")["value"] = json!("two"), ["services.web.env.PLAIN"]);
    assert_eq!(live, "two");
    breaks(|stage| variable(stage, "EMPTY")["value"] = json!("x"), ["services.web.env.EMPTY"]);
    breaks(
        |stage| variable(stage, "EMPTY")["name"] = json!("NEW"),
        ["services.web.env.EMPTY", "services.web.env.NEW"],
    );
    let other = json!({"fieldRef": {"fieldPath": "metadata.namespace"}});
    breaks(|stage| variable(stage, "POD")["valueFrom"] = other, ["services.web.env.POD"]);
    let flag = |stage: &mut Stage| variable(stage, "FAST")["value"] = json!("false");
    assert_eq!(breaks(flag, ["flags.FAST", "services.web.flags"]), "false");
    let from = json!([{"configMapRef": {"name": "more"}}]);
    breaks(|stage| stage.main("web")["envFrom"] = from, ["services.web.env_from"]);
    breaks(|stage| variable(stage, "TZ")["value"] = json!("UTC"), ["services.web.timezone"]);
}

#[test]
fn a_process_may_set_its_own_variables_and_that_is_said() {
    let set = |stage: &mut Stage| {
        for told in stage.observed.inside.values_mut().filter_map(|pod| pod.get_mut("main")) {
            let environ = told.environ.as_mut().unwrap();
            environ.insert("PLAIN".to_owned(), Variable::Text("its own".to_owned()));
        }
    };
    passes(set);
    let mut stage = Stage::set();
    set(&mut stage);
    assert!(stage.entry("services.web.env.PLAIN").why.unwrap().contains("for itself"));
}

#[test]
fn a_secret_is_compared_where_it_is_kept_and_where_it_is_used() {
    let kept = |kept: Kept| {
        move |stage: &mut Stage| {
            let secret = stage.observed.secrets.get_mut("api-key.secret").unwrap();
            secret.insert("value".to_owned(), kept);
        }
    };
    let both = ["services.web.env.KEY", "services.web.files[\"/etc/web/key\"]"];
    assert_eq!(breaks(kept(Kept::Other), both), "***");
    hides(kept(Kept::Unknown), ["services.web.env.KEY"]);
    breaks(|stage| drop(stage.observed.secrets.remove("api-key.secret")), both);
    let stale = |stage: &mut Stage| {
        let environ = stage.told("web").environ.as_mut().unwrap();
        environ.insert("KEY".to_owned(), Variable::Secret(Kept::Other));
    };
    breaks(stale, ["services.web.env.KEY"]);
    let other = json!({"secretKeyRef": {"name": "db-password.secret", "key": "value"}});
    assert_eq!(breaks(|stage| variable(stage, "KEY")["valueFrom"] = other, ["services.web.env.KEY"]), "***");
    let plain = |stage: &mut Stage| *variable(stage, "KEY") = json!({"name": "KEY", "value": "***"});
    assert_eq!(breaks(plain, ["services.web.env.KEY"]), "***");
    let denied = |stage: &mut Stage| {
        stage.observed.secrets.clear();
        stage.observed.unlisted.insert("Secret".to_owned(), "forbidden".to_owned());
    };
    hides(denied, ["services.web.env.DATABASE_URL", "services.web.env.KEY"]);
}

#[test]
fn a_limit_is_what_the_spec_and_the_kernel_say() {
    const LIMIT: &str = "/sys/fs/cgroup/memory/memory.limit_in_bytes";
    let live =
        breaks(|stage| stage.file("web", LIMIT, "134217728\n"), ["services.web.resources.limits.memory"]);
    assert_eq!(live, "128Mi");
    let quota = |stage: &mut Stage| stage.file("web", "/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n");
    breaks(quota, ["services.web.resources.limits.cpu"]);
    for (which, what, path) in [
        ("limits", "cpu", "services.web.resources.limits.cpu"),
        ("limits", "memory", "services.web.resources.limits.memory"),
        ("limits", "ephemeral-storage", "services.web.resources.limits.ephemeral_storage"),
        ("requests", "cpu", "services.web.resources.requests.cpu"),
        ("requests", "memory", "services.web.resources.requests.memory"),
    ] {
        breaks(|stage| stage.main("web")["resources"][which][what] = json!("7"), [path]);
        breaks(|stage| drop(stage.main("web")["resources"][which][what].take()), [path]);
    }
    let more = json!({"cpu": "1", "nvidia.com/gpu": "1"});
    breaks(
        |stage| stage.main("worker")["resources"]["limits"] = more,
        ["services.worker.resources.limits.cpu", "services.worker.resources.limits[\"nvidia.com/gpu\"]"],
    );
    passes(|stage| stage.main("web")["resources"]["limits"]["cpu"] = json!("0.2"));
}

#[test]
fn a_request_that_nobody_wrote_is_as_large_as_its_limit() {
    let shipper = |stage: &mut Stage, cpu: &str| {
        let sidecar = &mut stage.pod("worker")["spec"]["initContainers"][1];
        assert_eq!(sidecar["name"], "shipper");
        sidecar["resources"]["requests"]["cpu"] = json!(cpu);
    };
    passes(|stage| shipper(stage, "50m"));
    breaks(|stage| shipper(stage, "40m"), ["services.worker.sidecars.shipper.resources.requests.cpu"]);
}

#[test]
fn walls_are_what_the_spec_and_the_kernel_say() {
    fn with<'s>(stage: &'s mut Stage, key: &str) -> &'s mut Json {
        &mut stage.main("web")["securityContext"][key]
    }
    let status = |line: &str| {
        let line = line.to_owned();
        move |stage: &mut Stage| {
            let old = stage.told("web").inside.files["/proc/1/status"].clone();
            stage.file("web", "/proc/1/status", &format!("{line}\n{old}"));
        }
    };
    assert_eq!(breaks(|stage| *with(stage, "runAsUser") = json!(0), ["services.web.user"]), "0:1000");
    breaks(status("Uid:\t7\t7\t7\t7"), ["services.web.user"]);
    breaks(|stage| *with(stage, "readOnlyRootFilesystem") = json!(false), ["services.web.read_only"]);
    let writable = |stage: &mut Stage| stage.file("web", "/proc/mounts", "overlay / overlay rw 0 0\n");
    let mut stage = Stage::set();
    writable(&mut stage);
    assert_eq!(stage.entry("services.web.read_only").holds, Some(false));
    breaks(
        |stage| *with(stage, "allowPrivilegeEscalation") = json!(true),
        ["services.web.no_new_privileges"],
    );
    breaks(status("NoNewPrivs:\t0"), ["services.web.no_new_privileges"]);
    breaks(|stage| *with(stage, "seccompProfile") = json!({"type": "Unconfined"}), ["services.web.seccomp"]);
    breaks(status("Seccomp:\t0"), ["services.web.seccomp"]);
    breaks(
        |stage| *with(stage, "capabilities") = json!({"drop": ["ALL"]}),
        ["services.web.capabilities.add"],
    );
    passes(|stage| with(stage, "capabilities")["add"] = json!(["CAP_NET_BIND_SERVICE"]));
    breaks(|stage| *with(stage, "privileged") = json!(true), ["services.web.privileged"]);
    let own =
        json!({"runAsUser": 7, "capabilities": {"add": ["CHOWN"]}, "seccompProfile": {"type": "Unconfined"}});
    breaks(
        |stage| stage.main("worker")["securityContext"] = own,
        ["services.worker.capabilities.add", "services.worker.seccomp", "services.worker.user"],
    );
}

#[test]
fn probes_and_hooks_are_what_the_kubelet_was_told() {
    fn probe<'s>(stage: &'s mut Stage, which: &str) -> &'s mut Json {
        &mut stage.main("web")[which]
    }
    let of = |field: &str| format!("services.web.probes.{field}");
    let live = breaks(
        |stage| probe(stage, "startupProbe")["failureThreshold"] = json!(3),
        [&of("startup.failure_threshold")],
    );
    assert_eq!(live, 3);
    breaks(|stage| probe(stage, "startupProbe")["httpGet"]["path"] = json!("/x"), [&of("startup.http.path")]);
    breaks(
        |stage| probe(stage, "readinessProbe")["tcpSocket"]["port"] = json!(1),
        [&of("readiness.tcp.port")],
    );
    breaks(|stage| probe(stage, "readinessProbe")["timeoutSeconds"] = json!(9), [&of("readiness.timeout")]);
    let live = breaks(
        |stage| probe(stage, "livenessProbe")["initialDelaySeconds"] = json!(9),
        [&of("liveness.initial_delay")],
    );
    assert_eq!(live, "9s");
    let hook = |stage: &mut Stage| stage.main("web")["lifecycle"]["preStop"]["sleep"]["seconds"] = json!(3);
    assert_eq!(breaks(hook, ["services.web.pre_stop.sleep"]), "3s");
    let hook = json!({"exec": {"command": ["false"]}});
    breaks(
        |stage| stage.main("web")["lifecycle"]["postStart"] = hook,
        ["services.web.post_start.exec.command"],
    );
    breaks(
        |stage| stage.main("worker")["readinessProbe"] = json!({"tcpSocket": {"port": 1}}),
        ["services.worker.probes.readiness"],
    );
    breaks(
        |stage| stage.main("worker")["lifecycle"] = json!({"preStop": {"sleep": {"seconds": 1}}}),
        ["services.worker.pre_stop"],
    );
    // A store's readiness is asked for though its profile is silent.
    breaks(|stage| drop(stage.main("db")["readinessProbe"].take()), ["stores.db.probes.readiness"]);
}

#[test]
fn a_field_of_a_container_that_no_reader_knows_is_not_passed_over() {
    breaks(|stage| stage.main("web")["tty"] = json!(true), ["services.web.tty"]);
    breaks(|stage| stage.main("web")["fromTheFuture"] = json!(1), ["services.web.from_the_future"]);
}
