//! The embedded templates, and a user's in their place.

use std::io::Write;

use serde::Serialize;
use tera::{Context, Kwargs, State, Tera, Value};

use super::{RenderError, escape, interpolation};

/// The template of `compose.yaml`; it includes the others.
pub(super) const COMPOSE: &str = "compose/compose.yaml.tera";

macro_rules! embedded {
    ($($name:literal),*) => {
        [$(($name, include_str!(concat!("../../templates/", $name)))),*]
    };
}

const EMBEDDED: [(&str, &str); 11] = embedded![
    "compose/compose.yaml.tera",
    "compose/head.yaml.tera",
    "compose/service.yaml.tera",
    "compose/resources.yaml.tera",
    "kubernetes/file.yaml.tera",
    "kubernetes/object.yaml.tera",
    "kubernetes/pod.yaml.tera",
    "kubernetes/container.yaml.tera",
    "kubernetes/walls.yaml.tera",
    "kubernetes/kustomization.yaml.tera",
    "kubernetes/secrets.sh.tera"
];

/// Compiled templates, ready to be filled in.
///
/// In a template `{{ text }}` is a quoted YAML scalar, in which Compose reads
/// every `$` as itself: quoting is what an author gets who does nothing. The
/// filters are `key` (a mapping's key), `list` (texts as a flow sequence) and
/// `comment`; Compose's `filled` (text with variables), and Kubernetes'
/// `nested` (rendered lines, moved to the right).
pub struct Templates {
    /// Compose fills in what begins with `$`; a manifest does not.
    compose: Tera,
    kubernetes: Tera,
}

impl Templates {
    pub fn embedded() -> Self {
        Self::compile(EMBEDDED).expect("the embedded templates compile, a test holds it")
    }

    /// The embedded templates with some replaced, by name: `compose/head.yaml.tera`.
    ///
    /// Fails on a name that is not embedded, and on a text that does not compile.
    pub fn with<'a>(overrides: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self, RenderError> {
        let mut texts = EMBEDDED;
        for (name, text) in overrides {
            let place = texts.iter_mut().find(|(known, _)| *known == name).ok_or_else(|| {
                let known: Vec<String> = Self::names().map(|name| format!("`{name}`")).collect();
                RenderError::UnknownTemplate { name: name.to_owned(), known: known.join(", ") }
            })?;
            place.1 = text;
        }
        Self::compile(texts)
    }

    /// The names that [`Templates::with`] takes.
    pub fn names() -> impl Iterator<Item = &'static str> {
        EMBEDDED.iter().map(|(name, _)| *name)
    }

    fn compile(texts: [(&str, &str); EMBEDDED.len()]) -> Result<Self, RenderError> {
        let of = |family: &str| texts.into_iter().filter(|(name, _)| name.starts_with(family)).collect();
        let mut compose = tera(interpolated, |text, out| out.write_all(interpolated(text).as_bytes()));
        // Its variables are written already, and every other `$` is doubled.
        compose.register_filter("filled", |text: &str, _: Kwargs, _: &State| {
            Value::safe_string(&escape::quoted(text))
        });
        let mut kubernetes = tera(escape::quoted, |text, out| out.write_all(escape::quoted(text).as_bytes()));
        kubernetes.register_filter("nested", |text: &str, by: Kwargs, _: &State| {
            let by = by.must_get::<usize>("by")?;
            Ok::<_, tera::Error>(Value::safe_string(&nested(text, by)))
        });
        add(&mut compose, of("compose/"))?;
        add(&mut kubernetes, of("kubernetes/"))?;
        Ok(Self { compose, kubernetes })
    }

    pub(super) fn fill(&self, name: &str, view: &impl Serialize) -> Result<String, RenderError> {
        let tera = if name.starts_with("kubernetes/") { &self.kubernetes } else { &self.compose };
        let context = Context::from_serialize(view).map_err(|error| wrong(name, &error))?;
        tera.render(name, &context).map_err(|error| wrong(name, &error))
    }
}

/// A text that Compose reads as itself.
fn interpolated(text: &str) -> String {
    escape::quoted(&interpolation::literal(text))
}

type Escape = fn(&str, &mut dyn Write) -> std::io::Result<()>;

/// One family of templates, whose texts are written as `scalar`, and by themselves as `escape` says, which is the same.
fn tera(scalar: fn(&str) -> String, escape: Escape) -> Tera {
    let mut tera = Tera::new();
    tera.autoescape_on([".yaml.tera"]);
    tera.set_escape_fn(escape);
    tera.register_filter("key", |text: &str, _: Kwargs, _: &State| Value::safe_string(&escape::key(text)));
    tera.register_filter("comment", |text: &str, _: Kwargs, _: &State| {
        Value::safe_string(&escape::comment(text))
    });
    tera.register_filter("list", move |texts: Vec<String>, _: Kwargs, _: &State| {
        let quoted: Vec<String> = texts.iter().map(|text| scalar(text)).collect();
        Value::safe_string(&format!("[{}]", quoted.join(", ")))
    });
    tera
}

fn add(tera: &mut Tera, texts: Vec<(&str, &str)>) -> Result<(), RenderError> {
    tera.add_raw_templates(texts).map_err(|error| wrong("", &error))
}

/// Lines moved to the right. No scalar of ours goes over a line, so none is changed.
fn nested(text: &str, by: usize) -> String {
    let margin = " ".repeat(by);
    let lines: Vec<String> = text.trim_matches('\n').lines().map(|line| format!("{margin}{line}")).collect();
    lines.join("\n")
}

impl std::fmt::Debug for Templates {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(Self::names()).finish()
    }
}

/// Tera's report with its place, and the causes behind it.
fn wrong(name: &str, error: &tera::Error) -> RenderError {
    let mut why = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        why = format!("{why}: {cause}");
        source = cause.source();
    }
    RenderError::Template { name: name.to_owned(), why }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_templates_compile() {
        assert!(Templates::compile(EMBEDDED).is_ok());
    }

    #[test]
    fn a_template_that_is_not_ours_is_refused_with_the_names() {
        let error = Templates::with([("compose.yaml", "")]).unwrap_err();
        assert!(error.to_string().contains("`compose/service.yaml.tera`"), "{error}");
    }

    #[test]
    fn a_template_that_does_not_compile_shows_the_place() {
        let error = Templates::with([("compose/head.yaml.tera", "# x\n{% if %}")]).unwrap_err();
        assert!(error.to_string().contains("{% if %}"), "{error}");
    }
}
