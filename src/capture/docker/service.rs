//! One group of containers as a service, a job or a store.

use std::net::IpAddr;

use serde_json::{Value as Json, json};

use super::{
    COMPOSE, Found, Group, NEEDS, at,
    fates::{FATES, Fate, is_default},
    fold::{is_own_hostname, spec},
    needs_of, process,
};
use crate::{
    capture::{
        compose::{
            ports::{Port, named},
            store,
            walls::{restart_of, say_stopped},
        },
        draft::{Sketch, Taking},
        names::{Names, plain},
        redact::scrub,
    },
    observed::Container,
    path::Path,
    profile::{Bytes, Image},
};

pub fn write<'s>(group: &Group<'s>, names: &Names, to: &mut Sketch<'s>) {
    let Some((first, others)) = group.members.split_first() else { return };
    let at = at(group, names);
    let (place, found) = (&first.place, &first.container);
    to.put(&at, json!({}));
    for member in &group.members {
        member.place.became(at.clone());
        to.origins.add(at.clone(), member.place.clone());
    }
    if at.key_at(1) != Some(&group.theirs) {
        place.remark(format!("it was `{}`: hosts that name it so must change", group.theirs));
    }
    if let Some(engine) = group.engine {
        to.put(&at.key("engine"), engine.as_str());
        place.remark("its data is not captured: without a `seed` it starts empty");
    }
    image(group, place, found, &at, to);
    process::write(group, place, found, &at, to);
    limits(place, found, &at, to);
    walls(place, found, &at, to);
    around(place, found, &at, to);
    mounts(group, place, found, &at, to);
    ports(group, place, found, &at, to);
    labels(group, place, found, names, &at, to);
    rest(place);
    if !others.is_empty() && at.key_at(0) == Some("services") {
        to.put(&at.key("replicas"), group.members.len());
    }
    others.iter().for_each(|other| replica(first, other));
}

/// The image by its digest in a registry where one is known, with the other two beside.
fn image<'s>(group: &Group<'s>, place: &Taking<'s>, found: &Container, at: &Path, to: &mut Sketch<'s>) {
    let at = at.key("image");
    let Some(named) = place.find(&["Config", "Image"]) else {
        return to.hole(&at, "the container names none", None);
    };
    // By its id it was started where the tag may have moved on; a name that the engine knows for it says more.
    let by_id = found.image_reference.starts_with("sha256:");
    let known = group.image.as_ref().and_then(|image| image.repo_digests.first());
    let reference = if by_id { known } else { Some(&found.image_reference) };
    let Some(Ok(Image::Registry(mut reference))) = reference.map(|reference| reference.parse::<Image>())
    else {
        return to.hole(&at, "it is named by its id alone, which no registry knows", Some(&named));
    };
    if let Some(image) = &group.image {
        let known = image.digest_of(&reference.canonical_name());
        if image.repo_digests.is_empty() && reference.digest.is_none() {
            to.take(&at, local(&found.image_reference), &named);
            named.remark(format!("no registry's digest is known of it; its id is {}", image.id));
            return;
        }
        reference.digest = reference.digest.clone().or(known);
    }
    if reference.digest.is_none() {
        named.remark("no digest of it is at hand: `prodmirror pin` asks its registry");
    }
    let mut ids = Vec::new();
    ids.extend(found.image_descriptor.as_ref().map(|digest| format!("the platform's manifest {digest}")));
    ids.extend((!found.image_id.is_empty()).then(|| format!("the engine's id {}", found.image_id)));
    if !ids.is_empty() {
        named.remark(format!("its other digests: {}", ids.join(", ")));
    }
    to.take(&at, Image::Registry(reference).to_string(), &named);
}

fn local(reference: &str) -> String {
    let has_tag = reference.rsplit('/').next().is_some_and(|last| last.contains(':'));
    format!("local:{reference}{}", if has_tag { "" } else { ":latest" })
}

/// Writes a value that the engine was asked for in `HostConfig`.
fn host<'s>(place: &Taking<'s>, key: &str, at: Path, value: Option<Json>, to: &mut Sketch<'s>) {
    if let (Some(place), Some(value)) = (place.find(&["HostConfig", key]), value) {
        to.take(&at, value, &place);
    }
}

