//! The environments of a profile, of containers that run, and of the process itself.

use std::collections::BTreeMap;

use indexmap::IndexMap;

use super::{Concealing, Environment, Keeping, Keyed, Section, Source, Value, Variable};
use crate::{
    capture::redact::Values,
    labels::{self, Kind},
    observed::{Container, Observed},
    plan::{
        PodKind, SecretPlan, Template, TemplatePiece,
        capabilities::ImageFacts,
        url_encode,
        variables::{self, Given, Giver, Variables},
    },
    profile::{PodField, Profile},
};

/// What every service, job and store of a profile would get; secrets that it declares have no value yet.
pub fn of_profile(profile: &Profile, origin: &str, keeping: Keeping<'_>) -> Vec<Environment> {
    of_captured(profile, &Values::default(), origin, None, keeping)
}

/// The same of a profile that was captured; its secrets are hashed where their values were read, and `unread` says why
/// others were not, where they could have been.
pub fn of_captured(
    profile: &Profile,
    values: &Values,
    origin: &str,
    unread: Option<&str>,
    keeping: Keeping<'_>,
) -> Vec<Environment> {
    let carriers = variables::carriers(profile);
    let value_of = |variable: &str| {
        let is_url = |secret: &SecretPlan| secret.url_variable.as_deref() == Some(variable);
        let secret = carriers.iter().find(|secret| secret.variable == variable || is_url(secret))?;
        let value = values.get(&secret.secret)?;
        Some(if is_url(secret) { url_encode(value) } else { value.to_owned() })
    };
    let hashed = |template: &Template| match template.0.as_slice() {
        [TemplatePiece::Variable(variable)] if value_of(variable).is_none() => {
            let secret = carriers.iter().find(|secret| secret.variable == *variable)?;
            values.hash(&secret.secret).cloned()
        }
        _ => Some(keeping.key.hash(&template.fill(value_of)?)),
    };
    let one = |Variables { service, kind, given }| {
        let given = given.into_iter().map(|(name, given)| wanted(name, given, &hashed));
        Environment {
            service: Some(service.to_string()),
            section: section(kind),
            origin: origin.to_owned(),
            variables: concealed(given.collect(), keeping),
            unread: unread.map(str::to_owned),
        }
    };
    variables::variables(profile).into_iter().map(one).collect()
}

/// The variables of one process with what is secret among their texts as hashes.
pub fn concealed(mut variables: Vec<Variable>, keeping: Keeping<'_>) -> Vec<Variable> {
    let texts = variables.iter().filter_map(|one| Some((one.name.as_str(), one.value.text()?)));
    let concealing = Concealing::of(texts, keeping);
    for Variable { name, value, .. } in &mut variables {
        if let Value::Text(text) = value {
            *value = concealing.conceal(name, text);
        }
    }
    variables
}

fn wanted(name: String, given: Given, hashed: &dyn Fn(&Template) -> Option<Keyed>) -> Variable {
    let source = source(given.by);
    let written = written(&given);
    let value = match given.value {
        Err(why) => Value::Hole(why),
        Ok(template) if template.holds_secret() => Value::Secret(hashed(&template)),
        Ok(template) => Value::Text(template.to_string()),
    };
    Variable { name, value, source, written }
}

/// What the profile writes where the value itself is not known from it.
fn written(given: &Given) -> Option<String> {
    let template = given.value.as_ref().ok().filter(|template| template.holds_secret());
    template.map(ToString::to_string).or_else(|| given.field.map(|field| format!("field {}", word(field))))
}

fn word(field: PodField) -> &'static str {
    match field {
        PodField::PodName => "pod.name",
        PodField::PodAddress => "pod.address",
        PodField::NodeName => "node.name",
        PodField::LimitsCpu => "limits.cpu",
        PodField::LimitsMemory => "limits.memory",
        PodField::RequestsCpu => "requests.cpu",
        PodField::RequestsMemory => "requests.memory",
    }
}

fn section(kind: PodKind) -> Section {
    match kind {
        PodKind::Service => Section::Services,
        PodKind::Job => Section::Jobs,
        PodKind::Store => Section::Stores,
    }
}

fn source(by: Giver) -> Source {
    match by {
        Giver::Env => Source::Env,
        Giver::Flag => Source::Flag,
        Giver::Store => Source::Store,
        Giver::Timezone => Source::Timezone,
        Giver::ServiceLink => Source::ServiceLink,
    }
}

/// How containers are read.
#[derive(Clone, Copy)]
pub struct Reading<'a> {
    pub keeping: Keeping<'a>,
    /// Whether the image's own variables are read too.
    pub image: bool,
}

