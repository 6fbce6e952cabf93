//! What the user may pull, as `docker login` left it.
//!
//! The crate `docker_credential` reads the same, but starts helpers with the environment of this process, and they
//! would outlive it.

use std::{collections::BTreeMap, path::PathBuf};

use base64::{
    Engine as _,
    alphabet::STANDARD,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use serde::Deserialize;

use super::{BackendError, Result, SecretValues, program::Program};

/// The registry that a name without one means.
const HUB: &str = "docker.io";
/// What `docker login` calls it.
const HUB_SERVER: &str = "https://index.docker.io/v1/";
/// A helper that has nothing for a server says so in these words (docker/docker-credential-helpers, `credentials`).
const NOTHING: &str = "credentials not found";

/// Docker's own configuration of one user.
#[derive(Clone, Debug)]
pub struct DockerLogins {
    /// `config.json`; one that is not there has nothing.
    file: PathBuf,
    shell: Program,
}

/// Logins for some registries. It has no `Debug`: it is all secrets.
#[derive(Default)]
pub struct Logins {
    logins: BTreeMap<String, (String, String)>,
    /// Why there is none where one was expected, for people.
    pub notes: Vec<String>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Config {
    auths: BTreeMap<String, Auth>,
    cred_helpers: BTreeMap<String, String>,
    creds_store: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Auth {
    /// `user:password` in Base64.
    auth: String,
    username: String,
    password: String,
    identitytoken: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    username: String,
    secret: String,
}

/// What is kept for a registry. It has no `Debug`: it is all secrets.
pub(super) enum Login {
    Password {
        user: String,
        password: String,
    },
    /// A registry's own server changes it into a right to pull: an engine asks that, a kubelet does not.
    Token(String),
}

impl DockerLogins {
    /// `environment` is all that a credential helper finds there; `self_exe` is our own file, which ends one that we
    /// leave behind.
    pub fn new(file: PathBuf, environment: Vec<(String, String)>, self_exe: Option<PathBuf>) -> Self {
        Self { file, shell: Program { path: "sh".into(), self_exe, environment, shown: Vec::new() } }
    }

    /// The logins for these registries and no others, each as `registry.example.com:5000` or `docker.io`.
    ///
    /// # Errors
    /// Where the configuration cannot be read. A helper that fails is a note: the registry may need no login.
    pub async fn of(&self, registries: impl IntoIterator<Item = &str>) -> Result<Logins> {
        let config = self.config()?;
        let mut pulls = Logins::default();
        for registry in registries {
            match self.kept(&config, registry).await {
                Ok(None) => {}
                Ok(Some(Login::Password { user, password })) => {
                    pulls.logins.insert(registry.to_owned(), (user, password));
                }
                Ok(Some(Login::Token(_))) => pulls.notes.push(format!(
                    "{registry}: Docker keeps an identity token, which is of no use to nodes; log in with an access token"
                )),
                Err(why) => pulls.notes.push(format!("{registry}: {why}")),
            }
        }
        Ok(pulls)
    }

    /// The login for one registry, with its name as an engine is told it. Where one was expected and is not to be had, the
    /// inner error is why.
    ///
    /// # Errors
    /// Where the configuration cannot be read.
    pub(super) async fn login<'r>(
        &self,
        registry: &'r str,
    ) -> Result<Result<Option<(&'r str, Login)>, String>> {
        let kept = self.kept(&self.config()?, registry).await;
        Ok(kept.map(|login| login.map(|login| (server(registry), login))))
    }

    fn config(&self) -> Result<Config> {
        let what = || self.file.display().to_string();
        match std::fs::read(&self.file) {
            Ok(text) => serde_json::from_slice(&text)
                .map_err(|error| BackendError::Io { what: what(), source: error.into() }),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Config::default()),
            Err(source) => Err(BackendError::Io { what: what(), source }),
        }
    }

    /// In Docker's own order: the registry's helper, the store, the file.
    async fn kept(&self, config: &Config, registry: &str) -> Result<Option<Login>, String> {
        let of_registry = config.cred_helpers.iter().find(|(server, _)| host(server) == registry);
        if let Some(helper) = of_registry.map(|(_, helper)| helper).or(config.creds_store.as_ref()) {
            let found = self.ask(helper, registry).await?;
            if found.is_some() {
                return Ok(found);
            }
        }
        let Some((_, auth)) = config.auths.iter().find(|(server, _)| host(server) == registry) else {
            return Ok(None);
        };
        auth.kept()
    }

    /// By the protocol of docker-credential-helpers: the server on standard input, a document on standard output.
    async fn ask(&self, helper: &str, registry: &str) -> Result<Option<Login>, String> {
        let script = r#"printf %s "$1" | "docker-credential-$0" get"#;
        let words = ["-c", script, helper, server(registry)];
        match self.shell.run(&words, &SecretValues::default()).await {
            // Its words may hold a secret, and are told nowhere.
            Ok(printed) => match serde_json::from_str(&printed) {
                Ok(Answer { username, secret }) if username == "<token>" => Ok(Some(Login::Token(secret))),
                Ok(Answer { username: user, secret: password }) => {
                    Ok(Some(Login::Password { user, password }))
                }
                Err(_) => Err(format!("`docker-credential-{helper}` answers what is no login")),
            },
            Err(BackendError::Command { output, .. }) if output.contains(NOTHING) => Ok(None),
            Err(BackendError::Command { status, .. }) => {
                Err(format!("`docker-credential-{helper}` ended with {status}"))
            }
            Err(error) => Err(error.to_string()),
        }
    }
}

impl Auth {
    fn kept(&self) -> Result<Option<Login>, String> {
        let Self { auth, username, password, identitytoken } = self;
        if !identitytoken.is_empty() {
            return Ok(Some(Login::Token(identitytoken.clone())));
        }
        if auth.is_empty() {
            let (user, password) = (username.clone(), password.clone());
            return Ok((!user.is_empty()).then_some(Login::Password { user, password }));
        }
        let lenient = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
        let decoded = GeneralPurpose::new(&STANDARD, lenient).decode(auth).ok();
        let text = decoded.and_then(|bytes| String::from_utf8(bytes).ok());
        match text.as_deref().and_then(|text| text.split_once(':')) {
            // Docker itself once wrote zero bytes behind a password.
            Some((user, password)) => {
                let (user, password) = (user.to_owned(), password.trim_end_matches('\0').to_owned());
                Ok(Some(Login::Password { user, password }))
            }
            None => Err("what Docker keeps is no login".to_owned()),
        }
    }
}

impl Logins {
    pub fn is_empty(&self) -> bool {
        self.logins.is_empty()
    }

    /// The registries that there is a login for, in order.
    pub fn registries(&self) -> impl Iterator<Item = &str> {
        self.logins.keys().map(String::as_str)
    }

    /// As `kubernetes.io/dockerconfigjson` has it.
    #[cfg(feature = "kubernetes")]
    pub(super) fn document(&self) -> serde_json::Value {
        use base64::prelude::BASE64_STANDARD;
        use serde_json::json;

        let auths: BTreeMap<&str, serde_json::Value> = self
            .logins
            .iter()
            .map(|(registry, (user, password))| {
                let auth = BASE64_STANDARD.encode(format!("{user}:{password}"));
                (server(registry), json!({"username": user, "password": password, "auth": auth}))
            })
            .collect();
        json!({ "auths": auths })
    }
}

/// What `docker login` calls a registry.
fn server(registry: &str) -> &str {
    if registry == HUB { HUB_SERVER } else { registry }
}

/// The registry that a key of the configuration means: it may have a scheme, and a path behind.
fn host(server: &str) -> &str {
    let rest = server.split_once("://").map_or(server, |(_, rest)| rest);
    match rest.split('/').next().unwrap_or(rest) {
        "index.docker.io" | "registry-1.docker.io" => HUB,
        host => host,
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use base64::prelude::BASE64_STANDARD;
    use serde_json::{Value, json};

    use super::*;

    async fn pulls(config: &Value, helper: &str, registries: &[&str]) -> Logins {
        let folder = tempfile::tempdir().unwrap();
        let (file, program) =
            (folder.path().join("config.json"), folder.path().join("docker-credential-test"));
        std::fs::write(&file, config.to_string()).unwrap();
        std::fs::write(&program, format!("#!/bin/sh\nread -r server\n{helper}\n")).unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o700)).unwrap();
        let path = format!("{}:/usr/bin:/bin", folder.path().display());
        let logins = DockerLogins::new(file, vec![("PATH".to_owned(), path)], None);
        logins.of(registries.iter().copied()).await.unwrap()
    }

    fn login<'a>(pulls: &'a Logins, registry: &str) -> (&'a str, &'a str) {
        let (user, password) = &pulls.logins[registry];
        (user, password)
    }

    #[tokio::test]
    async fn logins_are_found_by_every_spelling_and_for_the_registries_that_are_asked_for_alone() {
        let auth = |text: &str| json!({"auth": BASE64_STANDARD.encode(text)});
        let config = json!({"auths": {
            "https://index.docker.io/v1/": auth("me:a:b"),
            "https://registry.example.com/v2/": auth("you:secret"),
            "host:5000": {"username": "plain", "password": "text"},
            "unasked.example.com": auth("them:hidden"),
        }});
        let pulls =
            pulls(&config, "exit 1", &["docker.io", "registry.example.com", "host:5000", "none.example.com"])
                .await;
        assert_eq!(login(&pulls, "docker.io"), ("me", "a:b"));
        assert_eq!(login(&pulls, "registry.example.com"), ("you", "secret"));
        assert_eq!(login(&pulls, "host:5000"), ("plain", "text"));
        assert_eq!((pulls.registries().count(), pulls.notes.len()), (3, 0));
        let document = pulls.document();
        assert_eq!(document["auths"]["https://index.docker.io/v1/"]["password"], "a:b");
        assert!(!document.to_string().contains("hidden"), "{document}");
    }

    #[tokio::test]
    async fn a_helper_is_asked_by_its_protocol_before_the_file() {
        let config = json!({
            "credsStore": "test",
            "auths": {"registry.example.com": {}, "old.example.com": {"username": "old", "password": "file"}},
        });
        let helper = r#"case $server in
            old*) echo "credentials not found in native keychain"; exit 1;;
            *) printf '{"ServerURL":"%s","Username":"me","Secret":"of %s"}' "$server" "$server";;
        esac"#;
        let pulls = pulls(&config, helper, &["registry.example.com", "old.example.com", "docker.io"]).await;
        assert_eq!(login(&pulls, "registry.example.com"), ("me", "of registry.example.com"));
        assert_eq!(login(&pulls, "docker.io"), ("me", "of https://index.docker.io/v1/"));
        assert_eq!(login(&pulls, "old.example.com"), ("old", "file"));
    }

    #[tokio::test]
    async fn what_cannot_be_used_is_told_without_its_words() {
        let config = json!({"credHelpers": {"a.example.com": "test", "b.example.com": "absent"},
            "auths": {"c.example.com": {"identitytoken": "hidden"}, "d.example.com": {"auth": "%%%"}}});
        let all = ["a.example.com", "b.example.com", "c.example.com", "d.example.com"];
        let pulls = pulls(&config, "echo hidden; exit 3", &all).await;
        assert!(pulls.is_empty());
        let notes = pulls.notes.join("\n");
        assert_eq!(pulls.notes.len(), all.len(), "{notes}");
        assert!(notes.contains("`docker-credential-test` ended with exit status: 3"), "{notes}");
        assert!(notes.contains("`docker-credential-absent` ended with exit status: 127"), "{notes}");
        assert!(notes.contains("identity token") && !notes.contains("hidden"), "{notes}");
    }
}
