//! What Kubernetes takes for a name, a label, a variable.

/// `[A-Za-z0-9]` at both ends, `-_.` besides between, at most 63.
fn is_word(text: &str) -> bool {
    let edge = |b: Option<u8>| b.is_some_and(|b| b.is_ascii_alphanumeric());
    text.len() <= 63
        && edge(text.bytes().next())
        && edge(text.bytes().last())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
}

/// A label of DNS: lower case, at most 63.
pub(crate) fn is_dns_label(text: &str) -> bool {
    is_word(text) && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

/// Labels of DNS with dots between, at most 253.
pub(crate) fn is_dns_name(text: &str) -> bool {
    text.len() <= 253 && text.split('.').all(is_dns_label)
}

/// `[PREFIX/]NAME`, for labels and annotations.
pub(crate) fn is_label_key(text: &str) -> bool {
    match text.split_once('/') {
        Some((prefix, name)) => is_dns_name(prefix) && is_word(name),
        None => is_word(text),
    }
}

pub(crate) fn is_label_value(text: &str) -> bool {
    text.is_empty() || is_word(text)
}

/// Every version's rule; newer ones take more. One that is made from a secret is part of a key, which has an end.
pub(crate) fn is_variable(text: &str) -> bool {
    let mut bytes = text.bytes();
    let first = bytes.next().is_some_and(|b| b.is_ascii_alphabetic() || b"-._".contains(&b));
    first
        && bytes.all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b))
        && text.len() <= 180
        && text != "."
        && !text.starts_with("..")
}

/// Whether a port may bear the name: at most 15, a letter among them, no two `-` in a row.
pub(crate) fn is_port_name(text: &str) -> bool {
    is_dns_label(text)
        && text.len() <= 15
        && text.bytes().any(|b| b.is_ascii_lowercase())
        && !text.contains("--")
}

/// Where a volume may be mounted: Kubernetes refuses a colon.
pub(crate) fn is_mount_path(path: &str) -> bool {
    path.starts_with('/') && !path.contains([':', '\0'])
}

/// A path as a volume's name, which must be a label of DNS; `is_taken` keeps names apart.
pub(super) fn volume_name(path: &str, is_taken: impl Fn(&str) -> bool) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    let text: String = path.chars().map(plain).collect();
    let words: Vec<&str> = text.split('-').filter(|word| !word.is_empty()).collect();
    let text: String = words.join("-").chars().take(50).collect();
    let text = match text.trim_matches('-') {
        "" => "root",
        text => text,
    };
    if !is_taken(text) {
        return text.to_owned();
    }
    (2u64..)
        .map(|number| format!("{text}-{number}"))
        .find(|name| !is_taken(name))
        .unwrap_or_else(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_kubernetes_takes_for_a_name_is_told_from_what_it_refuses() {
        for good in ["a", "app.kubernetes.io/name", "A_b.c", "x/y"] {
            assert!(is_label_key(good), "{good}");
        }
        for bad in ["", "a/", "/a", "-a", "a b", "ä", "A/b", "a/b/c", &"x".repeat(64)] {
            assert!(!is_label_key(bad), "{bad}");
        }
        assert!(is_label_value("") && is_label_value("a_B.c-1") && !is_label_value("a@b"));
        assert!(is_variable("_A.b-c") && is_variable(".a"));
        assert!(["", "1A", "A=B", "a b", "..", "..a", "."].iter().all(|bad| !is_variable(bad)));
        assert!(is_port_name("http") && !is_port_name("a--b") && !is_port_name(&"x".repeat(16)));
    }

    #[test]
    fn volumes_are_named_for_their_paths_and_never_twice() {
        let mut taken: Vec<String> = Vec::new();
        for path in ["/var/spool/shop", "/var-spool/shop", "/", "/ü", &format!("/{}", "y".repeat(90))] {
            let name = volume_name(path, |name| taken.iter().any(|known| known == name));
            assert!(is_dns_label(&name) && !taken.contains(&name), "{name}");
            taken.push(name);
        }
        assert_eq!(taken[..4], ["var-spool-shop", "var-spool-shop-2", "root", "root-2"]);
    }
}
