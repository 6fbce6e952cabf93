//! Which values are secrets, by their name or their shape.

use std::sync::LazyLock;

use regex::Regex;

use super::{HashKey, Value};

/// Parts of names whose values are secrets.
const TELLING: [&str; 10] = [
    "PASSWORD",
    "PASSWD",
    "PASSPHRASE",
    "SECRET",
    "TOKEN",
    "APIKEY",
    "API_KEY",
    "PRIVATE_KEY",
    "ACCESS_KEY",
    "CREDENTIAL",
];
const ENDINGS: [&str; 4] = ["_PASS", "_PWD", "_KEY", "_DSN"];
/// Values that switch something and hide nothing.
const SWITCHES: [&str; 7] = ["", "true", "false", "yes", "no", "0", "1"];

static SHAPE: LazyLock<Regex> = LazyLock::new(|| {
    let shapes = [
        // The password of a URL, or of a connection string such as ADO.NET's.
        r#"://[^/\s:@]*:[^/\s@]+@"#,
        r#"(?i:\b(?:password|passwd|pwd)=[^;&\s"']+)"#,
        r"-----BEGIN [A-Z ]*PRIVATE KEY",
        // JSON web tokens.
        r"\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.",
        // Keys that say what they are: AWS, GitHub, Slack, Stripe, Google, GitLab, npm, SendGrid.
        r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b",
        r"\bgh[pousr]_[A-Za-z0-9]{36,}",
        r"\bgithub_pat_[A-Za-z0-9_]{22,}",
        r"\bxox[abprs]-[A-Za-z0-9-]{10,}",
        r"\b[sr]k_(?:live|test)_[A-Za-z0-9]{16,}",
        r"\bAIza[A-Za-z0-9_-]{35}",
        r"\bglpat-[A-Za-z0-9_-]{20,}",
        r"\bnpm_[A-Za-z0-9]{36}",
        r"\bSG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}",
    ];
    Regex::new(&shapes.join("|")).expect("the patterns are constants, and a test compiles them")
});

/// Whether a value is a secret, by the name of its variable or by its own shape.
pub fn looks_secret(name: &str, value: &str) -> bool {
    let upper = name.to_uppercase();
    let names_a_file = ["_FILE", "_PATH", "_DIR"].iter().any(|end| upper.ends_with(end));
    let telling =
        TELLING.iter().any(|part| upper.contains(part)) || ENDINGS.iter().any(|end| upper.ends_with(end));
    let hides = !SWITCHES.contains(&value.to_lowercase().as_str()) && !value.starts_with('/');
    telling && !names_a_file && hides || SHAPE.is_match(value)
}

/// The value itself, or its keyed hash where it is a secret.
pub fn conceal(name: &str, value: Value, key: &HashKey) -> Value {
    match value {
        Value::Text(text) if looks_secret(name, &text) => Value::Secret(Some(key.hash(&text))),
        other => other,
    }
}
