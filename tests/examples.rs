//! The walk-throughs: each bug shows on production's profile and not on a developer's, with the same check.
//!
//! On Kubernetes one of them by default; with `PRODMIRROR_SOAK=1` all.

#![allow(clippy::unwrap_used)]

#[path = "support/cli.rs"]
#[allow(dead_code, reason = "other tests use the rest of it")]
mod cli;
#[cfg(feature = "kubernetes")]
#[path = "support/clustered.rs"]
#[allow(dead_code, reason = "other tests use the rest of it")]
mod clustered;

use cli::{Cli, Done};

/// The check of an example on a mirror of its own, gone afterwards.
fn check(profile: &str, example: &str, options: &[&str]) -> Done {
    check_as(&Cli::new(), profile, example, options)
}

fn check_as(cli: &Cli, profile: &str, example: &str, options: &[&str]) -> Done {
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

/// Production's nodes have room for what the shop asks for; two cores have not.
#[cfg(feature = "kubernetes")]
const SMALLER: [&str; 8] = [
    "--set",
    "services.api.resources.requests.cpu=20m",
    "--set",
    "services.worker.resources.requests.cpu=20m",
    "--set",
    "stores.db.resources.requests.cpu=50m",
    "--set",
    "stores.cache.resources.requests.cpu=50m",
];

#[cfg(feature = "kubernetes")]
#[test]
fn on_kubernetes_each_bug_shows_on_productions_profile_alone_as_well() {
    let soak = std::env::var("PRODMIRROR_SOAK").is_ok_and(|soak| soak == "1");
    let long: [(&str, &[&str]); 2] = [("connections", &[]), ("shop", &SMALLER)];
    for (example, options) in [("oom", &[][..])].into_iter().chain(long.into_iter().filter(|_| soak)) {
        let on_kind = |profile: &str, options: &[&str]| {
            check_as(clustered::user(), profile, example, &[options, &["--backend", "kind"]].concat())
        };
        let production = on_kind(example, options);
        assert_eq!(production.code, 1, "{example}: {production}");
        assert!(production.stdout.contains("WRONG"), "{example}: {production}");
        let developer = on_kind(&format!("{example}-dev"), &[]);
        assert_eq!(developer.code, 0, "{example}: {developer}");
    }
}
