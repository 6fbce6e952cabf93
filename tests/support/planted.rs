//! Secrets of forty shapes to plant where they must not come out.

/// Letters that no two canaries share, and that no text holds by chance.
pub struct Chance(pub u64);

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
pub enum Shows {
    /// It is one wherever it stands.
    Itself,
    /// A word that only its place gives away.
    Nothing,
}

/// Forty shapes: the text that is planted, and the letters of it that nobody may see.
pub fn shapes(chance: &mut Chance) -> Vec<(&'static str, String, String, Shows)> {
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
