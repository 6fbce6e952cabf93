//! Two images beside each other, for people: what changes behaviour most often comes first.

use std::{collections::BTreeMap, fmt::Write as _};

use super::{
    Section, Side,
    compare::{Described, ImageChange, ImageDiff},
    files::{FileChange, LayerSum},
    path::split,
};
use crate::diff::Op;

/// So many lines of files a layer, and of packages that one image alone has, unless all are asked for.
const MOST: usize = 12;
const WIDTH: usize = 44;

/// The whole answer. With `all`, every file and package; else the first of each group and how many more.
pub fn text(diff: &ImageDiff, all: bool) -> String {
    let mut text = String::new();
    describe(&mut text, 'A', &diff.a);
    describe(&mut text, 'B', &diff.b);
    let mut sections: BTreeMap<Section, Vec<&ImageChange>> = BTreeMap::new();
    for change in &diff.changes {
        sections.entry(change.section).or_default().push(change);
    }
    for (section, changes) in &sections {
        let alike = diff.alike.get(section).copied().unwrap_or_default();
        let _ = writeln!(text, "\n{}{}", section.words(), counted(changes, alike));
        facts(&mut text, changes, all);
    }
    files(&mut text, diff, all);
    if !diff.incomparable.is_empty() {
        text.push_str("\nnot comparable\n");
        for unread in &diff.incomparable {
            let _ = writeln!(text, "  {}: {}: {}", unread.section.words(), unread.name, unread.why);
        }
    }
    let same: Vec<&str> = diff
        .alike
        .keys()
        .filter(|section| !sections.contains_key(section))
        .map(|section| section.words())
        .collect();
    if !same.is_empty() {
        let _ = writeln!(text, "\nthe same in both: {}", same.join(", "));
    }
    if diff.same {
        text.push_str("the images hold the same\n");
    }
    text
}

fn describe(text: &mut String, letter: char, image: &Described) {
    let Described { name, digest, platform, os, libc, packages, layers, files } = image;
    let digest = digest.get(..19).unwrap_or(digest);
    let _ = writeln!(text, "{letter}  {name}  {digest}  {platform}");
    let _ = writeln!(
        text,
        "   {os}, C library {libc}, {}, {}, {}",
        many(*packages, "package"),
        many(*layers, "layer"),
        many(*files, "file")
    );
}

fn many(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

/// `: 3 differ, 1 only in A, 2 only in B, 88 the same`.
fn counted(changes: &[&ImageChange], alike: usize) -> String {
    let count = |op: Op| changes.iter().filter(|change| change.op == op).count();
    let parts = [
        (count(Op::Change), "differ"),
        (count(Op::Remove), "only in A"),
        (count(Op::Add), "only in B"),
        (alike, "the same"),
    ];
    let parts: Vec<String> = parts
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, words)| format!("{count} {words}"))
        .collect();
    format!(": {}", parts.join(", "))
}

fn facts(text: &mut String, changes: &[&ImageChange], all: bool) {
    // Two values of one name say more than a name that only one image has.
    for op in [Op::Change, Op::Remove, Op::Add] {
        let group: Vec<&&ImageChange> = changes.iter().filter(|change| change.op == op).collect();
        let most = if all || op == Op::Change { usize::MAX } else { MOST };
        for change in group.iter().take(most) {
            let _ = writeln!(text, "{}", fact(change));
        }
        rest(text, "  ", group.len(), most);
    }
}

fn fact(change: &ImageChange) -> String {
    let name = &change.name;
    match (&change.from, &change.to) {
        (Some(from), Some(to)) => format!("  {name:WIDTH$}  {} -> {}", quoted(from), quoted(to)),
        (Some(from), None) => format!("- {name:WIDTH$}  {from}").trim_end().to_owned(),
        (None, Some(to)) => format!("+ {name:WIDTH$}  {to}").trim_end().to_owned(),
        (None, None) => String::new(),
    }
}

fn quoted(value: &str) -> &str {
    if value.is_empty() { "(empty)" } else { value }
}

