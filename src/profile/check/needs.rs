//! The order of the start: what is needed is there, and nothing waits for itself.

use std::collections::HashMap;

use super::Check;
use crate::path::Path;

pub(super) fn check(check: &mut Check<'_>) {
    let stack = check.stack;
    let known = stack.names();
    let mut edges: HashMap<&str, Vec<(&str, Path)>> = HashMap::new();
    for workload in &stack.all {
        for (index, need) in workload.run.needs.iter().enumerate() {
            let at = workload.at.key("needs").index(index);
            if stack.get(need.as_str()).is_none() {
                let message = format!("`{need}` is no service, job or store");
                check.unknown("unknown-need", &at, message, need.as_str(), &known);
                continue;
            }
            if check.profile.jobs.get(need).is_some_and(|job| job.schedule.is_some()) {
                let message = format!("`{need}` has a schedule, so it runs on demand and is never done");
                check.error("needs-scheduled-job", &at, message);
            }
            edges.entry(workload.name.as_str()).or_default().push((need.as_str(), at));
        }
    }
    cycles(check, &known, &edges);
}

/// Says each circle once, at the need that closes it.
fn cycles<'a>(check: &mut Check<'_>, names: &[&'a str], edges: &HashMap<&'a str, Vec<(&'a str, Path)>>) {
    let mut done: HashMap<&str, bool> = HashMap::new();
    for start in names {
        // Walked with a stack of our own: the depth of a chain is the profile's to choose.
        let mut trail: Vec<(&str, usize)> = Vec::new();
        if !done.contains_key(start) {
            done.insert(start, false);
            trail.push((start, 0));
        }
        while let Some((name, next)) = trail.last_mut() {
            let Some((need, at)) = edges.get(*name).and_then(|needs| needs.get(*next)) else {
                done.insert(*name, true);
                trail.pop();
                continue;
            };
            *next += 1;
            match done.get(*need) {
                Some(true) => {}
                None => {
                    done.insert(*need, false);
                    trail.push((*need, 0));
                }
                Some(false) => {
                    let from = trail.iter().position(|(name, _)| name == need).unwrap_or_default();
                    let circle: Vec<&str> =
                        trail[from..].iter().map(|(name, _)| *name).chain([*need]).collect();
                    let message = format!("these wait for one another: {}", circle.join(" → "));
                    check.error("needs-cycle", at, message);
                }
            }
        }
    }
}
