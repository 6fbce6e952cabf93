//! Which image a service runs, and which of them are stores.

use std::collections::BTreeSet;

use crate::{
    capture::draft::{Sketch, Taking},
    path::Path,
    profile::{EngineKind, Image},
};

/// Images that set themselves up by the variables of the official ones.
const POSTGRES: [&str; 3] =
    ["docker.io/library/postgres", "docker.io/postgis/postgis", "docker.io/pgvector/pgvector"];
const REDIS: [&str; 1] = ["docker.io/library/redis"];

/// The engine of a store's image; anything else is a service.
pub fn engine(reference: &str) -> Option<EngineKind> {
    let Ok(Image::Registry(reference)) = reference.parse() else { return None };
    let name = reference.canonical_name();
    match name.as_str() {
        name if POSTGRES.contains(&name) => Some(EngineKind::Postgres),
        name if REDIS.contains(&name) => Some(EngineKind::Redis),
        _ => None,
    }
}

/// The engine of a service that builds nothing.
pub fn engine_of(service: &Taking<'_>) -> Option<EngineKind> {
    match service.get("build") {
        None => engine(service.get("image")?.value().as_str()?),
        Some(_) => None,
    }
}

/// The images that services with a `build` give a name to.
pub fn built_here(services: &Taking<'_>) -> BTreeSet<String> {
    let all = services.entries().into_iter().map(|(_, service)| service);
    let built = all.filter(|service| service.get("build").is_some());
    built.filter_map(|service| Some(service.get("image")?.value().as_str()?.to_owned())).collect()
}

/// Writes the image, or the hole that is there.
pub fn image<'s>(service: &Taking<'s>, at: &Path, built_here: &BTreeSet<String>, to: &mut Sketch<'s>) {
    let at = at.key("image");
    let build = service.get("build");
    let Some(written) = service.get("image") else {
        return match build {
            Some(build) => to.hole(&at, "built here", Some(&build)),
            None => to.hole(&at, "the Compose file names none", None),
        };
    };
    if let Some(build) = build {
        build.left_out("`docker compose build` makes the image");
    }
    let text = written.letters().unwrap_or_default();
    if text.starts_with("sha256:") {
        return to.hole(&at, "it is named by its id alone, which no registry knows", Some(&written));
    }
    let reference = match built_here.contains(&text) {
        true => local(&text),
        false => text,
    };
    match reference.parse::<Image>() {
        Ok(image) => to.take(&at, image.to_string(), &written),
        Err(_) => to.hole(&at, "the Compose file takes a part of it from the host", Some(&written)),
    }
}

fn local(image: &str) -> String {
    let has_tag = image.rsplit('/').next().is_some_and(|last| last.contains(':'));
    format!("local:{image}{}", if has_tag { "" } else { ":latest" })
}
