//! Which files of an image tell something, and how much of them is kept while they stream by.

use std::sync::LazyLock;

use regex::bytes::Regex;

use super::path::split;

/// What to do with a file's content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Look {
    Nothing,
    /// Keep it, if it has not more bytes than this.
    Keep {
        limit: u64,
    },
    /// Look for the version that it names.
    Scan(Scan),
}

/// A kind of program that names its version in its own bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scan {
    Glibc,
    Musl,
    Python,
    Node,
    Ruby,
    Php,
    /// Any program: Go writes the version that built it.
    Program,
}

const SMALL: u64 = 1 << 20;
const DATABASE: u64 = 128 << 20;
/// A program of Go has more than this.
const SMALLEST_PROGRAM: u64 = 256 << 10;

/// Files whose text is read, and the most that one of them may have.
const KEPT: [(&str, u64); 20] = [
    ("etc/os-release", SMALL),
    ("usr/lib/os-release", SMALL),
    ("etc/alpine-release", SMALL),
    ("etc/debian_version", SMALL),
    ("etc/redhat-release", SMALL),
    ("etc/timezone", SMALL),
    ("etc/localtime", SMALL),
    ("etc/default/locale", SMALL),
    ("etc/locale.conf", SMALL),
    ("etc/locale.gen", SMALL),
    ("etc/passwd", 16 * SMALL),
    ("etc/group", 16 * SMALL),
    ("usr/share/zoneinfo/tzdata.zi", 4 * SMALL),
    ("usr/share/zoneinfo/+VERSION", SMALL),
    ("var/lib/dpkg/status", DATABASE),
    ("lib/apk/db/installed", DATABASE),
    ("usr/lib/apk/db/installed", DATABASE),
    ("usr/local/go/VERSION", SMALL),
    ("usr/lib/go/VERSION", SMALL),
    ("etc/lsb-release", SMALL),
];

/// Where rpm keeps its database, and what the file is called in each of its formats.
pub(super) const RPM_FOLDERS: [&str; 3] = ["var/lib/rpm", "usr/lib/sysimage/rpm", "usr/share/rpm"];
pub(super) const RPM_FILES: [&str; 3] = ["rpmdb.sqlite", "Packages.db", "Packages"];

/// What is looked for in the file at a path of the image.
pub fn look(path: &str, mode: u32, size: u64) -> Look {
    let (folder, name) = split(path);
    if let Some((_, limit)) = KEPT.iter().find(|(kept, _)| *kept == path) {
        return Look::Keep { limit: *limit };
    }
    if RPM_FOLDERS.contains(&folder) && RPM_FILES.contains(&name) {
        return Look::Keep { limit: DATABASE };
    }
    let distroless = folder == "var/lib/dpkg/status.d" && !name.ends_with(".md5sums");
    if distroless || name == "release" || name == "OTP_VERSION" || name == "tzdata.zi" {
        return Look::Keep { limit: SMALL };
    }
    match scan(folder, name) {
        Some(scan) => Look::Scan(scan),
        None if mode & 0o111 != 0 && size >= SMALLEST_PROGRAM => Look::Scan(Scan::Program),
        None => Look::Nothing,
    }
}

fn scan(folder: &str, name: &str) -> Option<Scan> {
    let (_, last) = split(folder);
    if name == "libc.so.6" || (name.starts_with("libc-2.") && name.ends_with(".so")) {
        return Some(Scan::Glibc);
    }
    if name.starts_with("ld-musl-") || name.starts_with("libc.musl-") {
        return Some(Scan::Musl);
    }
    let python = name.strip_prefix("python").is_some_and(is_version);
    if (last == "bin" && python) || (name.starts_with("libpython") && name.contains(".so")) {
        return Some(Scan::Python);
    }
    match name {
        "node" | "nodejs" if last == "bin" => Some(Scan::Node),
        _ if name.starts_with("libruby") && name.contains(".so.") => Some(Scan::Ruby),
        "ruby" if last == "bin" => Some(Scan::Ruby),
        _ if last == "bin" && name.strip_prefix("ruby").is_some_and(is_version) => Some(Scan::Ruby),
        "php" | "php-fpm" if last.ends_with("bin") => Some(Scan::Php),
        _ if last.ends_with("bin") && name.strip_prefix("php").is_some_and(is_version) => Some(Scan::Php),
        _ if name.starts_with("libphp") && name.ends_with(".so") => Some(Scan::Php),
        _ => None,
    }
}

