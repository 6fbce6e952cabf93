//! One file, two programs: the command line on the host, the three helpers inside a mirror.

mod cli;

use std::process::ExitCode;

use prodmirror::{backend::tether, carry, gateway, keeper, pause};

fn main() -> ExitCode {
    let mut words = std::env::args_os().skip(1).map(|word| word.to_string_lossy().into_owned());
    // Before anything else, so that a helper starts without what only a terminal needs.
    match words.next().as_deref() {
        Some("pause") => pause::main(words),
        Some("gateway") => gateway::main(words),
        Some("keeper") => keeper::main(words),
        Some("carry") => carry::main(words),
        Some("fill") => carry::main_fill(words),
        #[cfg(feature = "kubernetes")]
        Some("forward") => prodmirror::backend::forwarder::main(),
        Some("tether") => tether::main(std::env::args_os().skip(2)),
        _ => cli::main(),
    }
}
