//! A container as `docker inspect` prints it, of API 1.21 to now, as plain data.
//!
//! The one reader of that document: what runs now is read through it, and so is what somebody saved. A field that an
//! older engine did not have is empty.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::{Attachment, Container, HealthCheck, HostSide, Mount, State};
use crate::plan::capabilities::ImageFacts;

pub fn container(there: &Json) -> Container {
    let (config, host, state) = (&there["Config"], &there["HostConfig"], &there["State"]);
    Container {
        id: text(&there["Id"]),
        name: text(&there["Name"]).trim_start_matches('/').to_owned(),
        labels: texts_by_name(&config["Labels"]),
        created: text(&there["Created"]),
        state: State {
            status: status(state),
            exit_code: number(&state["ExitCode"]),
            oom_killed: truth(&state["OOMKilled"]),
            error: text(&state["Error"]),
            started: text(&state["StartedAt"]),
            finished: text(&state["FinishedAt"]),
            pid: number(&state["Pid"]),
        },
        image_reference: text(&config["Image"]),
        image_id: text(&there["Image"]),
        image_descriptor: there["ImageManifestDescriptor"]["digest"].as_str().map(str::to_owned),
        entrypoint: words(&config["Entrypoint"]),
        command: words(&config["Cmd"]),
        untold: Vec::new(),
        env: texts(&config["Env"]),
        working_dir: text(&config["WorkingDir"]),
        user: text(&config["User"]),
        hostname: text(&config["Hostname"]),
        stop_signal: config["StopSignal"].as_str().map(str::to_owned),
        stop_timeout_seconds: config["StopTimeout"].as_i64(),
        health: health(&config["Healthcheck"]),
        exposed: names(&config["ExposedPorts"]),
        mounts: mounts(there),
        host: host_side(host),
        networks: networks(&there["NetworkSettings"]["Networks"]),
        published: published(&there["NetworkSettings"]["Ports"]),
        inside: None,
    }
}

/// An image as `docker image inspect` prints it.
pub fn image(there: &Json) -> ImageFacts {
    let mut facts = ImageFacts {
        id: text(&there["Id"]),
        repo_digests: texts(&there["RepoDigests"]),
        arch: text(&there["Architecture"]),
        ..process(&there["Config"])
    };
    facts.repo_digests.sort();
    facts
}

/// An image by its configuration document (OCI image specification, `config.md`); its digests are told elsewhere.
pub fn configuration(document: &Json) -> ImageFacts {
    ImageFacts { arch: text(&document["architecture"]), ..process(&document["config"]) }
}

/// What an image says of the process that runs in it; both spell it in the same way.
fn process(config: &Json) -> ImageFacts {
    ImageFacts {
        env: texts(&config["Env"]),
        entrypoint: words(&config["Entrypoint"]).unwrap_or_default(),
        command: words(&config["Cmd"]).unwrap_or_default(),
        user: text(&config["User"]),
        working_dir: text(&config["WorkingDir"]),
        volumes: names(&config["Volumes"]),
        exposed: names(&config["ExposedPorts"]),
        stop_signal: config["StopSignal"].as_str().map(str::to_owned),
        labels: texts_by_name(&config["Labels"]),
        ..ImageFacts::default()
    }
}

fn host_side(host: &Json) -> HostSide {
    HostSide {
        nano_cpus: number(&host["NanoCpus"]),
        cpu_quota: number(&host["CpuQuota"]),
        cpu_period: number(&host["CpuPeriod"]),
        cpu_shares: number(&host["CpuShares"]),
        cpuset: text(&host["CpusetCpus"]),
        memory: number(&host["Memory"]),
        memory_swap: number(&host["MemorySwap"]),
        memory_reservation: number(&host["MemoryReservation"]),
        pids_limit: number(&host["PidsLimit"]),
        shm_size: number(&host["ShmSize"]),
        network_mode: text(&host["NetworkMode"]),
        restart_policy: text(&host["RestartPolicy"]["Name"]),
        read_only: truth(&host["ReadonlyRootfs"]),
        privileged: truth(&host["Privileged"]),
        pid_mode: text(&host["PidMode"]),
        cap_add: texts(&host["CapAdd"]),
        cap_drop: texts(&host["CapDrop"]),
        security_opt: texts(&host["SecurityOpt"]),
        group_add: texts(&host["GroupAdd"]),
        extra_hosts: texts(&host["ExtraHosts"]),
        dns: texts(&host["Dns"]),
        dns_search: texts(&host["DnsSearch"]),
        dns_options: texts(&host["DnsOptions"]),
        sysctls: texts_by_name(&host["Sysctls"]),
        tmpfs: texts_by_name(&host["Tmpfs"]),
        ulimits: items(&host["Ulimits"])
            .map(|limit| (text(&limit["Name"]), (number(&limit["Soft"]), number(&limit["Hard"]))))
            .collect(),
        storage_opt: texts_by_name(&host["StorageOpt"]),
    }
}

