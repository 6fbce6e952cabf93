//! What makes a store of a service: the login, and the engine's settings.

use serde_json::json;

use super::process::{Variable, write, write_rendered};
pub use super::{images::engine as engine_of, mounts::tmpfs_of, process::Word};
use crate::{
    capture::draft::{Sketch, Taking},
    path::Path,
    profile::{EngineKind, Piece, Text},
};

/// Where the official image keeps its data, or the folder above.
pub fn data_folder(engine: EngineKind) -> &'static str {
    match engine {
        EngineKind::Postgres => "/var/lib/postgresql",
        EngineKind::Redis => "/data",
    }
}

/// The field of a store that a variable of its image is.
pub fn field_of(engine: EngineKind, variable: &str) -> Option<&'static str> {
    match (engine, variable) {
        (EngineKind::Postgres, "POSTGRES_DB") => Some("database"),
        (EngineKind::Postgres, "POSTGRES_USER") => Some("user"),
        (EngineKind::Postgres, "POSTGRES_PASSWORD") => Some("password"),
        _ => None,
    }
}

/// Writes the variables: those that the profile has fields for there, the others below `env`.
pub fn variables<'s>(variables: &[Variable<'s>], engine: Option<EngineKind>, at: &Path, to: &mut Sketch<'s>) {
    let name = at.key_at(1).unwrap_or_default().to_owned();
    for variable in variables {
        let field = engine.and_then(|engine| field_of(engine, &variable.name));
        let file = engine == Some(EngineKind::Postgres) && variable.name == "POSTGRES_PASSWORD_FILE";
        match (field, &variable.value) {
            (Some(field), _) => write(variable, &name, &at.key(field), to),
            (None, Some(path)) if file => {
                // The file's secret has the file's name.
                let theirs = path.rsplit('/').next().unwrap_or(path);
                let secret = to.secrets.declare(&format!("secrets.{theirs}"), theirs, None);
                variable.remark(format!("`password: ${{secret:{secret}}}` says it: a mirror gives no file"));
                to.put(&at.key("password"), Text(vec![Piece::Secret(secret)]).to_string());
            }
            _ => write(variable, &name, &at.key("env").key(variable.name.as_str()), to),
        }
    }
}

/// The same of a file that `render` wrote.
pub fn rendered<'s>(variables: &[Variable<'s>], engine: Option<EngineKind>, at: &Path, to: &mut Sketch<'s>) {
    for variable in variables {
        let at = match engine.and_then(|engine| field_of(engine, &variable.name)) {
            Some(field) => at.key(field),
            None => at.key("env").key(variable.name.as_str()),
        };
        write_rendered(variable, &at, to);
    }
}

/// Writes a store's command: its settings where it holds nothing else.
pub fn command<'s>(words: &[Word], engine: EngineKind, place: &Taking<'s>, at: &Path, to: &mut Sketch<'s>) {
    let texts: Vec<String> = words.iter().map(|word| word.text.clone()).collect();
    let Some(settings) = settings(engine, &texts) else {
        to.take(&at.key("command"), json!(texts), place);
        return;
    };
    let name = at.key_at(1).unwrap_or_default().to_owned();
    for (setting, value) in settings {
        if setting != "requirepass" {
            to.take(&at.key("settings").key(setting), value, place);
            continue;
        }
        let missing = words.iter().find_map(|word| word.missing.as_ref()).filter(|_| value.is_empty());
        let text = match missing {
            Some(missing) => {
                let origin = format!("${{{missing}}}");
                let secret = to.secrets.declare(&origin, &format!("{name}-password"), None);
                Text(vec![Piece::Secret(secret)])
            }
            None => Text::literal(value),
        };
        to.take(&at.key("password"), text.to_string(), place);
    }
}

/// The settings of a command that holds nothing else.
pub fn settings(engine: EngineKind, command: &[String]) -> Option<Vec<(String, String)>> {
    let program = match engine {
        EngineKind::Postgres => "postgres",
        EngineKind::Redis => "redis-server",
    };
    let rest = match command.split_first() {
        Some((first, rest)) if first == program => rest,
        _ => command,
    };
    match engine {
        EngineKind::Postgres => postgres(rest),
        EngineKind::Redis => redis(rest),
    }
}

/// `-c name=value`, `-cname=value`, `--name=value`
fn postgres(words: &[String]) -> Option<Vec<(String, String)>> {
    let mut settings = Vec::new();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let setting = match word.as_str() {
            "-c" => words.next()?.as_str(),
            word => word.strip_prefix("--").or_else(|| word.strip_prefix("-c"))?,
        };
        let (name, value) = setting.split_once('=')?;
        settings.push((name.replace('-', "_"), value.to_owned()));
    }
    Some(settings)
}

/// `--name value value`; a configuration file comes without the dashes.
fn redis(words: &[String]) -> Option<Vec<(String, String)>> {
    let mut settings: Vec<(String, Vec<&str>)> = Vec::new();
    for word in words {
        match (word.strip_prefix("--"), settings.last_mut()) {
            (Some(name), _) => settings.push((name.to_owned(), Vec::new())),
            (None, Some((_, values))) => values.push(word),
            (None, None) => return None,
        }
    }
    Some(settings.into_iter().map(|(name, values)| (name, values.join(" "))).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn a_command_of_settings_alone_becomes_settings() {
        let setting = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(
            settings(EngineKind::Postgres, &words("postgres -c max_connections=200 --shared-buffers=1GB")),
            Some(vec![setting("max_connections", "200"), setting("shared_buffers", "1GB")])
        );
        assert_eq!(
            settings(EngineKind::Redis, &words("redis-server --save 20 1 --appendonly yes")),
            Some(vec![setting("save", "20 1"), setting("appendonly", "yes")])
        );
        for other in ["redis-server /etc/redis.conf", "sh -c x"] {
            assert_eq!(settings(EngineKind::Redis, &words(other)), None, "{other}");
        }
        assert_eq!(settings(EngineKind::Postgres, &words("postgres -D /data")), None);
    }
}
