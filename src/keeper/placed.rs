//! Replicas that a keeper without the engine's socket was told of.
//!
//! It can ask them over the network, and no more: what runs inside, what restarts and what hooks is left out.

use super::{
    memory::Placed,
    seen::{ContainerSeen, Exit, PauseSeen, ReplicaSeen, Run},
};
use crate::formats::duties::{Duties, ProbeAct, ProbeDuty, Role};

/// The duties that can be kept over the network: startup and readiness, unless they run a command.
pub fn duties(placed: &Placed) -> Duties {
    let mut duties = placed.duties.clone();
    let over_network =
        |probe: Option<ProbeDuty>| probe.filter(|probe| !matches!(probe.action, ProbeAct::Exec { .. }));
    for container in &mut duties.containers {
        container.startup = over_network(container.startup.take());
        container.readiness = over_network(container.readiness.take());
        (container.liveness, container.post_start, container.pre_stop) = (None, None, None);
    }
    duties
}

/// As it should be: whether it is so the probes tell.
pub fn seen(placed: &Placed) -> ReplicaSeen {
    let id = format!("{}.{}", placed.duties.service, placed.duties.ordinal);
    let container = |role| {
        let ended = Run::Exited(Exit { code: 0, oom_killed: false, at: placed.at, finished: String::new() });
        Some(ContainerSeen {
            id: id.clone(),
            run: if role == Role::Init { ended } else { Run::Running },
            started: Some(placed.at),
            joins: id.clone(),
            spec: String::new(),
            doubled: false,
        })
    };
    let containers = placed.duties.containers.iter().map(|c| container(c.role)).collect();
    let pause =
        PauseSeen { id: id.clone(), running: true, started: placed.at, address: Some(placed.address) };
    ReplicaSeen { pause: Some(pause), containers }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        formats::{
            course::Ordered,
            duties::PodKind,
            journal::{Event, Line, ProbeKind},
        },
        keeper::{
            memory::Memory,
            replica::{Act, Outcome, Phase, Replica, Wish, rig},
        },
        name::Name,
    };

    #[test]
    fn what_can_be_asked_over_the_network_decides_whether_it_is_ready() {
        let mut main = rig::main_of(crate::formats::duties::RestartRule::Always);
        (main.readiness, main.startup) = (rig::probe(1000, 3), rig::probe(1000, 3));
        main.startup.as_mut().unwrap().action = ProbeAct::Exec { command: vec!["true".to_owned()] };
        let setup = rig::duty("setup", Role::Init, crate::formats::duties::RestartRule::Always);
        let told = Duties {
            service: Name::new("api").unwrap(),
            ordinal: 0,
            kind: PodKind::Service,
            needs: Vec::new(),
            containers: vec![setup, main],
            ports: Vec::new(),
            retries: 6,
            files: Vec::new(),
        };
        let mut memory = Memory::default();
        let event = Event::Placed { duties: told, address: [10, 0, 0, 7].into() };
        memory.apply(&Line { at: "2026-01-01T00:00:00Z".to_owned(), event });
        let placed = &memory.placed[&("api".to_owned(), 0)];
        let mut replica = Replica::new(duties(placed), &memory);
        let wish = Wish { phase: Phase::Up, ordered: Ordered::Run, needs_met: true };
        let step = replica.advance(placed.at, &seen(placed), wish);
        let [action] = &step.actions[..] else { panic!("{step:?}") };
        let Act::Probe { kind: ProbeKind::Readiness, started } = action.act else { panic!("{action:?}") };
        assert!(!replica.ready());
        let outcome =
            Outcome::Answer { kind: ProbeKind::Readiness, started, passed: true, answer: String::new() };
        replica.hear(placed.at, action.member, &action.container, outcome);
        replica.advance(placed.at, &seen(placed), wish);
        assert!(replica.ready());
    }
}