fn rest(text: &mut String, indent: &str, count: usize, most: usize) {
    if count > most {
        let _ = writeln!(text, "{indent}… and {} more (--all shows them)", count - most);
    }
}

fn files(text: &mut String, diff: &ImageDiff, all: bool) {
    if diff.files.is_empty() {
        return;
    }
    let count = |op: Op| diff.files.iter().filter(|change| change.op == op).count();
    let _ = writeln!(
        text,
        "\nfiles: {} differ, {} only in A, {} only in B",
        count(Op::Change),
        count(Op::Remove),
        count(Op::Add)
    );
    let shared = diff.layers.iter().filter(|sum| sum.shared && sum.image == Side::A).count();
    if shared > 0 {
        let _ = writeln!(
            text,
            "  {} in both images",
            if shared == 1 { "1 layer is".to_owned() } else { format!("{shared} layers are") }
        );
    }
    for sum in diff.layers.iter().filter(|sum| sum.added + sum.removed + sum.changed > 0) {
        let changes: Vec<&FileChange> = diff
            .files
            .iter()
            .filter(|change| change.image == sum.image && change.layer == sum.layer)
            .collect();
        layer(text, sum, &changes, all);
    }
}

fn layer(text: &mut String, sum: &LayerSum, changes: &[&FileChange], all: bool) {
    let image = match sum.image {
        Side::A => 'A',
        Side::B => 'B',
    };
    let made = match &sum.created_by {
        Some(made) => made.chars().take(80).collect(),
        None => sum.diff_id.get(..19).unwrap_or(&sum.diff_id).to_owned(),
    };
    let _ = writeln!(text, "  layer {} of {image}: {made}", sum.layer + 1);
    let lines: Vec<String> =
        if all { changes.iter().map(|change| file(change)).collect() } else { folders(changes) };
    let most = if all { usize::MAX } else { MOST };
    for line in lines.iter().take(most) {
        let _ = writeln!(text, "    {line}");
    }
    rest(text, "    ", lines.len(), most);
}

fn file(change: &FileChange) -> String {
    match change.op {
        Op::Add => format!("+ /{}", change.path),
        Op::Remove => format!("- /{}", change.path),
        Op::Change => format!("  /{} ({})", change.path, change.what.join(", ")),
    }
}

/// Files alone where a folder has few of them, else the folder with its counts.
fn folders(changes: &[&FileChange]) -> Vec<String> {
    const FEW: usize = 3;
    let mut groups: BTreeMap<&str, Vec<&FileChange>> = BTreeMap::new();
    for change in changes {
        groups.entry(split(&change.path).0).or_default().push(change);
    }
    let mut groups: Vec<(&str, Vec<&FileChange>)> = groups.into_iter().collect();
    // What an application reads at run time lies less often in documentation than beside its configuration.
    groups.sort_by_key(|(folder, _)| (weight(folder), *folder));
    let mut lines = Vec::new();
    for (folder, changes) in groups {
        if changes.len() <= FEW {
            lines.extend(changes.iter().map(|change| file(change)));
            continue;
        }
        let count = |op: Op| changes.iter().filter(|change| change.op == op).count();
        let parts =
            [(count(Op::Change), "differ"), (count(Op::Remove), "only in A"), (count(Op::Add), "only in B")];
        let parts: Vec<String> = parts
            .iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, words)| format!("{count} {words}"))
            .collect();
        lines.push(format!("  /{folder}/: {}", parts.join(", ")));
    }
    lines
}

fn weight(folder: &str) -> u8 {
    let dull = [
        "usr/share/doc",
        "usr/share/man",
        "usr/share/locale",
        "usr/share/info",
        "var/cache",
        "var/log",
        "var/lib/dpkg/info",
    ];
    if folder == "etc" || folder.starts_with("etc/") {
        0
    } else if dull.iter().any(|dull| folder.starts_with(dull)) {
        2
    } else {
        1
    }
}
