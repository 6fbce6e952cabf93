//! Facts of single, well-known files: operating system, C library, zone data, locale.

use super::{
    Section,
    facts::Reading,
    layer::{Kept, Node},
    path::{join, split},
};

/// `os-release`, or the older files beside it.
pub(super) fn os(reading: &mut Reading<'_>) {
    let release =
        ["etc/os-release", "usr/lib/os-release"].into_iter().find_map(|path| reading.text(Section::Os, path));
    match release {
        Some(text) => {
            for (name, value) in assignments(&text) {
                reading.tell(Section::Os, name, value);
            }
        }
        None => reading.tell(Section::Os, "release", "none"),
    }
    // Debian's own tells the point release, which `os-release` does not.
    for path in ["etc/debian_version", "etc/alpine-release", "etc/redhat-release"] {
        if let Some(text) = reading.text(Section::Os, path) {
            reading.tell(Section::Os, split(path).1, text.trim());
        }
    }
}

/// Lines of `NAME=value`, quotes taken off; comments and all else left out.
pub(super) fn assignments(text: &str) -> Vec<(String, String)> {
    let lines = text.lines().map(str::trim).filter(|line| !line.starts_with('#'));
    lines
        .filter_map(|line| line.split_once('='))
        .map(|(name, value)| (name.trim().to_owned(), value.trim().trim_matches(['"', '\'']).to_owned()))
        .collect()
}

/// Every C library that is there; programs that are linked statically bring their own.
pub(super) fn libc(reading: &mut Reading<'_>) {
    let mut found = std::collections::BTreeSet::new();
    for (path, placed) in reading.tree.iter() {
        let Node::File { kept: Some(Kept::Version(version)), .. } = &placed.entry.node else { continue };
        let (_, name) = split(path);
        let library = if name == "libc.so.6" || name.starts_with("libc-2.") {
            "glibc"
        } else if name.starts_with("ld-musl-") || name.starts_with("libc.musl-") {
            "musl"
        } else {
            continue;
        };
        match version {
            Some(version) => {
                found.insert(format!("{library} {version}"));
            }
            None => reading.facts.unread.push(super::Unread::new(
                Section::Libc,
                path,
                format!("is {library} by its name, and names no version"),
            )),
        }
    }
    let found: Vec<String> = found.into_iter().collect();
    reading.tell(Section::Libc, "libc", if found.is_empty() { "none".to_owned() } else { found.join(", ") });
}

const ZONES: &str = "usr/share/zoneinfo";

/// The version of the zone data, the zone that holds without `TZ`.
pub(super) fn zone(reading: &mut Reading<'_>) {
    let version = reading
        .text(Section::Zone, &join(ZONES, "tzdata.zi"))
        .and_then(|text| Some(text.lines().next()?.strip_prefix("# version ")?.trim().to_owned()))
        .or_else(|| Some(reading.text(Section::Zone, &join(ZONES, "+VERSION"))?.trim().to_owned()));
    let zones =
        reading.tree.below(ZONES).filter(|(_, placed)| !matches!(placed.entry.node, Node::Directory)).count();
    let data = match (version, zones) {
        (Some(version), _) => version,
        (None, 0) => "none".to_owned(),
        (None, _) => "no version named".to_owned(),
    };
    reading.tell(Section::Zone, "data", data);
    reading.tell(Section::Zone, "zones", zones.to_string());
    let local = match reading.tree.get("etc/localtime").map(|placed| &placed.entry.node) {
        Some(Node::Link { target }) => {
            target.rsplit_once("zoneinfo/").map_or(target.clone(), |(_, zone)| zone.to_owned())
        }
        Some(Node::File { digest, .. }) => reading
            .bytes(Section::Zone, "etc/localtime")
            .and_then(rule)
            .map_or_else(|| digest.clone(), |rule| format!("a file with the rule `{rule}`")),
        Some(_) => "no file".to_owned(),
        None => "none (UTC)".to_owned(),
    };
    reading.tell(Section::Zone, "localtime", local);
    if let Some(text) = reading.text(Section::Zone, "etc/timezone") {
        reading.tell(Section::Zone, "timezone", text.trim());
    }
}

/// The last line of a TZif file (RFC 8536): the rule that holds from now on.
fn rule(bytes: &[u8]) -> Option<String> {
    let text = bytes.strip_prefix(b"TZif")?.strip_suffix(b"\n")?;
    let start = text.iter().rposition(|byte| *byte == b'\n')? + 1;
    String::from_utf8(text[start..].to_vec()).ok().filter(|rule| !rule.is_empty())
}

/// What the files say of languages and which of them are there; the variables stand in the configuration.
pub(super) fn locale(reading: &mut Reading<'_>) {
    for path in ["etc/default/locale", "etc/locale.conf"] {
        if let Some(text) = reading.text(Section::Locale, path) {
            for (name, value) in assignments(&text) {
                reading.tell(Section::Locale, name, value);
            }
        }
    }
    if let Some(text) = reading.text(Section::Locale, "etc/locale.gen") {
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        reading.tell(Section::Locale, "generated", lines.collect::<Vec<_>>().join(", "));
    }
    const FOLDER: &str = "usr/lib/locale";
    let mut installed = std::collections::BTreeSet::new();
    for (path, placed) in reading.tree.below(FOLDER) {
        let name = &path[FOLDER.len() + 1..];
        match (&placed.entry.node, name.split_once('/')) {
            (_, Some((locale, _))) => {
                installed.insert(locale.to_owned());
            }
            (Node::File { digest, .. }, None) => {
                let digest = digest.get(..19).unwrap_or(digest);
                installed.insert(format!("{name} {digest}"));
            }
            _ => {}
        }
    }
    if !installed.is_empty() {
        let installed: Vec<String> = installed.into_iter().collect();
        reading.tell(Section::Locale, "installed", installed.join(", "));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rule_of_a_zone_file_is_its_last_line() {
        assert_eq!(
            rule(b"TZif2\0\0\0x\nCET-1CEST,M3.5.0,M10.5.0/3\n").as_deref(),
            Some("CET-1CEST,M3.5.0,M10.5.0/3")
        );
        assert_eq!(rule(b"TZif2\0\0\0x\n\n"), None);
        assert_eq!(rule(b"text\n"), None);
    }

    #[test]
    fn assignments_lose_their_quotes_and_comments() {
        let text = "NAME=\"Debian GNU/Linux\"\n# X=1\nID=debian\nHOME_URL='x=y'\n";
        let expected = [("NAME", "Debian GNU/Linux"), ("ID", "debian"), ("HOME_URL", "x=y")];
        let expected: Vec<(String, String)> =
            expected.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        assert_eq!(assignments(text), expected);
    }
}
