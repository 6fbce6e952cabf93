//! What is tried on arbitrary bytes; the fuzzer and a plain test share it. Each answers whether the bytes were read.

use std::io::Cursor;

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
        saved::Saved,
    },
    diff, digest,
    engine::{
        self, EngineError, InStore, InStoreError, Later, Login, Output, Reader, SeedFile, SeedFormat, outside,
    },
    env::{Dialect, Format, HashKey, Source as Origin, Value, Variable, read, write},
    formats::{course::Course, doors::Door, duties::Duties, fill::Filling, journal::Line, ready::ReadySet},
    image::compare,
    layers::{Wanted, read_stream},
    mirror::Memory,
    profile::{EngineKind, Layers, Problems, Source, from_tree, load, pin, pinnable, print, render, tree},
    readers::{files::Files, is_bundle},
    sources::recognize,
};
use tokio::io::AsyncReadExt as _;

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

/// Reads bytes as an archive of an image, and as each of the files that are read in one; it differs from itself in nothing.
pub fn read_image(bytes: &[u8]) -> bool {
    let is_archive = differs_in_nothing(bytes);
    let layer = tar_of(&READ_IN_IMAGES.map(|path| (path, bytes)));
    let manifest: &[u8] = br#"[{"Config":"config.json","RepoTags":["shop:1"],"Layers":["layer.tar"]}]"#;
    let rootfs = serde_json::json!({"type": "layers", "diff_ids": [digest::sha256(&layer)]});
    let plain = serde_json::json!({"architecture": "amd64", "os": "linux", "config": {}, "rootfs": rootfs})
        .to_string();
    let around =
        |config| tar_of(&[("manifest.json", manifest), ("config.json", config), ("layer.tar", &layer)]);
    let whole = around(plain.as_bytes());
    if let Err(error) = read_stream("image.tar", &*whole, &Wanted::default()) {
        panic!("a layer holds whatever it wants: {error}");
    }
    differs_in_nothing(&whole);
    differs_in_nothing(&around(bytes)) || is_archive || std::str::from_utf8(bytes).is_ok()
}

const READ_IN_IMAGES: [&str; 8] = [
    "etc/os-release",
    "etc/passwd",
    "etc/group",
    "etc/timezone",
    "lib/apk/db/installed",
    "var/lib/dpkg/status",
    "var/lib/rpm/rpmdb.sqlite",
    "var/lib/rpm/Packages",
];

fn tar_of(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (path, content) in files {
        let mut header = tar::Header::new_gnu();
        header.set_mode(0o644);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(0);
        header.set_size(content.len() as u64);
        builder.append_data(&mut header, path, *content).expect("a short path");
    }
    builder.into_inner().expect("it is in memory")
}

fn differs_in_nothing(bytes: &[u8]) -> bool {
    let Ok(image) = read_stream("image.tar", bytes, &Wanted::default()) else { return false };
    let found = compare(&image, &image);
    assert!(found.changes.is_empty() && found.files.is_empty(), "{:?} {:?}", found.changes, found.files);
    true
}

/// Reads bytes as what this program wrote itself and may be given back: an answer of `capture`, what is allowed, what a
/// mirror remembers of its profile.
pub fn read_saved(bytes: &[u8]) -> bool {
    let is_memory = match Memory::parse(bytes) {
        Ok(memory) => {
            assert_eq!(from_tree(&tree(&memory.profile)).as_ref(), Ok(&memory.profile), "it reads back");
            true
        }
        Err(_) => false,
    };
    let Ok(text) = std::str::from_utf8(bytes) else { return false };
    recognize(text);
    let is_allowed = diff::allowances(text).is_ok();
    let Ok(Saved { profile, values: _ }) = Saved::parse(text) else { return is_allowed || is_memory };
    assert_eq!(diff::compare(&profile, &profile).changes.len(), 0, "it differs from itself in nothing");
    true
}

/// Reads bytes as what a store says of itself, and as seeds, whose lines are known where they are refused.
pub fn read_store(bytes: &[u8]) -> bool {
    let runtime =
        tokio::runtime::Builder::new_current_thread().build().expect("it takes nothing of the system");
    let login = Login { port: 1, user: Some("shop".into()), password: None, database: Some("shop".into()) };
    let (settings, mut any) = (["work_mem".to_owned(), "hz".to_owned()], false);
    for (kind, format) in [(EngineKind::Postgres, SeedFormat::Sql), (EngineKind::Redis, SeedFormat::Resp)] {
        let store = Says(bytes);
        any |= outside::answer(kind, bytes).is_ok();
        runtime.block_on(engine::of(kind).ask(&store, &login, &settings));
        let content: Reader = Box::pin(Cursor::new(bytes.to_vec()));
        let file = SeedFile { name: "seed".into(), format, content };
        match runtime.block_on(engine::of(kind).seed(&store, &login, file)) {
            Ok(_) => any = true,
            Err(EngineError::Seed { line, .. }) => assert_ne!(line, Some(0), "lines are counted from 1"),
            Err(_) => {}
        }
    }
    any
}

/// A store whose programs take all that they are given, and say these bytes.
struct Says<'b>(&'b [u8]);

impl InStore for Says<'_> {
    fn run<'a>(
        &'a self,
        _: &'a [String],
        _: &'a [(String, String)],
        stdin: Option<Reader>,
    ) -> Later<'a, Result<Output, InStoreError>> {
        Box::pin(async move {
            if let Some(mut stdin) = stdin {
                // What it cannot read to its end is for its reader to tell.
                drop(stdin.read_to_end(&mut Vec::new()).await);
            }
            let stdout = String::from_utf8_lossy(self.0).into_owned();
            Ok(Output { code: 0, stdout, stderr: String::new() })
        })
    }

    fn restart(&self) -> Later<'_, Result<(), InStoreError>> {
        Box::pin(async { Ok(()) })
    }
}

/// Reads bytes, line by line, as what the parts of a mirror tell one another.
pub fn read_told(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else { return false };
    let (mut course, mut any) = (Course::default(), false);
    for line in text.lines() {
        if let Ok(line) = serde_json::from_str::<Line>(line) {
            course.apply(&line);
            any = true;
        }
        if let Ok(door) = line.parse::<Door>() {
            assert_eq!(door.to_string().parse(), Ok(door));
            any = true;
        }
        any |= serde_json::from_str::<Duties>(line).is_ok();
        any |= serde_json::from_str::<ReadySet>(line).is_ok();
        any |= serde_json::from_str::<Filling>(line).is_ok();
    }
    course.status();
    course.ordered("api", 0);
    any
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
