//! The registries that images come from, as a cache asks them.

use std::{collections::BTreeMap, net::Ipv4Addr};

use serde::Deserialize;

use super::{Kind, Result};
use crate::{backend::BackendError, plan::capabilities::Subnet, profile::ImageRef};

/// The registry that a name without one means, and where it answers.
const HUB: (&str, &str) = ("docker.io", "registry-1.docker.io");

/// A registry that images are named with, `docker.io` or `registry.example.com:5000`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Upstream {
    host: String,
    plain: bool,
}

impl Upstream {
    /// `None` for one on loopback: it is this host's own, and in a container that name means the container itself.
    pub(super) fn of(image: &ImageRef, insecure: &Insecure) -> Option<Self> {
        let host = image.registry();
        let plain = insecure.has(&host);
        (!is_loopback(&host)).then_some(Self { host, plain })
    }

    pub(super) fn host(&self) -> &str {
        &self.host
    }

    /// Where it is asked.
    pub(super) fn url(&self) -> String {
        let scheme = if self.plain { "http" } else { "https" };
        let host = if self.host == HUB.0 { HUB.1 } else { &self.host };
        format!("{scheme}://{host}")
    }
}

/// Registries that an engine asks without TLS because its own configuration says so (`insecure-registries` of
/// dockerd); the default is none.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Insecure {
    index_configs: Option<BTreeMap<String, Index>>,
    #[serde(rename = "InsecureRegistryCIDRs")]
    ranges: Option<Vec<String>>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Index {
    secure: bool,
}

impl Insecure {
    /// As the engine has it, and these beside.
    pub(super) fn and(mut self, hosts: &[String]) -> Self {
        let known = self.index_configs.get_or_insert_default();
        known.extend(hosts.iter().map(|host| (host.clone(), Index { secure: false })));
        self
    }

    /// A name is looked for as it is written: what it resolves to may be another one in a container.
    fn has(&self, host: &str) -> bool {
        if let Some(index) = self.index_configs.iter().flatten().find(|(name, _)| *name == host) {
            return !index.1.secure;
        }
        let Ok(address) = without_port(host).parse::<Ipv4Addr>() else { return false };
        let ranges = self.ranges.iter().flatten().filter_map(|range| range.parse::<Subnet>().ok());
        ranges.into_iter().any(|range| range.overlaps(&Subnet::new(address, 32)))
    }
}

impl Kind {
    pub(super) async fn insecure(&self) -> Result<Insecure> {
        let printed = self.docker(&[&"info", &"--format", &"{{json .RegistryConfig}}"]).await?;
        // Null where an engine keeps it to itself.
        serde_json::from_str::<Option<Insecure>>(&printed).map(Option::unwrap_or_default).map_err(|error| {
            BackendError::Engine {
                what: "what the engine says of registries".to_owned(),
                why: error.to_string(),
            }
        })
    }
}

fn is_loopback(host: &str) -> bool {
    let host = without_port(host);
    host == "localhost"
        || host.ends_with(".localhost")
        || host.parse::<Ipv4Addr>().is_ok_and(|address| address.is_loopback())
}

fn without_port(host: &str) -> &str {
    host.split_once(':').map_or(host, |(host, _)| host)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::Image;

    fn asked(image: &str, insecure: &Insecure) -> Option<String> {
        let Ok(Image::Registry(image)) = image.parse() else { panic!("{image}") };
        Upstream::of(&image, insecure).map(|upstream| upstream.url())
    }

    #[test]
    fn a_registry_is_asked_where_it_answers_and_with_tls() {
        let plain = Insecure::default();
        assert_eq!(asked("redis:7", &plain).unwrap(), "https://registry-1.docker.io");
        assert_eq!(asked("ghcr.io/a/b:1", &plain).unwrap(), "https://ghcr.io");
        assert_eq!(asked("10.1.2.3:5000/a", &plain).unwrap(), "https://10.1.2.3:5000");
    }

    #[test]
    fn without_tls_only_what_the_engine_itself_asks_so() {
        let told = r#"{"IndexConfigs": {"docker.io": {"Secure": true}, "old.example.com:5000": {"Secure": false}},
            "InsecureRegistryCIDRs": ["::1/128", "127.0.0.0/8", "10.1.0.0/16"], "Mirrors": null}"#;
        let insecure: Insecure = serde_json::from_str(told).unwrap();
        assert_eq!(asked("old.example.com:5000/a", &insecure).unwrap(), "http://old.example.com:5000");
        assert_eq!(asked("10.1.2.3:5000/a", &insecure).unwrap(), "http://10.1.2.3:5000");
        for other in ["old.example.com/a", "10.2.0.1:5000/a", "redis", "10.1.2.3.example.com/a"] {
            assert!(asked(other, &insecure).unwrap().starts_with("https://"), "{other}");
        }
        let nothing: Insecure = serde_json::from_str(r#"{"IndexConfigs": null}"#).unwrap();
        assert_eq!(asked("a.example.com/a", &nothing).unwrap(), "https://a.example.com");
    }

    #[test]
    fn what_is_on_loopback_is_no_registry_for_a_container() {
        for own in ["localhost/a", "localhost:5000/a", "127.0.0.1:5000/a", "127.8.0.1/a", "r.localhost:80/a"]
        {
            assert_eq!(asked(own, &Insecure::default()), None, "{own}");
        }
    }
}
