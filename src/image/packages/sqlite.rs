//! As much of SQLite's file format as one table with one blob a row needs (<https://www.sqlite.org/fileformat2.html>).

use super::{number, rpm::Headers};

const MAGIC: &[u8] = b"SQLite format 3\0";
const CUT: &str = "it is cut off";
const LEAF: u8 = 0x0d;
const INTERIOR: u8 = 0x05;

/// The blobs of a table, in the order of its rows.
pub(super) fn blobs(bytes: &[u8], table: &str) -> Headers {
    let file = File::open(bytes)?;
    let schema = file.rows(1)?;
    let root = schema.iter().find_map(|row| {
        let columns = columns(row)?;
        let text = |at: usize| columns.get(at).map(|column| column.bytes);
        let ours = text(0) == Some(b"table") && text(1) == Some(table.as_bytes());
        ours.then(|| columns.get(3).and_then(|root| number(root.bytes, 0, root.bytes.len(), false)))?
    });
    let root = root.ok_or_else(|| format!("it has no table `{table}`"))?;
    let mut blobs = Vec::new();
    for row in file.rows(root)? {
        let columns = columns(&row).ok_or(CUT)?;
        // Type numbers from 12 on that are even are blobs.
        let blob = columns.iter().find(|column| column.kind >= 12 && column.kind % 2 == 0);
        blobs.push(blob.ok_or("a row holds no blob")?.bytes.to_vec());
    }
    Ok(blobs)
}

struct File<'a> {
    bytes: &'a [u8],
    page: usize,
    /// Of a page, without what extensions reserve at its end.
    usable: usize,
}

struct Column<'a> {
    kind: usize,
    bytes: &'a [u8],
}

impl<'a> File<'a> {
    fn open(bytes: &'a [u8]) -> Result<Self, String> {
        if !bytes.starts_with(MAGIC) {
            return Err("it does not begin as one".to_owned());
        }
        let page = match number(bytes, 16, 2, false).ok_or(CUT)? {
            1 => 65536,
            page if page >= 512 && page.is_power_of_two() => page,
            page => return Err(format!("{page} is no size of a page")),
        };
        let usable = page - usize::from(*bytes.get(20).ok_or(CUT)?);
        if usable < 480 {
            return Err("its pages reserve too much".to_owned());
        }
        Ok(Self { bytes, page, usable })
    }

    fn page(&self, number: usize) -> Result<&'a [u8], String> {
        let start =
            number.checked_sub(1).and_then(|index| index.checked_mul(self.page)).ok_or("page 0 is named")?;
        self.bytes.get(start..start + self.page).ok_or_else(|| format!("page {number} is not there"))
    }

    /// The records of a table's tree.
    fn rows(&self, root: usize) -> Result<Vec<Vec<u8>>, String> {
        let mut rows = Vec::new();
        let (mut waiting, mut left) = (vec![root], self.bytes.len() / self.page);
        while let Some(number) = waiting.pop() {
            left = left.checked_sub(1).ok_or("its pages name each other in a circle")?;
            let page = self.page(number)?;
            let head = if number == 1 { 100 } else { 0 };
            let kind = *page.get(head).ok_or(CUT)?;
            let cells = self::number(page, head + 3, 2, false).ok_or(CUT)?;
            let first = head + if kind == INTERIOR { 12 } else { 8 };
            let cell = |index: usize| self::number(page, first + index * 2, 2, false).ok_or(CUT);
            match kind {
                LEAF => {
                    for index in 0..cells {
                        rows.push(self.record(page, cell(index)?)?);
                    }
                }
                INTERIOR => {
                    // The last child first, for the stack gives them back the other way round.
                    waiting.push(self::number(page, head + 8, 4, false).ok_or(CUT)?);
                    for index in (0..cells).rev() {
                        waiting.push(self::number(page, cell(index)?, 4, false).ok_or(CUT)?);
                    }
                }
                kind => return Err(format!("page {number} is of kind {kind}")),
            }
        }
        Ok(rows)
    }

    /// A record, its overflow pages joined to it.
    fn record(&self, page: &[u8], at: usize) -> Result<Vec<u8>, String> {
        let (length, at) = varint(page, at).ok_or(CUT)?;
        let (_, at) = varint(page, at).ok_or(CUT)?;
        if length > self.bytes.len() {
            return Err("a row is longer than the file".to_owned());
        }
        let here = self.local(length);
        let mut record = page.get(at..at + here).ok_or(CUT)?.to_vec();
        let mut next = if here < length { number(page, at + here, 4, false).ok_or(CUT)? } else { 0 };
        while record.len() < length {
            let page = self.page(next)?;
            let take = (self.usable - 4).min(length - record.len());
            record.extend(page.get(4..4 + take).ok_or(CUT)?);
            next = number(page, 0, 4, false).ok_or(CUT)?;
        }
        Ok(record)
    }

    /// How many bytes of a record lie in the page itself.
    fn local(&self, length: usize) -> usize {
        let most = self.usable - 35;
        if length <= most {
            return length;
        }
        let least = (self.usable - 12) * 32 / 255 - 23;
        let rest = least + (length - least) % (self.usable - 4);
        if rest <= most { rest } else { least }
    }
}

fn columns(record: &[u8]) -> Option<Vec<Column<'_>>> {
    let (head, mut at) = varint(record, 0)?;
    let mut data = head;
    let mut columns = Vec::new();
    while at < head {
        let (kind, next) = varint(record, at)?;
        let length = match kind {
            0 | 8 | 9 => 0,
            1..=4 => kind,
            5 => 6,
            6 | 7 => 8,
            kind if kind >= 12 => (kind - 12) / 2,
            _ => return None,
        };
        columns.push(Column { kind, bytes: record.get(data..data.checked_add(length)?)? });
        data += length;
        at = next;
    }
    Some(columns)
}

/// SQLite's number of variable length, and where it ends.
fn varint(bytes: &[u8], at: usize) -> Option<(usize, usize)> {
    let mut value = 0usize;
    for index in 0..9 {
        let byte = *bytes.get(at + index)?;
        if index == 8 {
            return Some((value << 8 | usize::from(byte), at + 9));
        }
        value = value << 7 | usize::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            return Some((value, at + index + 1));
        }
    }
    None
}
