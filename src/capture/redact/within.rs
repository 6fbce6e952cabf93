//! Secrets in the middle of a text: the password of a URL, of a connection string, of a command line.

use std::{ops::Range, sync::LazyLock};

use regex::Regex;

use super::{
    entropy::is_random,
    shape::{Form, form},
    telling::{hides, names_something_public},
    tokens,
};

/// A secret and where it stands in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    pub at: Range<usize>,
    /// What it is when it is read: a URL's `%40` is `@`.
    pub value: String,
    pub form: Form,
}

/// Each has one group, the secret. The first three stand in URLs, where values are percent-encoded.
const PATTERNS: [&str; 12] = [
    // scheme://user:SECRET@host
    r"(?i)[a-z][a-z0-9+.-]*://[^/\s:@]*:([^/\s@]+)@",
    // scheme://:SECRET@host, where the user is empty, and passwords that hold a `/`
    r"(?i)[a-z][a-z0-9+.-]*://[^/\s:@]*:([^\s@:?#]+)@[a-z0-9.-]+[:/]",
    // ?password=SECRET, &sig=SECRET
    r"(?i)[?&](?:[a-z_.-]*(?:password|passwd|pwd|secret|token|api_?key|access_?key|signature)|sig|key|auth|pass)=([^&\s;#]+)",
    // Password=SECRET;  DB_PASSWORD=SECRET  AccountKey=SECRET
    r#"(?i)(?:^|[^a-z0-9])[a-z0-9_.-]*(?:password|passwd|pwd|passphrase|secret|token|api_?key|account_?key|access_?key|private_?key|requirepass|sharedaccesssignature)\s?=\s?["']?([^;&\s"',]+)"#,
    // "password": "SECRET", password: SECRET
    r#"(?i)["']?\b[a-z0-9_.-]*(?:password|passwd|passphrase|secret|token|api[_-]?key|account[_-]?key|access[_-]?key|private[_-]?key|auth)["']?\s*:\s*["']([^"'\s]+)["']"#,
    r#"(?im)^\s*[a-z0-9_.-]*(?:password|passwd|passphrase|secret|token|api[_-]?key|requirepass|masterauth)\s*(?::\s|\s)\s*["']?([^"'\s#]+)"#,
    // --password SECRET, --api-key SECRET
    r#"(?i)--?[a-z0-9_.-]*(?:password|passwd|passphrase|secret|token|api-?key|access-?key|requirepass|masterauth|passphrase)(?:\s+|=)["']?([^\s"'=-][^\s"']*)"#,
    // Authorization: Bearer SECRET, Basic SECRET
    r"(?i)\b(?:bearer|basic|digest|apikey)\s+([A-Za-z0-9._~+/=-]{8,})",
    // curl -u user:SECRET, --user user:SECRET
    r#"(?:\s|^)(?:-u|--user|--userpwd|--basic-auth|--auth)[\s=]+["']?[^\s:"']+:([^\s"']+)"#,
    // mysql -pSECRET
    r#"\b(?:mysql|mysqladmin|mysqldump|mysqlsh|mariadb[a-z-]*|mongo[a-z]*|sshpass)\b[^|;&\n]*?\s-p\s?["']?([^\s"'|;&-][^\s"'|;&]*)"#,
    // redis-cli -a SECRET
    r#"\b(?:redis|valkey)-cli\b[^|;&\n]*?\s-a[\s=]+["']?([^\s"'|;&]+)"#,
    // user:SECRET of htpasswd, rabbitmqctl add_user NAME SECRET, ALTER USER x PASSWORD 'SECRET'
    r#"(?i)\b(?:identified\s+(?:with\s+\S+\s+)?by|password|change_password\s+\S+|add_user\s+\S+)\s+["']([^"']+)["']"#,
];

/// How many of the patterns stand in URLs.
const OF_URLS: usize = 3;

