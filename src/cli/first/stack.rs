//! The whole file: services in their order, what stands around them, and a last look by `check`.

use std::collections::BTreeSet;

use prodmirror::{
    path::Segment,
    profile::{self, Layers, Problem, Source, VERSION},
};
use serde_json::Value;

use super::{
    document::Document,
    images,
    interpolation::{Answers, answer_all},
    names::{Names, plain},
    process::{secret_value, variables},
    secrets::Secrets,
    service::{Around, Entry, Service, entry},
    taking::{Taking, left_out},
    text::{self, Yaml},
};

/// The profile's text.
pub fn profile(document: Document, file: &str) -> String {
    let Document { mut value, resolved, dotenv, folder, alone } = document;
    let mut answers = Answers::new();
    answer_all(&mut value, "", &dotenv, &mut answers);
    let mut top = Taking::new("", value);
    let folder_name = folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let project = top.scalar("name").unwrap_or(folder_name);
    let _ = top.take("version");
    let mut secrets = Secrets::default();
    let mut names = Names::default();
    let services = top.take("services").unwrap_or(Value::Null);
    let ends = ended(&services);
    let built = images::built_here(&services);
    let mut gathered = Vec::new();
    for (theirs, value) in services.as_object().cloned().unwrap_or_default() {
        let resolved = resolved.as_ref().and_then(|all| all.get("services")?.get(&theirs));
        let mut map = Taking::new(format!("services.{theirs}"), value);
        if alone {
            map.without(&[("extends", "only Compose itself follows it")]);
        }
        match images::image(&mut map, &project, &theirs, &built) {
            Ok(image) => {
                names.add(&theirs);
                let variables = variables(&mut map, resolved, &answers);
                gathered.push(Service { engine: images::engine(&image), theirs, map, image, variables });
            }
            Err(why) => top.not_taken(&format!("services.{theirs}"), &why),
        }
    }
    learn(&gathered, &names, &mut secrets);
    declared(&mut top, &mut secrets);
    let around = Around { folder: &folder, names: &names, answers: &answers, ends: &ends };
    let entries = gathered.into_iter().map(|service| entry(service, &mut secrets, &around)).collect();
    let mut written =
        Written { name: plain(&project), file: file.to_owned(), entries, notes: around_services(top) };
    written.hide(&secrets);
    written.settle(&secrets);
    written.text(&secrets)
}

/// Services that another one waits for until they have ended: jobs.
fn ended(services: &Value) -> Vec<String> {
    let all = services.as_object().into_iter().flat_map(|services| services.values());
    let conditions = all.filter_map(|service| service.get("depends_on")?.as_object()).flatten();
    let of_job = |condition: &Value| {
        condition.get("condition").and_then(Value::as_str) == Some("service_completed_successfully")
    };
    conditions.filter(|(_, condition)| of_job(condition)).map(|(name, _)| name.clone()).collect()
}

/// Learns every secret before any text is written, a store's first: its name is the best one.
fn learn(services: &[Service], names: &Names, secrets: &mut Secrets) {
    for service in services {
        secrets.word(&service.theirs);
        for variable in &service.variables {
            if let (None, Some(value)) = (secret_value(variable), &variable.value) {
                secrets.word(value);
            }
        }
    }
    let stores_first = services.iter().filter(|service| service.engine.is_some());
    for service in stores_first.chain(services.iter().filter(|service| service.engine.is_none())) {
        let name = names.get(&service.theirs).unwrap_or(&service.theirs);
        for variable in &service.variables {
            if let Some(value) = secret_value(variable) {
                let _ = secrets.of_variable(name, &variable.name, &value);
            }
        }
    }
}

fn declared(top: &mut Taking, secrets: &mut Secrets) {
    let Some(Value::Object(all)) = top.take("secrets") else { return };
    for theirs in all.keys() {
        let ours = secrets.declare(theirs);
        top.note(format!("secrets.{theirs}: a value is made at random; `--secret {ours}=@FILE` gives it"));
    }
}

/// Networks and volumes that say no more than Compose adds by itself are nothing to mention.
fn around_services(mut top: Taking) -> Vec<String> {
    for key in ["networks", "volumes"] {
        let Some(Value::Object(all)) = top.take(key) else { continue };
        for (name, value) in all {
            let plain = value.as_object().is_none_or(|value| value.keys().all(|key| key == "name"));
            if !plain || key == "networks" && name != "default" {
                top.not_taken(&format!("{key}.{name}"), "");
            }
        }
    }
    top.close()
}

struct Written {
    name: String,
    file: String,
    entries: Vec<Entry>,
    notes: Vec<String>,
}