/// What runs in a mirror, per service, from its first replica; `profile` is the one that it came from.
pub fn of_mirror(
    profile: &Profile,
    observed: &Observed,
    origin: &str,
    reading: Reading<'_>,
) -> Vec<Environment> {
    let mut found = Vec::new();
    for Variables { service, kind, given } in variables::variables(profile) {
        let Some(first) = first_replica(observed, service.as_str()) else { continue };
        let image = observed.images.get(&first.image_id);
        found.push(Environment {
            service: Some(service.to_string()),
            section: section(kind),
            origin: origin.to_owned(),
            variables: live(pairs(&first.env), image, Some(&given), reading)
                .into_iter()
                .chain(first.untold.iter().map(|name| untold(name, given.get(name))))
                .collect(),
            unread: Some("the API server has it in a Secret: `--live` asks the process".to_owned()),
        });
    }
    found
}

/// A variable that is there and whose value is told by the process alone.
fn untold(name: &str, planned: Option<&Given>) -> Variable {
    let template = planned.and_then(|given| given.value.as_ref().ok());
    let value = match template.is_some_and(Template::holds_secret) {
        true => Value::Secret(None),
        false => Value::Hole("only the process itself tells it: `--live`".to_owned()),
    };
    let source = planned.map_or(Source::Env, |given| source(given.by));
    Variable { name: name.to_owned(), value, source, written: planned.and_then(written) }
}

/// The main container of a service's first replica.
pub fn first_replica<'a>(observed: &'a Observed, service: &str) -> Option<&'a Container> {
    let mains = [Kind::Service, Kind::Store, Kind::Job].map(Kind::as_str);
    let label = |container: &Container, name: &str| container.labels.get(name).cloned().unwrap_or_default();
    observed
        .containers
        .iter()
        .filter(|container| label(container, labels::SERVICE) == service)
        .filter(|container| mains.contains(&label(container, labels::KIND).as_str()))
        .min_by_key(|container| label(container, labels::ORDINAL).parse::<u32>().unwrap_or(u32::MAX))
}

/// A container of anybody's.
pub fn of_container(
    container: &Container,
    image: Option<&ImageFacts>,
    service: &str,
    origin: &str,
    reading: Reading<'_>,
) -> Environment {
    Environment {
        service: Some(service.to_owned()),
        section: Section::Services,
        origin: origin.to_owned(),
        variables: live(pairs(&container.env), image, None, reading),
        unread: None,
    }
}

/// The process itself: `/proc/1/environ` in place of what its container was given.
///
/// What is known of a variable's source stays; what the process has besides is its own.
pub fn of_process(bytes: &[u8], given: &Environment, keeping: Keeping<'_>) -> Environment {
    let mut variables = Vec::new();
    for line in bytes.split(|byte| *byte == 0).filter(|line| !line.is_empty()) {
        let (name, value) = match line.iter().position(|byte| *byte == b'=') {
            Some(at) => (&line[..at], &line[at + 1..]),
            None => continue,
        };
        let name = String::from_utf8_lossy(name).into_owned();
        let known = given.get(&name);
        let value = match (std::str::from_utf8(value), known.map(|known| &known.value)) {
            (Err(_), _) => Value::Hole("it is not UTF-8".to_owned()),
            (Ok(text), Some(Value::Secret(_))) => Value::Secret(Some(keeping.key.hash(text))),
            (Ok(text), _) => Value::from(text),
        };
        let source = known.map_or(Source::Process, |known| known.source);
        let written = known.and_then(|known| known.written.clone());
        variables.push(Variable { name, value, source, written });
    }
    Environment { variables: concealed(variables, keeping), ..given.clone() }
}

fn pairs(env: &[String]) -> IndexMap<&str, &str> {
    env.iter().map(|line| line.split_once('=').unwrap_or((line, ""))).collect()
}

fn live(
    found: IndexMap<&str, &str>,
    image: Option<&ImageFacts>,
    given: Option<&IndexMap<String, Given>>,
    reading: Reading<'_>,
) -> Vec<Variable> {
    let own: BTreeMap<&str, &str> =
        image.map(|image| pairs(&image.env).into_iter().collect()).unwrap_or_default();
    let mut variables = Vec::new();
    for (name, value) in found {
        let planned = given.and_then(|given| given.get(name));
        let is_image = planned.is_none() && own.get(name) == Some(&value);
        if is_image && !reading.image {
            continue;
        }
        let template =
            planned.and_then(|given| given.value.as_ref().ok()).filter(|value| value.holds_secret());
        let value = match template {
            Some(_) => Value::Secret(Some(reading.keeping.key.hash(value))),
            None => Value::from(value),
        };
        let source = match planned {
            Some(given) => source(given.by),
            None if is_image => Source::Image,
            None => Source::Env,
        };
        let written = planned.and_then(written);
        variables.push(Variable { name: name.to_owned(), value, source, written });
    }
    concealed(variables, reading.keeping)
}
