//! Layers laid over each other: the file system that a container of the image would see.

use std::collections::BTreeMap;

use super::{
    Section, Unread,
    layer::{Entry, Kept, Layer, MOST_LINKS, Node, below, remove_below},
    path,
};

/// An entry and the layer that put it there, from 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placed {
    pub entry: Entry,
    pub layer: usize,
}

#[derive(Clone, Debug, Default)]
pub struct Tree {
    nodes: BTreeMap<String, Placed>,
    /// What a layer took away, and which one did it last.
    hidden: BTreeMap<String, usize>,
}

/// What is known of a file's content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content<'a> {
    Absent,
    Bytes(&'a [u8]),
    Unreadable(String),
}

impl Tree {
    /// The layers, the lowest first; what could not be laid is named.
    pub fn of(layers: impl IntoIterator<Item = Layer>) -> (Self, Vec<Unread>) {
        let (mut tree, mut unread) = (Self::default(), Vec::new());
        for (index, layer) in layers.into_iter().enumerate() {
            tree.lay(index, layer, &mut unread);
        }
        (tree, unread)
    }

    fn lay(&mut self, index: usize, layer: Layer, unread: &mut Vec<Unread>) {
        // Whatever the order in the archive: both concern the layers below alone.
        for folder in &layer.opaque {
            self.hide_below(folder, index);
        }
        for path in &layer.gone {
            self.hide(path, index);
        }
        for (path, mut entry) in layer.entries {
            if let Node::Below { target } = &entry.node {
                let Some(placed) = self.nodes.get(target) else {
                    let why = format!("is a hard link to `{target}`, which is in no layer up to this one");
                    unread.push(Unread::new(Section::Files, path, why));
                    continue;
                };
                entry = placed.entry.clone();
            }
            self.put(path, entry, index);
        }
        unread.extend(layer.unread);
    }

    fn put(&mut self, path: String, entry: Entry, index: usize) {
        let folders: Vec<String> = path::parents(&path).map(str::to_owned).collect();
        for folder in folders {
            if self.nodes.get(&folder).is_none_or(|placed| placed.entry.node != Node::Directory) {
                self.nodes.insert(folder, Placed { entry: Entry::implied(), layer: index });
            }
        }
        if entry.node != Node::Directory {
            self.hide_below(&path, index);
        }
        self.hidden.remove(&path);
        self.nodes.insert(path, Placed { entry, layer: index });
    }

    fn hide(&mut self, path: &str, index: usize) {
        self.hide_below(path, index);
        if self.nodes.remove(path).is_some() {
            self.hidden.insert(path.to_owned(), index);
        }
    }

    fn hide_below(&mut self, folder: &str, index: usize) {
        for path in remove_below(&mut self.nodes, folder) {
            self.hidden.insert(path, index);
        }
    }

    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// In the order of their paths.
    pub fn iter(&self) -> impl Iterator<Item = (&String, &Placed)> {
        self.nodes.iter()
    }

    /// The entry itself, a link unfollowed.
    pub fn get(&self, path: &str) -> Option<&Placed> {
        self.nodes.get(path)
    }

    /// The layer that took a path away.
    pub fn hidden_by(&self, path: &str) -> Option<usize> {
        self.hidden.get(path).copied()
    }

    /// All that lies in a folder, however deep.
    pub fn below(&self, folder: &str) -> impl Iterator<Item = (&String, &Placed)> {
        below(&self.nodes, folder)
    }

    /// Where a path ends once its links are followed; `Err` where they do not end.
    pub fn follow(&self, path: &str) -> Result<Option<(String, &Placed)>, String> {
        let mut path = path.to_owned();
        for _ in 0..=MOST_LINKS {
            let link = path::parents(&path).chain([path.as_str()]).find_map(|part| {
                match &self.nodes.get(part)?.entry.node {
                    Node::Link { target } => Some((part.to_owned(), path::target(part, target))),
                    _ => None,
                }
            });
            let Some((part, target)) = link else {
                return Ok(self.nodes.get(&path).map(|placed| (path.clone(), placed)));
            };
            path = path::join(&target, path[part.len()..].trim_start_matches('/'));
        }
        Err(format!("goes through more than {MOST_LINKS} symbolic links"))
    }

