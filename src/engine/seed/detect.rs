//! What a seed file is: by its first bytes, else by its name.

use std::{
    fs::File,
    io::{self, BufReader, Read},
    path::Path,
};

use super::SeedError;
use crate::{engine::SeedFormat, profile::EngineKind};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Kind {
    pub packing: Packing,
    pub format: SeedFormat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Packing {
    Plain,
    Gzip,
    Zstd,
    /// A folder, which is streamed as a tar.
    Folder,
}

impl Kind {
    pub fn folder() -> Self {
        Self { packing: Packing::Folder, format: SeedFormat::PgDirectory }
    }
}

const POSTGRES: &str =
    "it takes .sql files, custom, tar and directory dumps of pg_dump, each plain, .gz or .zst";
const REDIS: &str = "it takes .rdb dumps and files of commands (.resp, .redis), each plain, .gz or .zst";

/// Enough for the header of a tar and that of a dump in it.
const HEAD: usize = 1024;

pub(super) fn detect(path: &Path, name: &str, engine: EngineKind) -> Result<Kind, SeedError> {
    let read = |source| SeedError::Read { name: name.to_owned(), source };
    let packing = packing(path).map_err(read)?;
    let head = head(path, packing).map_err(read)?;
    let unknown = || SeedError::Unknown { name: name.to_owned(), known: known(engine).1 };
    let format = by_content(&head).or_else(|| by_name(name)).ok_or_else(unknown)?;
    taken(name, format, engine)?;
    Ok(Kind { packing, format })
}

/// Whether the engine of the store takes the format.
pub(super) fn taken(name: &str, format: SeedFormat, engine: EngineKind) -> Result<(), SeedError> {
    let of = match format {
        SeedFormat::Sql | SeedFormat::PgCustom | SeedFormat::PgTar | SeedFormat::PgDirectory => {
            EngineKind::Postgres
        }
        SeedFormat::Rdb | SeedFormat::Resp => EngineKind::Redis,
    };
    let (engine_name, known) = known(engine);
    if of == engine {
        Ok(())
    } else {
        Err(SeedError::Engine { name: name.to_owned(), format, engine: engine_name, known })
    }
}

fn known(engine: EngineKind) -> (&'static str, &'static str) {
    match engine {
        EngineKind::Postgres => ("PostgreSQL", POSTGRES),
        EngineKind::Redis => ("Redis", REDIS),
    }
}

fn packing(path: &Path) -> io::Result<Packing> {
    let mut magic = Vec::new();
    File::open(path)?.take(4).read_to_end(&mut magic)?;
    Ok(match magic.as_slice() {
        [0x1f, 0x8b, ..] => Packing::Gzip,
        [0x28, 0xb5, 0x2f, 0xfd] => Packing::Zstd,
        _ => Packing::Plain,
    })
}

fn head(path: &Path, packing: Packing) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    unpack(BufReader::new(File::open(path)?), packing)?.take(HEAD as u64).read_to_end(&mut head)?;
    Ok(head)
}

/// What a file holds. Members of a file in several parts are read one after the other.
pub(super) fn unpack<'a>(file: impl io::BufRead + 'a, packing: Packing) -> io::Result<Box<dyn Read + 'a>> {
    Ok(match packing {
        Packing::Gzip => Box::new(flate2::bufread::MultiGzDecoder::new(file)),
        Packing::Zstd => Box::new(zstd::Decoder::with_buffer(file)?),
        Packing::Plain | Packing::Folder => Box::new(file),
    })
}

fn by_content(head: &[u8]) -> Option<SeedFormat> {
    match head {
        [b'P', b'G', b'D', b'M', b'P', ..] => Some(SeedFormat::PgCustom),
        [b'R', b'E', b'D', b'I', b'S', rest @ ..] if digits(rest) >= 4 => Some(SeedFormat::Rdb),
        [b'*', rest @ ..] if digits(rest) > 0 => Some(SeedFormat::Resp),
        _ if head.get(257..262) == Some(b"ustar") => Some(tar(head)),
        _ if std::str::from_utf8(head).is_ok_and(|text| text.contains("-- PostgreSQL database")) => {
            Some(SeedFormat::Sql)
        }
        _ => None,
    }
}

fn digits(bytes: &[u8]) -> usize {
    bytes.iter().take_while(|byte| byte.is_ascii_digit()).count()
}

/// `pg_dump -Ft` puts `toc.dat` first, and its own number into the header there (`archTar`, pg_backup.h); any other
/// tar is taken for the folder of a directory dump.
fn tar(head: &[u8]) -> SeedFormat {
    const ARCH_TAR: u8 = 3;
    let dump = head.get(512..);
    let first = head.starts_with(b"toc.dat\0") && dump.is_some_and(|dump| dump.starts_with(b"PGDMP"));
    // PGDMP, version in three bytes, size of an integer, size of an offset, format
    match dump.and_then(|dump| dump.get(10)) {
        Some(&ARCH_TAR) if first => SeedFormat::PgTar,
        _ => SeedFormat::PgDirectory,
    }
}

fn by_name(name: &str) -> Option<SeedFormat> {
    let name = name.to_ascii_lowercase();
    let inner =
        [".gz", ".gzip", ".zst", ".zstd"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(&name);
    match inner.rsplit_once('.')?.1 {
        "sql" | "psql" | "pgsql" => Some(SeedFormat::Sql),
        "resp" | "redis" => Some(SeedFormat::Resp),
        _ => None,
    }
}
