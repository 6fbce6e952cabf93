//! The ports a container listens on. On the host a mirror takes free ones.

use std::collections::BTreeSet;

use serde_json::{Value as Json, json};

use crate::{
    capture::{
        draft::{Sketch, Taking, scalar},
        names::unique,
    },
    path::Path,
};

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Port {
    pub number: u16,
    pub udp: bool,
    /// The file's own name for it.
    pub name: Option<String>,
}

/// Names for numbers that say what is spoken there.
const KNOWN: [(u16, &str); 12] = [
    (80, "http"),
    (3000, "http"),
    (5000, "http"),
    (8000, "http"),
    (8080, "http"),
    (443, "https"),
    (8443, "https"),
    (3306, "mysql"),
    (5432, "postgres"),
    (6379, "redis"),
    (27017, "mongodb"),
    (9092, "kafka"),
];

const FREE: &str = "a mirror takes free ports of the host";

/// Takes `ports` and `expose`; each number once. A store's is its engine's.
pub fn take<'s>(service: &Taking<'s>, at: &Path, of_engine: Option<u16>, to: &mut Sketch<'s>) {
    let mut found: Vec<(Port, Taking<'s>)> = Vec::new();
    for key in ["ports", "expose"] {
        for item in service.members(key) {
            match one(&item) {
                Some(ports) => found.extend(ports.into_iter().map(|port| (port, item.clone()))),
                None => item.left_out("it is not understood"),
            }
        }
    }
    if let Some(engine) = of_engine {
        for (port, item) in found {
            match port.number == engine {
                true => keep(&item),
                false => item.left_out("a store listens on its engine's port"),
            }
        }
        return;
    }
    let mut seen = BTreeSet::new();
    found.retain(|(port, item)| {
        keep(item);
        seen.insert((port.number, port.udp))
    });
    let ports: Vec<Port> = found.iter().map(|(port, _)| port.clone()).collect();
    for ((name, value), (_, item)) in named(&ports).into_iter().zip(&found) {
        to.origins.add(at.key("ports").member("name", name.as_str()), item.clone());
        to.put(&at.key("ports").key(name), value);
    }
}

/// A port is used, all but where the host has it.
fn keep(item: &Taking<'_>) {
    item.used();
    for key in ["published", "host_ip"] {
        if let Some(host) = item.get(key) {
            host.left_out(FREE);
        }
    }
    let is_short = item.value().as_str().is_some_and(|text| text.contains(':'));
    if is_short {
        item.remark(FREE);
    }
}

fn one(item: &Taking<'_>) -> Option<Vec<Port>> {
    let Json::Object(map) = item.value() else { return short(&scalar(item.value())?) };
    let number = scalar(map.get("target")?)?.parse().ok()?;
    let udp = is_udp(map.get("protocol").and_then(Json::as_str).unwrap_or("tcp"))?;
    let name = map.get("name").or_else(|| map.get("app_protocol")).and_then(scalar);
    Some(vec![Port { number, udp, name }])
}

fn is_udp(protocol: &str) -> Option<bool> {
    match protocol {
        "tcp" => Some(false),
        "udp" => Some(true),
        _ => None,
    }
}

/// `[[ADDRESS:]HOST:]CONTAINER[/PROTOCOL]`, each a number or a range.
fn short(text: &str) -> Option<Vec<Port>> {
    let (text, protocol) = text.split_once('/').unwrap_or((text, "tcp"));
    let container = text.rsplit(':').next().unwrap_or(text);
    let (first, last) = container.split_once('-').unwrap_or((container, container));
    let (first, last): (u16, u16) = (first.parse().ok()?, last.parse().ok()?);
    let udp = is_udp(protocol)?;
    // A range of thousands is a mistake or a media server; neither has a name for each.
    (first > 0 && first <= last && last - first < 100)
        .then(|| (first..=last).map(|number| Port { number, udp, name: None }).collect())
}

/// Names that no other port has, as `http: 8000`.
pub fn named(ports: &[Port]) -> Vec<(String, Json)> {
    let mut taken = BTreeSet::new();
    let entry = |port: &Port| {
        let known =
            KNOWN.iter().find(|(number, _)| *number == port.number && !port.udp).map(|(_, name)| *name);
        let wanted = port.name.as_deref().or(known).map(str::to_owned);
        let numbered = format!("{}{}", if port.udp { "udp" } else { "p" }, port.number);
        let name = match wanted.filter(|name| !taken.contains(name)) {
            Some(name) => unique(&mut taken, &name),
            None => unique(&mut taken, &numbered),
        };
        let value = match port.udp {
            false => json!(port.number),
            true => json!({"port": port.number, "protocol": "udp"}),
        };
        (name, value)
    };
    ports.iter().map(entry).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_gives_the_containers_side() {
        for (text, wanted) in [
            ("80", &[80][..]),
            ("8080:80", &[80]),
            ("127.0.0.1:9000:9001", &[9001]),
            (":7000", &[7000]),
            ("[::1]:6000:6001", &[6001]),
            ("3000-3001:4000-4001", &[4000, 4001]),
        ] {
            let ports = short(text).unwrap();
            assert_eq!(ports.iter().map(|port| port.number).collect::<Vec<_>>(), wanted, "{text}");
        }
        assert!(short("53:53/udp").unwrap()[0].udp);
        for text in ["x:y", "1-9999", "0", "80/sctp"] {
            assert_eq!(short(text), None, "{text}");
        }
    }

    #[test]
    fn known_numbers_have_names_and_no_name_comes_twice() {
        let port = |number, udp| Port { number, udp, name: None };
        let ports = [port(80, false), port(8080, false), port(53, true), port(9, false)];
        let names: Vec<_> =
            named(&ports).into_iter().map(|(name, value)| format!("{name}: {value}")).collect();
        assert_eq!(names, ["http: 80", "p8080: 8080", r#"udp53: {"port":53,"protocol":"udp"}"#, "p9: 9"]);
    }
}
