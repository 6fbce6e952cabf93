//! Layers: how a later document changes an earlier one.
//!
//! The one rule, applied from the top of the document down:
//!
//! - **maps merge by key**: keys of both stay, the later one's value wins;
//! - **lists whose members have a `name` merge by name** (ports), new members come last;
//! - **everything else is replaced**: a single value, a list, or a value of another kind;
//! - **a choice is replaced by another choice**: of `http`, `tcp`, `grpc` and `exec` in a probe,
//!   or `empty`, `claim`, `shared` and `host` in a volume, the one of the later document stays;
//! - **nothing is ever removed by `null`**, which is an error; `--unset` removes.
//!
//! Short forms are brought into their long ones before, so `ports: {http: 80}`
//! and `ports: [{name: http, port: 80}]` are the same layer.

use super::node::{Kind, Node};

pub(crate) fn merge(base: &mut Node, over: Node) {
    if base.is_named_list() && over.is_named_list() {
        return merge_named(base, over);
    }
    let (Kind::Map(into), Kind::Map(_)) = (&mut base.kind, &over.kind) else {
        *base = over;
        return;
    };
    let Kind::Map(from) = over.kind else { return };
    let chosen = |key: &str| from.choice.contains(&key);
    if from.entries.keys().any(|key| chosen(key)) {
        into.entries.retain(|key, _| !chosen(key) || from.entries.contains_key(key));
    }
    if into.choice.is_empty() {
        into.choice = from.choice;
    }
    for (key, entry) in from.entries {
        match into.entries.get_mut(&key) {
            Some(existing) => {
                existing.key = entry.key;
                merge(&mut existing.node, entry.node);
            }
            None => {
                into.entries.insert(key, entry);
            }
        }
    }
}

fn merge_named(base: &mut Node, over: Node) {
    let (Kind::List(into), Kind::List(from)) = (&mut base.kind, over.kind) else { return };
    for member in from {
        let same = into.iter_mut().find(|each| each.member_name() == member.member_name());
        match same {
            Some(existing) => merge(existing, member),
            None => into.push(member),
        }
    }
}
