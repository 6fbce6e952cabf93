//! What is run beside the keeper, in its container: status, notes, stop, start.
//!
//! They speak with it through the two volumes alone: a note goes into the journal,
//! and the view that the keeper shows tells how far it has read.

use std::{
    io::{self, BufRead, Read, Write},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::sleep,
    time::{Duration, Instant},
};

use super::{
    journal::{self, Places, Reader},
    lease,
    memory::Memory,
    publish::{View, read_view},
    run::KeeperError,
};
use crate::formats::journal::{Event, KeeperStatus};

const LOOK: Duration = Duration::from_millis(25);
/// Longer than any sane grace period.
const PATIENCE: Duration = Duration::from_secs(1800);

/// The journal read to its end, the lease, and the keeper's present view.
pub fn status(places: &Places) -> Result<KeeperStatus, KeeperError> {
    Asker::new(places).status()
}

/// What a journal adds up to, for those whose keeper does not run: nobody holds its lease, and nothing is seen.
pub fn recall(journal: &[u8]) -> KeeperStatus {
    let mut memory = Memory::default();
    journal::lines(journal).iter().for_each(|line| memory.apply(line));
    memory.status()
}

/// One line for each change, until `words` end.
pub fn follow(
    places: &Places,
    mut words: impl Read + Send + 'static,
    out: &mut impl Write,
) -> Result<(), KeeperError> {
    let ended = Arc::new(AtomicBool::new(false));
    let end = Arc::clone(&ended);
    std::thread::spawn(move || {
        // An error is an end as well.
        let _ = io::copy(&mut words, &mut io::sink());
        end.store(true, Ordering::Relaxed);
    });
    let mut asker = Asker::new(places);
    let mut last = None;
    loop {
        let status = asker.status()?;
        if last.as_ref() != Some(&status) {
            serde_json::to_writer(&mut *out, &status).map_err(io::Error::from)?;
            writeln!(out)?;
            out.flush()?;
            last = Some(status);
        }
        if ended.load(Ordering::Relaxed) {
            return Ok(());
        }
        sleep(LOOK);
    }
}

/// Reads on where it was.
struct Asker<'a> {
    places: &'a Places,
    journal: Reader,
    memory: Memory,
}

impl<'a> Asker<'a> {
    fn new(places: &'a Places) -> Self {
        Self { places, journal: Reader::new(&places.journal), memory: Memory::default() }
    }

    fn status(&mut self) -> Result<KeeperStatus, KeeperError> {
        for line in self.journal.more()? {
            self.memory.apply(&line);
        }
        let (leased, _) = lease::look(&self.places.journal)?;
        let replicas = read_view(&self.places.control)?.unwrap_or_default().status.replicas;
        Ok(KeeperStatus { leased, replicas, ..self.memory.status() })
    }
}

/// Writes events down, from an argument or a line of `words` each; the keeper takes them in by itself.
pub fn note(places: &Places, event: Option<&str>, words: impl BufRead) -> Result<(), KeeperError> {
    let read = |text: &str| {
        serde_json::from_str::<Event>(text)
            .map_err(|error| KeeperError::Usage(format!("`{text}` is no event: {error}")))
    };
    let mut events = Vec::new();
    match event {
        Some(text) => events.push(read(text)?),
        None => {
            for line in words.lines() {
                let line = line?;
                if !line.trim().is_empty() {
                    events.push(read(&line)?);
                }
            }
        }
    }
    journal::append(&places.journal, events)?;
    Ok(())
}

/// Which replicas are meant: all, those of a service, or one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Which {
    pub service: Option<String>,
    pub ordinal: Option<u32>,
}

impl Which {
    fn names(&self, service: &str, ordinal: u32) -> bool {
        self.service.as_deref().is_none_or(|named| named == service)
            && self.ordinal.is_none_or(|named| named == ordinal)
    }
}

/// Orders a stop and waits until nothing of it runs. The keeper goes on with it if the waiting is cut off.
pub fn stop(places: &Places, which: &Which) -> Result<(), KeeperError> {
    let event = Event::Stopped { service: which.service.clone(), ordinal: which.ordinal };
    order(places, which, event, |view, which| {
        let mut meant = view.status.replicas.iter().filter(|r| which.names(&r.service, r.ordinal));
        meant.all(|replica| replica.stopped && replica.containers.iter().all(|container| !container.running))
    })
}

/// Orders a start and waits until the keeper has begun with it; ready is another question.
pub fn start(places: &Places, which: &Which) -> Result<(), KeeperError> {
    let event = Event::Started { service: which.service.clone(), ordinal: which.ordinal };
    order(places, which, event, |view, which| {
        view.status
            .replicas
            .iter()
            .filter(|r| which.names(&r.service, r.ordinal))
            .all(|replica| !replica.stopped)
    })
}

pub fn restart(places: &Places, which: &Which) -> Result<(), KeeperError> {
    stop(places, which)?;
    start(places, which)
}

fn order(
    places: &Places,
    which: &Which,
    event: Event,
    fulfilled: impl Fn(&View, &Which) -> bool,
) -> Result<(), KeeperError> {
    let noted = journal::append(&places.journal, [event])?;
    let began = Instant::now();
    while began.elapsed() < PATIENCE {
        let view = read_view(&places.control)?.unwrap_or_default();
        if view.journal >= noted && fulfilled(&view, which) {
            return Ok(());
        }
        sleep(LOOK);
    }
    Err(KeeperError::Late(PATIENCE.as_secs()))
}
