//! Volumes and folders in memory.

use serde_json::{Value as Json, json};

use super::{interpolation::Answers, quantities::bytes};
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

const WRITABLE: &str = "a claim of a mirror can be written";

/// Where an official image looks for scripts that fill an empty database.
const INIT_FOLDER: &str = "/docker-entrypoint-initdb.d";

/// Takes `volumes` and `tmpfs`. `data` is the folder of a store's data, which has a volume already.
pub fn take<'s>(
    service: &Taking<'s>,
    at: &Path,
    (folder, answers): (&str, &Answers),
    data: Option<&str>,
    to: &mut Sketch<'s>,
) {
    for item in service.members("volumes") {
        match (read(item.value()), unanswered(&item, answers)) {
            (_, Some(name)) => item.left_out(format!("the Compose file takes ${{{name}}} from the host")),
            (Some(mount), None) => one(&item, at, mount, folder, data, to),
            (None, None) => item.left_out("it is not understood"),
        }
    }
    tmpfs(service, at, to);
}

/// Takes `tmpfs`, one or a list of `PATH[:OPTIONS]`.
pub fn tmpfs<'s>(service: &Taking<'s>, at: &Path, to: &mut Sketch<'s>) {
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
            if mount.read_only {
                match item.get("read_only") {
                    Some(flag) => flag.left_out(WRITABLE),
                    None => item.remark(WRITABLE),
                }
            }
        }
        "tmpfs" => {
            let value = in_memory(mount.size.as_deref(), mount.mode.as_deref());
            to.take(&at.key("tmpfs").key(mount.target), value, item);
        }
        kind => item.left_out(format!("a mount of type {kind}")),
    }
    if let Some(subpath) = item.find(&["volume", "subpath"]) {
        subpath.left_out("a claim is mounted as a whole");
    }
}

/// A variable of the host without a value that says what is mounted, or where.
fn unanswered<'a>(item: &Taking<'_>, answers: &'a Answers) -> Option<&'a str> {
    let places = [item.path().clone(), item.path().key("source"), item.path().key("target")];
    places.iter().find_map(|place| answers.get(place)?.missing().next())
}

fn read(item: &Json) -> Option<Mount> {
    let Json::Object(map) = item else { return Some(short(&scalar(item)?)) };
    let text = |key: &str| map.get(key).and_then(scalar);
    let of_tmpfs = |key: &str| map.get("tmpfs").and_then(|tmpfs| tmpfs.get(key)).and_then(scalar);
    let source = text("source").unwrap_or_default();
    // Compose tells the two apart before it knows what a variable stands for.
    let kind = match text("type").as_deref() {
        None | Some("volume") => kind_of(&source).to_owned(),
        Some(kind) => kind.to_owned(),
    };
    Some(Mount {
        kind,
        source,
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
    let read_only = parts.next().is_some_and(|options| options.split(',').any(|option| option == "ro"));
    Mount { kind: kind_of(&source).to_owned(), source, target, read_only, size: None, mode: None }
}

/// A path of the host is bound; all else is the name of a volume.
fn kind_of(source: &str) -> &'static str {
    if source.starts_with(['.', '/', '~']) { "bind" } else { "volume" }
}

/// `size=16m,mode=1777`
pub fn tmpfs_of(options: &str) -> Json {
    let option =
        |name: &str| options.split(',').find_map(|option| option.strip_prefix(name)?.strip_prefix('='));
    in_memory(option("size"), option("mode"))
}

fn in_memory(size: Option<&str>, mode: Option<&str>) -> Json {
    let mut map = serde_json::Map::new();
    map.extend(size.and_then(bytes).map(|size| ("size".to_owned(), json!(size.to_string()))));
    map.extend(mode.map(|mode| ("mode".to_owned(), json!(mode))));
    map.into()
}

/// As the Compose file may have written it, for people to find it again.
fn relative(source: &str, folder: &str) -> String {
    match source.strip_prefix(folder.trim_end_matches('/')).filter(|_| !folder.is_empty()) {
        Some("") => ".".to_owned(),
        // Compose puts the folder before a variable, which may stand for a whole path.
        Some(below) if below.starts_with("//") => below[1..].to_owned(),
        Some(below) if below.starts_with('/') => format!(".{below}"),
        _ => source.to_owned(),
    }
}
