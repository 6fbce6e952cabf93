//! Rust source as words and marks, less what no arrow is made of: comments, texts and tests.

/// An identifier, `::`, or any other single mark, and the line it stands on (from 1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    pub text: String,
    pub line: usize,
}

impl Token {
    pub fn is_word(&self) -> bool {
        self.text.starts_with(|c: char| c.is_alphabetic() || c == '_')
    }
}

/// The tokens outside of comments and texts. A text leaves `""`, a character or a lifetime nothing.
pub fn tokens(source: &str) -> Vec<Token> {
    let chars: Vec<char> = source.chars().collect();
    let mut out = Vec::new();
    let (mut at, mut line) = (0, 1);
    while at < chars.len() {
        let start = at;
        let mut text = None;
        match chars[at] {
            '/' if chars.get(at + 1) == Some(&'/') => at = end_of_line(&chars, at),
            '/' if chars.get(at + 1) == Some(&'*') => at = end_of_block(&chars, at),
            '"' => {
                at = end_of_text(&chars, at + 1);
                text = Some("\"\"".to_owned());
            }
            '\'' => at = end_of_quote(&chars, at),
            c if c.is_alphabetic() || c == '_' => {
                if let Some(end) = end_of_raw_text(&chars, at) {
                    at = end;
                    text = Some("\"\"".to_owned());
                } else {
                    at = end_of_word(&chars, at);
                    text = Some(chars[start..at].iter().collect());
                }
            }
            // `1.max(2)` and `0..n` end before the point; `1_u8` and `0xff` are one token.
            c if c.is_ascii_digit() => {
                at = end_of_word(&chars, at);
                text = Some("0".to_owned());
            }
            ':' if chars.get(at + 1) == Some(&':') => {
                at += 2;
                text = Some("::".to_owned());
            }
            c => {
                at += 1;
                text = (!c.is_whitespace()).then(|| c.to_string());
            }
        }
        out.extend(text.map(|text| Token { text, line }));
        line += chars[start..at.min(chars.len())].iter().filter(|c| **c == '\n').count();
    }
    out
}

fn end_of_line(chars: &[char], at: usize) -> usize {
    chars[at..].iter().position(|c| *c == '\n').map_or(chars.len(), |length| at + length)
}

/// Block comments nest.
fn end_of_block(chars: &[char], mut at: usize) -> usize {
    let mut depth = 0;
    while at < chars.len() {
        match (chars[at], chars.get(at + 1)) {
            ('/', Some('*')) => (depth, at) = (depth + 1, at + 2),
            ('*', Some('/')) => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            break;
        }
    }
    at
}

fn end_of_text(chars: &[char], mut at: usize) -> usize {
    while at < chars.len() && chars[at] != '"' {
        at += if chars[at] == '\\' { 2 } else { 1 };
    }
    at + 1
}

/// `'a'` and `'\n'` are characters, `'a` is a lifetime.
fn end_of_quote(chars: &[char], at: usize) -> usize {
    match (chars.get(at + 1), chars.get(at + 2)) {
        (Some('\\'), _) => {
            chars[at + 3..].iter().position(|c| *c == '\'').map_or(chars.len(), |length| at + 4 + length)
        }
        (Some(_), Some('\'')) => at + 3,
        _ => end_of_word(chars, at + 1),
    }
}

fn end_of_word(chars: &[char], at: usize) -> usize {
    chars[at..]
        .iter()
        .position(|c| !c.is_alphanumeric() && *c != '_')
        .map_or(chars.len(), |length| at + length)
}

/// The end of `r"…"`, `r#"…"#`, `b"…"`, `br"…"`, `c"…"`, or of `b'…'`, if one begins here.
fn end_of_raw_text(chars: &[char], at: usize) -> Option<usize> {
    let open = end_of_word(chars, at);
    let prefix: String = chars[at..open].iter().collect();
    let hashes = chars[open..].iter().take_while(|c| **c == '#').count();
    match (prefix.as_str(), chars.get(open + hashes)) {
        ("r" | "br" | "cr", Some('"')) => {
            let close: Vec<char> = std::iter::once('"').chain(std::iter::repeat_n('#', hashes)).collect();
            let body = open + hashes + 1;
            let end = chars[body..].windows(close.len()).position(|window| window == close);
            Some(end.map_or(chars.len(), |length| body + length + close.len()))
        }
        ("b" | "c", Some('"')) if hashes == 0 => Some(end_of_text(chars, open + 1)),
        ("b", Some('\'')) if hashes == 0 => Some(end_of_quote(chars, open)),
        _ => None,
    }
}

/// What is left without the items under `#[cfg(test)]`, and the names of the modules whose
/// files go with them (`#[cfg(test)] mod tests;`).
pub fn without_tests(tokens: &[Token]) -> (Vec<Token>, Vec<String>) {
    let (mut out, mut gone, mut at) = (Vec::new(), Vec::new(), 0);
    while at < tokens.len() {
        let Some((content, end)) = attribute(tokens, at) else {
            out.push(tokens[at].clone());
            at += 1;
            continue;
        };
        if !is_test(content) {
            out.extend_from_slice(&tokens[at..end]);
            at = end;
            continue;
        }
        at = end;
        while let Some((_, end)) = attribute(tokens, at) {
            at = end;
        }
        let end = end_of_item(tokens, at);
        let words: Vec<_> = tokens[at..end].iter().map(|token| token.text.as_str()).collect();
        if let [.., "mod", name, ";"] = words[..] {
            gone.push(name.to_owned());
        }
        at = end;
    }
    (out, gone)
}

/// The tokens between `#[` and `]`, and the place behind it.
fn attribute(tokens: &[Token], at: usize) -> Option<(&[Token], usize)> {
    if tokens.get(at)?.text != "#" || tokens.get(at + 1)?.text != "[" {
        return None;
    }
    let end = end_of_group(tokens, at + 1);
    Some((&tokens[at + 2..end - 1], end))
}

/// `cfg(test)` and `cfg(all(test, …))`; with `any` or `not` the item is there without tests too.
fn is_test(content: &[Token]) -> bool {
    let has = |word: &str| content.iter().any(|token| token.text == word);
    content.first().is_some_and(|token| token.text == "cfg") && has("test") && !has("not") && !has("any")
}

/// Behind the matching bracket of the one at `at`.
fn end_of_group(tokens: &[Token], at: usize) -> usize {
    let mut depth = 0_usize;
    for (offset, token) in tokens[at..].iter().enumerate() {
        match token.text.as_str() {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            return at + offset + 1;
        }
    }
    tokens.len()
}

/// Behind the `;` or the body that ends the item at `at`. The braces of `use` are no body.
fn end_of_item(tokens: &[Token], mut at: usize) -> usize {
    let first = at;
    while at < tokens.len() {
        match tokens[at].text.as_str() {
            ";" => return at + 1,
            "{" => {
                at = end_of_group(tokens, at);
                let words = tokens[first..at].iter().map(|token| token.text.as_str());
                if !words.take_while(|word| *word != "{").any(|word| word == "use" || word == "=") {
                    return at;
                }
            }
            "(" | "[" => at = end_of_group(tokens, at),
            _ => at += 1,
        }
    }
    at
}
