//! Streams that hash what goes through them, and that know how they are compressed by their first bytes.

use std::io::{self, BufRead, BufReader, Read};

use sha2::{Digest as _, Sha256};

use crate::digest::hex;

const GZIP: [u8; 2] = [0x1f, 0x8b];
const ZSTD: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
const BUFFER: usize = 128 << 10;
/// The largest window of a zstd frame that is taken: what `zstd -d` takes without being asked.
const WINDOW_LOG: u32 = 27;

/// A reader whose bytes are hashed as they go by.
pub(super) struct Hashing<R> {
    inner: R,
    hash: Sha256,
}

impl<R: Read> Hashing<R> {
    pub fn new(inner: R) -> Self {
        Self { inner, hash: Sha256::new() }
    }

    /// `sha256:…` of all that was read.
    pub fn digest(self) -> String {
        format!("sha256:{}", hex(&self.hash.finalize()))
    }
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.hash.update(&buffer[..count]);
        Ok(count)
    }
}

/// What the first bytes of a stream say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A tar, or what is compressed.
    Layer,
    Document,
    Empty,
    Other,
}

/// The stream uncompressed, behind a buffer.
pub(super) fn uncompressed<'a>(stream: impl Read + 'a) -> io::Result<BufReader<Box<dyn Read + 'a>>> {
    let mut stream = BufReader::with_capacity(BUFFER, stream);
    let first = stream.fill_buf()?;
    let plain: Box<dyn Read + 'a> = if first.starts_with(&GZIP) {
        Box::new(flate2::bufread::MultiGzDecoder::new(stream))
    } else if first.starts_with(&ZSTD) {
        let mut decoder = zstd::stream::read::Decoder::with_buffer(stream)?;
        decoder.window_log_max(WINDOW_LOG)?;
        Box::new(decoder)
    } else {
        Box::new(stream)
    };
    Ok(BufReader::with_capacity(BUFFER, plain))
}

const BLOCK: usize = 512;

/// Looks at the first block; the reader gives it back with the rest.
pub(super) fn kind<R: Read>(mut stream: R) -> io::Result<(Kind, impl Read)> {
    let mut first = Vec::with_capacity(BLOCK);
    stream.by_ref().take(BLOCK as u64).read_to_end(&mut first)?;
    let is_packed = first.starts_with(&GZIP) || first.starts_with(&ZSTD);
    let is_tar = first.len() == BLOCK && (is_header(&first) || first.iter().all(|byte| *byte == 0));
    let kind = if first.is_empty() {
        Kind::Empty
    } else if is_packed || is_tar {
        Kind::Layer
    } else if matches!(first.trim_ascii_start().first(), Some(b'{' | b'[')) {
        Kind::Document
    } else {
        Kind::Other
    };
    Ok((kind, io::Cursor::new(first).chain(stream)))
}

/// A header of any tar has a sum of its bytes.
pub(super) fn is_header(block: &[u8]) -> bool {
    let Some(header) = block.get(..BLOCK) else { return false };
    let sum: u32 = header
        .iter()
        .enumerate()
        .map(|(at, byte)| u32::from(if (148..156).contains(&at) { b' ' } else { *byte }))
        .sum();
    tar::Header::from_byte_slice(header).cksum().is_ok_and(|written| written == sum)
}
