//! What a SOURCE names, and what a file turns out to hold. Reading is left to others.

mod content;

use std::{fmt, str::FromStr};

pub use content::{Content, recognize};

use crate::name::Name;

/// A place to read from, and one service of it.
#[derive(Clone, PartialEq, Eq)]
pub struct SourceName {
    pub place: Place,
    pub service: Option<String>,
}

#[derive(Clone, PartialEq, Eq)]
pub enum Place {
    File(String),
    Stdin,
    Profile(String),
    Mirror(Name),
    /// A container's name or id.
    Docker(String),
    /// A Compose project.
    Compose(String),
    Kubernetes {
        context: String,
        namespace: String,
        /// Kind and name.
        object: Option<(String, String)>,
    },
    /// A store itself; its URL may hold a password.
    Store(String),
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadSource(String);

/// Three that show the forms.
pub const EXAMPLES: [&str; 3] = ["mirror:shop#api", "docker:web-1", "./prod.env"];

const STORES: [&str; 5] = ["postgres://", "postgresql://", "mysql://", "redis://", "rediss://"];

/// Reads a SOURCE; `exists` says whether a file of that name is there.
///
/// A file contains `/` or `.`, or exists; a bare word is a mirror; `#SERVICE` picks one service.
pub fn parse(text: &str, exists: &dyn Fn(&str) -> bool) -> Result<SourceName, BadSource> {
    if STORES.iter().any(|scheme| text.starts_with(scheme)) {
        return Ok(SourceName { place: Place::Store(text.to_owned()), service: None });
    }
    let (place, service) = match text.rsplit_once('#') {
        // A file may have a `#` in its name.
        Some((place, service)) if !exists(text) => {
            if service.is_empty() {
                return Err(BadSource(format!("`{text}`: a service's name follows the `#`")));
            }
            (place, Some(service.to_owned()))
        }
        _ => (text, None),
    };
    Ok(SourceName { place: parse_place(place, exists)?, service })
}

fn parse_place(text: &str, exists: &dyn Fn(&str) -> bool) -> Result<Place, BadSource> {
    let bad = |why: String| Err(BadSource(format!("`{text}` is no source: {why}")));
    let name = |text: &str| Name::from_str(text).map_err(|error| BadSource(format!("`{text}`: {error}")));
    if text == "-" {
        return Ok(Place::Stdin);
    }
    if exists(text) {
        return Ok(Place::File(text.to_owned()));
    }
    if let Some((kind, rest)) = text.split_once(':') {
        let known = ["profile", "mirror", "docker", "compose", "kubernetes"].contains(&kind);
        if known && rest.is_empty() {
            return bad(format!("a name follows `{kind}:`"));
        }
        match kind {
            "profile" => return Ok(Place::Profile(rest.to_owned())),
            "mirror" => return Ok(Place::Mirror(name(rest)?)),
            "docker" => return Ok(Place::Docker(rest.to_owned())),
            "compose" => return Ok(Place::Compose(rest.to_owned())),
            "kubernetes" => return kubernetes(rest),
            _ if !kind.contains(['/', '.']) => {
                return bad(format!(
                    "`{kind}:` is unknown; known are profile:, mirror:, docker:, compose:, kubernetes: and the URL of a store"
                ));
            }
            _ => {}
        }
    }
    if text.contains(['/', '.']) {
        return Ok(Place::File(text.to_owned()));
    }
    Ok(Place::Mirror(name(text)?))
}

/// `CONTEXT/NAMESPACE[/KIND/NAME]`; contexts of some clouds hold slashes, so the parts are counted from the end.
fn kubernetes(text: &str) -> Result<Place, BadSource> {
    const KINDS: [&str; 7] =
        ["deployment", "statefulset", "daemonset", "job", "cronjob", "pod", "replicaset"];
    let bad = || {
        BadSource(format!(
            "`kubernetes:{text}` is no source: write kubernetes:CONTEXT/NAMESPACE, or …/KIND/NAME"
        ))
    };
    let (rest, object) = match text.rsplitn(3, '/').collect::<Vec<_>>().as_slice() {
        [name, kind, rest] if KINDS.contains(&kind.to_ascii_lowercase().as_str()) => {
            ((*rest).to_owned(), Some((kind.to_ascii_lowercase(), (*name).to_owned())))
        }
        _ => (text.to_owned(), None),
    };
    let (context, namespace) = rest.rsplit_once('/').ok_or_else(bad)?;
    if context.is_empty() || namespace.is_empty() || object.as_ref().is_some_and(|(_, name)| name.is_empty())
    {
        return Err(bad());
    }
    Ok(Place::Kubernetes { context: context.to_owned(), namespace: namespace.to_owned(), object })
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(file) => f.write_str(file),
            Self::Stdin => f.write_str("-"),
            Self::Profile(file) => write!(f, "profile:{file}"),
            Self::Mirror(name) => write!(f, "mirror:{name}"),
            Self::Docker(container) => write!(f, "docker:{container}"),
            Self::Compose(project) => write!(f, "compose:{project}"),
            Self::Kubernetes { context, namespace, object } => {
                write!(f, "kubernetes:{context}/{namespace}")?;
                object.iter().try_for_each(|(kind, name)| write!(f, "/{kind}/{name}"))
            }
            Self::Store(url) => match (url.split_once("://"), url.rsplit_once('@')) {
                (Some((scheme, _)), Some((_, place))) => write!(f, "{scheme}://…@{place}"),
                _ => f.write_str(url),
            },
        }
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Place({self})")
    }
}

