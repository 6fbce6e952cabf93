//! The images of a mirror, before it is made.

use std::{collections::BTreeMap, path::Path};

use super::{Ask, Later, Report};
use crate::{
    plan::capabilities::ImageFacts,
    profile::{Digest, Image, ImageRef},
};

/// Where images come from.
pub trait Images: Send + Sync {
    /// Makes sure that every image can be had where replicas run: it is there, else it comes from the archive folder,
    /// else from its registry.
    ///
    /// `roles` are the builds that stand in where no registry answers ([`crate::plan::Capabilities::roles`]).
    ///
    /// # Errors
    /// [`super::BackendError::Image`] for the first image that cannot be had in any way.
    fn bring<'a>(
        &'a self,
        images: &'a [Image],
        archive: Option<&'a Path>,
        roles: &'a BTreeMap<String, String>,
        report: &'a dyn Report,
    ) -> Later<'a, Brought>;

    /// What is known of the images that are asked about, before anything is made.
    fn here<'a>(&'a self, ask: &'a Ask) -> Later<'a, Here>;

    /// The digest that the image's tag has in its registry now (the index's, where there is one), asked with the
    /// caller's own credentials.
    ///
    /// # Errors
    /// When no registry answers, or does not know the image.
    fn digest<'a>(&'a self, image: &'a ImageRef) -> Later<'a, Digest>;
}

/// What [`Images::here`] finds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Here {
    /// By reference, of those that are here.
    pub images: BTreeMap<String, ImageFacts>,
    /// Builds that stand in for public images, by the public name.
    pub roles: BTreeMap<String, String>,
}

/// What [`Images::bring`] came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Brought {
    /// Whether an image came that was not there before: what was read of images is out of date.
    pub any: bool,
    /// Images that are not there because no registry answered; a build of the same role is there for each.
    pub unreachable: Vec<String>,
}
