//! The checker sees each violation where one is planted, and none where there is none.

use super::rules::{arrows, homeless, reach};

fn files(files: &[(&str, &str)]) -> Vec<(String, String)> {
    files.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
}

fn arrow(file: &str, text: &str) -> Vec<String> {
    arrows(&files(&[(file, text)])).iter().map(ToString::to_string).collect()
}

fn reached(file: &str, text: &str) -> Vec<String> {
    reach(&files(&[(file, text)])).iter().map(ToString::to_string).collect()
}

#[test]
fn core_that_names_world_is_seen_in_every_spelling() {
    for text in [
        "use crate::backend::Backend;",
        "use crate::{name::Name, backend::{self, Backend}};",
        "use crate::{\n    engine::Engine as E,\n};",
        "use super::super::gateway;",
        "use super::super as root;",
        "use crate as root;",
        "use crate::*;",
        "fn f(it: &dyn crate::keeper::Journal) {}",
        "fn f() { crate::carry::swap!(1) }",
        "mod inner { fn f() { super::super::super::pause::main() } }",
        "pub(crate) use crate::mirror::up;",
        "impl From<crate::backend::BackendError> for X {}",
        "#[cfg(not(test))]\nuse crate::backend::Backend;",
        "const C: char = '\"'; use crate::backend::X; const D: char = '\"';",
        "const S: &str = r#\"\"#; use crate::backend::X;",
        "const B: u8 = b'\"'; use crate::backend::X; const C: u8 = b'\"';",
        "/* /* nested */ */ use crate::backend::X;",
        "fn f<'a>(it: &'a str) -> char { 'x' } use crate::backend::X;",
    ] {
        let found = arrow("plan/order.rs", text);
        assert!(!found.is_empty(), "{text}");
        assert!(found.iter().all(|one| one.contains("core names what lies above it")), "{found:?}");
    }
}

#[test]
fn a_violation_is_named_by_file_line_and_path() {
    let found =
        arrow("plan/order.rs", "//! Order.\n\nuse crate::{\n    name::Name,\n    backend::Backend,\n};\n");
    assert_eq!(found, ["plan/order.rs:5: crate::backend::Backend: core names what lies above it"]);
}

#[test]
fn what_is_no_arrow_is_left_alone() {
    for text in [
        "// use crate::backend::Backend;",
        "/// See [`crate::backend`].\nfn f() {}",
        "const S: &str = \"use crate::backend::Backend;\";",
        "const S: &str = r#\"crate::backend \" crate::engine\"#;",
        "/* use crate::backend; /* nested */ crate::engine::X */",
        "use crate::profile::backend_name; fn f() { it.backend() }",
        "mod backend {} use self::backend::X;",
        "#[cfg(test)]\nmod tests { use crate::backend::Backend; }\nfn f() {}",
        "#[cfg(test)]\nuse crate::{backend::Backend};\nfn f() {}",
        "#[cfg(all(test, unix))]\n#[allow(x)]\nfn f(a: [u8; 2]) -> [u8; 2] { crate::backend::f() }",
        "#[cfg(test)]\nconst A: [X; 2] = [crate::backend::X { a: 1 }, B];",
        "use crate::plan::Plan; pub(crate) fn f() {} pub(super) fn g() {}",
    ] {
        assert_eq!(arrow("plan/order.rs", text), Vec::<String>::new(), "{text}");
    }
}

#[test]
fn what_follows_a_test_is_still_read() {
    let text = "#[cfg(test)]\nuse crate::{backend::Backend};\nuse crate::engine::Engine;";
    assert_eq!(
        arrow("plan/order.rs", text),
        ["plan/order.rs:3: crate::engine::Engine: core names what lies above it"]
    );
}

#[test]
fn a_test_module_in_a_file_of_its_own_is_a_test() {
    let there = [
        ("plan/order.rs", "#[cfg(test)]\nmod tests;"),
        ("plan/order/tests.rs", "use crate::backend::Backend;"),
        ("plan/mod.rs", "#[cfg(test)] mod support;\nmod order;"),
        ("plan/support/mod.rs", "use crate::backend::Backend;"),
    ];
    assert!(arrows(&files(&there)).is_empty());
    let untested = [("plan/order.rs", "mod tests;"), ("plan/order/tests.rs", "use crate::backend::Backend;")];
    assert_eq!(arrows(&files(&untested)).len(), 1);
}

#[test]
fn world_story_and_command_line_are_in_this_order() {
    assert_eq!(arrow("keeper/mod.rs", "use crate::mirror::up;").len(), 1);
    assert_eq!(arrow("backend/compose/mod.rs", "use crate::cli::Ui;").len(), 1);
    assert_eq!(arrow("mirror/up.rs", "use crate::cli::Ui;").len(), 1);
    assert_eq!(arrow("plan/mod.rs", "use super::cli::Ui;").len(), 1);
    assert!(arrow("mirror/up.rs", "use crate::{backend::Backend, plan::Plan};").is_empty());
    assert!(arrow("cli/up.rs", "use prodmirror::{backend::Backend, mirror}; use crate::cli::Ui;").is_empty());
}

