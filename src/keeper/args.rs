//! The keeper's words: the daemon, and what is run beside it in its container.

use std::{
    io::{self, Write},
    process::ExitCode,
};

use super::{
    ask::{self, Which},
    engine::{Engine, SOCKET},
    journal::Places,
    lease::{self, LeaseError, LeaseKind},
    run::{self, KeeperArgs, KeeperError},
    sweep,
};
use crate::log;

const USAGE: &str = "usage: keeper --mirror NAME [--no-socket] | status [--follow] | note [EVENT] \
     | lease --run ID [--kind up|run|down] | stop|start|restart [--service S [--ordinal N]] | sweep --mirror NAME";

#[derive(Debug)]
enum Word {
    Keep(KeeperArgs),
    Status { follow: bool },
    Note { event: Option<String> },
    Lease { run: String, kind: LeaseKind },
    Stop(Which),
    Start(Which),
    Restart(Which),
    Sweep { mirror: String },
}

/// The program. Exit codes: 0 done, 2 wrong words, 3 the lease is held, 4 anything else.
pub fn main(words: impl Iterator<Item = String>) -> ExitCode {
    let places = Places::default();
    match parse(words).and_then(|word| obey(word, &places)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            log::error("keeper ends", &[("why", &error)]);
            ExitCode::from(match error {
                KeeperError::Usage(_) => 2,
                KeeperError::Lease(LeaseError::Held) => 3,
                _ => 4,
            })
        }
    }
}

fn obey(word: Word, places: &Places) -> Result<(), KeeperError> {
    let mut out = io::stdout().lock();
    match word {
        Word::Keep(args) => run::run(args),
        Word::Status { follow: true } => ask::follow(places, io::stdin(), &mut out),
        Word::Status { follow: false } => {
            let status = ask::status(places)?;
            serde_json::to_writer(&mut out, &status).map_err(io::Error::from)?;
            Ok(writeln!(out)?)
        }
        Word::Note { event } => ask::note(places, event.as_deref(), io::stdin().lock()),
        Word::Lease { run, kind } => {
            Ok(lease::hold(&places.journal, &run, kind, io::stdin().lock(), &mut out)?)
        }
        Word::Stop(which) => ask::stop(places, &which),
        Word::Start(which) => ask::start(places, &which),
        Word::Restart(which) => ask::restart(places, &which),
        Word::Sweep { mirror } => {
            let engine = Engine::connect(SOCKET, &mirror)?;
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(sweep::sweep(&engine, &mirror)).map_err(KeeperError::Sweep)
        }
    }
}

fn usage(word: &str) -> KeeperError {
    KeeperError::Usage(format!("`{word}`: {USAGE}"))
}

fn parse(mut words: impl Iterator<Item = String>) -> Result<Word, KeeperError> {
    let Some(first) = words.next() else { return Err(usage("keeper")) };
    if first.starts_with('-') {
        return keep(std::iter::once(first).chain(words));
    }
    match first.as_str() {
        "status" => match words.next().as_deref() {
            None => Ok(Word::Status { follow: false }),
            Some("--follow") => Ok(Word::Status { follow: true }),
            Some(other) => Err(usage(other)),
        },
        "note" => Ok(Word::Note { event: words.next() }),
        "lease" => hold(words),
        "stop" => which(words).map(Word::Stop),
        "start" => which(words).map(Word::Start),
        "restart" => which(words).map(Word::Restart),
        "sweep" => match (words.next().as_deref(), words.next()) {
            (Some("--mirror"), Some(mirror)) => Ok(Word::Sweep { mirror }),
            _ => Err(usage("sweep")),
        },
        other => Err(usage(other)),
    }
}

fn keep(mut words: impl Iterator<Item = String>) -> Result<Word, KeeperError> {
    let mut mirror = None;
    // A keeper that was given none has none.
    let mut socket = std::path::Path::new(SOCKET).exists();
    while let Some(word) = words.next() {
        match word.as_str() {
            "--mirror" => mirror = words.next(),
            "--no-socket" => socket = false,
            other => return Err(usage(other)),
        }
    }
    let mirror = mirror.ok_or_else(|| usage("keeper"))?;
    Ok(Word::Keep(KeeperArgs { mirror, socket, places: Places::default() }))
}

fn hold(mut words: impl Iterator<Item = String>) -> Result<Word, KeeperError> {
    let (mut run, mut kind) = (None, LeaseKind::Up);
    while let Some(word) = words.next() {
        match (word.as_str(), words.next()) {
            ("--run", Some(id)) => run = Some(id),
            ("--kind", Some(word)) => {
                kind = match word.as_str() {
                    "up" => LeaseKind::Up,
                    "run" => LeaseKind::Run,
                    "down" => LeaseKind::Down,
                    other => return Err(usage(other)),
                }
            }
            (other, _) => return Err(usage(other)),
        }
    }
    Ok(Word::Lease { run: run.ok_or_else(|| usage("lease"))?, kind })
}

fn which(mut words: impl Iterator<Item = String>) -> Result<Which, KeeperError> {
    let mut which = Which::default();
    while let Some(word) = words.next() {
        match (word.as_str(), words.next()) {
            ("--service", Some(service)) => which.service = Some(service),
            ("--ordinal", Some(ordinal)) => {
                which.ordinal = Some(ordinal.parse().map_err(|_| usage(&ordinal))?)
            }
            (other, _) => return Err(usage(other)),
        }
    }
    Ok(which)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Word, KeeperError> {
        parse(text.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn wrong_words_are_named() {
        for (text, named) in [
            ("", "`keeper`"),
            ("--mirror", "`keeper`"),
            ("--mirror shop --fast", "`--fast`"),
            ("dance", "`dance`"),
            ("lease --kind up", "`lease`"),
            ("lease --run r --kind sideways", "`sideways`"),
            ("stop --ordinal two", "`two`"),
            ("stop --service", "`--service`"),
        ] {
            let error = read(text).unwrap_err().to_string();
            assert!(error.starts_with(named), "{text}: {error}");
        }
    }

    #[test]
    fn right_words_are_read() {
        assert!(
            matches!(read("--mirror shop --no-socket"), Ok(Word::Keep(args)) if args.mirror == "shop" && !args.socket)
        );
        assert!(matches!(read("lease --run r --kind run"), Ok(Word::Lease { kind: LeaseKind::Run, .. })));
        let which = Which { service: Some("api".to_owned()), ordinal: Some(2) };
        assert!(matches!(read("stop --service api --ordinal 2"), Ok(Word::Stop(read)) if read == which));
        assert!(matches!(read("status --follow"), Ok(Word::Status { follow: true })));
    }
}
