//! Paths into a profile: one grammar for problems, the ledger, `--set` and `--require`.

use std::{fmt, str::FromStr};

/// Where a value stands in a profile: `services.api.env.PORT`, `services.api.ports[name=http]`.
///
/// Keys are joined with `.`; a key outside `[A-Za-z0-9_-]+` is written `["…"]`
/// with JSON's escapes; a list member is named by a key of its own,
/// `[name=http]`, else by position, `[0]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Path(pub Vec<Segment>);

#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Segment {
    Key(String),
    /// A list member that is known by one of its own fields.
    Member {
        field: String,
        value: String,
    },
    Index(usize),
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no path: {why} at character {at}")]
pub struct PathError {
    pub text: String,
    pub at: usize,
    pub why: &'static str,
}

impl Path {
    pub fn root() -> Self {
        Self::default()
    }

    /// The path of keys only, for paths that code writes itself.
    pub fn of<const N: usize>(keys: [&str; N]) -> Self {
        Self(keys.iter().map(|key| Segment::Key((*key).to_owned())).collect())
    }

    #[must_use]
    pub fn key(&self, key: impl Into<String>) -> Self {
        self.push(Segment::Key(key.into()))
    }

    #[must_use]
    pub fn member(&self, field: &str, value: impl Into<String>) -> Self {
        self.push(Segment::Member { field: field.to_owned(), value: value.into() })
    }

    #[must_use]
    pub fn index(&self, index: usize) -> Self {
        self.push(Segment::Index(index))
    }

    #[must_use]
    pub fn push(&self, segment: Segment) -> Self {
        let mut segments = self.0.clone();
        segments.push(segment);
        Self(segments)
    }

    pub fn starts_with(&self, prefix: &Path) -> bool {
        self.0.starts_with(&prefix.0)
    }

    /// The plain key at a position, if there is one.
    pub fn key_at(&self, position: usize) -> Option<&str> {
        match self.0.get(position) {
            Some(Segment::Key(key)) => Some(key),
            _ => None,
        }
    }

    /// Whether this path, read as a pattern in which `*` stands for any one
    /// segment, covers `other` or something above it.
    pub fn covers(&self, other: &Path) -> bool {
        self.0.len() <= other.0.len()
            && self.0.iter().zip(&other.0).all(|(mine, theirs)| match mine {
                Segment::Key(key) if key == "*" => true,
                Segment::Member { value, .. } if value == "*" => {
                    matches!(theirs, Segment::Member { .. } | Segment::Index(_))
                }
                _ => mine == theirs,
            })
    }
}

