//! What PostgreSQL says of itself, in one call.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{Client, text};
use crate::{
    engine::{InStore, Login},
    observed::StoreFacts,
};

/// Below this size rows are counted one by one, above it the server's own estimate stands for them.
const COUNTED_BELOW: u64 = 256 << 20;

pub(super) async fn ask(store: &dyn InStore, login: &Login, settings: &[String]) -> StoreFacts {
    let said = match Client::of(login).sql(store, &questions(settings)).await {
        Ok(said) => said,
        Err(error) => return StoreFacts { error: Some(error.to_string()), ..StoreFacts::default() },
    };
    let mut facts = answers(&said.stdout);
    facts.login = Some(facts.version.is_some());
    if said.code != 0 {
        // Some tables may have been counted, but not all.
        facts.count = None;
        facts.error = Some(said.stderr.trim().to_owned());
    }
    facts
}

fn questions(settings: &[String]) -> String {
    let names: Vec<String> = settings.iter().map(|name| text(name)).collect();
    format!(
        "select json_build_object('version', current_setting('server_version'), 'database', current_database(), \
           'user', session_user, 'settings', (select coalesce(json_object_agg(n, current_setting(n, true)), '{{}}') \
           from unnest(array[{}]::text[]) n));\n\
         select case when pg_database_size(current_database()) < {COUNTED_BELOW} \
           then format('select count(*) from only %I.%I', nspname, relname) \
           else format('select %s', greatest(reltuples, 0)::bigint) end \
         from pg_class c join pg_namespace n on n.oid = c.relnamespace \
         where relkind = 'r' and relpersistence <> 't' and nspname !~ '^pg_' and nspname <> 'information_schema' \
         order by c.oid \\gexec\n",
        names.join(",")
    )
}

#[derive(Deserialize)]
struct Said {
    version: String,
    database: String,
    user: String,
    settings: BTreeMap<String, Option<String>>,
}

/// The first line is the JSON, each further one a table's count.
pub(super) fn answers(stdout: &str) -> StoreFacts {
    let mut lines = stdout.lines();
    let Some(said) = lines.next().and_then(|line| serde_json::from_str::<Said>(line).ok()) else {
        return StoreFacts::default();
    };
    let counts: Result<Vec<u64>, _> = lines.map(|line| line.trim().parse()).collect();
    StoreFacts {
        // `15.14 (Debian 15.14-0+deb12u1)`
        version: said.version.split(' ').next().map(str::to_owned),
        database: Some(said.database),
        user: Some(said.user),
        settings: said.settings.into_iter().filter_map(|(name, value)| Some((name, value?))).collect(),
        count: counts.ok().and_then(|counts| counts.into_iter().try_fold(0, u64::checked_add)),
        ..StoreFacts::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_that_the_server_does_not_know_is_absent() {
        let facts = answers(
            "{\"version\":\"15.14 (Debian)\",\"database\":\"d\",\"user\":\"u\",\"settings\":{\"a\":\"1\",\"b\":null}}\n3\n4\n",
        );
        assert_eq!(facts.version.as_deref(), Some("15.14"));
        assert_eq!(facts.settings, BTreeMap::from([("a".to_owned(), "1".to_owned())]));
        assert_eq!(facts.count, Some(7));
        let many = format!(
            "{{\"version\":\"15\",\"database\":\"d\",\"user\":\"u\",\"settings\":{{}}}}\n{}\n1\n",
            u64::MAX
        );
        assert_eq!(answers(&many).count, None, "more than can be counted");
    }
}
