//! What a server of production was set to, asked by whoever its container logs in as.

use super::ask;
use crate::observed::StoreFacts;

/// Questions on the input, the settings being its words; none of them is a secret, nor leads to one.
pub const OUTSIDE: &str = r#"
if [ -z "$REDIS_PASSWORD" ] && [ -r "$REDIS_PASSWORD_FILE" ]; then REDIS_PASSWORD=$(cat "$REDIS_PASSWORD_FILE"); fi
if [ -z "$REDISCLI_AUTH" ] && [ -n "$REDIS_PASSWORD" ]; then export REDISCLI_AUTH="$REDIS_PASSWORD"; fi
{
  echo INFO server; echo ECHO prodmirror-info; echo ACL WHOAMI
  for name in "$@"; do echo ECHO prodmirror-answer:; echo CONFIG GET "$name"; done
} | redis-cli
"#;

/// What is asked for, with the values that the server has by itself, of the versions since 6.
pub const DEFAULTS: [(&str, &[&str]); 18] = [
    ("maxmemory", &["0"]),
    ("maxmemory-policy", &["noeviction"]),
    ("maxmemory-samples", &["5"]),
    ("appendonly", &["no"]),
    ("appendfsync", &["everysec"]),
    ("save", &["3600 1 300 100 60 10000", "900 1 300 10 60 10000"]),
    ("databases", &["16"]),
    ("timeout", &["0"]),
    ("tcp-keepalive", &["300"]),
    ("maxclients", &["10000"]),
    ("notify-keyspace-events", &[""]),
    ("hz", &["10"]),
    ("activedefrag", &["no"]),
    ("lazyfree-lazy-eviction", &["no"]),
    ("lazyfree-lazy-expire", &["no"]),
    ("lazyfree-lazy-server-del", &["no"]),
    ("stop-writes-on-bgsave-error", &["yes"]),
    ("slowlog-log-slower-than", &["10000"]),
];

pub fn told(stdout: &str) -> StoreFacts {
    let mut facts = ask::answers(stdout);
    let is_default = |name: &str, value: &str| {
        DEFAULTS.iter().any(|(known, values)| *known == name && values.contains(&value))
    };
    facts.settings.retain(|name, value| !is_default(name, value));
    facts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_server_has_by_itself_is_not_told() {
        let told = told(
            "redis_version:7.0.15\nprodmirror-info\ndefault\nprodmirror-answer:\nmaxmemory\n1048576\n\
             prodmirror-answer:\nsave\n3600 1 300 100 60 10000\nprodmirror-answer:\n\nprodmirror-answer:\nhz\n20\n",
        );
        assert_eq!(told.version.as_deref(), Some("7.0.15"));
        let settings: Vec<(&str, &str)> =
            told.settings.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(settings, [("hz", "20"), ("maxmemory", "1048576")]);
    }
}
