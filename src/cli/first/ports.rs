//! The ports a container listens on. On the host a mirror takes free ones.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{
    names::unique,
    taking::{Taking, scalar},
    text::Yaml,
};

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Port {
    pub number: u16,
    pub udp: bool,
    /// The file's own name for it.
    name: Option<String>,
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

/// Takes `ports` and `expose`; each number once.
pub fn take(service: &mut Taking) -> Vec<Port> {
    let mut found: Vec<Port> = Vec::new();
    let mut published = Vec::new();
    for key in ["ports", "expose"] {
        let Some(Value::Array(items)) = service.take(key) else { continue };
        for (index, item) in items.into_iter().enumerate() {
            let at = format!("{key}[{index}]");
            match one(&item, &mut published) {
                Some(ports) => found.extend(ports),
                None => service.not_taken(&at, "it is not understood"),
            }
        }
    }
    if !published.is_empty() {
        let all = published.join(", ");
        service.not_taken("ports[*].published", &format!("{all}; a mirror takes free ports of the host"));
    }
    let mut seen = BTreeSet::new();
    found.retain(|port| seen.insert((port.number, port.udp)));
    found
}

fn one(item: &Value, published: &mut Vec<String>) -> Option<Vec<Port>> {
    let Value::Object(map) = item else { return short(&scalar(item)?, published) };
    let number = scalar(map.get("target")?)?.parse().ok()?;
    let udp = match map.get("protocol").and_then(Value::as_str).unwrap_or("tcp") {
        "tcp" => false,
        "udp" => true,
        _ => return None,
    };
    published.extend(map.get("published").and_then(scalar).filter(|port| !port.is_empty()));
    let name = map.get("name").or_else(|| map.get("app_protocol")).and_then(scalar);
    Some(vec![Port { number, udp, name }])
}

/// `[[ADDRESS:]HOST:]CONTAINER[/PROTOCOL]`, each a number or a range.
fn short(text: &str, published: &mut Vec<String>) -> Option<Vec<Port>> {
    let (text, protocol) = text.split_once('/').unwrap_or((text, "tcp"));
    let (host, container) = text.rsplit_once(':').unwrap_or(("", text));
    let host = host.rsplit(':').next().unwrap_or_default();
    if !host.is_empty() {
        published.push(host.to_owned());
    }
    let (first, last) = container.split_once('-').unwrap_or((container, container));
    let (first, last): (u16, u16) = (first.parse().ok()?, last.parse().ok()?);
    let udp = match protocol {
        "tcp" => false,
        "udp" => true,
        _ => return None,
    };
    // A range of thousands is a mistake or a media server; neither has a name for each.
    (first > 0 && first <= last && last - first < 100)
        .then(|| (first..=last).map(|number| Port { number, udp, name: None }).collect())
}

/// `{http: 8000}`
pub fn yaml(ports: &[Port]) -> Option<Yaml> {
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
            false => Yaml::bare(port.number),
            true => Yaml::map([("port", Yaml::bare(port.number)), ("protocol", Yaml::text("udp"))]),
        };
        (name, value)
    };
    let entries: Vec<_> = ports.iter().map(entry).collect::<Vec<_>>();
    (!entries.is_empty()).then_some(Yaml::Map(entries))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_spelling_gives_the_containers_side() {
        let ports = json!(["80", 443, "8080:80", "127.0.0.1:9000:9000", ":7000", "53:53/udp", "[::1]:6000:6001",
            "3000-3001:4000-4001", {"target": 5432, "published": "15432", "protocol": "tcp"}, "x:y"]);
        let mut service = Taking::new("services.web", json!({"ports": ports, "expose": [443, "8000"]}));
        let found: Vec<_> = take(&mut service).iter().map(|port| (port.number, port.udp)).collect();
        let tcp = [80, 443, 9000, 7000, 6001, 4000, 4001, 5432, 8000].map(|port| (port, false));
        let mut wanted = tcp.to_vec();
        wanted.insert(4, (53, true));
        assert_eq!(found, wanted);
        let notes = service.close();
        assert!(
            notes.contains(&"not taken: services.web.ports[9] (it is not understood)".to_owned()),
            "{notes:?}"
        );
        assert!(
            notes.iter().any(|note| note.contains("8080, 9000, 53, 6000, 3000-3001, 15432")),
            "{notes:?}"
        );
    }

    #[test]
    fn known_numbers_have_names_and_no_name_comes_twice() {
        let port = |number, udp| Port { number, udp, name: None };
        let ports = [port(80, false), port(8080, false), port(53, true), port(9, false)];
        let mut text = String::new();
        super::super::text::entry(&mut text, 0, "ports", &yaml(&ports).unwrap());
        assert_eq!(text, "ports: {http: 80, p8080: 8080, udp53: {port: 53, protocol: udp}, p9: 9}\n");
    }
}
