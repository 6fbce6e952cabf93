//! Which image of an archive is meant, and its parts: indexes, manifests, configurations.

use serde_json::Value as Json;

use super::{LayersError, Result, bad, limits::Budget};
use crate::{
    image::{Config, Image, Layer, LayerFacts, Tree},
    profile::Digest,
};

/// Parts of an archive by their paths; each with the digest of its bytes as they lie there.
pub(super) trait Blobs {
    fn document(&mut self, path: &str) -> Result<Option<(Vec<u8>, String)>>;
    fn layer(&mut self, path: &str, budget: &mut Budget) -> Result<Option<(Layer, String)>>;
}

/// What is asked of an archive with more than one image.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// A name or a tag; absent: the only one.
    pub reference: Option<String>,
    /// `linux/arm64`, and `/v8` behind it if that matters.
    pub platform: Option<String>,
    /// Taken where no platform is asked for and several are there: this machine's.
    pub usual: String,
}

/// An image that could be meant.
struct Candidate {
    names: Vec<String>,
    digest: String,
    platform: String,
    /// Of the configuration, and of the layers, the lowest first.
    config: String,
    layers: Vec<String>,
}

/// An index may name indexes; nobody nests them deeper.
const DEEPEST: usize = 4;
/// More manifests in one archive are none of an image.
const MOST: usize = 1000;

pub(super) fn image(name: &str, mut blobs: impl Blobs, wanted: &Wanted) -> Result<Image> {
    let mut candidates = Vec::new();
    if let Some((index, _)) = blobs.document("index.json")? {
        let index = json(name, "index.json", &index)?;
        descend(name, &mut blobs, &index, &[], DEEPEST, &mut candidates)?;
    } else if let Some((manifests, _)) = blobs.document("manifest.json")? {
        saved(name, &json(name, "manifest.json", &manifests)?, &mut candidates)?;
    } else {
        return Err(bad(
            name,
            "holds neither `index.json` nor `manifest.json`: it is no archive of `docker save` and no OCI layout",
        ));
    }
    let chosen = choose(name, candidates, wanted)?;
    build(name, &mut blobs, chosen)
}

fn json(name: &str, part: &str, bytes: &[u8]) -> Result<Json> {
    serde_json::from_slice(bytes).map_err(|error| bad(format!("{name}: {part}"), error.to_string()))
}

/// `blobs/sha256/…`; a digest of another algorithm cannot be compared.
fn blob(name: &str, digest: &str) -> Result<String> {
    let digest: Digest = digest.parse().map_err(|error| bad(name, format!("{error}")))?;
    Ok(format!("blobs/{}", digest.as_str().replacen(':', "/", 1)))
}

/// A document by its digest, which its bytes must have.
fn by_digest(name: &str, blobs: &mut impl Blobs, digest: &str) -> Result<Option<Json>> {
    let path = blob(name, digest)?;
    let Some((bytes, found)) = blobs.document(&path)? else { return Ok(None) };
    if found != digest {
        return Err(bad(format!("{name}: {path}"), format!("its content is {found}")));
    }
    json(name, &path, &bytes).map(Some)
}

fn descend(
    name: &str,
    blobs: &mut impl Blobs,
    index: &Json,
    names: &[String],
    depth: usize,
    candidates: &mut Vec<Candidate>,
) -> Result<()> {
    let manifests = index["manifests"].as_array().map(Vec::as_slice).unwrap_or_default();
    for descriptor in manifests {
        let Some(digest) = descriptor["digest"].as_str() else {
            return Err(bad(name, "an index names a manifest without a digest"));
        };
        let mut names = names.to_vec();
        for key in ["io.containerd.image.name", "org.opencontainers.image.ref.name"] {
            names.extend(descriptor["annotations"][key].as_str().map(str::to_owned));
        }
        let attests = descriptor["annotations"]["vnd.docker.reference.type"].is_string();
        // Platforms that were not pulled are named and not there.
        let Some(document) = by_digest(name, blobs, digest)? else { continue };
        if document["manifests"].is_array() {
            if depth == 0 {
                return Err(bad(name, format!("indexes lie in each other more than {DEEPEST} deep")));
            }
            descend(name, blobs, &document, &names, depth - 1, candidates)?;
        } else if !attests {
            let candidate = manifest(name, &document, digest, names, &descriptor["platform"])?;
            match candidates.iter_mut().find(|known| known.digest == candidate.digest) {
                Some(known) => known.names.extend(candidate.names),
                None => candidates.push(candidate),
            }
        }
        if candidates.len() > MOST {
            return Err(LayersError::TooMuch { what: name.to_owned(), limit: format!("{MOST} images") });
        }
    }
    Ok(())
}

fn manifest(
    name: &str,
    document: &Json,
    digest: &str,
    names: Vec<String>,
    platform: &Json,
) -> Result<Candidate> {
    let part = |descriptor: &Json| {
        let digest = descriptor["digest"].as_str();
        digest
            .map(str::to_owned)
            .ok_or_else(|| bad(name, format!("the manifest {digest:?} names a part without a digest")))
    };
    let layers = document["layers"].as_array().map(Vec::as_slice).unwrap_or_default();
    let platform = ["os", "architecture", "variant"].iter().filter_map(|key| platform[*key].as_str());
    Ok(Candidate {
        names,
        digest: digest.to_owned(),
        platform: platform.collect::<Vec<_>>().join("/"),
        config: blob(name, &part(&document["config"])?)?,
        layers: layers.iter().map(|layer| blob(name, &part(layer)?)).collect::<Result<_>>()?,
    })
}

