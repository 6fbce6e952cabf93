//! Loading a file of commands through `redis-cli --pipe`.
//!
//! The pipe prints errors but not whose they are. So marks go between the commands: each is a command that the server
//! does not know, named for the line that follows it, and its error is printed in order. A mark stands before every
//! command in the beginning of a file and every hundred later, and never inside a transaction, which an error undoes.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncWriteExt, BufReader, BufWriter, DuplexStream};

use super::{
    Client,
    commands::{Command, Commands, Fault, encode},
};
use crate::engine::{EngineError, InStore, Loaded, Login, Reader, SeedFile, watch::Watch};

const MARK: &str = "prodmirror-line-";
/// So many commands have a mark each.
const CLOSELY: u64 = 20_000;
const APART: u64 = 100;

/// Keeps the first error with the mark before it, and the pipe's closing line: all marks would be more than an answer
/// may hold.
const FIRST_ERROR: &str = r#"redis-cli "$@" --pipe --pipe-timeout 0 2>&1 | awk '
/prodmirror-line-/ { mark = $0; next }
/^All data transferred/ || /^Last reply received/ { next }
/^errors: / { last = $0; next }
!seen { seen = 1; print mark; print }
END { print last }'"#;

pub(super) async fn load(store: &dyn InStore, login: &Login, file: SeedFile) -> Result<Loaded, EngineError> {
    let SeedFile { name, content, .. } = file;
    let (content, watch) = Watch::over(content);
    let (marked, fault) = with_marks(content);
    let client = Client::of(login);
    let said = client.run(store, Some(FIRST_ERROR), &[], marked).await?;
    watch.check(&name)?;
    let fault = fault.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).take();
    // The stream ended at the fault, so an error of the server comes before it.
    if let Some((line, message)) = first_error(&said.stdout).or(fault) {
        return Err(EngineError::Seed { file: name, line, message });
    }
    if !said.stdout.contains("replies: ") {
        return Err(EngineError::Seed { file: name, line: None, message: said.words() });
    }
    // The marks were errors: they shall not stand in the statistics of the mirror.
    let said = client.ask(store, &[&["CONFIG", "RESETSTAT"]]).await?;
    if said.code == 0 { Ok(Loaded::default()) } else { Err(said.refused("CONFIG RESETSTAT")) }
}

type Told = (Option<u64>, String);

/// The mark and the error behind it; `errors: 0, replies: 12` alone is no error.
fn first_error(stdout: &str) -> Option<Told> {
    let lines: Vec<&str> = stdout.lines().collect();
    let [mark, error, ..] = lines.as_slice() else { return None };
    let mark = mark.split_once(MARK).map(|(_, rest)| rest.split(['\'', '`', ',']).next().unwrap_or_default());
    let (line, exact) = mark.and_then(|mark| mark.split_once('-')).unwrap_or_default();
    let words = if exact == "from" {
        format!("{error} (this line, or one of the {APART} commands after it)")
    } else {
        (*error).to_owned()
    };
    Some((line.parse().ok(), words))
}

/// The commands with marks between them, and what is wrong with the file, if anything.
fn with_marks(content: Reader) -> (Reader, Arc<Mutex<Option<Told>>>) {
    let (sender, receiver) = tokio::io::duplex(1 << 20);
    let fault = Arc::new(Mutex::new(None));
    let found = fault.clone();
    tokio::spawn(async move {
        let told = match mark(content, sender).await {
            Err(Fault::Command { line, why }) => Some((Some(line), why)),
            // A failed read is remembered by the watch under it; a failed write is told by the program.
            Err(Fault::Read(_)) | Ok(()) => None,
        };
        *found.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) = told;
    });
    (Box::pin(receiver), fault)
}

async fn mark(content: Reader, sender: DuplexStream) -> Result<(), Fault> {
    let mut commands = Commands::new(BufReader::with_capacity(128 * 1024, content));
    let mut out = BufWriter::with_capacity(128 * 1024, sender);
    let (mut count, mut inside) = (0u64, false);
    let done = loop {
        let command = match commands.next().await {
            Ok(Some(command)) => command,
            Ok(None) => break Ok(()),
            Err(fault) => break Err(fault),
        };
        if let Some(mark) = mark_before(&command, count, inside) {
            out.write_all(&encode(&[mark])).await?;
        }
        inside = command.name == "multi" || inside && command.name != "exec" && command.name != "discard";
        count += 1;
        out.write_all(&command.bytes).await?;
    };
    out.shutdown().await?;
    done
}

fn mark_before(command: &Command, count: u64, inside: bool) -> Option<String> {
    let closely = count < CLOSELY && command.name != "multi";
    let wanted = !inside && (count <= CLOSELY || count.is_multiple_of(APART));
    wanted.then(|| format!("{MARK}{}-{}", command.line, if closely { "exact" } else { "from" }))
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt;

    use super::*;

    async fn marked(text: &str) -> (String, Option<Told>) {
        let (mut stream, fault) = with_marks(Box::pin(std::io::Cursor::new(text.as_bytes().to_vec())));
        let mut out = String::new();
        stream.read_to_string(&mut out).await.unwrap();
        drop(stream);
        tokio::task::yield_now().await;
        let fault = fault.lock().unwrap().take();
        (out, fault)
    }

    #[tokio::test]
    async fn no_mark_stands_inside_a_transaction() {
        let (out, _) = marked("SET a 1\nMULTI\nSET b 2\nEXEC\nSET c 3\n").await;
        let marks: Vec<_> = out.lines().filter(|line| line.starts_with(MARK)).collect();
        assert_eq!(marks, ["prodmirror-line-1-exact", "prodmirror-line-2-from", "prodmirror-line-5-exact"]);
    }

    #[tokio::test]
    async fn what_comes_before_a_fault_is_sent() {
        let (out, fault) = marked("SET a 1\nSET \"b\n").await;
        assert!(out.contains("SET"));
        assert_eq!(fault, Some((Some(2), "unbalanced quotes".to_owned())));
    }

    #[test]
    fn the_first_error_has_the_line_of_its_mark() {
        let mark = "ERR unknown command 'prodmirror-line-7-exact', with args beginning with: ";
        let stdout = format!("{mark}\nERR syntax error\nerrors: 3, replies: 9\n");
        assert_eq!(first_error(&stdout), Some((Some(7), "ERR syntax error".to_owned())));
        assert_eq!(first_error("errors: 2, replies: 4\n"), None);
        assert_eq!(first_error("\nAUTH failed\n\n"), Some((None, "AUTH failed".to_owned())));
    }
}
