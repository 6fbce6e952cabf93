//! What every field of `docker inspect` is to a profile.

/// What becomes of the values below a field that no part of the profile was written from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It is what the profile says, or follows from it.
    Said,
    /// How things stood when it was asked, and what the engine made up by itself.
    Moment,
    /// A profile has no word for it, for this reason.
    Out(&'static str),
}

use Fate::{Moment, Out, Said};

const HOST: &str = "it belongs to the machine that it ran on";
const NO_FIELD: &str = "a profile has no field for it, and a mirror does not set it";
const NETWORK: &str = "a mirror has one network of its own";
const FREE: &str = "a mirror takes free ports of the host";
const OLDER: &str = "an older engine kept it here: `resources` has it";
const NOBODY: &str = "nobody sits at it";

/// Longer paths first; the last key of one may be the beginning of more.
pub const FATES: &[(&[&str], Fate)] = &[
    (&["Config", "AttachStderr"], Moment),
    (&["Config", "AttachStdin"], Moment),
    (&["Config", "AttachStdout"], Moment),
    (&["Config", "Cmd"], Said),
    (&["Config", "CpuShares"], Out(OLDER)),
    (&["Config", "Cpuset"], Out(OLDER)),
    (&["Config", "Domainname"], Out(NO_FIELD)),
    (&["Config", "Entrypoint"], Said),
    (&["Config", "Env"], Said),
    (&["Config", "ExposedPorts"], Said),
    (
        &["Config", "Healthcheck", "StartPeriod"],
        Out("a readiness probe ends nothing, so it needs no time to start"),
    ),
    (
        &["Config", "Healthcheck", "StartInterval"],
        Out("a readiness probe ends nothing, so it needs no time to start"),
    ),
    (&["Config", "Healthcheck"], Said),
    (&["Config", "Hostname"], Moment),
    (&["Config", "Image"], Said),
    (&["Config", "Labels"], Out("a label is a short text; this one is none")),
    (&["Config", "MacAddress"], Out("the engine chooses addresses")),
    (&["Config", "Memory"], Out(OLDER)),
    (&["Config", "MemorySwap"], Out(OLDER)),
    (&["Config", "NetworkDisabled"], Out(NETWORK)),
    (&["Config", "OnBuild"], Moment),
    (&["Config", "OpenStdin"], Out(NOBODY)),
    (&["Config", "PortSpecs"], Moment),
    (&["Config", "Shell"], Moment),
    (&["Config", "StdinOnce"], Out(NOBODY)),
    (&["Config", "StopSignal"], Said),
    (&["Config", "StopTimeout"], Said),
    (&["Config", "Tty"], Out(NOBODY)),
    (&["Config", "User"], Said),
    (&["Config", "Volumes"], Said),
    (&["Config", "WorkingDir"], Said),
    (&["HostConfig", "Annotations"], Out("annotations are not carried; labels are")),
    (&["HostConfig", "AutoRemove"], Out("a mirror removes its containers itself")),
    (&["HostConfig", "Binds"], Said),
    (&["HostConfig", "CapAdd"], Said),
    (&["HostConfig", "CapDrop"], Said),
    (&["HostConfig", "Cgroup"], Out(HOST)),
    (&["HostConfig", "CgroupParent"], Out(HOST)),
    (&["HostConfig", "CgroupnsMode"], Moment),
    (&["HostConfig", "ConsoleSize"], Moment),
    (&["HostConfig", "ContainerIDFile"], Moment),
    (&["HostConfig", "CpuPeriod"], Said),
    (&["HostConfig", "CpuQuota"], Said),
    (&["HostConfig", "CpuShares"], Said),
    (
        &["HostConfig", "CpusetCpus"],
        Out("`platform: {cores: N}` at the top is the number of cores that a process sees"),
    ),
    (&["HostConfig", "Dns"], Said),
    (&["HostConfig", "DnsOptions"], Out("of the options a profile has `ndots`")),
    (&["HostConfig", "DnsSearch"], Said),
    (&["HostConfig", "ExtraHosts"], Said),
    (&["HostConfig", "GroupAdd"], Said),
    (&["HostConfig", "Init"], Out("the engine's own first process is not set: the image's is")),
    (&["HostConfig", "IpcMode"], Out(NO_FIELD)),
    (&["HostConfig", "Links"], Out("services find each other by name")),
    (&["HostConfig", "LogConfig"], Out("the engine keeps the logs, `prodmirror logs` shows them")),
    (&["HostConfig", "LxcConf"], Moment),
    (&["HostConfig", "MaskedPaths"], Moment),
    (&["HostConfig", "Memory"], Said),
    (&["HostConfig", "MemoryReservation"], Said),
    (&["HostConfig", "MemorySwap"], Out("`platform: {swap: none}` at the top takes swap off for all")),
    (&["HostConfig", "Mounts"], Said),
    (&["HostConfig", "NanoCpus"], Said),
    (&["HostConfig", "NetworkMode"], Out(NETWORK)),
    (&["HostConfig", "PidMode"], Out("`host_pid: true` and `allow: [host-pid]` if it is meant so")),
    (&["HostConfig", "PidsLimit"], Said),
    (&["HostConfig", "PortBindings"], Out(FREE)),
    (&["HostConfig", "Privileged"], Out("`privileged: true` and `allow: [privileged]` if it is meant so")),
    (&["HostConfig", "PublishAllPorts"], Out(FREE)),
    (&["HostConfig", "ReadonlyPaths"], Moment),
    (&["HostConfig", "ReadonlyRootfs"], Said),
    (
        &["HostConfig", "RestartPolicy", "MaximumRetryCount"],
        Out("a mirror tries for ever, as Kubernetes does"),
    ),
    (&["HostConfig", "RestartPolicy"], Said),
    (&["HostConfig", "Runtime"], Out(HOST)),
    (&["HostConfig", "SecurityOpt"], Out("of these a profile has `no_new_privileges` and `seccomp`")),
    (&["HostConfig", "ShmSize"], Said),
    (
        &["HostConfig", "StorageOpt"],
        Out("`resources: {limits: {ephemeral_storage: …}}` limits what a container writes"),
    ),
    (&["HostConfig", "Sysctls"], Said),
    (&["HostConfig", "Tmpfs"], Said),
    (&["HostConfig", "UTSMode"], Out(NO_FIELD)),
    (&["HostConfig", "Ulimits"], Said),
    (&["HostConfig", "UsernsMode"], Out(HOST)),
    (&["HostConfig", "VolumeDriver"], Out("a mirror's volumes are its own, of the engine's default driver")),
    (&["HostConfig", "VolumesFrom"], Out("`volumes` with `{shared: NAME}` is the same for both")),
    (&["HostConfig"], Out(HOST)),
    (&["Mounts"], Said),
    (&["NetworkSettings", "Networks"], Moment),
    (&["NetworkSettings"], Moment),
    (&["Image"], Said),
    (&["ImageManifestDescriptor"], Said),
    (&["Name"], Said),
    // The rest of the document is how the container was when it was asked, and where the engine keeps it.
    (&["AppArmorProfile"], Moment),
    (&["Args"], Moment),
    (&["Created"], Moment),
    (&["Driver"], Moment),
    (&["ExecDriver"], Moment),
    (&["ExecIDs"], Moment),
    (&["GraphDriver"], Moment),
    (&["HostnamePath"], Moment),
    (&["HostsPath"], Moment),
    (&["Id"], Moment),
    (&["LogPath"], Moment),
    (&["MountLabel"], Moment),
    (&["Path"], Moment),
    (&["Platform"], Moment),
    (&["ProcessLabel"], Moment),
    (&["ResolvConfPath"], Moment),
    (&["RestartCount"], Moment),
    (&["SizeRootFs"], Moment),
    (&["SizeRw"], Moment),
    (&["State"], Moment),
    (&["Storage"], Moment),
    (&["Volumes"], Said),
    (&["VolumesRW"], Said),
];

/// Values that an engine writes where nobody asked for anything.
pub fn is_default(field: &[&str], value: &serde_json::Value) -> bool {
    use serde_json::Value as Json;
    match value {
        Json::Null | Json::Bool(false) => true,
        Json::String(text) => matches!(
            (field, text.as_str()),
            (_, "")
                | (["HostConfig", "NetworkMode"], "default" | "bridge")
                | (["HostConfig", "IpcMode"], "private")
                | (["HostConfig", "Runtime"], "runc")
                | (["HostConfig", "LogConfig"], "json-file")
        ),
        Json::Number(number) => matches!(
            (field, number.as_i64()),
            (_, Some(0)) | (["HostConfig", "MemorySwappiness" | "PidsLimit" | "MemorySwap"], Some(-1))
        ),
        Json::Array(items) => items.iter().all(|item| is_default(field, item)),
        Json::Object(map) => map.values().all(|item| is_default(field, item)),
        Json::Bool(true) => false,
    }
}
