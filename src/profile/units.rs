//! Quantities as Kubernetes writes them, each a type of its own.
//!
//! A quantity prints in one canonical form, so `536870912` and `512Mi` are
//! equal as values and as text.

use std::{fmt, str::FromStr};

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no {what}: write it like {like}")]
pub struct UnitError {
    pub text: String,
    pub what: &'static str,
    pub like: &'static str,
}

/// Thousandths of a core.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Cpu {
    pub millis: u64,
}

/// A number of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Bytes(pub u64);

/// A span of time in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Duration {
    pub millis: u64,
}

/// Permission bits of a file, written as a string of octal digits, `"0644"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Mode(pub u32);

/// How many of several, written `2` or `50%`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Portion {
    /// No more than the API server takes, which counts in 32 bits with a sign.
    Count(u32),
    /// From 0 to 100.
    Percent(u8),
}

impl From<Duration> for std::time::Duration {
    fn from(value: Duration) -> Self {
        Self::from_millis(value.millis)
    }
}

/// A decimal number as thousandths, exact; more than three decimals are refused.
fn thousandths(text: &str) -> Option<u64> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() && part.is_empty() || !digits(whole) || !digits(part) || part.len() > 3 {
        return None;
    }
    let whole: u64 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let part: u64 = if part.is_empty() { 0 } else { format!("{part:0<3}").parse().ok()? };
    whole.checked_mul(1000)?.checked_add(part)
}

impl FromStr for Cpu {
    type Err = UnitError;
    fn from_str(text: &str) -> Result<Self, UnitError> {
        let millis = match text.strip_suffix('m') {
            Some(millis) if millis.bytes().all(|b| b.is_ascii_digit()) => millis.parse().ok(),
            Some(_) => None,
            None => thousandths(text),
        };
        let bad = || UnitError { text: text.to_owned(), what: "amount of CPU", like: "`500m`, `2` or `0.5`" };
        millis.filter(|m| *m > 0).map(|millis| Self { millis }).ok_or_else(bad)
    }
}

impl fmt::Display for Cpu {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.millis.is_multiple_of(1000) {
            write!(f, "{}", self.millis / 1000)
        } else {
            write!(f, "{}m", self.millis)
        }
    }
}

const BINARY: [(&str, u64); 6] =
    [("Ei", 1 << 60), ("Pi", 1 << 50), ("Ti", 1 << 40), ("Gi", 1 << 30), ("Mi", 1 << 20), ("Ki", 1 << 10)];
const DECIMAL: [(&str, u64); 6] = [
    ("E", 1_000_000_000_000_000_000),
    ("P", 1_000_000_000_000_000),
    ("T", 1_000_000_000_000),
    ("G", 1_000_000_000),
    ("M", 1_000_000),
    ("k", 1_000),
];

impl FromStr for Bytes {
    type Err = UnitError;
    fn from_str(text: &str) -> Result<Self, UnitError> {
        let bad =
            || UnitError { text: text.to_owned(), what: "number of bytes", like: "`512Mi`, `1Gi` or `500M`" };
        let unit =
            BINARY.iter().chain(&DECIMAL).find_map(|(unit, size)| Some((text.strip_suffix(unit)?, *size)));
        let (number, size) = unit.unwrap_or((text, 1));
        let thousandths = thousandths(number).ok_or_else(bad)?;
        let bytes = u128::from(thousandths) * u128::from(size);
        if bytes % 1000 != 0 {
            return Err(bad());
        }
        u64::try_from(bytes / 1000).ok().filter(|b| i64::try_from(*b).is_ok()).map(Self).ok_or_else(bad)
    }
}

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let exact = |(_, size): &&(&str, u64)| self.0 > 0 && self.0.is_multiple_of(*size);
        match BINARY.iter().find(exact).or_else(|| DECIMAL.iter().find(exact)) {
            Some((unit, size)) => write!(f, "{}{unit}", self.0 / size),
            None => write!(f, "{}", self.0),
        }
    }
}

impl Portion {
    /// How many that is of so many; a part of one counts as a whole, as Kubernetes has it.
    pub fn of(self, all: u32) -> u32 {
        match self {
            Self::Count(count) => count,
            Self::Percent(percent) => {
                let part = (u64::from(all) * u64::from(percent)).div_ceil(100);
                u32::try_from(part).unwrap_or(u32::MAX)
            }
        }
    }
}

impl FromStr for Portion {
    type Err = UnitError;
    fn from_str(text: &str) -> Result<Self, UnitError> {
        let digits = text.strip_suffix('%').unwrap_or(text);
        let number = digits.parse::<u32>().ok().filter(|_| digits.bytes().all(|b| b.is_ascii_digit()));
        let portion = match number {
            Some(number) if text.ends_with('%') => {
                u8::try_from(number).ok().filter(|percent| *percent <= 100).map(Self::Percent)
            }
            number => number.filter(|count| i32::try_from(*count).is_ok()).map(Self::Count),
        };
        let what = "number from 0 up, and no percentage from 0% to 100%";
        portion.ok_or_else(|| UnitError { text: text.to_owned(), what, like: "`2` or `50%`" })
    }
}

