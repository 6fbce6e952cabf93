//! `prodmirror pause try ADDRESS`: whether anything outside can be reached from this network.

use std::{
    io::{self, Write as _},
    net::{SocketAddr, TcpStream},
    process::ExitCode,
    time::Duration,
};

use serde::{Deserialize, Serialize};

/// Longer than a local network takes to answer, shorter than a person notices.
const PATIENCE: Duration = Duration::from_millis(300);

/// What a try came to; printed as JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// Nothing answered.
    pub refused: bool,
    /// The kernel's words, or `connected`.
    pub answer: String,
}

/// The program: exit code 0 when there is an answer to tell, 2 when the argument is no address.
pub fn main(mut words: impl Iterator<Item = String>) -> ExitCode {
    let Some(address) = words.next().and_then(|word| word.parse().ok()) else { return ExitCode::from(2) };
    let told =
        serde_json::to_string(&attempt(address)).is_ok_and(|text| writeln!(io::stdout(), "{text}").is_ok());
    if told { ExitCode::SUCCESS } else { ExitCode::from(4) }
}

/// Opens one TCP connection and closes it at once.
pub fn attempt(address: SocketAddr) -> Attempt {
    match TcpStream::connect_timeout(&address, PATIENCE) {
        Ok(_) => Attempt { refused: false, answer: "connected".to_owned() },
        Err(error) => Attempt { refused: true, answer: error.to_string() },
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn only_what_answers_is_reached() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        assert!(!attempt(address).refused);
        drop(listener);
        let refused = attempt(address);
        assert!(refused.refused && refused.answer.contains("refused"), "{refused:?}");
    }
}
