//! From a plan to the files that a back end is given.
//!
//! Rendering decides nothing: names, order and values stand in the plan. It
//! says them in Compose's words, through templates that a user can replace,
//! and reads its own output back, so that no template, ours or a user's, can
//! lose a variable or widen a wall in silence.

mod check;
pub mod escape;
mod fill;
pub mod interpolation;
pub(crate) mod kubernetes;
mod service;
mod templates;
mod view;

use indexmap::IndexMap;
use serde::Serialize;

use crate::{digest, plan::Plan};
pub use kubernetes::{KUSTOMIZATION, SECRETS_FILE, cluster, manifests};
pub use templates::Templates;

/// The file that `docker compose` reads.
pub const COMPOSE_FILE: &str = "compose.yaml";
/// The helper image beside a standalone bundle; the caller puts it there.
pub const HELPER_FILE: &str = "helper.tar";
/// The folder of a standalone bundle that holds what its volumes are filled with.
pub const FILES_DIR: &str = "files";
/// The Compose profile of jobs that run on demand only: a bare `docker compose up` leaves them alone.
pub const ON_DEMAND: &str = "on-demand";

/// Who will launch the files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Form {
    /// `up`: networks and volumes were made before, with labels, and are external here.
    Launch,
    /// A person with `docker compose` alone: the file makes networks and volumes and fills them.
    Standalone,
}

/// The rendered files: relative path, with `/`, to content.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bundle {
    pub files: IndexMap<String, Vec<u8>>,
}

/// One line of a bundle's listing, as `render --format json` prints it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Listed {
    pub path: String,
    /// 64 digits, without a prefix.
    pub sha256: String,
}

impl Bundle {
    pub fn listing(&self) -> Vec<Listed> {
        let listed = |(path, content): (&String, &Vec<u8>)| Listed {
            path: path.clone(),
            sha256: digest::sha256(content).trim_start_matches("sha256:").to_owned(),
        };
        self.files.iter().map(listed).collect()
    }
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RenderError {
    #[error("there is no template `{name}` to replace; the templates are {known}")]
    UnknownTemplate { name: String, known: String },
    /// A template cannot be read or filled in; `why` shows the place.
    #[error("template `{name}`: {why}")]
    Template { name: String, why: String },
    #[error("{file}: the rendered text is no YAML: {why}")]
    NotYaml { file: String, why: String },
    /// The rendered text does not say what the plan says.
    #[error("{file}: {path} is {found} where the plan has {wanted}")]
    Mismatch { file: String, path: String, wanted: String, found: String },
    #[error("file `{path}` of volume `{volume}` leads out of the volume")]
    Outside { volume: String, path: String },
}

/// Renders a plan for Compose; the same plan, form and templates give the same bytes.
pub fn bundle(plan: &Plan, form: Form, templates: &Templates) -> Result<Bundle, RenderError> {
    let fillers = match form {
        Form::Launch => Vec::new(),
        Form::Standalone => fill::fillers(plan),
    };
    let text = templates.fill(templates::COMPOSE, &view::view(plan, form, &fillers))?;
    check::check(&text, plan, form, &fillers)?;

    let mut files = IndexMap::from([(COMPOSE_FILE.to_owned(), text.into_bytes())]);
    if form == Form::Standalone {
        files.extend(fill::files(plan)?);
    }
    Ok(Bundle { files })
}
