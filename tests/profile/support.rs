//! Loading from literals.

use prodmirror::profile::{Layers, Loaded, Problem, Problems, Profile, Source, load};

/// A digest that only looks like one.
pub const DIGEST: &str = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

pub fn no_files(_: &str, path: &str) -> Result<Vec<u8>, String> {
    match path {
        "binary" => Ok(vec![0, 159, 146, 150]),
        "text" => Ok(b"read beside the profile\n".to_vec()),
        _ => Err("no such file".to_owned()),
    }
}

pub fn load_layers(documents: &[&str], set: &[&str], unset: &[&str]) -> Result<Loaded, Problems> {
    let documents: Vec<Source> = documents
        .iter()
        .enumerate()
        .map(|(index, text)| {
            Source::new(
                if index == 0 { "prodmirror.yaml".into() } else { format!("over-{index}.yaml") },
                *text,
            )
        })
        .collect();
    let owned = |texts: &[&str]| -> Vec<String> { texts.iter().map(|text| (*text).to_owned()).collect() };
    load(&Layers {
        documents: &documents,
        set: &owned(set),
        unset: &owned(unset),
        allow_unpinned: true,
        read_file: &no_files,
    })
}

pub fn loaded(text: &str) -> Profile {
    load_layers(&[text], &[], &[]).unwrap_or_else(|problems| panic!("{problems}")).profile
}

pub fn problems(text: &str) -> Vec<Problem> {
    match load_layers(&[text], &[], &[]) {
        Ok(loaded) => loaded.problems,
        Err(problems) => problems.0,
    }
}

/// A profile with one service whose body is given, indented by four.
pub fn service(body: &str) -> String {
    format!("apiVersion: prodmirror/v1\nname: t\nservices:\n  api:\n    image: local:api:dev\n{body}")
}
