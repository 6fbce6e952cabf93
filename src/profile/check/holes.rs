//! Values that could not be read: a warning each, for `up` refuses until they are given.

use super::{Check, Problem};

pub(super) fn check(check: &mut Check<'_>) {
    for (at, reason) in &check.profile.holes {
        let message = format!("the value could not be read: {reason}");
        let hint = match (at.key_at(0), at.key_at(1), at.0.len()) {
            (Some("secrets"), Some(name), 2) => {
                format!("give it with `--secret {name}=@FILE`, or in a `--secrets-file`")
            }
            _ => format!("give it with `--set '{at}=…'` or in an overlay"),
        };
        let problem = Problem::warning("hole", at, check.root.locate(at), message);
        check.problems.push(problem.hint(format!("{hint}; `up` refuses until then")));
    }
}
