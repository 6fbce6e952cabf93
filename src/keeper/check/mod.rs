//! Asking: one probe or hook, carried out once, with its answer in a few words.

pub mod exec;
mod grpc;
mod http;
mod tls;

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use http::Target;
use tokio::net::TcpStream;

use super::engine::Engine;
use crate::formats::duties::{HookDuty, ProbeAct, ProbeDuty};

/// Whether it passed, and the answer.
pub type Answer = (bool, String);

/// Answers are for people: enough to see what is wrong.
const CLIP: usize = 256;

/// Whom to ask.
pub struct Subject<'a> {
    /// The replica's own address; `None` while it has none.
    pub address: Option<IpAddr>,
    /// For what runs inside: the engine and the container's id.
    pub inside: Option<(&'a Engine, &'a str)>,
}

pub async fn probe(subject: Subject<'_>, duty: &ProbeDuty) -> Answer {
    let limit = Duration::from_millis(duty.timeout_millis.max(1));
    let asked = async {
        match &duty.action {
            ProbeAct::Exec { command } => run_inside(subject.inside, command).await,
            ProbeAct::Http { https, port, path, headers } => {
                let at = at(&subject, *port)?;
                http::get(Target { https: *https, at, path: path.clone() }, headers).await
            }
            ProbeAct::Tcp { port } => tcp(at(&subject, *port)?).await,
            ProbeAct::Grpc { port, service } => {
                grpc::check(at(&subject, *port)?, service.as_deref().unwrap_or_default()).await
            }
        }
    };
    within(limit, asked).await
}

/// A hook is a probe without thresholds.
pub async fn hook(subject: Subject<'_>, duty: &HookDuty, limit: Duration) -> Answer {
    let done = async {
        match duty {
            HookDuty::Exec { command } => run_inside(subject.inside, command).await,
            HookDuty::Http { port, path } => {
                let at = at(&subject, *port)?;
                http::get(Target { https: false, at, path: path.clone() }, &[]).await
            }

            HookDuty::Sleep { millis } => {
                tokio::time::sleep(Duration::from_millis(*millis)).await;
                Ok(format!("slept {millis} ms"))
            }
        }
    };
    within(limit, done).await
}

async fn within(limit: Duration, asked: impl Future<Output = Result<String, String>>) -> Answer {
    match tokio::time::timeout(limit, asked).await {
        Ok(Ok(answer)) => (true, clip(&answer)),
        Ok(Err(answer)) => (false, clip(&answer)),
        Err(_) => (false, format!("no answer within {} ms", limit.as_millis())),
    }
}

async fn run_inside(inside: Option<(&Engine, &str)>, command: &[String]) -> Result<String, String> {
    match inside {
        Some((engine, container)) => exec::run(engine, container, command).await,
        None => Err("without the engine's socket nothing can be run inside".to_owned()),
    }
}

fn at(subject: &Subject<'_>, port: u16) -> Result<SocketAddr, String> {
    let address = subject.address.ok_or("the replica has no address")?;
    Ok(SocketAddr::new(address, port))
}

async fn tcp(at: SocketAddr) -> Result<String, String> {
    connect(at).await.map(|_| format!("{at} accepts"))
}

async fn connect(at: SocketAddr) -> Result<TcpStream, String> {
    TcpStream::connect(at).await.map_err(|error| format!("cannot connect to {at}: {error}"))
}

/// One line, cut at a boundary of characters.
fn clip(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(CLIP) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

#[cfg(test)]
mod tests;
