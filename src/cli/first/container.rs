//! The walls around a container: what it may use, who it runs as, what it may do.

use serde_json::Value;

use super::{
    mounts::Mounts,
    shapes::{bytes, cpu, duration},
    taking::{Taking, scalar},
    text::Yaml,
};

/// Fields of a profile in the order they are written.
pub type Fields = Vec<(String, Yaml)>;

pub fn put(fields: &mut Fields, key: &str, value: Option<Yaml>) {
    fields.extend(value.map(|value| (key.to_owned(), value)));
}

/// `{…}`, unless there is nothing in it.
pub fn some(entries: Fields) -> Option<Yaml> {
    (!entries.is_empty()).then_some(Yaml::Map(entries))
}

/// How many of it run, by `deploy.replicas` or `scale`.
pub fn replicas(service: &mut Taking, deploy: &mut Taking) -> Option<u32> {
    let number = |text: &str| text.parse().ok();
    let scale = service.parsed("scale", number);
    deploy.parsed("replicas", number).or(scale)
}

/// Takes the limits and requests of `deploy.resources` and of the older keys of a service.
pub fn resources(service: &mut Taking, deploy: &mut Taking, fields: &mut Fields) {
    let mut limits = Fields::new();
    let mut requests = Fields::new();
    let mut pids = service.parsed("pids_limit", |text| text.parse::<u32>().ok());
    let mut resources = deploy.inner("resources").unwrap_or_else(|| Taking::new("", Value::Null));
    for (key, to) in [("limits", &mut limits), ("reservations", &mut requests)] {
        let Some(mut below) = resources.inner(key) else { continue };
        put(to, "cpu", below.parsed("cpus", cpu).map(Yaml::bare));
        put(to, "memory", below.parsed("memory", bytes).map(Yaml::bare));
        pids = pids.or(below.parsed("pids", |text| text.parse().ok()));
        deploy.notes.extend(below.close());
    }
    deploy.notes.extend(resources.close());
    let has = |fields: &Fields, key: &str| fields.iter().any(|(name, _)| name == key);
    let older = [
        (service.parsed("cpus", cpu).map(|cpu| cpu.to_string()), "cpu", true),
        (service.parsed("mem_limit", bytes).map(|bytes| bytes.to_string()), "memory", true),
        (service.parsed("mem_reservation", bytes).map(|bytes| bytes.to_string()), "memory", false),
    ];
    for (value, key, is_limit) in older {
        let to = if is_limit { &mut limits } else { &mut requests };
        if !has(to, key) {
            put(to, key, value.map(Yaml::bare));
        }
    }
    let both = [("limits", some(limits)), ("requests", some(requests))];
    let both: Fields = both.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))).collect();
    put(fields, "resources", some(both));
    put(fields, "pids", pids.map(Yaml::bare));
}

/// Who it runs as, and what it may do.
pub fn walls(service: &mut Taking, user_key: &str, mounts: Mounts, fields: &mut Fields) {
    let user = service.scalar("user").filter(|user| !user.trim_matches(':').is_empty());
    put(fields, user_key, user.map(Yaml::text));
    put(fields, "groups", texts(service.list("group_add")));
    put(fields, "working_dir", service.scalar("working_dir").map(Yaml::text));
    put(fields, "read_only", service.truth("read_only").filter(|truth| *truth).map(Yaml::bare));
    put(fields, "volumes", some(mounts.volumes));
    put(fields, "tmpfs", some(mounts.tmpfs));
    put(fields, "shm_size", service.parsed("shm_size", bytes).map(Yaml::bare));
    let mut capabilities = Fields::new();
    for (theirs, ours) in [("cap_add", "add"), ("cap_drop", "drop")] {
        let plain = |name: &String| name.to_uppercase().trim_start_matches("CAP_").to_owned();
        put(&mut capabilities, ours, texts(service.list(theirs).iter().map(plain).collect()));
    }
    put(fields, "capabilities", some(capabilities));
    security(service, fields);
    let ulimits = service.take("ulimits").and_then(|limits| limits.as_object().cloned()).unwrap_or_default();
    put(
        fields,
        "ulimits",
        some(ulimits.iter().filter_map(|(name, limit)| Some((name.clone(), ulimit(limit)?))).collect()),
    );
    let sysctls = service.pairs("sysctls", &['=']).into_iter();
    put(
        fields,
        "sysctls",
        some(sysctls.filter_map(|(name, value)| Some((name, Yaml::text(value?)))).collect()),
    );
}

fn security(service: &mut Taking, fields: &mut Fields) {
    let mut rest = Vec::new();
    for option in service.list("security_opt") {
        match option.split_once([':', '=']).unwrap_or((&option, "true")) {
            ("no-new-privileges", "true") => put(fields, "no_new_privileges", Some(Yaml::bare(true))),
            ("seccomp", "unconfined") => put(fields, "seccomp", Some(Yaml::text("unconfined"))),
            _ => rest.push(option),
        }
    }
    if !rest.is_empty() {
        service.not_taken("security_opt", &rest.join(", "));
    }
}

fn ulimit(limit: &Value) -> Option<Yaml> {
    match limit {
        Value::Object(both) => {
            let number =
                |key: &str| both.get(key).and_then(scalar).map(|text| (key.to_owned(), Yaml::Bare(text)));
            Some(Yaml::Map(vec![number("soft")?, number("hard")?]))
        }
        one => scalar(one).map(Yaml::Bare),
    }
}

/// Names, labels, and how it starts again and stops.
pub fn place(service: &mut Taking, deploy: &mut Taking, fields: &mut Fields) {
    put(fields, "hostname", service.scalar("hostname").map(Yaml::text));
    let hosts = service.pairs("extra_hosts", &['=', ':']).into_iter();
    let hosts =
        hosts.filter_map(|(host, address)| Some((host, Yaml::text(address?.trim_matches(['[', ']'])))));
    put(fields, "extra_hosts", some(hosts.collect()));
    put(fields, "dns", some(dns(service)));
    if let Some(restart) = service.scalar("restart") {
        let ours = match restart.split(':').next().unwrap_or_default() {
            "no" | "false" => Some("never"),
            "on-failure" => Some("on-failure"),
            "always" | "unless-stopped" => Some("always"),
            _ => None,
        };
        if ours.is_none() {
            service.not_taken("restart", "");
        }
        put(fields, "restart", ours.map(Yaml::text));
    }
    put(fields, "stop_signal", service.scalar("stop_signal").map(Yaml::text));
    let grace = service.parsed("stop_grace_period", duration);
    put(fields, "stop_grace_period", grace.map(Yaml::bare));
    let labels = service.pairs("labels", &['=']).into_iter().chain(deploy.pairs("labels", &['=']));
    put(
        fields,
        "labels",
        some(labels.map(|(name, value)| (name, Yaml::text(value.unwrap_or_default()))).collect()),
    );
}

fn dns(service: &mut Taking) -> Fields {
    let mut fields = Fields::new();
    put(&mut fields, "servers", texts(service.list("dns")));
    put(&mut fields, "search", texts(service.list("dns_search")));
    for option in service.list("dns_opt") {
        match option.strip_prefix("ndots:").and_then(|number| number.parse::<u32>().ok()) {
            Some(number) => put(&mut fields, "ndots", Some(Yaml::bare(number))),
            None => service.not_taken("dns_opt", &option),
        }
    }
    fields
}

fn texts(texts: Vec<String>) -> Option<Yaml> {
    (!texts.is_empty()).then(|| Yaml::texts(texts))
}
