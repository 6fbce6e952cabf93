//! Quantities as Compose writes them.

use crate::profile::{Bytes, Cpu, Duration};

/// `1.5G`, `512m`, `64mb`, `1024`: always powers of 1024, the unit in any case.
pub fn bytes(text: &str) -> Option<Bytes> {
    let lower = text.trim().to_lowercase();
    let lower = lower.strip_suffix('b').unwrap_or(&lower);
    let (number, unit) = match lower.strip_suffix(|c: char| "kmgt".contains(c)) {
        Some(number) => (number, format!("{}i", lower[number.len()..].to_uppercase())),
        None => (lower, String::new()),
    };
    format!("{}{unit}", number.trim()).parse().ok().filter(|bytes: &Bytes| bytes.0 > 0)
}

/// `0.5`, `2`.
pub fn cpu(text: &str) -> Option<Cpu> {
    text.parse().ok()
}

/// `1m30s`, `500ms`; Go's `0`.
pub fn duration(text: &str) -> Option<Duration> {
    match text {
        "0" => Some(Duration { millis: 0 }),
        text => text.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn composes_units_are_powers_of_1024() {
        let read = |text| bytes(text).map(|bytes| bytes.to_string());
        for (text, wanted) in [
            ("1.5G", "1536Mi"),
            ("512m", "512Mi"),
            ("64MB", "64Mi"),
            ("2048", "2Ki"),
            ("1k", "1Ki"),
            ("1t", "1Ti"),
        ] {
            assert_eq!(read(text).as_deref(), Some(wanted), "{text}");
        }
        for text in ["", "-1", "0", "many", "m"] {
            assert_eq!(read(text), None, "{text}");
        }
        assert_eq!(duration("1m0s").map(|span| span.to_string()).as_deref(), Some("1m"));
    }
}
