//! What a container runs: variables, command, and the check of its health.

use serde_json::Value;

use prodmirror::profile::Text;

use super::{
    interpolation::{Answer, Answers},
    secrets::{Secrets, is_telling},
    shapes::duration,
    taking::{Taking, scalar},
    text::Yaml,
};

/// One variable as the file has it.
#[derive(Debug)]
pub struct Variable {
    pub name: String,
    /// Absent: taken from the environment of whoever calls Compose.
    pub value: Option<String>,
    /// What variables of the host's environment it is made of.
    pub answer: Answer,
}

/// Takes `environment`, and `env_file` where Compose has read it (`resolved` is the service then).
pub fn variables(service: &mut Taking, resolved: Option<&Value>, answers: &Answers) -> Vec<Variable> {
    let answer = |at: &str| answers.get(at).cloned().unwrap_or_default();
    let path = service.at("environment");
    let mut found = Vec::new();
    match service.take("environment") {
        Some(Value::Object(map)) => {
            for (name, value) in map {
                let answer = answer(&format!("{path}.{name}"));
                found.push(Variable { name, value: scalar(&value), answer });
            }
        }
        Some(Value::Array(items)) => {
            for (index, item) in items.iter().filter_map(scalar).enumerate() {
                let answer = answer(&format!("{path}[{index}]"));
                let (name, value) = match item.split_once('=') {
                    Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
                    None => (item, None),
                };
                found.push(Variable { name, value, answer });
            }
        }
        Some(_) => service.not_taken("environment", ""),
        None => {}
    }
    if service.take("env_file").is_some() {
        let all = resolved.and_then(|service| service.get("environment")).and_then(Value::as_object);
        match all {
            None => {
                service.not_taken("env_file", "Compose did not read it here: copy its variables to `env`")
            }
            Some(all) => {
                for (name, value) in all {
                    if !found.iter().any(|variable| variable.name == *name) {
                        let value = scalar(value).map(|value| value.replace("$$", "$"));
                        found.push(Variable { name: name.clone(), value, answer: Answer::default() });
                    }
                }
            }
        }
    }
    found
}

/// The variables as a profile writes them.
pub fn env(
    service: &mut Taking,
    name: &str,
    variables: Vec<Variable>,
    secrets: &mut Secrets,
) -> Vec<(String, Yaml)> {
    let value = |variable| (service_value(service, name, &variable, secrets), variable);
    variables.into_iter().map(value).map(|(value, variable)| (variable.name, value)).collect()
}

fn service_value(service: &mut Taking, name: &str, variable: &Variable, secrets: &mut Secrets) -> Yaml {
    let at = format!("environment.{}", variable.name);
    let path = service.at(&at);
    if let Some(value) = secret_value(variable)
        && let Some(secret) = secrets.of_variable(name, &variable.name, &value)
    {
        let what = if variable.value.as_ref().is_some_and(|text| !text.is_empty()) {
            "a literal"
        } else {
            "a variable of the host"
        };
        service.note(format!("{path}: {what} stood here; it is the secret `{secret}` now"));
        return Yaml::text(format!("${{secret:{secret}}}"));
    }
    let Some(text) = &variable.value else { return hole(&format!("${{{}}}", variable.name)) };
    if !variable.answer.missing.is_empty() {
        let missing: Vec<_> = variable.answer.missing.iter().map(|name| format!("${{{name}}}")).collect();
        return hole(&missing.join(", "));
    }
    for (variable, default) in &variable.answer.defaults {
        let shown = if secrets.shows(default) { "…" } else { default };
        service.note(format!("{path}: `{shown}` is what {variable} is without the host's environment"));
    }
    let (text, found) = secrets.replace(name, &variable.name, text);
    for secret in found {
        service.note(format!("{path}: a literal password stood in it; it is the secret `{secret}` now"));
    }
    scalar_of(&text)
}

