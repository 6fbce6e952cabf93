//! Differences that mean nothing.

use std::str::FromStr;

use serde_json::Value;

use super::shape::within;
use crate::{
    path::Path,
    profile::{Bytes, Cpu, Duration, Image},
};

/// Why a difference means nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Noise {
    /// The same quantity in other letters: `0.5` and `500m`.
    EqualQuantity,
    /// The same digest under another tag.
    ImageTagOnly,
    /// The same members of a list whose order has no meaning.
    OrderOnly,
    /// What describes the profile and no running thing: its name, where it was captured from.
    Description,
}

impl Noise {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::EqualQuantity => "equal-quantity",
            Self::ImageTagOnly => "image-tag-only",
            Self::OrderOnly => "order-only",
            Self::Description => "description",
        }
    }
}

pub fn of(path: &Path, from: Option<&Value>, to: Option<&Value>) -> Option<Noise> {
    if matches!(path.key_at(0), Some("apiVersion" | "name" | "captured")) {
        return Some(Noise::Description);
    }
    match (from?, to?) {
        (Value::String(from), Value::String(to)) => of_texts(path, from, to),
        (Value::Array(from), Value::Array(to)) => {
            (is_set(path) && same_members(from, to)).then_some(Noise::OrderOnly)
        }
        _ => None,
    }
}

fn of_texts(path: &Path, from: &str, to: &str) -> Option<Noise> {
    let equal = match within(path).as_slice() {
        ["image"] => return is_tag_only(from, to).then_some(Noise::ImageTagOnly),
        ["resources", _, "cpu"] => same::<Cpu>(from, to),
        ["resources", _, _] | ["shm_size"] => same::<Bytes>(from, to),
        ["tmpfs" | "volumes", .., "size"] => same::<Bytes>(from, to),
        ["probes", _, "initial_delay" | "period" | "timeout"] => same::<Duration>(from, to),
        ["stop_grace_period"] | ["post_start" | "pre_stop", "sleep"] => same::<Duration>(from, to),
        _ => *path == Path::of(["platform", "memory"]) && same::<Bytes>(from, to),
    };
    equal.then_some(Noise::EqualQuantity)
}

fn same<T: FromStr + PartialEq>(from: &str, to: &str) -> bool {
    matches!((from.parse::<T>(), to.parse::<T>()), (Ok(from), Ok(to)) if from == to)
}

fn is_tag_only(from: &str, to: &str) -> bool {
    match (from.parse(), to.parse()) {
        (Ok(Image::Registry(from)), Ok(Image::Registry(to))) => {
            from.digest.is_some() && from.digest == to.digest && from.canonical_name() == to.canonical_name()
        }
        _ => false,
    }
}

fn is_set(path: &Path) -> bool {
    let top = ["allow", "network.expose", "network.links", "network.egress.allow"];
    match within(path).as_slice() {
        ["flags"] | ["needs"] | ["groups"] | ["capabilities", _] => true,
        [] => top.contains(&path.to_string().as_str()),
        _ => false,
    }
}

fn same_members(from: &[Value], to: &[Value]) -> bool {
    let sorted = |list: &[Value]| {
        let mut texts: Vec<String> = list.iter().map(Value::to_string).collect();
        texts.sort_unstable();
        texts
    };
    sorted(from) == sorted(to)
}
