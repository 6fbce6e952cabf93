//! Tokens and keys that are known by how they are written.

use std::{ops::Range, sync::LazyLock};

use regex::Regex;

/// What it is, and its pattern.
const KNOWN: [(&str, &str); 34] = [
    ("a key or a certificate in PEM", r"-----BEGIN [A-Z0-9 ]+-----[\s\S]*?(?:-----END [A-Z0-9 ]+-----|\z)"),
    ("a signed token", r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{4,}\.[A-Za-z0-9_-]*"),
    ("an AWS key id", r"\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}\b"),
    ("a GitHub token", r"\b(?:gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,})"),
    ("a GitLab token", r"\bgl(?:pat|ptt|rt|dt|soat|cbt|ft|imt|agent)-[A-Za-z0-9_=.-]{16,}"),
    ("a Slack token", r"\bxox[abeoprs]-[A-Za-z0-9-]{10,}|\bxapp-[A-Za-z0-9-]{10,}"),
    ("a Slack web hook", r"hooks\.slack\.com/services/[A-Za-z0-9/_-]{20,}"),
    ("a Discord web hook", r"discord(?:app)?\.com/api/webhooks/[0-9]+/[A-Za-z0-9_-]{20,}"),
    ("a Stripe key", r"\b(?:sk|rk)_(?:live|test)_[A-Za-z0-9]{10,}|\bwhsec_[A-Za-z0-9+/=]{16,}"),
    ("a Google API key", r"\bAIza[A-Za-z0-9_-]{30,}"),
    ("a Google OAuth secret", r"\bGOCSPX-[A-Za-z0-9_-]{20,}|\bya29\.[A-Za-z0-9_-]{20,}"),
    ("a Twilio key", r"\b(?:SK|AC)[0-9a-f]{32}\b"),
    ("a SendGrid key", r"\bSG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}"),
    ("a Mailgun key", r"\bkey-[0-9a-zA-Z]{32}\b"),
    ("a Mailchimp key", r"\b[0-9a-f]{32}-us[0-9]{1,2}\b"),
    ("an npm token", r"\bnpm_[A-Za-z0-9]{30,}"),
    ("a PyPI token", r"\bpypi-[A-Za-z0-9_-]{30,}"),
    ("a Docker Hub token", r"\bdckr_(?:pat|oat)_[A-Za-z0-9_-]{16,}"),
    ("a Telegram bot's token", r"\b[0-9]{8,10}:AA[A-Za-z0-9_-]{30,}"),
    ("a Discord token", r"\b[MNO][A-Za-z0-9_-]{23,27}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27,}"),
    ("a Square token", r"\b(?:sq0(?:atp|csp)-[A-Za-z0-9_-]{20,}|EAAA[A-Za-z0-9_-]{50,})"),
    ("a Shopify token", r"\bshp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}\b"),
    ("a DigitalOcean token", r"\bdo[opr]_v1_[0-9a-f]{40,}"),
    ("a Databricks token", r"\bdapi[0-9a-f]{32}\b"),
    ("a Vault token", r"\bhv[sbr]\.[A-Za-z0-9_-]{20,}"),
    ("an age key", r"\bAGE-SECRET-KEY-1[A-Z0-9]{40,}"),
    ("a Hugging Face token", r"\bhf_[A-Za-z]{30,}"),
    ("a key of a language model's service", r"\bsk-[A-Za-z0-9_-]{20,}"),
    ("a New Relic key", r"\bNRAK-[A-Z0-9]{20,}"),
    ("a Grafana token", r"\bgl(?:sa|c)_[A-Za-z0-9+/=_]{20,}"),
    ("a Linear or Atlassian token", r"\b(?:lin_api_[A-Za-z0-9]{20,}|ATATT3[A-Za-z0-9_=-]{20,})"),
    ("a hash of a password", r"\$(?:2[abxy]|apr1|1|5|6|y|argon2id?|argon2i|scrypt)\$[./A-Za-z0-9$=,+-]{8,}"),
    ("a hash of a password", r"\{(?:SSHA|SHA|SMD5|MD5|CRYPT)(?:256|512)?\}[A-Za-z0-9+/=$.]{8,}"),
    ("a key of an SSH agent", r"\bPuTTY-User-Key-File-[0-9][\s\S]*"),
];

static PATTERNS: LazyLock<Vec<(&str, Regex)>> = LazyLock::new(|| {
    let compiled = |(what, pattern): &(&'static str, &str)| {
        (*what, Regex::new(pattern).expect("the patterns are constants, and a test compiles them"))
    };
    KNOWN.iter().map(compiled).collect()
});

/// What a text is, if it is one token from its first letter to its last.
pub fn whole(text: &str) -> Option<&'static str> {
    let text = text.trim();
    let is = |pattern: &Regex| pattern.find(text).is_some_and(|found| found.range() == (0..text.len()));
    PATTERNS.iter().find(|(_, pattern)| is(pattern)).map(|(what, _)| *what)
}

/// The tokens within a text.
pub fn within(text: &str) -> Vec<(Range<usize>, &'static str)> {
    if text.len() < 12 {
        return Vec::new();
    }
    PATTERNS
        .iter()
        .flat_map(|(what, pattern)| pattern.find_iter(text).map(|found| (found.range(), *what)))
        .collect()
}
