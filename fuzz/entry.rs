//! What is tried on arbitrary bytes; the fuzzer and a plain test share it. Each answers whether the bytes were read.

use indexmap::IndexMap;
use prodmirror::{
    capture::{
        compose,
        docker::{self, Dump},
        draft::{Draft, From},
        kubernetes::{
            self,
            answers::{Pages, hide},
        },
        redact::Rules,
    },
    env::{Dialect, Format, HashKey, Source as Origin, Value, Variable, read, write},
    profile::{Layers, Problems, Source, from_tree, load, pin, pinnable, print, render, tree},
    readers::{files::Files, is_bundle},
};

/// Loads bytes as a profile, and holds the laws of what could be loaded.
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

/// Reads bytes as variables in every dialect; what a format can hold reads back the same. One dialect that reads is enough.
pub fn read_variables(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else { return false };
    // Libraries of dotenv end a line at a carriage return too.
    let lines = text.split(['\n', '\r']).count();
    let mut any = false;
    for dialect in Dialect::ALL {
        match read(text, dialect) {
            Ok(found) => {
                reads_back(&found);
                any = true;
            }
            Err(error) => assert!((1..=lines).contains(&error.line), "{error} is in the text"),
        }
    }
    any
}

fn reads_back(found: &IndexMap<String, Value>) {
    let variable = |(name, value): (&String, &Value)| Variable {
        name: name.clone(),
        value: value.clone(),
        source: Origin::File,
        written: None,
    };
    let variables: Vec<Variable> = found.iter().map(variable).collect();
    for (format, dialect) in [
        (Format::Dotenv, Dialect::Compose),
        (Format::Docker, Dialect::Docker),
        (Format::Shell, Dialect::Shell),
        (Format::Compose, Dialect::Compose),
    ] {
        let Ok(written) = write(&variables, format) else { continue };
        let again =
            read(&written.text, dialect).unwrap_or_else(|error| panic!("{format:?}: {error}: {written:?}"));
        assert_eq!(again.len(), found.len(), "{format:?} {written:?}");
        for (name, value) in found {
            match (value, again.get(name)) {
                // One line is all that a reason gets in a comment.
                (Value::Hole(_), Some(Value::Hole(_))) => {}
                (value, again) => assert_eq!(again, Some(value), "{format:?} {name:?} {written:?}"),
            }
        }
    }
}

/// Makes a profile of bytes as a Compose file.
pub fn capture_compose(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else { return false };
    let Ok(document) = compose::Document::parse("compose.yaml", text, "/srv/shop") else { return false };
    is_sound(compose::draft(document, &from("compose"), &Rules::default()))
}

/// Makes a profile of bytes as objects of Kubernetes.
pub fn capture_kubernetes(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else { return false };
    let Ok(values) = kubernetes::documents(text) else { return false };
    let document = kubernetes::Document { name: "shop.yaml".to_owned(), values };
    is_sound(kubernetes::draft(vec![document], &from("kubernetes"), &Rules::default()))
}

/// Makes a profile of bytes as a page of a list that a cluster answers; of Secrets no value is left.
pub fn read_answers(bytes: &[u8]) -> bool {
    let Ok(page) = serde_json::from_slice::<serde_json::Value>(bytes) else { return false };
    let mut pages = Pages::default();
    // The same page twice is a list that goes on.
    let next = pages.add(&mut page.clone());
    let mut last = page;
    assert_eq!(pages.add(&mut last), next);
    let list = pages.close(&last);
    let mut secrets = list.clone();
    hide(&mut secrets, &HashKey::new(b"0123456789abcdef").expect("16 bytes"));
    for item in secrets["items"].as_array().into_iter().flatten() {
        let values = item["data"].as_object().into_iter().flatten();
        assert!(values.into_iter().all(|(_, value)| value == ""), "{item}");
        assert!(item.get("stringData").is_none() && item["metadata"].get("annotations").is_none(), "{item}");
    }
    let documents =
        vec![kubernetes::Document { name: "kubernetes:prod/shop".to_owned(), values: vec![list] }];
    kubernetes::processes(&documents);
    is_sound(kubernetes::draft(documents, &from("kubernetes"), &Rules::default()))
}

/// Reads bytes as a bundle of files, and makes a profile of the objects in it.
pub fn read_bundle(bytes: &[u8]) -> bool {
    let mut files = Files::default();
    let is_read = is_bundle(bytes) && files.unpack("bundle", bytes).is_ok();
    is_read && is_sound(kubernetes::draft(files.documents, &from("files"), &Rules::default()))
}

/// Makes a profile of bytes as an answer of `docker inspect`.
pub fn capture_docker(bytes: &[u8]) -> bool {
    let Ok(answer) = serde_json::from_slice(bytes) else { return false };
    let mut dump = Dump { stopped_too: true, ..Dump::default() };
    dump.add("inspect.json", answer).is_ok()
        && is_sound(docker::draft(dump, "captured", &from("docker"), &Rules::default()))
}

fn from(kind: &'static str) -> From {
    From { from: kind, ..From::default() }
}

/// Every leaf of the input is accounted for, and the text of the profile loads.
fn is_sound(draft: Result<Draft, Problems>) -> bool {
    let draft = match draft {
        Ok(draft) => draft,
        Err(problems) => {
            assert!(problems.has_errors(), "a refusal says why");
            return false;
        }
    };
    let account = draft.account;
    assert_eq!(account.leaves, account.used + account.noted + account.holes, "{account:?}");
    let documents = [Source::new("prodmirror.yaml", draft.text())];
    let read_file = |_: &str, _: &str| Err("no such file".to_owned());
    let layers =
        Layers { documents: &documents, set: &[], unset: &[], allow_unpinned: true, read_file: &read_file };
    if let Err(problems) = load(&layers) {
        panic!("a captured profile does not load: {problems}\n{}", draft.text());
    }
    true
}
