//! The cluster that production runs on.

use std::net::Ipv4Addr;

use super::Check;
use crate::{path::Path, profile::Kubernetes};

pub(super) fn check(check: &mut Check<'_>) {
    let Kubernetes { version, nodes, zones, pods, services, feature_gates: _ } =
        &check.profile.platform.kubernetes;
    let at = |key: &str| Path::of(["platform", "kubernetes", key]);
    if let Some(version) = version.as_ref().filter(|version| !is_version(version)) {
        let message = format!("`{version}` is no version of Kubernetes");
        let hint = "write `\"1.34\"`, or `\"1.34.4\"`";
        check.error("bad-version", &at("version"), message).hint = Some(hint.to_owned());
    }
    if *nodes == Some(0) {
        let hint = "write 1 or more, or leave it out";
        check.error("no-nodes", &at("nodes"), "pods need a node").hint = Some(hint.to_owned());
    }
    if let (Some(nodes), true) = (nodes, zones.len() > 1)
        && zones.len() > *nodes as usize
    {
        let message = format!("{} zones need as many nodes, and there are {nodes}", zones.len());
        check.error("too-many-zones", &at("zones"), message);
    }
    for (key, range) in [("pods", pods), ("services", services)] {
        if let Some(range) = range.as_ref().filter(|range| !is_range(range)) {
            let message = format!("`{range}` is no range of IPv4 addresses");
            check.error("bad-range", &at(key), message).hint = Some("write `10.244.0.0/16`".to_owned());
        }
    }
}

fn is_version(text: &str) -> bool {
    let parts: Vec<&str> = text.trim_start_matches('v').split('.').collect();
    (2..=3).contains(&parts.len())
        && parts.iter().all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()))
}

fn is_range(text: &str) -> bool {
    text.split_once('/').is_some_and(|(base, bits)| {
        base.parse::<Ipv4Addr>().is_ok() && bits.parse::<u8>().is_ok_and(|bits| bits <= 32)
    })
}
