//! What a container runs: variables, command, hooks, and the check of its health.

use serde_json::{Value as Json, json};

use super::{
    interpolation::{Answer, Answers, Part},
    keys::HEALTHCHECK,
    quantities::duration,
};
use crate::{
    capture::{
        draft::{Sketch, Taking, scalar},
        redact::{MASK, is_telling, named},
    },
    path::Path,
    plan::in_url,
    profile::{Piece, Text},
};

/// One variable as the file has it.
pub struct Variable<'s> {
    pub name: String,
    /// Absent: taken from the environment of whoever calls Compose.
    pub value: Option<String>,
    /// What variables of the host's environment it is made of.
    answer: Answer,
    at: Taking<'s>,
}

impl Variable<'_> {
    /// Something to know of it.
    pub fn remark(&self, message: String) {
        self.at.remark(message);
    }
}

/// Takes `environment`, and `env_file` where Compose has read it (`resolved` is the service then).
pub fn variables<'s>(service: &Taking<'s>, resolved: Option<&Json>, answers: &Answers) -> Vec<Variable<'s>> {
    let mut found: Vec<Variable<'s>> = Vec::new();
    for pair in service.pairs("environment", &['=']) {
        let mut answer = answers.get(pair.at.path()).cloned().unwrap_or_default();
        if !pair.at.value().is_null() && service.get("environment").is_some_and(|all| all.value().is_array())
        {
            cut_name(&mut answer);
        }
        found.push(Variable { name: pair.name, value: pair.value, answer, at: pair.at });
    }
    let Some(files) = service.get("env_file") else { return found };
    let Some(all) = resolved.and_then(|service| service.get("environment")).and_then(Json::as_object) else {
        files.left_out("Compose did not read it here: copy its variables to `env`");
        return found;
    };
    files.used();
    for (name, value) in all {
        if !found.iter().any(|variable| variable.name == *name) {
            let value = scalar(value).map(|value| value.replace("$$", "$"));
            let at = files.clone();
            found.push(Variable { name: name.clone(), value, answer: Answer::default(), at });
        }
    }
    found
}

/// `NAME=VALUE` of a list: the letters up to the sign are no part of the value.
fn cut_name(answer: &mut Answer) {
    if let Some(Part::Text(first)) = answer.parts.first_mut()
        && let Some((_, value)) = first.split_once('=')
    {
        *first = value.to_owned();
    }
}

/// Writes a variable where it belongs: below `env`, or in a store's own field.
pub fn write<'s>(variable: &Variable<'s>, workload: &str, at: &Path, to: &mut Sketch<'s>) {
    let place = &variable.at;
    to.origins.add(at.clone(), place.clone());
    let missing: Vec<String> = match &variable.value {
        None => vec![variable.name.clone()],
        Some(_) => variable.answer.missing().map(str::to_owned).collect(),
    };
    if missing.is_empty() {
        for (name, default) in &variable.answer.defaults {
            let shown = if is_telling(name) || is_telling(&variable.name) { MASK } else { default };
            place.remark(format!("`{shown}` is what {name} is without the host's environment"));
        }
        let text = Text::literal(variable.value.clone().unwrap_or_default());
        to.put(at, text.to_string());
        return;
    }
    // A variable of the host that is a secret of its own can be made up; any other cannot.
    let whole = missing.len() == 1 && variable.value.as_deref().is_none_or(str::is_empty);
    let secret = |name: &str| is_telling(name) || whole && is_telling(&variable.name);
    if !missing.iter().all(|name| secret(name)) {
        let names: Vec<_> = missing.iter().map(|name| format!("${{{name}}}")).collect();
        place.hole();
        to.put(at, json!({"hole": format!("the Compose file takes {} from the host", names.join(", "))}));
        return;
    }
    let parts = match variable.value {
        None => vec![Part::Missing(variable.name.clone())],
        Some(_) => variable.answer.parts.clone(),
    };
    let mut pieces = Vec::new();
    for part in parts {
        pieces.push(match part {
            Part::Text(text) => Piece::Literal(text),
            Part::Missing(name) => {
                let wanted = if whole { &variable.name } else { &name };
                let secret = to.secrets.declare(&format!("${{{name}}}"), &named(workload, wanted), None);
                place.remark(format!("{name} of the host is the secret `{secret}` now"));
                Piece::Secret(secret)
            }
        });
    }
    to.put(at, Text(pieces).to_string());
}

