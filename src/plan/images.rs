//! Images: what the engine is asked for in place of what the profile names.

use super::{Capabilities, ImagePlan, ImageSource, capabilities::ImageFacts};
use crate::{
    name::Name,
    profile::{Arch, Container, Image, Profile, Workload},
};

/// What stands in the place of a helper image that could not be found; `up` refuses.
pub(crate) const NO_HELPER: &str = "prodmirror-helper:missing";

/// The image of a workload's own containers, `--image` heeded.
pub(crate) fn own<'a>(capabilities: &'a Capabilities, service: &Name, run: &'a Workload) -> &'a Image {
    capabilities.options.images.get(service.as_str()).unwrap_or(&run.image)
}

/// The image of an init container or a sidecar.
pub(crate) fn side<'a>(
    capabilities: &'a Capabilities,
    service: &Name,
    run: &'a Workload,
    container: &'a Container,
) -> &'a Image {
    container.image.as_ref().unwrap_or_else(|| own(capabilities, service, run))
}

/// By digest, by tag, by the id of what was built here, or the build of the same role, and what is known of it.
pub(crate) fn choose<'a>(
    capabilities: &'a Capabilities,
    image: &Image,
) -> (ImagePlan, Option<&'a ImageFacts>) {
    let asked = image.to_engine();
    let here = capabilities.images.get(&asked);
    let plan = |reference: String, source| ImagePlan { written: Some(image.clone()), reference, source };
    match image {
        Image::Local { .. } => {
            let id = here.map(|facts| facts.id.clone()).filter(|id| !id.is_empty());
            (plan(id.unwrap_or(asked), ImageSource::Local), here)
        }
        Image::Registry(reference) => {
            if let (None, Some(role)) = (here, capabilities.roles.get(&reference.canonical_name())) {
                let facts = capabilities.images.get(role);
                return (plan(role.clone(), ImageSource::Role), facts);
            }
            let source = if reference.digest.is_some() { ImageSource::Digest } else { ImageSource::Tag };
            (plan(asked, source), here)
        }
    }
}

pub(crate) fn helper(capabilities: &Capabilities) -> ImagePlan {
    let reference = capabilities.host.helper.clone().unwrap_or_else(|| NO_HELPER.to_owned());
    ImagePlan { written: None, reference, source: ImageSource::Helper }
}

/// `linux/arm64` where the profile names an architecture.
pub(crate) fn platform(profile: &Profile) -> Option<String> {
    let arch = match profile.platform.arch? {
        Arch::Amd64 => "amd64",
        Arch::Arm64 => "arm64",
    };
    Some(format!("linux/{arch}"))
}
