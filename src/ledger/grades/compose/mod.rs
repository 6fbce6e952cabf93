//! Grades of what Compose, the engine and the keeper do.

mod network;
mod platform;

use super::{Approximated, Dropped, ENFORCED, Enforced, Grade, Verdict, because};
use crate::{
    plan::{Mount, Plan},
    profile::{Allow, Duration, Medium, PodField, ProbeAction, Value, Volume},
};

pub(crate) use network::{balancing, egress, service_links};
pub(crate) use platform::{arch, cgroup, cores, kernel, node_memory, node_timezone, swap};

use Grade::Emulated;

type Case<'a> = crate::ledger::wanted::Case<'a, Plan>;

pub(crate) fn variable(case: &Case<'_>) -> Verdict {
    let name = case.last_key();
    let value = case.owner.and_then(|owner| owner.process.env.get(name));
    match value {
        Some(Value::Field(PodField::NodeName)) => {
            because(Approximated, "there is no node: it is `prodmirror`")
        }
        Some(Value::Field(PodField::PodAddress)) => {
            let empty =
                case.owner.and_then(|owner| owner.container).and_then(|container| container.env.get(name));
            if empty.is_some_and(|template| template.0.is_empty()) {
                because(Dropped, "there is no fixed address left in the subnet")
            } else {
                because(Emulated, "an address that the plan gives to the replica")
            }
        }
        Some(Value::Field(_)) => because(Emulated, "written for each replica, by the rules of Kubernetes"),
        // What could not be read has no grade but dropped, and is not asked for here.
        Some(Value::Text(_) | Value::Hole) | None => ENFORCED,
    }
}

/// Whether the field belongs to a startup or readiness probe that needs no command in the container.
fn over_network(case: &Case<'_>) -> bool {
    let keys: Vec<&str> = (0..case.path.0.len()).filter_map(|at| case.path.key_at(at)).collect();
    let own = case.owner.filter(|_| keys.get(2) == Some(&"probes"));
    let probe = own.and_then(|owner| match keys.get(3) {
        Some(&"startup") => owner.run.probes.startup.as_ref(),
        Some(&"readiness") => owner.run.probes.readiness.as_ref(),
        _ => None,
    });
    probe.is_some_and(|probe| !matches!(probe.action, ProbeAction::Exec { .. }))
}

pub(crate) fn cpu_limit(case: &Case<'_>) -> Verdict {
    let wanted = case.owner.and_then(|owner| owner.process.resources.limits.cpu).map(|cpu| cpu.millis);
    let given =
        case.owner.and_then(|owner| owner.container).and_then(|container| container.limits.cpu_millis);
    match given {
        Some(given) if wanted != Some(given) => {
            because(Approximated, format!("cut to {given}m, what the engine takes"))
        }
        _ => ENFORCED,
    }
}

pub(crate) fn memory_limit(case: &Case<'_>) -> Verdict {
    let wanted = case.owner.and_then(|owner| owner.process.resources.limits.memory).map(|memory| memory.0);
    let given = case.owner.and_then(|owner| owner.container).and_then(|container| container.limits.memory);
    match given {
        Some(given) if wanted != Some(given) => {
            because(Approximated, format!("raised to {given}, the engine's least"))
        }
        _ => ENFORCED,
    }
}

pub(crate) fn oom_group(case: &Case<'_>) -> Verdict {
    match (case.value.as_bool(), case.capabilities.host.cgroup) {
        (Some(false), _) => {
            because(Emulated, "as in production, one process dies and not the whole container")
        }
        (_, 2) => {
            because(Approximated, "one process dies and not the whole container: the engine does not set it")
        }
        _ => {
            because(Approximated, "one process dies and not the whole container: cgroup v1 has no such thing")
        }
    }
}

pub(crate) fn storage(case: &Case<'_>) -> Verdict {
    let host = &case.capabilities.host;
    if host.storage_quota {
        ENFORCED
    } else {
        because(Dropped, format!("the storage driver {} has no quota here", host.storage_driver))
    }
}

pub(crate) fn ulimit(case: &Case<'_>) -> Verdict {
    let name = case.last_key();
    let Some(owner) = case.owner else { return ENFORCED };
    let wanted = owner.process.ulimits.get(name).map(|limit| (limit.soft, limit.hard));
    match owner.container.and_then(|container| container.ulimits.get(name)) {
        Some(given) if wanted != Some(*given) => {
            because(Approximated, format!("cut to {}/{}, the most that this host allows", given.0, given.1))
        }
        _ => ENFORCED,
    }
}

