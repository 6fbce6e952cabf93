//! Names of a Compose file as names of a profile.

use std::collections::{BTreeMap, BTreeSet};

/// At most this many characters (`crate::name::Name`).
const LONGEST: usize = 40;

/// The names of services, jobs and stores, which share one set: Compose's to ours.
#[derive(Debug, Default)]
pub struct Names {
    ours: BTreeMap<String, String>,
    taken: BTreeSet<String>,
}

impl Names {
    pub fn add(&mut self, theirs: &str) {
        let ours = unique(&mut self.taken, theirs);
        self.ours.insert(theirs.to_owned(), ours);
    }

    pub fn get(&self, theirs: &str) -> Option<&str> {
        self.ours.get(theirs).map(String::as_str)
    }
}

/// The nearest name that is allowed: lower case, `-` for what is neither letter nor digit.
pub fn plain(text: &str) -> String {
    let lower = text.to_lowercase();
    let mapped: String =
        lower.chars().map(|c| if c.is_ascii_lowercase() || c.is_ascii_digit() { c } else { '-' }).collect();
    let trimmed = mapped.trim_matches('-');
    let name = match trimmed.starts_with(|c: char| c.is_ascii_lowercase()) {
        true => trimmed.to_owned(),
        false => format!("n{trimmed}"),
    };
    name[..name.len().min(LONGEST)].trim_end_matches('-').to_owned()
}

/// The same, with a number behind it where it is taken already.
pub fn unique(taken: &mut BTreeSet<String>, text: &str) -> String {
    let name = plain(text);
    let numbered = |number: usize| {
        let tail = format!("-{number}");
        let kept = name.len().min(LONGEST - tail.len());
        format!("{}{tail}", name[..kept].trim_end_matches('-'))
    };
    let free = std::iter::once(name.clone()).chain((2..).map(numbered)).find(|name| !taken.contains(name));
    let free = free.unwrap_or(name);
    taken.insert(free.clone());
    free
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_text_becomes_a_name_of_its_own() {
        let mut taken = BTreeSet::new();
        for (text, wanted) in [
            ("web", "web"),
            ("my_Web.app", "my-web-app"),
            ("my-web-app", "my-web-app-2"),
            ("7zip", "n7zip"),
            ("--", "n"),
            ("ä", "n-2"),
        ] {
            assert_eq!(unique(&mut taken, text), wanted);
            assert!(wanted.parse::<crate::name::Name>().is_ok());
        }
        let long = "x".repeat(60);
        assert_eq!(unique(&mut taken, &long).len(), LONGEST);
        assert!(unique(&mut taken, &long).ends_with("-2"));
    }
}