    /// The content of a file that was asked for by [`super::look`].
    pub fn content(&self, path: &str) -> Content<'_> {
        let placed = match self.follow(path) {
            Ok(Some((_, placed))) => placed,
            Ok(None) => return Content::Absent,
            Err(why) => return Content::Unreadable(why),
        };
        match &placed.entry.node {
            Node::File { kept: Some(Kept::Bytes(bytes)), .. } => Content::Bytes(bytes),
            Node::File { kept: Some(Kept::TooLarge { limit }), size, .. } => Content::Unreadable(format!(
                "has {size} bytes; up to {limit} are kept of one such file, and 256 MiB of all"
            )),
            Node::File { .. } => Content::Unreadable("its content was not kept".to_owned()),
            Node::Directory => Content::Unreadable("is a folder".to_owned()),
            Node::Link { .. } | Node::Device { .. } | Node::Fifo | Node::Below { .. } => {
                Content::Unreadable("is no file".to_owned())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(content: &str) -> Entry {
        let node = Node::File {
            size: content.len() as u64,
            digest: content.to_owned(),
            kept: Some(Kept::Bytes(content.into())),
        };
        Entry::new(node, 0o644, 0, 0)
    }

    fn link(target: &str) -> Entry {
        Entry::new(Node::Link { target: target.to_owned() }, 0o777, 0, 0)
    }

    fn directory() -> Entry {
        Entry::new(Node::Directory, 0o755, 0, 0)
    }

    fn layer(entries: &[(&str, Entry)]) -> Layer {
        let mut layer = Layer::default();
        for (path, entry) in entries {
            layer.take(path.as_bytes(), entry.clone()).unwrap();
        }
        layer
    }

    fn tree(layers: Vec<Layer>) -> Tree {
        let (tree, unread) = Tree::of(layers);
        assert_eq!(unread, []);
        tree
    }

    fn paths(tree: &Tree) -> Vec<&str> {
        tree.iter().map(|(path, _)| path.as_str()).collect()
    }

    #[test]
    fn a_whiteout_takes_a_file_or_a_whole_folder_of_the_layers_below() {
        let below =
            layer(&[("etc/a", file("1")), ("etc/b", file("2")), ("srv/x/y", file("3")), ("srvx", file("4"))]);
        let above = layer(&[("etc/.wh.a", file("")), (".wh.srv", file(""))]);
        let tree = tree(vec![below, above]);
        assert_eq!(paths(&tree), ["etc", "etc/b", "srvx"]);
        assert_eq!(tree.hidden_by("srv/x/y"), Some(1));
    }

    #[test]
    fn a_whiteout_spares_its_own_layer_whatever_the_order() {
        let below = layer(&[("etc/a", file("old"))]);
        let above = layer(&[("etc/a", file("new")), ("etc/.wh.a", file(""))]);
        assert_eq!(tree(vec![below, above]).content("etc/a"), Content::Bytes(b"new"));
    }

    #[test]
    fn an_opaque_folder_hides_what_lay_in_it_and_nothing_beside() {
        let below = layer(&[("d/a", file("1")), ("d/s/b", file("2")), ("d-not/c", file("3"))]);
        let above = layer(&[("d/n", file("4")), ("d/.wh..wh..opq", file(""))]);
        assert_eq!(paths(&tree(vec![below, above])), ["d", "d-not", "d-not/c", "d/n"]);
    }

    #[test]
    fn leftovers_of_aufs_are_nothing() {
        let one = layer(&[("a", file("1")), (".wh..wh.plnk/5.6", file("")), (".wh..wh.aufs", file(""))]);
        assert_eq!(paths(&tree(vec![one])), ["a"]);
    }

    #[test]
    fn a_file_over_a_folder_takes_the_folder_away_and_back() {
        let below = layer(&[("x", directory()), ("x/y", file("1"))]);
        let above = layer(&[("x", file("2"))]);
        assert_eq!(paths(&tree(vec![below.clone(), above.clone()])), ["x"]);
        assert_eq!(paths(&tree(vec![above, below])), ["x", "x/y"]);
    }

    #[test]
    fn a_folder_over_a_folder_keeps_what_lies_in_it() {
        let below = layer(&[("x/y", file("1"))]);
        let mut above = Layer::default();
        above.take(b"x", Entry::new(Node::Directory, 0o700, 5, 5)).unwrap();
        let tree = tree(vec![below, above]);
        assert_eq!(paths(&tree), ["x", "x/y"]);
        assert_eq!(tree.get("x").map(|placed| (placed.entry.mode, placed.layer)), Some((0o700, 1)));
    }

    #[test]
    fn links_are_followed_when_a_file_is_read() {
        let one =
            layer(&[("usr/lib/os-release", file("ID=x")), ("etc/os-release", link("../usr/lib/os-release"))]);
        let two = layer(&[("lib", link("usr/lib"))]);
        let tree = tree(vec![one, two]);
        assert_eq!(tree.content("etc/os-release"), Content::Bytes(b"ID=x"));
        assert_eq!(tree.content("lib/os-release"), Content::Bytes(b"ID=x"));
        assert_eq!(tree.content("lib/none"), Content::Absent);
    }

    #[test]
    fn links_without_end_are_an_answer_and_no_loop() {
        let one = layer(&[("a", link("b")), ("b", link("a")), ("c", link("c/d"))]);
        let tree = tree(vec![one]);
        for path in ["a", "c", "a/x"] {
            assert!(matches!(tree.content(path), Content::Unreadable(why) if why.contains("40")), "{path}");
        }
        let mut layer = Layer::default();
        layer.take(b"l", link("l/x")).unwrap();
        assert!(matches!(layer.take(b"l/y", file("")), Err(super::super::BadEntry::Links(_))));
    }

    #[test]
    fn a_hard_link_is_the_same_file_and_stays_when_the_first_name_goes() {
        let mut one = layer(&[("a", file("1"))]);
        one.take_hard_link(b"b", b"a").unwrap();
        let mut two = layer(&[(".wh.a", file(""))]);
        two.take_hard_link(b"c", b"b").unwrap();
        let tree = tree(vec![one, two]);
        assert_eq!(paths(&tree), ["b", "c"]);
        assert_eq!(tree.content("c"), Content::Bytes(b"1"));
    }

    #[test]
    fn a_hard_link_to_nothing_is_named() {
        let mut one = Layer::default();
        one.take_hard_link(b"b", b"no/such").unwrap();
        let (tree, unread) = Tree::of([one]);
        assert!(tree.is_empty());
        assert!(unread[0].why.contains("no/such"), "{unread:?}");
    }

    #[test]
    fn a_layer_that_goes_through_its_own_link_writes_where_it_points() {
        let one = layer(&[("lib", link("usr/lib")), ("lib/x", file("1"))]);
        assert_eq!(paths(&tree(vec![one])), ["lib", "usr", "usr/lib", "usr/lib/x"]);
    }

    #[test]
    fn a_folder_over_a_link_of_a_layer_below_replaces_it() {
        let below = layer(&[("lib", link("usr/lib")), ("usr/lib/a", file("1"))]);
        let above = layer(&[("lib/x", file("2"))]);
        assert_eq!(paths(&tree(vec![below, above])), ["lib", "lib/x", "usr", "usr/lib", "usr/lib/a"]);
    }
}
