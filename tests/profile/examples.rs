//! Every profile that is delivered is without errors and reads back.

use std::{fs, path::PathBuf};

use prodmirror::profile::{Layers, Source, check, from_tree, load, print, tree};

pub fn profiles() -> Vec<(PathBuf, String)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("profiles");
    let mut found: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    found.retain(|path| path.extension().is_some_and(|ending| ending == "yaml"));
    found.sort();
    found.into_iter().map(|path| (path.clone(), fs::read_to_string(path).unwrap())).collect()
}

fn beside(document: &str, path: &str) -> Result<Vec<u8>, String> {
    let folder = PathBuf::from(document);
    let folder = folder.parent().unwrap();
    fs::read(folder.join(path)).map_err(|error| error.to_string())
}

#[test]
fn every_delivered_profile_is_good_and_reads_back() {
    for (path, text) in profiles() {
        let documents = [Source::new(path.display().to_string(), text)];
        let layers =
            Layers { documents: &documents, set: &[], unset: &[], allow_unpinned: false, read_file: &beside };
        let loaded = load(&layers).unwrap_or_else(|problems| panic!("{problems}"));
        assert_eq!(from_tree(&tree(&loaded.profile)), Ok(loaded.profile.clone()), "{}", path.display());
        let printed = [Source::new("printed", print(&loaded.profile))];
        let again = load(&Layers { documents: &printed, ..layers }).unwrap();
        assert_eq!(again.profile, loaded.profile, "{}", path.display());
        assert_eq!(check(&layers), loaded.problems);
    }
}
