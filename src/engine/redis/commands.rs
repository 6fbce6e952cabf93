//! Files of commands: the Redis protocol or inline commands, brought into the protocol one by one, each with the line
//! on which it begins.

use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt};

/// One command, in the protocol.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Command {
    /// From 1.
    pub line: u64,
    pub bytes: Vec<u8>,
    /// In small letters.
    pub name: String,
}

#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    #[error("{why}")]
    Command { line: u64, why: String },
    #[error(transparent)]
    Read(#[from] std::io::Error),
}

/// Longer words and more of them are refused by the server too (`proto-max-bulk-len`, 1024 * 1024 arguments).
const LONGEST: u64 = 512 << 20;
const MOST: u64 = 1024 * 1024;

pub(super) struct Commands<R> {
    input: R,
    /// Lines that were read to their end.
    lines: u64,
}

impl<R: AsyncBufRead + Unpin> Commands<R> {
    pub fn new(input: R) -> Self {
        Self { input, lines: 0 }
    }

    /// The next command; empty lines and lines that begin with `#` are none.
    pub async fn next(&mut self) -> Result<Option<Command>, Fault> {
        loop {
            let line = self.lines + 1;
            let mut text = Vec::new();
            if self.input.read_until(b'\n', &mut text).await? == 0 {
                return Ok(None);
            }
            self.lines += 1;
            if text.starts_with(b"*") {
                return self.of_protocol(line, text).await.map(Some);
            }
            let words = text.trim_ascii();
            if words.is_empty() || words.starts_with(b"#") {
                continue;
            }
            let words =
                super::words::split(words).map_err(|why| Fault::Command { line, why: why.to_owned() })?;
            return Ok(Some(Command { line, name: name(&words[0]), bytes: encode(&words) }));
        }
    }

    async fn of_protocol(&mut self, line: u64, head: Vec<u8>) -> Result<Command, Fault> {
        let count = number(&head, b'*', MOST).map_err(|why| Fault::Command { line, why })?;
        let (mut bytes, mut first) = (head, None);
        for _ in 0..count {
            let at = self.lines + 1;
            let mut length = Vec::new();
            self.input.read_until(b'\n', &mut length).await?;
            self.lines += 1;
            let size = number(&length, b'$', LONGEST).map_err(|why| Fault::Command { line: at, why })?;
            bytes.extend_from_slice(&length);
            let begin = bytes.len();
            let read = (&mut self.input).take(size + 2).read_to_end(&mut bytes).await?;
            let word = &bytes[begin..];
            self.lines += word.iter().filter(|byte| **byte == b'\n').count() as u64;
            if read as u64 != size + 2 || !word.ends_with(b"\r\n") {
                let why = format!("a word of {size} bytes does not end where it says");
                return Err(Fault::Command { line: at, why });
            }
            first.get_or_insert_with(|| name(&word[..word.len() - 2]));
        }
        Ok(Command { line, bytes, name: first.unwrap_or_default() })
    }
}

fn name(word: &[u8]) -> String {
    String::from_utf8_lossy(word).to_lowercase()
}

/// A line of the protocol: its sign, a number, CR and LF.
fn number(line: &[u8], sign: u8, most: u64) -> Result<u64, String> {
    let shown = || String::from_utf8_lossy(&line[..line.len().min(40)]).trim_end().to_owned();
    let text = line.strip_suffix(b"\r\n").ok_or_else(|| match line {
        [] => "the file ends inside a command".to_owned(),
        _ => format!("`{}` does not end with CR and LF, as the protocol wants", shown()),
    })?;
    let digits = text.strip_prefix(&[sign]).and_then(|digits| std::str::from_utf8(digits).ok());
    let number = digits.and_then(|digits| digits.parse::<u64>().ok()).filter(|number| *number <= most);
    number.ok_or_else(|| format!("`{}` is not `{}` and a number up to {most}", shown(), sign as char))
}

pub(super) fn encode(words: &[impl AsRef<[u8]>]) -> Vec<u8> {
    let mut bytes = format!("*{}\r\n", words.len()).into_bytes();
    for word in words {
        bytes.extend_from_slice(format!("${}\r\n", word.as_ref().len()).as_bytes());
        bytes.extend_from_slice(word.as_ref());
        bytes.extend_from_slice(b"\r\n");
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn all(text: &[u8]) -> Result<Vec<(u64, String)>, (u64, String)> {
        let (mut commands, mut found) = (Commands::new(text), Vec::new());
        loop {
            match commands.next().await {
                Ok(Some(command)) => found.push((command.line, command.name)),
                Ok(None) => return Ok(found),
                Err(Fault::Command { line, why }) => return Err((line, why)),
                Err(Fault::Read(error)) => panic!("{error}"),
            }
        }
    }

    #[tokio::test]
    async fn both_forms_may_follow_one_another_and_keep_their_lines() {
        let text = b"# words\nSET a 1\n\n*2\r\n$4\r\nINCR\r\n$3\r\na\nb\r\nDEL a";
        assert_eq!(all(text).await, Ok(vec![(2, "set".into()), (4, "incr".into()), (10, "del".into())]));
    }

    #[tokio::test]
    async fn a_command_comes_out_in_the_protocol() {
        let mut commands = Commands::new(&b"set k \"a\\x00\"\n"[..]);
        let command = commands.next().await.unwrap().unwrap();
        assert_eq!(command.bytes, b"*3\r\n$3\r\nset\r\n$1\r\nk\r\n$2\r\na\0\r\n");
    }

    #[tokio::test]
    async fn broken_files_are_told_with_the_line() {
        for (text, at) in [
            (&b"SET a 1\nSET \"a\n"[..], 2),
            (b"SET a 1\n*1\n$4\nPING\n", 2),
            (b"*1\r\n$5\r\nPING\r\n", 2),
            (b"*2\r\n$4\r\nPING\r\n", 4),
            (b"*99999999\r\n", 1),
            (b"*1\r\n+4\r\nPING\r\n", 2),
        ] {
            assert_eq!(
                all(text).await.map_err(|(line, _)| line),
                Err(at),
                "{}",
                String::from_utf8_lossy(text)
            );
        }
    }
}