fn limits<'s>(place: &Taking<'s>, found: &Container, at: &Path, to: &mut Sketch<'s>) {
    let side = &found.host;
    let (limits, requests) = (at.key("resources").key("limits"), at.key("resources").key("requests"));
    let positive = |number: i64| u64::try_from(number).ok().filter(|number| *number > 0);
    let memory = |number| positive(number).map(|bytes| json!(Bytes(bytes).to_string()));
    let millis = |millis: u64| json!(format!("{}m", millis.max(1)));
    host(
        place,
        "NanoCpus",
        limits.key("cpu"),
        positive(side.nano_cpus).map(|nanos| millis(nanos / 1_000_000)),
        to,
    );
    let period = positive(side.cpu_period).unwrap_or(100_000);
    let quota = positive(side.cpu_quota).filter(|_| side.nano_cpus == 0);
    host(place, "CpuQuota", limits.key("cpu"), quota.map(|quota| millis(quota * 1000 / period)), to);
    host(place, "Memory", limits.key("memory"), memory(side.memory), to);
    let reserved = memory(side.memory_reservation);
    host(place, "MemoryReservation", requests.key("memory"), reserved, to);
    // 1024 shares are one core, as Kubernetes counts them.
    let shares = positive(side.cpu_shares).map(|shares| millis(shares * 1000 / 1024));
    host(place, "CpuShares", requests.key("cpu"), shares, to);
    host(place, "PidsLimit", at.key("pids"), positive(side.pids_limit).map(Json::from), to);
    // 64 MiB is what the engine gives by itself.
    let shared = positive(side.shm_size).filter(|bytes| *bytes != 64 << 20);
    host(place, "ShmSize", at.key("shm_size"), shared.map(|bytes| json!(Bytes(bytes).to_string())), to);
    if let Some(swap) = place.find(&["HostConfig", "MemorySwap"]).filter(|_| side.memory > 0) {
        match side.memory_swap {
            // As much again as memory, the engine's own choice, which no profile asks for.
            twice if twice == side.memory * 2 => swap.used(),
            same if same == side.memory => to.take(&Path::of(["platform", "swap"]), "none", &swap),
            _ => {}
        }
    }
}

fn walls<'s>(place: &Taking<'s>, found: &Container, at: &Path, to: &mut Sketch<'s>) {
    let side = &found.host;
    let some = |texts: &[String]| (!texts.is_empty()).then(|| json!(texts));
    let plain = |names: &[String]| -> Vec<String> {
        names.iter().map(|name| name.to_uppercase().trim_start_matches("CAP_").to_owned()).collect()
    };
    host(place, "CapAdd", at.key("capabilities").key("add"), some(&plain(&side.cap_add)), to);
    host(place, "CapDrop", at.key("capabilities").key("drop"), some(&plain(&side.cap_drop)), to);
    host(place, "GroupAdd", at.key("groups"), some(&side.group_add), to);
    host(place, "ReadonlyRootfs", at.key("read_only"), side.read_only.then(|| true.into()), to);
    for item in place.find(&["HostConfig", "SecurityOpt"]).map(|all| all.items()).unwrap_or_default() {
        match item.value().as_str().unwrap_or_default() {
            "no-new-privileges" | "no-new-privileges:true" | "no-new-privileges=true" => {
                to.take(&at.key("no_new_privileges"), true, &item);
            }
            "seccomp=unconfined" | "seccomp:unconfined" => to.take(&at.key("seccomp"), "unconfined", &item),
            _ => {}
        }
    }
    for key in ["MaskedPaths", "ReadonlyPaths"] {
        let paths = place.find(&["HostConfig", key]);
        if let Some(none) = paths.filter(|paths| paths.value().as_array().is_some_and(Vec::is_empty)) {
            none.left_out("the system's own paths lie open to it, which a profile has no field for");
        }
    }
    for (key, field) in [("Sysctls", "sysctls"), ("Tmpfs", "tmpfs")] {
        for (name, item) in place.find(&["HostConfig", key]).map(|all| all.entries()).unwrap_or_default() {
            let text = item.value().as_str().unwrap_or_default();
            let value = if key == "Tmpfs" { store::tmpfs_of(text) } else { json!(text) };
            to.take(&at.key(field).key(name), value, &item);
        }
    }
    for item in place.find(&["HostConfig", "Ulimits"]).map(|all| all.items()).unwrap_or_default() {
        let name = item.get("Name").and_then(|name| name.value().as_str()).unwrap_or_default();
        if let Some((soft, hard)) = side.ulimits.get(name) {
            to.take(&at.key("ulimits").key(name), json!({"soft": soft, "hard": hard}), &item);
        }
    }
}

