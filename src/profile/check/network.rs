//! Links, ways out and ways in.

use std::{collections::HashSet, net::IpAddr};

use super::Check;
use crate::path::Path;
use crate::profile::{Balancing, Egress, Link};

pub(super) fn check(check: &mut Check<'_>) {
    let at = Path::of(["network"]);
    let mut seen = HashSet::new();
    for (index, link) in check.profile.network.links.iter().enumerate() {
        let here = at.key("links").index(index);
        if !seen.insert((&link.from, &link.to)) {
            let message = format!("there is a link from `{}` to `{}` already", link.from, link.to);
            check.error("link-twice", &here, message);
        }
        one_link(check, link, &here);
    }
    if let Some(Egress::Allowed(hosts)) = &check.profile.network.egress {
        for (index, host) in hosts.iter().enumerate() {
            if !is_destination(host) {
                let at = at.key("egress").key("allow").index(index);
                let message = format!("`{host}` is no destination");
                let hint = "write `host`, `host:port`, `*.host`, or a range of addresses, `10.0.0.0/8`";
                check.error("bad-egress", &at, message).hint = Some(hint.to_owned());
            }
        }
    }
    expose(check, &at.key("expose"));
}

fn one_link(check: &mut Check<'_>, link: &Link, here: &Path) {
    let Link { from, to, latency, jitter, loss, rate } = link;
    for (key, name) in [("from", from), ("to", to)] {
        if check.stack.get(name.as_str()).is_none() {
            let message = format!("`{name}` is no service, job or store");
            check.unknown("unknown-workload", &here.key(key), message, name.as_str(), &check.stack.names());
        }
    }
    if check.profile.services.get(to).is_some_and(|service| service.balancing == Some(Balancing::Dns)) {
        let message =
            format!("`{to}` is found by Docker's own DNS (`balancing: dns`), so no link to it can be shaped");
        check.error("link-on-dns", &here.key("to"), message).hint =
            Some("write `balancing: cluster-ip` or `headless` at the service".to_owned());
    }
    if latency.is_none() && jitter.is_none() && loss.is_none() && rate.is_none() {
        check.warning(
            "empty-link",
            here,
            "the link changes nothing: latency, jitter, loss and rate are absent",
        );
    }
    if jitter.is_some() && latency.is_none() {
        check.warning("empty-link", &here.key("jitter"), "jitter varies a latency, and there is none");
    }
}

fn expose(check: &mut Check<'_>, at: &Path) {
    let stack = check.stack;
    for (index, expose) in check.profile.network.expose.iter().flatten().enumerate() {
        let at = at.index(index);
        let name = expose.service.as_str();
        let Some(workload) = stack.get(name) else {
            let message = format!("`{name}` is no service or store");
            check.unknown("unknown-service", &at.key("service"), message, name, &stack.names());
            continue;
        };
        let names: Vec<&str> = workload.ports.iter().map(|(name, _)| name.as_str()).collect();
        match &expose.port {
            Some(port) if !names.contains(&port.as_str()) => {
                let message = format!("`{port}` is no port of `{name}`");
                check.unknown("unknown-port", &at.key("port"), message, port.as_str(), &names);
            }
            None if names.is_empty() => {
                check.error("no-port", &at.key("service"), format!("`{name}` has no port to publish"));
            }
            _ => {}
        }
    }
}

fn is_destination(text: &str) -> bool {
    if text.parse::<IpAddr>().is_ok() {
        return true;
    }
    if let Some((address, bits)) = text.split_once('/') {
        let most = match address.parse() {
            Ok(IpAddr::V4(_)) => 32,
            Ok(IpAddr::V6(_)) => 128,
            Err(_) => return false,
        };
        return bits.parse::<u8>().is_ok_and(|bits| bits <= most);
    }
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (text, None),
    };
    let host = host.strip_prefix("*.").unwrap_or(host);
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
    };
    host.split('.').all(label) && port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port > 0))
}
