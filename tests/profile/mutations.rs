//! What the fuzzer does for hours, done for a moment: the same entry on mutated profiles.

use prodmirror::profile::print;

use crate::{
    examples::profiles,
    generate::{self, Generator},
};

#[path = "../../fuzz/entry.rs"]
mod entry;

#[test]
fn mutated_profiles_are_answered_and_never_panic() {
    let mut corpus: Vec<Vec<u8>> = profiles().into_iter().map(|(_, text)| text.into_bytes()).collect();
    corpus.extend((0..6).map(|seed| print(&generate::profile(seed)).into_bytes()));
    corpus.push(include_bytes!("bad/neighbours.yaml").to_vec());
    corpus.push(include_bytes!("bad/crossed.yaml").to_vec());
    corpus.push(include_bytes!("bad/shapes.yaml").to_vec());
    let mut random = Generator::new(1);
    let mut loaded = 0;
    for _ in 0..CASES {
        let at = random.below(corpus.len() as u64) as usize;
        let mut bytes = corpus[at].clone();
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
        loaded += u32::from(entry::load_anything(&bytes));
    }
    assert!(loaded > CASES / 20, "only {loaded} of {CASES} could be loaded, so little was tried");
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
