//! Values that only chance makes.

/// Shorter ones are words, versions and ids.
const SHORTEST: usize = 20;

/// Whether a text is one long word of letters and digits in no order.
///
/// Names, paths, hosts, versions and sums of files are none: they repeat themselves or are words.
pub fn is_random(text: &str) -> bool {
    let word = |b: u8| b.is_ascii_alphanumeric() || b"+/=_-".contains(&b);
    if text.len() < SHORTEST || text.len() > 4096 || !text.bytes().all(word) {
        return false;
    }
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    if text.bytes().all(|b| b.is_ascii_hexdigit()) {
        return text.len() >= 32 && digits * 8 >= text.len() && digits < text.len() && bits(text) > 3.0;
    }
    let upper = text.bytes().filter(u8::is_ascii_uppercase).count();
    let lower = text.bytes().filter(u8::is_ascii_lowercase).count();
    digits >= 2 && upper >= 2 && lower >= 2 && bits(text) > 3.8 && changes(text) * 3 >= text.len()
}

/// Shannon's bits a character.
fn bits(text: &str) -> f64 {
    let mut counts = [0u32; 256];
    text.bytes().for_each(|b| counts[usize::from(b)] += 1);
    let all = text.len() as f64;
    let share = |count: &u32| f64::from(*count) / all;
    -counts.iter().filter(|count| **count > 0).map(|count| share(count) * share(count).log2()).sum::<f64>()
}

/// How often the kind of letter changes: words keep theirs.
fn changes(text: &str) -> usize {
    let kind = |b: u8| (b.is_ascii_uppercase(), b.is_ascii_lowercase(), b.is_ascii_digit());
    text.as_bytes().windows(2).filter(|pair| kind(pair[0]) != kind(pair[1])).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_chance_makes_is_told_from_words() {
        for text in [
            "wJalrXUtnFEMI7MDENGbPxRfiCYzK9aQ3sT1uV0x",
            "3f786850e387550fdab836ed7e6dc881de23001b",
            "aB3kq9XzT0pLm7Vw2QeR5",
            "Zm9vYmFyYmF6cXV4MTIzNDU2Nzg5MA==",
        ] {
            assert!(is_random(text), "{text}");
        }
        for text in [
            "org.springframework.boot.SpringApplication",
            "AbstractSingletonProxyFactoryBean2",
            "/usr/share/elasticsearch/config/x",
            "redis-commander-local-docker-2024",
            "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
            "00000000000000000000000000000000",
            "short1A",
            "2024-01-01T00-00-00Z-release-candidate",
        ] {
            assert!(!is_random(text), "{text}");
        }
    }
}
