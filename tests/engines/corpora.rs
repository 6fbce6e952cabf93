//! Inputs that nobody in this project wrote; they lie beside the repository.

use std::path::PathBuf;

/// A folder of the corpora, or `None` said aloud.
pub fn folder(name: &str) -> Option<PathBuf> {
    let root = std::env::var_os("PRODMIRROR_CORPORA").map(PathBuf::from);
    let root = root.unwrap_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/corpora"));
    let folder = root.join(name);
    if folder.is_dir() {
        return Some(folder);
    }
    println!(
        "skipped: there is no {}; name the folder of the corpora in PRODMIRROR_CORPORA",
        folder.display()
    );
    None
}