impl fmt::Display for Portion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count(count) => write!(f, "{count}"),
            Self::Percent(percent) => write!(f, "{percent}%"),
        }
    }
}

/// As the API writes it: a number, or a text with its sign.
impl serde::Serialize for Portion {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Count(count) => s.serialize_u32(*count),
            Self::Percent(_) => s.collect_str(self),
        }
    }
}

impl FromStr for Duration {
    type Err = UnitError;
    fn from_str(text: &str) -> Result<Self, UnitError> {
        let bad =
            || UnitError { text: text.to_owned(), what: "span of time", like: "`10s`, `500ms` or `1m30s`" };
        let (mut rest, mut total) = (text, 0u64);
        if rest.is_empty() {
            return Err(bad());
        }
        let mut last = u64::MAX;
        while !rest.is_empty() {
            let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').ok_or_else(bad)?;
            let number = thousandths(&rest[..end]).ok_or_else(bad)?;
            rest = &rest[end..];
            let (unit, millis) = [("ms", 1), ("h", 3_600_000), ("m", 60_000), ("s", 1_000)]
                .into_iter()
                .find(|(unit, _)| rest.starts_with(unit))
                .ok_or_else(bad)?;
            let part =
                number.checked_mul(millis).filter(|p| p % 1000 == 0 && millis < last).ok_or_else(bad)?;
            total = total.checked_add(part / 1000).filter(|t| *t <= 1 << 52).ok_or_else(bad)?;
            (last, rest) = (millis, &rest[unit.len()..]);
        }
        Ok(Self { millis: total })
    }
}

impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.millis;
        if rest == 0 {
            return f.write_str("0s");
        }
        for (unit, millis) in [("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)] {
            if rest >= millis {
                write!(f, "{}{unit}", rest / millis)?;
                rest %= millis;
            }
        }
        Ok(())
    }
}

impl FromStr for Mode {
    type Err = UnitError;
    fn from_str(text: &str) -> Result<Self, UnitError> {
        let bad = || UnitError { text: text.to_owned(), what: "file mode", like: "`\"0644\"`" };
        let octal = (3..=4).contains(&text.len()) && text.bytes().all(|b| matches!(b, b'0'..=b'7'));
        if !octal {
            return Err(bad());
        }
        u32::from_str_radix(text, 8).map(Self).map_err(|_| bad())
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04o}", self.0)
    }
}

/// Each unit is its text on the wire.
macro_rules! as_text {
    ($($unit:ty),*) => {$(
        impl serde::Serialize for $unit {
            fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.collect_str(self)
            }
        }
        impl<'de> serde::Deserialize<'de> for $unit {
            fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                String::deserialize(d)?.parse().map_err(serde::de::Error::custom)
            }
        }
    )*};
}
as_text!(Cpu, Bytes, Duration, Mode);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_print_in_one_form() {
        let cpu = |t: &str| t.parse::<Cpu>().map(|c| c.to_string()).ok();
        let bytes = |t: &str| t.parse::<Bytes>().map(|c| c.to_string()).ok();
        let span = |t: &str| t.parse::<Duration>().map(|c| c.to_string()).ok();
        for (text, wanted) in [("500m", "500m"), ("0.5", "500m"), ("2", "2"), ("2000m", "2")] {
            assert_eq!(cpu(text).as_deref(), Some(wanted));
        }
        for (text, wanted) in [("536870912", "512Mi"), ("0.5Gi", "512Mi"), ("500M", "500M"), ("7", "7")] {
            assert_eq!(bytes(text).as_deref(), Some(wanted));
        }
        for (text, wanted) in [("90s", "1m30s"), ("1500ms", "1s500ms"), ("0s", "0s"), ("1.5h", "1h30m")] {
            assert_eq!(span(text).as_deref(), Some(wanted));
        }
    }

    #[test]
    fn a_part_of_a_replica_counts_as_a_whole_one() {
        let of = |text: &str, all| text.parse::<Portion>().unwrap().of(all);
        let counted =
            [("2", 3, 2), ("50%", 3, 2), ("33%", 3, 1), ("0%", 3, 0), ("100%", 7, 7), ("1%", 1000, 10)];
        for (text, all, wanted) in counted {
            assert_eq!(of(text, all), wanted, "{text} of {all}");
        }
        for text in ["0", "7", "2147483647", "0%", "100%"] {
            assert_eq!(text.parse::<Portion>().unwrap().to_string(), text);
        }
        for text in ["", "%", "-1", "+1", "1.5", "2147483648", "101%", "-5%", "5 %", "5%%", "half"] {
            assert!(text.parse::<Portion>().is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_no_quantity_is_refused() {
        for text in ["", "0", "-1", "1e400", "m", "0.0001", "1.5m", "½", "99999999999999999999"] {
            assert!(text.parse::<Cpu>().is_err(), "{text}");
        }
        for text in ["", "1e400", "1.5", "Mi", "16Ei", "1 Mi", "1mb", "-1"] {
            assert!(text.parse::<Bytes>().is_err(), "{text}");
        }
        for text in ["", "10", "s", "1s1m", "1e9s", "0.0001ms", "99999999999h"] {
            assert!(text.parse::<Duration>().is_err(), "{text}");
        }
        assert!("0888".parse::<Mode>().is_err());
    }
}
