//! Images that a plan needs: here already, pulled, or loaded from an archive folder.

use std::{collections::BTreeMap, path::Path, time::Instant};

use bollard::{
    body_try_stream,
    models::{CreateImageInfo, ImageSummary},
    query_parameters::{CreateImageOptionsBuilder, ImportImageOptions, ListImagesOptionsBuilder},
};
use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};

use super::{
    super::{Ask, BackendError, Brought, Here, Images, Later, Progress, Report, Result},
    Compose,
    trouble::{self, Doing as _},
};
use crate::{
    labels,
    profile::{Digest, Image, ImageRef},
};

const STEP: &str = "images";

impl Images for Compose {
    fn bring<'a>(
        &'a self,
        images: &'a [Image],
        archive: Option<&'a Path>,
        roles: &'a BTreeMap<String, String>,
        report: &'a dyn Report,
    ) -> Later<'a, Brought> {
        Box::pin(self.bring_all(images, archive, roles, report))
    }

    fn here<'a>(&'a self, ask: &'a Ask) -> Later<'a, Here> {
        Box::pin(async move {
            let (images, roles) = tokio::try_join!(self.image_facts(ask), self.roles())?;
            Ok(Here { images, roles })
        })
    }

    fn digest<'a>(&'a self, image: &'a ImageRef) -> Later<'a, Digest> {
        Box::pin(self.registry_digest(image))
    }
}

impl Compose {
    async fn bring_all(
        &self,
        images: &[Image],
        archive: Option<&Path>,
        roles: &BTreeMap<String, String>,
        report: &dyn Report,
    ) -> Result<Brought> {
        let mut brought = Brought::default();
        for image in images {
            let reference = image.to_engine();
            let error = match self.ensure_image(&reference, image, archive, report).await {
                Ok(came) => {
                    brought.any |= came;
                    continue;
                }
                Err(error) => error,
            };
            match (error, image) {
                (Missing::Unreachable(_), Image::Registry(registry))
                    if roles.contains_key(&registry.canonical_name()) =>
                {
                    brought.unreachable.push(reference);
                }
                (Missing::Unreachable(why) | Missing::Refused(why), _) => {
                    return Err(BackendError::Image { image: reference, why });
                }
                (Missing::Failed(error), _) => return Err(error),
            }
        }
        Ok(brought)
    }

    /// Answers whether the image had to come.
    async fn ensure_image(
        &self,
        reference: &str,
        image: &Image,
        archive: Option<&Path>,
        report: &dyn Report,
    ) -> Result<bool, Missing> {
        if self.docker.inspect_image(reference).await.if_there(reference)?.is_some() {
            return Ok(false);
        }
        let Image::Registry(registry) = image else {
            return Err(Missing::Refused("it is built on this machine, and was not".to_owned()));
        };
        let begun = Instant::now();
        let begin = |verb: &str| {
            // The digest alone is longer than a line of progress.
            let short = registry.tag.as_ref().map(|tag| format!("{}:{tag}", registry.name));
            let what = format!("{verb} {}", short.as_deref().unwrap_or(reference));
            report.event(Progress::Begun { step: STEP.to_owned(), what });
        };
        let found = match archive {
            Some(folder) => {
                begin("looking in the archive for");
                self.load_from_archive(folder, registry, report).await?
            }
            None => false,
        };
        if !found {
            begin("pulling");
            self.pull(registry, report).await?;
        }
        report.event(Progress::Done { step: STEP.to_owned(), millis: begun.elapsed().as_millis() as u64 });
        Ok(true)
    }

    /// The helper image given by reference.
    pub(super) async fn ensure_reference(&self, reference: &str) -> Result<()> {
        if self.docker.inspect_image(reference).await.if_there(reference)?.is_some() {
            return Ok(());
        }
        let no_image = |why: String| BackendError::Image { image: reference.to_owned(), why };
        let Image::Registry(image) = reference.parse().map_err(|error| no_image(format!("{error}")))? else {
            return Err(no_image("it is built on this machine, and was not".to_owned()));
        };
        self.pull(&image, &Quiet).await.map_err(|missing| match missing {
            Missing::Unreachable(why) | Missing::Refused(why) => no_image(why),
            Missing::Failed(error) => error,
        })
    }

