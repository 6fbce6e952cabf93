//! Compose files as one document: by `docker compose config` where there is one, else as they are written.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    path::{Path, PathBuf},
    process::{Output, Stdio},
};

use serde_json::Value as Json;

use crate::capture::compose::Document;

/// What is read, and what docker finds itself by.
#[derive(Clone, Debug, Default)]
pub struct Ask {
    /// One or more; later ones lie over the first.
    pub files: Vec<PathBuf>,
    pub profiles: Vec<String>,
    /// Files of variables in place of the `.env` beside the first file.
    pub env_files: Vec<PathBuf>,
    /// The environment that docker is run with, and nothing else of the caller's.
    pub environment: BTreeMap<String, OsString>,
}

/// What docker finds itself and its plugins by.
pub const KEPT: [&str; 5] = ["PATH", "HOME", "DOCKER_CONFIG", "USERPROFILE", "SystemRoot"];

#[derive(Debug, thiserror::Error)]
#[error("{}: {why}", file.display())]
pub struct Refused {
    pub file: PathBuf,
    pub why: String,
}

/// # Errors
/// A file is not there, is no YAML, or Compose refuses it.
pub async fn read(ask: &Ask) -> Result<Document, Refused> {
    let first = ask.files.first().map(PathBuf::as_path).unwrap_or(Path::new("compose.yaml"));
    let refused = |why: String| Refused { file: first.to_owned(), why };
    let mut texts = Vec::new();
    for file in &ask.files {
        let text = std::fs::read_to_string(file)
            .map_err(|error| Refused { file: file.clone(), why: error.to_string() })?;
        texts.push((file, text));
    }
    let absolute = std::path::absolute(first).map_err(|error| refused(error.to_string()))?;
    let folder = absolute.parent().map(Path::to_owned).unwrap_or_default();
    let name = |file: &PathBuf| match file.file_name() {
        Some(name) => name.to_string_lossy().into_owned(),
        None => file.display().to_string(),
    };
    let mut document = Document {
        name: ask.files.iter().map(name).collect::<Vec<_>>().join(", "),
        folder: folder.to_string_lossy().into_owned(),
        profiles: ask.profiles.clone(),
        ..Document::default()
    };
    if !ask.has_compose().await {
        let [(file, text)] = texts.as_slice() else {
            return Err(refused(
                "only Compose itself merges several files; install `docker compose`".to_owned(),
            ));
        };
        let Document { name, folder, profiles, .. } = document;
        let parsed = Document::parse(&name, text, &folder);
        let parsed = parsed.map_err(|why| Refused { file: (*file).clone(), why })?;
        return Ok(Document { profiles, ..parsed });
    }
    let output = ask.config(&["--no-interpolate"]).await.map_err(|error| refused(error.to_string()))?;
    if !output.status.success() {
        return Err(refused(String::from_utf8_lossy(&output.stderr).trim().to_owned()));
    }
    document.value = serde_json::from_slice(&output.stdout).map_err(|error| refused(error.to_string()))?;
    document.by_compose = true;
    // Two further questions, and most files need neither.
    if names(&document.value, "env_file") {
        document.resolved = ask.answered(&[]).await.and_then(|answer| serde_json::from_slice(&answer).ok());
    }
    if !ask.env_files.is_empty() || folder.join(".env").is_file() {
        let answer = ask.answered(&["--environment"]).await.unwrap_or_default();
        document.dotenv = assignments(&String::from_utf8_lossy(&answer));
        if ask.profiles.is_empty() {
            let on = document.dotenv.remove("COMPOSE_PROFILES").unwrap_or_default();
            document.profiles = on.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect();
        }
        document.dotenv.retain(|name, _| !is_own(name));
    }
    Ok(document)
}

impl Ask {
    async fn has_compose(&self) -> bool {
        let version = self.docker().args(["compose", "version"]).output().await;
        version.is_ok_and(|output| output.status.success())
    }

    async fn config(&self, options: &[&str]) -> std::io::Result<Output> {
        let mut command = self.docker();
        command.arg("compose");
        for file in &self.files {
            command.arg("-f").arg(file);
        }
        for file in &self.env_files {
            command.arg("--env-file").arg(file);
        }
        for profile in &self.profiles {
            command.arg("--profile").arg(profile);
        }
        command.args(["config", "--format", "json"]).args(options).output().await
    }

    async fn answered(&self, options: &[&str]) -> Option<Vec<u8>> {
        let output = self.config(options).await.ok()?;
        output.status.success().then_some(output.stdout)
    }

    /// Without the caller's variables, which would end up in the profile.
    fn docker(&self) -> tokio::process::Command {
        let mut command = tokio::process::Command::new("docker");
        command.env_clear().envs(&self.environment).stdin(Stdio::null()).kill_on_drop(true);
        command
    }
}

/// Whether any service has the key.
fn names(value: &Json, key: &str) -> bool {
    let services = value.get("services").and_then(Json::as_object);
    services.is_some_and(|services| services.values().any(|service| service.get(key).is_some()))
}

/// Lines of `NAME=VALUE`.
fn assignments(text: &str) -> BTreeMap<String, String> {
    let line = |line: &str| line.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
    text.lines().filter_map(line).collect()
}

/// What docker itself was given, and Compose's own.
fn is_own(name: &str) -> bool {
    KEPT.contains(&name) || name.starts_with("COMPOSE_") || name.starts_with("DOCKER_CLI_")
}
