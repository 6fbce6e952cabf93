//! One container of a pod.

use serde_json::Value as Json;

use super::{env, expansion, field, live, objects::Cluster, probes, security, workloads::Workload};
use crate::{
    capture::{
        compose::store,
        draft::{Sketch, Taking, scalar},
    },
    path::Path,
    profile::{Bytes, Cpu, EngineKind, Image, Text},
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Main,
    Sidecar,
    Init,
}

/// Where a container goes, and what is around it.
pub(super) struct Place<'a, 's> {
    pub at: Path,
    pub kind: Kind,
    pub workload: &'a Workload<'s>,
    pub workloads: &'a [Workload<'s>],
    pub cluster: &'a Cluster<'s>,
}

pub(super) fn write<'s>(container: &Taking<'s>, place: &Place<'_, 's>, to: &mut Sketch<'s>) {
    container.became(place.at.clone());
    if let Some(name) = container.get("name") {
        name.used();
    }
    image(container, place, to);
    let variables = env::variables(container, place, to);
    env::write(&variables, place, to);
    command(container, &variables, place, to);
    if let Some(folder) = container.get("workingDir") {
        to.take(&field(&place.at, &["working_dir"]), folder.value().clone(), &folder);
    }
    resources(container, place, to);
    probes::write(container, place, to);
    security::of_container(container, place, to);
    container.without(&[
        ("imagePullPolicy", "a mirror pins its images and pulls what is not there"),
        ("terminationMessagePath", "logs say why a container ended"),
        ("terminationMessagePolicy", "logs say why a container ended"),
        ("stdin", "a container of a mirror has no terminal"),
        ("stdinOnce", "a container of a mirror has no terminal"),
        ("tty", "a container of a mirror has no terminal"),
        ("volumeDevices", "a mirror has no block devices"),
        ("resizePolicy", "limits of a mirror change by a new container"),
    ]);
}

fn image<'s>(container: &Taking<'s>, place: &Place<'_, 's>, to: &mut Sketch<'s>) {
    let at = field(&place.at, &["image"]);
    let Some(written) = container.get("image") else {
        // Init containers and sidecars without one would run the workload's own.
        return to.hole(&at, "the container names no image", None);
    };
    let text = written.letters().unwrap_or_default();
    let Ok(Image::Registry(mut image)) = text.parse::<Image>() else {
        return to.hole(&at, "the name of the image is not complete", Some(&written));
    };
    if image.digest.is_none() {
        image.digest = live::digest(place.workload, place.cluster, container);
    }
    to.take(&at, image.to_string(), &written);
}

/// Words of a command: where they go, where they stand, and what they are once filled in.
struct Words<'s> {
    at: Path,
    from: Taking<'s>,
    filled: Result<Vec<Text>, String>,
}

/// `command` and `args` are OCI's entrypoint and command; variables in them are filled in as the kubelet does it.
fn command<'s>(
    container: &Taking<'s>,
    variables: &env::Variables<'s>,
    place: &Place<'_, 's>,
    to: &mut Sketch<'s>,
) {
    let found: Vec<Words<'s>> = [("command", "entrypoint"), ("args", "command")]
        .into_iter()
        .filter_map(|(theirs, ours)| {
            let from = container.get(theirs)?;
            let filled = from.items().iter().map(|word| filled(word, variables)).collect();
            Some(Words { at: field(&place.at, &[ours]), from, filled })
        })
        .collect();
    if let Some(engine) = place.workload.engine.filter(|_| place.kind == Kind::Main)
        && settings(engine, &found, place, to)
    {
        return;
    }
    for Words { at, from, filled } in found {
        let literal = filled.and_then(|filled| {
            let all: Option<Vec<String>> =
                filled.iter().map(|word| word.as_literal().map(str::to_owned)).collect();
            all.ok_or_else(|| {
                "it holds a secret or the address of a service, and no reference can stand here".to_owned()
            })
        });
        match literal {
            Ok(literal) if literal.is_empty() => from.used(),
            Ok(literal) => to.take(&at, literal, &from),
            Err(why) => to.hole(&at, why, Some(&from)),
        }
    }
}

fn filled(word: &Taking<'_>, variables: &env::Variables<'_>) -> Result<Text, String> {
    let text = scalar(word.value()).unwrap_or_default();
    expansion::expand(&text, &|name| variables.get(name).map(|variable| variable.value.clone()))
}

/// A store's command that holds nothing but settings; answers whether it does.
fn settings<'s>(engine: EngineKind, found: &[Words<'s>], place: &Place<'_, 's>, to: &mut Sketch<'s>) -> bool {
    let words: Vec<&Text> = found.iter().filter_map(|words| words.filled.as_ref().ok()).flatten().collect();
    let all_known = found.iter().all(|words| words.filled.is_ok());
    // References are written as a profile writes them, and stay so in a password alone.
    let texts: Vec<String> = words.iter().map(|word| word.to_string()).collect();
    let Some(settings) = store::settings(engine, &texts).filter(|_| all_known && !texts.is_empty()) else {
        return false;
    };
    let refers = |value: &str| {
        words.iter().any(|word| word.as_literal().is_none() && value.contains(&word.to_string()))
    };
    if settings.iter().any(|(name, value)| name != "requirepass" && refers(value)) {
        return false;
    }
    for Words { from, .. } in found {
        from.used();
        for (name, value) in &settings {
            let at = match name.as_str() {
                "requirepass" => field(&place.at, &["password"]),
                name => field(&place.at, &["settings", name]),
            };
            to.take(&at, value.as_str(), from);
        }
    }
    true
}

