//! Secrets of forty shapes in every place of a Compose file where one can be: none is in any output.

use std::collections::BTreeMap;

use prodmirror::capture::compose::Document;
use serde_json::{Value as Json, json};

use crate::corpora::{draft, faults};

/// Letters that no two canaries share, and that no text holds by chance.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 33
    }

    fn of(&mut self, letters: &str, count: usize) -> String {
        let letters: Vec<char> = letters.chars().collect();
        (0..count).map(|_| letters[self.next() as usize % letters.len()]).collect()
    }

    /// Of all three kinds in turn, as good generators make them.
    fn mixed(&mut self, count: usize) -> String {
        let kinds = ["ABCDEFGHJKLMNPQRSTUVWXYZ", "abcdefghijkmnopqrstuvwxyz", "23456789"];
        (0..count).map(|at| self.of(kinds[at % 3], 1)).collect()
    }

    fn hex(&mut self, count: usize) -> String {
        let mut text: String = (0..count).map(|at| self.of(["0123456789", "abcdef"][at % 2], 1)).collect();
        text.truncate(count);
        text
    }
}

/// What a place shows of a secret by itself.
#[derive(Clone, Copy, PartialEq)]
enum Shows {
    /// It is one wherever it stands.
    Itself,
    /// A word that only its place gives away.
    Nothing,
}

