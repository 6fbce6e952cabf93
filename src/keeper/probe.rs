//! One probe of one container's life: when it is due, and what its answers add up to.

use super::seen::Millis;
use crate::formats::duties::{ProbeAct, ProbeDuty};

/// The bounds of the pace at which a probe that never passed is tried again.
const EAGER: (Millis, Millis) = (100, 1000);
/// A process in a container costs more than a connection.
const EAGER_EXEC: (Millis, Millis) = (250, 1000);

#[derive(Clone, Debug, PartialEq)]
pub struct ProbeState {
    duty: ProbeDuty,
    /// When the container began.
    started: Millis,
    /// When the next probe in the profile's rhythm is due.
    next: Millis,
    /// Tried out of rhythm until it first passes, so that `ready` is known soon; see [`Self::begin`].
    eager: Option<Millis>,
    under_way: Option<Tact>,
    verdict: Option<bool>,
    /// The last counted answer and how often it came in a row.
    row: (bool, u32),
    pub last_answer: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tact {
    Rhythm,
    Eager,
}

impl ProbeState {
    /// `verdict` is what an earlier keeper found in the same life. `hasty`: try out of rhythm until it passes.
    pub fn new(duty: ProbeDuty, started: Millis, verdict: Option<bool>, hasty: bool) -> Self {
        let next = started + duty.initial_delay_millis;
        let eager = hasty && verdict != Some(true) && duty.success_threshold <= 1;
        let row = (verdict.unwrap_or(false), 0);
        Self {
            duty,
            started,
            next,
            eager: eager.then_some(next),
            under_way: None,
            verdict,
            row,
            last_answer: None,
        }
    }

    pub fn verdict(&self) -> Option<bool> {
        self.verdict
    }

    pub fn due(&self, now: Millis) -> bool {
        self.under_way.is_none() && (now >= self.next || self.eager.is_some_and(|eager| now >= eager))
    }

    /// A probe starts now.
    ///
    /// In rhythm it counts in every way. Out of rhythm only a success counts: failures
    /// add up exactly as the profile's numbers say, whatever was tried in between.
    pub fn begin(&mut self, now: Millis) {
        if now >= self.next {
            self.under_way = Some(Tact::Rhythm);
            self.next = now + self.duty.period_millis.max(1);
        } else {
            self.under_way = Some(Tact::Eager);
        }
    }

    /// Its answer; the new verdict if it is another one.
    pub fn answer(&mut self, now: Millis, passed: bool, answer: String) -> Option<bool> {
        let tact = self.under_way.take();
        self.last_answer = Some(answer);
        if passed {
            self.eager = None;
        } else if let Some(eager) = &mut self.eager {
            // A tenth of the time it took so far: late by a tenth at most.
            let (least, most) =
                if matches!(self.duty.action, ProbeAct::Exec { .. }) { EAGER_EXEC } else { EAGER };
            *eager = now + (now.saturating_sub(self.started) / 10).clamp(least, most);
            if tact == Some(Tact::Eager) {
                return None;
            }
        }
        self.row = if self.row.0 == passed { (passed, self.row.1 + 1) } else { (passed, 1) };
        let needed = if passed { self.duty.success_threshold } else { self.duty.failure_threshold };
        let reached = self.row.1 >= needed.max(1) && self.verdict != Some(passed);
        reached.then(|| {
            self.verdict = Some(passed);
            passed
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn duty(delay: u64, period: u64, success: u32, failure: u32) -> ProbeDuty {
        ProbeDuty {
            action: ProbeAct::Tcp { port: 1 },
            initial_delay_millis: delay,
            period_millis: period,
            timeout_millis: 1000,
            success_threshold: success,
            failure_threshold: failure,
        }
    }

    /// Lets a probe run in rhythm with these answers (`+` and `-`) and writes down the verdicts.
    fn verdicts(mut probe: ProbeState, answers: &str) -> String {
        let mut now = 0;
        let mut text = String::new();
        for answer in answers.chars() {
            while !probe.due(now) {
                now += 10;
            }
            probe.begin(now);
            text.push(match probe.answer(now, answer == '+', String::new()) {
                None => '.',
                Some(true) => 'P',
                Some(false) => 'F',
            });
        }
        text
    }

    #[test]
    fn thresholds_count_answers_in_a_row() {
        for (success, failure, answers, wanted) in [
            (1, 3, "+---+", "P..FP"),
            (1, 3, "--+--+", "..P..."),
            (1, 1, "-+-+", "FPFP"),
            (3, 2, "++-+++--", ".....P.F"),
            (1, 3, "------", "..F..."),
        ] {
            let probe = ProbeState::new(duty(0, 1000, success, failure), 0, None, false);
            assert_eq!(verdicts(probe, answers), wanted, "success {success}, failure {failure}, {answers}");
        }
    }

    #[test]
    fn the_delay_counts_from_the_start_of_the_container_and_the_period_from_probe_to_probe() {
        let mut probe = ProbeState::new(duty(5000, 2000, 1, 3), 1000, None, false);
        assert!(!probe.due(5999));
        assert!(probe.due(6000));
        probe.begin(6000);
        assert!(!probe.due(60_000), "one at a time");
        probe.answer(6100, true, String::new());
        assert!(!probe.due(7999));
        assert!(probe.due(8000));
    }

    #[test]
    fn a_hasty_probe_passes_early_but_fails_in_rhythm_only() {
        let mut probe = ProbeState::new(duty(0, 10_000, 1, 2), 0, None, true);
        let mut failed_at = None;
        let mut tries = 0;
        for now in (0..30_000).step_by(50) {
            if probe.due(now) {
                probe.begin(now);
                tries += 1;
                if probe.answer(now, false, String::new()) == Some(false) {
                    failed_at = Some(now);
                    break;
                }
            }
        }
        assert_eq!(failed_at, Some(10_000), "the second failure in rhythm");
        assert!(tries > 10, "{tries} tries");

        let mut probe = ProbeState::new(duty(0, 10_000, 1, 2), 0, None, true);
        probe.begin(0);
        assert_eq!(probe.answer(0, false, String::new()), None);
        assert!(probe.due(100));
        probe.begin(100);
        assert_eq!(probe.answer(100, true, String::new()), Some(true));
        assert!(!probe.due(9999), "once it passed there is only the rhythm");
        assert!(probe.due(10_000));
    }

    #[test]
    fn a_verdict_of_an_earlier_keeper_stands_until_the_thresholds_overturn_it() {
        let probe = ProbeState::new(duty(0, 1000, 1, 3), 0, Some(true), true);
        assert_eq!(probe.verdict(), Some(true));
        assert_eq!(verdicts(probe, "+---+"), "...FP");
    }
}
