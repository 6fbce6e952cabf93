//! Differences between two environments that tell where a process runs and not how.

use std::{net::IpAddr, sync::LazyLock};

use regex::Regex;

/// Why a difference of a variable means nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Noise {
    HostName,
    Address,
    ServiceLink,
    /// PATH and its kin.
    SearchPath,
    /// What a login shell knows of its user, terminal and locale.
    Shell,
    Time,
}

impl Noise {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::HostName => "host-name",
            Self::Address => "address",
            Self::ServiceLink => "service-link",
            Self::SearchPath => "search-path",
            Self::Shell => "shell",
            Self::Time => "time",
        }
    }
}

const SEARCH: [&str; 3] = ["PATH", "MANPATH", "INFOPATH"];
const SHELL: [&str; 24] = [
    "_",
    "LANG",
    "LANGUAGE",
    "TERM",
    "TERM_PROGRAM",
    "COLORTERM",
    "SHLVL",
    "PWD",
    "OLDPWD",
    "HOME",
    "USER",
    "LOGNAME",
    "SHELL",
    "LS_COLORS",
    "EDITOR",
    "VISUAL",
    "PAGER",
    "LESS",
    "DISPLAY",
    "WAYLAND_DISPLAY",
    "MAIL",
    "PS1",
    "DBUS_SESSION_BUS_ADDRESS",
    "HOSTTYPE",
];
const SHELL_PREFIXES: [&str; 5] = ["LC_", "XDG_", "SSH_", "VSCODE_", "GPG_"];

static LINK: LazyLock<Regex> = LazyLock::new(|| {
    let link = r"^[A-Z][A-Z0-9_]*_(?:SERVICE_HOST|SERVICE_PORT(?:_[A-Z0-9_]+)?|PORT_\d+_(?:TCP|UDP)(?:_(?:PROTO|PORT|ADDR))?)$";
    Regex::new(link).expect("the pattern is a constant, and a test compiles it")
});

/// The noise of a difference, if it is one; a side is `None` where the variable is absent.
pub fn of(name: &str, from: Option<&str>, to: Option<&str>) -> Option<Noise> {
    let sides = || from.into_iter().chain(to);
    if SEARCH.contains(&name) {
        return Some(Noise::SearchPath);
    }
    if SHELL.contains(&name) || SHELL_PREFIXES.iter().any(|prefix| name.starts_with(prefix)) {
        return Some(Noise::Shell);
    }
    if name == "HOSTNAME" {
        return Some(Noise::HostName);
    }
    let tells = |value: &str| value.starts_with("tcp://") || value.starts_with("udp://");
    if LINK.is_match(name) || name.ends_with("_PORT") && sides().count() > 0 && sides().all(tells) {
        return Some(Noise::ServiceLink);
    }
    let timely =
        ["_AT", "_TIME", "_DATE", "_TIMESTAMP"].iter().any(|end| name.ends_with(end)) || name == "DATE";
    if sides().count() > 0 && sides().all(is_time) && (timely || from.is_some() && to.is_some()) {
        return Some(Noise::Time);
    }
    places(name, from?, to?)
}

/// The same thing in another place: addresses, host names, and URLs that differ in nothing else.
fn places(name: &str, from: &str, to: &str) -> Option<Noise> {
    let of = |a: &str, b: &str| {
        let both = is_address(a) && is_address(b);
        if both { Noise::Address } else { Noise::HostName }
    };
    if let (Some((scheme, from)), Some((other, to))) = (from.split_once("://"), to.split_once("://")) {
        let cut = |rest: &str| rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let ((from, path), (to, other_path)) = (from.split_at(cut(from)), to.split_at(cut(to)));
        return (scheme == other && path == other_path && is_place(from) && is_place(to))
            .then(|| of(from, to));
    }
    if is_address(from) && is_address(to) {
        return Some(Noise::Address);
    }
    let named = name == "HOST"
        || ["_HOST", "_HOSTNAME", "_ADDR", "_ADDRESS", "_ENDPOINT"].iter().any(|end| name.ends_with(end));
    (named && is_place(from) && is_place(to)).then(|| of(from, to))
}

fn without_port(text: &str) -> &str {
    match text.rsplit_once(':') {
        Some((host, port))
            if !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit()) && !host.contains(':') =>
        {
            host
        }
        Some((host, port)) if host.ends_with(']') && port.bytes().all(|b| b.is_ascii_digit()) => host,
        _ => text,
    }
}

fn is_address(text: &str) -> bool {
    without_port(text).trim_matches(['[', ']']).parse::<IpAddr>().is_ok()
}

/// A host name or an address, with a port or without.
fn is_place(text: &str) -> bool {
    let host = without_port(text);
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_');
    is_address(text) || !host.is_empty() && host.bytes().all(plain)
}

/// An instant or a day, in RFC 3339, or seconds or milliseconds since 1970.
fn is_time(text: &str) -> bool {
    let digits = text.bytes().all(|b| b.is_ascii_digit());
    // Between 2001 and 2286.
    digits && (text.len() == 10 || text.len() == 13) && text.starts_with('1')
        || text.parse::<jiff::Timestamp>().is_ok()
        || text.len() == 10 && text.parse::<jiff::civil::Date>().is_ok()
        || text.len() >= 16 && text.parse::<jiff::civil::DateTime>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_a_process_runs_is_noise_and_how_is_not() {
        let both = |name: &str, from, to| of(name, Some(from), Some(to)).map(Noise::as_str);
        for (name, from, to, wanted) in [
            ("HOSTNAME", "laptop", "api-7f9", Some("host-name")),
            ("DB_HOST", "localhost", "db.prod.internal", Some("host-name")),
            ("DB_HOST", "127.0.0.1", "10.0.0.3:5432", Some("address")),
            ("API_URL", "http://localhost:8000/v1?x=1", "http://api:80/v1?x=1", Some("host-name")),
            ("API_URL", "http://localhost/v1", "http://api/v2", None),
            ("API_URL", "http://api/v1", "https://api/v1", None),
            ("PEER", "10.0.0.1", "10.0.0.2", Some("address")),
            ("API_SERVICE_PORT_HTTP", "80", "81", Some("service-link")),
            ("API_PORT", "tcp://10.0.0.1:80", "tcp://10.0.0.2:80", Some("service-link")),
            ("API_PORT", "8000", "9000", None),
            ("PATH", "/bin", "/usr/bin", Some("search-path")),
            ("LD_LIBRARY_PATH", "/a", "/b", None),
            ("LC_ALL", "C", "en_US.UTF-8", Some("shell")),
            ("TZ", "UTC", "Europe/Berlin", None),
            ("BUILT", "2026-11-20T08:15:00Z", "2026-11-21T08:15:00Z", Some("time")),
            ("STARTED_AT", "1763650000", "1763650001", Some("time")),
            ("CACHE_TTL", "60", "3600", None),
            ("ENABLE_CACHE", "false", "true", None),
            ("MODE", "dev", "prod", None),
        ] {
            assert_eq!(both(name, from, to), wanted, "{name}: {from} {to}");
        }
        assert_eq!(of("DB_HOST", None, Some("db")), None, "a variable that is missing is no noise");
        assert_eq!(of("KUBERNETES_PORT_443_TCP_PROTO", None, Some("tcp")), Some(Noise::ServiceLink));
        assert_eq!(of("BUILD_DATE", None, Some("2026-11-20")), Some(Noise::Time));
    }
}
