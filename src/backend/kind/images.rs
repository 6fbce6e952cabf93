//! Images of this host's engine, in the runtime of every node, under the references that manifests have.
//!
//! `kind load` keeps no digests (kubernetes-sigs/kind#2394, #3795), so a reference by digest would be pulled from its
//! registry. An archive of the engine's containerd image store has each image as it is, a multi-platform one without
//! the platforms that are not here: its digest is what it was, and the runtime is told the name.

use std::{collections::BTreeMap, ffi::OsStr, path::Path, time::Instant};

use futures_util::future::try_join_all;

use super::{ClusterName, Kind, Result, io};
use crate::{
    backend::{BackendError, Progress, Report, SecretValues},
    profile::{Image, ImageRef},
};

pub(super) const STEP: &str = "images";
/// Containerd's own command, for the images that the kubelet sees.
const CTR: [&str; 3] = ["ctr", "--namespace", "k8s.io"];

/// What became of the images that were asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NodeImages {
    /// Those that a node lacked, in the order of the question.
    pub brought: Vec<String>,
    /// Those that this engine cannot give as they are named: they are not here, or its image store keeps no digests.
    /// The nodes pull them themselves.
    pub left: Vec<String>,
}

/// An image of this engine.
pub(super) struct Here<'a> {
    /// As a manifest names it.
    reference: &'a str,
    /// With the registry that a runtime adds: its name on a node.
    canonical: String,
    /// Its name without the digest, where it is named by one.
    digest_of: Option<String>,
    /// The engine's id: the digest of the index or manifest in a containerd image store, else of the configuration.
    id: String,
}

/// What a node's runtime has: names to digests.
pub(super) type OnNode = BTreeMap<String, String>;

impl Kind {
    /// Brings images to every node that pods may come to. What a node has already is not sent again; a tag that means
    /// another image by now is.
    ///
    /// `references` are those of a plan's containers, by digest or by tag.
    ///
    /// # Errors
    /// [`BackendError::Image`] for what is no reference, [`BackendError::Command`] with a program's last words.
    pub async fn bring(
        &self,
        name: &ClusterName,
        references: &[&str],
        report: &dyn Report,
    ) -> Result<NodeImages> {
        let (known, nodes) = tokio::try_join!(
            try_join_all(references.iter().map(|reference| self.here(reference))),
            self.had_by_nodes(name),
        )?;
        let (mut here, mut left) = (Vec::new(), Vec::new());
        for (reference, known) in references.iter().zip(known) {
            match known {
                Some(found) => here.push(found),
                None => left.push((*reference).to_owned()),
            }
        }
        let is_lacking = |image: &&Here<'_>| nodes.iter().any(|(_, there)| !image.is_on(there));
        let lacking: Vec<_> = here.iter().filter(is_lacking).collect();
        if !lacking.is_empty() {
            let begun = Instant::now();
            let what = format!("bringing {} images to the nodes", lacking.len());
            report.event(Progress::Begun { step: STEP.to_owned(), what });
            let nodes: Vec<_> = nodes.iter().map(|(node, _)| node.as_str()).collect();
            self.send(&nodes, &lacking).await?;
            let millis = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
            report.event(Progress::Done { step: STEP.to_owned(), millis });
        }
        let brought = lacking.iter().map(|image| image.reference.to_owned()).collect();
        Ok(NodeImages { brought, left })
    }