static COMPILED: LazyLock<Vec<Regex>> = LazyLock::new(|| {
    let compiled =
        |pattern: &&str| Regex::new(pattern).expect("the patterns are constants, and a test compiles them");
    PATTERNS.iter().map(compiled).collect()
});

/// What is filled in elsewhere: `${NAME}`, `$NAME`, `$(program`, `<password>`, `{password}`, `{{ .Password }}`, `%s`.
static TEMPLATE: LazyLock<Regex> = LazyLock::new(|| {
    let template = r"\$\{|^\$\w*\W?$|^\$\(|^<[A-Za-z_ -]*>?$|^\{\{?[\w. -]*\}*$|^%[A-Za-z]$|^%\(|^%\w+%$";
    Regex::new(template).expect("the pattern is a constant, and a test matches it")
});

/// scheme://TOKEN@host
static USER: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"://([^/\s:@]+)(?::[^/\s@]*)?@").expect("the pattern is a constant"));

/// The secrets within a text that a name or a place gives away, those that are tokens, and those that only chance
/// makes, from left to right, none within another.
pub fn find(name: &str, text: &str) -> Vec<Found> {
    let mut found = Vec::new();
    for (number, pattern) in COMPILED.iter().enumerate() {
        for at in pattern.captures_iter(text).filter_map(|captures| Some(captures.get(1)?.range())) {
            let written = &text[at.clone()];
            let value = if number < OF_URLS { decoded(written) } else { written.to_owned() };
            if hides(&value) && !TEMPLATE.is_match(written) {
                let form = form(&value);
                found.push(Found { at, value, form });
            }
        }
    }
    for at in USER.captures_iter(text).filter_map(|captures| Some(captures.get(1)?.range())) {
        let value = text[at.clone()].to_owned();
        if is_random(&value) || tokens::whole(&value).is_some() {
            found.push(Found { at, form: form(&value), value });
        }
    }
    for (at, what) in tokens::within(text) {
        let value = text[at.clone()].to_owned();
        let form = match form(&value) {
            Form::Opaque => Form::Meaning(what),
            form => form,
        };
        found.push(Found { at, value, form });
    }
    if !names_something_public(name) {
        found.extend(random_words(text));
    }
    apart(found)
}

/// What is secret of a text whatever stands around it.
pub fn tokens_and_chance(text: &str) -> Vec<Range<usize>> {
    let tokens = tokens::within(text).into_iter().map(|(at, _)| at);
    tokens.chain(random_words(text).map(|found| found.at)).collect()
}

/// Words of chance that do not say what they are a sum of.
fn random_words(text: &str) -> impl Iterator<Item = Found> + '_ {
    let is_word = |c: char| c.is_ascii_alphanumeric() || "+/=_-".contains(c);
    let mut words: Vec<Range<usize>> = Vec::new();
    let mut start = None;
    for (at, c) in text.char_indices().chain([(text.len(), ' ')]) {
        match (is_word(c), start) {
            (true, None) => start = Some(at),
            (false, Some(from)) => {
                words.push(from..at);
                start = None;
            }
            _ => {}
        }
    }
    words.into_iter().flat_map(|at| segments(text, at)).filter_map(move |at| {
        // `NAME=VALUE` is one word of these letters.
        let cut = text[at.clone()].find('=').filter(|cut| at.start + cut + 1 < at.end && cut + 2 < at.len());
        let at = cut.map_or(at.clone(), |cut| at.start + cut + 1..at.end);
        let word = &text[at.clone()];
        let before = text[..at.start].to_ascii_lowercase();
        let is_sum = ["sha256:", "sha512:", "sha1:", "sha256-", "sha512-", "sha384-", "md5:"]
            .iter()
            .any(|sum| before.ends_with(sum) || word.to_ascii_lowercase().starts_with(sum));
        (is_random(word) && !is_sum).then(|| Found { value: word.to_owned(), form: form(word), at })
    })
}

