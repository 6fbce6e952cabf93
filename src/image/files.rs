//! Which files of two images differ, in what, and which layer did it.

use std::{cmp::Ordering, collections::BTreeMap};

use serde::Serialize;

use super::{
    Image,
    layer::Node,
    tree::{Placed, Tree},
};
use crate::diff::Op;

/// One path that is not the same in both.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FileChange {
    pub path: String,
    pub op: Op,
    /// What differs: kind, content, mode, owner, target, device, attributes; empty for what is added or removed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub what: Vec<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<Look>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<Look>,
    /// The image whose layer put the file there, or took it away, and that layer's number from 0.
    pub image: Side,
    pub layer: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    A,
    B,
}

/// A file in short.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Look {
    pub kind: &'static str,
    /// Octal, as `chmod` takes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<String>,
    pub uid: u64,
    pub gid: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub attributes: BTreeMap<String, String>,
}

/// How many differences one layer is the cause of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LayerSum {
    pub image: Side,
    pub layer: usize,
    pub diff_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_by: Option<String>,
    pub bytes: u64,
    /// Whether the other image has the very same layer.
    pub shared: bool,
    pub added: usize,
    pub removed: usize,
    pub changed: usize,
}

/// Every path that differs, in order.
pub(super) fn changes(a: &Image, b: &Image) -> Vec<FileChange> {
    let (mut left, mut right) = (a.tree.iter().peekable(), b.tree.iter().peekable());
    let mut changes = Vec::new();
    loop {
        let order = match (left.peek(), right.peek()) {
            (None, None) => break,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some((a, _)), Some((b, _))) => a.cmp(b),
        };
        let from = if order.is_le() { left.next() } else { None };
        let to = if order.is_ge() { right.next() } else { None };
        changes.extend(change(from, to, a, b));
    }
    changes
}

type Spot<'a> = Option<(&'a String, &'a Placed)>;

fn change(from: Spot<'_>, to: Spot<'_>, a: &Image, b: &Image) -> Option<FileChange> {
    let (path, _) = from.or(to)?;
    let (from, to) = (from.map(|(_, placed)| placed), to.map(|(_, placed)| placed));
    let what = match (from, to) {
        (Some(from), Some(to)) => differing(from, to),
        _ => Vec::new(),
    };
    let op = match (from, to) {
        (Some(_), Some(_)) if what.is_empty() => return None,
        (Some(_), Some(_)) => Op::Change,
        (None, Some(_)) => Op::Add,
        (Some(_), None) => Op::Remove,
        (None, None) => return None,
    };
    let (image, layer) = cause(path, from, to, a, b)?;
    Some(FileChange { path: path.clone(), op, what, from: from.map(short), to: to.map(short), image, layer })
}

/// The layer without which the path would be the same: never one that both images have.
fn cause(
    path: &str,
    from: Option<&Placed>,
    to: Option<&Placed>,
    a: &Image,
    b: &Image,
) -> Option<(Side, usize)> {
    let layer =
        |placed: Option<&Placed>, tree: &Tree| placed.map(|placed| placed.layer).or(tree.hidden_by(path));
    let (of_a, of_b) = (layer(from, &a.tree), layer(to, &b.tree));
    let own = |layer: Option<usize>, image: &Image, other: &Image| {
        layer.filter(|layer| image.layers.get(*layer).is_none_or(|facts| !has(other, &facts.diff_id)))
    };
    let own_b = own(of_b, b, a).map(|layer| (Side::B, layer));
    let own_a = own(of_a, a, b).map(|layer| (Side::A, layer));
    // The same layers in another order: then the one that is on top in B.
    let any = || of_b.map(|layer| (Side::B, layer)).or(of_a.map(|layer| (Side::A, layer)));
    own_b.or(own_a).or_else(any)
}

fn has(image: &Image, diff_id: &str) -> bool {
    image.layers.iter().any(|layer| layer.diff_id == diff_id)
}

fn differing(from: &Placed, to: &Placed) -> Vec<&'static str> {
    let (a, b) = (&from.entry, &to.entry);
    let mut what = Vec::new();
    match (&a.node, &b.node) {
        (Node::File { digest: a, .. }, Node::File { digest: b, .. }) if a != b => what.push("content"),
        (Node::Link { target: a }, Node::Link { target: b }) if a != b => what.push("target"),
        (Node::Device { .. }, Node::Device { .. }) if a.node != b.node => what.push("device"),
        (a, b) if kind(a) != kind(b) => what.push("kind"),
        _ => {}
    }
    // A folder that only its content tells of has no mode of its own, and a link's is never looked at.
    let told = !a.implied && !b.implied;
    if told && a.mode != b.mode && !matches!(b.node, Node::Link { .. }) {
        what.push("mode");
    }
    if told && (a.uid, a.gid) != (b.uid, b.gid) {
        what.push("owner");
    }
    if told && a.attributes != b.attributes {
        what.push("attributes");
    }
    what
}

fn kind(node: &Node) -> &'static str {
    match node {
        Node::Directory => "directory",
        Node::File { .. } => "file",
        Node::Link { .. } => "link",
        Node::Device { block: true, .. } => "block device",
        Node::Device { block: false, .. } => "character device",
        Node::Fifo => "fifo",
        Node::Below { .. } => "hard link",
    }
}

fn short(placed: &Placed) -> Look {
    let entry = &placed.entry;
    let (bytes, digest, target) = match &entry.node {
        Node::File { size, digest, .. } => (Some(*size), Some(digest.clone()), None),
        Node::Link { target } => (None, None, Some(target.clone())),
        Node::Device { major, minor, .. } => (None, None, Some(format!("{major}:{minor}"))),
        Node::Directory | Node::Fifo | Node::Below { .. } => (None, None, None),
    };
    Look {
        kind: kind(&entry.node),
        mode: (!entry.implied).then(|| format!("{:04o}", entry.mode)),
        uid: entry.uid,
        gid: entry.gid,
        bytes,
        digest,
        target,
        attributes: entry.attributes.clone(),
    }
}

/// The layers of both images with what each of them is the cause of.
pub(super) fn sums(a: &Image, b: &Image, changes: &[FileChange]) -> Vec<LayerSum> {
    let mut sums: Vec<LayerSum> = layers(a, b, Side::A).chain(layers(b, a, Side::B)).collect();
    for change in changes {
        let ours = |sum: &&mut LayerSum| sum.image == change.image && sum.layer == change.layer;
        let Some(sum) = sums.iter_mut().find(ours) else { continue };
        match change.op {
            Op::Add => sum.added += 1,
            Op::Remove => sum.removed += 1,
            Op::Change => sum.changed += 1,
        }
    }
    sums
}

fn layers<'a>(image: &'a Image, other: &'a Image, side: Side) -> impl Iterator<Item = LayerSum> + 'a {
    image.layers.iter().enumerate().map(move |(layer, facts)| LayerSum {
        image: side,
        layer,
        diff_id: facts.diff_id.clone(),
        created_by: facts.created_by.as_deref().map(super::shown::instruction),
        bytes: facts.bytes,
        shared: has(other, &facts.diff_id),
        added: 0,
        removed: 0,
        changed: 0,
    })
}
