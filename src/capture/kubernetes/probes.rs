//! Probes and hooks of a container, with all their numbers.

use serde_json::{Map, Value as Json, json};

use super::{
    container::{Kind, Place},
    expansion::{Value, expand},
    field,
};
use crate::{
    capture::{
        draft::{Sketch, Taking, scalar},
        names::plain,
    },
    profile::{Piece, Text},
};

pub(super) fn write<'s>(container: &Taking<'s>, place: &Place<'_, 's>, to: &mut Sketch<'s>) {
    for (theirs, ours) in
        [("startupProbe", "startup"), ("readinessProbe", "readiness"), ("livenessProbe", "liveness")]
    {
        let Some(probe) = container.get(theirs) else { continue };
        if place.kind == Kind::Init {
            probe.left_out("an init container runs to its end");
            continue;
        }
        let Some(mut value) = action(&probe) else {
            probe.left_out("what it asks is not known");
            continue;
        };
        if let Some(words) = value.get_mut("exec").and_then(Json::as_array_mut) {
            fill_in(words, container);
        }
        for (theirs, ours) in [
            ("initialDelaySeconds", "initial_delay"),
            ("periodSeconds", "period"),
            ("timeoutSeconds", "timeout"),
        ] {
            if let Some(seconds) = probe.get(theirs).and_then(|seconds| scalar(seconds.value())) {
                value.insert(ours.to_owned(), json!(format!("{seconds}s")));
            }
        }
        for (theirs, ours) in
            [("successThreshold", "success_threshold"), ("failureThreshold", "failure_threshold")]
        {
            if let Some(count) = probe.get(theirs) {
                value.insert(ours.to_owned(), count.value().clone());
            }
        }
        to.take(&field(&place.at, &["probes", ours]), Json::Object(value), &probe);
        leave(&probe);
    }
    let Some(lifecycle) = container.get("lifecycle") else { return };
    for (theirs, ours) in [("postStart", "post_start"), ("preStop", "pre_stop")] {
        let Some(hook) = lifecycle.get(theirs) else { continue };
        match (of_hook(&hook), place.kind) {
            (_, Kind::Init) => hook.left_out("an init container runs to its end"),
            (Some(value), _) => {
                to.take(&field(&place.at, &[ours]), value, &hook);
                leave(&hook);
            }
            (None, _) => hook.left_out("a hook of a mirror runs a command, asks over HTTP or sleeps"),
        }
    }
    if let Some(signal) = lifecycle.get("stopSignal") {
        match place.kind {
            Kind::Main => to.take(&field(&place.at, &["stop_signal"]), signal.value().clone(), &signal),
            _ => signal.left_out("the workload's own signal stops all its containers"),
        }
    }
}

/// `$(NAME)` in the words of a probe, which the kubelet fills in by the variables that are written out beside it, and by
/// no others; it leaves those of a hook alone.
fn fill_in(words: &mut [Json], container: &Taking<'_>) {
    let variables = container.get("env").map(|all| all.items()).unwrap_or_default();
    let lookup = |name: &str| {
        let variable = variables.iter().rev().find(|variable| variable.value()["name"] == name)?;
        let is_written_out = variable.get("valueFrom").is_none();
        let text = variable.value()["value"].as_str().unwrap_or_default();
        is_written_out.then(|| Value::Text(Text(vec![Piece::Literal(text.to_owned())])))
    };
    for word in words {
        let filled = word.as_str().map(|text| expand(text, &lookup));
        // Nothing but literals goes in, so nothing else comes out.
        if let Some(Ok(text)) = filled {
            *word = json!(text.as_literal().unwrap_or_default());
        }
    }
}

/// What of a probe or a hook a profile cannot say.
fn leave(probe: &Taking<'_>) {
    probe.without(&[("terminationGracePeriodSeconds", "the workload's own time to stop holds")]);
    for action in ["httpGet", "tcpSocket"] {
        if let Some(host) = probe.find(&[action, "host"]) {
            host.left_out("a replica is asked at its own address");
        }
    }
}

fn action(probe: &Taking<'_>) -> Option<Map<String, Json>> {
    let mut value = Map::new();
    if let Some(http) = probe.get("httpGet") {
        let mut ask = Map::new();
        ask.insert("path".to_owned(), path(&http));
        ask.extend(port(&http).map(|port| ("port".to_owned(), port)));
        if let Some(scheme) = http.value()["scheme"].as_str() {
            ask.insert("scheme".to_owned(), json!(scheme.to_lowercase()));
        }
        let headers: Map<String, Json> = http
            .get("httpHeaders")
            .map(|all| all.items())
            .unwrap_or_default()
            .iter()
            .filter_map(|header| {
                let header = header.value();
                Some((
                    header["name"].as_str()?.to_owned(),
                    json!(header["value"].as_str().unwrap_or_default()),
                ))
            })
            .collect();
        if !headers.is_empty() {
            ask.insert("headers".to_owned(), Json::Object(headers));
        }
        value.insert("http".to_owned(), Json::Object(ask));
    } else if let Some(tcp) = probe.get("tcpSocket") {
        value.insert("tcp".to_owned(), json!({"port": port(&tcp)?}));
    } else if let Some(grpc) = probe.get("grpc") {
        let mut ask = Map::new();
        ask.extend(port(&grpc).map(|port| ("port".to_owned(), port)));
        if let Some(service) = grpc.value()["service"].as_str().filter(|service| !service.is_empty()) {
            ask.insert("service".to_owned(), json!(service));
        }
        value.insert("grpc".to_owned(), Json::Object(ask));
    } else {
        value.insert("exec".to_owned(), probe.find(&["exec", "command"])?.value().clone());
    }
    Some(value)
}

/// Absent is the root, and so is what does not begin there.
fn path(http: &Taking<'_>) -> Json {
    let path = http.value()["path"].as_str().unwrap_or("/");
    json!(if path.starts_with('/') { path.to_owned() } else { format!("/{path}") })
}

/// A number, or a name as the profile spells it.
fn port(at: &Taking<'_>) -> Option<Json> {
    match &at.value()["port"] {
        Json::Number(number) => Some(json!(number)),
        Json::String(text) => match text.parse::<u16>() {
            Ok(number) => Some(json!(number)),
            Err(_) => Some(json!(plain(text))),
        },
        _ => None,
    }
}

fn of_hook(hook: &Taking<'_>) -> Option<Json> {
    if let Some(command) = hook.find(&["exec", "command"]) {
        return Some(json!({"exec": command.value()}));
    }
    if let Some(http) = hook.get("httpGet") {
        let mut ask = Map::new();
        ask.insert("path".to_owned(), path(&http));
        ask.extend(port(&http).map(|port| ("port".to_owned(), port)));
        for (key, why) in [
            ("httpHeaders", "a hook of a mirror sends no headers of its own"),
            ("scheme", "a hook of a mirror asks over plain HTTP"),
        ] {
            if let Some(at) = http.get(key).filter(|at| at.value() != "HTTP") {
                at.left_out(why);
            }
        }
        return Some(json!({"http": ask}));
    }
    let seconds = scalar(hook.find(&["sleep", "seconds"])?.value())?;
    Some(json!({"sleep": format!("{seconds}s")}))
}