/// Kernel settings of the network are the whole pod's, so that two containers cannot differ.
pub(crate) fn sysctl(case: &Case<'_>) -> Verdict {
    let name = case.last_key();
    let Some(owner) = case.owner else { return ENFORCED };
    if !name.starts_with("net.") {
        return ENFORCED;
    }
    if owner.run.host_network == Some(true) {
        return because(Dropped, "the network is the host's, whose settings stay");
    }
    match owner.pod.and_then(|pod| pod.pause.sysctls.get(name)) {
        Some(given) if case.value.as_str() != Some(given) => because(
            Dropped,
            format!("the replica's network has one setting, and the main container's is {given}"),
        ),
        _ => ENFORCED,
    }
}

pub(crate) fn volume(case: &Case<'_>) -> Verdict {
    let target = case.last_key();
    let Some(owner) = case.owner else { return ENFORCED };
    let is_data = owner.container.is_some_and(|container| {
        let data =
            case.plan.stores.iter().find(|store| store.container == container.key).map(|store| &store.volume);
        container.mounts.iter().any(|mount| match mount {
            Mount::Volume { volume, target: at, .. } => {
                Some(volume) == data && at == target.trim_end_matches('/')
            }
            Mount::Bind { .. } => false,
        })
    });
    match owner.run.volumes.get(target) {
        Some(Volume::Host { .. }) if is_data => {
            because(Dropped, "a store's data lies in a volume of its own")
        }
        _ if is_data => because(Emulated, "a store's data lies in a volume that can be copied and put back"),
        Some(Volume::Host { .. }) if case.profile.allow.contains(&Allow::HostPath) => {
            because(Emulated, "the same path of this host, with what lies there")
        }
        Some(Volume::Host { .. }) => {
            because(Dropped, "refused: the profile's `allow` does not name `host-path`")
        }
        Some(Volume::Empty { medium: Medium::Disk, size: Some(_) } | Volume::Claim { size: Some(_), .. }) => {
            because(Approximated, "a labelled volume whose size is not limited")
        }
        Some(Volume::Empty { .. }) => because(Emulated, "a labelled volume of the replica"),
        Some(Volume::Claim { .. }) => because(Emulated, "a labelled volume that outlives the replica"),
        Some(Volume::Shared { .. }) | None => because(Emulated, "one labelled volume for all that name it"),
    }
}

/// The engine counts the time to stop in whole seconds.
pub(crate) fn grace(case: &Case<'_>) -> Verdict {
    let Some(owner) = case.owner else { return ENFORCED };
    let wanted = owner.run.stop_grace_period.map(|grace| grace.millis);
    match owner.container.map(|container| container.stop_grace_millis) {
        Some(given) if wanted.is_some_and(|wanted| wanted != given) => {
            let given = Duration { millis: given };
            because(Approximated, format!("raised to {given}: the engine counts whole seconds"))
        }
        _ => ENFORCED,
    }
}

/// Whoever asks over https is told that nobody looks at the certificate.
pub(crate) fn scheme(case: &Case<'_>) -> Verdict {
    match (by_keeper(case), case.value.as_str()) {
        ((Emulated, None), Some("https")) => {
            because(Emulated, "the keeper asks, and takes any certificate, as the kubelet does")
        }
        (verdict, _) => verdict,
    }
}

/// What the keeper does it can only do with the engine's socket.
pub(crate) fn by_keeper(case: &Case<'_>) -> Verdict {
    if case.path.key_at(2) == Some("init") && case.path.0.len() > 4 {
        return because(Dropped, "an init container has no probes and no hooks");
    }
    if case.capabilities.host.socket.is_some() {
        return (Emulated, None);
    }
    if over_network(case) {
        return because(
            Approximated,
            "the keeper has no socket of the engine: it asks where the launch says",
        );
    }
    because(Dropped, "the keeper has no socket of the engine")
}

pub(crate) fn identity(case: &Case<'_>) -> Verdict {
    if case.value.as_str() == Some("ordinal") {
        because(
            Approximated,
            "the short names of ordinals only; Kubernetes' long ones are not in this version",
        )
    } else {
        because(Approximated, "replicas are named by ordinal, and a new one takes the old one's name")
    }
}
