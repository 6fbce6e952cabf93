//! Containers and images of anybody's: read, never touched.

use super::{Later, TarStream};
use crate::capture::docker::Dump;
use crate::{observed::Container, plan::capabilities::ImageFacts};

/// What Compose labels its containers with.
pub mod compose_labels {
    pub const PROJECT: &str = "com.docker.compose.project";
    pub const SERVICE: &str = "com.docker.compose.service";
    pub const NUMBER: &str = "com.docker.compose.container-number";
    pub const ONE_OFF: &str = "com.docker.compose.oneoff";
}

/// A container and what is known of its image, which may be gone.
pub struct Foreign {
    pub container: Container,
    pub image: Option<ImageFacts>,
}

/// An engine as a source: what is asked of it and of no mirror.
pub trait EngineSource: Send + Sync {
    /// The address of the engine, for people.
    fn address(&self) -> &str;
    /// A container by its name or id; `None` where there is none.
    fn foreign_container<'a>(&'a self, name: &'a str) -> Later<'a, Option<Foreign>>;
    /// The containers of a Compose project's services, by service and number; those of `compose run` are left out.
    fn foreign_project<'a>(&'a self, project: &'a str) -> Later<'a, Vec<Foreign>>;
    /// The documents of all containers with these labels, or of those that are named, and of their images.
    fn foreign_dump<'a>(&'a self, labels: &'a [String], named: &'a [String]) -> Later<'a, Dump>;
    /// What a short command prints in a container that runs, if it ends with 0; its words are no secret.
    fn answer<'a>(&'a self, id: &'a str, argv: &'a [&'a str]) -> Later<'a, Option<Vec<u8>>>;
    /// An image by name or id, as `docker save` writes it.
    ///
    /// # Errors
    /// [`super::BackendError::Image`] where there is none.
    fn image_archive<'a>(&'a self, image: &'a str) -> Later<'a, TarStream>;
}
