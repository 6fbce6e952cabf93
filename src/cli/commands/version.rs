use clap::Args;
use serde::Serialize;

use crate::cli::{failure::Failure, ui::Ui};

/// Print the version
///
/// Example: prodmirror version --format json
#[derive(Debug, Args)]
pub struct Version {}

#[derive(Serialize)]
struct Body {
    version: &'static str,
    profile: &'static str,
    arch: &'static str,
    os: &'static str,
}

impl Version {
    pub fn run(&self, ui: &Ui) -> Result<u8, Failure> {
        let body = Body {
            version: env!("CARGO_PKG_VERSION"),
            profile: "prodmirror/v1",
            arch: std::env::consts::ARCH,
            os: std::env::consts::OS,
        };
        if ui.is_json() {
            ui.document("Version", &body);
        } else {
            ui.data(&format!(
                "prodmirror {} ({}/{}), profiles {}",
                body.version, body.os, body.arch, body.profile
            ));
        }
        Ok(0)
    }
}
