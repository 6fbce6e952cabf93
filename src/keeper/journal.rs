//! The journal on disk: whole lines appended, read on from where one was.

use std::{
    fs::{File, OpenOptions},
    io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use crate::{
    formats::{
        journal::{Event, JOURNAL_FILE, LOCK_FILE, Line},
        ready::CONTROL_DIR,
    },
    log,
};

/// Where a keeper and the programs run beside it find each other.
#[derive(Clone, Debug)]
pub struct Places {
    pub journal: PathBuf,
    pub control: PathBuf,
}

impl Default for Places {
    fn default() -> Self {
        Self { journal: crate::formats::journal::JOURNAL_DIR.into(), control: CONTROL_DIR.into() }
    }
}

/// Who holds it may change the journal; free when the file is dropped, or its holder is gone.
pub fn lock(folder: &Path) -> io::Result<File> {
    let file = OpenOptions::new().create(true).append(true).open(folder.join(LOCK_FILE))?;
    file.lock()?;
    Ok(file)
}

/// Appends events, one write for all of them. Answers the length of the journal after it, what was compacted counted in.
///
/// Several processes append: each write goes to the end whole. A line that a crash cut
/// off is closed first, so that it spoils no other.
pub fn append(folder: &Path, events: impl IntoIterator<Item = Event>) -> io::Result<u64> {
    let _lock = lock(folder)?;
    let mut file = OpenOptions::new().create(true).append(true).read(true).open(folder.join(JOURNAL_FILE))?;
    let mut text = String::new();
    if cut_off(&mut file)? {
        text.push('\n');
    }
    for event in events {
        let at = now();
        text.push_str(&serde_json::to_string(&Line { at, event })?);
        text.push('\n');
    }
    file.write_all(text.as_bytes())?;
    let length = file.stream_position()?;
    Ok(length + before(&mut file)?)
}

/// How much was written before the file's first line and is no longer there.
fn before(file: &mut File) -> io::Result<u64> {
    file.seek(SeekFrom::Start(0))?;
    let mut first = Vec::new();
    BufReader::new(file).read_until(b'\n', &mut first)?;
    Ok(match serde_json::from_slice(&first) {
        Ok(Line { event: Event::Compacted { upto, .. }, .. }) => upto.saturating_sub(first.len() as u64),
        _ => 0,
    })
}

fn cut_off(file: &mut File) -> io::Result<bool> {
    if file.metadata()?.len() == 0 {
        return Ok(false);
    }
    let mut last = [0];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut last)?;
    Ok(last != *b"\n")
}

/// Now, as the journal writes it.
pub fn now() -> String {
    format!("{:.3}", jiff::Timestamp::now())
}

/// Reads the journal from its start, and on as it grows.
#[derive(Debug)]
pub struct Reader {
    path: PathBuf,
    /// The one that it reads, held open so that no other can have its number.
    file: Option<File>,
    /// Bytes of this file that are read, up to the end of a line.
    read: u64,
    /// Bytes read, what was compacted counted in.
    pub offset: u64,
}

impl Reader {
    pub fn new(folder: &Path) -> Self {
        Self { path: folder.join(JOURNAL_FILE), file: None, read: 0, offset: 0 }
    }

    /// How much of the file there is was read.
    pub fn length(&self) -> u64 {
        self.read
    }

    /// The lines that came since the last call. A last line without its end is left for later,
    /// one that cannot be read is passed over. After the journal was compacted that is
    /// everything again, in fewer lines.
    pub fn more(&mut self) -> io::Result<Vec<Line>> {
        let mut file = match File::open(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let is = file.metadata()?;
        let same = match &self.file {
            Some(old) => old.metadata()?.ino() == is.ino(),
            None => false,
        };
        if same && is.len() <= self.read {
            return Ok(Vec::new());
        }
        if !same {
            (self.read, self.offset) = (0, before(&mut file)?);
        }
        file.seek(SeekFrom::Start(self.read))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        self.read += whole as u64;
        self.offset += whole as u64;
        self.file = Some(file);
        Ok(lines(&bytes[..whole]))
    }
}

/// The lines of a journal; one that cannot be read is passed over.
pub fn lines(bytes: &[u8]) -> Vec<Line> {
    bytes.split(|byte| *byte == b'\n').filter_map(line).collect()
}

fn line(bytes: &[u8]) -> Option<Line> {
    if bytes.is_empty() {
        return None;
    }
    serde_json::from_slice(bytes)
        .inspect_err(|error| log::warn("journal line passed over", &[("why", error)]))
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn done(run: &str) -> Event {
        Event::UpDone { run: run.to_owned() }
    }

    fn events(reader: &mut Reader) -> Vec<Event> {
        reader.more().unwrap().into_iter().map(|line| line.event).collect()
    }

    #[test]
    fn a_reader_goes_on_where_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let mut reader = Reader::new(folder.path());
        assert!(events(&mut reader).is_empty(), "there is no journal yet");
        append(folder.path(), [done("a"), done("b")]).unwrap();
        assert_eq!(events(&mut reader), [done("a"), done("b")]);
        let length = append(folder.path(), [done("c")]).unwrap();
        assert_eq!(events(&mut reader), [done("c")]);
        assert_eq!(reader.offset, length);
    }

    #[test]
    fn a_line_cut_off_by_a_crash_costs_only_itself() {
        let folder = tempfile::tempdir().unwrap();
        let mut reader = Reader::new(folder.path());
        append(folder.path(), [done("a")]).unwrap();
        let mut file = OpenOptions::new().append(true).open(folder.path().join(JOURNAL_FILE)).unwrap();
        file.write_all(br#"{"at":"2026-01-01T00:00:00Z","event":"up-do"#).unwrap();
        assert_eq!(events(&mut reader), [done("a")]);
        append(folder.path(), [done("b")]).unwrap();
        assert_eq!(events(&mut reader), [done("b")]);
    }

    #[test]
    fn a_line_that_is_still_being_written_is_read_once_it_is_whole() {
        let folder = tempfile::tempdir().unwrap();
        let mut reader = Reader::new(folder.path());
        append(folder.path(), [done("a"), done("b")]).unwrap();
        let file = folder.path().join(JOURNAL_FILE);
        let whole = std::fs::read(&file).unwrap();
        for length in 0..whole.len() {
            std::fs::write(&file, &whole[..length]).unwrap();
            let mut early = Reader::new(folder.path());
            let mut heard = events(&mut early);
            let mut file = OpenOptions::new().append(true).open(&file).unwrap();
            file.write_all(&whole[length..]).unwrap();
            heard.extend(events(&mut early));
            assert_eq!(heard, [done("a"), done("b")], "cut at {length}");
        }
        assert_eq!(events(&mut reader), [done("a"), done("b")]);
    }

    #[test]
    fn every_event_reads_back() {
        let folder = tempfile::tempdir().unwrap();
        let event = Event::Stopped { service: Some("api".to_owned()), ordinal: None };
        append(folder.path(), [event.clone()]).unwrap();
        let line = Reader::new(folder.path()).more().unwrap().remove(0);
        assert_eq!(line.event, event);
        assert!(crate::formats::course::millis(&line.at).is_some(), "{}", line.at);
    }
}
