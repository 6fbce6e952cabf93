use std::{io::IsTerminal, pin::Pin};

use clap::Args;
use prodmirror::backend::{self, Target};
use tokio::{
    io::AsyncRead,
    signal::unix::{SignalKind, signal},
};

use crate::cli::{failure::Failure, host::Host, naming, options::PlaceArgs, ui::Ui};

/// Run a command in a replica
///
/// Examples:
///   prodmirror exec shop api -- env
///   prodmirror exec shop api --fresh -- sh -c 'cat /etc/os-release'
#[derive(Debug, Args)]
pub struct Exec {
    /// A mirror's name, a profile's path, or `.`
    #[arg(value_name = "NAME")]
    name: String,
    #[arg(value_name = "SERVICE[/ORDINAL]")]
    part: String,
    /// Pass standard input on; the default on a terminal
    #[arg(short = 'i', long)]
    interactive: bool,
    /// With a terminal; the default where standard input and output are one
    #[arg(short = 't', long, conflicts_with = "no_tty")]
    tty: bool,
    /// Without a terminal
    #[arg(short = 'T', long)]
    no_tty: bool,
    /// An init container or sidecar instead of the main one
    #[arg(long, value_name = "NAME")]
    container: Option<String>,
    /// In a new container of the same image with the entrypoint replaced, for images that crash
    #[arg(long)]
    fresh: bool,
    #[arg(last = true, required = true, value_name = "COMMAND")]
    command: Vec<String>,
    #[command(flatten)]
    place: PlaceArgs,
}

impl Exec {
    pub async fn run(&self, _ui: &Ui) -> Result<u8, Failure> {
        let host = Host::read()?;
        let (backend, mirror) = naming::find(&host, &self.place, Some(&self.name)).await?;
        let (service, ordinal) = naming::replica(&self.part)?;
        naming::must_exist(&*backend, &mirror, &service, ordinal).await?;
        let target = Target { mirror, service, ordinal, container: self.container.clone() };
        let (typed, seen) = (std::io::stdin().is_terminal(), std::io::stdout().is_terminal());
        let tty = !self.no_tty && (self.tty || typed && seen);
        let stdin: Option<Pin<Box<dyn AsyncRead + Send>>> = match self.interactive || tty && typed {
            true => Some(Box::pin(tokio::io::stdin())),
            false => None,
        };
        let _raw = (tty && typed).then(RawTerminal::enter).flatten();
        let code = backend
            .exec(backend::Exec {
                target: &target,
                argv: &self.command,
                env: &[],
                user: None,
                tty,
                size: tty.then(size).flatten(),
                resized: tty.then(resized).flatten(),
                stdin,
                stdout: Box::pin(tokio::io::stdout()),
                stderr: Box::pin(tokio::io::stderr()),
                fresh: self.fresh,
            })
            .await
            .map_err(not_running)?;
        Ok(u8::try_from(code).unwrap_or(1))
    }
}

fn not_running(error: backend::BackendError) -> Failure {
    let failure = Failure::from(error);
    let words = &failure.message;
    match words.contains("is not running") || words.contains("container not found") {
        true => failure.hint("--fresh runs it in a new container of the same image"),
        false => failure,
    }
}

/// Columns and rows of the terminal, whichever end of ours is one.
fn size() -> Option<(u16, u16)> {
    let size = rustix::termios::tcgetwinsize(std::io::stdout());
    let size = size.or_else(|_| rustix::termios::tcgetwinsize(std::io::stdin())).ok()?;
    Some((size.ws_col, size.ws_row))
}

/// The size each time that the terminal says that it changed.
fn resized() -> Option<backend::Sizes> {
    let changes = signal(SignalKind::window_change()).ok()?;
    let sizes = futures_util::stream::unfold(changes, |mut changes| async {
        loop {
            changes.recv().await?;
            if let Some(size) = size() {
                return Some((size, changes));
            }
        }
    });
    Some(Box::pin(sizes))
}

/// The terminal without line editing, and back on drop.
struct RawTerminal(rustix::termios::Termios);

impl RawTerminal {
    fn enter() -> Option<Self> {
        let before = rustix::termios::tcgetattr(std::io::stdin()).ok()?;
        let mut raw = before.clone();
        raw.make_raw();
        rustix::termios::tcsetattr(std::io::stdin(), rustix::termios::OptionalActions::Now, &raw).ok()?;
        Some(Self(before))
    }
}

impl Drop for RawTerminal {
    fn drop(&mut self) {
        let _ = rustix::termios::tcsetattr(std::io::stdin(), rustix::termios::OptionalActions::Now, &self.0);
    }
}
