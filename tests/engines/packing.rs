//! Files of a seed, written plain and packed.

use std::{fs, io::Write, path::Path};

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Writes the file three times and answers the names.
pub fn write_all(folder: &Path, name: &str, content: &[u8]) -> [String; 3] {
    let names = ["", ".gz", ".zst"].map(|end| format!("{name}{end}"));
    let packed = [content.to_vec(), gzip(content), zstd::encode_all(content, 1).unwrap()];
    for (name, content) in names.iter().zip(packed) {
        fs::write(folder.join(name), content).unwrap();
    }
    names
}
