//! How likely a change is to be the cause of another behaviour, and why.

use super::{Change, shape::within};
use crate::{
    env::likely::{self, Likelihood},
    ledger::Class,
};

/// The estimate and its reason; `None` where not even an order is known.
///
/// These are estimates, not measurements: what chooses the code that runs (flags, images, variables, the state)
/// comes before what bounds it (resources, replicas), and that before what surrounds it.
pub fn likelihood(change: &Change) -> Option<Likelihood> {
    let of = |prior, why| Some(Likelihood { prior, why });
    match change.class {
        Class::Flag => Some(likely::FLAG),
        Class::Env => {
            let text = |value: &Option<serde_json::Value>| {
                value.as_ref().and_then(|value| value.as_str().map(str::to_owned))
            };
            let (from, to) = (text(&change.from), text(&change.to));
            match within(&change.path).as_slice() {
                ["env", name] => Some(likely::variable(name, from.as_deref(), to.as_deref())),
                _ => of(0.20, "the program reads it"),
            }
        }
        Class::Secret => Some(likely::SECRET),
        Class::Image => of(0.25, "another image is other code"),
        Class::Store => of(0.20, "another store, state or setting of it"),
        Class::File => of(0.15, "the program reads it"),
        Class::Resources => of(0.15, "a bound that shows under load"),
        Class::Replicas => of(0.15, "replicas share no memory, and race"),
        Class::Process => of(0.10, "the same code, started otherwise"),
        Class::Network => of(0.10, "who reaches whom, and how fast"),
        Class::Probe => of(0.05, "when it counts as ready, or is restarted"),
        Class::Security => of(0.05, "what it may do, which fails early as a rule"),
        Class::Lifecycle => of(0.05, "how it starts and ends"),
        Class::Job | Class::Scenario | Class::Platform => None,
    }
}
