//! How a capture knows its own output again: the first line holds the hash of all that follows.

use sha2::{Digest as _, Sha256};

const HEAD: &str = "# Written by `prodmirror capture`, which replaces it while nobody edits it: ";

/// The text with its first line.
pub fn sealed(text: &str) -> String {
    format!("{HEAD}{}\n{text}", hash(text))
}

/// Whether a file is a capture that nobody edited.
pub fn is_unedited(file: &str) -> bool {
    let Some((head, rest)) = file.split_once('\n') else { return false };
    head.trim_end_matches('\r').strip_prefix(HEAD).is_some_and(|known| known == hash(rest))
}

fn hash(text: &str) -> String {
    let digits = |byte: &u8| format!("{byte:02x}");
    let sum: String = Sha256::digest(text.as_bytes()).iter().take(16).map(digits).collect();
    format!("sha256:{sum}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_edit_anywhere_breaks_the_seal() {
        let text = sealed("apiVersion: prodmirror/v1\nname: a\n");
        assert!(is_unedited(&text));
        for edited in [
            text.replace("name: a", "name: b"),
            format!("{text}\n"),
            text.replacen("sha256:", "sha256:0", 1),
            "name: a\n".to_owned(),
            String::new(),
        ] {
            assert!(!is_unedited(&edited), "{edited}");
        }
    }
}
