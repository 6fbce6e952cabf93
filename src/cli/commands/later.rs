//! Commands that the contract names and this version lacks: they say so, and nothing else.

use std::ffi::OsString;

use clap::{Args, Subcommand};

use crate::cli::failure::Failure;

#[derive(Debug, Args)]
pub struct Anything {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, hide = true)]
    rest: Vec<OsString>,
}

macro_rules! later {
    ($($variant:ident $name:literal),* $(,)?) => {
        #[derive(Debug, Subcommand)]
        pub enum Later {
            $(
                /// Not in this version
                #[command(name = $name, hide = true, disable_help_flag = true)]
                $variant(Anything),
            )*
        }

        impl Later {
            fn name(&self) -> &'static str {
                match self {
                    $(Self::$variant(Anything { rest: _ }) => $name,)*
                }
            }
        }
    };
}

later! {
    Egress "egress", Fault "fault", Rollout "rollout", Snapshot "snapshot", Masking "masking", State "state",
    Scenario "scenario", Record "record", Replay "replay", Load "load", Trace "trace",
    Bisect "bisect", Collect "collect", Report "report", Playbook "playbook", Bundle "bundle", Serve "serve", Mcp "mcp",
}

impl Later {
    pub fn run(&self) -> Result<u8, Failure> {
        Err(Failure::later(&format!("`{}`", self.name())))
    }
}
