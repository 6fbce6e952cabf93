//! PostgreSQL, through the programs of its own image: `psql` and `pg_restore`.

mod ask;
mod load;
mod outside;
mod script;

pub(super) use outside::{CHANGED, OUTSIDE, told};

use super::{
    Answer, Engine, EngineError, InStore, InStoreError, Later, Loaded, Login, Output, Reader, SeedFile,
};
use crate::{observed::StoreFacts, profile::EngineKind};

#[derive(Clone, Copy, Debug)]
pub struct Postgres;

impl Engine for Postgres {
    fn kind(&self) -> EngineKind {
        EngineKind::Postgres
    }

    fn answers<'a>(
        &'a self,
        store: &'a dyn InStore,
        login: &'a Login,
    ) -> Later<'a, Result<Answer, EngineError>> {
        Box::pin(async move {
            let said = Client::of(login).sql(store, "select 1;").await?;
            said.answer("psql", said.code == 0)
        })
    }

    fn seed<'a>(
        &'a self,
        store: &'a dyn InStore,
        login: &'a Login,
        file: SeedFile,
    ) -> Later<'a, Result<Loaded, EngineError>> {
        Box::pin(load::load(store, login, file))
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

    fn quiesce<'a>(&'a self, store: &'a dyn InStore, login: &'a Login) -> Later<'a, Result<(), EngineError>> {
        Box::pin(async move {
            let said = Client::of(login).sql(store, "checkpoint;").await?;
            if said.code == 0 { Ok(()) } else { Err(said.refused("checkpoint")) }
        })
    }
}

/// Gives the user its password. After a seed that changed it only the socket lets us in, which the images trust.
async fn set_roles(store: &dyn InStore, login: &Login) -> Result<(), EngineError> {
    let Some(password) = &login.password else { return Ok(()) };
    let sql = format!("alter role {} with login password {};\n", name(user(login)), text(password));
    let mut last = Output::default();
    for client in
        [Client::of(login), Client::of(login).on_socket(), Client::of(login).on_socket().user("postgres")]
    {
        last = client.sql(store, &sql).await?;
        if last.code == 0 {
            return Ok(());
        }
    }
    Err(last.refused(&format!("setting the password of role {}", user(login))))
}

fn user(login: &Login) -> &str {
    login.user.as_deref().unwrap_or("postgres")
}

fn database(login: &Login) -> &str {
    login.database.as_deref().unwrap_or(user(login))
}

/// A name in SQL.
fn name(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A text in SQL, whatever `standard_conforming_strings` says.
fn text(text: &str) -> String {
    format!(" E'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
}

/// Finds the container's own address and runs `$0` with it: images trust loopback without a password.
const ON_NETWORK: &str = r#"for a in $(hostname -i 2>/dev/null); do
  case $a in 127.*|::1|fe80:*) ;; *) exec "$0" -h "$a" "$@" ;; esac
done
exec "$0" -h 127.0.0.1 "$@""#;

/// How a client program reaches the server.
#[derive(Clone)]
struct Client<'a> {
    login: &'a Login,
    user: &'a str,
    database: &'a str,
    network: bool,
}

impl<'a> Client<'a> {
    fn of(login: &'a Login) -> Self {
        Self { login, user: user(login), database: database(login), network: true }
    }

    fn on_socket(self) -> Self {
        Self { network: false, ..self }
    }

    fn user(self, user: &'a str) -> Self {
        Self { user, ..self }
    }

    fn database(self, database: &'a str) -> Self {
        Self { database, ..self }
    }

    /// Runs `psql` or `pg_restore`; never asks for a password.
    async fn run(
        &self,
        store: &dyn InStore,
        program: &str,
        arguments: &[&str],
        stdin: Option<Reader>,
    ) -> Result<Output, InStoreError> {
        let shell: &[&str] = if self.network { &["sh", "-c", ON_NETWORK] } else { &[] };
        let port = self.login.port.to_string();
        let common = [program, "-p", &port, "-U", self.user, "-d", self.database, "-w"];
        let argv: Vec<String> =
            shell.iter().chain(&common).chain(arguments).map(|word| (*word).to_owned()).collect();
        store.run(&argv, &self.env(), stdin).await
    }

    fn env(&self) -> Vec<(String, String)> {
        let password = self.login.password.clone().map(|password| ("PGPASSWORD".to_owned(), password));
        let wait = ("PGCONNECT_TIMEOUT".to_owned(), "5".to_owned());
        // Messages of the program are read by us, and notices are of no use.
        let words = ("LC_ALL".to_owned(), "C.UTF-8".to_owned());
        let quiet = ("PGOPTIONS".to_owned(), "-c client_min_messages=warning".to_owned());
        let unicode = ("PGCLIENTENCODING".to_owned(), "UTF8".to_owned());
        [wait, words, quiet, unicode].into_iter().chain(password).collect()
    }

    async fn script(&self, store: &dyn InStore, script: Reader) -> Result<Output, InStoreError> {
        let arguments = ["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-f", "-"];
        self.run(store, "psql", &arguments, Some(script)).await
    }

    /// Statements go in by stdin, as a process list shows arguments.
    async fn sql(&self, store: &dyn InStore, sql: &str) -> Result<Output, InStoreError> {
        self.script(store, Box::pin(std::io::Cursor::new(sql.as_bytes().to_vec()))).await
    }
}
