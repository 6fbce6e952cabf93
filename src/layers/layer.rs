//! One layer: its files go by, their digests and what they tell stay.

use std::io::Read;

use sha2::{Digest as _, Sha256};

use super::{
    At as _, Result, bad,
    compression::{Hashing, uncompressed},
    entries::{Entries, Head, Kind},
    limits::Budget,
};
use crate::{
    digest::hex,
    image::{Entry, Kept, Layer, Look, Node, Scanner, clean, look},
};

const CHUNK: usize = 64 << 10;

/// Reads a layer, compressed or not, to its end.
pub(super) fn read(stream: impl Read, what: &str, budget: &mut Budget) -> Result<Layer> {
    let plain = uncompressed(stream).at(what)?;
    let mut entries = Entries::new(Hashing::new(plain), what);
    let mut layer = Layer::default();
    let mut buffer = vec![0; CHUNK];
    while let Some(head) = entries.next()? {
        budget.entry(what)?;
        budget.bytes(head.size, what)?;
        layer.bytes += head.size;
        take(&mut layer, &mut entries, &head, &mut buffer, budget).map_err(|error| match error {
            Refused::Layers(error) => error,
            Refused::Entry(error) => bad(what, error.to_string()),
        })?;
    }
    // The digest is of all bytes, those after the end of the archive too.
    let mut rest = entries.into_inner();
    let after = std::io::copy(&mut rest, &mut std::io::sink()).at(what)?;
    budget.bytes(after, what)?;
    layer.diff_id = rest.digest();
    Ok(layer)
}

enum Refused {
    Layers(super::LayersError),
    Entry(crate::image::BadEntry),
}

impl From<super::LayersError> for Refused {
    fn from(error: super::LayersError) -> Self {
        Self::Layers(error)
    }
}

impl From<crate::image::BadEntry> for Refused {
    fn from(error: crate::image::BadEntry) -> Self {
        Self::Entry(error)
    }
}

fn take(
    layer: &mut Layer,
    entries: &mut Entries<impl Read>,
    head: &Head,
    buffer: &mut [u8],
    budget: &mut Budget,
) -> Result<(), Refused> {
    let device = |block| Node::Device { block, major: head.device.0, minor: head.device.1 };
    let node = match head.kind {
        Kind::File => file(entries, head, buffer, budget)?,
        Kind::Directory => Node::Directory,
        Kind::Link => Node::Link { target: String::from_utf8_lossy(&head.target).into_owned() },
        Kind::Character => device(false),
        Kind::Block => device(true),
        Kind::Fifo => Node::Fifo,
        Kind::HardLink => return Ok(layer.take_hard_link(&head.path, &head.target)?),
        Kind::Unknown(kind) => {
            let name = String::from_utf8_lossy(&head.path).into_owned();
            layer.note(
                name,
                format!("is of kind `{}`, which is not known", char::from(kind).escape_default()),
            );
            return Ok(());
        }
    };
    let mut entry = Entry::new(node, head.mode, head.uid, head.gid);
    entry.attributes.clone_from(&head.attributes);
    Ok(layer.take(&head.path, entry)?)
}

fn file(
    entries: &mut Entries<impl Read>,
    head: &Head,
    buffer: &mut [u8],
    budget: &mut Budget,
) -> Result<Node> {
    let wanted = clean(&head.path).map_or(Look::Nothing, |path| look(&path, head.mode, head.size));
    let mut hash = Sha256::new();
    let mut keep = match wanted {
        Look::Keep { limit } if head.size <= limit && budget.keep(head.size) => Some(Vec::new()),
        _ => None,
    };
    let mut scanner = match wanted {
        Look::Scan(scan) => Some(Scanner::new(scan)),
        _ => None,
    };
    loop {
        let count = entries.read(buffer)?;
        let bytes = &buffer[..count];
        if bytes.is_empty() {
            break;
        }
        hash.update(bytes);
        if let Some(kept) = &mut keep {
            kept.extend_from_slice(bytes);
        }
        if let Some(scanner) = &mut scanner {
            scanner.feed(bytes);
        }
    }
    let kept = match (wanted, keep, scanner) {
        (_, Some(bytes), _) => Some(Kept::Bytes(bytes)),
        (Look::Keep { limit }, None, _) => Some(Kept::TooLarge { limit }),
        (_, _, Some(scanner)) => Some(Kept::Version(scanner.version())),
        _ => None,
    };
    let digest = format!("sha256:{}", hex(&hash.finalize()));
    Ok(Node::File { size: head.size, digest, kept })
}
