//! What the beginning of an SQL script tells about it, and the few lines that are left out.

use std::io::Cursor;

use regex::bytes::Regex;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};

use crate::engine::Reader;

/// So much is read to know a script: roles and databases come first in a dump.
const HEAD: u64 = 256 * 1024;

/// What the beginning of a script told.
#[derive(Debug, Default)]
pub(super) struct Script {
    created: Vec<String>,
    dropped: Vec<String>,
    /// A dump of `pg_dumpall`, roles and all databases in it.
    pub cluster: bool,
    /// The key with which the dump guards itself, `\restrict KEY`.
    pub restrict: Option<String>,
}

impl Script {
    /// Reads as much as is needed; answers the script whole again, less what would touch the mirror's own role.
    pub async fn read(mut script: Reader, user: &str) -> (Self, Reader) {
        let mut head = Vec::new();
        // A failure is remembered by the watch under it, and ends the script here or later.
        let _ = (&mut script).take(HEAD).read_to_end(&mut head).await;
        let told = Self::of(&head);
        let head = if told.cluster { without_role(&head, user) } else { head };
        (told, Box::pin(Cursor::new(head).chain(script)))
    }

    fn of(head: &[u8]) -> Self {
        let restrict = pattern(r"(?m)^\\restrict (\w+)\r?$").captures(head);
        Self {
            cluster: head.windows(CLUSTER.len()).any(|window| window == CLUSTER),
            created: names(r#"(?im)^\s*create\s+database\s+("(?:[^"]|"")+"|\w+)"#, head),
            dropped: names(r#"(?im)^\s*drop\s+database\s+(?:if\s+exists\s+)?("(?:[^"]|"")+"|\w+)"#, head),
            restrict: restrict.map(|found| String::from_utf8_lossy(&found[1]).into_owned()),
        }
    }

    pub fn creates(&self, database: &str) -> bool {
        self.created.iter().any(|name| name == database)
    }

    pub fn drops(&self, database: &str) -> bool {
        self.dropped.iter().any(|name| name == database)
    }
}

const CLUSTER: &[u8] = b"-- PostgreSQL database cluster dump";

fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("the patterns of this file are constants that compile")
}

/// Names as SQL means them: folded to small letters unless quoted.
fn names(text: &str, head: &[u8]) -> Vec<String> {
    let plain = |found: regex::bytes::Captures<'_>| {
        let written = String::from_utf8_lossy(&found[1]).into_owned();
        match written.strip_prefix('"').and_then(|inner| inner.strip_suffix('"')) {
            Some(inner) => inner.replace("\"\"", "\""),
            None => written.to_lowercase(),
        }
    };
    pattern(text).captures_iter(head).map(plain).collect()
}

/// Makes comments of the lines with which `pg_dumpall` creates and alters the mirror's own role: it is there already,
/// and the dump may take from it the rights that loading needs. The number of lines and bytes stays.
fn without_role(head: &[u8], user: &str) -> Vec<u8> {
    let quoted = format!("\"{}\"", user.replace('"', "\"\""));
    let either = format!("(?:{}|{})", regex::escape(user), regex::escape(&quoted));
    let line = pattern(&format!(r"(?m)^(?:CREATE ROLE {either};|ALTER ROLE {either} WITH [^\n]*;)\r?$"));
    let mut out = head.to_vec();
    for found in line.find_iter(head) {
        out[found.start()..found.start() + 2].copy_from_slice(b"--");
    }
    out
}

/// The script with its own `\restrict` lines made comments, for a `psql` that does not know them.
pub(super) fn without_restrict(script: Reader, key: String) -> Reader {
    let (mut sender, receiver) = tokio::io::duplex(256 * 1024);
    tokio::spawn(async move {
        let mut lines = BufReader::with_capacity(128 * 1024, script);
        let mut line = Vec::new();
        let (open, close) = (format!("\\restrict {key}"), format!("\\unrestrict {key}"));
        loop {
            line.clear();
            // A failure ends the script; the watch under it remembers why.
            match lines.read_until(b'\n', &mut line).await {
                Ok(read) if read > 0 => {}
                _ => return,
            }
            let words = line.trim_ascii_end();
            if words == open.as_bytes() || words == close.as_bytes() {
                line[..2].copy_from_slice(b"--");
            }
            if sender.write_all(&line).await.is_err() {
                return;
            }
        }
    });
    Box::pin(receiver)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn databases_that_a_script_makes_are_known_as_sql_names_them() {
        let script = Script::of(
            b"DROP DATABASE IF EXISTS Chinook;\ncreate database Chinook;\nCREATE DATABASE \"No\"\"tes\" x",
        );
        assert!(script.creates("chinook") && script.drops("chinook"));
        assert!(script.creates("No\"tes") && !script.drops("No\"tes"));
        assert!(!script.creates("Chinook"));
    }

    #[tokio::test]
    async fn a_cluster_dump_leaves_the_mirrors_own_role_alone_and_no_other() {
        let dump = "-- PostgreSQL database cluster dump\nCREATE ROLE app;\nALTER ROLE app WITH NOSUPERUSER;\n\
            CREATE ROLE application;\nCREATE ROLE \"app\";\n";
        let (told, mut whole) = Script::read(Box::pin(Cursor::new(dump)), "app").await;
        let mut text = String::new();
        whole.read_to_string(&mut text).await.unwrap();
        assert!(told.cluster);
        assert_eq!(text.len(), dump.len());
        assert_eq!(text.lines().filter(|line| line.starts_with("--")).count(), 4);
        assert!(text.contains("\nCREATE ROLE application;"));
    }

    #[tokio::test]
    async fn guards_that_an_older_psql_does_not_know_become_comments() {
        let dump = "\\restrict K1\nselect 1;\n\\restrict other\n\\unrestrict K1\n";
        assert_eq!(Script::of(dump.as_bytes()).restrict.as_deref(), Some("K1"));
        let mut out = String::new();
        without_restrict(Box::pin(Cursor::new(dump)), "K1".into()).read_to_string(&mut out).await.unwrap();
        assert_eq!(out, "--estrict K1\nselect 1;\n\\restrict other\n--nrestrict K1\n");
    }
}
