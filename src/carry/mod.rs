//! Work on the files of volumes, run inside of one-shots of the helper image: `prodmirror carry …`.
//!
//! ```text
//! carry copy FROM TO              the content of one folder in place of another's; prints the bytes
//! carry swap ROOT FOLDER …        makes FOLDER what `..data` of ROOT points to
//! carry fill ROOT SOURCE MANIFEST fills ROOT from a mounted folder and from variables; MANIFEST is JSON
//! ```

mod fill;
mod swap;
mod tree;

use std::{
    io::{self, Write as _},
    path::Path,
    process::ExitCode,
};

pub use fill::{Manifest, ManifestFile, Origin, fill};
pub use swap::{DATA_LINK, swap, top_names};
pub use tree::copy_tree;

use crate::log;

#[derive(Debug, thiserror::Error)]
pub enum CarryError {
    #[error("{path}: {source}")]
    Io {
        path: String,
        #[source]
        source: io::Error,
    },
    #[error("write `carry copy FROM TO`, `carry swap ROOT FOLDER …` or `carry fill ROOT SOURCE MANIFEST`")]
    Usage,
    #[error("the manifest is no JSON of files: {0}")]
    Manifest(#[from] serde_json::Error),
    #[error("variable {0} is not set")]
    Variable(String),
    #[error("`{0}` leads out of the volume")]
    Path(String),
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> CarryError {
    let path = path.display().to_string();
    move |source| CarryError::Io { path, source }
}

/// The program: exit code 0 when it is done, 2 on wrong arguments, 4 when a file could not be read or written.
pub fn main(words: impl Iterator<Item = String>) -> ExitCode {
    let args: Vec<_> = words.collect();
    match run(&args, |name| std::env::var(name).ok()) {
        // Written at once and looked at: a pipe that is gone is a failure too.
        Ok(answer) if io::stdout().write_all(answer.as_bytes()).is_ok() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::from(4),
        Err(error) => {
            log::error("carry ends", &[("why", &error)]);
            ExitCode::from(if matches!(error, CarryError::Usage) { 2 } else { 4 })
        }
    }
}

/// Does what the arguments after `carry` say; answers what shall be printed.
///
/// `variable` reads the environment, which the caller may and this library does not.
///
/// # Errors
/// The first file that could not be read or written, by name.
pub fn run(args: &[String], variable: impl Fn(&str) -> Option<String>) -> Result<String, CarryError> {
    let args: Vec<_> = args.iter().map(String::as_str).collect();
    match args.as_slice() {
        ["copy", from, to] => Ok(format!("{}\n", copy_tree(Path::new(from), Path::new(to))?)),
        ["swap", pairs @ ..] if !pairs.is_empty() && pairs.len() % 2 == 0 => {
            for pair in pairs.chunks(2) {
                swap(Path::new(pair[0]), pair[1])?;
            }
            Ok(String::new())
        }
        ["fill", root, source, manifest] => {
            fill(Path::new(root), Path::new(source), &serde_json::from_str(manifest)?, variable)?;
            Ok(String::new())
        }
        _ => Err(CarryError::Usage),
    }
}