fn around<'s>(place: &Taking<'s>, found: &Container, at: &Path, to: &mut Sketch<'s>) {
    let side = &found.host;
    if let Some(hostname) = place.find(&["Config", "Hostname"]).filter(|_| !is_own_hostname(found)) {
        to.take(&at.key("hostname"), found.hostname.clone(), &hostname);
    }
    for item in place.find(&["HostConfig", "ExtraHosts"]).map(|all| all.items()).unwrap_or_default() {
        let Some((host, address)) = item.value().as_str().and_then(|text| text.split_once([':', '='])) else {
            item.left_out("it is not understood");
            continue;
        };
        let literal = address.trim_start_matches('[').trim_end_matches(']');
        if literal.parse::<IpAddr>().is_err() && address != "host-gateway" {
            // Neither half of it is shown: nobody knows what it is.
            item.left_out("no address follows the name");
            continue;
        }
        to.take(&at.key("extra_hosts").key(host), address, &item);
    }
    let some = |texts: &[String]| (!texts.is_empty()).then(|| json!(texts));
    host(place, "Dns", at.key("dns").key("servers"), some(&side.dns), to);
    host(place, "DnsSearch", at.key("dns").key("search"), some(&side.dns_search), to);
    for item in place.find(&["HostConfig", "DnsOptions"]).map(|all| all.items()).unwrap_or_default() {
        let ndots = item.value().as_str().and_then(|text| text.strip_prefix("ndots:")?.parse::<u32>().ok());
        if let Some(ndots) = ndots {
            to.take(&at.key("dns").key("ndots"), ndots, &item);
        }
    }
    if let Some(name) = place.find(&["HostConfig", "RestartPolicy", "Name"])
        && let Some(ours) = restart_of(&side.restart_policy)
    {
        to.take(&at.key("restart"), ours, &name);
        say_stopped(&name, &side.restart_policy);
    }
    for (network, endpoint) in
        place.find(&["NetworkSettings", "Networks"]).map(|all| all.entries()).unwrap_or_default()
    {
        let aliases: Vec<&str> = found
            .networks
            .get(network)
            .into_iter()
            .flat_map(|attachment| attachment.aliases.iter().map(String::as_str))
            .filter(|alias| {
                !found.id.starts_with(alias) && *alias != found.name && Some(*alias) != at.key_at(1)
            })
            .collect();
        for key in ["IPAMConfig", "DriverOpts"] {
            let chosen = endpoint.get(key).filter(|chosen| !is_default(&[key], chosen.value()));
            if let Some(chosen) = chosen {
                chosen.left_out("the engine chooses addresses, and a mirror has one network of its own");
            }
        }
        if let Some(place) = endpoint.get("Aliases").filter(|_| !aliases.is_empty()) {
            let aliases = scrub(&aliases.join("`, `"));
            place.left_out(format!("`{aliases}` is no name in a mirror"));
        }
    }
}

fn mounts<'s>(group: &Group<'s>, place: &Taking<'s>, found: &Container, at_of: &Path, to: &mut Sketch<'s>) {
    let data = group.engine.map(store::data_folder);
    let items = place.get("Mounts").map(|all| all.items()).unwrap_or_default();
    if place.get("Mounts").is_none() {
        let why = "an older engine says it in its own way: write it under `volumes`";
        place.without(&[("Volumes", why), ("VolumesRW", why)]);
        if let Some(host) = place.get("HostConfig") {
            host.without(&[("Binds", why), ("Mounts", why)]);
        }
    }
    for item in items {
        let target = item.get("Destination").and_then(|target| target.value().as_str()).unwrap_or_default();
        let Some(mount) = found.mounts.iter().find(|mount| mount.target == target) else { continue };
        let tmpfs_at = &at_of.key("tmpfs").key(target);
        let at = at_of.key("volumes").key(target);
        match mount.kind.as_str() {
            "volume" if data.is_some_and(|data| target.starts_with(data)) => {
                item.left_out("a store's data has a volume of the mirror's own");
            }
            "volume" if is_anonymous(&mount.source) => to.take(&at, json!({"empty": {}}), &item),
            "volume" => {
                to.take(&at, json!({"claim": plain(&mount.source)}), &item);
                if mount.read_only {
                    item.remark("a claim of a mirror can be written");
                }
            }
            "tmpfs" => tmpfs(place, &item, target, tmpfs_at, to),
            "bind" if mount.source.ends_with(".sock") => item.left_out("a mirror has no way to the host"),
            "bind" => item.left_out(format!(
                "{} to {target}; a file: `files: {{{target}: {{from: FILE}}}}`",
                scrub(&mount.source)
            )),
            kind => item.left_out(format!("a mount of type {kind}")),
        }
    }
}

