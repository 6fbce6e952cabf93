//! One service of the Compose file as a service, a job or a store of the profile.

use std::path::Path;

use prodmirror::profile::{EngineKind, Image};
use serde_json::Value;

use super::{
    container::{self, Fields, place, put, resources, some, walls},
    interpolation::Answers,
    mounts,
    names::Names,
    ports,
    process::{self, Variable},
    secrets::Secrets,
    store,
    taking::Taking,
    text::Yaml,
};

/// What one service needs to know of the rest of the file.
pub struct Around<'a> {
    pub folder: &'a Path,
    pub names: &'a Names,
    pub answers: &'a Answers,
    /// Names of services that others wait for until they have ended.
    pub ends: &'a [String],
}

/// A service on its way: the image is known and the variables are read.
pub struct Service {
    pub theirs: String,
    pub map: Taking,
    pub image: Image,
    pub engine: Option<EngineKind>,
    pub variables: Vec<Variable>,
}

/// A workload of the profile, and what is said of it.
pub struct Entry {
    /// `services`, `jobs` or `stores`.
    pub section: &'static str,
    pub name: String,
    /// Where it stands in the Compose file.
    pub path: String,
    pub fields: Fields,
    pub notes: Vec<String>,
}

/// Keys that a mirror has its own way for.
const OWN_WAY: [(&str, &str); 12] = [
    ("container_name", "names of containers belong to the mirror"),
    ("network_mode", "a mirror has one network of its own"),
    ("networks", "a mirror has one network of its own"),
    ("privileged", "`privileged: true` and `allow: [privileged]` if it is meant so"),
    ("pid", "`host_pid: true` and `allow: [host-pid]` if it is meant so"),
    ("pull_policy", "an image is taken by its digest"),
    ("platform", "`platform: {arch: …}` at the top holds for all"),
    ("logging", "the engine keeps the logs, `prodmirror logs` shows them"),
    ("configs", "`files: {/path: {from: FILE}}`"),
    ("profiles", "every service is part of the mirror"),
    ("tty", "nobody sits at it"),
    ("stdin_open", "nobody sits at it"),
];

/// The entry of the profile that a service becomes.
pub fn entry(service: Service, secrets: &mut Secrets, around: &Around<'_>) -> Entry {
    let Service { theirs, mut map, image, engine, variables } = service;
    let name = around.names.get(&theirs).unwrap_or(&theirs).to_owned();
    if name != theirs {
        map.note(format!("was `{theirs}`: hosts that name it so must change"));
    }
    only_network(&mut map);
    let mut deploy = map.inner("deploy").unwrap_or_else(|| Taking::new(map.at("deploy"), Value::Null));
    let mut fields: Fields = Vec::new();
    put(&mut fields, "image", Some(Yaml::bare(&image)));
    let mounts = mounts::take(&mut map, around.folder, engine.map(store::data_folder));
    let mut env = process::env(&mut map, &name, variables, secrets);
    let entrypoint = process::words(&mut map, "entrypoint", around.answers);
    let command = process::words(&mut map, "command", around.answers);
    put(&mut fields, "entrypoint", entrypoint.map(Yaml::texts));
    let files = secret_files(&mut map, secrets, engine.is_some());
    let ports = ports::take(&mut map);
    let replicas = container::replicas(&mut map, &mut deploy);
    let ends = around.ends.contains(&theirs);
    let section = match engine {
        Some(engine) => {
            let port = engine.port();
            if ports.iter().any(|taken| taken.number != port) {
                map.not_taken("ports", "a store listens on its engine's port");
            }
            if replicas.is_some_and(|count| count != 1) {
                map.not_taken("deploy.replicas", "a store has one replica");
            }
            let variables = around.answers.get(&map.at("command")).map(|answer| answer.missing.as_slice());
            let from_host = variables.and_then(<[String]>::first).map(String::as_str);
            let named = store::Named { name: &name, engine, from_host };
            store::fields(&mut map, &named, &mut env, command, secrets, &mut fields);
            "stores"
        }
        None => {
            put(&mut fields, "command", command.map(Yaml::texts));
            put(&mut fields, "ports", ports::yaml(&ports));
            "services"
        }
    };
    let section = if engine.is_none() && ends { "jobs" } else { section };
    put(&mut fields, "env", some(env));
    put(&mut fields, "files", some(files));
    match (section, replicas) {
        ("services", Some(count)) => put(&mut fields, "replicas", Some(Yaml::bare(count))),
        ("jobs", Some(count)) if count != 1 => map.not_taken("deploy.replicas", "a job runs once"),
        _ => {}
    }
    resources(&mut map, &mut deploy, &mut fields);
    let readiness = process::readiness(&mut map).filter(|_| section != "jobs");
    put(&mut fields, "probes", readiness.map(|probe| Yaml::map([("readiness", probe)])));
    let needs = needs(&mut map, around);
    put(&mut fields, "needs", (!needs.is_empty()).then(|| Yaml::texts(needs)));
    walls(&mut map, if engine.is_some() { "run_as" } else { "user" }, mounts, &mut fields);
    place(&mut map, &mut deploy, &mut fields);
    map.without(&OWN_WAY);
    map.notes.extend(deploy.close());
    Entry { section, name, path: map.path.clone(), fields, notes: map.close() }
}

