//! What a pod is, and what is mounted into its containers.

use serde_json::json;

use super::*;

#[test]
fn what_a_pod_is_told_is_read_from_every_pod() {
    fn spec<'s>(stage: &'s mut Stage, key: &str) -> &'s mut Json {
        &mut stage.pod("web")["spec"][key]
    }
    assert_eq!(
        breaks(
            |stage| *spec(stage, "terminationGracePeriodSeconds") = json!(9),
            ["services.web.stop_grace_period"]
        ),
        "9s"
    );
    breaks(|stage| *spec(stage, "restartPolicy") = json!("Never"), ["services.web.restart"]);
    breaks(|stage| *spec(stage, "enableServiceLinks") = json!(false), ["services.web.enable_service_links"]);
    breaks(|stage| *spec(stage, "serviceAccountName") = json!("admin"), ["services.web.service_account"]);
    breaks(
        |stage| *spec(stage, "automountServiceAccountToken") = json!(true),
        ["services.web.automount_service_account_token"],
    );
    breaks(|stage| *spec(stage, "hostPID") = json!(true), ["services.web.host_pid"]);
    breaks(
        |stage| {
            *spec(stage, "hostNetwork") = json!(true);
            *spec(stage, "dnsPolicy") = json!("ClusterFirst");
        },
        ["network.egress", "services.web.host_network"],
    );
    breaks(|stage| spec(stage, "securityContext")["fsGroup"] = json!(1), ["services.web.fs_group"]);
    breaks(
        |stage| spec(stage, "securityContext")["supplementalGroups"] = json!([1]),
        ["services.web.groups"],
    );
    const SYSCTL: &str = "services.web.sysctls[\"net.ipv4.tcp_fin_timeout\"]";
    breaks(|stage| spec(stage, "securityContext")["sysctls"][0]["value"] = json!("1"), [SYSCTL]);
    let live = breaks(|stage| stage.file("web", "/proc/sys/net/ipv4/tcp_fin_timeout", "60\n"), [SYSCTL]);
    assert_eq!(live, "60");
}

#[test]
fn what_kubernetes_adds_by_itself_is_nobodys_wish_and_all_else_is() {
    let pull = |stage: &mut Stage| stage.pod("web")["spec"]["imagePullSecrets"] = json!([{"name": "pull"}]);
    passes(pull);
    passes(|stage| stage.pod("web")["metadata"]["labels"]["controller-uid"] = json!("1"));
    breaks(|stage| stage.pod("web")["metadata"]["labels"]["tier"] = json!("1"), ["services.web.labels.tier"]);
    breaks(|stage| stage.pod("web")["metadata"]["labels"]["team"] = json!("x"), ["services.web.labels.team"]);
    let toleration = json!({"key": "dedicated", "operator": "Exists"});
    let more = |stage: &mut Stage| {
        stage.pod("web")["spec"]["tolerations"].as_array_mut().unwrap().push(toleration);
    };
    let live = breaks(more, ["services.web.tolerations"]);
    assert_eq!(live, json!([r#"{"key":"dedicated","operator":"Exists"}"#]), "Kubernetes' own are left out");
    for (key, value, path) in [
        ("nodeSelector", json!({"disk": "ssd"}), "services.web.node_selector"),
        ("priority", json!(7), "services.web.priority"),
        ("shareProcessNamespace", json!(true), "services.web.share_process_namespace"),
        ("runtimeClassName", json!("gvisor"), "services.web.runtime_class_name"),
        ("dnsPolicy", json!("Default"), "services.web.dns_policy"),
    ] {
        breaks(|stage| stage.pod("web")["spec"][key] = value, [path]);
    }
}

#[test]
fn a_container_beside_the_planned_ones_is_noticed_while_it_runs() {
    let spy = json!({"name": "spy", "image": "spy:1"});
    let beside = |stage: &mut Stage, list: &str| {
        let spec = &mut stage.pod("web")["spec"];
        let mut all = spec[list].as_array().cloned().unwrap_or_default();
        all.push(spy.clone());
        spec[list] = json!(all);
    };
    let live = breaks(|stage| beside(stage, "containers"), ["services.web.sidecars.spy"]);
    assert_eq!(live, json!({"image": "spy:1"}));
    breaks(|stage| beside(stage, "initContainers"), ["services.web.init.spy"]);
    breaks(|stage| beside(stage, "ephemeralContainers"), ["services.web.sidecars.spy"]);
    passes(|stage| {
        beside(stage, "ephemeralContainers");
        let over = json!([{"name": "spy", "state": {"terminated": {"exitCode": 0}}}]);
        stage.pod("web")["status"]["ephemeralContainerStatuses"] = over;
    });
    let gone = |stage: &mut Stage| stage.pod("worker")["spec"]["initContainers"] = json!([]);
    let mut stage = Stage::set();
    gone(&mut stage);
    let broken = stage.paths(Some(false));
    assert!(broken.contains(&"services.worker.sidecars.shipper.command".to_owned()), "{broken:?}");
}

#[test]
fn names_and_the_clock_are_asked_inside() {
    breaks(|stage| stage.file("web", "/etc/hostname", "other\n"), ["services.web.hostname"]);
    breaks(|stage| stage.pod("web")["spec"]["hostname"] = json!("other"), ["services.web.hostname"]);
    const LEGACY: &str = "services.web.extra_hosts[\"legacy.example.com\"]";
    breaks(|stage| stage.file("web", "/etc/hosts", "192.0.2.8 legacy.example.com\n"), [LEGACY]);
    let more = json!([{"ip": "192.0.2.7", "hostnames": ["legacy.example.com", "more.example.com"]}]);
    breaks(
        |stage| stage.pod("web")["spec"]["hostAliases"] = more,
        ["services.web.extra_hosts[\"more.example.com\"]"],
    );
    let resolver = |stage: &mut Stage| {
        let text = "search pm.svc.cluster.local\nnameserver 10.96.0.10\noptions ndots:5\n";
        stage.file("web", "/etc/resolv.conf", text);
    };
    breaks(resolver, ["services.web.dns.ndots", "services.web.dns.search"]);
    let servers = json!(["192.0.2.1"]);
    breaks(
        |stage| stage.pod("web")["spec"]["dnsConfig"]["nameservers"] = servers,
        ["services.web.dns.servers"],
    );
    let clock = |stage: &mut Stage| {
        stage.told("web").inside.answers.insert("date +%Z%z".to_owned(), "Europe+0000".to_owned());
    };
    breaks(clock, ["services.web.timezone"]);
}

fn volume<'s>(stage: &'s mut Stage, service: &str, name: &str) -> &'s mut Json {
    let volumes = stage.pod(service)["spec"]["volumes"].as_array_mut().unwrap();
    volumes.iter_mut().find(|volume| volume["name"] == name).unwrap()
}

fn mount<'s>(stage: &'s mut Stage, service: &str, target: &str) -> &'s mut Json {
    let mounts = stage.main(service)["volumeMounts"].as_array_mut().unwrap();
    mounts.iter_mut().find(|mount| mount["mountPath"] == target).unwrap()
}

