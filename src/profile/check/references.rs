//! What variables and files refer to: secrets, stores, services, flags.

use std::collections::HashSet;

use super::{Check, Kind, Placed};
use crate::path::Path;
use crate::profile::{FileContent, Piece, ServiceField, Text, Value};

pub(super) fn check(check: &mut Check<'_>, workload: &Placed<'_>) {
    for member in workload.members() {
        for (name, value) in &member.process.env {
            let at = member.at.key("env").key(name.as_str());
            if let Value::Text(text) = value {
                pieces(check, text, &at);
            }
        }
    }
    flags(check, workload);
    for (path, file) in &workload.run.files {
        if let FileContent::Secret(name) = &file.content {
            secret(check, name.as_str(), &workload.at.key("files").key(path.as_str()).key("secret"));
        }
    }
    if let (Kind::Store(_), Some(store)) = (workload.kind, check.profile.stores.get(workload.name)) {
        for (key, text) in
            [("database", &store.database), ("user", &store.user), ("password", &store.password)]
        {
            if let Some(text) = text {
                pieces(check, text, &workload.at.key(key));
            }
        }
    }
}

fn pieces(check: &mut Check<'_>, text: &Text, at: &Path) {
    for piece in &text.0 {
        if check.problems.is_full() {
            return;
        }
        match piece {
            Piece::Literal(_) => {}
            Piece::Secret(name) => secret(check, name.as_str(), at),
            Piece::Store(name, _) => {
                if !check.profile.stores.contains_key(name) {
                    let known: Vec<&str> = check.profile.stores.keys().map(|name| name.as_str()).collect();
                    check.unknown(
                        "unknown-store",
                        at,
                        format!("`{name}` is no store"),
                        name.as_str(),
                        &known,
                    );
                }
            }
            Piece::Service(name, field) => match check.profile.services.get(name) {
                None => {
                    let known: Vec<&str> = check.profile.services.keys().map(|name| name.as_str()).collect();
                    check.unknown(
                        "unknown-service",
                        at,
                        format!("`{name}` is no service"),
                        name.as_str(),
                        &known,
                    );
                }
                Some(service) if *field != ServiceField::Host => {
                    match service.run.ports.keys().collect::<Vec<_>>()[..] {
                        [] => {
                            check.error(
                                "no-port",
                                at,
                                format!("`{name}` has no port, so no {} either", field.as_str()),
                            );
                        }
                        [_] => {}
                        [first, ..] => {
                            let message =
                                format!("`{name}` has several ports; the first, `{first}`, is meant");
                            let hint =
                                format!("write `${{service:{name}.host}}` and the number to mean another");
                            check.warning("several-ports", at, message).hint = Some(hint);
                        }
                    }
                }
                Some(_) => {}
            },
        }
    }
}

fn secret(check: &mut Check<'_>, name: &str, at: &Path) {
    if check.profile.secrets.contains_key(name) {
        return;
    }
    let known: Vec<&str> = check.profile.secrets.keys().map(|name| name.as_str()).collect();
    let hint = match crate::profile::words::nearest(name, &known) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("declare it at the top: `secrets: {{{name}: {{}}}}`"),
    };
    check.error("unknown-secret", at, format!("`{name}` is no secret that is declared")).hint = Some(hint);
}

fn flags(check: &mut Check<'_>, workload: &Placed<'_>) {
    let known: Vec<&str> = check.profile.flags.keys().map(String::as_str).collect();
    let mut seen = HashSet::new();
    for (index, flag) in workload.run.flags.iter().enumerate() {
        let at = workload.at.key("flags").index(index);
        if !check.profile.flags.contains_key(flag) {
            let message = format!("`{flag}` is no flag that is declared at the top");
            check.unknown("unknown-flag", &at, message, flag, &known);
        } else if workload.run.process.env.contains_key(flag) {
            check.error("variable-twice", &at, format!("`{flag}` is a variable under `env` too"));
        }
        if !seen.insert(flag) {
            check.error("duplicate-name", &at, format!("`{flag}` is named twice"));
        }
    }
}