/// What a secret's value is known by: its letters, or the variable that it comes from.
pub fn secret_value(variable: &Variable) -> Option<String> {
    if !is_telling(&variable.name) {
        return None;
    }
    match (&variable.value, variable.answer.missing.first()) {
        (None, _) => Some(format!("${{{}}}", variable.name)),
        (Some(text), Some(missing)) if text.is_empty() => Some(format!("${{{missing}}}")),
        (Some(text), _) => Some(text.clone()),
    }
}

fn hole(variables: &str) -> Yaml {
    Yaml::map([("hole", Yaml::text(format!("the Compose file takes {variables} from the host")))])
}

/// Numbers and truths stay bare: variables are taken letter by letter.
fn scalar_of(text: &Text) -> Yaml {
    let text = text.to_string();
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    match digits || text == "true" || text == "false" {
        true => Yaml::Bare(text),
        false => Yaml::Text(text),
    }
}

/// Takes `entrypoint` or `command`; a text is split as a shell splits words.
pub fn words(service: &mut Taking, key: &str, answers: &Answers) -> Option<Vec<String>> {
    let path = service.at(key);
    let split = matches!(service.peek(key), Some(Value::String(_)));
    let words = match service.take(key)? {
        Value::String(text) => shlex::split(&text),
        Value::Array(items) => items.iter().map(scalar).collect(),
        _ => None,
    };
    let Some(words) = words else {
        service.not_taken(key, "its words are not understood");
        return None;
    };
    if let Some((at, answer)) = answers
        .range(path.clone()..)
        .take_while(|(at, _)| at.starts_with(&path))
        .find(|(_, answer)| !answer.missing.is_empty())
    {
        let missing = answer.missing.join(", ");
        service.note(format!("{at}: {missing} of the host is not set here, and leaves nothing"));
    }
    if split && words.iter().any(|word| word.contains('$')) {
        service.note(format!("{path}: no shell runs it, so `$` in it is no variable"));
    }
    Some(words)
}

/// Takes `healthcheck` as a readiness probe with all its numbers: Compose's defaults are not Kubernetes'.
pub fn readiness(service: &mut Taking) -> Option<Yaml> {
    let mut check = service.inner("healthcheck")?;
    let probe = probe(&mut check);
    service.notes.extend(check.close());
    probe
}

fn probe(check: &mut Taking) -> Option<Yaml> {
    let test = check.take("test");
    let interval =
        check.parsed("interval", duration).map_or_else(|| "30s".to_owned(), |span| span.to_string());
    let timeout = check.parsed("timeout", duration).map_or_else(|| "30s".to_owned(), |span| span.to_string());
    let retries = check.parsed("retries", |text| text.parse::<u32>().ok()).unwrap_or(3).max(1);
    let ended = "a readiness probe ends nothing, so it needs no time to start";
    check.without(&[("start_period", ended), ("start_interval", ended)]);
    if check.truth("disable") == Some(true) {
        check.note(format!("{}: switched off", check.path));
        return None;
    }
    let command = command(test?);
    let Some(command) = command else {
        check.not_taken("test", "there is no command in it");
        return None;
    };
    Some(Yaml::map([
        ("exec", Yaml::texts(command)),
        ("period", Yaml::bare(interval)),
        ("timeout", Yaml::bare(timeout)),
        ("failure_threshold", Yaml::bare(retries)),
    ]))
}

/// `[CMD, …]`, `[CMD-SHELL, line]`, or the line alone; `[NONE]` has no command.
fn command(test: Value) -> Option<Vec<String>> {
    let shell = |line: String| vec!["sh".to_owned(), "-c".to_owned(), line];
    let Value::Array(items) = test else { return scalar(&test).map(shell) };
    let mut words = items.iter().filter_map(scalar);
    match words.next()?.as_str() {
        "CMD" => Some(words.collect::<Vec<_>>()).filter(|words| !words.is_empty()),
        "CMD-SHELL" => words.next().map(shell),
        _ => None,
    }
}