#[test]
fn a_volume_is_the_planned_one_in_the_planned_place() {
    const SPOOL: &str = "services.web.volumes[\"/var/spool/web\"]";
    let live = breaks(
        |stage| volume(stage, "web", "var-spool-web")["emptyDir"]["sizeLimit"] = json!("8Mi"),
        [SPOOL],
    );
    assert_eq!(live, json!({"empty": {"medium": "memory", "size": "8Mi"}}));
    breaks(|stage| mount(stage, "web", "/var/spool/web")["readOnly"] = json!(true), [SPOOL]);
    let host = json!({"name": "var-spool-web", "hostPath": {"path": "/tmp"}});
    assert_eq!(
        breaks(|stage| *volume(stage, "web", "var-spool-web") = host, [SPOOL]),
        json!({"host": "/tmp"})
    );
    breaks(
        |stage| mount(stage, "web", "/var/spool/web")["mountPath"] = json!("/mnt"),
        ["services.web.volumes[\"/mnt\"]", SPOOL],
    );
    let claim = |stage: &mut Stage| {
        let claim = stage.object("PersistentVolumeClaim", "work.claim");
        claim["spec"]["resources"]["requests"]["storage"] = json!("1Gi");
    };
    let live = breaks(claim, ["services.worker.volumes[\"/var/lib/worker\"]"]);
    assert_eq!(live, json!({"claim": "work", "size": "1Gi"}));
    breaks(
        |stage| volume(stage, "web", "tmp")["emptyDir"]["sizeLimit"] = json!("1Gi"),
        ["services.web.tmpfs[\"/tmp\"]"],
    );
    breaks(
        |stage| drop(volume(stage, "web", "dev-shm")["emptyDir"]["sizeLimit"].take()),
        ["services.web.shm_size"],
    );
}

#[test]
fn a_file_is_its_bytes_inside_and_in_its_object() {
    const INI: &str = "services.web.files[\"/etc/app.ini\"]";
    let told = |stage: &mut Stage, act: &dyn Fn(&mut crate::observed::FileFacts)| {
        act(stage.told("web").inside.checksums.get_mut("/etc/app.ini").unwrap());
    };
    let live = breaks(|stage| told(stage, &|facts| facts.sha256 = Some("00".repeat(32))), [INI]);
    assert_eq!(live["sha256"], format!("sha256:{}", "00".repeat(32)));
    assert_eq!(breaks(|stage| told(stage, &|facts| facts.mode = 0o666), [INI])["mode"], "0666");
    breaks(|stage| drop(stage.told("web").inside.checksums.remove("/etc/app.ini")), [INI]);
    let changed = |stage: &mut Stage| {
        let data = stage.object("ConfigMap", "web.files")["data"].as_object_mut().unwrap();
        *data.values_mut().find(|text| **text == "a = 1\n").unwrap() = json!("a = 2\n");
    };
    breaks(changed, [INI]);
    breaks(
        |stage| stage.remove("ConfigMap", "web.files"),
        [INI, "services.web.files[\"/etc/web/one.conf\"]"],
    );
    breaks(
        |stage| mount(stage, "web", "/etc/app.ini")["mountPath"] = json!("/mnt"),
        [INI, "services.web.volumes[\"/mnt\"]"],
    );
    let silent = |stage: &mut Stage| {
        for containers in stage.observed.inside.values_mut() {
            containers.clear();
        }
    };
    // The spec and the objects tell most of it.
    let mut stage = Stage::set();
    silent(&mut stage);
    assert_eq!(stage.paths(Some(false)), [""; 0]);
    assert_eq!(stage.entry(INI).holds, Some(true));
}
