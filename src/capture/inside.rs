//! What files of `/proc` and `/etc` say inside of a container.

use crate::observed::{Container, Inside};

pub(super) fn file<'a>(found: &'a Container, path: &str) -> Option<&'a str> {
    found.inside.as_ref()?.files.get(path).map(String::as_str)
}

/// Cores that a process sees.
pub(super) fn cores(found: &Container) -> Option<u64> {
    found.inside.as_ref()?.answers.get("nproc")?.trim().parse().ok()
}

/// A line of `/proc/1/status`.
pub(super) fn status<'a>(inside: &'a Inside, name: &str) -> Option<&'a str> {
    let status = inside.files.get("/proc/1/status")?;
    status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim)
}

pub(super) fn root_is_read_only(inside: &Inside) -> Option<bool> {
    options(inside, "/").map(|mut options| options.any(|option| option == "ro"))
}

/// The size of a file system in memory, from its line in `/proc/mounts`.
pub(super) fn mounted_size(inside: &Inside, target: &str) -> Option<i64> {
    let size = options(inside, target)?.find_map(|given| given.strip_prefix("size="))?;
    let (number, unit) = size.split_at(size.find(|c: char| !c.is_ascii_digit()).unwrap_or(size.len()));
    let factor = match unit {
        "" => 1,
        "k" => 1 << 10,
        "m" => 1 << 20,
        "g" => 1 << 30,
        _ => return None,
    };
    number.parse::<i64>().ok()?.checked_mul(factor)
}

/// The options of what is mounted last at a target.
fn options<'a>(inside: &'a Inside, target: &str) -> Option<impl Iterator<Item = &'a str>> {
    let mounts = inside.files.get("/proc/mounts")?;
    let line = mounts.lines().rfind(|line| line.split(' ').nth(1) == Some(target))?;
    Some(line.split(' ').nth(3)?.split(','))
}

/// The first address that a hosts file gives to a name.
pub(super) fn address_of<'a>(hosts: &'a str, name: &str) -> Option<&'a str> {
    hosts.lines().find_map(|line| {
        let mut words = line.split('#').next().unwrap_or_default().split_whitespace();
        let address = words.next()?;
        words.any(|word| word == name).then_some(address)
    })
}

/// A text with its white space made single: how the kernel and its users write lists of numbers.
pub(super) fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hosts_file_may_give_an_address_several_names() {
        let hosts = "127.0.0.1\tlocalhost\n10.0.0.7 a b # c\n";
        assert_eq!(address_of(hosts, "b"), Some("10.0.0.7"));
        assert_eq!(address_of(hosts, "c"), None);
    }

    #[test]
    fn the_last_mount_at_a_place_is_the_one_that_counts() {
        let mounts = "tmpfs /tmp tmpfs rw,size=64k 0 0\ntmpfs /tmp tmpfs rw,size=8m 0 0\n";
        let files = [("/proc/mounts".to_owned(), mounts.to_owned())].into();
        let inside = Inside { files, ..Inside::default() };
        assert_eq!(mounted_size(&inside, "/tmp"), Some(8 << 20));
        assert_eq!(mounted_size(&inside, "/"), None);
    }
}
