use std::path::{Path, PathBuf};

use clap::Args;
use prodmirror::{
    capture::{draft::From, redact::Rules},
    readers::compose::Ask,
};

use crate::cli::{
    failure::Failure,
    naming::DEFAULT,
    source::captured::{environment, from_compose},
    ui::Ui,
};

/// Write a first profile
///
/// Example: prodmirror init
#[derive(Debug, Args)]
pub struct Init {
    /// Take services, images, variables and ports from a Compose file
    #[arg(long, value_name = "FILE")]
    from: Option<PathBuf>,
    /// Where to write
    #[arg(short = 'o', long = "output", value_name = "FILE", default_value = DEFAULT)]
    output: PathBuf,
    /// Write over a file that is there
    #[arg(long)]
    force: bool,
}

const FIRST: &str = include_str!("first-profile.yaml");

impl Init {
    pub async fn run(&self, ui: &Ui) -> Result<u8, Failure> {
        let text = match &self.from {
            Some(file) => first(file).await?,
            None => FIRST.to_owned(),
        };
        if self.output.exists() && !self.force {
            return Err(Failure::usage("exists", format!("{} is there already", self.output.display()))
                .hint("write elsewhere with -o FILE, or over it with --force"));
        }
        std::fs::write(&self.output, text)
            .map_err(|error| Failure::tool("io", format!("{}: {error}", self.output.display())))?;
        ui.say(format!("wrote {}", self.output.display()));
        ui.say("next: prodmirror check, prodmirror pin, prodmirror up");
        Ok(0)
    }
}

/// A capture of one Compose file, which the reader is going to edit.
async fn first(file: &Path) -> Result<String, Failure> {
    let ask = Ask { files: vec![file.to_owned()], environment: environment(), ..Ask::default() };
    let draft =
        from_compose(&ask, &From { from: "compose", ..From::default() }, &Rules::default()).await?.draft;
    let name = file.file_name().map_or_else(|| "the Compose file".into(), |name| name.to_string_lossy());
    Ok(format!(
        "# A first profile, taken from {}. Next: `prodmirror check`, then `prodmirror pin`.\n\
         # A line `not taken: PATH` names what of the file is not part of it.\n{}",
        name.replace(char::is_control, " "),
        draft.text()
    ))
}
