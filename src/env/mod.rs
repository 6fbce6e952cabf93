//! The variables of one process, wherever they were read: files of every dialect, a profile, what runs.
//!
//! Three things stay apart through every reading and printing: a variable that
//! is absent (no entry), one that is empty (`""`), and one whose value is not
//! known here (a secret or a hole). No value of a secret is ever kept: a
//! [`Value::Secret`] holds its keyed hash, by which two can be compared. What
//! is one is told in one place, [`capture::redact`](crate::capture::redact).
//!
//! | dialect | who reads it |
//! |---|---|
//! | [`Dialect::Compose`] | Compose: `.env`, `env_file` |
//! | [`Dialect::Docker`] | `docker run --env-file` |
//! | [`Dialect::Dotenv`] | the libraries of that name; npm's is the measure |
//! | [`Dialect::Shell`] | `. ./file` in bash |
//!
//! JSON and the `environment:` of a Compose file are told by their content ([`read()`]).

mod bash;
mod compare;
mod compose;
mod docker;
mod dotenv;
mod given;
mod hash;
mod interpolate;
pub mod likely;
mod mapping;
pub mod noise;
mod object;
mod read;
mod remark;
mod secret;
mod suggest;
mod text;
mod write;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _, ser::SerializeMap};

pub use compare::{CompareError, EnvChange, EnvDiff, Incomparable, compare};
pub use given::{
    Reading, concealed, first_replica, of_captured, of_container, of_mirror, of_process, of_profile,
};
pub use hash::{HashKey, Keyed};
pub use read::{ReadError, read};
pub use secret::{Concealing, Keeping, Rules};
pub use suggest::{Known, Suggestion};
pub use text::text;
pub use write::{Format, WriteError, Written, write};

/// How a file of variables is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Dialect {
    #[default]
    Compose,
    Docker,
    Dotenv,
    Shell,
}

impl Dialect {
    pub const ALL: [Self; 4] = [Self::Compose, Self::Docker, Self::Dotenv, Self::Shell];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Compose => "compose",
            Self::Docker => "docker",
            Self::Dotenv => "dotenv",
            Self::Shell => "shell",
        }
    }
}

/// The services that environments belong to: services first, then jobs and stores.
pub fn service_names(environments: &[Environment]) -> Vec<String> {
    let mut sorted: Vec<&Environment> = environments.iter().collect();
    sorted.sort_by_key(|one| one.section);
    sorted.into_iter().filter_map(|one| one.service.clone()).collect()
}

/// Where a workload stands in a profile.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Section {
    #[default]
    Services,
    Jobs,
    Stores,
}

impl Section {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Services => "services",
            Self::Jobs => "jobs",
            Self::Stores => "stores",
        }
    }
}

/// The variables that one service's process gets, in the order of their source.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Environment {
    /// Absent for a file, which belongs to no service.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub service: Option<String>,
    /// In which part of a profile the service stands.
    #[serde(skip)]
    pub section: Section,
    /// Where they were read: `prod.env`, `mirror:shop`, `docker:web`.
    pub origin: String,
    pub variables: Vec<Variable>,
    /// Why a secret without a hash has none, where it could have been read; absent where no value exists yet, or none is
    /// in reach.
    #[serde(skip)]
    pub unread: Option<String>,
}

impl Environment {
    pub fn get(&self, name: &str) -> Option<&Variable> {
        self.variables.iter().find(|variable| variable.name == name)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Variable {
    pub name: String,
    pub value: Value,
    pub source: Source,
    /// What a profile writes where the value is not known from it: `postgres://app:${DB_PASSWORD}@db:5432/x`,
    /// `field pod.name`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub written: Option<String>,
}

/// What gave a process its variable.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// A file of variables.
    #[default]
    File,
    /// Written as a variable in a profile, or given to a container.
    Env,
    /// A feature flag that the service reads.
    Flag,
    /// What a store's image needs to be told.
    Store,
    /// `TZ`, of the profile's `timezone`.
    Timezone,
    /// What Kubernetes adds for every other service.
    ServiceLink,
    /// The image's own.
    Image,
    /// Read from the process itself.
    Process,
}

impl Source {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Env => "env",
            Self::Flag => "flag",
            Self::Store => "store",
            Self::Timezone => "timezone",
            Self::ServiceLink => "service-link",
            Self::Image => "image",
            Self::Process => "process",
        }
    }
}

/// A value as far as it may be known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    Text(String),
    /// A secret; without a hash where no value exists yet.
    Secret(Option<Keyed>),
    /// There is a value, and it was not read: why.
    Hole(String),
}

impl Value {
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Secret(_) | Self::Hole(_) => None,
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let one = |s: S, key: &str, value: &str| {
            let mut map = s.serialize_map(Some(1))?;
            map.serialize_entry(key, value)?;
            map.end()
        };
        match self {
            Self::Text(text) => text.serialize(s),
            Self::Secret(Some(hash)) => one(s, "secret", &hash.to_string()),
            Self::Secret(None) => one(s, "secret", ""),
            Self::Hole(why) => one(s, "hole", why),
        }
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let json = serde_json::Value::deserialize(d)?;
        object::value(&json).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests;
