use clap::{Args, ValueEnum};
use clap_complete::Shell;

use crate::cli::{failure::Failure, ui::Ui};

/// Print completions for a shell, or the man pages
///
/// Example: prodmirror completions bash > /etc/bash_completion.d/prodmirror
#[derive(Debug, Args)]
pub struct Completions {
    shell: Target,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Target {
    Bash,
    Elvish,
    Fish,
    Powershell,
    Zsh,
    /// The man page, for `man -l -`
    Man,
}

impl Completions {
    pub fn run(&self, ui: &Ui) -> Result<u8, Failure> {
        let mut definition = crate::cli::definition();
        let mut text = Vec::new();
        let shell = match self.shell {
            Target::Bash => Shell::Bash,
            Target::Elvish => Shell::Elvish,
            Target::Fish => Shell::Fish,
            Target::Powershell => Shell::PowerShell,
            Target::Zsh => Shell::Zsh,
            Target::Man => {
                clap_mangen::Man::new(definition)
                    .render(&mut text)
                    .map_err(|error| Failure::tool("man", error.to_string()))?;
                ui.data(&String::from_utf8_lossy(&text));
                return Ok(0);
            }
        };
        clap_complete::generate(shell, &mut definition, "prodmirror", &mut text);
        ui.data(&String::from_utf8_lossy(&text));
        Ok(0)
    }
}
