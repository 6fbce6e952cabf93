//! Whether a file is a Linux executable that runs in an image made from scratch.

/// Says why an executable cannot be the helper on an engine of this architecture (`amd64`, `arm64`).
///
/// Reads the ELF header and the program headers (System V ABI, chapters 4 and 5): 64 bits, little-endian, of the
/// right machine, and without `PT_INTERP`, which would name a dynamic linker that the image does not have.
pub(super) fn unfit(file: &[u8], arch: &str) -> Option<String> {
    if !file.starts_with(b"\x7fELF") {
        return Some("it is no Linux executable".to_owned());
    }
    if file.get(4) != Some(&2) || file.get(5) != Some(&1) {
        return Some("it is not for a 64-bit little-endian machine".to_owned());
    }
    let kind = u16_at(file, 16).unwrap_or(0);
    if !matches!(kind, 2 | 3) {
        return Some("it is an object file, not an executable".to_owned());
    }
    let machine = match u16_at(file, 18).unwrap_or(0) {
        62 => "amd64".to_owned(),
        183 => "arm64".to_owned(),
        other => format!("ELF machine {other}"),
    };
    if machine != arch {
        return Some(format!("it is for {machine}, the engine is {arch}"));
    }
    match has_interpreter(file) {
        Some(false) => None,
        Some(true) => Some("it is linked dynamically".to_owned()),
        None => Some("its program headers lie outside of the file".to_owned()),
    }
}

fn has_interpreter(file: &[u8]) -> Option<bool> {
    const PT_INTERP: u32 = 3;
    let start = usize::try_from(u64_at(file, 32)?).ok()?;
    let (size, count) = (usize::from(u16_at(file, 54)?), usize::from(u16_at(file, 56)?));
    for number in 0..count {
        let at = start.checked_add(size.checked_mul(number)?)?;
        if u32::from_le_bytes(bytes_at(file, at)?) == PT_INTERP {
            return Some(true);
        }
    }
    Some(false)
}

fn bytes_at<const N: usize>(file: &[u8], at: usize) -> Option<[u8; N]> {
    file.get(at..at.checked_add(N)?)?.try_into().ok()
}

fn u16_at(file: &[u8], at: usize) -> Option<u16> {
    bytes_at(file, at).map(u16::from_le_bytes)
}

fn u64_at(file: &[u8], at: usize) -> Option<u64> {
    bytes_at(file, at).map(u64::from_le_bytes)
}

/// The smallest file that passes: a header and, if `interpreter`, one program header.
#[cfg(test)]
pub(super) fn sample(machine: u16, interpreter: bool) -> Vec<u8> {
    let mut file = vec![0_u8; 64 + 56];
    file[..6].copy_from_slice(b"\x7fELF\x02\x01");
    file[16..18].copy_from_slice(&3_u16.to_le_bytes());
    file[18..20].copy_from_slice(&machine.to_le_bytes());
    file[32..40].copy_from_slice(&64_u64.to_le_bytes());
    file[54..56].copy_from_slice(&56_u16.to_le_bytes());
    file[56..58].copy_from_slice(&1_u16.to_le_bytes());
    file[64..68].copy_from_slice(&(if interpreter { 3_u32 } else { 1 }).to_le_bytes());
    file
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_static_executables_of_the_engines_architecture_fit() {
        assert_eq!(unfit(&sample(62, false), "amd64"), None);
        assert_eq!(unfit(&sample(183, false), "arm64"), None);
        let why = |file: &[u8], arch: &str| unfit(file, arch).unwrap_or_default();
        assert!(why(&sample(62, false), "arm64").contains("amd64"));
        assert!(why(&sample(62, true), "amd64").contains("dynamically"));
        assert!(why(b"#!/bin/sh", "amd64").contains("no Linux executable"));
        let mut cut = sample(62, false);
        cut.truncate(64);
        assert!(why(&cut, "amd64").contains("outside"));
    }
}