impl fmt::Display for SourceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.place.fmt(f)?;
        self.service.iter().try_for_each(|service| write!(f, "#{service}"))
    }
}

impl fmt::Debug for SourceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SourceName({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<SourceName, BadSource> {
        parse(text, &|file| matches!(file, "shop" | "a#b.env" | "odd:name"))
    }

    #[test]
    fn every_form_is_told_apart_and_prints_as_it_was_written() {
        let place = |text: &str| read(text).unwrap().place;
        assert!(matches!(place("local.env"), Place::File(_)));
        assert!(matches!(place("dir/file"), Place::File(_)));
        assert!(matches!(place("shop"), Place::File(_)), "an existing file is one");
        assert!(matches!(place("odd:name"), Place::File(_)));
        assert!(matches!(place("a#b.env"), Place::File(_)));
        assert!(matches!(place("other"), Place::Mirror(_)));
        assert!(matches!(place("-"), Place::Stdin));
        for text in [
            "profile:x.yaml#api",
            "mirror:shop",
            "docker:web-1",
            "compose:proj#web",
            "kubernetes:ctx/ns",
            "kubernetes:arn:aws:eks/cluster/ns/deployment/api",
            "local.env",
            "x.yaml#api",
        ] {
            assert_eq!(read(text).unwrap().to_string(), text);
        }
        let Place::Kubernetes { context, namespace, object } =
            place("kubernetes:arn:aws:eks/cluster/ns/Deployment/api")
        else {
            panic!()
        };
        assert_eq!((context.as_str(), namespace.as_str()), ("arn:aws:eks/cluster", "ns"));
        assert_eq!(object, Some(("deployment".to_owned(), "api".to_owned())));
    }

    #[test]
    fn what_is_no_source_says_why() {
        for text in ["docker:", "kubernetes:ctx", "Bad Name", "podman:x", "mirror:Bad", "x.yaml#"] {
            assert!(read(text).is_err(), "{text}");
        }
        assert!(read("podman:x").unwrap_err().to_string().contains("known are profile:"));
    }

    #[test]
    fn the_password_of_a_store_is_never_shown() {
        let source = read("postgres://app:hunter2@db:5432/x").unwrap();
        assert_eq!(source.to_string(), "postgres://…@db:5432/x");
        assert!(!format!("{source:?}").contains("hunter2"));
    }
}
