//! Which engine is meant, and the connection to it.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use bollard::{API_DEFAULT_VERSION, Docker};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::super::{BackendError, Result};
use super::trouble;
use crate::digest::hex;

/// What decides which engine is used, as the `docker` command reads it; the caller reads the environment.
#[derive(Clone, Debug, Default)]
pub struct Connection {
    /// `DOCKER_HOST`: wins over every context.
    pub host: Option<String>,
    /// `DOCKER_CONFIG`, else `~/.docker`.
    pub config_dir: Option<PathBuf>,
    /// `DOCKER_CONTEXT`: wins over the configuration's current one.
    pub context: Option<String>,
}

const DEFAULT_ADDRESS: &str =
    if cfg!(windows) { "npipe:////./pipe/docker_engine" } else { "unix:///var/run/docker.sock" };
/// An engine that is there answers its version at once.
const HELLO: Duration = Duration::from_secs(10);
/// Loading a large image or copying a large archive is one request; the client's own two minutes would cut it off.
const LONGEST: Duration = Duration::from_secs(6 * 3600);

impl Connection {
    /// The address of the engine: `unix:///…`, `npipe:////…` or `tcp://HOST:PORT`.
    pub fn address(&self) -> Result<String> {
        if let Some(host) = self.host.as_deref().filter(|host| !host.is_empty()) {
            return plain(host.to_owned());
        }
        let context = match self.context.clone().filter(|name| !name.is_empty()) {
            Some(name) => Some(name),
            None => self.current_context()?,
        };
        match context.as_deref() {
            None | Some("default" | "") => Ok(DEFAULT_ADDRESS.to_owned()),
            Some(name) => plain(self.context_address(name)?),
        }
    }

    fn current_context(&self) -> Result<Option<String>> {
        let Some(config) = self.read("config.json")? else { return Ok(None) };
        Ok(config["currentContext"].as_str().map(str::to_owned))
    }

    fn context_address(&self, name: &str) -> Result<String> {
        let folder = hex(&Sha256::digest(name.as_bytes()));
        let unreachable =
            |why: String| BackendError::Unreachable { address: format!("Docker context `{name}`"), why };
        let meta = self
            .read(&format!("contexts/meta/{folder}/meta.json"))?
            .ok_or_else(|| unreachable("there is no such context".to_owned()))?;
        let host = meta["Endpoints"]["docker"]["Host"].as_str();
        host.map(str::to_owned).ok_or_else(|| unreachable("it names no Docker endpoint".to_owned()))
    }

    /// A JSON file of the configuration folder, if it is there.
    fn read(&self, file: &str) -> Result<Option<Value>> {
        let Some(path) = self.config_dir.as_ref().map(|folder| folder.join(file)) else { return Ok(None) };
        match std::fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes).map(Some).map_err(|error| BackendError::Engine {
                what: path.display().to_string(),
                why: error.to_string(),
            }),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(trouble::io(path.display().to_string())(error)),
        }
    }
}

/// Refuses the transports that are not built in, by name.
fn plain(address: String) -> Result<String> {
    let why = match address.split_once("://") {
        Some(("unix" | "npipe" | "http", _)) => None,
        Some(("tcp", rest)) if !rest.ends_with(":2376") => None,
        Some(("tcp" | "https", _)) => {
            Some("engines behind TLS are not supported; forward its socket and use unix://")
        }
        Some(("ssh", _)) => {
            Some("engines behind ssh are not supported; forward the socket with `ssh -L` and use unix://")
        }
        _ => Some("write unix:///PATH or tcp://HOST:PORT"),
    };
    match why {
        None => Ok(address),
        Some(why) => Err(BackendError::Unreachable { address, why: why.to_owned() }),
    }
}

/// The path of the engine's socket on this machine, if it is one.
pub(super) fn socket_of(address: &str) -> Option<&Path> {
    address.strip_prefix("unix://").map(Path::new)
}

/// Opens the connection and agrees on the version of the API.
pub(super) async fn connect(address: &str) -> Result<Docker> {
    let unreachable = |error: &bollard::errors::Error| BackendError::Unreachable {
        address: address.to_owned(),
        why: trouble::words(error),
    };
    let docker = open(address).map_err(|error| unreachable(&error))?.with_timeout(HELLO);
    let docker = docker.negotiate_version().await.map_err(|error| unreachable(&error))?;
    Ok(docker.with_timeout(LONGEST))
}

#[cfg(unix)]
fn open(address: &str) -> Result<Docker, bollard::errors::Error> {
    match socket_of(address) {
        Some(_) => Docker::connect_with_unix(address, HELLO.as_secs(), API_DEFAULT_VERSION),
        None => Docker::connect_with_http(address, HELLO.as_secs(), API_DEFAULT_VERSION),
    }
}

#[cfg(windows)]
fn open(address: &str) -> Result<Docker, bollard::errors::Error> {
    if address.starts_with("npipe:") {
        Docker::connect_with_named_pipe(address, HELLO.as_secs(), API_DEFAULT_VERSION)
    } else {
        Docker::connect_with_http(address, HELLO.as_secs(), API_DEFAULT_VERSION)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(current: &str, host: &str) -> (tempfile::TempDir, Connection) {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("config.json"), format!(r#"{{"currentContext": "{current}"}}"#))
            .unwrap();
        let meta = folder.path().join("contexts/meta").join(hex(&Sha256::digest(b"far")));
        std::fs::create_dir_all(&meta).unwrap();
        std::fs::write(
            meta.join("meta.json"),
            format!(r#"{{"Name": "far", "Endpoints": {{"docker": {{"Host": "{host}"}}}}}}"#),
        )
        .unwrap();
        let connection = Connection { config_dir: Some(folder.path().to_owned()), ..Connection::default() };
        (folder, connection)
    }

    #[test]
    fn without_anything_the_engine_is_the_local_one() {
        assert_eq!(Connection::default().address().unwrap(), DEFAULT_ADDRESS);
    }

    #[test]
    fn the_current_context_names_the_engine_and_a_host_wins_over_it() {
        let (_folder, mut connection) = config("far", "tcp://10.0.0.1:2375");
        assert_eq!(connection.address().unwrap(), "tcp://10.0.0.1:2375");
        connection.host = Some("unix:///run/other.sock".to_owned());
        assert_eq!(connection.address().unwrap(), "unix:///run/other.sock");
    }

    #[test]
    fn a_context_by_name_wins_over_the_current_one_and_default_is_the_local_engine() {
        let (_folder, mut connection) = config("far", "tcp://10.0.0.1:2375");
        connection.context = Some("default".to_owned());
        assert_eq!(connection.address().unwrap(), DEFAULT_ADDRESS);
        connection.context = Some("near".to_owned());
        let error = connection.address().unwrap_err().to_string();
        assert!(error.contains("`near`") && error.contains("no such context"), "{error}");
    }

    #[test]
    fn ssh_and_tls_are_refused_with_what_to_do_instead() {
        for (host, word) in [("ssh://me@far", "ssh -L"), ("tcp://far:2376", "TLS"), ("far", "unix:///PATH")] {
            let connection = Connection { host: Some(host.to_owned()), ..Connection::default() };
            let error = connection.address().unwrap_err().to_string();
            assert!(error.contains(word) && error.contains(host), "{error}");
        }
    }
}