impl Written {
    /// Leaves out what would show the value of a secret; variables hold references already.
    fn hide(&mut self, secrets: &Secrets) {
        for entry in &mut self.entries {
            let (shown, kept) = std::mem::take(&mut entry.fields).into_iter().partition(|(key, value)| {
                key != "env" && texts(value).iter().any(|text| secrets.shows(text))
            });
            entry.fields = kept;
            let shown: Vec<(String, Yaml)> = shown;
            let why = "it holds a password: read it from a variable or a file there";
            entry.notes.extend(
                shown.iter().map(|(key, _)| left_out(&format!("{}.{}", entry.path, theirs(key)), why)),
            );
        }
    }

    /// Takes out again what `check` refuses, until it refuses nothing.
    fn settle(&mut self, secrets: &Secrets) {
        let places: usize = self.entries.iter().map(|entry| entry.fields.len() + 1).sum();
        for _ in 0..places {
            let text = self.text(secrets);
            let problems = problems(&text);
            let removed = problems.iter().filter(|problem| self.remove(problem)).count();
            if removed == 0 {
                return;
            }
        }
    }

    fn remove(&mut self, problem: &Problem) -> bool {
        let keys: Vec<&str> = problem
            .path
            .0
            .iter()
            .map_while(|segment| match segment {
                Segment::Key(key) => Some(key.as_str()),
                Segment::Index(_) | Segment::Member { .. } => None,
            })
            .collect();
        let [section, name, rest @ ..] = &keys[..] else { return false };
        let Some(at) = self.entries.iter().position(|entry| entry.section == *section && entry.name == *name)
        else {
            return false;
        };
        let note = left_out(&problem.path.to_string(), &problem.message);
        match rest {
            [] => {
                let gone = self.entries.remove(at);
                self.notes.extend(gone.notes.into_iter().chain([note]));
                true
            }
            [key, below @ ..] => {
                let entry = &mut self.entries[at];
                let removed = without(&mut entry.fields, key, below);
                if removed && !entry.notes.contains(&note) {
                    entry.notes.push(note);
                }
                removed
            }
        }
    }

    fn text(&self, secrets: &Secrets) -> String {
        let mut out = String::new();
        text::comment(
            &mut out,
            0,
            &format!(
                "A first profile, taken from {}. Next: `prodmirror check`, then `prodmirror pin`.",
                self.file
            ),
        );
        text::comment(&mut out, 0, "A line `not taken: PATH` names what of the file is not part of it.");
        text::entry(&mut out, 0, "apiVersion", &Yaml::bare(VERSION));
        text::entry(&mut out, 0, "name", &Yaml::text(self.name.as_str()));
        for note in &self.notes {
            text::comment(&mut out, 0, note);
        }
        let declared: Vec<_> =
            secrets.declared.iter().map(|name| (name.clone(), Yaml::Map(Vec::new()))).collect();
        if !declared.is_empty() {
            out.push('\n');
            text::entry(&mut out, 0, "secrets", &Yaml::Map(declared));
        }
        for section in ["services", "jobs", "stores"] {
            let entries: Vec<_> = self.entries.iter().filter(|entry| entry.section == section).collect();
            if entries.is_empty() {
                continue;
            }
            out.push_str(&format!("\n{section}:\n"));
            for entry in entries {
                out.push_str(&format!("  {}:\n", entry.name));
                for (key, value) in &entry.fields {
                    text::entry(&mut out, 2, key, value);
                }
                // The same may be said by two readers of one key.
                let mut said = BTreeSet::new();
                for note in entry.notes.iter().filter(|note| said.insert(*note)) {
                    text::comment(&mut out, 2, note);
                }
            }
        }
        out
    }
}

/// What Compose calls a field.
fn theirs(field: &str) -> &str {
    match field {
        "probes" => "healthcheck",
        "run_as" => "user",
        "resources" => "deploy.resources",
        field => field,
    }
}

/// Takes out the field at a path, or the nearest one above that is there.
fn without(fields: &mut Vec<(String, Yaml)>, key: &str, below: &[&str]) -> bool {
    let Some(at) = fields.iter().position(|(name, _)| name == key) else { return false };
    if let ([next, rest @ ..], (_, Yaml::Map(inner))) = (below, &mut fields[at])
        && without(inner, next, rest)
    {
        if inner.is_empty() {
            fields.remove(at);
        }
        return true;
    }
    fields.remove(at);
    true
}

fn texts(value: &Yaml) -> Vec<&str> {
    match value {
        Yaml::Text(text) | Yaml::Bare(text) => vec![text],
        Yaml::List(items) => items.iter().flat_map(texts).collect(),
        Yaml::Map(entries) => {
            entries.iter().flat_map(|(key, value)| [vec![key.as_str()], texts(value)].concat()).collect()
        }
    }
}

fn problems(text: &str) -> Vec<Problem> {
    let documents = [Source::new("profile", text)];
    let layers = Layers {
        documents: &documents,
        set: &[],
        unset: &[],
        allow_unpinned: true,
        read_file: &|_, _| Err("no file".into()),
    };
    profile::check(&layers).into_iter().filter(Problem::is_error).collect()
}