fn is_plain(key: &str) -> bool {
    !key.is_empty() && key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, segment) in self.0.iter().enumerate() {
            match segment {
                Segment::Key(key) if is_plain(key) || key == "*" => {
                    if position > 0 {
                        f.write_str(".")?;
                    }
                    f.write_str(key)?;
                }
                Segment::Key(key) => write!(f, "[{}]", serde_json::Value::from(key.as_str()))?,
                Segment::Member { field, value } => {
                    if is_plain(value) || value == "*" {
                        write!(f, "[{field}={value}]")?;
                    } else {
                        write!(f, "[{field}={}]", serde_json::Value::from(value.as_str()))?;
                    }
                }
                Segment::Index(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}

impl FromStr for Path {
    type Err = PathError;

    fn from_str(text: &str) -> Result<Self, PathError> {
        let fail = |at: usize, why| PathError { text: text.to_owned(), at: at + 1, why };
        let mut segments = Vec::new();
        let mut at = 0;
        while at < text.len() {
            let rest = &text[at..];
            if let Some(inner) = rest.strip_prefix('[') {
                let (segment, used) = bracket(inner).map_err(|(off, why)| fail(at + 1 + off, why))?;
                segments.push(segment);
                at += 1 + used;
                continue;
            }
            let rest = if segments.is_empty() {
                rest
            } else {
                at += 1;
                rest.strip_prefix('.').ok_or_else(|| fail(at - 1, "expected `.` or `[`"))?
            };
            let end = rest.find(['.', '[']).unwrap_or(rest.len());
            let key = &rest[..end];
            if !is_plain(key) && key != "*" {
                return Err(fail(at, "expected a key of A-Z a-z 0-9 _ -, or `[\"…\"]`"));
            }
            segments.push(Segment::Key(key.to_owned()));
            at += end;
        }
        if segments.is_empty() {
            return Err(fail(0, "it is empty"));
        }
        Ok(Self(segments))
    }
}

/// Reads what follows a `[`; answers the segment and how many bytes it took, `]` included.
fn bracket(inner: &str) -> Result<(Segment, usize), (usize, &'static str)> {
    if inner.starts_with('"') {
        let (key, used) = quoted(inner)?;
        return close(inner, used).map(|used| (Segment::Key(key), used));
    }
    let end = inner.find([']', '=']).ok_or((inner.len(), "expected `]`"))?;
    let field = &inner[..end];
    if inner[end..].starts_with(']') {
        let index = field.parse().map_err(|_| (0, "expected a position, `name=value` or `\"key\"`"))?;
        return Ok((Segment::Index(index), end + 1));
    }
    if !is_plain(field) {
        return Err((0, "expected a field name before `=`"));
    }
    let after = &inner[end + 1..];
    let (value, used) = if after.starts_with('"') {
        quoted(after).map_err(|(off, why)| (end + 1 + off, why))?
    } else {
        let stop = after.find(']').ok_or((inner.len(), "expected `]`"))?;
        (after[..stop].to_owned(), stop)
    };
    let used = close(after, used).map_err(|(off, why)| (end + 1 + off, why))?;
    Ok((Segment::Member { field: field.to_owned(), value }, end + 1 + used))
}

fn close(text: &str, at: usize) -> Result<usize, (usize, &'static str)> {
    if text[at..].starts_with(']') { Ok(at + 1) } else { Err((at, "expected `]`")) }
}

/// A JSON string at the start of `text`, and its length with the quotes.
fn quoted(text: &str) -> Result<(String, usize), (usize, &'static str)> {
    let mut stream = serde_json::Deserializer::from_str(text).into_iter::<String>();
    match stream.next() {
        Some(Ok(value)) => Ok((value, stream.byte_offset())),
        _ => Err((0, "expected a string in JSON's quotes")),
    }
}

impl serde::Serialize for Path {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Path {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        String::deserialize(d)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_three_ways_to_name_a_step_read_back() {
        for text in [
            "services.api.env.PORT",
            "services.api.ports[name=http].port",
            "services.api.files[\"/etc/app.ini\"]",
            "services.*.env.A",
            "a[0][1].b",
            "a[name=\"b]c\"]",
        ] {
            let path: Path = text.parse().expect(text);
            assert_eq!(path.to_string(), text);
        }
    }

    #[test]
    fn a_bad_path_says_where() {
        for (text, at) in [("", 1), ("a..b", 3), ("a[", 3), ("a b", 1), ("a[x]", 3), ("a[\"b]", 3)] {
            assert_eq!(text.parse::<Path>().map_err(|e| e.at), Err(at), "{text}");
        }
    }

    #[test]
    fn a_star_covers_one_step_and_all_below_it() {
        let covers = |p: &str, q: &str| p.parse::<Path>().unwrap().covers(&q.parse().unwrap());
        assert!(covers("services.*.env", "services.api.env.PORT"));
        assert!(!covers("services.*.env", "services.api.image"));
        assert!(!covers("services.api.env.PORT", "services.api"));
    }

    proptest! {
        #[test]
        fn any_keys_read_back(keys in proptest::collection::vec(".{0,8}", 1..5)) {
            prop_assume!(keys.iter().all(|k| k != "*"));
            let path = Path(keys.into_iter().map(Segment::Key).collect());
            prop_assert_eq!(path.to_string().parse::<Path>(), Ok(path));
        }
    }
}