/// `3.11` and the like, digits and points alone.
pub(super) fn is_version(text: &str) -> bool {
    text.contains('.')
        && text.split('.').all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Finds a program's version while its bytes go by.
#[derive(Debug)]
pub struct Scanner {
    scan: Scan,
    found: Option<String>,
    /// The end of what went by, for words that lie across two chunks.
    tail: Vec<u8>,
}

/// Longer than anything that is looked for.
const OVERLAP: usize = 256;

impl Scanner {
    pub fn new(scan: Scan) -> Self {
        Self { scan, found: None, tail: Vec::new() }
    }

    pub fn feed(&mut self, bytes: &[u8]) {
        if self.found.is_some() {
            return;
        }
        self.tail.extend_from_slice(bytes);
        self.found = find(self.scan, &self.tail);
        let keep = self.tail.len().saturating_sub(OVERLAP);
        self.tail.drain(..keep);
    }

    pub fn version(self) -> Option<String> {
        self.found
    }
}

macro_rules! patterns {
    ($($name:ident $pattern:literal)*) => {
        $(static $name: LazyLock<Regex> = LazyLock::new(|| {
            Regex::new($pattern).expect("the pattern is a constant, and a test compiles it")
        });)*
    };
}

// Each looks behind the version's end too: one that a chunk cuts off is found with the next chunk.
patterns! {
    GLIBC r"(?-u)GNU C Library \(([^)\n]{1,60})\)[^\n]{0,40} version ([0-9]+(?:\.[0-9]+)+)\.?[^0-9.]"
    MUSL r"(?-u)\x00(1\.[0-9]+\.[0-9]+)\x00"
    PYTHON r"(?-u)\x00([23]\.[0-9]+\.[0-9]+(?:(?:a|b|rc)[0-9]+)?\+?)\x00"
    NODE r"(?-u)\x00v([0-9]+\.[0-9]+\.[0-9]+)\x00"
    RUBY r"(?-u)ruby ([0-9]+\.[0-9]+\.[0-9]+)(?:p[0-9]+)? \("
    PHP r"(?-u)PHP/([0-9]+\.[0-9]+\.[0-9]+[0-9A-Za-z.+-]{0,20})[^0-9A-Za-z.+-]"
    GO r"(?s-u)\xff Go buildinf:.{18}(.)(go1[ -~]{1,80}|devel [ -~]{1,80})"
}

fn find(scan: Scan, bytes: &[u8]) -> Option<String> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let first = |pattern: &Regex| Some(text(pattern.captures(bytes)?.get(1)?.as_bytes()));
    match scan {
        Scan::Glibc => {
            let found = GLIBC.captures(bytes)?;
            let (build, version) = (text(found.get(1)?.as_bytes()), text(found.get(2)?.as_bytes()));
            Some(format!("{version} ({build})"))
        }
        Scan::Musl => first(&MUSL),
        Scan::Python => first(&PYTHON),
        Scan::Node => first(&NODE),
        Scan::Ruby => first(&RUBY),
        Scan::Php => first(&PHP),
        Scan::Program => {
            let found = GO.captures(bytes)?;
            // The length stands before the text; what follows the text is no part of it.
            let length = usize::from(*found.get(1)?.as_bytes().first()?);
            Some(text(found.get(2)?.as_bytes().get(..length)?))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scanned(scan: Scan, bytes: &[u8], chunk: usize) -> Option<String> {
        let mut scanner = Scanner::new(scan);
        bytes.chunks(chunk).for_each(|chunk| scanner.feed(chunk));
        scanner.version()
    }

    #[test]
    fn versions_are_found_wherever_the_chunks_break() {
        let mut go = b"\xff Go buildinf:\x08\x02".to_vec();
        go.extend([0; 16]);
        go.extend(b"\x08go1.21.5\x30w\xaf");
        let cases: [(Scan, &[u8], &str); 7] = [
            (
                Scan::Glibc,
                b"\x00GNU C Library (Debian GLIBC 2.36-9+deb12u8) stable release version 2.36.\n",
                "2.36 (Debian GLIBC 2.36-9+deb12u8)",
            ),
            (Scan::Musl, b"x\x001.2.4\x00musl libc", "1.2.4"),
            (Scan::Python, b"\x00%.80s\x003.11.2\x00", "3.11.2"),
            (Scan::Node, b"\x00v20.11.1\x00", "20.11.1"),
            (Scan::Ruby, b"ruby 3.1.2p20 (2022-04-12", "3.1.2"),
            (Scan::Php, b"X-Powered-By: PHP/8.2.7\x00", "8.2.7"),
            (Scan::Program, &go, "go1.21.5"),
        ];
        for (scan, word, version) in cases {
            let bytes = [&[7u8; 1000], word, &[7u8; 300]].concat();
            for chunk in [1, 13, 200, 5000] {
                assert_eq!(scanned(scan, &bytes, chunk).as_deref(), Some(version), "{scan:?} {chunk}");
            }
            assert_eq!(scanned(scan, &[7; 3000], 100), None);
        }
    }

    #[test]
    fn only_files_that_tell_something_are_kept() {
        assert_eq!(look("var/lib/dpkg/status", 0o644, 5), Look::Keep { limit: DATABASE });
        assert_eq!(look("usr/lib/sysimage/rpm/rpmdb.sqlite", 0o644, 5), Look::Keep { limit: DATABASE });
        assert_eq!(look("usr/bin/python3.11", 0o755, 5), Look::Scan(Scan::Python));
        assert_eq!(look("usr/bin/python3-config", 0o755, 5), Look::Nothing);
        assert_eq!(look("app/server", 0o755, 1 << 20), Look::Scan(Scan::Program));
        assert_eq!(look("home/me/notes.txt", 0o644, 1 << 20), Look::Nothing);
        assert_eq!(look("etc/shadow", 0o640, 100), Look::Nothing);
    }
}