/// The `manifest.json` of `docker save`.
fn saved(name: &str, manifests: &Json, candidates: &mut Vec<Candidate>) -> Result<()> {
    let texts = |list: &Json| -> Vec<String> {
        list.as_array().into_iter().flatten().filter_map(|text| Some(text.as_str()?.to_owned())).collect()
    };
    for entry in manifests.as_array().into_iter().flatten().take(MOST) {
        let config =
            entry["Config"].as_str().ok_or_else(|| bad(name, "`manifest.json` names no `Config`"))?;
        candidates.push(Candidate {
            names: texts(&entry["RepoTags"]),
            digest: String::new(),
            platform: String::new(),
            config: config.to_owned(),
            layers: texts(&entry["Layers"]),
        });
    }
    Ok(())
}

fn choose(name: &str, mut candidates: Vec<Candidate>, wanted: &Wanted) -> Result<Candidate> {
    let there = there(&candidates);
    if let Some(reference) = &wanted.reference {
        candidates.retain(|candidate| candidate.names.iter().any(|name| means(name, reference)));
        if candidates.is_empty() {
            let (what, reference) = (name.to_owned(), reference.clone());
            return Err(LayersError::NoSuch { what, reference, there });
        }
    }
    let of = |candidate: &Candidate, platform: &str| {
        candidate.platform == platform || candidate.platform.starts_with(&format!("{platform}/"))
    };
    match &wanted.platform {
        Some(platform) => {
            candidates.retain(|candidate| candidate.platform.is_empty() || of(candidate, platform));
            if candidates.is_empty() {
                let (what, reference) = (name.to_owned(), platform.clone());
                return Err(LayersError::NoSuch { what, reference, there });
            }
        }
        None if candidates.len() > 1 && candidates.iter().any(|candidate| of(candidate, &wanted.usual)) => {
            candidates.retain(|candidate| of(candidate, &wanted.usual));
        }
        None => {}
    }
    if candidates.len() > 1 {
        return Err(LayersError::Several { what: name.to_owned(), there });
    }
    candidates.pop().ok_or_else(|| bad(name, "names no image that it holds"))
}

fn there(candidates: &[Candidate]) -> String {
    let words = candidates.iter().map(|candidate| {
        let name = candidate.names.first().map_or("an image without a name", String::as_str);
        format!("{name} {}", candidate.platform).trim().to_owned()
    });
    let words: Vec<String> = words.collect();
    if words.is_empty() { "none".to_owned() } else { words.join(", ") }
}

/// `docker.io/library/redis:7` is meant by `redis:7`, and by `7`.
fn means(name: &str, reference: &str) -> bool {
    name == reference || name.ends_with(&format!("/{reference}")) || name.ends_with(&format!(":{reference}"))
}

fn build(name: &str, blobs: &mut impl Blobs, chosen: Candidate) -> Result<Image> {
    let mut budget = Budget::default();
    let Some((document, digest)) = blobs.document(&chosen.config)? else {
        return Err(bad(name, format!("the configuration {} is not in it", chosen.config)));
    };
    compared(name, &chosen.config, &digest)?;
    let config = Config::of(&json(name, &chosen.config, &document)?)
        .map_err(|why| bad(format!("{name}: {}", chosen.config), why))?;
    if config.diff_ids.len() != chosen.layers.len() {
        let (named, there) = (config.diff_ids.len(), chosen.layers.len());
        return Err(bad(name, format!("the configuration names {named} layers, the manifest {there}")));
    }
    let (mut layers, mut facts) = (Vec::new(), Vec::new());
    for ((path, diff_id), created_by) in chosen.layers.iter().zip(&config.diff_ids).zip(&config.created_by) {
        let Some((layer, digest)) = blobs.layer(path, &mut budget)? else {
            return Err(bad(name, format!("the layer {path} is not in it")));
        };
        compared(name, path, &digest)?;
        if layer.diff_id != *diff_id {
            let why = format!("its content is {}, the configuration names {diff_id}", layer.diff_id);
            return Err(bad(format!("{name}: {path}"), why));
        }
        facts.push(LayerFacts {
            diff_id: layer.diff_id.clone(),
            created_by: created_by.clone(),
            bytes: layer.bytes,
        });
        layers.push(layer);
    }
    let (tree, unread) = Tree::of(layers);
    let digest = if chosen.digest.is_empty() { digest } else { chosen.digest };
    Ok(Image { name: name.to_owned(), digest, config, layers: facts, tree, unread })
}

/// A part that is named by a digest has it.
fn compared(name: &str, path: &str, digest: &str) -> Result<()> {
    let last = path.rsplit('/').next().unwrap_or(path);
    let named = path.starts_with("blobs/sha256/");
    if named && digest != format!("sha256:{last}") {
        return Err(bad(format!("{name}: {path}"), format!("its content is {digest}")));
    }
    Ok(())
}
