//! What is tried on arbitrary bytes; the fuzzer and a plain test share it.

use prodmirror::profile::{Layers, Source, from_tree, load, pin, pinnable, print, render, tree};

/// Loads bytes as a profile, and holds the laws of what could be loaded; answers whether it could.
pub fn load_anything(bytes: &[u8]) -> bool {
    let read_file = |_: &str, path: &str| match path.len() % 2 {
        0 => Ok(path.as_bytes().to_vec()),
        _ => Err("no such file".to_owned()),
    };
    let documents = [Source::new("fuzzed.yaml", bytes)];
    let layers =
        Layers { documents: &documents, set: &[], unset: &[], allow_unpinned: true, read_file: &read_file };
    let found = pinnable(&documents[0]);
    if found.is_ok() {
        assert_eq!(pin(&documents[0], &[]).ok().as_deref(), std::str::from_utf8(bytes).ok(), "{found:?}");
    }
    match load(&layers) {
        Ok(loaded) => {
            let value = tree(&loaded.profile);
            assert_eq!(from_tree(&value).as_ref(), Ok(&loaded.profile), "the tree reads back");
            let printed = [Source::new("printed.yaml", print(&loaded.profile))];
            let again = load(&Layers { documents: &printed, ..layers });
            assert_eq!(again.map(|again| again.profile), Ok(loaded.profile), "the print reads back");
            true
        }
        Err(problems) => {
            assert!(problems.has_errors(), "a refusal says why");
            assert!(problems.0.iter().all(|problem| problem.line.is_some()), "each problem has a place");
            render(&problems.0, &documents, true);
            false
        }
    }
}