/// Forty shapes: the text that is planted, and the letters of it that nobody may see.
fn shapes(chance: &mut Chance) -> Vec<(&'static str, String, String, Shows)> {
    const UPPER: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let mut all: Vec<(&'static str, String, String, Shows)> = Vec::new();
    let mut token = |name, head: &str, body: String, tail: &str| {
        all.push((name, format!("{head}{body}{tail}"), body, Shows::Itself));
    };
    token("aws key id", concat!("AK", "IA"), chance.of(UPPER, 16), "");
    token("aws secret", "", chance.mixed(40), "");
    token("github", concat!("gh", "p_"), chance.mixed(36), "");
    token("github fine", concat!("github_", "pat_"), chance.mixed(40), "");
    token("gitlab", concat!("gl", "pat-"), chance.mixed(20), "");
    token("slack", concat!("xo", "xb-"), chance.mixed(24), "");
    token("slack hook", "https://hooks.slack.com/services/", chance.mixed(30), "");
    token("discord hook", "https://discord.com/api/webhooks/123456/", chance.mixed(30), "");
    token("stripe", concat!("sk_", "live_"), chance.mixed(24), "");
    token("stripe hook", concat!("wh", "sec_"), chance.mixed(24), "");
    token("google", concat!("AI", "za"), chance.mixed(35), "");
    token("google oauth", concat!("GOC", "SPX-"), chance.mixed(24), "");
    token("twilio", "SK", chance.hex(32), "");
    token("sendgrid", "SG.", format!("{}.{}", chance.mixed(20), chance.mixed(30)), "");
    token("mailgun", "key-", chance.hex(32), "");
    token("mailchimp", "", chance.hex(32), "-us12");
    token("npm", "npm_", chance.mixed(36), "");
    token("pypi", "pypi-", chance.mixed(40), "");
    token("docker hub", "dckr_pat_", chance.mixed(24), "");
    token("telegram", "123456789:AA", chance.mixed(33), "");
    token("square", "sq0atp-", chance.mixed(22), "");
    token("shopify", "shpat_", chance.hex(32), "");
    token("digital ocean", "dop_v1_", chance.hex(64), "");
    token("databricks", "dapi", chance.hex(32), "");
    token("vault", "hvs.", chance.mixed(24), "");
    token("age", "AGE-SECRET-KEY-1", chance.of(UPPER, 58), "");
    token("model service", "sk-", chance.mixed(40), "");
    token("new relic", "NRAK-", chance.of(UPPER, 27), "");
    token("jwt", "eyJhbGciOiJIUzI1NiJ9.", format!("{}.{}", chance.mixed(40), chance.mixed(43)), "");
    token(
        "rsa pem",
        "-----BEGIN RSA PRIVATE KEY-----\n",
        chance.mixed(64),
        "\n-----END RSA PRIVATE KEY-----\n",
    );
    token("ec pem", "-----BEGIN EC PRIVATE KEY-----\n", chance.mixed(64), "\n-----END EC PRIVATE KEY-----\n");
    token(
        "ssh key",
        "-----BEGIN OPENSSH PRIVATE KEY-----\n",
        chance.mixed(64),
        "\n-----END OPENSSH PRIVATE KEY-----\n",
    );
    token("crypt hash", "$2y$10$", chance.mixed(53), "");
    token("ldap hash", "{SSHA}", chance.mixed(32), "");
    token("hex", "", chance.hex(64), "");
    token("base64", "", chance.mixed(44), "");
    token("sentry", "https://", chance.hex(32), "@o1.ingest.example.com/2");
    token("url", "postgres://app:", chance.of("abcdefghijklm", 9), "@db:5432/shop");
    token("ado", "Server=db;User Id=sa;Password=", chance.of("nopqrstuvwxyz", 11), ";Encrypt=no");
    token("bearer", "Authorization: Bearer ", chance.mixed(30), "");
    let word = format!("{}-{}", chance.of("abcdefghijkmnpqrstuvwxyz", 6), chance.of("23456789", 4));
    all.push(("password", word.clone(), word, Shows::Nothing));
    all
}

/// Places where any text may stand, and places that say that theirs is a secret.
fn places(text: &str) -> Vec<(&'static str, Json, bool)> {
    let service = |key: &str, value: Json| json!({"services": {"web": {"image": "web:1", key: value}}});
    let store = |key: &str, value: Json| json!({"services": {"db": {"image": "postgres:16", key: value}}});
    let dollars = text.replace('$', "$$");
    let text = dollars.as_str();
    let flat = text.replace('\n', " ");
    vec![
        ("telling variable", service("environment", json!({"API_TOKEN": text})), true),
        ("listed variable", service("environment", json!([format!("DB_PASSWORD={text}")])), true),
        ("store's password", store("environment", json!({"POSTGRES_PASSWORD": text})), true),
        ("option of a command", service("command", json!(["run", format!("--api-key={flat}")])), true),
        ("word after an option", service("command", json!(["run", "--password", text])), true),
        (
            "assignment in a shell",
            service("command", json!(["sh", "-c", format!("DB_PASSWORD='{flat}' run")])),
            true,
        ),
        ("other variable", service("environment", json!({"BLOB": text})), false),
        ("within a text", service("environment", json!({"BLOB": format!("before {text} after")})), false),
        ("word of a command", service("command", json!(["run", text])), false),
        ("entrypoint", service("entrypoint", json!(["run", text])), false),
        ("label", service("labels", json!({"note": text})), false),
        ("deploy label", service("deploy", json!({"labels": {"note": text}})), false),
        ("health check", service("healthcheck", json!({"test": ["CMD", "ask", text]})), false),
        ("hook", service("post_start", json!([{"command": ["tell", text]}])), false),
        ("database", store("environment", json!({"POSTGRES_DB": text})), false),
        ("setting", store("command", json!(["-c", format!("x.y={text}")])), false),
        ("host name", service("hostname", json!(text)), false),
        ("user", service("user", json!(text)), false),
        ("working folder", service("working_dir", json!(format!("/{text}"))), false),
        ("sysctl", service("sysctls", json!({"kernel.x": text})), false),
        ("host entry", service("extra_hosts", json!({"a": text})), false),
        (
            "mounted folder",
            service("volumes", json!([{"type": "bind", "source": format!("/{text}"), "target": "/x"}])),
            false,
        ),
        ("build argument", service("build", json!({"context": ".", "args": {"TOKEN": text}})), true),
        ("logging option", service("logging", json!({"driver": "x", "options": {"token": text}})), true),
        ("container name", service("container_name", json!(text)), true),
        ("extension", json!({"services": {"web": {"image": "web:1"}}, "x-own": {"token": text}}), true),
        (
            "driver option",
            json!({"services": {"web": {"image": "web:1"}}, "volumes": {"v": {"driver_opts": {"o": text}}}}),
            true,
        ),
        (
            "config",
            json!({"services": {"web": {"image": "web:1", "configs": ["c"]}}, "configs": {"c": {"content": format!("a\n{text}\n")}}}),
            false,
        ),
    ]
}

#[test]
fn no_planted_secret_is_in_any_output() {
    let mut chance = Chance(7);
    let mut planted = 0;
    let mut leaks = Vec::new();
    let kinds = shapes(&mut chance).len();
    assert!(kinds >= 40);
    for kind in 0..kinds {
        for place in 0..places("").len() {
            let (name, text, secret, shows) = shapes(&mut chance).swap_remove(kind);
            let (at, value, telling) = places(&text).swap_remove(place);
            if shows == Shows::Nothing && !telling {
                continue;
            }
            let document =
                Document { name: "compose.yaml".into(), value, folder: "/x".into(), ..Document::default() };
            let draft = draft(document).unwrap();
            planted += 1;
            assert_eq!(faults(&draft), [""; 0], "{name} as {at}");
            let printed = [draft.text(), serde_json::to_string(&draft).unwrap(), format!("{draft:?}")];
            if printed
                .iter()
                .any(|text| text.contains(&secret) || text.contains(&secret[..secret.len().min(8)]))
            {
                leaks.push(format!("{name} as {at}:\n{}", printed[0]));
            }
        }
    }
    assert!(planted >= 1_000, "{planted}");
    assert!(leaks.is_empty(), "{} of {planted} leak:\n{}", leaks.len(), leaks.join("\n"));
}

/// The variables of the host, of `.env` and of an `env_file` come by other ways.
#[test]
fn values_from_beside_the_file_are_kept_as_well() {
    let value = json!({"services": {"web": {
        "image": "web:1",
        "environment": {"DB_PASSWORD": "${DB_PASSWORD}", "URL": "mysql://u:${PW:-fallback-77}@db/x"},
        "env_file": ["web.env"],
    }}});
    let resolved = json!({"services": {"web": {"environment": {
        "DB_PASSWORD": "from-dotenv-1", "SESSION_SECRET": "from-file-2", "PLAIN": "open"
    }}}});
    let dotenv = BTreeMap::from([("DB_PASSWORD".to_owned(), "from-dotenv-1".to_owned())]);
    let document = Document {
        name: "compose.yaml".into(),
        value,
        resolved: Some(resolved),
        dotenv,
        folder: "/x".into(),
        by_compose: true,
        ..Document::default()
    };
    let draft = draft(document).unwrap();
    let printed = serde_json::to_string(&draft).unwrap() + &draft.text();
    for secret in ["from-dotenv", "from-file", "fallback"] {
        assert!(!printed.contains(secret), "{secret} in\n{}", draft.text());
    }
    assert!(printed.contains("PLAIN: open"), "{}", draft.text());
}
