//! A fresh RSA private key for a secret whose shape is `rsa-pem`.
//!
//! The key serves a mirror and lives as long as it does: it is never production's. Only making
//! it happens here, no signing and no decrypting, so that the arithmetic is never under an
//! attacker's stop-watch. The primes come from `crypto-primes`; the DER (PKCS#1 of RFC 8017
//! A.1.2 inside PKCS#8 of RFC 5208) is eleven integers long and written by hand.

use base64::{Engine, engine::general_purpose::STANDARD};
use crypto_bigint::{NonZero, U1024, U2048, Uint};
use crypto_primes::{
    Flavor,
    hazmat::{SetBits, SmallFactorsSieveFactory},
    is_prime, sieve_and_find,
};
use getrandom::{SysRng, rand_core::UnwrapErr};

/// The public exponent that every tool expects.
const EXPONENT: u32 = 65_537;
/// Two of them make the 2048 bits of the modulus.
const PRIME_BITS: u32 = 1024;
/// 1.2.840.113549.1.1.1, rsaEncryption, as DER holds it.
const RSA_ENCRYPTION: [u8; 9] = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];

const INTEGER: u8 = 0x02;
const OCTET_STRING: u8 = 0x04;
const NULL: u8 = 0x05;
const OBJECT_IDENTIFIER: u8 = 0x06;
const SEQUENCE: u8 = 0x30;

/// Makes a private key of 2048 bits and returns it as PKCS#8 PEM, ending in a newline.
///
/// # Errors
/// The reason as text, when the system has no randomness to give.
pub fn private_key_pem() -> Result<String, String> {
    // The generator below cannot return an error: a source that answers once keeps answering.
    getrandom::fill(&mut [0_u8; 32]).map_err(|error| format!("the system gives no randomness: {error}"))?;
    loop {
        // Equal primes and an exponent without an inverse are too rare to say more about.
        if let Some(key) = Key::from_primes(prime()?, prime()?) {
            return Ok(pem(&key.pkcs8()));
        }
    }
}

/// A prime with its two highest bits set, so that a product of two has exactly twice the bits.
fn prime() -> Result<U1024, String> {
    let candidates = SmallFactorsSieveFactory::<U1024>::new(Flavor::Any, PRIME_BITS, SetBits::TwoMsb)
        .map_err(|error| error.to_string())?;
    sieve_and_find(&mut UnwrapErr(SysRng), candidates, |_, candidate| is_prime(Flavor::Any, candidate))
        .map_err(|error| error.to_string())?
        .ok_or_else(|| "found no prime".to_owned())
}

/// The numbers of RFC 8017 A.1.2, less the version and the public exponent.
struct Key {
    modulus: U2048,
    private_exponent: U2048,
    p: U1024,
    q: U1024,
    exponent_p: U1024,
    exponent_q: U1024,
    coefficient: U1024,
}

impl Key {
    /// Nothing where the two are equal or the public exponent divides one of them less one.
    fn from_primes(p: U1024, q: U1024) -> Option<Self> {
        let (p, q) = if p > q { (p, q) } else { (q, p) };
        let exponent = U2048::from_u32(EXPONENT);
        let (below_p, below_q) = (p.wrapping_sub(&U1024::ONE), q.wrapping_sub(&U1024::ONE));
        let shared = nonzero(below_p.gcd(&below_q))?;
        let totient: U2048 = below_p.concatenating_mul(&below_q);
        // The least common multiple, as FIPS 186-5 wants it.
        let (carmichael, _) = totient.div_rem(&shared);
        let private_exponent = exponent.invert_mod(&nonzero(carmichael)?).into_option()?;
        Some(Self {
            modulus: p.concatenating_mul(&q),
            private_exponent,
            exponent_p: private_exponent.rem(&nonzero(below_p)?),
            exponent_q: private_exponent.rem(&nonzero(below_q)?),
            coefficient: q.invert_mod(&nonzero(p)?).into_option()?,
            p,
            q,
        })
    }

    fn pkcs8(&self) -> Vec<u8> {
        let algorithm = [element(OBJECT_IDENTIFIER, &RSA_ENCRYPTION), element(NULL, &[])].concat();
        let body =
            [integer(&[0]), element(SEQUENCE, &algorithm), element(OCTET_STRING, &self.pkcs1())].concat();
        element(SEQUENCE, &body)
    }

    fn pkcs1(&self) -> Vec<u8> {
        let numbers = [
            integer(&[0]),
            integer(&self.modulus.to_be_bytes()),
            integer(&EXPONENT.to_be_bytes()),
            integer(&self.private_exponent.to_be_bytes()),
            integer(&self.p.to_be_bytes()),
            integer(&self.q.to_be_bytes()),
            integer(&self.exponent_p.to_be_bytes()),
            integer(&self.exponent_q.to_be_bytes()),
            integer(&self.coefficient.to_be_bytes()),
        ];
        element(SEQUENCE, &numbers.concat())
    }
}

fn nonzero<const LIMBS: usize>(number: Uint<LIMBS>) -> Option<NonZero<Uint<LIMBS>>> {
    NonZero::new(number).into_option()
}

/// An unsigned number, most significant byte first: no leading zeros but the one that keeps it positive.
fn integer(bytes: &[u8]) -> Vec<u8> {
    let first = bytes.iter().position(|byte| *byte != 0).unwrap_or(bytes.len());
    let mut content = bytes[first..].to_vec();
    if content.first().is_none_or(|byte| byte & 0x80 != 0) {
        content.insert(0, 0);
    }
    element(INTEGER, &content)
}

