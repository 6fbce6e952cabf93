//! What Redis says of itself, in one call.

use super::{Client, Configuration};
use crate::{
    engine::{InStore, Login},
    observed::StoreFacts,
};

/// Stands before each answer; no answer of the server begins so.
const MARK: &str = "prodmirror-answer:";
const INFO: &str = "prodmirror-info";

/// Questions for settings, each under its mark.
pub(super) fn configuration<'a>(names: &[&'a str]) -> Vec<Vec<&'a str>> {
    names.iter().flat_map(|name| [vec!["ECHO", MARK], vec!["CONFIG", "GET", *name]]).collect()
}

/// Answers are a mark, the name, and the value, which may have several lines.
pub(super) fn read_configuration(stdout: &str) -> Configuration {
    let answers = stdout.split(&format!("{MARK}\n")).skip(1).map(str::to_owned).collect::<Vec<_>>();
    answers
        .iter()
        .filter_map(|answer| {
            let (name, value) = answer.split_once('\n')?;
            // A name that is not known is answered with an empty line.
            (!name.is_empty())
                .then(|| (name.to_owned(), value.strip_suffix('\n').unwrap_or(value).to_owned()))
        })
        .collect()
}

pub(super) async fn ask(store: &dyn InStore, login: &Login, settings: &[String]) -> StoreFacts {
    let names: Vec<&str> = settings.iter().map(String::as_str).collect();
    let mut questions = vec![vec!["INFO"], vec!["ECHO", INFO], vec!["ACL", "WHOAMI"]];
    questions.extend(configuration(&names));
    let questions: Vec<&[&str]> = questions.iter().map(Vec::as_slice).collect();
    let said = match Client::on_network(login).ask(store, &questions).await {
        Ok(said) => said,
        Err(error) => return StoreFacts { error: Some(error.to_string()), ..StoreFacts::default() },
    };
    let mut facts = answers(&said.stdout);
    // A server without a password takes any, and says so on stderr.
    facts.login = Some(facts.version.is_some() && said.stderr.trim().is_empty());
    facts.database = facts.version.as_ref().map(|_| login.database.clone().unwrap_or_else(|| "0".to_owned()));
    if facts.login == Some(false) {
        facts.error = Some(said.words());
    }
    facts
}

pub(super) fn answers(stdout: &str) -> StoreFacts {
    let (info, rest) = stdout.split_once(&format!("{INFO}\n")).unwrap_or((stdout, ""));
    let field = |name: &str| {
        info.lines().find_map(|line| line.trim_end().strip_prefix(name)?.strip_prefix(':')).map(str::to_owned)
    };
    let user = rest.lines().next().filter(|user| !user.starts_with("ERR") && !user.starts_with(MARK));
    StoreFacts {
        version: field("redis_version"),
        user: user.map(str::to_owned),
        settings: read_configuration(rest),
        count: field("redis_version").map(|_| keys(info)),
        expired: field("rdb_last_load_keys_expired").and_then(|count| count.parse().ok()),
        ..StoreFacts::default()
    }
}

/// The keys of all databases: `db0:keys=3,expires=1,avg_ttl=0`.
pub(super) fn keys(info: &str) -> u64 {
    let of_line = |line: &str| {
        let (number, counts) = line.strip_prefix("db")?.split_once(":keys=")?;
        number.parse::<u32>().ok()?;
        counts.split(',').next()?.trim().parse::<u64>().ok()
    };
    info.lines().filter_map(of_line).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_told_apart() {
        let stdout = "# Server\r\nredis_version:7.0.15\r\nrdb_last_load_keys_expired:2\r\n# Keyspace\r\n\
            db0:keys=3,expires=0,avg_ttl=0\r\ndb2:keys=4,expires=0,avg_ttl=0\r\n\nprodmirror-info\ndefault\n\
            prodmirror-answer:\nmaxmemory\n0\nprodmirror-answer:\n\nprodmirror-answer:\nsave\n3600 1\n";
        let facts = answers(stdout);
        assert_eq!(facts.version.as_deref(), Some("7.0.15"));
        assert_eq!((facts.count, facts.expired), (Some(7), Some(2)));
        assert_eq!(facts.user.as_deref(), Some("default"));
        let settings: Vec<_> = facts.settings.into_iter().collect();
        assert_eq!(settings, [("maxmemory".into(), "0".into()), ("save".to_owned(), "3600 1".to_owned())]);
    }
}
