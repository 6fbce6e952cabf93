//! What a node's runtime knows of an image that is on it: read from its content, document by document.

use serde_json::Value;

use super::{
    Kind, Result,
    images::{OnNode, whole},
};
use crate::{
    backend::BackendError,
    observed::inspect,
    plan::capabilities::ImageFacts,
    profile::{Digest, ImageRef},
};

impl Kind {
    /// `None` where the node does not have it, or not all of it.
    pub(super) async fn facts_on(
        &self,
        node: &str,
        there: &OnNode,
        image: &ImageRef,
        arch: &str,
    ) -> Result<Option<ImageFacts>> {
        let whole = whole(image);
        let Some(digest) = there.get(&whole.to_pull()) else { return Ok(None) };
        let Some(mut manifest) = self.content(node, digest).await? else { return Ok(None) };
        if let Some(digest) = of_platform(&manifest, arch) {
            let Some(of_platform) = self.content(node, &digest).await? else { return Ok(None) };
            manifest = of_platform;
        }
        let Some(configuration) = manifest["config"]["digest"].as_str() else { return Ok(None) };
        let Some(configuration) = self.content(node, configuration).await? else { return Ok(None) };
        let repo_digests = vec![format!("{}@{digest}", whole.name)];
        Ok(Some(ImageFacts { id: digest.clone(), repo_digests, ..inspect::configuration(&configuration) }))
    }

    /// A document of the runtime's store.
    async fn content(&self, node: &str, digest: &str) -> Result<Option<Value>> {
        // The one who wrote it was a registry.
        let Ok(digest) = digest.parse::<Digest>() else { return Ok(None) };
        match self.on(node, &["content", "get", digest.as_str()]).await {
            Ok(text) => Ok(serde_json::from_str(&text).ok()),
            Err(BackendError::Command { output, .. }) if output.contains("not found") => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// The manifest for the platform of an architecture; `None` where the document is no index.
fn of_platform(index: &Value, arch: &str) -> Option<String> {
    let of = |manifest: &&Value| {
        let platform = &manifest["platform"];
        platform["os"] == "linux" && platform["architecture"] == arch
    };
    index["manifests"].as_array()?.iter().find(of)?["digest"].as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn of_an_index_the_manifest_of_the_nodes_own_platform_is_read() {
        let entry = |digest: &str, os: &str, arch: &str| json!({"digest": digest, "platform": {"os": os, "architecture": arch}});
        let index = json!({"manifests": [entry("a", "windows", "amd64"), entry("b", "linux", "arm64"), entry("c", "linux", "amd64")]});
        assert_eq!(of_platform(&index, "amd64").as_deref(), Some("c"));
        assert_eq!(of_platform(&index, "riscv64"), None);
        assert_eq!(of_platform(&json!({"config": {"digest": "d"}}), "amd64"), None);
    }
}
