//! Loading one seed file into a database, and the engine's own words when it fails.

use super::{
    Client, database, name,
    script::{Script, without_restrict},
};
use crate::engine::{
    EngineError, InStore, Loaded, Login, Output, Reader, SeedFile, SeedFormat, watch::Watch,
};

/// Everything becomes the profile's user's: production's other roles are not here.
const RESTORE: [&str; 3] = ["--exit-on-error", "--no-owner", "--no-privileges"];

/// Unpacks a tar beside the data, which is writable in a read-only container too, and runs the program on the folder.
/// `$1` is the script that finds the address, the rest the program and its arguments.
const IN_FOLDER: &str = r#"d=$(mktemp -d "${PGDATA:-/tmp}/prodmirror-seed.XXXXXX" 2>/dev/null || mktemp -d) || exit 1
trap 'rm -rf "$d"' EXIT
tar -x -C "$d" || exit 1
toc=$(find "$d" -maxdepth 2 -name toc.dat | head -n 1)
[ -n "$toc" ] || { echo "the archive holds no toc.dat" >&2; exit 1; }
script=$1
shift
sh -c "$script" "$@" "${toc%/toc.dat}""#;

pub(super) async fn load(store: &dyn InStore, login: &Login, file: SeedFile) -> Result<Loaded, EngineError> {
    let SeedFile { name, format, content } = file;
    let (content, watch) = Watch::over(content);
    let client = Client::of(login);
    let said = match format {
        SeedFormat::Sql => {
            let (script, content) = Script::read(content, super::user(login)).await;
            let client = make_room(store, login, &script).await?;
            let content = match script.restrict {
                Some(key) if !knows_restrict(store, &client).await? => without_restrict(content, key),
                _ => content,
            };
            client.script(store, content).await?
        }
        SeedFormat::PgCustom => client.run(store, "pg_restore", &RESTORE, Some(content)).await?,
        SeedFormat::PgTar => client.run(store, "pg_restore", &with_format("t"), Some(content)).await?,
        SeedFormat::PgDirectory => client.in_folder(store, content).await?,
        format => return Err(EngineError::Format { engine: "PostgreSQL", file: name, format }),
    };
    watch.check(&name)?;
    if said.code == 0 { Ok(Loaded::default()) } else { Err(failure(name, &said)) }
}

fn with_format(format: &'static str) -> Vec<&'static str> {
    RESTORE.into_iter().chain(["-F", format]).collect()
}

impl Client<'_> {
    async fn in_folder(&self, store: &dyn InStore, tar: Reader) -> Result<Output, EngineError> {
        let port = self.login.port.to_string();
        let words = ["sh", "-c", IN_FOLDER, "sh", super::ON_NETWORK, "pg_restore", "-p", &port];
        let login = ["-U", self.user, "-d", self.database, "-w", "-F", "d"];
        let argv: Vec<String> =
            words.iter().chain(&login).chain(&RESTORE).map(|word| (*word).to_owned()).collect();
        Ok(store.run(&argv, &self.env(), Some(tar)).await?)
    }
}

/// Where to log in for a script. One that creates the store's database itself is run beside it, and the empty
/// database that the image made gives way to the script's own, with its encoding and locale.
async fn make_room<'a>(
    store: &dyn InStore,
    login: &'a Login,
    script: &Script,
) -> Result<Client<'a>, EngineError> {
    let (client, own) = (Client::of(login), database(login));
    if own == "postgres" || !(script.creates(own) || script.cluster) {
        return Ok(client);
    }
    let beside = client.clone().database("postgres");
    if script.creates(own) && !script.drops(own) {
        let empty = "select count(*) from pg_class c join pg_namespace n on n.oid = c.relnamespace \
            where n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast');";
        let said = client.sql(store, empty).await?;
        if said.code == 0 && said.stdout.trim() == "0" {
            beside.sql(store, &format!("drop database {};", name(own))).await?;
        }
    }
    Ok(beside)
}

/// Whether this `psql` knows the lines with which newer dumps guard themselves.
async fn knows_restrict(store: &dyn InStore, client: &Client<'_>) -> Result<bool, EngineError> {
    let said = client.run(store, "psql", &["--help=commands"], None).await?;
    Ok(said.stdout.contains("\\restrict"))
}

/// How clients begin where they could not even ask. Both log in once, before they do anything.
const NO_CONNECTION: [&str; 2] =
    ["psql: error: connection to server", "pg_restore: error: connection to server"];

fn failure(file: String, said: &Output) -> EngineError {
    let stderr = said.stderr.trim();
    if let Some(first) = stderr.lines().next()
        && NO_CONNECTION.iter().any(|words| first.starts_with(words))
    {
        return EngineError::Unconnected { file, message: stderr.to_owned() };
    }
    let (line, message) = psql_error(stderr).unwrap_or_else(|| (None, restore_error(stderr)));
    EngineError::Seed { file, line, message }
}

/// `psql:<stdin>:12: ERROR:  relation "x" does not exist`, and the lines that belong to it.
fn psql_error(stderr: &str) -> Option<(Option<u64>, String)> {
    let at = |line: &str| -> Option<(u64, String)> {
        let (number, words) = line.strip_prefix("psql:<stdin>:")?.split_once(": ")?;
        Some((number.parse().ok()?, words.to_owned()))
    };
    let is_error =
        |words: &str| ["ERROR:", "FATAL:", "PANIC:", "error:"].iter().any(|kind| words.starts_with(kind));
    let lines: Vec<&str> = stderr.lines().collect();
    let first = lines.iter().position(|line| at(line).is_some_and(|(_, words)| is_error(&words)))?;
    let (number, words) = at(lines[first])?;
    let rest = lines[first + 1..].iter().take_while(|line| at(line).is_none());
    let more: String = rest.flat_map(|line| ["\n", *line]).collect();
    Some((Some(number), words + &more))
}

/// What `pg_restore` says, from its first error on.
fn restore_error(stderr: &str) -> String {
    const MOST: usize = 4000;
    let from = stderr.find("pg_restore: error:").unwrap_or_default();
    let words = &stderr[from..];
    let end = (0..=MOST.min(words.len())).rev().find(|end| words.is_char_boundary(*end)).unwrap_or_default();
    if words.is_empty() { "the program failed without a word".to_owned() } else { words[..end].to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_error_of_psql_is_told_with_its_line_and_details() {
        let stderr = "psql:<stdin>:3: WARNING:  hm\n\
            psql:<stdin>:7: ERROR:  relation \"x\" does not exist\nLINE 1: insert into x\n                    ^\n\
            psql:<stdin>:9: ERROR:  other";
        let (line, message) = psql_error(stderr).unwrap();
        assert_eq!(line, Some(7));
        assert!(message.starts_with("ERROR:  relation \"x\" does not exist\nLINE 1:"), "{message}");
        assert!(!message.contains("other"));
        assert_eq!(psql_error("psql: error: connection to server failed"), None);
    }
}