/// One of `--tmpfs` is written already; one of `--mount` has its size and mode where it was asked for.
fn tmpfs<'s>(place: &Taking<'s>, item: &Taking<'s>, target: &str, at: &Path, to: &mut Sketch<'s>) {
    item.used();
    if to.get(at).is_some() {
        return;
    }
    let asked = place.find(&["HostConfig", "Mounts"]).map(|all| all.items()).unwrap_or_default();
    let is = |mount: &Taking<'s>| mount.get("Target").is_some_and(|known| known.value() == target);
    let options = asked.into_iter().find(is).and_then(|mount| mount.get("TmpfsOptions"));
    let number = |key: &str| options.as_ref()?.get(key)?.value().as_u64().filter(|number| *number > 0);
    let mut value = serde_json::Map::new();
    value.extend(number("SizeBytes").map(|bytes| ("size".to_owned(), json!(Bytes(bytes).to_string()))));
    value.extend(number("Mode").map(|mode| ("mode".to_owned(), json!(format!("{mode:04o}")))));
    to.take(at, value, item);
}

/// The engine's own names for volumes that nobody named.
fn is_anonymous(name: &str) -> bool {
    name.is_empty() || name.len() == 64 && name.bytes().all(|b| b.is_ascii_hexdigit())
}

/// What is exposed, by the image or by hand; on the host a mirror takes free ports.
fn ports<'s>(group: &Group<'s>, place: &Taking<'s>, found: &Container, at: &Path, to: &mut Sketch<'s>) {
    if group.engine.is_some() {
        return;
    }
    let port = |text: &String| {
        let (number, protocol) = text.split_once('/').unwrap_or((text, "tcp"));
        let number = number.parse().ok().filter(|number| *number > 0)?;
        ["tcp", "udp"].contains(&protocol).then(|| Port { number, udp: protocol == "udp", name: None })
    };
    let mut ports: Vec<Port> = found.exposed.iter().chain(found.published.keys()).filter_map(port).collect();
    ports.sort();
    ports.dedup();
    let exposed = place.find(&["Config", "ExposedPorts"]);
    for (name, value) in named(&ports) {
        if let Some(exposed) = &exposed {
            exposed.used();
            to.origins.add(at.key("ports").member("name", name.as_str()), exposed.clone());
        }
        to.put(&at.key("ports").key(name), value);
    }
}

fn labels<'s>(
    group: &Group<'s>,
    place: &Taking<'s>,
    found: &Container,
    names: &Names,
    at: &Path,
    to: &mut Sketch<'s>,
) {
    let own = group.image.as_ref().map(|image| &image.labels);
    for (name, item) in place.find(&["Config", "Labels"]).map(|all| all.entries()).unwrap_or_default() {
        let Some(value) = found.labels.get(name) else { continue };
        if name == NEEDS {
            needs(value, &item, names, at, to);
        } else if name.starts_with(COMPOSE) || own.and_then(|own| own.get(name)) == Some(value) {
            // Compose's own, or the image's.
            item.used();
        } else {
            to.take(&at.key("labels").key(name), value.clone(), &item);
        }
    }
}

fn needs<'s>(label: &str, item: &Taking<'s>, names: &Names, at: &Path, to: &mut Sketch<'s>) {
    item.used();
    let ours: Vec<String> =
        needs_of(label).iter().filter_map(|(name, _)| names.get(name).map(str::to_owned)).collect();
    if !ours.is_empty() {
        to.take(&at.key("needs"), ours, item);
    }
}

/// Says of every field that no part of the profile came from what becomes of it.
fn rest(place: &Taking<'_>) {
    for (path, fate) in FATES {
        if let Some(field) = place.find(path) {
            each_open(&field, &mut |leaf| match fate {
                Fate::Said | Fate::Moment => leaf.used(),
                Fate::Out(_) if is_default(path, leaf.value()) => leaf.used(),
                Fate::Out(why) => leaf.left_out(*why),
            });
        }
    }
}

fn each_open<'s>(field: &Taking<'s>, say: &mut dyn FnMut(&Taking<'s>)) {
    if field.is_open() {
        return say(field);
    }
    for below in field.items().into_iter().chain(field.entries().into_iter().map(|(_, below)| below)) {
        each_open(&below, say);
    }
}

/// Another replica says the same; where it does not, that is a note.
fn replica(first: &Found<'_>, other: &Found<'_>) {
    if spec(&first.container) != spec(&other.container) {
        for part in ["Config", "HostConfig"] {
            let (Some(ours), Some(theirs)) = (first.place.get(part), other.place.get(part)) else { continue };
            for (key, value) in theirs.entries() {
                let same = ours.value().get(key) == Some(value.value());
                let is_own = ["Hostname", "Labels", "PortBindings", "ContainerIDFile"].contains(&key);
                if !same && !is_own {
                    value
                        .left_out(format!("`{}` has another value, and that is taken", first.container.name));
                }
            }
        }
    }
    each_open(&other.place, &mut |leaf| leaf.used());
}
