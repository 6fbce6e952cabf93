//! Grades of a container's life: probes, hooks, restarts and its end.

use super::{Approximated, Case, Dropped, ENFORCED, Emulated, Verdict, because, facts, is_init, is_job};
use crate::{
    plan::kubernetes::{grace_seconds, sleep_seconds, whole_seconds},
    profile::{Duration, Restart},
};

pub(crate) fn probe(case: &Case<'_>) -> Verdict {
    if is_init(case) { because(Dropped, "an init container has no probes and no hooks") } else { ENFORCED }
}

fn span(case: &Case<'_>) -> Option<Duration> {
    case.value.as_str()?.parse().ok()
}

/// Kubernetes counts whole seconds.
pub(crate) fn probe_time(case: &Case<'_>) -> Verdict {
    let least = if case.last_key() == "initial_delay" { 0 } else { 1 };
    match span(case) {
        Some(span) if !is_init(case) => {
            let given = whole_seconds(span).max(least);
            if given * 1000 == span.millis {
                ENFORCED
            } else {
                because(Approximated, format!("raised to {given}s: Kubernetes counts whole seconds"))
            }
        }
        _ => probe(case),
    }
}

pub(crate) fn threshold(case: &Case<'_>) -> Verdict {
    let is_success = case.last_key() == "success_threshold";
    let probes = case.path.0.len().checked_sub(2).and_then(|at| case.path.key_at(at));
    match case.value.as_u64() {
        Some(0) => because(Approximated, "raised to 1, the least"),
        Some(2..) if is_success && probes != Some("readiness") => {
            because(Approximated, "Kubernetes takes 1 alone for a startup or liveness probe")
        }
        _ => probe(case),
    }
}

pub(crate) fn hook(case: &Case<'_>) -> Verdict {
    let Some(owner) = case.owner.filter(|_| !is_init(case)) else { return probe(case) };
    if case.last_key() != "sleep" {
        return ENFORCED;
    }
    let Some(span) = span(case) else { return ENFORCED };
    match sleep_seconds(span, grace_seconds(owner.run)) {
        Some(given) if given * 1000 == span.millis => ENFORCED,
        Some(given) => because(
            Approximated,
            format!("{given}s: Kubernetes counts whole seconds, up to the time to stop"),
        ),
        None if span.millis == 0 => because(Emulated, "there is no hook: it would wait for nothing"),
        None => because(Dropped, "there is no time to stop in which it could wait"),
    }
}

pub(crate) fn restart(case: &Case<'_>) -> Verdict {
    match (is_job(case), case.owner.and_then(|owner| owner.run.restart)) {
        (true, Some(Restart::Always)) => because(Dropped, "a job's containers are never restarted always"),
        (false, Some(Restart::OnFailure)) => because(
            Approximated,
            "what ended well is started again, too: Kubernetes restarts services always",
        ),
        (false, Some(Restart::Never)) => {
            because(Dropped, "what ended is started again: Kubernetes restarts services always")
        }
        _ => ENFORCED,
    }
}

/// The signal is the image's, whatever a pod says.
pub(crate) fn stop_signal(case: &Case<'_>) -> Verdict {
    let bare = |signal: &str| signal.trim_start_matches("SIG").to_owned();
    let wanted = bare(case.value.as_str().unwrap_or_default());
    let Some(facts) = facts(case) else {
        return because(Dropped, "a pod is sent its image's own signal, and the image was not looked at");
    };
    let own = facts.stop_signal.as_deref().unwrap_or("SIGTERM");
    if bare(own) == wanted {
        ENFORCED
    } else {
        because(Dropped, format!("a pod is sent its image's own signal, {own}"))
    }
}

pub(crate) fn grace(case: &Case<'_>) -> Verdict {
    let Some(owner) = case.owner else { return ENFORCED };
    let given = grace_seconds(owner.run);
    match owner.run.stop_grace_period {
        Some(wanted) if wanted.millis != given * 1000 => {
            because(Approximated, format!("raised to {given}s: Kubernetes counts whole seconds"))
        }
        _ => ENFORCED,
    }
}
