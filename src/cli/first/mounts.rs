//! Volumes and folders in memory.

use std::path::Path;

use serde_json::Value;

use super::{
    names::plain,
    shapes::bytes,
    taking::{Taking, scalar},
    text::Yaml,
};

/// What was taken, and bind mounts of a store's seed.
#[derive(Debug, Default)]
pub struct Mounts {
    pub volumes: Vec<(String, Yaml)>,
    pub tmpfs: Vec<(String, Yaml)>,
}

struct Mount {
    kind: String,
    source: String,
    target: String,
    read_only: bool,
    size: Option<String>,
    mode: Option<String>,
}

/// Where an official image looks for scripts that fill an empty database.
const INIT_FOLDER: &str = "/docker-entrypoint-initdb.d";

/// Takes `volumes` and `tmpfs`. `data` is the folder of a store's data, which has a volume already.
pub fn take(service: &mut Taking, folder: &Path, data: Option<&str>) -> Mounts {
    let mut mounts = Mounts::default();
    if let Some(Value::Array(items)) = service.take("volumes") {
        for (index, item) in items.iter().enumerate() {
            let at = format!("volumes[{index}]");
            match read(item) {
                Some(mount) => one(service, &at, mount, folder, data, &mut mounts),
                None => service.not_taken(&at, "it is not understood"),
            }
        }
    }
    for item in service.list("tmpfs") {
        let (target, options) = item.split_once(':').unwrap_or((&item, ""));
        let option =
            |name: &str| options.split(',').find_map(|option| option.strip_prefix(name)?.strip_prefix('='));
        mounts.tmpfs.push((target.to_owned(), tmpfs(option("size"), option("mode"))));
    }
    mounts
}

fn one(service: &mut Taking, at: &str, mount: Mount, folder: &Path, data: Option<&str>, to: &mut Mounts) {
    let is_data = data.is_some_and(|data| mount.target.trim_end_matches('/').starts_with(data));
    if mount.kind == "bind" {
        let shown = relative(&mount.source, folder);
        let target = &mount.target;
        let why = if data.is_some() && mount.target.starts_with(INIT_FOLDER) {
            format!("{shown} to {target}; if it fills the database: `seed: {shown}`")
        } else if mount.source.ends_with(".sock") {
            format!("{shown}; a mirror has no way to the host")
        } else {
            format!("{shown} to {target}; a file: `files: {{{target}: {{from: {shown}}}}}`")
        };
        service.not_taken(at, &why);
        return;
    }
    if is_data {
        service.not_taken(at, "a store's data has a volume of the mirror's own");
        return;
    }
    match mount.kind.as_str() {
        "volume" if mount.source.is_empty() => {
            to.volumes.push((mount.target, Yaml::map([("empty", Yaml::Map(Vec::new()))])))
        }
        "volume" => {
            if mount.read_only {
                service.not_taken(&format!("{at}.read_only"), "");
            }
            to.volumes.push((mount.target, Yaml::map([("claim", Yaml::text(plain(&mount.source)))])));
        }
        "tmpfs" => to.tmpfs.push((mount.target, tmpfs(mount.size.as_deref(), mount.mode.as_deref()))),
        kind => service.not_taken(at, &format!("a mount of type {kind}")),
    }
}

fn read(item: &Value) -> Option<Mount> {
    let Value::Object(map) = item else { return Some(short(&scalar(item)?)) };
    let text = |key: &str| map.get(key).and_then(scalar);
    let of_tmpfs = |key: &str| map.get("tmpfs").and_then(|tmpfs| tmpfs.get(key)).and_then(scalar);
    Some(Mount {
        kind: text("type").unwrap_or_else(|| "volume".to_owned()),
        source: text("source").unwrap_or_default(),
        target: text("target")?,
        read_only: text("read_only").is_some_and(|truth| truth == "true"),
        size: of_tmpfs("size"),
        // A number of decimal digits that means octal ones: `mode: 0777` arrives as 511.
        mode: of_tmpfs("mode").and_then(|mode| mode.parse::<u32>().ok()).map(|mode| format!("{mode:04o}")),
    })
}

/// `[SOURCE:]TARGET[:OPTIONS]`
fn short(text: &str) -> Mount {
    let mut parts = text.splitn(3, ':');
    let first = parts.next().unwrap_or_default().to_owned();
    let (source, target) = match parts.next() {
        Some(target) => (first, target.to_owned()),
        None => (String::new(), first),
    };
    let is_path = source.starts_with(['.', '/', '~']);
    let read_only = parts.next().is_some_and(|options| options.split(',').any(|option| option == "ro"));
    let kind = if is_path { "bind" } else { "volume" };
    Mount { kind: kind.to_owned(), source, target, read_only, size: None, mode: None }
}

fn tmpfs(size: Option<&str>, mode: Option<&str>) -> Yaml {
    let size = size.and_then(bytes).map(|size| ("size", Yaml::bare(size)));
    let mode = mode.map(|mode| ("mode", Yaml::text(mode)));
    Yaml::map(size.into_iter().chain(mode))
}

/// As the Compose file may have written it, for people to find it again.
fn relative(source: &str, folder: &Path) -> String {
    match Path::new(source).strip_prefix(folder) {
        Ok(below) => format!("./{}", below.display()),
        Err(_) => source.to_owned(),
    }
}
