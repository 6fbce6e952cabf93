//! Networks: which subnets a mirror gets, and the addresses that the plan itself gives out.

use std::{collections::BTreeMap, net::Ipv4Addr};

use indexmap::IndexMap;
use sha2::{Digest as _, Sha256};

use super::{Capabilities, NetworkPlan, Networks, Subnet, spec};
use crate::labels::Kind;

/// Private space that hardly anyone uses, first the part that the documentation shows.
const SPACE: std::ops::RangeInclusive<u8> = 213..=254;

/// The mirror's networks, and whether free subnets were found for them.
pub(crate) fn networks(capabilities: &Capabilities, project: &str, pods: usize) -> (Networks, bool) {
    let bits = inside_bits(pods);
    let kept = capabilities.own_subnets.filter(|(inside, _)| inside.bits <= bits);
    let (inside, door, found) = match kept {
        Some((inside, door)) => (inside, door, true),
        None => {
            let mut taken = capabilities.subnets_in_use.clone();
            let inside = first_free(&format!("{project}_inside"), bits, &taken);
            taken.push(inside.unwrap_or_else(|start| start));
            let door = first_free(&format!("{project}_door"), 28, &taken);
            let found = inside.is_ok() && door.is_ok();
            (inside.unwrap_or_else(|start| start), door.unwrap_or_else(|start| start), found)
        }
    };
    let networks = Networks {
        inside: network(capabilities, format!("{project}_inside"), true, inside),
        door: network(capabilities, format!("{project}_door"), false, door),
    };
    (networks, found)
}

fn network(capabilities: &Capabilities, name: String, internal: bool, subnet: Subnet) -> NetworkPlan {
    let half = 1u32.checked_shl(31 - u32::from(subnet.bits.min(31))).unwrap_or(0);
    let upper = Ipv4Addr::from(u32::from(subnet.base).wrapping_add(half));
    let range = Subnet::new(upper, subnet.bits.saturating_add(1).min(32));
    let network = NetworkPlan { name, internal, subnet, range, labels: IndexMap::new() };
    let labels = spec::labels(capabilities, Kind::Network, None, None);
    NetworkPlan { labels: spec::sealed(&network, labels, &()), ..network }
}

/// A /24 while its upper half holds every pod and the helpers, more for more.
fn inside_bits(pods: usize) -> u8 {
    (16..=24u8).rev().find(|bits| pods + 16 <= 1 << (31 - bits)).unwrap_or(16)
}

/// The first free block of a size from a place that the name decides; `Err` is that place when all are taken.
fn first_free(name: &str, bits: u8, taken: &[Subnet]) -> Result<Subnet, Subnet> {
    let blocks = 1u32 << (bits.clamp(16, 30) - 16);
    let start = number(name) % blocks;
    let block = |second: u8, at: u32| {
        let base = u32::from(Ipv4Addr::new(10, second, 0, 0)) | ((at % blocks) << (32 - bits.clamp(16, 30)));
        Subnet::new(Ipv4Addr::from(base), bits)
    };
    SPACE
        .flat_map(|second| (0..blocks).map(move |step| (second, start + step)))
        .map(|(second, at)| block(second, at))
        .find(|candidate| !taken.iter().any(|subnet| subnet.overlaps(candidate)))
        .ok_or_else(|| block(*SPACE.start(), start))
}

/// The same number for a text on every machine and in every version.
fn number(text: &str) -> u32 {
    let hash = Sha256::digest(text.as_bytes());
    u32::from_be_bytes([hash[0], hash[1], hash[2], hash[3]])
}

/// Fixed addresses in the plan's half for the pods that must know their own, by key.
///
/// The place is decided by the key and moves on only when it is taken, so that one service hardly ever moves another's.
pub(crate) fn addresses(inside: Subnet, keys: &[String]) -> BTreeMap<String, Ipv4Addr> {
    let half = 1u32.checked_shl(31 - u32::from(inside.bits.min(31))).unwrap_or(0);
    // The first is the network's own, the second the engine's.
    let places = half.saturating_sub(2);
    let mut given: IndexMap<u32, &String> = IndexMap::new();
    for key in keys {
        let free = (0..places)
            .map(|step| (number(key) % places).wrapping_add(step) % places)
            .find(|place| !given.contains_key(place));
        if let Some(place) = free {
            given.insert(place, key);
        }
    }
    let address = |place: u32| Ipv4Addr::from(u32::from(inside.base).wrapping_add(2 + place));
    given.into_iter().map(|(place, key)| (key.clone(), address(place))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subnet_avoids_what_is_in_use() {
        let free = first_free("pm-shop_inside", 24, &[]).unwrap();
        let next = first_free("pm-shop_inside", 24, &[free]).unwrap();
        assert_ne!(free, next);
        let all: Subnet = "10.213.0.0/16".parse().unwrap();
        assert_eq!(first_free("pm-shop_inside", 24, &[all]).unwrap().base.octets()[1], 214);
        let every: Subnet = "10.0.0.0/8".parse().unwrap();
        assert_eq!(first_free("pm-shop_inside", 24, &[every]), Err(free));
    }

    #[test]
    fn a_mirror_with_many_pods_gets_a_larger_subnet() {
        assert_eq!(inside_bits(3), 24);
        assert_eq!(inside_bits(112), 24);
        assert_eq!(inside_bits(113), 23);
        assert_eq!(inside_bits(usize::MAX / 2), 16);
    }

    #[test]
    fn fixed_addresses_are_distinct_and_in_the_lower_half() {
        let inside: Subnet = "10.213.7.0/24".parse().unwrap();
        let keys: Vec<String> = (0..126).map(|at| format!("api.{at}")).collect();
        let given = addresses(inside, &keys);
        let distinct: std::collections::BTreeSet<_> = given.values().collect();
        assert_eq!(distinct.len(), 126);
        assert!(given.values().all(|a| (2..128).contains(&a.octets()[3])), "{given:?}");
        assert_eq!(addresses(inside, &[keys, vec!["late.0".into()]].concat()).len(), 126);
    }
}
