//! What is shown of an image's values: no secret.

use super::Section;
use crate::capture::redact::masked;

/// A fact's value as it may be printed.
pub(super) fn value(section: Section, name: &str, value: &str) -> String {
    match section {
        // `env NAME`, `label NAME`, or a key alone.
        Section::Configuration => masked(name.split_once(' ').map_or(name, |(_, name)| name), value),
        _ => value.to_owned(),
    }
}

/// The instruction that made a layer, on one line: variables of a build stand in it, secret ones too.
pub(super) fn instruction(text: &str) -> String {
    let words = text.split_whitespace().map(|word| match word.split_once('=') {
        Some((name, value)) => format!("{name}={}", masked(name, value)),
        None => masked("", word),
    });
    masked("", &words.collect::<Vec<_>>().join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_of_variables_urls_and_build_arguments_are_not_shown() {
        let url = value(Section::Configuration, "env DATABASE_URL", "postgres://app:hunter22@db:5432/x");
        assert!(url.starts_with("postgres://app:") && !url.contains("hunter22"), "{url}");
        assert_eq!(value(Section::Configuration, "env DB_PASSWORD", "hunter22"), "(secret)");
        assert_eq!(value(Section::Configuration, "env MODE", "fast"), "fast");
        let made = instruction("RUN |1 API_TOKEN=hunter22 /bin/sh -c make  install");
        assert_eq!(made, "RUN |1 API_TOKEN=(secret) /bin/sh -c make install");
        let made = instruction("ENV KEY=AKIAIOSFODNN7EXAMPLE");
        assert!(!made.contains("AKIA"), "{made}");
    }
}
