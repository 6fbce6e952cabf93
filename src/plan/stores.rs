//! Stores: what is known of each engine's image, and how a profile's fields reach it.

use indexmap::IndexMap;

use super::{
    FileBytes, Site, StorePlan, Template, TemplatePiece, VolumeRole, capabilities::ImageFacts, order::Node,
    volumes,
};
use crate::profile::{EngineKind, Seed, Store, Text};

impl EngineKind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Postgres => "postgres",
            Self::Redis => "redis",
        }
    }

    /// The port that the engine listens on unless it is told otherwise.
    pub fn port(self) -> u16 {
        match self {
            Self::Postgres => 5432,
            Self::Redis => 6379,
        }
    }

    /// Where the public image keeps its data.
    fn data_dir(self) -> &'static str {
        match self {
            Self::Postgres => "/var/lib/postgresql/data",
            Self::Redis => "/data",
        }
    }

    fn program(self) -> &'static str {
        match self {
            Self::Postgres => "postgres",
            Self::Redis => "redis-server",
        }
    }
}

/// Where the Redis configuration with its password is mounted.
pub(crate) const REDIS_CONF: &str = "/etc/prodmirror/redis.conf";

pub(crate) fn port(store: &Store) -> u16 {
    store.settings.get("port").and_then(|port| port.parse().ok()).unwrap_or_else(|| store.engine.port())
}

/// Who logs in where, with the image's own defaults in place of what is not written; empty is none.
pub(crate) struct LoginTexts {
    pub user: Text,
    pub password: Text,
    pub database: Text,
}

pub(crate) fn login(store: &Store) -> LoginTexts {
    let or = |text: &Option<Text>, default: &str| text.clone().unwrap_or_else(|| Text::literal(default));
    let (user, database) = match store.engine {
        EngineKind::Postgres => {
            let user = or(&store.user, "postgres");
            let database = store.database.clone().unwrap_or_else(|| user.clone());
            (user, database)
        }
        EngineKind::Redis => (or(&store.user, ""), or(&store.database, "0")),
    };
    LoginTexts { user, password: or(&store.password, ""), database }
}

/// Where the data volume is mounted: from version 18 on, PostgreSQL's image wants it one folder higher.
pub(crate) fn data_dir(engine: EngineKind, facts: Option<&ImageFacts>) -> String {
    let known = engine.data_dir();
    let above = |volume: &&String| known.starts_with(&format!("{}/", volume.trim_end_matches('/')));
    let volumes = facts.map(|facts| facts.volumes.as_slice()).unwrap_or_default();
    match volumes.iter().find(above) {
        Some(volume) if !volumes.iter().any(|volume| volume == known) => {
            volume.trim_end_matches('/').to_owned()
        }
        _ => known.to_owned(),
    }
}

/// Variables that make the image set itself up; what the profile's own `env` says stands.
pub(crate) fn env(site: &Site<'_>, store: &Store) -> IndexMap<String, Template> {
    let mut env = IndexMap::new();
    if store.engine == EngineKind::Redis {
        return env;
    }
    let mut set = |name: &str, text: &Option<Text>| {
        if let Some(text) = text {
            env.insert(name.to_owned(), site.template(text));
        }
    };
    set("POSTGRES_USER", &store.user);
    set("POSTGRES_DB", &store.database);
    set("POSTGRES_PASSWORD", &store.password);
    if store.password.is_none() {
        // Without a password the image refuses to start unless it is told to let everyone in.
        set("POSTGRES_HOST_AUTH_METHOD", &Some(Text::literal("trust")));
    }
    env
}

/// The command with settings added; `None` is the image's own.
pub(crate) fn command(store: &Store, facts: Option<&ImageFacts>) -> Option<Vec<String>> {
    let written = store.run.process.command.clone();
    let mut added = Vec::new();
    if redis_conf(store).is_some() {
        added.extend(["--include".to_owned(), REDIS_CONF.to_owned()]);
    }
    for (name, value) in &store.settings {
        match store.engine {
            EngineKind::Postgres => added.extend(["-c".to_owned(), format!("{name}={value}")]),
            EngineKind::Redis => {
                added.push(format!("--{name}"));
                let words = value.split_whitespace().map(str::to_owned);
                added.extend(if value.trim().is_empty() { vec![String::new()] } else { words.collect() });
            }
        }
    }
    if added.is_empty() {
        return written;
    }
    let own = facts.map(|facts| facts.command.clone()).filter(|command| !command.is_empty());
    let mut command = written.or(own).unwrap_or_else(|| vec![store.engine.program().to_owned()]);
    command.extend(added);
    Some(command)
}

/// The part of the Redis configuration that holds secrets.
///
/// It is a file and no argument, for arguments show in lists of containers and processes; and it lies on an ordinary
/// volume, not on a tmpfs, for without it the server could not start again after the engine's own restart.
pub(crate) fn redis_conf(store: &Store) -> Option<(Text, Option<Text>)> {
    let is_redis = store.engine == EngineKind::Redis;
    let user = store.user.clone().filter(|user| !user.0.is_empty() && user.as_literal() != Some("default"));
    match (&store.password, user) {
        (Some(password), user) if is_redis && !password.0.is_empty() => Some((password.clone(), user)),
        (_, Some(user)) if is_redis => Some((Text::default(), Some(user))),
        _ => None,
    }
}

pub(crate) fn redis_conf_bytes(site: &Site<'_>, password: &Text, user: Option<&Text>) -> FileBytes {
    let mut pieces = Vec::new();
    let literal = |text: &str| TemplatePiece::Literal(text.to_owned());
    let words = |text: &Text| site.template(text).0.into_iter().map(in_quotes).collect::<Vec<_>>();
    let password = words(password);
    if !password.is_empty() {
        pieces.push(literal("requirepass \""));
        pieces.extend(password.iter().cloned());
        pieces.push(literal("\"\n"));
    }
    if let Some(user) = user {
        pieces.push(literal("user \""));
        pieces.extend(words(user));
        if password.is_empty() {
            pieces.push(literal("\" on nopass"));
        } else {
            pieces.push(literal("\" on \">"));
            pieces.extend(password);
            pieces.push(literal("\""));
        }
        pieces.push(literal(" ~* &* +@all\n"));
    }
    FileBytes::Quoted(Template(pieces))
}

/// A literal is escaped here, a variable when it is filled in.
fn in_quotes(piece: TemplatePiece) -> TemplatePiece {
    match piece {
        TemplatePiece::Literal(text) => TemplatePiece::Literal(super::volume::in_quotes(&text)),
        variable @ TemplatePiece::Variable(_) => variable,
    }
}

pub(crate) fn store(site: &Site<'_>, node: &Node<'_>, store: &Store) -> StorePlan {
    let key = format!("{}.0", node.name);
    let login = login(store);
    let template = |text: &Text| Some(site.template(text)).filter(|template| !template.0.is_empty());
    let volume = site.volume(&key, "data");
    let copy = format!("{volume}.seeded");
    StorePlan {
        store: node.name.clone(),
        engine: store.engine,
        container: format!("{key}.main"),
        copy: volumes::plain(site, copy, VolumeRole::Copy(node.name.clone()), node, Some(0)),
        volume,
        port: port(store),
        database: template(&login.database),
        user: template(&login.user),
        password: template(&login.password),
        settings: store.settings.clone(),
        seed: match &store.seed {
            Some(Seed::Path(path)) => Some(path.clone()),
            Some(Seed::Snapshot(_)) | None => None,
        },
    }
}
