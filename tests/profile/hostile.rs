//! Input that means harm, or that an editor mangled: an error or the right value, never a panic.
//!
//! What is asserted are the budgets, in bytes, nodes, depth and aliases; how
//! long it takes is measured elsewhere.

use prodmirror::profile::{BUDGET, Layers, Problem, Source, check, load, tree};

use crate::support::{no_files, service};

fn answer(bytes: impl Into<Vec<u8>>) -> Vec<Problem> {
    let documents = [Source::new("p.yaml", bytes)];
    check(&Layers { documents: &documents, set: &[], unset: &[], allow_unpinned: true, read_file: &no_files })
}

fn codes(bytes: impl Into<Vec<u8>>) -> Vec<&'static str> {
    answer(bytes).iter().map(|problem| problem.code).collect()
}

fn env(text: &str) -> serde_json::Value {
    let documents = [Source::new("p.yaml", text)];
    let layers =
        Layers { documents: &documents, set: &[], unset: &[], allow_unpinned: true, read_file: &no_files };
    let loaded = load(&layers).unwrap_or_else(|problems| panic!("{problems}"));
    tree(&loaded.profile)["services"]["api"]["env"].clone()
}

#[test]
fn a_bomb_of_aliases_is_refused_before_it_grows() {
    let mut bomb =
        "apiVersion: prodmirror/v1\nname: t\nscenarios:\n  a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
            .to_owned();
    for level in 1..10 {
        let uses = vec![format!("*a{}", level - 1); 10].join(", ");
        bomb.push_str(&format!("  a{level}: &a{level} [{uses}]\n"));
    }
    assert_eq!(codes(bomb), ["too-many-values"]);
}

#[test]
fn a_bomb_of_long_texts_is_refused_before_it_grows() {
    let long = "x".repeat(1 << 20);
    let uses = vec!["*a"; 100].join(", ");
    assert_eq!(codes(format!("apiVersion: prodmirror/v1\na: &a {long}\nb: [{uses}]\n")), ["too-large"]);
}

#[test]
fn many_aliases_are_refused_even_where_each_is_small() {
    let uses = vec!["*a"; BUDGET.aliases + 1].join(", ");
    assert_eq!(codes(format!("a: &a x\nb: [{uses}]\n")), ["too-many-aliases"]);
}

#[test]
fn an_alias_inside_its_own_value_is_refused() {
    assert_eq!(codes("a: &a [*a]\n"), ["bad-alias"]);
    assert_eq!(codes("a: &a {<<: *a}\n"), ["bad-alias"]);
    assert_eq!(codes("a: *nobody\n"), ["syntax"]);
}

#[test]
fn ten_megabytes_are_refused_without_being_read() {
    let text = format!("{}#{}\n", service(""), "x".repeat(10 << 20));
    assert_eq!(codes(text), ["too-large"]);
    // One byte below the budget is read.
    let mut text = service("");
    text.push_str("\n#");
    text.push_str(&"x".repeat(BUDGET.bytes - text.len()));
    assert_eq!(codes(text), Vec::<&str>::new());
}

#[test]
fn more_values_than_the_budget_are_refused() {
    let mut text = service("    env:\n");
    for index in 0..=BUDGET.nodes / 2 {
        text.push_str(&format!("      V{index}: {index}\n"));
    }
    assert_eq!(codes(text), ["too-many-values"]);
}

#[test]
fn a_hundred_thousand_levels_are_refused_at_the_budget() {
    for opening in ["[", "{a: ", "- ", "? "] {
        let problems = answer(format!("a: {}", opening.repeat(100_000)));
        assert_eq!(problems.len(), 1);
        assert!(["too-deep", "syntax"].contains(&problems[0].code), "{opening}: {problems:?}");
    }
    let mut text = String::new();
    for level in 0..2_000 {
        text.push_str(&format!("{}a:\n", " ".repeat(level)));
    }
    assert_eq!(codes(text), ["too-deep"]);
    let within = format!("a: {}{}", "[".repeat(BUDGET.depth - 1), "]".repeat(BUDGET.depth - 1));
    assert!(!codes(within).contains(&"too-deep"));
}

#[test]
fn a_key_that_stands_twice_is_refused_where_it_stands_again() {
    let problems = answer(service("    env: {A: 1, \"A\": 2}"));
    assert_eq!(
        (problems[0].code, problems[0].line, problems[0].column),
        ("duplicate-key", Some(6), Some(17))
    );
    assert_eq!(codes(service("    replicas: 1\n    replicas: 2")), ["duplicate-key"]);
}

#[test]
fn nul_and_other_control_characters_are_refused() {
    assert_eq!(codes(service("    env: {A: \"a\\0b\"}")), ["nul"]);
    assert_eq!(codes(service("    env: {A: a\0b}")).len(), 1);
    assert_eq!(codes(service("    env: {\"A\\0\": a}")), ["nul"]);
    assert_eq!(codes("\0"), ["syntax"]);
}

#[test]
fn a_byte_order_mark_is_skipped_and_places_stay_true() {
    assert_eq!(env(&format!("\u{feff}{}", service("    env: {A: ä}"))), serde_json::json!({"A": "ä"}));
    let problems = answer(format!("\u{feff}{}", service("    env: {A: null}")));
    assert_eq!((problems[0].line, problems[0].column), (Some(6), Some(14)));
}

#[test]
fn line_ends_of_windows_are_line_ends() {
    let text =
        service("    env: {A: x}\n    command:\n      - |\n        a\n        b").replace('\n', "\r\n");
    assert_eq!(env(&text), serde_json::json!({"A": "x"}));
    let problems = answer(service("    env: {A: null}").replace('\n', "\r\n"));
    assert_eq!((problems[0].line, problems[0].column), (Some(6), Some(14)));
}

