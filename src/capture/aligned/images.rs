//! Images of which one side alone has the digest.

use serde_json::Value as Json;

use super::{get, matches, pattern};
use crate::{
    path::Path,
    profile::{Image, ImageRef},
};

const PLACES: [&str; 5] = [
    "services.*.image",
    "jobs.*.image",
    "stores.*.image",
    "services.*.init.*.image",
    "services.*.sidecars.*.image",
];

/// The images that have one name and one tag on both sides and a digest on one of them at most: nobody can tell
/// whether they are the same.
pub(super) fn unread(captured: &Json, other: &Json) -> Vec<(Path, String)> {
    let places = PLACES.iter().flat_map(|place| matches(captured, &pattern(place)));
    let why = |at: Path| {
        let (mine, theirs) = (get(captured, &at.0)?.as_str()?, get(other, &at.0)?.as_str()?);
        (mine != theirs && may_be_same(mine, theirs)).then(|| {
            let why = "both name this tag, and a registry's digest is known of one side at most";
            (at, why.to_owned())
        })
    };
    places.filter_map(why).collect()
}

fn may_be_same(mine: &str, theirs: &str) -> bool {
    let (Ok(mine), Ok(theirs)) = (mine.parse::<Image>(), theirs.parse::<Image>()) else { return false };
    let (mine, theirs) = (reference(mine), reference(theirs));
    let tag = |of: &ImageRef| of.tag.clone().unwrap_or_else(|| "latest".to_owned());
    let one_digest_at_most = mine.digest.is_none() || theirs.digest.is_none();
    mine.canonical_name() == theirs.canonical_name() && tag(&mine) == tag(&theirs) && one_digest_at_most
}

/// One that was built here has no digest in a registry.
fn reference(image: Image) -> ImageRef {
    match image {
        Image::Registry(reference) => reference,
        Image::Local { name, tag } => ImageRef { name, tag: Some(tag), digest: None },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_beside_a_digest_tells_nothing_and_two_digests_do() {
        let digest = |c: char| format!("@sha256:{}", c.to_string().repeat(64));
        assert!(may_be_same("web:1", &format!("docker.io/library/web:1{}", digest('a'))));
        assert!(may_be_same("local:web:1", "web:1"));
        assert!(may_be_same("web", "web:latest"));
        assert!(!may_be_same("web:1", "web:2"));
        assert!(!may_be_same("web:1", "api:1"));
        assert!(!may_be_same(&format!("web:1{}", digest('a')), &format!("web:1{}", digest('b'))));
    }
}
