//! Names that say that their value is a secret.

use std::sync::LazyLock;

use regex::Regex;

/// Parts of names whose values are secrets.
const PARTS: [&str; 13] = [
    "PASSWORD",
    "PASSWD",
    "PASSPHRASE",
    "SECRET",
    "TOKEN",
    "APIKEY",
    "API_KEY",
    "PRIVATE_KEY",
    "ACCESS_KEY",
    "ACCOUNT_KEY",
    "CREDENTIAL",
    "REQUIREPASS",
    "MASTERAUTH",
];
const ENDINGS: [&str; 6] = ["_PASS", "_PWD", "_KEY", "_SALT", "_PW", "_DSN"];
/// Names that are whole ones.
const WHOLE: [&str; 6] = ["PASS", "SALT", "AUTHORIZATION", "AUTH", "_AUTH", "COOKIE"];
/// What a name says of something that is beside the secret.
const BESIDE: [&str; 27] = [
    "_FILE",
    "_PATH",
    "_DIR",
    "_URL",
    "_URI",
    "_ENDPOINT",
    "_NAME",
    "_ID",
    "_TYPE",
    "_TTL",
    "_EXPIRY",
    "_EXPIRES",
    "_EXPIRATION",
    "_LIFETIME",
    "_LENGTH",
    "_ALGORITHM",
    "_ALG",
    "_ENABLED",
    "_HEADER",
    "_ISSUER",
    "_AUDIENCE",
    "_PREFIX",
    "_USER",
    "_USERNAME",
    "_VERSION",
    "_HOST",
    "_PORT",
];
/// Vault's word for the password of a role, whatever its ending says.
const DESPITE: [&str; 2] = ["ROLE_SECRET_ID", "VAULT_SECRET_ID"];
/// Keys and sums that everybody may know.
const PUBLIC: [&str; 12] = [
    "PUBLIC_KEY",
    "GPG_KEY",
    "GPG_KEYS",
    "GPGKEY",
    "_SHA",
    "_SHA1",
    "_SHA256",
    "_SHA512",
    "_CHECKSUM",
    "_DIGEST",
    "_COMMIT",
    "PUBLISHABLE_KEY",
];
/// Values that switch something and hide nothing.
const SWITCHES: [&str; 15] = [
    "", "true", "false", "yes", "no", "on", "off", "0", "1", "none", "null", "enabled", "disabled",
    "optional", "required",
];

/// `${NAME:-VALUE}`: a reference that shows a value itself.
static DEFAULT: LazyLock<Regex> = LazyLock::new(|| {
    let default = r"\$\{[A-Za-z_][A-Za-z0-9_]*:?[-=+][^}]";
    Regex::new(default).expect("the pattern is a constant, and a test matches it")
});

/// The name in one spelling: `spring.datasource.clientSecret` is `SPRING_DATASOURCE_CLIENT_SECRET`.
fn spelled(name: &str) -> String {
    let mut out = String::with_capacity(name.len() + 4);
    let mut before = '_';
    for c in name.chars() {
        if c.is_ascii_uppercase() && (before.is_ascii_lowercase() || before.is_ascii_digit()) {
            out.push('_');
        }
        out.push(if c.is_alphanumeric() { c.to_ascii_uppercase() } else { '_' });
        before = c;
    }
    out
}

/// Whether a name says that its value is a secret.
pub fn is_telling(name: &str) -> bool {
    let name = spelled(name);
    let ends = |endings: &[&str]| endings.iter().any(|end| name.ends_with(end));
    (!ends(&BESIDE) || ends(&DESPITE))
        && !is_public(&name)
        && (PARTS.iter().any(|part| name.contains(part)) || ends(&ENDINGS) || WHOLE.contains(&name.as_str()))
}

/// Whether a name says that everybody may know its value, whatever it looks like.
pub fn names_something_public(name: &str) -> bool {
    is_public(&spelled(name))
}

fn is_public(spelled: &str) -> bool {
    PUBLIC.iter().any(|part| spelled.ends_with(part) || spelled == part.trim_start_matches('_'))
}

/// Whether a value under a telling name hides anything: no switch, no path, no reference to elsewhere.
pub fn hides(value: &str) -> bool {
    let small = value.trim().to_ascii_lowercase();
    let is_path = value.starts_with('/')
        && value.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-/".contains(&b))
        && !super::entropy::is_random(value);
    let is_reference = value.starts_with("${") && !DEFAULT.is_match(value) || is_reference(value);
    !SWITCHES.contains(&small.as_str()) && !is_path && !is_reference
}

/// Whether a `Cookie` holds nothing but words, as those of probes do: `session-id=x-readiness-probe`. One word alone may
/// be somebody's password, and a session that was real has digits in it.
pub fn is_plain_cookie(name: &str, value: &str) -> bool {
    let is_words = |text: &str| {
        text.contains('-')
            && text.split('-').all(|word| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase()))
            && !super::entropy::is_random(text)
    };
    let pair = |pair: &str| {
        pair.trim().split_once('=').is_some_and(|(name, value)| !is_telling(name) && is_words(value))
    };
    spelled(name) == "COOKIE" && value.split(';').all(pair)
}

/// `$NAME`: the shell that reads it fills it in.
fn is_reference(value: &str) -> bool {
    value.strip_prefix('$').is_some_and(|name| {
        name.starts_with(|c: char| c.is_ascii_uppercase() || c == '_' || c == '(')
            && name.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b"_()".contains(&b))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_tells_in_any_spelling() {
        for name in [
            "DB_PASSWORD",
            "password",
            "spring.datasource.password",
            "clientSecret",
            "api-key",
            "SESSION_KEY",
            "MYSQL_PWD",
            "GF_SECURITY_ADMIN_PASSWORD",
            "--requirepass",
            "Authorization",
            "SENTRY_DSN",
            "PASS",
            "githubToken",
            "VAULT_SECRET_ID",
        ] {
            assert!(is_telling(name), "{name}");
        }
        for name in [
            "PASSWORD_FILE",
            "TOKEN_URL",
            "PWD",
            "GPG_KEY",
            "JWT_PUBLIC_KEY",
            "SECRET_NAME",
            "TOKEN_TTL",
            "KEYCLOAK",
            "USER",
            "AWS_ACCESS_KEY_ID",
            "MONKEY",
            "NGINX_SHA256",
            "COMPASS",
        ] {
            assert!(!is_telling(name), "{name}");
        }
        for value in ["", "true", "/run/secrets/x", "$DB_PASSWORD", "${X}", "no"] {
            assert!(!hides(value), "{value}");
        }
        assert!(hides("/aB3kq9XzT0pLm7Vw2+/=") && hides("$ecret") && hides("${X:-hunter2}"));
        assert!(!hides("${secret:db-password}"));
        assert!(is_plain_cookie("Cookie", "shop_session-id=x-readiness-probe; a=b-c"));
        for value in ["sid=letmein", "sid=ab12-cd34", "auth_token=x-probe", "x-probe", "a=b-c; sid=9f8e7d"] {
            assert!(!is_plain_cookie("Cookie", value), "{value}");
        }
        assert!(!is_plain_cookie("Authorization", "a=b-c"));
    }
}
