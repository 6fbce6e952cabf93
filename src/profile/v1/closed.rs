//! Words of closed sets: restart policies, engines, protocols and the like.

use std::marker::PhantomData;

use schemars::{Schema, SchemaGenerator, json_schema};
use serde_json::Value as Json;

use super::form::{Form, Reader};
use crate::path::Path;
use crate::profile::{
    Allow, Arch, Balancing, CgroupVersion, EngineKind, Medium, PodField, Protocol, Restart, Scheme,
    StoreClock, Swap, node::Node, problem::Problem, words,
};

/// A word of a closed set.
pub(crate) trait Word: Copy + PartialEq + 'static {
    const WORDS: &'static [(&'static str, Self)];
    fn stand_in() -> Option<Self> {
        None
    }
}

pub(crate) struct OneOf<T>(PhantomData<T>);

impl<T: Word> Form for OneOf<T> {
    type Value = T;

    fn read(node: &Node, at: &Path, to: &mut Reader<'_>) -> Option<T> {
        let known: Vec<&str> = T::WORDS.iter().map(|(word, _)| *word).collect();
        let Some(text) = node.as_text() else {
            to.wanted(node, at, &format!("one of {}", known.join(", ")));
            return None;
        };
        let found = T::WORDS.iter().find(|(word, _)| *word == text).map(|(_, value)| *value);
        if found.is_none() {
            let message = format!("`{text}` is not one of {}", known.join(", "));
            let hint = words::word(text, &known);
            to.push(Problem::error("unknown-word", at, node.span, message).maybe_hint(hint));
        }
        found
    }

    fn write(value: &T) -> Json {
        T::WORDS.iter().find(|(_, each)| each == value).map_or(Json::Null, |(word, _)| (*word).into())
    }

    fn schema(_: &mut SchemaGenerator) -> Schema {
        let known: Vec<&str> = T::WORDS.iter().map(|(word, _)| *word).collect();
        json_schema!({"enum": known})
    }

    fn stand_in() -> Option<T> {
        <T as Word>::stand_in()
    }
}

/// Writes the table of a closed set, with a match that fails to compile when the set grows.
macro_rules! words {
    ($type:ident { $($word:literal = $variant:ident,)* } $($stand_in:ident)?) => {
        impl Word for $type {
            const WORDS: &'static [(&'static str, Self)] = &[$(($word, $type::$variant)),*];
            $( fn stand_in() -> Option<Self> { Some($type::$stand_in) } )?
        }
        const _: fn(&$type) = |value| match value { $($type::$variant => (),)* };
    };
}

words!(Allow {
    "privileged" = Privileged,
    "host-network" = HostNetwork,
    "host-pid" = HostPid,
    "host-path" = HostPath,
    "same-cluster" = SameCluster,
});
words!(Arch { "amd64" = Amd64, "arm64" = Arm64, });
words!(CgroupVersion { "v1" = V1, "v2" = V2, });
words!(Swap { "none" = None, });
words!(EngineKind { "postgres" = Postgres, "redis" = Redis, } Postgres);
words!(Balancing { "cluster-ip" = ClusterIp, "headless" = Headless, "dns" = Dns, });
words!(Restart { "always" = Always, "on-failure" = OnFailure, "never" = Never, });
words!(Medium { "disk" = Disk, "memory" = Memory, });
words!(Protocol { "tcp" = Tcp, "udp" = Udp, });
words!(Scheme { "http" = Http, "https" = Https, });
words!(PodField {
    "pod.name" = PodName,
    "pod.address" = PodAddress,
    "node.name" = NodeName,
    "limits.cpu" = LimitsCpu,
    "limits.memory" = LimitsMemory,
    "requests.cpu" = RequestsCpu,
    "requests.memory" = RequestsMemory,
});

words!(StoreClock { "wall" = Wall, "pinned" = Pinned, "shifted" = Shifted, });