#[test]
fn bytes_that_are_no_utf8_are_refused_where_they_stand() {
    let mut bytes = service("    env: {A: x}\n").into_bytes();
    bytes.extend(b"# \xff\xfe\n");
    let problems = answer(bytes);
    assert_eq!((problems[0].code, problems[0].line, problems[0].column), ("not-utf8", Some(7), Some(3)));
    assert_eq!(codes([0xff, 0xfe, b'a', 0]), ["not-utf8"]);
}

#[test]
fn numbers_that_are_none_stay_text_or_are_refused() {
    let letters =
        env(&service("    env: {A: 1e400, B: 0777, C: no, D: .inf, E: -.NaN, F: 0x10, G: 1_0, H: 12e03}"));
    assert_eq!(
        letters,
        serde_json::json!({"A": "1e400", "B": "0777", "C": "no", "D": ".inf", "E": "-.NaN", "F": "0x10", "G": "1_0", "H": "12e03"})
    );
    for wrong in ["1e400", "0777", "no", "-1", "99999999999999999999", "1.0", "0x3", "+3", ".inf", "1_0", "٣"]
    {
        assert_eq!(codes(service(&format!("    replicas: {wrong}"))), ["wrong-type"], "{wrong}");
    }
    assert_eq!(codes(service("    resources: {limits: {memory: 1e400}}")), ["bad-quantity"]);
    assert_eq!(codes(service("    stop_grace_period: 99999999999999999999h")), ["bad-duration"]);
}

#[test]
fn merge_keys_work_within_the_budget() {
    let text = service("    env: &e {A: 1, B: 2}\n  two:\n    image: local:x:y\n    env: {<<: *e, B: 3}\n");
    let documents = [Source::new("p.yaml", text)];
    let layers =
        Layers { documents: &documents, set: &[], unset: &[], allow_unpinned: true, read_file: &no_files };
    let profile = tree(&load(&layers).unwrap().profile);
    assert_eq!(profile["services"]["two"]["env"], serde_json::json!({"B": "3", "A": "1"}));
    assert_eq!(codes(service("    env: {<<: x}")), ["bad-merge-key"]);
    assert_eq!(env(&service("    env: {\"<<\": x}")), serde_json::json!({"<<": "x"}));
}

#[test]
fn tags_and_second_documents_are_refused() {
    assert_eq!(codes(service("    env: {A: !include x}")), ["bad-tag"]);
    assert_eq!(codes(service("    env: {A: !!binary aGk=}")), ["bad-tag"]);
    assert_eq!(env(&service("    env: {A: !!str null}")), serde_json::json!({"A": "null"}));
    assert_eq!(codes(format!("{}\n---\na: b\n", service(""))), ["many-documents"]);
    assert_eq!(codes(format!("---\n{}\n...\n", service(""))), Vec::<&str>::new());
    assert_eq!(codes(format!("%YAML 1.1\n---\n{}", service(""))), ["syntax"]);
}

#[test]
fn documents_that_are_no_map_are_refused() {
    for text in [
        "",
        "# nothing\n",
        "a",
        "[a]",
        "null",
        "---\n---\n",
        "\n\n\n",
        "{}",
        "apiVersion: prodmirror/v1",
        "? [a]\n: b",
        "{[a]: b}",
    ] {
        let problems = answer(text);
        assert!(problems.iter().any(Problem::is_error), "{text:?}");
    }
}

#[test]
fn a_text_of_64_kilobytes_is_kept() {
    let long = "é$\"\\ ".repeat(10_000);
    let quoted = serde_json::Value::from(long.as_str()).to_string();
    assert_eq!(env(&service(&format!("    env: {{A: {quoted}}}"))), serde_json::json!({"A": long}));
}

#[test]
fn what_jobs_take_over_is_counted_like_what_aliases_copy() {
    let mut text = service("    env:\n");
    for index in 0..1_000 {
        text.push_str(&format!("      V{index}: x\n"));
    }
    text.push_str("jobs:\n");
    for index in 0..1_000 {
        text.push_str(&format!("  j{index}: {{like: api}}\n"));
    }
    let codes = codes(text);
    assert!(codes.contains(&"too-many-values"), "{codes:?}");
}

#[test]
fn keys_are_short_enough_to_be_part_of_paths() {
    assert_eq!(codes(format!("? {}\n: x\n", "k".repeat(2_000))), ["bad-key"]);
}

#[test]
fn problems_are_counted_once_there_are_more_than_anyone_reads() {
    let mut text = service("    env:\n");
    for index in 0..3_000 {
        text.push_str(&format!("      V{index}: \"{}\"\n", "${secret:none}".repeat(20)));
    }
    let problems = answer(text);
    assert_eq!(problems.len(), 1_001);
    assert_eq!(problems[1_000].code, "too-many-problems");
    // Warnings alone crowd no error out.
    let mut text = service("    env:\n");
    for index in 0..3_000 {
        text.push_str(&format!("      V{index}: {{hole: x}}\n"));
    }
    text.push_str("    replicas: x\n");
    let problems = answer(text);
    assert!(problems.iter().any(|problem| problem.code == "wrong-type"));
}

#[test]
fn a_long_text_of_half_references_is_read_once() {
    assert_eq!(codes(service(&format!("    env: {{A: \"{}\"}}", "${".repeat(1 << 20)))), Vec::<&str>::new());
    assert_eq!(codes(service(&format!("    env: {{A: \"{}\"}}", "${A}".repeat(1 << 19)))).len(), 1);
}
