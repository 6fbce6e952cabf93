//! Files of variables beside what is captured: whose they are, and what becomes of each line.
//!
//! As with Compose's `env_file`, what the stack itself says of a variable wins; a file fills what was not there, and
//! what could not be read.

use serde_json::{Map, Value as Json, json};

use super::{
    draft::{Draft, From, Input, Sketch, Taking, hole_reason},
    names::plain,
    redact::Rules,
};
use crate::{
    env::{Dialect, ReadError, Value, read},
    path::Path,
    profile::{Problems, Text},
};

/// One file of variables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variables {
    /// What notes call it.
    pub name: String,
    pub of: Whose,
    values: Vec<(String, Value)>,
}

/// Whose variables a file has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Whose {
    /// Somebody said so.
    Service(String),
    /// It is called `api.env`: the service's of that name, if there is one.
    Called(String),
    /// It is called `.env`: the only service's, if there is only one.
    Only,
}

impl Whose {
    /// By the name of the file, without its folder.
    pub fn by_name(file: &str) -> Self {
        match file.strip_suffix(".env").filter(|stem| !stem.is_empty()) {
            Some(stem) => Self::Called(stem.to_owned()),
            None => Self::Only,
        }
    }
}

/// Whether a file of this name has variables: `.env`, `api.env`, `.env.production`.
pub fn is_called_so(file: &str) -> bool {
    file.ends_with(".env") || file.starts_with(".env.")
}

impl Variables {
    /// # Errors
    /// The text is none of this dialect; the line is named, no value is.
    pub fn read(name: &str, of: Whose, text: &str, dialect: Dialect) -> Result<Self, ReadError> {
        let values = read(text, dialect)?.into_iter().collect();
        Ok(Self { name: name.to_owned(), of, values })
    }

    fn input(&self) -> Input {
        let value = |value: &Value| match value {
            Value::Text(text) => Json::from(text.as_str()),
            Value::Secret(hash) => json!({"secret": hash.as_ref().map(ToString::to_string)}),
            Value::Hole(why) => json!({"hole": why}),
        };
        let map: Map<String, Json> = self.values.iter().map(|(name, of)| (name.clone(), value(of))).collect();
        Input::new(self.name.as_str(), Json::Object(map))
    }
}

/// The profile that files of variables alone amount to: each a service whose image nobody knows.
///
/// # Errors
/// What `check` refuses of it and nothing could be left out for.
pub fn draft(files: &[Variables], from: &From, rules: &Rules) -> Result<Draft, Problems> {
    let inputs = inputs(files);
    let mut sketch = Sketch::new("captured", from);
    for (file, input) in files.iter().zip(&inputs) {
        let called = match &file.of {
            Whose::Service(name) | Whose::Called(name) => plain(name),
            Whose::Only => "app".to_owned(),
        };
        let at = Path::of(["services", &called]);
        if sketch.get(&at).is_none() {
            sketch.hole(&at.key("image"), "a file of variables names none", None);
        }
        give(&at, input, &mut sketch);
    }
    sketch.finish(&inputs, rules)
}

pub(super) fn inputs(files: &[Variables]) -> Vec<Input> {
    files.iter().map(Variables::input).collect()
}

/// Gives the workloads of a stack what the files have for them; `inputs` are those of the files.
pub(super) fn write<'s>(files: &[Variables], inputs: &'s [Input], to: &mut Sketch<'s>) {
    for (file, input) in files.iter().zip(inputs) {
        let at = match &file.of {
            Whose::Service(name) | Whose::Called(name) => workload(name, to),
            Whose::Only => only(to),
        };
        match (at, &file.of) {
            (Some(at), _) => give(&at, input, to),
            (None, Whose::Only) => input.top().left_out(
                "there are several services; `--env-file SERVICE=FILE` says whose variables these are",
            ),
            (None, Whose::Service(name) | Whose::Called(name)) => input.top().left_out(format!(
                "no service is called `{name}`; `--env-file SERVICE=FILE` says whose variables these are"
            )),
        }
    }
}

fn workload(name: &str, to: &Sketch<'_>) -> Option<Path> {
    let at = |section: &str| Path::of([section, &plain(name)]);
    ["services", "jobs", "stores"].map(at).into_iter().find(|at| to.get(at).is_some())
}

fn only(to: &Sketch<'_>) -> Option<Path> {
    let services = to.get(&Path::of(["services"]))?.as_object()?;
    let mut names = services.keys();
    let only = names.next().filter(|_| services.len() == 1)?;
    Some(Path::of(["services", only]))
}

fn give<'s>(at: &Path, input: &'s Input, to: &mut Sketch<'s>) {
    input.top().became(at.clone());
    for (name, line) in input.top().entries() {
        let at = at.key("env").key(name);
        let known = to.get(&at).cloned();
        let known = known.filter(|known| match hole_reason(known) {
            Some(_) => {
                for origin in to.origins.of(&at) {
                    origin.left_out(format!("{} has its value", input.name()));
                }
                false
            }
            None => true,
        });
        match known {
            Some(known) if spelled(&line).is_some_and(|text| known == text) => line.used(),
            Some(_) => line.left_out("the stack itself has another value, which wins as it does in Compose"),
            None => put(&at, name, &line, to),
        }
    }
}

fn put<'s>(at: &Path, name: &str, line: &Taking<'s>, to: &mut Sketch<'s>) {
    if let Some(text) = spelled(line) {
        return to.take(at, text, line);
    }
    match hole_reason(line.value()) {
        Some(why) => to.hole(at, why, Some(line)),
        // A dump of ours: that there is a secret, and its hash.
        None => {
            let wanted = super::redact::named(at.key_at(1).unwrap_or_default(), name);
            let secret =
                to.secrets.declare(&format!("{}:{name}", at.key_at(1).unwrap_or_default()), &wanted, None);
            to.take(at, format!("${{secret:{secret}}}"), line);
        }
    }
}

fn spelled(line: &Taking<'_>) -> Option<String> {
    Some(Text::literal(line.value().as_str()?).to_string())
}
