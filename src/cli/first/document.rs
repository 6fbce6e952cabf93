//! The Compose file as one value: by `docker compose config` where there is one, else as it is written.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::{Output, Stdio},
};

use serde_json::Value;

use crate::cli::failure::Failure;

/// What was read.
#[derive(Debug)]
pub struct Document {
    pub value: Value,
    /// The same with the variables of every `env_file`, where Compose could tell them.
    pub resolved: Option<Value>,
    /// The variables of the `.env` beside the file.
    pub dotenv: BTreeMap<String, String>,
    /// The file's own folder, absolute.
    pub folder: PathBuf,
    /// Whether this program read the file alone: `include` and `extends` are not followed then.
    pub alone: bool,
}

/// # Errors
/// `compose-file` when the file is not there, is no YAML, or Compose refuses it.
pub async fn read(file: &Path) -> Result<Document, Failure> {
    let text = std::fs::read_to_string(file).map_err(|error| refused(file, &error.to_string()))?;
    let absolute = std::path::absolute(file).map_err(|error| refused(file, &error.to_string()))?;
    let folder = absolute.parent().map(Path::to_owned).unwrap_or_default();
    if !has_compose().await {
        return Ok(Document {
            value: parse(file, &text)?,
            resolved: None,
            dotenv: BTreeMap::new(),
            folder,
            alone: true,
        });
    }
    let output =
        config(file, &["--no-interpolate"]).await.map_err(|error| refused(file, &error.to_string()))?;
    if !output.status.success() {
        return Err(refused(file, String::from_utf8_lossy(&output.stderr).trim()));
    }
    let value = serde_json::from_slice(&output.stdout).map_err(|error| refused(file, &error.to_string()))?;
    // Two further questions, and most files need neither.
    let resolved = match names(&value, "env_file") {
        true => config(file, &[]).await.ok().filter(|output| output.status.success()),
        false => None,
    };
    let resolved = resolved.and_then(|output| serde_json::from_slice(&output.stdout).ok());
    let dotenv = match folder.join(".env").is_file() {
        true => config(file, &["--environment"]).await.ok().filter(|output| output.status.success()),
        false => None,
    };
    let dotenv =
        dotenv.map(|output| assignments(&String::from_utf8_lossy(&output.stdout))).unwrap_or_default();
    Ok(Document { value, resolved, dotenv, folder, alone: false })
}

async fn has_compose() -> bool {
    let version = docker().args(["compose", "version"]).output().await;
    version.is_ok_and(|output| output.status.success())
}

async fn config(file: &Path, options: &[&str]) -> std::io::Result<Output> {
    docker()
        .args(["compose", "-f"])
        .arg(file)
        .args(["config", "--format", "json"])
        .args(options)
        .output()
        .await
}

/// Whether any service has the key.
fn names(value: &Value, key: &str) -> bool {
    let services = value.get("services").and_then(Value::as_object);
    services.is_some_and(|services| services.values().any(|service| service.get(key).is_some()))
}

/// Lines of `NAME=VALUE`, less what docker itself was given and Compose's own.
fn assignments(text: &str) -> BTreeMap<String, String> {
    let own =
        |name: &str| KEPT.contains(&name) || name.starts_with("COMPOSE_") || name.starts_with("DOCKER_CLI_");
    let line = |line: &str| line.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
    text.lines().filter_map(line).filter(|(name, _)| !own(name)).collect()
}

/// What docker finds itself by.
const KEPT: [&str; 5] = ["PATH", "HOME", "DOCKER_CONFIG", "USERPROFILE", "SystemRoot"];

/// Without the caller's variables, which would end up in the profile.
fn docker() -> tokio::process::Command {
    let mut command = tokio::process::Command::new("docker");
    command.env_clear().stdin(Stdio::null()).kill_on_drop(true);
    command.envs(KEPT.iter().filter_map(|name| Some((*name, std::env::var_os(name)?))));
    command
}

fn parse(file: &Path, text: &str) -> Result<Value, Failure> {
    let mut value: serde_yaml::Value =
        serde_yaml::from_str(text).map_err(|error| refused(file, &error.to_string()))?;
    value.apply_merge().map_err(|error| refused(file, &error.to_string()))?;
    serde_json::to_value(value).map_err(|error| refused(file, &error.to_string()))
}

fn refused(file: &Path, why: &str) -> Failure {
    Failure::input("compose-file", format!("{}: {why}", file.display()))
}
