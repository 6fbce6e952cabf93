//! When a workload whose containers have no readiness probe is taken for well.

use std::time::Duration;

use tokio::time::Instant;

use super::judge::Verdict;

/// A container without a readiness probe is ready as soon as it runs. One that cannot work exits before this.
const HOLDS: Duration = Duration::from_secs(2);

/// Since when each of the wanted workloads has run, with nothing but that to say for it.
pub(super) struct Unproven(Vec<Option<Instant>>);

impl Unproven {
    pub fn new(wanted: usize) -> Self {
        Self(vec![None; wanted])
    }

    /// Makes [`Verdict::Done`] of what went on for long enough, each from its own beginning, and answers when all that is
    /// unproven now will have.
    pub fn prove(&mut self, verdicts: &mut [Verdict], now: Instant) -> Option<Instant> {
        let mut until = None;
        for (since, verdict) in self.0.iter_mut().zip(verdicts) {
            if *verdict != Verdict::Unproven {
                *since = None;
                continue;
            }
            let proven = *since.get_or_insert(now) + HOLDS;
            if proven <= now {
                *verdict = Verdict::Done;
            } else {
                until = until.max(Some(proven));
            }
        }
        until
    }

    /// What was not seen may have ended meanwhile.
    pub fn forget(&mut self) {
        self.0.fill(None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_runs_without_a_probe_is_well_after_a_moment_of_its_own() {
        let (start, mut unproven) = (Instant::now(), Unproven::new(2));
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut first = [Verdict::Unproven, Verdict::Blind];
        assert_eq!(unproven.prove(&mut first, at(0)), Some(at(2)));
        let mut both = [Verdict::Unproven, Verdict::Unproven];
        assert_eq!(unproven.prove(&mut both, at(3)), Some(at(5)));
        assert_eq!(both, [Verdict::Done, Verdict::Unproven]);
        let mut both = [Verdict::Unproven, Verdict::Unproven];
        assert_eq!(unproven.prove(&mut both, at(5)), None);
        assert_eq!(both, [Verdict::Done, Verdict::Done]);
    }

    #[test]
    fn one_that_ended_in_between_begins_anew() {
        let (start, mut unproven) = (Instant::now(), Unproven::new(1));
        let at = |seconds| start + Duration::from_secs(seconds);
        unproven.prove(&mut [Verdict::Unproven], at(0));
        unproven.prove(&mut [Verdict::Blind], at(1));
        assert_eq!(unproven.prove(&mut [Verdict::Unproven], at(3)), Some(at(5)));
        unproven.forget();
        assert_eq!(unproven.prove(&mut [Verdict::Unproven], at(4)), Some(at(6)));
    }
}