/// Engines before 1.21 had no word for it.
fn status(state: &Json) -> String {
    match state["Status"].as_str() {
        Some(status) => status.to_owned(),
        None if truth(&state["Paused"]) => "paused".to_owned(),
        None if truth(&state["Restarting"]) => "restarting".to_owned(),
        None if truth(&state["Running"]) => "running".to_owned(),
        None if state.is_object() => "exited".to_owned(),
        None => String::new(),
    }
}

fn health(check: &Json) -> Option<HealthCheck> {
    let test = texts(&check["Test"]);
    (!test.is_empty()).then(|| HealthCheck {
        test,
        interval_nanos: number(&check["Interval"]),
        timeout_nanos: number(&check["Timeout"]),
        retries: number(&check["Retries"]),
    })
}

/// What is mounted; the folder of a volume that was asked for stands only in the request.
fn mounts(there: &Json) -> Vec<Mount> {
    let asked: BTreeMap<String, String> = items(&there["HostConfig"]["Mounts"])
        .filter_map(|mount| {
            Some((text(&mount["Target"]), mount["VolumeOptions"]["Subpath"].as_str()?.to_owned()))
        })
        .filter(|(_, subpath)| !subpath.is_empty())
        .collect();
    let mount = |mount: &Json| {
        let target = text(&mount["Destination"]);
        // Before 1.24 only a name told a volume from a folder.
        let kind = match mount["Type"].as_str() {
            Some(kind) => kind.to_owned(),
            None if mount["Name"].as_str().is_some_and(|name| !name.is_empty()) => "volume".to_owned(),
            None => "bind".to_owned(),
        };
        let source = if kind == "volume" { &mount["Name"] } else { &mount["Source"] };
        Mount {
            source: text(source),
            read_only: !mount["RW"].as_bool().unwrap_or(true),
            subpath: asked.get(&target).cloned(),
            kind,
            target,
        }
    };
    let mut mounts: Vec<_> = items(&there["Mounts"]).map(mount).collect();
    mounts.sort_by(|a, b| a.target.cmp(&b.target));
    mounts
}

fn networks(networks: &Json) -> BTreeMap<String, Attachment> {
    let attachment = |(network, endpoint): (&String, &Json)| {
        let address = endpoint["IPAddress"].as_str().and_then(|address| address.parse().ok());
        (network.clone(), Attachment { address, aliases: texts(&endpoint["Aliases"]) })
    };
    networks.as_object().into_iter().flatten().map(attachment).collect()
}

fn published(ports: &Json) -> BTreeMap<String, (String, u16)> {
    let first = |(port, bindings): (&String, &Json)| {
        let binding = bindings.as_array()?.first()?;
        Some((port.clone(), (text(&binding["HostIp"]), binding["HostPort"].as_str()?.parse().ok()?)))
    };
    ports.as_object().into_iter().flatten().filter_map(first).collect()
}

fn text(value: &Json) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn number(value: &Json) -> i64 {
    value.as_i64().unwrap_or_default()
}

fn truth(value: &Json) -> bool {
    value.as_bool().unwrap_or_default()
}

fn items(value: &Json) -> impl Iterator<Item = &Json> {
    value.as_array().into_iter().flatten()
}

fn texts(value: &Json) -> Vec<String> {
    items(value).filter_map(Json::as_str).map(str::to_owned).collect()
}

/// A list, or one text as older engines had it; nothing is nothing.
fn words(value: &Json) -> Option<Vec<String>> {
    match value {
        Json::Array(_) => Some(texts(value)),
        Json::String(one) => Some(vec![one.clone()]),
        _ => None,
    }
}

fn texts_by_name(value: &Json) -> BTreeMap<String, String> {
    value.as_object().into_iter().flatten().map(|(name, value)| (name.clone(), text(value))).collect()
}

fn names(value: &Json) -> Vec<String> {
    let mut names: Vec<String> =
        value.as_object().into_iter().flatten().map(|(name, _)| name.clone()).collect();
    names.extend(texts(value));
    names.sort();
    names
}
