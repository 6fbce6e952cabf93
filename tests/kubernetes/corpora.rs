//! Manifests and answers that nobody in this project wrote.

use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
};

use prodmirror::capture::{
    draft::Account,
    kubernetes::{self, Document, documents, is_kubernetes},
    redact::Rules,
};

use super::stage::{FILES, closes};

pub fn corpora() -> Option<PathBuf> {
    let root = std::env::var_os("PRODMIRROR_CORPORA")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpora"), PathBuf::from);
    root.is_dir().then_some(root)
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut waiting = vec![folder.to_owned()];
    while let Some(folder) = waiting.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let is_text =
                path.extension().is_some_and(|kind| kind == "yaml" || kind == "yml" || kind == "json");
            match path.is_dir() {
                true => waiting.push(path),
                false if is_text => found.push(path),
                false => {}
            }
        }
    }
    found.sort();
    found
}

/// One input: a file, or all files of a folder that belong together.
fn captured(inputs: &[PathBuf], root: &Path) -> Option<Account> {
    let mut read = Vec::new();
    for file in inputs {
        let text = std::fs::read_to_string(file).unwrap();
        let values = documents(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        if values.iter().any(is_kubernetes) {
            let name = file.strip_prefix(root).unwrap().display().to_string();
            read.push(Document { name, values });
        }
    }
    if read.is_empty() {
        return None;
    }
    let draft = kubernetes::draft(read, &FILES, &Rules::default());
    let draft = draft.unwrap_or_else(|problems| panic!("{inputs:?}: {problems:?}"));
    closes(&draft);
    Some(draft.account)
}

#[test]
fn every_leaf_of_every_manifest_has_a_fate() {
    let Some(root) = corpora() else {
        return println!("SKIPPED: the corpora are not there; set PRODMIRROR_CORPORA");
    };
    let mut table = String::new();
    let mut row = |name: &str, account: Account| {
        let Account { leaves, used, noted, holes } = account;
        assert_eq!(leaves, used + noted + holes, "{name}");
        let _ = writeln!(table, "{name:72} {leaves:>6} {used:>6} {noted:>6} {holes:>5}");
    };
    let mut count = 0;
    for corpus in ["k8s-dump", "kompose", "online-boutique", "sock-shop"] {
        for file in files(&root.join(corpus)) {
            if let Some(account) = captured(std::slice::from_ref(&file), &root) {
                row(&file.strip_prefix(&root).unwrap().display().to_string(), account);
                count += 1;
            }
        }
    }
    // As they are applied: all at once.
    for folder in
        ["online-boutique/kubernetes-manifests", "sock-shop/manifests", "sock-shop/manifests-monitoring"]
    {
        let account = captured(&files(&root.join(folder)), &root).unwrap();
        row(&format!("{folder}/*"), account);
    }
    assert!(count > 100, "{count} inputs");
    let head = format!("{:72} {:>6} {:>6} {:>6} {:>5}\n", "input", "leaves", "used", "noted", "holes");
    insta::assert_snapshot!("accounts", head + &table);
}

#[test]
fn the_boutique_is_a_profile_that_a_person_can_read() {
    let Some(root) = corpora() else {
        return println!("SKIPPED: the corpora are not there; set PRODMIRROR_CORPORA");
    };
    let file = root.join("online-boutique/release/kubernetes-manifests.yaml");
    let document = Document {
        name: "boutique.yaml".to_owned(),
        values: documents(&std::fs::read_to_string(file).unwrap()).unwrap(),
    };
    let draft = kubernetes::draft(vec![document], &FILES, &Rules::default()).unwrap();
    let services = draft.profile["services"].as_object().unwrap();
    for name in ["frontend", "cartservice", "checkoutservice", "loadgenerator"] {
        assert!(services.contains_key(name), "{name}");
    }
    assert_eq!(draft.profile["stores"]["redis-cart"]["engine"], "redis");
    insta::assert_snapshot!("boutique", draft.text());
}
