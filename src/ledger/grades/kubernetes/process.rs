//! Grades of a process and the walls around it.

use super::{Approximated, Case, Dropped, ENFORCED, Enforced, Verdict, because, facts};
use crate::{
    plan::kubernetes::{
        Carried, FEWEST_PIDS, carried, id, ids, is_admin, is_dns_name, is_namespaced_sysctl, is_safe_sysctl,
        is_variable, processes_of,
    },
    profile::Allow,
};

pub(crate) fn entrypoint(case: &Case<'_>) -> Verdict {
    if case.value.as_array().is_some_and(Vec::is_empty) {
        because(Dropped, "Kubernetes takes an empty list for the image's own")
    } else {
        ENFORCED
    }
}

const NO_VARIABLE: &str = "Kubernetes refuses a variable of that name";

pub(crate) fn variable(case: &Case<'_>) -> Verdict {
    if is_variable(case.last_key()) { ENFORCED } else { because(Dropped, NO_VARIABLE) }
}

pub(crate) fn flag(case: &Case<'_>) -> Verdict {
    match super::super::flag(case) {
        (Enforced, _) if !is_variable(case.last_key()) => because(Dropped, NO_VARIABLE),
        verdict => verdict,
    }
}

pub(crate) fn label(case: &Case<'_>) -> Verdict {
    match carried(case.last_key(), case.value.as_str().unwrap_or_default()) {
        Carried::Label => ENFORCED,
        Carried::Annotation => {
            because(Approximated, "an annotation carries it: Kubernetes takes no such value for a label's")
        }
        Carried::Nowhere => because(Dropped, "Kubernetes takes no such key for a label's"),
    }
}

pub(crate) fn user(case: &Case<'_>) -> Verdict {
    let Some(written) = case.value.as_str() else { return ENFORCED };
    if facts(case).is_some_and(|facts| facts.user == written) {
        return ENFORCED;
    }
    match (ids(Some(written)), written.contains(':')) {
        ((None, _), _) => {
            because(Dropped, "no number below 2^31, as Kubernetes takes it: the image's own user stays")
        }
        ((Some(_), None), true) => {
            because(Approximated, "the group is no number below 2^31, as Kubernetes takes it")
        }
        _ => ENFORCED,
    }
}

pub(crate) fn groups(case: &Case<'_>) -> Verdict {
    let Some(owner) = case.owner else { return ENFORCED };
    let own = &owner.process.groups;
    let is_number = |group: &&String| id(group).is_some();
    let numbers = own.iter().filter(is_number).count();
    if numbers == 0 {
        return because(Dropped, "no numbers below 2^31, as Kubernetes takes them");
    }
    if numbers < own.len() {
        return because(
            Approximated,
            "those that are no numbers below 2^31 are left out: Kubernetes takes no others",
        );
    }
    if processes_of(owner.run).any(|process| process.groups != *own) {
        return because(Approximated, "every container of the pod has the groups of all");
    }
    ENFORCED
}

pub(crate) fn fs_group(case: &Case<'_>) -> Verdict {
    match case.value.as_u64() {
        Some(group) if id(&group.to_string()).is_none() => {
            because(Dropped, "no number below 2^31, as Kubernetes takes it")
        }
        _ => ENFORCED,
    }
}

pub(crate) fn no_new_privileges(case: &Case<'_>) -> Verdict {
    let Some(owner) = case.owner else { return ENFORCED };
    let privileged =
        owner.process.privileged == Some(true) && case.profile.allow.contains(&Allow::Privileged);
    let gains = privileged || owner.process.capabilities.add.iter().any(|cap| is_admin(cap));
    if gains && case.value.as_bool() == Some(true) {
        because(Dropped, "Kubernetes refuses it beside `privileged` or SYS_ADMIN")
    } else {
        ENFORCED
    }
}

pub(crate) fn service_account(case: &Case<'_>) -> Verdict {
    match case.value.as_str() {
        Some(name) if is_dns_name(name) => {
            because(Approximated, "an account of that name, without the rights that production's has")
        }
        _ => because(Dropped, "Kubernetes takes no such name for an account's"),
    }
}

/// Kernel settings are the whole pod's, so that two containers cannot differ.
pub(crate) fn sysctl(case: &Case<'_>) -> Verdict {
    let name = case.last_key();
    let Some(owner) = case.owner else { return ENFORCED };
    if !is_namespaced_sysctl(name) {
        return because(Dropped, "it is the whole node's: a pod cannot have its own");
    }
    if !is_safe_sysctl(name) && case.plan.shape.is_none() {
        return because(
            Dropped,
            "nodes refuse it: their kubelets' settings, which all pods share, do not name it",
        );
    }
    let given = owner.pod.and_then(|pod| pod.sysctls.get(&name.replace('/', ".")));
    match given {
        None if owner.pod.is_some() => because(Dropped, "the network is the node's, whose settings stay"),
        Some(given) if case.value.as_str() != Some(given) => {
            because(Dropped, format!("a pod has one setting, and the main container's is {given}"))
        }
        _ => ENFORCED,
    }
}

/// A kubelet's limit, where the cluster is made for the profile.
pub(crate) fn pids(case: &Case<'_>) -> Verdict {
    let Some(shape) = &case.plan.shape else {
        return because(Dropped, "a setting of the node's kubelet, which all pods of a cluster share");
    };
    let Some(most) = shape.pids else {
        return because(
            Dropped,
            format!(
                "a kubelet has one limit for all pods: it is set where every workload has one, of {FEWEST_PIDS} or more"
            ),
        );
    };
    let alone = case.owner.is_none_or(|owner| processes_of(owner.run).count() == 1);
    match case.value.as_u64() {
        Some(wanted) if wanted != u64::from(most) => because(
            Approximated,
            format!("a kubelet has one limit for all pods, and {most} is the largest asked for"),
        ),
        _ if !alone => because(Approximated, "the containers of a pod share it"),
        _ => ENFORCED,
    }
}
