//! rpm's own database format (`Packages.db`): slots that point to blobs.

use super::{number, rpm::Headers};

const MAGIC: &[u8] = b"RpmP";
const PAGE: usize = 4096;
const SLOT: usize = 16;
/// The head of the file takes the place of the first two slots.
const FIRST: usize = 2;
const BLOCK: usize = 16;
const HEAD: usize = 16;

pub(super) fn blobs(bytes: &[u8]) -> Headers {
    let word = |at: usize| number(bytes, at, 4, true).ok_or("it is cut off");
    if !bytes.starts_with(MAGIC) {
        return Err("it does not begin as one".to_owned());
    }
    let version = word(4)?;
    if version != 0 {
        return Err(format!("version {version} of the format is not read"));
    }
    let slots = word(12)?
        .checked_mul(PAGE / SLOT)
        .filter(|slots| slots * SLOT <= bytes.len())
        .ok_or("it is cut off")?;
    let mut blobs = Vec::new();
    for slot in FIRST..slots {
        let at = slot * SLOT;
        if bytes.get(at..at + 4) != Some(b"Slot") {
            return Err(format!("slot {slot} is damaged"));
        }
        if word(at + 4)? == 0 {
            continue;
        }
        let head = word(at + 8)?.checked_mul(BLOCK).ok_or("it is cut off")?;
        if bytes.get(head..head + 4) != Some(b"BlbS") || word(head + 4)? != word(at + 4)? {
            return Err(format!("the blob of slot {slot} is damaged"));
        }
        let length = word(head + 12)?;
        blobs.push(bytes.get(head + HEAD..head + HEAD + length).ok_or("it is cut off")?.to_vec());
    }
    Ok(blobs)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn database(blob: &[u8]) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        for word in [0u32, 1, 1, 2, 0, 0, 0] {
            bytes.extend(word.to_le_bytes());
        }
        for slot in FIRST..PAGE / SLOT {
            bytes.extend(b"Slot");
            let used = slot == FIRST;
            for word in [u32::from(used), if used { (PAGE / BLOCK) as u32 } else { 0 }, 0] {
                bytes.extend(word.to_le_bytes());
            }
        }
        bytes.extend(b"BlbS");
        for word in [1, 1, blob.len() as u32] {
            bytes.extend(word.to_le_bytes());
        }
        [&bytes, blob].concat()
    }

    #[test]
    fn blobs_are_found_by_their_slots_and_damage_is_named() {
        let whole = database(b"header");
        assert_eq!(blobs(&whole), Ok(vec![b"header".to_vec()]));
        for cut in 0..whole.len() {
            assert!(blobs(&whole[..cut]).is_err(), "{cut}");
        }
        assert!(blobs(b"SQLite format 3\0").is_err());
    }
}
