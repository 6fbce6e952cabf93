//! Drafts out of text.

use prodmirror::{
    capture::{
        draft::{Draft, From},
        kubernetes::{self, Document, documents},
        redact::Rules,
    },
    profile::{Layers, Source, load},
};

pub const FILES: From =
    From { from: "files", of: None, context: None, cluster: None, namespace: None, at: None };

#[track_caller]
pub fn draft(text: &str) -> Draft {
    let document = Document { name: "shop.yaml".to_owned(), values: documents(text).unwrap() };
    let draft = kubernetes::draft(vec![document], &FILES, &Rules::default()).unwrap();
    closes(&draft);
    draft
}

/// Every leaf has a fate, and `check` takes the profile as it is written.
#[track_caller]
pub fn closes(draft: &Draft) {
    let account = draft.account;
    assert_eq!(account.leaves, account.used + account.noted + account.holes, "{account:?}");
    let text = draft.text();
    let documents = [Source::new("prodmirror.yaml", text.as_str())];
    let layers = Layers {
        documents: &documents,
        set: &[],
        unset: &[],
        allow_unpinned: false,
        read_file: &|_, path| Err(format!("no file {path}")),
    };
    if let Err(problems) = load(&layers) {
        panic!("check refuses it: {problems:?}\n{text}");
    }
}

/// The notes in one line each.
pub fn notes(draft: &Draft) -> Vec<String> {
    draft.notes.iter().map(|note| note.line()).collect()
}

#[track_caller]
pub fn says(draft: &Draft, words: &str) {
    let notes = notes(draft);
    assert!(notes.iter().any(|note| note.contains(words)), "{words}: {notes:#?}");
}
