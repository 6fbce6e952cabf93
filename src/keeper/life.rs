//! One life of a container, from its start to its end: the hook, then startup, then the other two probes.

use super::{memory::Recall, probe::ProbeState, seen::Millis};
use crate::formats::{
    duties::{ContainerDuty, ProbeDuty, Role},
    journal::ProbeKind,
};

#[derive(Clone, Debug)]
pub struct Life {
    pub id: String,
    pub started: Millis,
    pub hook: HookState,
    startup: Option<ProbeState>,
    readiness: Option<ProbeState>,
    liveness: Option<ProbeState>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HookState {
    Due,
    UnderWay,
    Passed,
    Failed,
}

impl Life {
    /// What an earlier keeper found in the same life stands.
    pub fn new(id: &str, started: Millis, duty: &ContainerDuty, recall: &Recall) -> Self {
        let hooked = duty.post_start.is_none() || recall.hooked(started);
        let probe = |probe: &Option<ProbeDuty>, kind| {
            // Init containers run to their end; nobody asks them.
            let probe = probe.clone().filter(|_| duty.role != Role::Init)?;
            let hasty = kind != ProbeKind::Liveness;
            Some(ProbeState::new(probe, started, recall.verdict(kind, started), hasty))
        };
        Self {
            id: id.to_owned(),
            started,
            hook: if hooked { HookState::Passed } else { HookState::Due },
            startup: probe(&duty.startup, ProbeKind::Startup),
            readiness: probe(&duty.readiness, ProbeKind::Readiness),
            liveness: probe(&duty.liveness, ProbeKind::Liveness),
        }
    }

    pub fn is(&self, id: &str, started: Millis) -> bool {
        self.id == id && self.started == started
    }

    /// The hook passed, and the startup probe if there is one.
    pub fn begun(&self) -> bool {
        self.hook == HookState::Passed
            && self.startup.as_ref().is_none_or(|probe| probe.verdict() == Some(true))
    }

    pub fn ready(&self) -> bool {
        self.begun() && self.readiness.as_ref().is_none_or(|probe| probe.verdict() == Some(true))
    }

    /// The probes that start now.
    pub fn probe(&mut self, now: Millis) -> Vec<ProbeKind> {
        let kinds: &[ProbeKind] = match (self.hook, self.begun()) {
            (_, true) => &[ProbeKind::Readiness, ProbeKind::Liveness],
            (HookState::Passed, false) => &[ProbeKind::Startup],
            _ => &[],
        };
        let mut due = Vec::new();
        for kind in kinds {
            if let Some(probe) = self.of(*kind).filter(|probe| probe.due(now)) {
                probe.begin(now);
                due.push(*kind);
            }
        }
        due
    }

    /// The new verdict, if the answer made one.
    pub fn answer(&mut self, now: Millis, kind: ProbeKind, passed: bool, answer: String) -> Option<bool> {
        self.of(kind)?.answer(now, passed, answer)
    }

    /// The probe that keeps it from being ready, with its last answer.
    pub fn in_the_way(&self) -> Option<(ProbeKind, Option<String>)> {
        let probes = [(ProbeKind::Startup, &self.startup), (ProbeKind::Readiness, &self.readiness)];
        probes.into_iter().find_map(|(kind, probe)| {
            let probe = probe.as_ref().filter(|probe| probe.verdict() != Some(true))?;
            Some((kind, probe.last_answer.clone()))
        })
    }

    fn of(&mut self, kind: ProbeKind) -> Option<&mut ProbeState> {
        match kind {
            ProbeKind::Startup => self.startup.as_mut(),
            ProbeKind::Readiness => self.readiness.as_mut(),
            ProbeKind::Liveness => self.liveness.as_mut(),
        }
    }
}