#[test]
fn back_ends_do_not_know_each_other_and_engines_know_none() {
    let two = |text| {
        let there = [
            ("backend/compose/mod.rs", text),
            ("backend/kind/mod.rs", ""),
            ("backend/mod.rs", "pub mod kind;"),
        ];
        arrows(&files(&there)).len()
    };
    assert_eq!(two("use crate::backend::kind::Kind;"), 1);
    assert_eq!(two("use super::{Backend, kind::Kind};"), 1);
    assert_eq!(two("use super::{Backend, Volume}; use crate::backend::compose::X;"), 0);
    assert_eq!(arrow("engine/redis/mod.rs", "use crate::backend::Backend;").len(), 1);
}

#[test]
fn above_the_world_one_place_alone_names_a_back_end() {
    let one = |file: &str, text: &str| {
        let there = [(file, text), ("backend/kind/mod.rs", ""), ("backend/record.rs", "")];
        arrows(&files(&there)).len()
    };
    assert_eq!(one("mirror/up.rs", "use crate::backend::{Backend, kind::Kind};"), 1);
    assert_eq!(one("mirror/up.rs", "fn f(it: &crate::backend::kind::Kind) {}"), 1);
    assert_eq!(one("mirror/up.rs", "use crate::backend::{Backend, record::Record};"), 0);
    assert_eq!(one("cli/commands/up.rs", "use prodmirror::backend::{Backend, kind::Kind};"), 1);
    assert_eq!(one("main.rs", "use prodmirror::backend::kind::Kind;"), 1);
    assert_eq!(one("cli/places.rs", "use prodmirror::backend::kind::Kind;"), 0);
}

#[test]
fn only_the_programs_of_a_mirror_speak() {
    assert_eq!(arrow("backend/compose/mod.rs", "use crate::log;").len(), 1);
    assert!(arrow("gateway/door.rs", "use crate::log;").is_empty());
    for part in ["plan/mod.rs", "backend/compose/mod.rs", "mirror/up.rs", "keeper/mod.rs"] {
        assert_eq!(reached(part, "fn f() { println!(\"a\") }").len(), 1);
        assert_eq!(reached(part, "fn f() { eprintln!(\"a\") }").len(), 1);
    }
    assert!(reached("cli/ui.rs", "fn f() { println!(\"a\") }").is_empty());
    assert!(reached("plan/mod.rs", "use super::print; fn f() { print(now); if print != now {} }").is_empty());
    assert_eq!(reached("plan/mod.rs", "fn f() { std::println!(\"a\") }").len(), 1);
}

#[test]
fn core_that_reaches_outside_is_seen_in_every_spelling() {
    for text in [
        "use std::fs;",
        "use std::{collections::BTreeMap, fs::{self, File}};",
        "fn f() { std::fs::read(\"a\") }",
        "fn f() { ::std::env::var(\"A\") }",
        "use std::process::Command;",
        "use std::time::SystemTime; fn f() { SystemTime::now() }",
        "use std::time; fn f() { time::Instant::now() }",
        "fn f() { <std::time::SystemTime>::now() }",
        "fn f() { jiff::Timestamp::now() }",
        "use std::net::{IpAddr, TcpStream};",
        "use tokio::time::sleep;",
        "fn f() { getrandom::fill(&mut a) }",
        "fn f() { std::io::stdin() }",
    ] {
        assert!(!reached("plan/mod.rs", text).is_empty(), "{text}");
        if !text.contains("env") {
            assert!(reached("mirror/up.rs", text).is_empty(), "{text}");
        }
    }
    for text in
        ["use std::net::IpAddr;", "use std::time::Duration;", "fn f() { it.now() }", "use std::io::Write;"]
    {
        assert!(reached("plan/mod.rs", text).is_empty(), "{text}");
    }
}

#[test]
fn the_environment_is_read_by_the_command_line_and_the_programs_alone() {
    for text in [
        "fn f() { std::env::var(\"A\") }",
        "use std::env; fn f() { env::var_os(\"A\") }",
        "use std::env::args; fn f() { args() }",
        "use std::env::*;",
        "use etcetera::BaseStrategy;",
        "use bollard::Docker; fn f() { Docker::connect_with_defaults() }",
    ] {
        for part in ["mirror/up.rs", "backend/compose/mod.rs", "engine/redis/mod.rs", "plan/mod.rs"] {
            assert!(!reached(part, text).is_empty(), "{part}: {text}");
        }
        assert!(
            reached("cli/options.rs", text).is_empty() && reached("carry/mod.rs", text).is_empty(),
            "{text}"
        );
    }
    assert!(reached("backend/compose/mod.rs", "use std::env; fn f() { env::current_exe() }").is_empty());
}

#[test]
fn a_part_in_no_layer_is_named() {
    let there = [("novel/mod.rs", ""), ("plan/mod.rs", ""), ("lib.rs", ""), ("main.rs", "")];
    assert_eq!(homeless(&files(&there)).into_iter().collect::<Vec<_>>(), ["novel"]);
}
