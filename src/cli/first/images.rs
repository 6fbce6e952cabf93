//! Which image a service runs, and which of them are stores.

use prodmirror::profile::{EngineKind, Image};
use serde_json::Value;

use super::{names::plain, taking::Taking};

/// Images that set themselves up by the variables of the official ones.
const POSTGRES: [&str; 3] =
    ["docker.io/library/postgres", "docker.io/postgis/postgis", "docker.io/pgvector/pgvector"];
const REDIS: [&str; 1] = ["docker.io/library/redis"];

/// The image of a service, or the reason why there is none.
pub fn image(
    service: &mut Taking,
    project: &str,
    name: &str,
    built_here: &[String],
) -> Result<Image, String> {
    let built = service.take("build").is_some();
    let written = service.scalar("image");
    if built {
        // As `docker compose build` names it.
        let own = || format!("{}-{}", plain(project), plain(name));
        if let Ok(image) = local(&written.clone().unwrap_or_else(own)).parse() {
            service.not_taken("build", "`docker compose build` makes the image");
            return Ok(image);
        }
        service.not_taken("build", "");
    }
    let written = written.ok_or("it has no image")?;
    if built_here.contains(&written)
        && let Ok(image) = local(&written).parse()
    {
        return Ok(image);
    }
    written.parse().map_err(|_| format!("`{written}` is no image without the host's environment"))
}

/// The images that services with a `build` give a name to.
pub fn built_here(services: &Value) -> Vec<String> {
    let all = services.as_object().into_iter().flat_map(|services| services.values());
    let built = all.filter(|service| service.get("build").is_some_and(|build| !build.is_null()));
    built.filter_map(|service| Some(service.get("image")?.as_str()?.to_owned())).collect()
}

fn local(image: &str) -> String {
    let has_tag = image.rsplit('/').next().is_some_and(|last| last.contains(':'));
    format!("local:{image}{}", if has_tag { "" } else { ":latest" })
}

/// The engine of a store's image; anything else is a service.
pub fn engine(image: &Image) -> Option<EngineKind> {
    let Image::Registry(reference) = image else { return None };
    let name = reference.canonical_name();
    match name.as_str() {
        name if POSTGRES.contains(&name) => Some(EngineKind::Postgres),
        name if REDIS.contains(&name) => Some(EngineKind::Redis),
        _ => None,
    }
}
