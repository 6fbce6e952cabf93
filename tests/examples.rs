//! The walk-throughs: each bug shows on production's profile and not on a developer's, with the same check.

#![allow(clippy::unwrap_used)]

#[path = "support/cli.rs"]
#[allow(dead_code, reason = "other tests use the rest of it")]
mod cli;

use cli::{Cli, Done};

/// The check of an example on a mirror of its own, gone afterwards.
fn check(profile: &str, example: &str, options: &[&str]) -> Done {
    let cli = Cli::new();
    let profile = format!("profiles/{profile}.yaml");
    let check = format!("examples/{example}/check");
    let mut arguments = vec!["run", "-f", &profile];
    arguments.extend(options);
    arguments.extend(["--", &check]);
    cli.run(&arguments)
}

#[test]
fn the_shop_shows_old_prices_on_productions_profile_alone() {
    let production = check("shop", "shop", &[]);
    assert_eq!(production.code, 1, "{production}");
    assert!(production.stdout.contains("still shows"), "{production}");
    let developer = check("shop-dev", "shop", &[]);
    assert_eq!(developer.code, 0, "{developer}");
}

#[test]
fn each_of_the_three_causes_is_needed_for_old_prices() {
    for options in [
        ["--set", "services.api.replicas=1"],
        ["--set", "flags.ENABLE_CACHE=false"],
        ["--unset", "stores.cache.seed"],
    ] {
        let done = check("shop", "shop", &options);
        assert_eq!(done.code, 0, "{options:?}: {done}");
    }
}

#[test]
fn the_report_is_killed_for_memory_under_productions_limit_alone() {
    let production = check("oom", "oom", &[]);
    assert_eq!(production.code, 1, "{production}");
    assert!(production.stdout.contains("connection broke"), "{production}");
    let developer = check("oom-dev", "oom", &[]);
    assert_eq!(developer.code, 0, "{developer}");
}

#[test]
fn connections_run_out_with_three_replicas_alone() {
    let production = check("connections", "connections", &[]);
    assert_eq!(production.code, 1, "{production}");
    let developer = check("connections-dev", "connections", &[]);
    assert_eq!(developer.code, 0, "{developer}");
}
