//! A tar archive one entry at a time, with a bound on everything that an entry may make us keep.
//!
//! The crate `tar` reads a long name or an extended header whole, whatever its size says; here the parts have limits,
//! and the fields of a header are the crate's.

use std::{
    collections::BTreeMap,
    io::{self, Read},
};

use tar::Header;

use super::{At as _, Result, bad, compression::is_header};
use crate::digest::hex;

const BLOCK: usize = 512;
/// A name by GNU's extension; Linux takes no longer path.
const NAME: u64 = 16 << 10;
/// The extended header of one entry; attributes are in it.
const EXTENDED: u64 = 1 << 20;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    File,
    Directory,
    Link,
    HardLink,
    Character,
    Block,
    Fifo,
    Unknown(u8),
}

/// What the archive says of one entry.
#[derive(Clone, Debug)]
pub(super) struct Head {
    pub path: Vec<u8>,
    pub target: Vec<u8>,
    pub kind: Kind,
    pub mode: u32,
    pub uid: u64,
    pub gid: u64,
    pub size: u64,
    pub device: (u32, u32),
    pub attributes: BTreeMap<String, String>,
}

pub(super) struct Entries<R> {
    reader: R,
    what: String,
    /// Of the entry's content and of what fills its last block.
    left: u64,
    padding: u64,
}

/// What precedes an entry and changes it.
#[derive(Default)]
struct Before {
    path: Option<Vec<u8>>,
    target: Option<Vec<u8>>,
    numbers: BTreeMap<&'static str, u64>,
    attributes: BTreeMap<String, String>,
}

impl<R: Read> Entries<R> {
    pub fn new(reader: R, what: impl Into<String>) -> Self {
        Self { reader, what: what.into(), left: 0, padding: 0 }
    }

    /// The next entry; what was not read of the last one goes by.
    pub fn next(&mut self) -> Result<Option<Head>> {
        let mut before = Before::default();
        loop {
            self.skip()?;
            let Some(block) = self.block()? else { return Ok(None) };
            let header = Header::from_byte_slice(&block);
            let size = header.entry_size().map_err(|error| bad(&self.what, error.to_string()))?;
            match header.entry_type().as_byte() {
                b'L' => {
                    before.path = Some(terminated(self.whole(size, NAME, "a name")?));
                }
                b'K' => {
                    before.target = Some(terminated(self.whole(size, NAME, "a link's target")?));
                }
                b'x' => {
                    let extended = self.whole(size, EXTENDED, "an extended header")?;
                    self.extend(&extended, &mut before)?;
                }
                // Of the whole archive: names of its writer, nothing of an entry.
                b'g' => {
                    self.whole(size, EXTENDED, "a global header")?;
                }
                b'S' => return Err(bad(&self.what, "holds a sparse file of GNU tar, which is not read")),
                kind => return self.head(header, kind, size, before).map(Some),
            }
        }
    }

    fn head(&mut self, header: &Header, kind: u8, size: u64, before: Before) -> Result<Head> {
        let path = before.path.unwrap_or_else(|| header.path_bytes().into_owned());
        let target = before.target.or_else(|| header.link_name_bytes().map(|name| name.into_owned()));
        let kind = match kind {
            // The oldest archives have no kind for a folder but a name that ends so.
            b'0' | b'7' | 0 if path.ends_with(b"/") => Kind::Directory,
            b'0' | b'7' | 0 => Kind::File,
            b'1' => Kind::HardLink,
            b'2' => Kind::Link,
            b'3' => Kind::Character,
            b'4' => Kind::Block,
            b'5' => Kind::Directory,
            b'6' => Kind::Fifo,
            other => Kind::Unknown(other),
        };
        let number = |name: &str| before.numbers.get(name).copied();
        let size = number("size").unwrap_or(size);
        // Whatever their size says, these have no content.
        let size = if matches!(kind, Kind::File | Kind::Unknown(_)) { size } else { 0 };
        self.expect(size)?;
        let field = |value: io::Result<u64>| value.at(&self.what);
        Ok(Head {
            mode: header.mode().at(&self.what)? & 0o7777,
            uid: number("uid").map_or_else(|| field(header.uid()), Ok)?,
            gid: number("gid").map_or_else(|| field(header.gid()), Ok)?,
            device: (
                header.device_major().ok().flatten().unwrap_or_default(),
                header.device_minor().ok().flatten().unwrap_or_default(),
            ),
            path,
            target: target.unwrap_or_default(),
            kind,
            size,
            attributes: before.attributes,
        })
    }

