//! Where a process finds itself: names, resolver, clock.

use serde_json::Value as Json;

use super::{
    super::{
        Reading,
        inside::address_of,
        place,
        scene::texts,
        workload::{Part, Within, Workload},
    },
    process::written,
    scene::{Pair, SPEC, Scene, items, named},
};
use crate::plan::kubernetes::EnvSource;

pub(super) fn read(scene: &Scene<'_>, of: &Workload<'_>, within: &Within, wanted: &Json) -> Option<Reading> {
    let keys = within.keys();
    if within.len() != keys.len() || of.part != Part::Main {
        return None;
    }
    let reading = match keys.as_slice() {
        ["hostname"] => scene.each(of, |pair| match pair.pod.plan.hostname {
            None => Reading::unread("the pod may not be given it"),
            Some(_) => {
                let told = match pair.pod.spec()["hostname"].as_str() {
                    Some(live) => Reading::of(wanted, live, SPEC),
                    None => Reading::absent(SPEC, "it says none"),
                };
                let said = file(pair, "/etc/hostname");
                told.and(said.map(|name| Reading::of(wanted, name.trim(), "/etc/hostname")))
            }
        }),
        ["extra_hosts", name] => scene.each(of, |pair| extra_host(pair, name, wanted)),
        ["dns", "servers"] => scene.each_pod(of, |pod| {
            let live = &pod.spec()["dnsConfig"]["nameservers"];
            let planned: Vec<String> = pod.plan.dns.servers.iter().map(ToString::to_string).collect();
            match live {
                Json::Null => Reading::absent(SPEC, "it says none"),
                live => Reading::of(wanted, live.clone(), SPEC).planned(texts(&planned)),
            }
        }),
        ["dns", "search"] => scene.each(of, |pair| search(pair, wanted)),
        ["dns", "ndots"] => scene.each(of, |pair| {
            let live = named(&pair.pod.spec()["dnsConfig"]["options"], "ndots")["value"].as_str();
            let told = match live.and_then(|dots| dots.parse::<u32>().ok()) {
                Some(live) => Reading::of(wanted, live, SPEC),
                None => Reading::absent(SPEC, "it says none"),
            };
            told.and(resolver(pair, wanted, place::ndots))
        }),
        ["timezone"] => scene.each(of, |pair| timezone(pair, wanted)),
        _ => return None,
    };
    Some(reading)
}

fn file<'a>(pair: &Pair<'a>, path: &str) -> Option<&'a str> {
    pair.inside?.files.get(path).map(String::as_str)
}

const RESOLVER: &str = "/etc/resolv.conf";

fn resolver(pair: &Pair<'_>, wanted: &Json, read: impl Fn(&str) -> Json) -> Option<Reading> {
    Some(Reading::of(wanted, read(file(pair, RESOLVER)?), RESOLVER))
}

fn extra_host(pair: &Pair<'_>, name: &str, wanted: &Json) -> Reading {
    if !pair.pod.plan.host_aliases.values().flatten().any(|known| known == name) {
        return Reading::unread("the pod may not be given it");
    }
    let mut lines = items(&pair.pod.spec()["hostAliases"]);
    let told = lines.find(|line| items(&line["hostnames"]).any(|known| known.as_str() == Some(name)));
    let told = match told.and_then(|line| line["ip"].as_str()) {
        Some(live) => Reading::of(wanted, live, SPEC),
        None => Reading::absent(SPEC, "the name is not there"),
    };
    told.and(file(pair, "/etc/hosts").map(|hosts| match address_of(hosts, name) {
        Some(address) => Reading::of(wanted, address, "/etc/hosts"),
        None => Reading::absent("/etc/hosts", "the name is not there"),
    }))
}

/// The profile's names stand after the cluster's own, which are no part of it.
fn search(pair: &Pair<'_>, wanted: &Json) -> Reading {
    let live = &pair.pod.spec()["dnsConfig"]["searches"];
    let planned = texts(&pair.pod.plan.dns.searches);
    if live.is_null() {
        return Reading::absent(SPEC, "it says none");
    }
    let told = Reading::of(wanted, live.clone(), SPEC).planned(planned.clone());
    let said = file(pair, RESOLVER).map(|text| {
        let all = place::searches(text);
        let own = items(&all).filter(|name| items(&planned).any(|known| known == *name));
        let own: Json = own.cloned().collect();
        Reading::of(wanted, own, RESOLVER).planned(planned)
    });
    told.and(said)
}

/// The zone by its variable, and by what the clock of the container prints.
fn timezone(pair: &Pair<'_>, wanted: &Json) -> Reading {
    let planned = match pair.plan.env.get("TZ") {
        Some(EnvSource::Text(text)) => Some(text.as_str()),
        Some(EnvSource::Secret { .. } | EnvSource::Field(_)) | None => None,
    };
    place::zone(wanted, written(pair, "TZ")["value"].as_str(), planned, pair.inside)
}
