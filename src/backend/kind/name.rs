//! Whose a cluster is.

use std::{ffi::OsStr, fmt};

use sha2::{Digest as _, Sha256};

use crate::{digest::hex, name::Name, plan::kubernetes::ClusterShape};

const PREFIX: &str = "pm-";
/// Of the owner's hash, in hexadecimal digits.
const HASH: usize = 8;
/// A node's host name is the cluster's with `-control-plane` behind it, and has at most 63 letters.
const LONGEST: usize = 63 - "-control-plane".len();

/// `pm-OWNER-REST`, where OWNER is the first eight digits of the SHA-256 of the owner: the name alone says whose it is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ClusterName(String);

impl ClusterName {
    /// The one that all mirrors of an owner share that ask for this shape: `pm-OWNER-0-SEAL`.
    pub fn shared(owner: &str, shape: &ClusterShape) -> Self {
        // A mirror's name begins with a letter, so no cluster of one's own is called so.
        Self(format!("{PREFIX}{}-0-{}", hash(owner), shape.seal()))
    }

    /// A mirror's own: `pm-OWNER-MIRROR`. Two long names that differ have clusters that differ.
    pub fn own(owner: &str, mirror: &Name) -> Self {
        let start = format!("{PREFIX}{}-", hash(owner));
        let rest = mirror.as_str();
        if start.len() + rest.len() <= LONGEST {
            return Self(start + rest);
        }
        let short = &rest[..LONGEST - start.len() - HASH - 1];
        Self(format!("{start}{short}-{}", hash(rest)))
    }

    /// A cluster's name, if it is one of ours, whoever made it.
    pub fn read(name: &str) -> Option<Self> {
        let (owner, rest) = name.strip_prefix(PREFIX)?.split_once('-')?;
        let ours = owner.len() == HASH && owner.bytes().all(|b| b.is_ascii_hexdigit()) && !rest.is_empty();
        ours.then(|| Self(name.to_owned()))
    }

    pub fn belongs_to(&self, owner: &str) -> bool {
        self.0[PREFIX.len()..].starts_with(&hash(owner))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The container of the node that has the control plane.
    pub(super) fn control_plane(&self) -> String {
        format!("{self}-control-plane")
    }

    /// The context of its credentials.
    pub fn context(&self) -> String {
        format!("kind-{}", self.0)
    }
}

impl AsRef<OsStr> for ClusterName {
    fn as_ref(&self) -> &OsStr {
        self.0.as_ref()
    }
}

impl fmt::Display for ClusterName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The cache of a registry, and its volume: `pm-OWNER-registry-UPSTREAM`, both as hashes, for a registry's name with its
/// port is none of a container's.
pub(super) fn cache(owner: &str, upstream: &str) -> String {
    format!("{}-{}", caches(owner), hash(upstream))
}

/// What the names of an owner's caches begin with.
pub(super) fn caches(owner: &str) -> String {
    format!("{PREFIX}{}-registry", hash(owner))
}

fn hash(text: &str) -> String {
    let mut digits = hex(&Sha256::digest(text.as_bytes()));
    digits.truncate(HASH);
    digits
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(rest: &str) -> ClusterName {
        ClusterName::own("me@here", &Name::new(rest).unwrap())
    }

    #[test]
    fn a_cluster_is_known_again_by_its_name_and_belongs_to_whom_it_was_made_for() {
        let name = named("shop");
        assert_eq!(ClusterName::read(name.as_str()), Some(name.clone()));
        assert!(name.belongs_to("me@here") && !name.belongs_to("you@here"), "{name}");
    }

    #[test]
    fn mirrors_of_one_owner_share_a_cluster_where_they_ask_for_the_same() {
        let plain = ClusterShape::default();
        let other = ClusterShape { image: Some("node:v1".to_owned()), ..ClusterShape::default() };
        let shared = ClusterName::shared("me@here", &plain);
        assert_eq!(shared, ClusterName::shared("me@here", &plain));
        assert_ne!(shared, ClusterName::shared("me@here", &other));
        assert_ne!(shared, ClusterName::shared("you@here", &plain));
        assert_eq!(ClusterName::read(shared.as_str()), Some(shared));
    }

    #[test]
    fn other_peoples_clusters_are_not_ours() {
        for other in ["kind", "pm-shop", "pm-zzzzzzzz-shop", "pm-0123abcd-", "pm-0123abc-shop"] {
            assert_eq!(ClusterName::read(other), None, "{other}");
        }
    }

    #[test]
    fn a_long_name_is_cut_to_what_a_host_name_holds_and_stays_its_own() {
        let (one, other) = (named(&format!("{}x", "a".repeat(39))), named(&format!("{}y", "a".repeat(39))));
        assert_eq!(one.as_str().len(), LONGEST);
        assert_ne!(one, other);
        assert_eq!(ClusterName::read(one.as_str()), Some(one));
    }
}
