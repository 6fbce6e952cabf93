//! A seed's bytes on their way: read and unpacked on a blocking thread, hashed and counted as they lie on disk, and
//! handed on through a bounded channel.

use std::{
    fs::File,
    io::{self, BufReader, Read, Write},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use bytes::{Bytes, BytesMut};
use sha2::{Digest as _, Sha256};
use tokio::{sync::mpsc, task::JoinHandle};
use tokio_util::io::StreamReader;

use super::{
    Count, Part, Source,
    detect::{Packing, unpack},
};
use crate::{digest::hex, engine::Reader};

const CHUNK: usize = 128 * 1024;
/// At most this many chunks wait for a slow engine.
const AHEAD: usize = 8;

/// Tells the reading threads that nobody wants the rest.
#[derive(Clone, Default)]
pub(super) struct Stop(Arc<AtomicBool>);

impl Stop {
    pub fn now(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// The content of a source, and the thread that reads it: its end are the SHA-256 of the parts.
pub(super) fn open(
    source: &Source,
    count: Arc<Count>,
    stop: Stop,
) -> (Reader, JoinHandle<io::Result<Vec<String>>>) {
    let (sender, receiver) = mpsc::channel::<io::Result<Bytes>>(AHEAD);
    let (parts, packing) = (source.parts.clone(), source.kind.packing);
    let reading = tokio::task::spawn_blocking(move || {
        let mut out = Chunks { sender: sender.clone(), chunk: BytesMut::with_capacity(CHUNK), wanted: true };
        let read = match packing {
            Packing::Folder => folder(&parts, &mut out, &count, &stop),
            _ => parts.iter().map(|part| file(part, packing, &mut out, &count, &stop)).collect(),
        };
        out.flush()?;
        if let Err(error) = &read {
            let told = io::Error::new(error.kind(), error.to_string());
            // An engine that went away has an answer of its own.
            let _ = sender.blocking_send(Err(told));
        }
        read
    });
    let stream = futures_util::stream::unfold(receiver, |mut receiver| async {
        receiver.recv().await.map(|chunk| (chunk, receiver))
    });
    (Box::pin(StreamReader::new(Box::pin(stream))), reading)
}

/// Streams one file unpacked; answers the SHA-256 of the file as it lies on disk.
fn file(part: &Part, packing: Packing, out: &mut Chunks, count: &Count, stop: &Stop) -> io::Result<String> {
    let mut disk = Disk::open(part, count, stop)?;
    io::copy(&mut unpack(BufReader::with_capacity(CHUNK, &mut disk), packing)?, out)?;
    disk.finish(part)
}

/// Streams a folder's files as a tar.
fn folder(parts: &[Part], out: &mut Chunks, count: &Count, stop: &Stop) -> io::Result<Vec<String>> {
    let mut tar = tar::Builder::new(out);
    let mut sums = Vec::new();
    for part in parts {
        let name = part.name.rsplit('/').next().unwrap_or(&part.name);
        let mut header = tar::Header::new_ustar();
        header.set_size(part.size);
        header.set_mode(0o644);
        let mut disk = Disk::open(part, count, stop)?;
        tar.append_data(&mut header, name, (&mut disk).take(part.size))?;
        sums.push(disk.finish(part)?);
    }
    tar.finish()?;
    Ok(sums)
}

/// A file on disk whose bytes are hashed and counted on the way.
struct Disk<'a> {
    file: File,
    hash: Sha256,
    read: u64,
    count: &'a Count,
    stop: &'a Stop,
}

impl<'a> Disk<'a> {
    fn open(part: &Part, count: &'a Count, stop: &'a Stop) -> io::Result<Self> {
        Ok(Self { file: File::open(&part.path)?, hash: Sha256::new(), read: 0, count, stop })
    }

    /// Reads what is left, so that the hash is that of the whole file, and checks that it is the file that was opened.
    fn finish(mut self, part: &Part) -> io::Result<String> {
        io::copy(&mut self, &mut io::sink())?;
        if self.read != part.size {
            return Err(io::Error::other(format!("{} changed while it was read", part.name)));
        }
        Ok(hex(&self.hash.finalize()))
    }
}

impl Read for Disk<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.stop.0.load(Ordering::Relaxed) {
            return Err(io::Error::other("the seed is no longer wanted"));
        }
        let read = self.file.read(buf)?;
        self.hash.update(&buf[..read]);
        self.read += read as u64;
        self.count.add(read);
        Ok(read)
    }
}

/// Hands on what is written in chunks, and swallows it once nobody listens.
struct Chunks {
    sender: mpsc::Sender<io::Result<Bytes>>,
    chunk: BytesMut,
    wanted: bool,
}

impl Write for Chunks {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.chunk.extend_from_slice(bytes);
        if self.chunk.len() >= CHUNK {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let chunk = self.chunk.split().freeze();
        if !chunk.is_empty() && self.wanted {
            self.wanted = self.sender.blocking_send(Ok(chunk)).is_ok();
        }
        Ok(())
    }
}
