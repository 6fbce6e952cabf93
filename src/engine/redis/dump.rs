//! Loading a dump file: it is put where the server looks at its start, and the server is started again.
//!
//! A server that keeps an append-only file reads that one and not the dump. There the dump becomes the beginning of
//! the append-only file: its base since Redis 7, its preamble before.

use std::time::Duration;

use super::{Client, Configuration, ask};
use crate::engine::{Answer, Engine, EngineError, InStore, Loaded, Login, SeedFile, watch::Watch};

/// Writes stdin beside the data and has it checked by the engine's own program. `$1` is the folder.
const RECEIVE: &str = r#"cd "$1" && cat >prodmirror-seed.rdb || exit 1
if command -v redis-check-rdb >/dev/null; then
  redis-check-rdb prodmirror-seed.rdb || { rm -f prodmirror-seed.rdb; exit 3; }
fi"#;

/// Puts the file in its place. `$1` folder, `$2` name of the dump, or of the append-only file if `$3` is not empty;
/// `$3` folder of the append-only file since Redis 7, `.` before.
const PLACE: &str = r#"set -e
cd "$1"
chown "$(stat -c %u:%g .)" prodmirror-seed.rdb 2>/dev/null || true
case $3 in
  '' | .) mv prodmirror-seed.rdb "$2" ;;
  *)
    mkdir -p "$3"
    rm -f "$3/$2".*
    mv prodmirror-seed.rdb "$3/$2.1.base.rdb"
    : >"$3/$2.1.incr.aof"
    printf 'file %s.1.base.rdb seq 1 type b\nfile %s.1.incr.aof seq 1 type i\n' "$2" "$2" >"$3/$2.manifest"
    chown -R "$(stat -c %u:%g .)" "$3" 2>/dev/null || true ;;
esac"#;

pub(super) async fn load(store: &dyn InStore, login: &Login, file: SeedFile) -> Result<Loaded, EngineError> {
    let SeedFile { name, content, .. } = file;
    let client = Client::of(login);
    let failed = |message: String| EngineError::Seed { file: name.clone(), line: None, message };
    if keys(store, &client).await? > 0 {
        return Err(failed(
            "a dump file replaces everything, so it must be the first file of a seed".to_owned(),
        ));
    }
    let names = ["dir", "dbfilename", "appendonly", "appenddirname", "appendfilename"];
    let configuration = client.configuration(store, &names).await?;
    let place = Place::of(&configuration)
        .ok_or_else(|| failed("the server does not say where its dump is".into()))?;

    let (content, watch) = Watch::over(content);
    let said = store.run(&shell(RECEIVE, &[place.folder]), &[], Some(content)).await?;
    watch.check(&name)?;
    if said.code != 0 {
        return Err(failed(format!("{}\n{}", said.stdout.trim(), said.stderr.trim()).trim().to_owned()));
    }
    let checked = Checked::read(&said.stdout);

    // What the server itself would write when it stops must not replace the file.
    let quiet: [&[&str]; 2] = [&["CONFIG", "SET", "save", ""], &["CONFIG", "SET", "appendonly", "no"]];
    let said = client.ask(store, &quiet).await?;
    if said.stdout.lines().any(|line| line != "OK") {
        return Err(said.refused("CONFIG SET"));
    }
    let said = store.run(&shell(PLACE, &[place.folder, place.file, place.append_folder]), &[], None).await?;
    if said.code != 0 {
        return Err(failed(said.words()));
    }
    store.restart().await?;
    until_loaded(store, login).await?;
    let expired = match checked {
        Some(checked) => {
            compare(&checked, keys(store, &client).await?).map_err(failed)?;
            Some(checked.expired)
        }
        None => ask::ask(store, login, &[]).await.expired,
    };
    Ok(Loaded { expired })
}

/// The folder of the data, and the name under which the server reads the file at its start.
struct Place<'a> {
    folder: &'a str,
    file: &'a str,
    append_folder: &'a str,
}

impl<'a> Place<'a> {
    fn of(configuration: &'a Configuration) -> Option<Self> {
        let value = |name: &str| configuration.get(name).map(String::as_str);
        let appends = value("appendonly") == Some("yes");
        let append_folder = if appends { value("appenddirname").unwrap_or(".") } else { "" };
        let file = value(if appends { "appendfilename" } else { "dbfilename" })?;
        Some(Self { folder: value("dir")?, file, append_folder })
    }
}

/// What `redis-check-rdb` counted.
#[derive(Debug, PartialEq, Eq)]
struct Checked {
    keys: u64,
    expired: u64,
}

impl Checked {
    fn read(stdout: &str) -> Option<Self> {
        let count = |what: &str| {
            let line = stdout.lines().find_map(|line| line.strip_prefix("[info] ")?.strip_suffix(what));
            line.and_then(|count| count.trim().parse().ok())
        };
        Some(Self { keys: count("keys read")?, expired: count("already expired")? })
    }
}

/// Whether everything is there; a key may expire at any moment, so those that can are no loss.
fn compare(checked: &Checked, loaded: u64) -> Result<(), String> {
    if loaded > 0 || checked.keys == checked.expired {
        return Ok(());
    }
    Err(format!("the file holds {} keys, and the server loaded none of them", checked.keys))
}

fn shell(script: &str, arguments: &[&str]) -> Vec<String> {
    ["sh", "-c", script, "sh"].iter().chain(arguments).map(|word| (*word).to_owned()).collect()
}

async fn keys(store: &dyn InStore, client: &Client<'_>) -> Result<u64, EngineError> {
    Ok(ask::keys(&client.ask(store, &[&["INFO", "keyspace"]]).await?.stdout))
}

/// Waits as long as the server loads; a server that ended answers `Err` by itself.
async fn until_loaded(store: &dyn InStore, login: &Login) -> Result<(), EngineError> {
    while let Answer::NotYet(_) = super::Redis.answers(store, login).await? {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dump_becomes_what_the_server_reads_first() {
        let configuration = |pairs: &[(&str, &str)]| {
            pairs
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect::<Configuration>()
        };
        let mut known = vec![("dir", "/data"), ("dbfilename", "d.rdb"), ("appendfilename", "a.aof")];
        let file = |known: &[(&str, &str)]| {
            let configuration = configuration(known);
            Place::of(&configuration).map(|place| (place.file.to_owned(), place.append_folder.to_owned()))
        };
        assert_eq!(file(&known), Some(("d.rdb".to_owned(), String::new())));
        known.push(("appendonly", "yes"));
        assert_eq!(file(&known), Some(("a.aof".to_owned(), ".".to_owned())));
        known.push(("appenddirname", "dir"));
        assert_eq!(file(&known), Some(("a.aof".to_owned(), "dir".to_owned())));
    }

    #[test]
    fn the_checker_counts_keys_that_are_past_their_time() {
        let stdout = "[offset 71] \\o/ RDB looks OK! \\o/\n[info] 3 keys read\n[info] 2 expires\n[info] 1 already expired\n";
        assert_eq!(Checked::read(stdout), Some(Checked { keys: 3, expired: 1 }));
        assert_eq!(Checked::read("nothing"), None);
    }
}
