//! Words of an inline command, as the server itself splits them (`sdssplitargs`), and back.

/// Splits one line. `Err` for quotes that do not close or touch the next word.
pub(super) fn split(line: &[u8]) -> Result<Vec<Vec<u8>>, &'static str> {
    let mut words = Vec::new();
    let mut rest = line.trim_ascii_start();
    while !rest.is_empty() {
        let (word, after) = word(rest)?;
        words.push(word);
        rest = after.trim_ascii_start();
    }
    Ok(words)
}

fn word(mut rest: &[u8]) -> Result<(Vec<u8>, &[u8]), &'static str> {
    const UNBALANCED: &str = "unbalanced quotes";
    let mut word = Vec::new();
    let mut quote = None;
    loop {
        let Some((&byte, after)) = rest.split_first() else {
            return if quote.is_none() { Ok((word, rest)) } else { Err(UNBALANCED) };
        };
        rest = after;
        match (quote, byte) {
            (None, b'"' | b'\'') => quote = Some(byte),
            (None, byte) if byte.is_ascii_whitespace() || byte == 0 => return Ok((word, rest)),
            (Some(open), byte) if byte == open => {
                let at_end = rest.first().is_none_or(u8::is_ascii_whitespace);
                return if at_end { Ok((word, rest)) } else { Err(UNBALANCED) };
            }
            (Some(b'"'), b'\\') => {
                let (escaped, after) = escape(rest).ok_or(UNBALANCED)?;
                word.push(escaped);
                rest = after;
            }
            (Some(b'\''), b'\\') if rest.first() == Some(&b'\'') => {
                word.push(b'\'');
                rest = &rest[1..];
            }
            _ => word.push(byte),
        }
    }
}

/// The byte that stands after a backslash in double quotes.
fn escape(rest: &[u8]) -> Option<(u8, &[u8])> {
    if let [b'x', high, low, after @ ..] = rest {
        let digits = [*high, *low];
        let number =
            std::str::from_utf8(&digits).ok().filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()));
        if let Some(byte) = number.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            return Some((byte, after));
        }
    }
    let (&byte, after) = rest.split_first()?;
    let meant = match byte {
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'b' => 8,
        b'a' => 7,
        other => other,
    };
    Some((meant, after))
}

/// A command on one line, every word quoted.
pub(super) fn line(words: &[&str]) -> String {
    let quoted = words.iter().map(|word| {
        let bytes = word.bytes().map(|byte| match byte {
            b'"' | b'\\' => format!("\\{}", byte as char),
            b' '..=b'~' => (byte as char).to_string(),
            _ => format!("\\x{byte:02x}"),
        });
        format!("\"{}\"", bytes.collect::<String>())
    });
    quoted.collect::<Vec<_>>().join(" ") + "\n"
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn words_are_split_as_the_server_splits_them() {
        let words = |line: &str| {
            split(line.as_bytes()).map(|words| {
                words.into_iter().map(|word| String::from_utf8(word).unwrap()).collect::<Vec<_>>()
            })
        };
        assert_eq!(words("set a 1\r"), Ok(vec!["set".into(), "a".into(), "1".into()]));
        assert_eq!(words(r#"set "a b" "\x41\n\"""#), Ok(vec!["set".into(), "a b".into(), "A\n\"".into()]));
        assert_eq!(
            words(r"set 'it\'s' '\n' ''"),
            Ok(vec!["set".into(), "it's".into(), "\\n".into(), "".into()])
        );
        for bad in ["set \"a", "set 'a", "set \"a\"b", "set \"a\\"] {
            assert!(words(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn a_quoted_line_reads_back(words in proptest::collection::vec(".{0,12}", 1..5)) {
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            let read = split(line(&words).trim_end().as_bytes()).unwrap();
            prop_assert_eq!(read, words.iter().map(|word| word.as_bytes().to_vec()).collect::<Vec<_>>());
        }
    }
}
