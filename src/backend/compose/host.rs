//! What only the machine itself can tell: read when the engine runs on this one, else left out.

use std::{collections::BTreeMap, fs, net::Ipv4Addr, path::Path};

use crate::plan::Subnet;

/// Free bytes where the engine keeps its data.
pub(super) fn disk_free(root: &str) -> Option<u64> {
    let stat = rustix::fs::statvfs(root).ok()?;
    Some(stat.f_bavail.saturating_mul(stat.f_frsize))
}

/// Networks that the host has routes to, the default route left out.
pub(super) fn routes() -> Vec<Subnet> {
    parse_routes(&fs::read_to_string("/proc/net/route").unwrap_or_default())
}

/// `/proc/net/route`: destination and mask are hexadecimal in the byte order of the host.
fn parse_routes(table: &str) -> Vec<Subnet> {
    let subnet = |line: &str| {
        let columns: Vec<_> = line.split_whitespace().collect();
        let word = |column: usize| u32::from_str_radix(columns.get(column)?, 16).ok().map(u32::to_ne_bytes);
        let (base, mask) = (Ipv4Addr::from(word(1)?), u32::from_be_bytes(word(7)?));
        (mask != 0).then(|| Subnet::new(base, mask.leading_ones() as u8))
    };
    table.lines().skip(1).filter_map(subnet).collect()
}

/// The host's zone by name, as Debian writes it or as the link says.
pub(super) fn timezone() -> Option<String> {
    let written = fs::read_to_string("/etc/timezone").ok().map(|text| text.trim().to_owned());
    let linked = || {
        let target = fs::read_link("/etc/localtime").ok()?;
        let target = target.to_str()?;
        Some(target.split_once("zoneinfo/")?.1.to_owned())
    };
    written.filter(|zone| !zone.is_empty()).or_else(linked)
}

/// Limits that no container can be given more of: the kernel refuses open files above `fs.nr_open`.
pub(super) fn hard_limits() -> BTreeMap<String, i64> {
    let nofile = fs::read_to_string("/proc/sys/fs/nr_open").ok().and_then(|text| text.trim().parse().ok());
    nofile.into_iter().map(|limit| ("nofile".to_owned(), limit)).collect()
}

/// Whether the engine's files are on this machine.
pub(super) fn is_local(address: &str, root: &str) -> bool {
    address.starts_with("unix://") && Path::new(root).is_dir()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routes_are_networks_and_the_default_route_is_none() {
        let table = "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n\
                     eth0\t00000000\t0100000A\t0003\t0\t0\t0\t00000000\t0\t0\t0\n\
                     docker0\t000011AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0\n";
        let subnets: Vec<_> = parse_routes(table).iter().map(ToString::to_string).collect();
        if cfg!(target_endian = "little") {
            assert_eq!(subnets, ["172.17.0.0/16"]);
        }
    }
}
