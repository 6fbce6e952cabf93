//! How the helpers of a mirror speak: one line on stderr, `level message key=value …`.
//!
//! They are programs without a terminal, and the engine keeps what they say. The
//! rest of the library is silent.

use std::fmt::{self, Write as _};

pub fn info(message: &str, facts: &[(&str, &dyn fmt::Display)]) {
    write("info", message, facts);
}

pub fn warn(message: &str, facts: &[(&str, &dyn fmt::Display)]) {
    write("warn", message, facts);
}

pub fn error(message: &str, facts: &[(&str, &dyn fmt::Display)]) {
    write("error", message, facts);
}

#[expect(clippy::print_stderr, reason = "the helpers' only voice")]
fn write(level: &str, message: &str, facts: &[(&str, &dyn fmt::Display)]) {
    eprintln!("{}", line(level, message, facts));
}

/// A value with spaces, quotes or control characters is quoted, so that a line stays a line.
fn line(level: &str, message: &str, facts: &[(&str, &dyn fmt::Display)]) -> String {
    let mut line = format!("{level} {message}");
    for (key, value) in facts {
        let value = value.to_string();
        let plain = !value.is_empty() && value.chars().all(|c| c.is_ascii_graphic() && c != '"');
        // Writing to a string cannot fail.
        let _ = if plain { write!(line, " {key}={value}") } else { write!(line, " {key}={value:?}") };
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_stays_a_line_whatever_it_carries() {
        let text = line(
            "warn",
            "engine says no",
            &[("code", &409), ("why", &"two\nlines \"here\""), ("empty", &"")],
        );
        assert_eq!(text, r#"warn engine says no code=409 why="two\nlines \"here\"" empty="""#);
    }
}
