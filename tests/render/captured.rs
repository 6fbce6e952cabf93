//! What was captured of Compose files can be rendered to Compose files again.

use std::path::{Path, PathBuf};

use prodmirror::{
    capture::{
        compose::{self, Document},
        draft::From,
        redact::Rules,
    },
    profile::from_tree,
    render::{self, COMPOSE_FILE, Form, Templates},
};

use crate::{accepted, planned};

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for path in entries.map(|entry| entry.unwrap().path()) {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            files(&path, found);
        } else if name.contains("compose") && (name.ends_with(".yaml") || name.ends_with(".yml")) {
            found.push(path);
        }
    }
}

#[test]
fn every_captured_file_without_a_hole_is_valid_under_the_compose_schema_again() {
    let (Some(schema), Some(root)) = (accepted::schema(), accepted::corpora()) else { return };
    let mut found = Vec::new();
    for collection in ["awesome-compose", "compose-go", "kompose"] {
        files(&root.join(collection), &mut found);
    }
    found.sort();
    let (mut rendered, mut with_holes, mut wrong) = (Vec::new(), 0, Vec::new());
    for path in &found {
        let name = path.strip_prefix(&root).unwrap().display().to_string();
        let Ok(text) = std::fs::read_to_string(path) else { continue };
        let Ok(document) = Document::parse(&name, &text, "/srv/stack") else { continue };
        let from = From { from: "compose", ..From::default() };
        let draft = compose::draft(document, &from, &Rules::default()).unwrap();
        if !draft.holes.is_empty() {
            with_holes += 1;
            continue;
        }
        let plan = planned::planned(&from_tree(&draft.profile).unwrap());
        let bundle = render::bundle(&plan, Form::Standalone, &Templates::embedded())
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        let faults = accepted::wrong(&schema, &bundle.files[COMPOSE_FILE]);
        wrong.extend(faults.into_iter().map(|fault| format!("{name}: {fault}")));
        rendered.push((name, plan, bundle));
    }
    println!("{} rendered again, {with_holes} have holes", rendered.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    // Compose itself is asked for a few: a process each.
    for (name, plan, bundle) in rendered.iter().step_by(8) {
        let names =
            plan.secrets.iter().flat_map(|secret| [Some(&secret.variable), secret.url_variable.as_ref()]);
        let variables: Vec<(&str, &str)> = names.flatten().map(|name| (name.as_str(), "value")).collect();
        assert_eq!(accepted::refused(bundle, &variables), "", "{name}");
    }
}
