//! The plans of the example profiles, as text.

use std::path::{Path, PathBuf};

use prodmirror::{plan::plan, profile::Source};

use crate::support::{host, read};

/// `profiles/*.yaml`, in order of name.
pub fn profiles() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("profiles");
    let mut found: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "yaml"))
        .collect();
    found.sort();
    found
}

pub fn load_file(path: &Path) -> prodmirror::profile::Loaded {
    let file = path.file_name().unwrap().to_str().unwrap();
    let documents = [Source::new(file, std::fs::read(path).unwrap())];
    let folder = path.parent().unwrap().to_owned();
    let read_file =
        move |_: &str, path: &str| std::fs::read(folder.join(path)).map_err(|error| error.to_string());
    read(&documents, &read_file).unwrap_or_else(|problems| panic!("{file}: {problems}"))
}

#[test]
fn every_example_has_the_plan_that_is_kept() {
    let profiles = profiles();
    assert!(profiles.len() >= 3, "no examples: {profiles:?}");
    for path in profiles {
        let loaded = load_file(&path);
        let mut capabilities = host();
        capabilities.mirror = loaded.profile.name.clone();
        let plan = plan(&loaded.profile, &capabilities, &loaded.origins);
        insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
            insta::assert_snapshot!(path.file_stem().unwrap().to_str().unwrap(), plan.to_string());
        });
    }
}
