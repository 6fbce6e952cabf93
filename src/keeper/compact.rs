//! The journal made short again: what it adds up to, in one line in its place.
//!
//! The new file is written beside and renamed over the old one, so that a keeper that dies at any moment leaves the
//! one or the other whole. Nobody appends meanwhile: appending and compacting hold the same lock.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::Path,
};

use super::{
    journal::{self, Reader},
    memory::Memory,
};
use crate::formats::journal::{Event, JOURNAL_FILE, Line};

/// A journal shorter than this is left as it is.
const BOUND: u64 = 256 * 1024;
/// Beside the journal while it is written; one that a crash left is overwritten by the next.
const BESIDE: &str = "journal.new";

/// Whether it is time: it is long, and long beside what it would come to.
pub fn is_due(length: u64, memory: &Memory) -> bool {
    length > BOUND && serde_json::to_vec(memory).is_ok_and(|line| length > 4 * line.len() as u64)
}

/// Puts one line in the place of all that `reader` has read, and reads it. `memory` is what they add up to.
pub fn compact(folder: &Path, reader: &mut Reader, memory: &mut Memory) -> io::Result<()> {
    let _lock = journal::lock(folder)?;
    read(reader, memory)?;
    write(folder, reader.offset, memory)?;
    fs::rename(folder.join(BESIDE), folder.join(JOURNAL_FILE))?;
    File::open(folder)?.sync_all()?;
    read(reader, memory)
}

fn read(reader: &mut Reader, memory: &mut Memory) -> io::Result<()> {
    reader.more()?.iter().for_each(|line| memory.apply(line));
    Ok(())
}

fn write(folder: &Path, upto: u64, memory: &Memory) -> io::Result<()> {
    let event = Event::Compacted { upto, memory: serde_json::to_value(memory)? };
    let mut text = serde_json::to_vec(&Line { at: journal::now(), event })?;
    text.push(b'\n');
    let mut file = File::create(folder.join(BESIDE))?;
    file.write_all(&text)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::formats::{duties::Role, journal::ProbeKind};

    /// A bit of everything that is remembered.
    fn life(times: u32) -> Vec<Event> {
        let (service, container) = ("api".to_owned(), "main".to_owned());
        let one = |count: u32| {
            let (service, container) = (service.clone(), container.clone());
            vec![
                Event::ContainerExited {
                    service: service.clone(),
                    ordinal: 0,
                    container: container.clone(),
                    role: Role::Main,
                    code: 3,
                    oom_killed: false,
                    id: format!("c{count}"),
                    finished: "2026-01-01T00:00:00Z".to_owned(),
                },
                Event::JobFinished { job: service.clone(), spec: "s".to_owned(), code: 3 },
                Event::ContainerRestarted {
                    service: service.clone(),
                    ordinal: 0,
                    container: container.clone(),
                    role: Role::Main,
                    count,
                    wait_millis: 0,
                    why: String::new(),
                },
                Event::Probe {
                    service: service.clone(),
                    ordinal: 0,
                    container,
                    probe: ProbeKind::Readiness,
                    passed: true,
                    answer: "x".repeat(100),
                },
                Event::Stopped { service: Some(service.clone()), ordinal: None },
                Event::Started { service: None, ordinal: None },
                Event::Ready { service, ordinal: 0, ready: true },
            ]
        };
        let up = Event::UpDone { run: "r".to_owned() };
        std::iter::once(up).chain((1..=times).flat_map(one)).collect()
    }

    fn replayed(folder: &Path) -> (Memory, u64) {
        let (mut reader, mut memory) = (Reader::new(folder), Memory::default());
        read(&mut reader, &mut memory).unwrap();
        (memory, reader.offset)
    }

    fn length(folder: &Path) -> u64 {
        fs::metadata(folder.join(JOURNAL_FILE)).unwrap().len()
    }

    #[test]
    fn what_is_remembered_and_where_one_stands_outlive_it() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let written = journal::append(folder, life(500)).unwrap();
        let (before, offset) = replayed(folder);
        assert_eq!(offset, written);
        assert!(is_due(length(folder), &before));
        // One reads along all the while, one has read half of it.
        let (mut reader, mut memory) = (Reader::new(folder), Memory::default());
        let mut other = Reader::new(folder);
        let mut others = Memory::default();
        compact(folder, &mut reader, &mut memory).unwrap();
        assert_eq!(memory, before);
        assert!(length(folder) < 4096 && !is_due(length(folder), &memory), "{}", length(folder));
        assert_eq!(replayed(folder), (before.clone(), written), "positions go on where they were");

        read(&mut other, &mut others).unwrap();
        let noted = journal::append(folder, [Event::Expired]).unwrap();
        assert!(noted > written);
        for (reader, memory) in [(&mut reader, &mut memory), (&mut other, &mut others)] {
            read(reader, memory).unwrap();
            assert_eq!(reader.offset, noted);
            assert!(memory.condemned);
        }
        assert_eq!(memory, others);
        compact(folder, &mut reader, &mut memory).unwrap();
        read(&mut other, &mut others).unwrap();
        assert_eq!(
            (&others, other.offset),
            (&memory, noted),
            "a reader is told of a file in its file's place"
        );
        assert_eq!(replayed(folder), (memory, noted));
    }

    #[test]
    fn a_keeper_that_dies_between_the_steps_leaves_the_old_or_the_new_whole() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let written = journal::append(folder, life(20)).unwrap();
        let before = replayed(folder);
        // Before the rename: whole or in part, what lies beside is nobody's.
        write(folder, before.1, &before.0).unwrap();
        assert_eq!(replayed(folder), before);
        fs::write(folder.join(BESIDE), b"{\"at\":").unwrap();
        assert_eq!(replayed(folder), before);
        // The next one goes through, and after the rename all is done.
        let (mut reader, mut memory) = (Reader::new(folder), Memory::default());
        compact(folder, &mut reader, &mut memory).unwrap();
        assert_eq!(replayed(folder), before);
        assert!(!folder.join(BESIDE).exists());
        assert!(journal::append(folder, [Event::Expired]).unwrap() > written);
    }

    #[test]
    fn nobody_appends_to_the_file_that_goes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().to_owned();
        let writer = std::thread::spawn(move || {
            for count in 0..400 {
                journal::append(&path, [Event::UpDone { run: format!("r{count}") }, Event::Expired]).unwrap();
                let seed = Event::StoreReset { store: format!("s{count}"), millis: 1 };
                journal::append(
                    &path,
                    [seed, Event::JobFinished { job: format!("j{count}"), spec: String::new(), code: 0 }],
                )
                .unwrap();
            }
        });
        let (mut reader, mut memory) = (Reader::new(folder.path()), Memory::default());
        while !writer.is_finished() {
            compact(folder.path(), &mut reader, &mut memory).unwrap();
        }
        writer.join().unwrap();
        let (memory, _) = replayed(folder.path());
        assert_eq!(memory.jobs.len(), 400, "an event was lost");
    }
}