fn resources<'s>(container: &Taking<'s>, place: &Place<'_, 's>, to: &mut Sketch<'s>) {
    let Some(resources) = container.get("resources") else { return };
    let at = field(&place.at, &["resources"]);
    for side in ["limits", "requests"] {
        let Some(map) = resources.get(side) else { continue };
        for (name, amount) in map.entries() {
            let ours = match (side, name) {
                (_, "cpu") => "cpu",
                (_, "memory") => "memory",
                ("limits", "ephemeral-storage") => "ephemeral_storage",
                (_, "ephemeral-storage") => {
                    amount.left_out("nothing is scheduled in a mirror");
                    continue;
                }
                _ => {
                    amount.left_out("a mirror has CPU and memory, and no other resource");
                    continue;
                }
            };
            match quantity(amount.value(), ours == "cpu") {
                Some(Some(text)) => {
                    to.take(&field(&at, &[side, ours]), text.as_str(), &amount);
                    // Kubernetes asks for as much as is allowed where nothing is asked for.
                    let asked = resources.get("requests").and_then(|requests| requests.get(name));
                    if side == "limits" && ours != "ephemeral_storage" && asked.is_none() {
                        to.take(&field(&at, &["requests", ours]), text, &amount);
                    }
                }
                // Nought is no limit and no wish.
                Some(None) => amount.used(),
                None => amount.left_out("the amount is not understood"),
            }
        }
    }
    if let Some(claims) = resources.get("claims") {
        claims.left_out("a mirror has no devices to claim");
    }
}

/// An amount as Kubernetes writes it, in the profile's letters; `Some(None)` for nought.
pub(in crate::capture) fn quantity(value: &Json, cpu: bool) -> Option<Option<String>> {
    let text = scalar(value)?;
    if exact(&text) == Some(0.0) {
        return Some(None);
    }
    if cpu {
        if let Ok(cpu) = text.parse::<Cpu>() {
            return Some(Some(cpu.to_string()));
        }
        // Finer than a thousandth is rounded up, as the kubelet does it.
        let millis = (exact(&text)? * 1000.0).ceil();
        return (millis < 1e12).then(|| Some(Cpu { millis: millis as u64 }.to_string()));
    }
    if let Ok(bytes) = text.parse::<Bytes>() {
        return Some(Some(bytes.to_string()));
    }
    let bytes = exact(&text)?.ceil();
    (bytes < 1e18).then(|| Some(Bytes(bytes as u64).to_string()))
}

/// `1e3`, `1500u`, `0.5Gi`: a number with any suffix that Kubernetes has.
fn exact(text: &str) -> Option<f64> {
    const SUFFIXES: [(&str, f64); 15] = [
        ("Ki", 1024.0),
        ("Mi", 1048576.0),
        ("Gi", 1073741824.0),
        ("Ti", 1099511627776.0),
        ("Pi", 1125899906842624.0),
        ("Ei", 1152921504606846976.0),
        ("n", 1e-9),
        ("u", 1e-6),
        ("m", 1e-3),
        ("k", 1e3),
        ("M", 1e6),
        ("G", 1e9),
        ("T", 1e12),
        ("P", 1e15),
        ("E", 1e18),
    ];
    let found = SUFFIXES.iter().find_map(|(suffix, factor)| Some((text.strip_suffix(suffix)?, factor)));
    let (number, factor) = found.unwrap_or((text, &1.0));
    let number: f64 = number.parse().ok()?;
    (number.is_finite() && number >= 0.0).then_some(number * factor)
}

/// What a resource field of a container amounts to, in units of its divisor.
pub(super) fn amount(container: &Taking<'_>, resource: &str, divisor: f64) -> Option<String> {
    let keys: Vec<&str> = ["resources"].into_iter().chain(resource.split('.')).collect();
    let value = container.find(&keys)?;
    let amount = exact(&scalar(value.value())?)?;
    (divisor > 0.0).then(|| format!("{}", (amount / divisor).ceil()))
}

/// The divisor as it is written; Kubernetes' own is 1.
pub(super) fn divisor(value: Option<&Json>) -> Option<f64> {
    match value.and_then(scalar).as_deref() {
        None | Some("0") => Some(1.0),
        Some(text) => exact(text),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn amounts_are_read_in_every_spelling_of_kubernetes() {
        let cpu = |text: &str| quantity(&json!(text), true).flatten();
        let memory = |value: Json| quantity(&value, false).flatten();
        assert_eq!(cpu("500m").as_deref(), Some("500m"));
        assert_eq!(cpu("0.5").as_deref(), Some("500m"));
        assert_eq!(cpu("1e1").as_deref(), Some("10"));
        assert_eq!(cpu("1500u").as_deref(), Some("2m"));
        assert_eq!(cpu("0"), None);
        assert_eq!(memory(json!("128974848")).as_deref(), Some("123Mi"));
        assert_eq!(memory(json!(1048576)).as_deref(), Some("1Mi"));
        assert_eq!(memory(json!("1e3")).as_deref(), Some("1k"));
        assert_eq!(memory(json!("1500m")).as_deref(), Some("2"));
        assert_eq!(quantity(&json!("much"), false), None);
    }
}
