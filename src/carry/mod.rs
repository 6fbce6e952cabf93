//! Work on the files of volumes, run inside of one-shots of the helper image.
//!
//! ```text
//! prodmirror carry copy FROM TO        the content of one folder in place of another's; prints the bytes
//! prodmirror carry swap ROOT FOLDER …  makes FOLDER what `..data` of ROOT points to
//! prodmirror fill VOLUME …             fills the volumes of a bundle that is launched without us
//! ```

mod fill;
mod filled;
mod swap;
mod tree;

use std::{
    io::{self, Write as _},
    path::Path,
    process::ExitCode,
};

pub use fill::fill;
pub use filled::{Filled, hidden_name};
pub use swap::{DATA_LINK, swap, top_names};
pub use tree::copy_tree;

use crate::{
    formats::fill::{FROM_DIR, TO_DIR},
    log,
};

#[derive(Debug, thiserror::Error)]
pub enum CarryError {
    #[error("{path}: {source}")]
    Io {
        path: String,
        #[source]
        source: io::Error,
    },
    #[error("write `carry copy FROM TO` or `carry swap ROOT FOLDER …`")]
    Usage,
    #[error("the description of a volume is not as we write it: {0}")]
    Filling(#[from] serde_json::Error),
    #[error("a variable of {0} is not set")]
    Variable(String),
    #[error("`{0}` leads out of the volume")]
    Path(String),
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> CarryError {
    let path = path.display().to_string();
    move |source| CarryError::Io { path, source }
}

/// `prodmirror carry`: exit code 0 when it is done, 2 on wrong arguments, 4 when a file could not be read or written.
pub fn main(words: impl Iterator<Item = String>) -> ExitCode {
    let args: Vec<_> = words.collect();
    // Written at once and looked at: a pipe that is gone is a failure too.
    let told =
        |answer: String| io::stdout().write_all(answer.as_bytes()).map_err(at(Path::new("the answer")));
    end(run(&args).and_then(told))
}

/// `prodmirror fill`, with the same exit codes.
pub fn main_fill(words: impl Iterator<Item = String>) -> ExitCode {
    let volumes: Vec<_> = words.collect();
    end(fill(Path::new(FROM_DIR), Path::new(TO_DIR), &volumes, |name| std::env::var(name).ok()))
}

fn end(done: Result<(), CarryError>) -> ExitCode {
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            log::error("carry ends", &[("why", &error)]);
            ExitCode::from(if matches!(error, CarryError::Usage) { 2 } else { 4 })
        }
    }
}

/// Does what the arguments after `carry` say; answers what shall be printed.
///
/// # Errors
/// The first file that could not be read or written, by name.
pub fn run(args: &[String]) -> Result<String, CarryError> {
    let args: Vec<_> = args.iter().map(String::as_str).collect();
    match args.as_slice() {
        ["copy", from, to] => Ok(format!("{}\n", copy_tree(Path::new(from), Path::new(to))?)),
        ["swap", pairs @ ..] if !pairs.is_empty() && pairs.len() % 2 == 0 => {
            for pair in pairs.chunks(2) {
                swap(Path::new(pair[0]), pair[1])?;
            }
            Ok(String::new())
        }
        _ => Err(CarryError::Usage),
    }
}
