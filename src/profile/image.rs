//! Images as a profile names them: pinned by digest, or built here.

use std::{fmt, str::FromStr};

/// `sha256:` and 64 hexadecimal digits (OCI image specification, descriptor digests).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digest(String);

/// An image as OCI's distribution specification names it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ImageRef {
    /// As written, `postgres` or `registry.example.com:5000/a/b`.
    pub name: String,
    pub tag: Option<String>,
    /// The digest of the index or manifest in a registry, not of the configuration.
    pub digest: Option<Digest>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Image {
    Registry(ImageRef),
    /// `local:NAME:TAG`, built on this machine and taken by image id.
    Local {
        name: String,
        tag: String,
    },
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ImageError {
    #[error("`{0}` is no digest: write `sha256:` and 64 hexadecimal digits")]
    Digest(String),
    #[error(
        "`{0}` is no image: write `[REGISTRY/]NAME[:TAG]@sha256:…`, or `local:NAME:TAG` for one built here"
    )]
    Reference(String),
}

impl Digest {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Digest {
    type Err = ImageError;
    fn from_str(text: &str) -> Result<Self, ImageError> {
        let hex = text.strip_prefix("sha256:").unwrap_or_default();
        if hex.len() == 64 && hex.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
            Ok(Self(text.to_owned()))
        } else {
            Err(ImageError::Digest(text.to_owned()))
        }
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl ImageRef {
    /// The name with the registry and `library/` that an engine adds by itself.
    pub fn canonical_name(&self) -> String {
        let first = self.name.split('/').next().unwrap_or_default();
        let has_registry =
            self.name.contains('/') && (first.contains('.') || first.contains(':') || first == "localhost");
        if has_registry {
            self.name.clone()
        } else if self.name.contains('/') {
            format!("docker.io/{}", self.name)
        } else {
            format!("docker.io/library/{}", self.name)
        }
    }

    /// The registry that it is in: `docker.io` where its name says none.
    pub fn registry(&self) -> String {
        let name = self.canonical_name();
        name.split_once('/').map_or(name.clone(), |(registry, _)| registry.to_owned())
    }

    /// What the engine is asked for: by digest where there is one, else by tag.
    pub fn to_pull(&self) -> String {
        match (&self.digest, &self.tag) {
            (Some(digest), _) => format!("{}@{digest}", self.name),
            (None, Some(tag)) => format!("{}:{tag}", self.name),
            (None, None) => format!("{}:latest", self.name),
        }
    }
}

impl Image {
    /// What the engine is asked for.
    pub fn to_engine(&self) -> String {
        match self {
            Self::Registry(reference) => reference.to_pull(),
            Self::Local { name, tag } => format!("{name}:{tag}"),
        }
    }
}

impl FromStr for Image {
    type Err = ImageError;
    fn from_str(text: &str) -> Result<Self, ImageError> {
        let bad = || ImageError::Reference(text.to_owned());
        if let Some(local) = text.strip_prefix("local:") {
            let (name, tag) = local.rsplit_once(':').ok_or_else(bad)?;
            if !is_name(name) || !is_tag(tag) {
                return Err(bad());
            }
            return Ok(Self::Local { name: name.to_owned(), tag: tag.to_owned() });
        }
        let (rest, digest) = match text.split_once('@') {
            Some((rest, digest)) => (rest, Some(digest.parse()?)),
            None => (text, None),
        };
        let (name, tag) = match rest.rsplit_once(':') {
            Some((name, tag)) if !tag.contains('/') => (name, Some(tag)),
            _ => (rest, None),
        };
        if !is_name(name) || !tag.is_none_or(is_tag) {
            return Err(bad());
        }
        Ok(Self::Registry(ImageRef { name: name.to_owned(), tag: tag.map(str::to_owned), digest }))
    }
}

impl fmt::Display for ImageRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        if let Some(digest) = &self.digest {
            write!(f, "@{digest}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Image {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Registry(reference) => reference.fmt(f),
            Self::Local { name, tag } => write!(f, "local:{name}:{tag}"),
        }
    }
}

/// `[host[:port]/]component[/component…]` of the distribution grammar.
fn is_name(name: &str) -> bool {
    let mut parts = name.split('/').peekable();
    let first_may_hold_port = name.contains('/');
    let mut first = true;
    !name.is_empty()
        && name.len() <= 255
        && parts.all(|part| {
            let host = first && first_may_hold_port;
            first = false;
            let (part, port) = match part.split_once(':') {
                Some((part, port)) if host => (part, Some(port)),
                _ => (part, None),
            };
            let edge = |b: Option<u8>| b.is_some_and(|b| b.is_ascii_alphanumeric());
            edge(part.bytes().next())
                && edge(part.bytes().last())
                && part.bytes().all(|b| {
                    b.is_ascii_lowercase()
                        || b.is_ascii_digit()
                        || b"._-".contains(&b)
                        || (host && b.is_ascii_uppercase())
                })
                && port.is_none_or(|port| port.parse::<u16>().is_ok())
        })
}

fn is_tag(tag: &str) -> bool {
    let word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    (1..=128).contains(&tag.len())
        && tag.bytes().next().is_some_and(word)
        && tag.bytes().all(|b| word(b) || b == b'.' || b == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_print_as_they_were_written() {
        let digest = format!("sha256:{}", "a".repeat(64));
        for text in [
            "postgres".to_owned(),
            "postgres:16.4".to_owned(),
            format!("postgres:16.4@{digest}"),
            format!("localhost:5000/a/b@{digest}"),
            "registry.example.com/notes/web:2.3.1".to_owned(),
            "local:shop-api:dev".to_owned(),
        ] {
            assert_eq!(text.parse::<Image>().map(|i| i.to_string()), Ok(text.clone()));
        }
    }

    #[test]
    fn what_is_no_reference_is_refused() {
        for text in ["", "A", "a b", "a:", "a@sha256:1", "local:x", "a//b", "-a", "${X}", "a:b:c"] {
            assert!(text.parse::<Image>().is_err(), "{text}");
        }
    }

    #[test]
    fn short_names_gain_the_registry_that_engines_mean() {
        let name = |text: &str| match text.parse::<Image>() {
            Ok(Image::Registry(reference)) => reference.canonical_name(),
            _ => String::new(),
        };
        assert_eq!(name("postgres"), "docker.io/library/postgres");
        assert_eq!(name("bitnami/redis"), "docker.io/bitnami/redis");
        assert_eq!(name("localhost/x"), "localhost/x");
        let registry = |text: &str| match text.parse::<Image>() {
            Ok(Image::Registry(reference)) => reference.registry(),
            _ => String::new(),
        };
        assert_eq!(
            (registry("postgres"), registry("h:5000/a/b")),
            ("docker.io".to_owned(), "h:5000".to_owned())
        );
    }
}
