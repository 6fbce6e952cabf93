//! What the fuzzer does for hours, done for a moment: the same entries on mutated seeds.

#![allow(clippy::unwrap_used)]

#[path = "../fuzz/entry.rs"]
mod entry;
#[path = "support/generate.rs"]
mod generate;

use std::{fs, path::Path};

use generate::Generator;
use prodmirror::profile::print;

/// The files of a folder of this repository, in the order of their names.
fn files(folder: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut paths: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.is_file());
    paths.sort();
    assert!(!paths.is_empty(), "no seeds in {}", folder.display());
    paths.iter().map(|path| fs::read(path).unwrap()).collect()
}

#[test]
fn mutated_profiles_are_answered_and_never_panic() {
    let mut seeds = files("profiles");
    seeds.extend((0..6).map(|seed| print(&generate::profile(seed)).into_bytes()));
    seeds.extend(files("tests/profile/bad"));
    mutated(&seeds, entry::load_anything);
}

#[test]
fn mutated_variables_read_back_as_they_were_read() {
    mutated(&files("fuzz/seeds/env"), entry::read_variables);
}

#[test]
fn mutated_compose_files_are_accounted_for() {
    mutated(&files("fuzz/seeds/compose"), entry::capture_compose);
}

#[test]
fn mutated_objects_of_kubernetes_are_accounted_for() {
    mutated(&files("fuzz/seeds/kubernetes"), entry::capture_kubernetes);
}

#[test]
fn mutated_answers_of_docker_inspect_are_accounted_for() {
    mutated(&files("fuzz/seeds/docker"), entry::capture_docker);
}

#[test]
fn mutated_answers_of_a_cluster_are_accounted_for_and_show_no_secret() {
    mutated(&files("fuzz/seeds/answers"), entry::read_answers);
}

#[test]
fn mutated_bundles_are_answered_and_never_panic() {
    mutated(&files("fuzz/seeds/bundle"), entry::read_bundle);
}

#[test]
fn mutated_archives_of_images_are_answered_and_differ_from_themselves_in_nothing() {
    mutated(&files("fuzz/seeds/image"), entry::read_image);
}

#[test]
fn mutated_answers_of_a_capture_are_answered_and_never_panic() {
    mutated(&files("fuzz/seeds/saved"), entry::read_saved);
}

#[test]
fn mutated_lines_of_a_mirror_are_answered_and_never_panic() {
    mutated(&files("fuzz/seeds/told"), entry::read_told);
}

#[test]
fn mutated_answers_and_seeds_of_stores_are_answered_and_never_panic() {
    let mut seeds = files("fuzz/seeds/store");
    seeds.push(include_bytes!("../examples/shop/seed/db/01-schema.sql").to_vec());
    mutated(&seeds, entry::read_store);
}

/// Every seed as it is, then mutations of them. An entry answers whether the bytes could be read.
fn mutated(seeds: &[Vec<u8>], entry: fn(&[u8]) -> bool) {
    let mut random = Generator::new(1);
    let mut read = 0;
    assert!(seeds.iter().filter(|seed| entry(seed)).count() > 0, "no seed can be read");
    for _ in 0..CASES {
        let at = random.below(seeds.len() as u64) as usize;
        let mut bytes = seeds[at].clone();
        if random.below(4) == 0 {
            bytes.truncate(200 + random.below(3000) as usize);
        }
        for _ in 0..1 + random.below(3) {
            if random.below(2) == 0 {
                mutate(&mut bytes, &mut random);
            } else {
                mutate_line(&mut bytes, &mut random);
            }
        }
        read += u32::from(entry(&bytes));
    }
    assert!(read > CASES / 20, "only {read} of {CASES} could be read, so little was tried");
}

const CASES: u32 = 1_000;

const SNIPPETS: &[&str] = &[
    "${", "}", "{", "[", "]", ": ", "- ", "\n", "\t", "&a ", "*a", "<<: ", "\"", "'", "|\n", ">-\n",
    "!!str ", "#", "null", "0", "-1", "1e400", "\u{feff}", "\0", "\r\n", "---\n", "...\n", "? ", "%", "~",
    "é", "../", "@", "ports", "like: ",
];

/// Changes a whole line or one value, so that most of what comes out is still YAML.
fn mutate_line(bytes: &mut Vec<u8>, random: &mut Generator) {
    let text = String::from_utf8_lossy(bytes).into_owned();
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    if lines.is_empty() {
        return;
    }
    let at = random.below(lines.len() as u64) as usize;
    let snippet = SNIPPETS[random.below(SNIPPETS.len() as u64) as usize];
    match (random.below(4), lines[at].rfind(": ")) {
        (0, _) => drop(lines.remove(at)),
        (1, _) => lines.push(lines[at].clone()),
        (_, Some(colon)) => lines[at].replace_range(colon + 2.., snippet),
        _ => lines[at].push_str(" # said"),
    }
    *bytes = (lines.join("\n") + "\n").into_bytes();
}

fn mutate(bytes: &mut Vec<u8>, random: &mut Generator) {
    let at = random.below(bytes.len() as u64 + 1) as usize;
    match random.below(5) {
        0 if at < bytes.len() => bytes[at] = random.below(256) as u8,
        1 if at < bytes.len() => {
            let end = bytes.len().min(at + random.below(20) as usize);
            bytes.drain(at..end);
        }
        2 => {
            let from = random.below(bytes.len() as u64 + 1) as usize;
            let end = bytes.len().min(from + random.below(60) as usize);
            let copy = bytes[from..end].to_vec();
            bytes.splice(at..at, copy);
        }
        _ => {
            let snippet = SNIPPETS[random.below(SNIPPETS.len() as u64) as usize];
            bytes.splice(at..at, snippet.bytes());
        }
    }
}
