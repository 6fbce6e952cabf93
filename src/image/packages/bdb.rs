//! As much of Berkeley DB's hash format as rpm's `Packages` needs: pages of keys and values, large values in chains.

use super::{number, rpm::Headers};

const MAGIC: usize = 0x0006_1561;
const HASH_META: u8 = 8;
const HASH_UNSORTED: u8 = 2;
const HASH: u8 = 13;
const OVERFLOW: u8 = 7;
/// Kinds of an item: here, or in a chain of pages.
const HERE: u8 = 1;
const CHAIN: u8 = 3;
/// The length of a page's head.
const HEAD: usize = 26;
const CUT: &str = "it is cut off";

pub(super) fn blobs(bytes: &[u8]) -> Headers {
    let little = match (number(bytes, 12, 4, true), number(bytes, 12, 4, false)) {
        (Some(MAGIC), _) => true,
        (_, Some(MAGIC)) => false,
        _ => return Err("it does not begin as a hash table".to_owned()),
    };
    let size = number(bytes, 20, 4, little).ok_or(CUT)?;
    if bytes.get(25) != Some(&HASH_META) || !(512..=65536).contains(&size) || !size.is_power_of_two() {
        return Err("its first page is damaged".to_owned());
    }
    let file = File { bytes, size, little };
    let last = number(bytes, 32, 4, little).ok_or(CUT)?;
    let mut blobs = Vec::new();
    for page in 1..=last {
        let page = file.page(page)?;
        if matches!(page[25], HASH | HASH_UNSORTED) {
            file.values(page, &mut blobs)?;
        }
    }
    Ok(blobs)
}

struct File<'a> {
    bytes: &'a [u8],
    size: usize,
    little: bool,
}

impl<'a> File<'a> {
    fn page(&self, number: usize) -> Result<&'a [u8], String> {
        let start = number.checked_mul(self.size).ok_or(CUT)?;
        self.bytes.get(start..start + self.size).ok_or_else(|| format!("page {number} is not there"))
    }

    fn number(&self, page: &[u8], at: usize, length: usize) -> Result<usize, String> {
        number(page, at, length, self.little).ok_or_else(|| CUT.to_owned())
    }

    /// Keys and values alternate; an item ends where the one before it begins.
    fn values(&self, page: &'a [u8], blobs: &mut Vec<Vec<u8>>) -> Result<(), String> {
        let count = self.number(page, 20, 2)?;
        let mut end = self.size;
        for index in 0..count {
            let start = self.number(page, HEAD + index * 2, 2)?;
            let item = page.get(start..end).filter(|item| !item.is_empty()).ok_or("an item is damaged")?;
            end = start;
            if index % 2 == 0 {
                continue;
            }
            let value = match item[0] {
                HERE => item[1..].to_vec(),
                CHAIN => self.chain(self.number(item, 4, 4)?, self.number(item, 8, 4)?)?,
                kind => return Err(format!("an item is of kind {kind}")),
            };
            // The entry with key 0 is a counter of four bytes and no header.
            if value.len() > 8 {
                blobs.push(value);
            }
        }
        Ok(())
    }

    fn chain(&self, mut next: usize, length: usize) -> Result<Vec<u8>, String> {
        let mut value = Vec::new();
        let mut left = self.bytes.len() / self.size;
        while value.len() < length {
            left = left.checked_sub(1).ok_or("its pages name each other in a circle")?;
            let page = self.page(next)?;
            if next == 0 || page[25] != OVERFLOW {
                return Err("a chain of pages is damaged".to_owned());
            }
            let part = self.number(page, 22, 2)?;
            value.extend(page.get(HEAD..HEAD + part).ok_or(CUT)?);
            next = self.number(page, 16, 4)?;
        }
        value.truncate(length);
        Ok(value)
    }
}
