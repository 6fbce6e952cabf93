//! How the nodes of one cluster come by images: what this host's engine has is sent from it, all else they pull through
//! caches of ours, and what they cannot have so the engine pulls, with an archive of it for the nodes.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use futures_util::future::try_join_all;

use super::{ClusterName, Kind, Through};
use crate::{
    backend::{Ask, Brought, Here, Images, Later, Nodes, Report, Result},
    profile::{Digest, Image, ImageRef},
};

/// The nodes of a cluster.
#[derive(Clone)]
pub struct NodesOf {
    pub kind: Kind,
    pub name: ClusterName,
    pub through: Through,
    /// The engine's own images, and its way to more.
    pub engine: Arc<dyn Images>,
}

impl Nodes for NodesOf {
    fn supply<'a>(&'a self, references: &'a [String], report: &'a dyn Report) -> Later<'a, ()> {
        Box::pin(async move {
            let named: Vec<&str> = references.iter().map(String::as_str).collect();
            let left = self.kind.bring(&self.name, &named, report).await?.left;
            // What nobody has had yet a pod tells, which pulls by itself.
            let left: Vec<Image> = left.iter().filter_map(|reference| reference.parse().ok()).collect();
            self.pull(&left, report).await.map(|_| ())
        })
    }
}

impl Images for NodesOf {
    fn bring<'a>(
        &'a self,
        images: &'a [Image],
        archive: Option<&'a Path>,
        roles: &'a BTreeMap<String, String>,
        report: &'a dyn Report,
    ) -> Later<'a, Brought> {
        Box::pin(async move {
            // Whoever gives an archive wants what is in it, and an engine alone reads one.
            let had = match archive {
                Some(_) => Vec::new(),
                None => self.pull(&self.elsewhere(images, roles).await?, report).await?,
            };
            let rest: Vec<Image> = images.iter().filter(|image| !had.contains(image)).cloned().collect();
            let brought = self.engine.bring(&rest, archive, roles, report).await?;
            Ok(Brought { any: brought.any || !had.is_empty(), ..brought })
        })
    }

    fn here<'a>(&'a self, ask: &'a Ask) -> Later<'a, Here> {
        Box::pin(async move {
            let mut here = self.engine.here(ask).await?;
            let unknown = registry_images(&ask.images);
            let unknown: Vec<_> =
                unknown.filter(|(image, _)| !here.images.contains_key(&image.to_engine())).collect();
            if !unknown.is_empty() {
                let (machine, nodes) =
                    tokio::try_join!(self.kind.machine(), self.kind.had_by_nodes(&self.name))?;
                let arch = machine.arch();
                // What one node has all can have.
                for (node, there) in &nodes {
                    for (image, reference) in &unknown {
                        if let Some(facts) = self.kind.facts_on(node, there, reference, &arch).await? {
                            here.images.entry(image.to_engine()).or_insert(facts);
                        }
                    }
                }
            }
            Ok(here)
        })
    }

    fn digest<'a>(&'a self, image: &'a ImageRef) -> Later<'a, Digest> {
        self.engine.digest(image)
    }
}

impl NodesOf {
    async fn pull(&self, images: &[Image], report: &dyn Report) -> Result<Vec<Image>> {
        let named: Vec<&ImageRef> = registry_images(images).map(|(_, reference)| reference).collect();
        self.kind.pull_through(&self.name, &self.through, &named, report).await
    }

    /// The images that the engine does not have, and that a registry may give.
    ///
    /// Where a build stands in for an image, its registry is likely not in reach at all: the engine, which is quicker
    /// than a cache that is made for it, is asked first.
    async fn elsewhere(&self, images: &[Image], roles: &BTreeMap<String, String>) -> Result<Vec<Image>> {
        let known = images.iter().map(Image::to_engine).collect::<Vec<_>>();
        let known = try_join_all(known.iter().map(|image| self.kind.here(image))).await?;
        let lacking =
            images.iter().zip(&known).filter(|(_, here)| here.is_none()).map(|(image, _)| image.clone());
        let (mut elsewhere, mut away) = (Vec::new(), BTreeMap::new());
        for (image, reference) in registry_images(&lacking.collect::<Vec<_>>()) {
            let registry = reference.registry();
            let is_away = match away.get(&registry) {
                Some(known) => *known,
                None if roles.contains_key(&reference.canonical_name()) => {
                    let is_away = !self.kind.has_cache(&self.through.owner, &registry).await?
                        && self.engine.digest(reference).await.is_err();
                    away.insert(registry, is_away);
                    is_away
                }
                None => false,
            };
            if !is_away {
                elsewhere.push(image.clone());
            }
        }
        Ok(elsewhere)
    }
}

fn registry_images(images: &[Image]) -> impl Iterator<Item = (&Image, &ImageRef)> {
    images.iter().filter_map(|image| match image {
        Image::Registry(reference) => Some((image, reference)),
        Image::Local { .. } => None,
    })
}
