//! What a registry says of an image, asked by the engine with the caller's credentials.

use super::{Compose, trouble::Doing as _};
use crate::{
    backend::{BackendError, Result},
    profile::{Digest, ImageRef},
};

impl Compose {
    pub(super) async fn registry_digest(&self, image: &ImageRef) -> Result<Digest> {
        let name = ImageRef { digest: None, ..image.clone() }.to_pull();
        let what = format!("digest of {name}");
        let known = self.docker.inspect_registry_image(&name, None).await.doing(what.as_str())?;
        let digest = known.descriptor.digest.unwrap_or_default();
        digest.parse().map_err(|error| BackendError::Engine { what, why: format!("{error}") })
    }
}
