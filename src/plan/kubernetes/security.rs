//! The Pod Security Standard that the namespace must allow: the strictest that all its pods meet.
//!
//! <https://kubernetes.io/docs/concepts/security/pod-security-standards/>

use serde::Serialize;

use super::{ContainerSpec, PodSpec, Seccomp, VolumeSource, network::is_safe_sysctl};

/// From the strictest to none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum PodSecurity {
    Restricted,
    Baseline,
    Privileged,
}

impl PodSecurity {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Restricted => "restricted",
            Self::Baseline => "baseline",
            Self::Privileged => "privileged",
        }
    }

    pub(super) fn of<'a>(pods: impl Iterator<Item = &'a PodSpec>) -> Self {
        pods.map(of_pod).max().unwrap_or(Self::Restricted)
    }
}

/// Capabilities that a pod may add under `baseline`.
const BASELINE: [&str; 13] = [
    "AUDIT_WRITE",
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "FSETID",
    "KILL",
    "MKNOD",
    "NET_BIND_SERVICE",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYS_CHROOT",
];

fn of_pod(pod: &PodSpec) -> PodSecurity {
    let on_host = pod.volumes.values().any(|source| matches!(source, VolumeSource::Host { .. }));
    let settings_are_safe = pod.sysctls.keys().all(|name| is_safe_sysctl(name));
    if pod.host_network || pod.host_pid || on_host || !settings_are_safe || !pod.containers().all(is_baseline)
    {
        PodSecurity::Privileged
    } else if pod.containers().all(is_restricted) {
        PodSecurity::Restricted
    } else {
        PodSecurity::Baseline
    }
}

fn is_baseline(container: &ContainerSpec) -> bool {
    let walls = &container.walls;
    !walls.privileged
        && walls.seccomp != Some(Seccomp::Unconfined)
        && walls.cap_add.iter().all(|cap| BASELINE.contains(&cap.as_str()))
}

fn is_restricted(container: &ContainerSpec) -> bool {
    let walls = &container.walls;
    walls.privilege_escalation == Some(false)
        && walls.is_non_root()
        && walls.seccomp == Some(Seccomp::RuntimeDefault)
        && walls.cap_drop.iter().any(|cap| cap == "ALL")
        && walls.cap_add.iter().all(|cap| cap == "NET_BIND_SERVICE")
}