/// Writes a variable of a file that `render` wrote: what it takes from the host are secrets of the profile.
pub fn write_rendered<'s>(variable: &Variable<'s>, at: &Path, to: &mut Sketch<'s>) {
    to.origins.add(at.clone(), variable.at.clone());
    let Answer { parts, .. } = &variable.answer;
    if variable.answer.missing().next().is_none() {
        to.put(at, Text::literal(variable.value.clone().unwrap_or_default()).to_string());
        return;
    }
    let mut before = String::new();
    let mut pieces = Vec::new();
    for part in parts {
        pieces.push(match part {
            Part::Text(text) => {
                before.push_str(text);
                Piece::Literal(text.clone())
            }
            Part::Missing(name) => {
                // Inside of a URL the value stands percent-encoded, in a variable of its own.
                let of_url = name.strip_suffix("_URL").filter(|_| in_url(&before));
                let name = of_url.unwrap_or(name);
                let ours = name.to_lowercase().replace('_', "-");
                Piece::Secret(to.secrets.declare(&format!("${{{name}}}"), &ours, None))
            }
        });
    }
    to.put(at, Text(pieces).to_string());
}

/// A word of a command, and the variable of the host that it is, if it is one.
pub struct Word {
    pub text: String,
    pub missing: Option<String>,
}

/// Takes `entrypoint` or `command`; a text is split as a shell splits words.
pub fn words(service: &Taking<'_>, key: &str, answers: &Answers) -> Option<Vec<Word>> {
    let at = service.get(key)?;
    let missing = |at: &Path| answers.get(at).and_then(|answer| answer.missing().next().map(str::to_owned));
    let words: Option<Vec<Word>> = match at.value() {
        Json::String(text) => shlex::split(text)
            .map(|words| words.into_iter().map(|text| Word { text, missing: missing(at.path()) }).collect()),
        Json::Array(_) => {
            let word =
                |item: Taking<'_>| Some(Word { text: scalar(item.value())?, missing: missing(item.path()) });
            at.items().into_iter().map(word).collect()
        }
        _ => None,
    };
    let Some(words) = words else {
        at.left_out("its words are not understood");
        return None;
    };
    at.used();
    let gone: Vec<_> = words.iter().filter_map(|word| word.missing.as_deref()).collect();
    if let Some(first) = gone.first() {
        at.remark(format!("{first} of the host is not set here, and leaves nothing"));
    }
    if at.value().is_string() && words.iter().any(|word| word.text.contains('$')) {
        at.remark("no shell runs it, so `$` in it is no variable");
    }
    Some(words)
}

/// Takes `healthcheck` as a readiness probe with all its numbers: Compose's defaults are not Kubernetes'.
pub fn readiness<'s>(service: &Taking<'s>, at: &Path, is_job: bool, to: &mut Sketch<'s>) {
    let Some(check) = service.get("healthcheck") else { return };
    check.without(HEALTHCHECK);
    let time = |key| check.parsed(key, duration).map_or_else(|| "30s".to_owned(), |span| span.to_string());
    let (period, timeout) = (time("interval"), time("timeout"));
    let retries = check.parsed("retries", |text| text.parse::<u32>().ok()).unwrap_or(3).max(1);
    if check.truth("disable") == Some(true) {
        check.used();
        check.remark("it is switched off");
        return;
    }
    let Some(test) = check.get("test") else {
        check.left_out("the image's own check is not looked at");
        return;
    };
    let Some(command) = command(test.value()) else {
        check.left_out("there is no command in it");
        return;
    };
    if is_job {
        check.left_out("a job is ready when it has ended");
        return;
    }
    let probe = json!({"exec": command, "period": period, "timeout": timeout, "failure_threshold": retries});
    to.take(&at.key("probes").key("readiness"), probe, &test);
}

/// `[CMD, …]`, `[CMD-SHELL, line]`, or the line alone; `[NONE]` has no command.
pub fn command(test: &Json) -> Option<Vec<String>> {
    let shell = |line: String| vec!["sh".to_owned(), "-c".to_owned(), line];
    let Json::Array(items) = test else { return scalar(test).map(shell) };
    let mut words = items.iter().filter_map(scalar);
    match words.next()?.as_str() {
        "CMD" => Some(words.collect::<Vec<_>>()).filter(|words| !words.is_empty()),
        "CMD-SHELL" => words.next().map(shell),
        _ => None,
    }
}

/// Takes `post_start` and `pre_stop` where they are one command, run as the container's own user.
pub fn hooks<'s>(service: &Taking<'s>, at: &Path, to: &mut Sketch<'s>) {
    for key in ["post_start", "pre_stop"] {
        let Some(all) = service.get(key) else { continue };
        let only = <[Taking<'s>; 1]>::try_from(all.items()).ok();
        let plain = only.filter(|[hook]| hook.entries().iter().all(|(key, _)| *key == "command"));
        let words = plain.and_then(|[hook]| match hook.get("command")?.value() {
            Json::String(text) => shlex::split(text),
            Json::Array(items) => items.iter().map(scalar).collect(),
            _ => None,
        });
        match words {
            Some(words) => to.take(&at.key(key), json!({"exec": words}), &all),
            None => all.left_out("a profile has one command there, run as the container's own user"),
        }
    }
}
