//! Images that nodes pull themselves, through caches of ours.
//!
//! A node's runtime is told of a cache by a file of its own (containerd, `docs/hosts.md`), which it reads at each pull;
//! names stay what they are. A cache gives content by its digest and is never asked what a tag means, so it cannot
//! change an image: the registry itself says that.

use std::{collections::BTreeMap, time::Instant};

use futures_util::future::try_join_all;

use super::{
    ClusterName, Kind, Result,
    cache::PORT,
    images::{OnNode, STEP, whole},
    upstream::Upstream,
};
use crate::{
    backend::{BackendError, Progress, Report, SecretValues},
    profile::{Image, ImageRef},
};

/// Where the runtimes of kind's nodes look, and of those that are built here.
const HOSTS: &str = "/etc/containerd/certs.d";

/// Whose caches nodes pull through.
#[derive(Clone, Debug)]
pub struct Through {
    pub owner: String,
    /// Registries that are asked without TLS, beside those of which the engine's own configuration says so.
    pub insecure: Vec<String>,
}

impl Kind {
    /// Has every node that pods may come to pull what it lacks of these images, through caches, and answers those that
    /// all of them have now. Why another one could not be had so is told; it may be had in another way.
    ///
    /// # Errors
    /// Where the nodes cannot be asked.
    pub(super) async fn pull_through(
        &self,
        name: &ClusterName,
        through: &Through,
        images: &[&ImageRef],
        report: &dyn Report,
    ) -> Result<Vec<Image>> {
        if images.is_empty() {
            return Ok(Vec::new());
        }
        let nodes = self.had_by_nodes(name).await?;
        let is_lacking = |image: &&ImageRef| nodes.iter().any(|(_, there)| !is_on(there, image));
        let (lacking, mut had): (Vec<&ImageRef>, Vec<_>) = images.iter().partition(|image| is_lacking(image));
        if !lacking.is_empty() {
            let _lock = self.use_caches(&through.owner).await?;
            match self.caches_of(through, &lacking, &nodes, report).await {
                Ok(known) => had.extend(self.pull_all(&known, &nodes, report).await),
                Err(error) => {
                    let why = last_line(&error);
                    report.event(Progress::Note(format!("nodes pull through no cache: {why}")));
                }
            }
        }
        Ok(had.into_iter().cloned().map(Image::Registry).collect())
    }

    /// Answers those that every node has now.
    async fn pull_all<'a>(
        &self,
        images: &[&'a ImageRef],
        nodes: &[(String, OnNode)],
        report: &dyn Report,
    ) -> Vec<&'a ImageRef> {
        let (begun, mut had) = (Instant::now(), Vec::new());
        if images.is_empty() {
            return had;
        }
        let what = format!("pulling {} images onto the nodes", images.len());
        report.event(Progress::Begun { step: STEP.to_owned(), what });
        for image in images {
            let lacking = nodes.iter().filter(|(_, there)| !is_on(there, image));
            match try_join_all(lacking.map(|(node, _)| self.pull_onto(node, image))).await {
                Ok(_) => had.push(*image),
                Err(error) => {
                    let why = last_line(&error);
                    report.event(Progress::Note(format!("the nodes cannot pull {image}: {why}")));
                }
            }
        }
        let millis = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        report.event(Progress::Done { step: STEP.to_owned(), millis });
        had
    }

    /// Those of the images whose cache is up, and known to every node.
    async fn caches_of<'a>(
        &self,
        through: &Through,
        images: &[&'a ImageRef],
        nodes: &[(String, OnNode)],
        report: &dyn Report,
    ) -> Result<Vec<&'a ImageRef>> {
        let insecure = self.insecure().await?.and(&through.insecure);
        let mut all: BTreeMap<Upstream, Vec<&ImageRef>> = BTreeMap::new();
        for image in images {
            if let Some(upstream) = Upstream::of(image, &insecure) {
                all.entry(upstream).or_default().push(image);
            }
        }
        let Some((first, _)) = nodes.first().filter(|_| !all.is_empty()) else { return Ok(Vec::new()) };
        let Some(made_of) = self.cache_image().await? else {
            let why = "this host has no image to make one of; `make setup-kind` has it made".to_owned();
            return Err(BackendError::Engine { what: "registry".to_owned(), why });
        };
        let mut known = Vec::new();
        for (upstream, images) in all {
            let host = upstream.host();
            match self.keep_cache(&through.owner, &upstream, &made_of, first).await {
                Ok(cache) => {
                    try_join_all(nodes.iter().map(|(node, _)| self.tell(node, &upstream, &cache))).await?;
                    known.extend(images);
                }
                Err(error) => {
                    let why = last_line(&error);
                    report.event(Progress::Note(format!("nodes do not pull from {host}: {why}")));
                }
            }
        }
        Ok(known)
    }

    /// Tells a node's runtime where to ask first for what is in a registry.
    async fn tell(&self, node: &str, upstream: &Upstream, cache: &str) -> Result<()> {
        let folder = format!("{HOSTS}/{}", upstream.host());
        let text = hosts(upstream, cache);
        // Whole or not at all: the runtime may read it now.
        let script =
            r#"mkdir -p "$0" && printf %s "$1" >"$0/.hosts.$$" && mv "$0/.hosts.$$" "$0/hosts.toml""#;
        let words = ["exec", node, "sh", "-c", script, &folder, &text];
        self.docker.run(&words, &SecretValues::default()).await.map(|_| ())
    }

    async fn pull_onto(&self, node: &str, image: &ImageRef) -> Result<String> {
        self.on(node, &["images", "pull", "--hosts-dir", HOSTS, &whole(image).to_pull()]).await
    }
}

/// containerd's `hosts.toml`: the cache for content alone, and the registry itself for all else and where the cache is
/// gone.
fn hosts(upstream: &Upstream, cache: &str) -> String {
    let server = upstream.url();
    format!("server = \"{server}\"\n\n[host.\"http://{cache}:{PORT}\"]\n  capabilities = [\"pull\"]\n")
}

fn is_on(there: &OnNode, image: &ImageRef) -> bool {
    there.contains_key(&whole(image).to_pull())
}

/// A program's whole output is no line.
fn last_line(error: &BackendError) -> String {
    let text = error.to_string();
    text.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default().trim().to_owned()
}
