//! Redis, through `redis-cli` of its own image.

mod ask;
mod commands;
mod dump;
mod outside;
mod pipe;
mod words;

pub(super) use outside::{DEFAULTS, OUTSIDE, told};

use std::{io::Cursor, time::Duration};

use super::{
    Answer, Engine, EngineError, InStore, InStoreError, Later, Loaded, Login, Output, Reader, SeedFile,
    SeedFormat,
};
use crate::{observed::StoreFacts, profile::EngineKind};

#[derive(Clone, Copy, Debug)]
pub struct Redis;

impl Engine for Redis {
    fn kind(&self) -> EngineKind {
        EngineKind::Redis
    }

    fn answers<'a>(
        &'a self,
        store: &'a dyn InStore,
        login: &'a Login,
    ) -> Later<'a, Result<Answer, EngineError>> {
        Box::pin(async move {
            let said = Client::on_network(login).ask(store, &[&["PING"]]).await?;
            said.answer("redis-cli", is_pong(&said))
        })
    }

    fn seed<'a>(
        &'a self,
        store: &'a dyn InStore,
        login: &'a Login,
        file: SeedFile,
    ) -> Later<'a, Result<Loaded, EngineError>> {
        Box::pin(async move {
            match file.format {
                SeedFormat::Resp => pipe::load(store, login, file).await,
                SeedFormat::Rdb => dump::load(store, login, file).await,
                format => Err(EngineError::Format { engine: "Redis", file: file.name, format }),
            }
        })
    }

    fn set_roles<'a>(
        &'a self,
        store: &'a dyn InStore,
        login: &'a Login,
    ) -> Later<'a, Result<(), EngineError>> {
        Box::pin(set_roles(store, login))
    }

    fn ask<'a>(
        &'a self,
        store: &'a dyn InStore,
        login: &'a Login,
        settings: &'a [String],
    ) -> Later<'a, StoreFacts> {
        Box::pin(ask::ask(store, login, settings))
    }

    /// Writes `dump.rdb` even where the server saves nothing by itself: what was loaded must be in the copy.
    fn quiesce<'a>(&'a self, store: &'a dyn InStore, login: &'a Login) -> Later<'a, Result<(), EngineError>> {
        Box::pin(async move {
            let client = Client::of(login);
            for _ in 0..600 {
                let said = client.ask(store, &[&["SAVE"]]).await?;
                match said.stdout.trim() {
                    "OK" => return Ok(()),
                    words if words.contains("in progress") => {
                        tokio::time::sleep(Duration::from_millis(100)).await
                    }
                    _ => return Err(said.refused("SAVE")),
                }
            }
            Err(EngineError::Refused {
                what: "SAVE".to_owned(),
                message: "another save does not end".to_owned(),
            })
        })
    }
}

/// Gives the user its password. The dump files of Redis hold no users, but commands may have changed them.
async fn set_roles(store: &dyn InStore, login: &Login) -> Result<(), EngineError> {
    let Some(password) = &login.password else { return Ok(()) };
    let client = Client::of(login);
    let said = client.ask(store, &[&["PING"]]).await?;
    if is_pong(&said) {
        return Ok(());
    }
    let given = format!(">{password}");
    let set: &[&str] = match login.user.as_deref() {
        None | Some("default") => &["CONFIG", "SET", "requirepass", password],
        Some(user) => &["ACL", "SETUSER", user, "on", "resetpass", &given],
    };
    let said = Client { login: None, ..client }.ask(store, &[set]).await?;
    if said.stdout.trim() == "OK" { Ok(()) } else { Err(said.refused("setting the password")) }
}

/// `redis-cli` ends with 0 whatever the server says.
fn is_pong(said: &Output) -> bool {
    said.stdout.trim() == "PONG" && said.stderr.trim().is_empty()
}

/// Finds the container's own address; `bind` and protected mode treat loopback apart.
const ON_NETWORK: &str = r#"for a in $(hostname -i 2>/dev/null); do
  case $a in 127.*|::1|fe80:*) ;; *) exec redis-cli -h "$a" "$@" ;; esac
done
exec redis-cli "$@""#;

/// How `redis-cli` reaches the server.
#[derive(Clone, Copy)]
struct Client<'a> {
    port: u16,
    login: Option<&'a Login>,
    network: bool,
}

impl<'a> Client<'a> {
    fn of(login: &'a Login) -> Self {
        Self { port: login.port, login: Some(login), network: false }
    }

    fn on_network(login: &'a Login) -> Self {
        Self { network: true, ..Self::of(login) }
    }

    /// Runs `redis-cli`, or a script with the same arguments.
    async fn run(
        &self,
        store: &dyn InStore,
        script: Option<&str>,
        arguments: &[&str],
        stdin: Reader,
    ) -> Result<Output, InStoreError> {
        let mut argv: Vec<String> = match script {
            Some(script) => ["sh", "-c", script, "sh"].map(str::to_owned).into(),
            None => vec!["redis-cli".to_owned()],
        };
        argv.extend(["-p".to_owned(), self.port.to_string()]);
        let mut env = Vec::new();
        if let Some(login) = self.login {
            argv.extend(login.user.iter().flat_map(|user| ["--user".to_owned(), user.clone()]));
            argv.extend(login.database.iter().flat_map(|number| ["-n".to_owned(), number.clone()]));
            env.extend(login.password.clone().map(|password| ("REDISCLI_AUTH".to_owned(), password)));
        }
        argv.extend(arguments.iter().map(|word| (*word).to_owned()));
        store.run(&argv, &env, Some(stdin)).await
    }

    /// Asks command after command, each quoted on a line of stdin: a process list shows arguments.
    async fn ask(&self, store: &dyn InStore, commands: &[&[&str]]) -> Result<Output, InStoreError> {
        let lines: String = commands.iter().map(|command| words::line(command)).collect();
        let script = self.network.then_some(ON_NETWORK);
        self.run(store, script, &[], Box::pin(Cursor::new(lines.into_bytes()))).await
    }

    /// The server's configuration by name, in one call; what it does not know is absent.
    async fn configuration(
        &self,
        store: &dyn InStore,
        names: &[&str],
    ) -> Result<Configuration, InStoreError> {
        let questions: Vec<Vec<&str>> = ask::configuration(names);
        let questions: Vec<&[&str]> = questions.iter().map(Vec::as_slice).collect();
        Ok(ask::read_configuration(&self.ask(store, &questions).await?.stdout))
    }
}

type Configuration = std::collections::BTreeMap<String, String>;
