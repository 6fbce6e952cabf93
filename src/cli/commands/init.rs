use std::path::PathBuf;

use clap::Args;

use crate::cli::{failure::Failure, naming::DEFAULT, ui::Ui};

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
            Some(file) => super::super::first::from_compose(file).await?,
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
