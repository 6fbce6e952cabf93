//! Kubernetes' crash-loop back-off: at once, then after 10 s, 20 s, 40 s … 300 s from the end of the container.

use serde::{Deserialize, Serialize};

use super::seen::Millis;

const FIRST: Millis = 10_000;
const CAP: Millis = 300_000;
/// A container that lived this long since its last restart begins anew.
const FORGIVEN: Millis = 2 * CAP;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackOff {
    /// The wait before the next restart; 0 before the first.
    wait: Millis,
    /// When the last restart was decided.
    updated: Millis,
}

impl BackOff {
    /// The wait, from the end of the container, before it is restarted.
    pub fn wait(&self, finished: Millis) -> Millis {
        if self.forgiven(finished) { 0 } else { self.wait }
    }

    /// A restart was decided at `now` for a container that ended at `finished`.
    pub fn restarted(&mut self, now: Millis, finished: Millis) {
        self.wait = match self.wait(finished) {
            0 => FIRST,
            wait => (wait * 2).min(CAP),
        };
        self.updated = now;
    }

    fn forgiven(&self, finished: Millis) -> bool {
        self.wait == 0 || finished.saturating_sub(self.updated) > FORGIVEN
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_restart_is_at_once_then_the_wait_doubles_to_five_minutes() {
        let mut back_off = BackOff::default();
        let mut now = 1_000_000;
        let mut waits = Vec::new();
        for _ in 0..8 {
            waits.push(back_off.wait(now) / 1000);
            now += back_off.wait(now);
            back_off.restarted(now, now);
        }
        assert_eq!(waits, [0, 10, 20, 40, 80, 160, 300, 300]);
    }

    #[test]
    fn ten_minutes_of_life_are_forgiveness() {
        let mut back_off = BackOff::default();
        back_off.restarted(0, 0);
        back_off.restarted(20_000, 20_000);
        assert_eq!(back_off.wait(20_000 + FORGIVEN), 20_000);
        assert_eq!(back_off.wait(20_000 + FORGIVEN + 1), 0);
        back_off.restarted(20_000 + FORGIVEN + 1, 20_000 + FORGIVEN + 1);
        assert_eq!(back_off.wait(20_000 + FORGIVEN + 2), FIRST);
    }
}