/// The word, and the parts of a path that it may be.
fn segments(text: &str, at: Range<usize>) -> Vec<Range<usize>> {
    let mut parts = vec![at.clone()];
    let mut from = at.start;
    for (offset, _) in text[at.clone()].match_indices('/') {
        parts.push(from..at.start + offset);
        from = at.start + offset + 1;
    }
    if from > at.start {
        parts.push(from..at.end);
    }
    parts
}

/// Longer finds win over those that they hold or touch.
fn apart(mut found: Vec<Found>) -> Vec<Found> {
    found.sort_by_key(|one| (std::cmp::Reverse(one.at.len()), one.at.start));
    let mut kept: Vec<Found> = Vec::new();
    for one in found {
        if !one.at.is_empty()
            && kept.iter().all(|other| one.at.end <= other.at.start || other.at.end <= one.at.start)
        {
            kept.push(one);
        }
    }
    kept.sort_by_key(|one| one.at.start);
    kept
}

/// A URL's `%40` is `@`; what is no such code stays.
pub fn decoded(text: &str) -> String {
    let mut out = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let code = (*first == b'%')
            .then(|| after.get(..2))
            .flatten()
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match code {
            Some(byte) => {
                out.push(byte);
                rest = &after[2..];
            }
            None => {
                out.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8(out).unwrap_or_else(|_| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(text: &str) -> Vec<String> {
        find("X", text).into_iter().map(|found| found.value).collect()
    }

    #[test]
    fn secrets_are_found_where_texts_have_them() {
        for (text, wanted) in [
            ("postgres://u:hunter2!@db:5432/x?sslmode=disable", &["hunter2!"][..]),
            ("redis://:s3%40cret@cache:6379/0", &["s3@cret"]),
            ("AMQP://u:$ecret-1@mq", &["$ecret-1"]),
            ("redis://:%3Cs3cret@cache", &["<s3cret"]),
            ("mongodb+srv://u:a%2Fb@h/?authSource=admin", &["a/b"]),
            ("Server=db;Database=x;User Id=sa;Password=Str0ng!;Encrypt=no", &["Str0ng!"]),
            ("jdbc:postgresql://db/x?user=u&password=pw-123", &["pw-123"]),
            ("curl -f -u elastic:changeme http://x:9200", &["changeme"]),
            ("mysqladmin ping -h localhost -uroot -pexample", &["example"]),
            ("redis-cli -a hunter2 ping", &["hunter2"]),
            ("app --api-key=abc123 --verbose", &["abc123"]),
            ("PGPASSWORD=hunter2 psql -U shop", &["hunter2"]),
            ("Authorization: Basic dXNlcjpwYXNz", &["dXNlcjpwYXNz"]),
            ("{\"user\": \"u\", \"password\": \"p4ss\"}", &["p4ss"]),
            ("requirepass foobared\nport 6379\n", &["foobared"]),
            (
                "https://0123456789abcdef0123456789abcdee@o1.ingest.example.com/2",
                &["0123456789abcdef0123456789abcdee"],
            ),
        ] {
            assert_eq!(values(text), wanted, "{text}");
        }
        for text in [
            "mysqladmin ping -p$MYSQL_PASSWORD",
            "redis-server --requirepass $REDIS_PASSWORD",
            "postgres://app:<your password>@db/x",
            "postgres://app:{password}@db/x",
            "postgres://app:%s@db/x",
            "http://web:8080/health?key",
            "mkdir -p /var/lib/x",
            "curl -f http://localhost/token",
            "image@sha256:9b1d34adbce1dd07ee6e94b4a2cf698884b89bd44a6c9c12f5da8f3acbfe4957",
            "postgres://app@db/x",
            "the secret of a good cup: patience",
            "git@github.com:docker/awesome-compose",
        ] {
            assert_eq!(values(text), [""; 0], "{text}");
        }
    }
}