/// `networks: {default: null}` is what Compose adds by itself.
fn only_network(map: &mut Taking) {
    let alone = map.peek("networks").and_then(Value::as_object);
    if alone
        .is_some_and(|networks| networks.len() == 1 && networks.get("default").is_some_and(Value::is_null))
    {
        let _ = map.take("networks");
    }
}

/// Takes `secrets` as files; those of a store are its password, if anything.
fn secret_files(map: &mut Taking, secrets: &mut Secrets, is_store: bool) -> Fields {
    let mut files = Fields::new();
    let Some(Value::Array(items)) = map.take("secrets") else { return files };
    for (index, item) in items.iter().enumerate() {
        let mut secret = match item {
            Value::Object(_) => Taking::new(map.at(&format!("secrets[{index}]")), item.clone()),
            short => Taking::new("", serde_json::json!({ "source": short })),
        };
        let Some(source) = secret.scalar("source") else {
            map.not_taken(&format!("secrets[{index}]"), "");
            continue;
        };
        if is_store {
            continue;
        }
        let target = secret.scalar("target").unwrap_or_else(|| source.clone());
        let target = if target.starts_with('/') { target } else { format!("/run/secrets/{target}") };
        let mut file = vec![("secret".to_owned(), Yaml::text(secrets.declare(&source)))];
        // `mode: 0440` is a number by the time it gets here.
        let mode = secret.parsed("mode", |text| text.parse::<u32>().ok());
        put(&mut file, "mode", mode.map(|mode| Yaml::text(format!("{mode:04o}"))));
        put(&mut file, "user", secret.parsed("uid", |text| text.parse::<u32>().ok()).map(Yaml::bare));
        put(&mut file, "group", secret.parsed("gid", |text| text.parse::<u32>().ok()).map(Yaml::bare));
        map.notes.extend(secret.close());
        files.push((target, Yaml::Map(file)));
    }
    files
}

/// Takes `depends_on` and `links`. A need waits for ready whatever Compose waited for.
fn needs(map: &mut Taking, around: &Around<'_>) -> Vec<String> {
    let mut theirs: Vec<String> = match map.take("depends_on") {
        Some(Value::Object(all)) => all.keys().cloned().collect(),
        Some(Value::Array(items)) => items.iter().filter_map(super::taking::scalar).collect(),
        _ => Vec::new(),
    };
    for link in map.list("links") {
        let (service, alias) = link.split_once(':').unwrap_or((&link, &link));
        if service != alias {
            map.not_taken("links", &format!("`{alias}` is no name there: use `{service}`"));
        }
        theirs.push(service.to_owned());
    }
    let mut ours: Vec<String> = Vec::new();
    for name in theirs {
        match around.names.get(&name) {
            Some(name) if ours.iter().any(|taken| taken == name) => {}
            Some(name) => ours.push(name.to_owned()),
            None => map.not_taken("depends_on", &format!("`{name}` was not taken")),
        }
    }
    ours
}
