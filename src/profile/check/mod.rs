//! What the types cannot say: names that meet, ports that are there, limits that hold.

use super::{Profile, node::Node, problem::Problem};

pub(crate) fn cross_check(_profile: &Profile, _root: &Node, _allow_unpinned: bool, _problems: &mut Vec<Problem>) {}
