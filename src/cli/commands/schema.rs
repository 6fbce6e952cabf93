use clap::Args;

use crate::cli::{failure::Failure, ui::Ui};

/// Print the JSON Schema of the profile (2020-12)
///
/// Example: prodmirror schema > prodmirror.schema.json
#[derive(Debug, Args)]
pub struct Schema {}

impl Schema {
    pub fn run(&self, ui: &Ui) -> Result<u8, Failure> {
        let text = serde_json::to_string_pretty(&prodmirror::profile::schema())
            .map_err(|error| Failure::tool("schema", error.to_string()))?;
        ui.data(&text);
        Ok(0)
    }
}
