//! Volumes and folders in memory.

use serde_json::{Value as Json, json};

use super::quantities::bytes;
use crate::{
    capture::{
        draft::{Sketch, Taking, scalar},
        names::plain,
        redact::scrub,
    },
    path::Path,
};

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
pub fn take<'s>(service: &Taking<'s>, at: &Path, folder: &str, data: Option<&str>, to: &mut Sketch<'s>) {
    for item in service.members("volumes") {
        match read(item.value()) {
            Some(mount) => one(&item, at, mount, folder, data, to),
            None => item.left_out("it is not understood"),
        }
    }
    let Some(list) = service.get("tmpfs") else { return };
    let items = if list.value().is_array() { list.items() } else { vec![list] };
    for item in items {
        let Some(text) = item.letters() else { continue };
        let (target, options) = text.split_once(':').unwrap_or((&text, ""));
        to.take(&at.key("tmpfs").key(target), tmpfs_of(options), &item);
    }
}

fn one<'s>(
    item: &Taking<'s>,
    at: &Path,
    mount: Mount,
    folder: &str,
    data: Option<&str>,
    to: &mut Sketch<'s>,
) {
    let is_data = data.is_some_and(|data| mount.target.trim_end_matches('/').starts_with(data));
    if mount.kind == "bind" {
        let shown = scrub(&relative(&mount.source, folder));
        let target = &mount.target;
        item.left_out(if data.is_some() && mount.target.starts_with(INIT_FOLDER) {
            format!("{shown} to {target}; if it fills the database: `seed: {shown}`")
        } else if mount.source.ends_with(".sock") {
            format!("{shown}; a mirror has no way to the host")
        } else {
            format!("{shown} to {target}; a file: `files: {{{target}: {{from: {shown}}}}}`")
        });
        return;
    }
    if is_data {
        item.left_out("a store's data has a volume of the mirror's own");
        return;
    }
    let volume = at.key("volumes").key(mount.target.as_str());
    match mount.kind.as_str() {
        "volume" if mount.source.is_empty() => to.take(&volume, json!({"empty": {}}), item),
        "volume" => {
            to.take(&volume, json!({"claim": plain(&mount.source)}), item);
            if mount.read_only
                && let Some(flag) = item.get("read_only")
            {
                flag.left_out("a claim of a mirror can be written");
            }
        }
        "tmpfs" => {
            let value = tmpfs(mount.size.as_deref(), mount.mode.as_deref());
            to.take(&at.key("tmpfs").key(mount.target), value, item);
        }
        kind => item.left_out(format!("a mount of type {kind}")),
    }
    if let Some(subpath) = item.find(&["volume", "subpath"]) {
        subpath.left_out("a claim is mounted as a whole");
    }
}

fn read(item: &Json) -> Option<Mount> {
    let Json::Object(map) = item else { return Some(short(&scalar(item)?)) };
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

/// `size=16m,mode=1777`
pub fn tmpfs_of(options: &str) -> Json {
    let option =
        |name: &str| options.split(',').find_map(|option| option.strip_prefix(name)?.strip_prefix('='));
    tmpfs(option("size"), option("mode"))
}

fn tmpfs(size: Option<&str>, mode: Option<&str>) -> Json {
    let mut map = serde_json::Map::new();
    map.extend(size.and_then(bytes).map(|size| ("size".to_owned(), json!(size.to_string()))));
    map.extend(mode.map(|mode| ("mode".to_owned(), json!(mode))));
    map.into()
}

/// As the Compose file may have written it, for people to find it again.
fn relative(source: &str, folder: &str) -> String {
    match source.strip_prefix(folder.trim_end_matches('/')).filter(|_| !folder.is_empty()) {
        Some("") => ".".to_owned(),
        Some(below) if below.starts_with('/') => format!(".{below}"),
        _ => source.to_owned(),
    }
}
