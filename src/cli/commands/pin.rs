use std::path::PathBuf;

use clap::Args;
use prodmirror::{
    backend::Backend,
    profile::{self, Image, ImageRef, Pin as PinRow, Source, Unpinned},
};
use serde::Serialize;

use crate::cli::{
    failure::{Failure, exit},
    host::Host,
    naming,
    ui::Ui,
};

/// Append the digest to every image of a profile, in place; comments and order are kept
///
/// With --check nothing is written, and the exit code is 1 when something would be.
///
/// Example: prodmirror pin profiles/shop.yaml --check
#[derive(Debug, Args)]
pub struct Pin {
    #[arg(value_name = "PROFILE")]
    profile: Option<PathBuf>,
    /// Only say what would change
    #[arg(long, env = "PRODMIRROR_CHECK", hide_env = true)]
    check: bool,
}

#[derive(Serialize)]
struct Body {
    pins: Vec<PinRow>,
}

impl Pin {
    pub async fn run(&self, ui: &Ui) -> Result<u8, Failure> {
        let file = match &self.profile {
            Some(file) => file.clone(),
            None => naming::default_profile().ok_or_else(|| {
                Failure::usage("no-profile", format!("there is no {} here", naming::DEFAULT))
            })?,
        };
        let bytes = std::fs::read(&file)
            .map_err(|error| Failure::input("unreadable", format!("{}: {error}", file.display())))?;
        let source = Source::new(file.display().to_string(), bytes);
        let found = profile::pinnable(&source).map_err(|problems| naming::bad_profile(&problems.0))?;
        let mut pins = Vec::new();
        if !found.is_empty() {
            let backend = Host::read()?.connect().await?;
            for unpinned in found {
                let to = match &unpinned.what {
                    Unpinned::Image(image) => resolve(&*backend, image).await?.to_string(),
                    Unpinned::Snapshot(name) => {
                        ui.warn(format!(
                            "{}: snapshot `{name}`: snapshots are not in this version",
                            unpinned.path
                        ));
                        continue;
                    }
                };
                pins.push(PinRow { path: unpinned.path, from: unpinned.from, to });
            }
        }
        if !self.check && !pins.is_empty() {
            let text =
                profile::pin(&source, &pins).map_err(|error| Failure::input("pin", error.to_string()))?;
            std::fs::write(&file, text)
                .map_err(|error| Failure::tool("io", format!("{}: {error}", file.display())))?;
        }
        let code = if self.check && !pins.is_empty() { exit::NO } else { 0 };
        if ui.is_json() {
            ui.document("Pins", &Body { pins });
        } else if pins.is_empty() {
            ui.say("every image is pinned");
        } else {
            for pin in &pins {
                ui.data(&format!("{}: {} -> {}", pin.path, pin.from, pin.to));
            }
        }
        Ok(code)
    }
}

/// The image with the digest that its registry gives for the tag now.
async fn resolve(backend: &dyn Backend, image: &ImageRef) -> Result<Image, Failure> {
    let digest = backend.digest(image).await?;
    Ok(Image::Registry(ImageRef { digest: Some(digest), ..image.clone() }))
}
