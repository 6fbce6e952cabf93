//! The configuration of an image (OCI image specification, config.md), without what only its build says.

use serde_json::{Map, Value as Json};

use super::{Section, facts::Facts};

/// `architecture`, `os` and `config` as the image has them, and the instructions that made its layers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Config {
    pub os: String,
    pub architecture: String,
    pub variant: Option<String>,
    /// The `config` object.
    pub run: Map<String, Json>,
    /// The uncompressed digests of the layers, the lowest first.
    pub diff_ids: Vec<String>,
    /// One instruction a layer, where the history tells of as many.
    pub created_by: Vec<Option<String>>,
}

impl Config {
    /// Reads a configuration document.
    ///
    /// # Errors
    /// What is missing in it.
    pub fn of(document: &Json) -> Result<Self, String> {
        let text = |name: &str| document[name].as_str().map(str::to_owned);
        let diff_ids = document["rootfs"]["diff_ids"].as_array().ok_or("it has no `rootfs.diff_ids`")?;
        let diff_ids: Vec<String> = diff_ids.iter().filter_map(|id| Some(id.as_str()?.to_owned())).collect();
        let history = document["history"].as_array().map(Vec::as_slice).unwrap_or_default();
        let made: Vec<Option<String>> = history
            .iter()
            .filter(|step| step["empty_layer"] != Json::Bool(true))
            .map(|step| step["created_by"].as_str().map(str::to_owned))
            .collect();
        let created_by = if made.len() == diff_ids.len() { made } else { vec![None; diff_ids.len()] };
        Ok(Self {
            os: text("os").unwrap_or_default(),
            architecture: text("architecture").unwrap_or_default(),
            variant: text("variant"),
            run: document["config"].as_object().cloned().unwrap_or_default(),
            diff_ids,
            created_by,
        })
    }

    /// `linux/arm64/v8`.
    pub fn platform(&self) -> String {
        let variant = self.variant.as_ref().map(|variant| format!("/{variant}")).unwrap_or_default();
        format!("{}/{}{variant}", self.os, self.architecture)
    }

    pub(super) fn tell(&self, facts: &mut Facts) {
        facts.tell(Section::Configuration, "platform", self.platform());
        for (key, value) in &self.run {
            match key.as_str() {
                "Env" => pairs(facts, "env", value),
                "ExposedPorts" => members(facts, "port", value),
                "Volumes" => members(facts, "volume", value),
                "Labels" => labels(facts, value),
                // Of the build that made the image and of its container.
                "Hostname" | "Domainname" | "Image" | "AttachStdin" | "AttachStdout" | "AttachStderr" => {}
                key => {
                    let value = plain(value);
                    if !value.is_empty() {
                        facts.tell(Section::Configuration, word(key), value);
                    }
                }
            }
        }
    }
}

/// Docker's key in a profile's spelling.
fn word(key: &str) -> String {
    let word = match key {
        "Cmd" => "command",
        "WorkingDir" => "working_dir",
        "User" => "user",
        "Entrypoint" => "entrypoint",
        "StopSignal" => "stop_signal",
        "Healthcheck" => "healthcheck",
        "Shell" => "shell",
        "OnBuild" => "on_build",
        other => other,
    };
    word.to_owned()
}

/// What says nothing is empty: a key that is absent, null, false or without a member is the same.
fn plain(value: &Json) -> String {
    match value {
        Json::Null | Json::Bool(false) => String::new(),
        Json::Array(items) if items.is_empty() => String::new(),
        Json::Object(map) if map.is_empty() => String::new(),
        Json::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn pairs(facts: &mut Facts, kind: &str, value: &Json) {
    for pair in value.as_array().into_iter().flatten().filter_map(Json::as_str) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        facts.tell(Section::Configuration, format!("{kind} {name}"), value);
    }
}

fn labels(facts: &mut Facts, value: &Json) {
    for (name, value) in value.as_object().into_iter().flatten() {
        facts.tell(Section::Configuration, format!("label {name}"), plain(value));
    }
}

fn members(facts: &mut Facts, kind: &str, value: &Json) {
    for name in value.as_object().into_iter().flatten().map(|(name, _)| name) {
        facts.tell(Section::Configuration, format!("{kind} {name}"), "");
    }
}
