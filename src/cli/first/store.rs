//! What makes a store of a service: the login, and the engine's settings.

use prodmirror::profile::EngineKind;

use super::{
    container::{Fields, put, some},
    secrets::Secrets,
    taking::Taking,
    text::Yaml,
};

/// A store's name and engine, and the variable of the host that its command takes, if any.
pub struct Named<'a> {
    pub name: &'a str,
    pub engine: EngineKind,
    pub from_host: Option<&'a str>,
}

/// Where the official image keeps its data, or the folder above.
pub fn data_folder(engine: EngineKind) -> &'static str {
    match engine {
        EngineKind::Postgres => "/var/lib/postgresql",
        EngineKind::Redis => "/data",
    }
}

/// Moves what the profile has fields for out of the variables and the command.
pub fn fields(
    map: &mut Taking,
    store: &Named<'_>,
    env: &mut Fields,
    command: Option<Vec<String>>,
    secrets: &mut Secrets,
    fields: &mut Fields,
) {
    fields.insert(0, ("engine".to_owned(), Yaml::text(store.engine.as_str())));
    let mut password = None;
    if store.engine == EngineKind::Postgres {
        put(fields, "database", moved(env, "POSTGRES_DB"));
        put(fields, "user", moved(env, "POSTGRES_USER"));
        password = moved(env, "POSTGRES_PASSWORD");
        if let Some(Yaml::Text(file)) = moved(env, "POSTGRES_PASSWORD_FILE") {
            // The file's secret has the file's name.
            let secret = secrets.declare(file.rsplit('/').next().unwrap_or(&file));
            password = Some(reference(&secret));
        }
    }
    let mut settings = Fields::new();
    if let Some(command) = command {
        match read(store.engine, &command) {
            Some(read) => settings = read,
            None => put(fields, "command", Some(Yaml::texts(command))),
        }
    }
    if let Some(Yaml::Text(given)) = moved(&mut settings, "requirepass") {
        let value =
            if given.is_empty() { format!("${{{}}}", store.from_host.unwrap_or(store.name)) } else { given };
        let secret = secrets.named(&value, &format!("{}-password", store.name));
        map.note(format!(
            "{}: the password after --requirepass is the secret `{secret}` now",
            map.at("command")
        ));
        password = Some(reference(&secret));
    }
    put(fields, "password", password);
    put(fields, "settings", some(settings));
}

fn reference(secret: &str) -> Yaml {
    Yaml::text(format!("${{secret:{secret}}}"))
}

/// Takes an entry whose value is a text; a hole stays where it is.
fn moved(fields: &mut Fields, key: &str) -> Option<Yaml> {
    let at = fields.iter().position(|(name, value)| name == key && !matches!(value, Yaml::Map(_)))?;
    Some(fields.remove(at).1)
}

/// The settings of a command that holds nothing else.
fn read(engine: EngineKind, command: &[String]) -> Option<Fields> {
    let (program, own) = match engine {
        EngineKind::Postgres => ("postgres", postgres as fn(&[String]) -> Option<Fields>),
        EngineKind::Redis => ("redis-server", redis as fn(&[String]) -> Option<Fields>),
    };
    let rest = match command.split_first() {
        Some((first, rest)) if first == program => rest,
        _ => command,
    };
    own(rest)
}

/// `-c name=value`, `-cname=value`, `--name=value`
fn postgres(words: &[String]) -> Option<Fields> {
    let mut settings = Fields::new();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let setting = match word.as_str() {
            "-c" => words.next()?.as_str(),
            word => word.strip_prefix("--").or_else(|| word.strip_prefix("-c"))?,
        };
        let (name, value) = setting.split_once('=')?;
        settings.push((name.replace('-', "_"), Yaml::text(value)));
    }
    Some(settings)
}

/// `--name value value`; a configuration file comes without the dashes.
fn redis(words: &[String]) -> Option<Fields> {
    let mut settings: Vec<(String, Vec<&str>)> = Vec::new();
    for word in words {
        match (word.strip_prefix("--"), settings.last_mut()) {
            (Some(name), _) => settings.push((name.to_owned(), Vec::new())),
            (None, Some((_, values))) => values.push(word),
            (None, None) => return None,
        }
    }
    Some(settings.into_iter().map(|(name, values)| (name, Yaml::text(values.join(" ")))).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn a_command_of_settings_alone_becomes_settings() {
        let setting = |name: &str, value: &str| (name.to_owned(), Yaml::text(value));
        assert_eq!(
            read(EngineKind::Postgres, &words("postgres -c max_connections=200 --shared-buffers=1GB")),
            Some(vec![setting("max_connections", "200"), setting("shared_buffers", "1GB")])
        );
        assert_eq!(
            read(EngineKind::Redis, &words("redis-server --save 20 1 --appendonly yes")),
            Some(vec![setting("save", "20 1"), setting("appendonly", "yes")])
        );
        for other in ["redis-server /etc/redis.conf", "sh -c x"] {
            assert_eq!(read(EngineKind::Redis, &words(other)), None, "{other}");
        }
        assert_eq!(read(EngineKind::Postgres, &words("postgres -D /data")), None);
    }
}