    async fn pull(&self, image: &ImageRef, report: &dyn Report) -> Result<(), Missing> {
        let options = CreateImageOptionsBuilder::new().from_image(&image.to_pull()).build();
        let mut asks = self.asks(image).await?;
        let mut items = self.docker.create_image(Some(options), None, asks.login.take());
        let mut layers = Layers::default();
        while let Some(item) = items.next().await {
            let item = item.map_err(|error| Missing::of_pull(asks.told(trouble::words(&error))))?;
            // The engine tells of an error inside of an answer that began well.
            if let Some(detail) = item.error_detail {
                return Err(Missing::of_pull(asks.told(detail.message.unwrap_or_default())));
            }
            if let Some((done, total)) = layers.take(item) {
                report.event(Progress::Bytes { step: STEP.to_owned(), done, total: Some(total) });
            }
        }
        Ok(())
    }

    /// `docker load`.
    pub(super) async fn load(
        &self,
        tar: impl Stream<Item = std::io::Result<Bytes>> + Send + 'static,
        what: &str,
    ) -> Result<()> {
        let what = format!("loading {what}");
        let mut items = self.docker.import_image(ImportImageOptions::default(), body_try_stream(tar), None);
        while let Some(item) = items.next().await {
            if let Some(detail) = item.doing(what.clone())?.error_detail {
                return Err(BackendError::Engine { what, why: detail.message.unwrap_or_default() });
            }
        }
        Ok(())
    }

    pub(super) async fn images_with_label(&self, label: &str) -> Result<Vec<ImageSummary>> {
        let filters = std::collections::HashMap::from([("label", vec![label])]);
        let options = ListImagesOptionsBuilder::new().filters(&filters).build();
        self.docker.list_images(Some(options)).await.doing("list of images")
    }

    /// Builds that play the role of a public image: the image's canonical name to the build's reference.
    pub(super) async fn roles(&self) -> Result<BTreeMap<String, String>> {
        let mut images = self.images_with_label(labels::ROLE).await?;
        images.sort_by_key(|image| image.created);
        let role = |image: ImageSummary| {
            let role = image.labels.get(labels::ROLE)?.clone();
            Some((role, image.repo_tags.into_iter().next().unwrap_or(image.id)))
        };
        Ok(images.into_iter().filter_map(role).collect())
    }
}

/// Why an image is not here.
pub(super) enum Missing {
    /// No registry answered.
    Unreachable(String),
    /// A registry, or the archive, does not have it or does not give it.
    Refused(String),
    Failed(BackendError),
}

impl From<BackendError> for Missing {
    fn from(error: BackendError) -> Self {
        Self::Failed(error)
    }
}

impl Missing {
    /// The engine has no codes for this; its words are those of Go's network library.
    fn of_pull(why: String) -> Self {
        const NO_ANSWER: [&str; 12] = [
            "no such host",
            "connection refused",
            "connection reset",
            "network is unreachable",
            "no route to host",
            "i/o timeout",
            "TLS handshake timeout",
            "Client.Timeout exceeded",
            "context deadline exceeded",
            "server misbehaving",
            "failure in name resolution",
            "proxyconnect",
        ];
        if NO_ANSWER.iter().any(|words| why.contains(words)) {
            Self::Unreachable(why)
        } else {
            Self::Refused(why)
        }
    }
}

/// Sums the progress of layers, which the engine tells one by one.
#[derive(Default)]
struct Layers(BTreeMap<String, (u64, u64)>);

impl Layers {
    fn take(&mut self, item: CreateImageInfo) -> Option<(u64, u64)> {
        // Extraction counts from nought again: only the transfer is counted.
        if item.status.as_deref() != Some("Downloading") {
            return None;
        }
        let detail = item.progress_detail?;
        let amount = |number: Option<i64>| number.and_then(|number| u64::try_from(number).ok());
        self.0.insert(item.id?, (amount(detail.current)?, amount(detail.total)?));
        Some(self.0.values().fold((0, 0), |sum, layer| (sum.0 + layer.0, sum.1 + layer.1)))
    }
}

pub(super) struct Quiet;

impl Report for Quiet {
    fn event(&self, _: Progress) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_registry_that_does_not_answer_is_told_from_one_that_refuses() {
        let unreachable =
            "Get \"https://localhost:1/v2/\": dial tcp 127.0.0.1:1: connect: connection refused";
        assert!(matches!(Missing::of_pull(unreachable.to_owned()), Missing::Unreachable(_)));
        assert!(matches!(Missing::of_pull("manifest unknown".to_owned()), Missing::Refused(_)));
    }
}
