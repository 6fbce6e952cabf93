//! Where a process finds itself: names, resolver, clock.

use serde_json::{Value as Json, json};

use super::{
    Reading,
    inside::{address_of, file},
    scene::{Pair, Scene, texts, variables},
    workload::{Within, Workload},
};
use crate::observed::{Container, Inside};

const HOST: &str = "`HostConfig` of the pause";

pub(super) fn read(scene: &Scene<'_>, of: &Workload<'_>, within: &Within, wanted: &Json) -> Option<Reading> {
    let keys = within.keys();
    if within.len() != keys.len() {
        return None;
    }
    let reading = match keys.as_slice() {
        ["hostname"] => scene.each(of, |pair, found| {
            let told = match scene.find(&pair.pod.pause.key) {
                Some(pause) => Reading::of(wanted, pause.hostname.as_str(), "`Config` of the pause"),
                None => Reading::unread("the pause is not there"),
            };
            told.and(
                file(found, "/etc/hostname").map(|name| Reading::of(wanted, name.trim(), "/etc/hostname")),
            )
        }),
        ["extra_hosts", name] => scene.each(of, |_, found| match file(found, "/etc/hosts") {
            None => Reading::unread("no shell answers in the container"),
            Some(hosts) => match address_of(hosts, name) {
                Some(address) => Reading::of(wanted, address, "/etc/hosts"),
                None => Reading::absent("/etc/hosts", "the name is not there"),
            },
        }),
        ["dns", "servers"] => {
            scene.each_pause(of, |_, pause| Reading::of(wanted, texts(&pause.host.dns), HOST))
        }
        ["dns", "search"] => resolver(scene, of, wanted, searches),
        ["dns", "ndots"] => resolver(scene, of, wanted, ndots),
        ["timezone"] => scene.each(of, |pair, found| timezone(scene, pair, found, wanted)),
        _ => return None,
    };
    Some(reading)
}

fn resolver(scene: &Scene<'_>, of: &Workload<'_>, wanted: &Json, read: impl Fn(&str) -> Json) -> Reading {
    scene.each(of, |_, found| match file(found, "/etc/resolv.conf") {
        Some(text) => Reading::of(wanted, read(text), "/etc/resolv.conf"),
        None => Reading::unread("no shell answers in the container"),
    })
}

/// The last line of names that a resolver's file tries.
pub(super) fn searches(text: &str) -> Json {
    let line = text.lines().rfind(|line| line.starts_with("search "));
    line.map_or(json!([]), |line| line.split_whitespace().skip(1).collect())
}

pub(super) fn ndots(text: &str) -> Json {
    let options = text.lines().filter_map(|line| line.strip_prefix("options "));
    let mut dots = options.flat_map(str::split_whitespace).filter_map(|option| option.strip_prefix("ndots:"));
    dots.next_back().and_then(|dots| dots.parse::<u32>().ok()).map_or(Json::Null, Json::from)
}

fn timezone(scene: &Scene<'_>, pair: &Pair<'_>, found: &Container, wanted: &Json) -> Reading {
    let planned = pair.plan.env.get("TZ").and_then(|template| scene.known.fill(template));
    let told = variables(&found.env).get("TZ").copied();
    zone(wanted, told, planned.as_deref(), found.inside.as_ref())
}

/// The zone by its variable, told and planned, and by what the clock of the container prints.
pub(super) fn zone(
    wanted: &Json,
    told: Option<&str>,
    planned: Option<&str>,
    inside: Option<&Inside>,
) -> Reading {
    // The variable may be the profile's own, and say another zone.
    let as_planned = |reading: Reading| match planned {
        Some(planned) => reading.planned(planned),
        None => reading,
    };
    let told = match told {
        Some(zone) => as_planned(Reading::of(wanted, zone, "`TZ`")),
        None => return Reading::absent("`TZ`", "the container has no `TZ`"),
    };
    let answer = |command: &str| inside?.answers.get(command).map(|text| text.trim());
    let (Some(local), Some(utc)) = (answer("date +%Z%z"), answer("TZ=UTC date +%Z%z")) else {
        return told;
    };
    let zone = wanted.as_str().unwrap_or_default();
    let why = if utc != "UTC+0000" {
        Some(format!("the image's UTC prints {utc}"))
    } else if is_fallback(zone, local) {
        Some(format!("the image does not know the zone: its clock prints {local}"))
    } else {
        None
    };
    told.and(Some(match why {
        Some(why) => Reading::other(wanted, json!(local), DATE).because(why),
        None => Reading::as_wanted(DATE),
    }))
}

const DATE: &str = "`date` inside";

/// A C library that has no file for a zone prints the letters of its name with the offset 0.
fn is_fallback(zone: &str, printed: &str) -> bool {
    let letters: String = zone.chars().take_while(char::is_ascii_alphabetic).collect();
    let is_zero = matches!(zone, "UTC" | "GMT" | "Zulu" | "UCT" | "Universal" | "Greenwich")
        || zone.starts_with("Etc/");
    !is_zero && printed == format!("{letters}+0000")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zone_that_the_image_does_not_know_is_seen() {
        assert!(is_fallback("Europe/Berlin", "Europe+0000"));
        assert!(!is_fallback("Europe/Berlin", "CET+0100"));
        assert!(!is_fallback("Europe/London", "GMT+0000"));
        assert!(!is_fallback("UTC", "UTC+0000"));
    }
}
