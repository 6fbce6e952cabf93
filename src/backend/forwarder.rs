//! `prodmirror forward`: keeps the ports of one mirror on a cluster open on this host, as its standard input says.
//!
//! Started by whoever asks for a mirror's addresses, and for nobody to type.

use std::{
    io::{Read as _, Write as _},
    process::ExitCode,
};

use super::kubernetes::doors::{Answer, Order, keep};

/// The program.
pub fn main() -> ExitCode {
    // Out of the terminal of whoever started it, whose end it shall not see.
    let _ = rustix::process::setsid();
    let mut order = Vec::new();
    let read = std::io::stdin().read_to_end(&mut order);
    let order: Order = match read.map_err(|error| error.to_string()).and_then(|_| {
        serde_json::from_slice(&order)
            .map_err(|_| "it is started by prodmirror itself, not by hand".to_owned())
    }) {
        Ok(order) => order,
        Err(why) => {
            tell(&Answer::Failed(why));
            return ExitCode::from(2);
        }
    };
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else {
        return ExitCode::FAILURE;
    };
    runtime.block_on(keep(order, tell));
    ExitCode::SUCCESS
}

/// Whoever asked may be gone by now.
fn tell(answer: &Answer) {
    let mut out = std::io::stdout();
    let _ = serde_json::to_writer(&mut out, answer);
    let _ = out.write_all(b"\n");
    let _ = out.flush();
}