/// Tag, length in its shortest form, content.
fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len().to_be_bytes();
    let length = &length[length.iter().position(|byte| *byte != 0).unwrap_or(length.len() - 1)..];
    let mut out = vec![tag];
    if content.len() >= 0x80 {
        // At most eight bytes: the cast cannot lose any.
        out.push(0x80 | length.len() as u8);
    }
    out.extend_from_slice(length);
    out.extend_from_slice(content);
    out
}

fn pem(der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let mut out = "-----BEGIN PRIVATE KEY-----\n".to_owned();
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let (line, after) = rest.split_at(rest.len().min(64));
        out.push_str(line);
        out.push('\n');
        rest = after;
    }
    out + "-----END PRIVATE KEY-----\n"
}

#[cfg(test)]
mod tests {
    use std::{
        io::Write,
        process::{Command, Stdio},
    };

    use crypto_bigint::U4096;

    use super::*;

    /// The content of one element, and what follows it. Refuses a length that could be shorter.
    fn open(der: &[u8], tag: u8) -> (&[u8], &[u8]) {
        assert_eq!(der[0], tag);
        let (length, start) = match der[1] {
            short if short < 0x80 => (usize::from(short), 2),
            long => {
                let count = usize::from(long & 0x7f);
                let length = der[2..2 + count].iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte));
                assert!(length >= 0x80 && der[2] != 0, "the length is not in its shortest form");
                (length, 2 + count)
            }
        };
        (&der[start..start + length], &der[start + length..])
    }

    fn number(der: &[u8]) -> (U2048, &[u8]) {
        let (content, rest) = open(der, INTEGER);
        assert!(content[0] & 0x80 == 0, "a negative number");
        assert!(content.len() == 1 || content[0] != 0 || content[1] & 0x80 != 0, "a needless zero");
        let digits = if content.len() > 1 && content[0] == 0 { &content[1..] } else { content };
        let mut bytes = vec![0; 256 - digits.len()];
        bytes.extend_from_slice(digits);
        (U2048::from_be_slice(&bytes), rest)
    }

    fn der(pem: &str) -> Vec<u8> {
        let body = pem
            .strip_prefix("-----BEGIN PRIVATE KEY-----\n")
            .and_then(|rest| rest.strip_suffix("-----END PRIVATE KEY-----\n"))
            .unwrap();
        assert!(body.lines().all(|line| line.len() <= 64));
        STANDARD.decode(body.replace('\n', "")).unwrap()
    }

    fn product(a: &U2048, b: &U2048, modulus: &U2048) -> U2048 {
        let wide: U4096 = a.concatenating_mul(b);
        wide.rem(&nonzero(*modulus).unwrap())
    }

    #[test]
    fn the_numbers_of_a_key_belong_together() {
        let der = der(&private_key_pem().unwrap());
        let (outer, rest) = open(&der, SEQUENCE);
        assert!(rest.is_empty());
        let (version, rest) = number(outer);
        assert_eq!(version, U2048::ZERO);
        let (algorithm, rest) = open(rest, SEQUENCE);
        assert_eq!(open(algorithm, OBJECT_IDENTIFIER).0, RSA_ENCRYPTION);
        let (pkcs1, rest) = open(rest, OCTET_STRING);
        assert!(rest.is_empty());
        let (mut rest, after) = open(pkcs1, SEQUENCE);
        assert!(after.is_empty());
        let mut numbers = Vec::new();
        while !rest.is_empty() {
            let (one, after) = number(rest);
            numbers.push(one);
            rest = after;
        }
        let [version, n, e, d, p, q, dp, dq, qinv] = numbers.try_into().unwrap();
        let one = U2048::ONE;
        assert_eq!(version, U2048::ZERO);
        assert_eq!(e, U2048::from_u32(65_537));
        assert_eq!(n.bits(), 2048);
        assert!(is_prime(Flavor::Any, &p) && is_prime(Flavor::Any, &q));
        let (short_p, short_q): (U1024, U1024) = (p.resize(), q.resize());
        assert_eq!(short_p.concatenating_mul(&short_q), n);
        let (below_p, below_q) = (p.wrapping_sub(&one), q.wrapping_sub(&one));
        let shared = nonzero(below_p.gcd(&below_q)).unwrap();
        let carmichael = below_p.wrapping_mul(&below_q).div_rem(&shared).0;
        assert_eq!(product(&e, &d, &carmichael), one);
        assert!(d < carmichael);
        assert_eq!((product(&e, &dp, &below_p), product(&e, &dq, &below_q)), (one, one));
        assert_eq!(product(&q, &qinv, &p), one);
    }

    #[test]
    fn two_keys_differ() {
        assert_ne!(private_key_pem().unwrap(), private_key_pem().unwrap());
    }

    #[test]
    fn equal_primes_make_no_key() {
        let prime = prime().unwrap();
        assert!(Key::from_primes(prime, prime).is_none());
    }

    #[test]
    fn openssl_accepts_a_key() {
        let child = Command::new("openssl")
            .args(["pkey", "-check", "-noout"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        let Ok(mut child) = child else {
            println!("skipped: no openssl program on PATH");
            return;
        };
        child.stdin.take().unwrap().write_all(private_key_pem().unwrap().as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        let said =
            String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && said.contains("Key is valid"), "{said}");
    }

    #[test]
    fn integers_and_lengths_take_their_shortest_form() {
        assert_eq!(integer(&[0, 0]), [2, 1, 0]);
        assert_eq!(integer(&[0, 0x7f]), [2, 1, 0x7f]);
        assert_eq!(integer(&[0x80]), [2, 2, 0, 0x80]);
        assert_eq!(element(4, &[7; 0x7f])[..2], [4, 0x7f]);
        assert_eq!(element(4, &[7; 0x80])[..3], [4, 0x81, 0x80]);
        assert_eq!(element(4, &[7; 0x100])[..4], [4, 0x82, 1, 0]);
    }
}
