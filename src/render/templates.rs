//! The embedded templates, and a user's in their place.

use std::io::Write;

use serde::Serialize;
use tera::{Context, Kwargs, State, Tera, Value};

use super::{RenderError, escape, interpolation};

/// The template of `compose.yaml`; it includes the others.
pub(super) const COMPOSE: &str = "compose/compose.yaml.tera";

const EMBEDDED: [(&str, &str); 4] = [
    (COMPOSE, include_str!("../../templates/compose/compose.yaml.tera")),
    ("compose/head.yaml.tera", include_str!("../../templates/compose/head.yaml.tera")),
    ("compose/service.yaml.tera", include_str!("../../templates/compose/service.yaml.tera")),
    ("compose/resources.yaml.tera", include_str!("../../templates/compose/resources.yaml.tera")),
];

/// Compiled templates, ready to be filled in.
///
/// In a template `{{ text }}` is a quoted YAML scalar in which Compose reads
/// every `$` as itself: quoting is what an author gets who does nothing. The
/// filters are `key` (a mapping's key), `list` (texts as a flow sequence),
/// `filled` (text with variables) and `comment`.
pub struct Templates {
    tera: Tera,
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

    fn compile<const N: usize>(texts: [(&str, &str); N]) -> Result<Self, RenderError> {
        let mut tera = Tera::new();
        tera.autoescape_on([".yaml.tera"]);
        tera.set_escape_fn(scalar);
        tera.register_filter("key", |text: &str, _: Kwargs, _: &State| {
            Value::safe_string(&escape::key(text))
        });
        tera.register_filter("comment", |text: &str, _: Kwargs, _: &State| {
            Value::safe_string(&escape::comment(text))
        });
        tera.register_filter("list", |texts: Vec<String>, _: Kwargs, _: &State| {
            let quoted: Vec<String> =
                texts.iter().map(|text| escape::quoted(&interpolation::literal(text))).collect();
            Value::safe_string(&format!("[{}]", quoted.join(", ")))
        });
        // Its variables are written already, and every other `$` is doubled.
        tera.register_filter("filled", |text: &str, _: Kwargs, _: &State| {
            Value::safe_string(&escape::quoted(text))
        });
        tera.add_raw_templates(texts).map_err(|error| wrong("", &error))?;
        Ok(Self { tera })
    }

    pub(super) fn fill(&self, name: &str, view: &impl Serialize) -> Result<String, RenderError> {
        let context = Context::from_serialize(view).map_err(|error| wrong(name, &error))?;
        self.tera.render(name, &context).map_err(|error| wrong(name, &error))
    }
}

impl std::fmt::Debug for Templates {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.tera.get_template_names()).finish()
    }
}

/// What autoescape does with a text.
fn scalar(text: &str, out: &mut dyn Write) -> std::io::Result<()> {
    out.write_all(escape::quoted(&interpolation::literal(text)).as_bytes())
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