    /// `None` where the engine does not have the image, or not under its digest.
    pub(super) async fn here<'a>(&self, reference: &'a str) -> Result<Option<Here<'a>>> {
        let canonical = canonical(reference)?;
        let found = self.docker(&[&"image", &"inspect", &"--format", &"{{.Id}}", &reference]).await;
        let id = match found {
            Ok(id) => id.trim().to_owned(),
            Err(BackendError::Command { output, .. }) if output.contains("No such image") => return Ok(None),
            Err(error) => return Err(error),
        };
        if canonical.digest.as_ref().is_some_and(|digest| digest.as_str() != id) {
            return Ok(None);
        }
        let digest_of = canonical.digest.is_some().then(|| canonical.name.clone());
        Ok(Some(Here { reference, canonical: canonical.to_pull(), digest_of, id }))
    }

    /// The nodes that pods may come to, each with what it has.
    pub(super) async fn had_by_nodes(&self, name: &ClusterName) -> Result<Vec<(String, OnNode)>> {
        let nodes = self.nodes_for_pods(name).await?;
        let there = nodes.into_iter().map(async |node| {
            let printed = self.on(&node, &["images", "list"]).await?;
            Ok((node, printed.lines().skip(1).filter_map(listed).collect()))
        });
        try_join_all(there).await
    }

    async fn send(&self, nodes: &[&str], images: &[&Here<'_>]) -> Result<()> {
        let (by_digest, by_tag): (Vec<&Here<'_>>, Vec<_>) =
            images.iter().partition(|image| image.digest_of.is_some());
        if !by_tag.is_empty() {
            // The archive has their names.
            let archive = self.save(&by_tag).await?;
            for node in nodes {
                self.import(node, archive.path(), &[]).await?;
            }
        }
        for image in by_digest {
            let Some(name) = &image.digest_of else { continue };
            // An archive has no name for it, and containerd gives all of one archive the same: each has its own. One
            // that is renamed afterwards is looked for by the kubelet's runtime under the name before.
            let archive = self.save(&[image]).await?;
            for node in nodes {
                self.import(node, archive.path(), &["--digests", "--base-name", name]).await?;
            }
        }
        Ok(())
    }

    async fn save(&self, images: &[&Here<'_>]) -> Result<tempfile::NamedTempFile> {
        let archive = tempfile::NamedTempFile::new().map_err(io("an archive of images"))?;
        let path = archive.path();
        let mut words: Vec<&(dyn AsRef<OsStr> + Sync)> = vec![&"save", &"--output", &path];
        words.extend(images.iter().map(|image| &image.reference as &(dyn AsRef<OsStr> + Sync)));
        self.docker(&words).await?;
        Ok(archive)
    }

    /// The archive is the standard input of a program on the node, where ours holds the tether: a shell keeps them apart.
    async fn import(&self, node: &str, archive: &Path, how: &[&str]) -> Result<()> {
        let script = r#"docker=$0 archive=$1; shift; exec "$docker" exec --interactive "$@" - <"$archive""#;
        let mut words: Vec<&(dyn AsRef<OsStr> + Sync)> =
            vec![&"-c", &script, &self.docker.path, &archive, &node];
        let import = ["images", "import"];
        words.extend(CTR.iter().chain(&import).chain(how).map(|word| word as &(dyn AsRef<OsStr> + Sync)));
        let shell = super::Program { path: "sh".into(), ..self.docker.clone() };
        shell.run(&words, &SecretValues::default()).await.map(|_| ())
    }

    pub(super) async fn on(&self, node: &str, words: &[&str]) -> Result<String> {
        let words: Vec<&str> = ["exec", node].into_iter().chain(CTR).chain(words.iter().copied()).collect();
        self.docker.run(&words, &SecretValues::default()).await
    }
}

impl Here<'_> {
    fn is_on(&self, node: &OnNode) -> bool {
        let Some(there) = node.get(&self.canonical) else { return false };
        // Where the engine's ids are of configurations: by one the runtime knows the same image.
        *there == self.id || node.get(&self.id) == Some(there)
    }
}

fn canonical(reference: &str) -> Result<ImageRef> {
    let why = |why: String| BackendError::Image { image: reference.to_owned(), why };
    match reference.parse().map_err(|error| why(format!("{error}")))? {
        Image::Registry(image) => Ok(whole(&image)),
        Image::Local { .. } => Err(why("a node knows it by its plain name".to_owned())),
    }
}

/// The same image with the registry that a runtime adds to its name.
pub(super) fn whole(image: &ImageRef) -> ImageRef {
    ImageRef { name: image.canonical_name(), ..image.clone() }
}

/// A line of containerd's table: the name, the type, the digest, and more.
fn listed(line: &str) -> Option<(String, String)> {
    let mut columns = line.split_whitespace();
    let (name, _, digest) = (columns.next()?, columns.next()?, columns.next()?);
    Some((name.to_owned(), digest.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: &str = "sha256:739f3aab2e6e038e9c085f001b34ff28029b010d05891b59274f1f8dbab1ed23";

    #[test]
    fn a_reference_is_called_on_a_node_what_its_runtime_calls_it() {
        let called = |reference: &str| canonical(reference).unwrap().to_pull();
        assert_eq!(called(&format!("redis@{DIGEST}")), format!("docker.io/library/redis@{DIGEST}"));
        assert_eq!(called("built/redis:7"), "docker.io/built/redis:7");
        assert_eq!(called("host:5000/app"), "host:5000/app:latest");
        assert!(canonical("No Image").is_err());
    }

    #[test]
    fn an_image_is_on_a_node_when_its_name_means_the_same_one_there() {
        let table = format!(
            "REF TYPE DIGEST SIZE\ndocker.io/built/redis:7 application/vnd {DIGEST} 55 MiB linux/amd64 -\n\
             sha256:c0ffee application/vnd {DIGEST} 55 MiB linux/amd64 -\n"
        );
        let there: OnNode = table.lines().skip(1).filter_map(listed).collect();
        let here = |canonical: &str, id: &str| Here {
            reference: "redis:7",
            canonical: canonical.to_owned(),
            digest_of: None,
            id: id.to_owned(),
        };
        assert!(here("docker.io/built/redis:7", DIGEST).is_on(&there));
        assert!(
            here("docker.io/built/redis:7", "sha256:c0ffee").is_on(&there),
            "the id of its configuration"
        );
        assert!(!here("docker.io/built/redis:7", "sha256:another").is_on(&there), "it was built anew");
        assert!(!here("docker.io/built/redis:8", DIGEST).is_on(&there));
    }
}