    /// Fills the buffer from the content of the entry; 0 at its end.
    pub fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let most = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
        let count = self.reader.read(&mut buffer[..most]).at(&self.what)?;
        if count == 0 && most > 0 {
            return Err(self.cut());
        }
        self.left -= count as u64;
        Ok(count)
    }

    /// The content of the entry as a reader that knows where it ends.
    pub fn content(&mut self) -> Content<'_, R> {
        Content { entries: self }
    }

    fn skip(&mut self) -> Result<()> {
        let wanted = self.left.saturating_add(self.padding);
        let skipped = io::copy(&mut self.reader.by_ref().take(wanted), &mut io::sink()).at(&self.what)?;
        if skipped < wanted {
            return Err(self.cut());
        }
        (self.left, self.padding) = (0, 0);
        Ok(())
    }

    fn expect(&mut self, size: u64) -> Result<()> {
        self.left = size;
        self.padding = (BLOCK as u64 - size % BLOCK as u64) % BLOCK as u64;
        Ok(())
    }

    /// The next header; `None` at the end, which is a block of nought or the end of the stream.
    fn block(&mut self) -> Result<Option<[u8; BLOCK]>> {
        let mut block = [0; BLOCK];
        let mut filled = 0;
        while filled < BLOCK {
            match self.reader.read(&mut block[filled..]).at(&self.what)? {
                0 if filled == 0 => return Ok(None),
                0 => return Err(self.cut()),
                count => filled += count,
            }
        }
        if block.iter().all(|byte| *byte == 0) {
            return Ok(None);
        }
        if !is_header(&block) {
            return Err(bad(&self.what, "a header's sum is wrong: it is damaged, or no tar archive"));
        }
        Ok(Some(block))
    }

    fn whole(&mut self, size: u64, limit: u64, part: &str) -> Result<Vec<u8>> {
        if size > limit {
            return Err(bad(&self.what, format!("{part} of {size} bytes is longer than {limit}")));
        }
        self.expect(size)?;
        let mut bytes = Vec::new();
        let mut buffer = [0; 4096];
        loop {
            match self.read(&mut buffer)? {
                0 => return Ok(bytes),
                count => bytes.extend_from_slice(&buffer[..count]),
            }
        }
    }

    /// The records of a PAX header: `LENGTH NAME=VALUE\n`.
    fn extend(&self, extended: &[u8], before: &mut Before) -> Result<()> {
        for record in tar::PaxExtensions::new(extended) {
            let record = record.at(&self.what)?;
            let (name, value) = (record.key().unwrap_or_default(), record.value_bytes());
            let number = || -> Result<u64> {
                let text = std::str::from_utf8(value).unwrap_or_default();
                text.parse()
                    .map_err(|_| bad(&self.what, format!("`{name}` of an extended header is no number")))
            };
            match name {
                "path" => before.path = Some(value.to_vec()),
                "linkpath" => before.target = Some(value.to_vec()),
                "size" => {
                    before.numbers.insert("size", number()?);
                }
                "uid" => {
                    before.numbers.insert("uid", number()?);
                }
                "gid" => {
                    before.numbers.insert("gid", number()?);
                }
                name if name.starts_with("GNU.sparse.") => {
                    return Err(bad(&self.what, "holds a sparse file of GNU tar, which is not read"));
                }
                name => {
                    if let Some(attribute) = name.strip_prefix("SCHILY.xattr.") {
                        before.attributes.insert(attribute.to_owned(), hex(value));
                    }
                }
            }
        }
        Ok(())
    }

    fn cut(&self) -> super::LayersError {
        bad(&self.what, "is cut off in the middle of a file")
    }

    pub fn into_inner(self) -> R {
        self.reader
    }
}

pub(super) struct Content<'a, R> {
    entries: &'a mut Entries<R>,
}

impl<R: Read> Read for Content<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.entries.read(buffer).map_err(io::Error::other)
    }
}

fn terminated(mut name: Vec<u8>) -> Vec<u8> {
    while name.last() == Some(&0) {
        name.pop();
    }
    name
}
