//! Whose name it is: two at once, another profile's, another owner's, a `run` that joins.

use std::process::{Child, Output};

use crate::{
    cli::{Cli, Done, docker, left_of},
    file,
    profiles::profile,
};

fn ended(child: Child) -> Done {
    let output: Output = child.wait_with_output().unwrap();
    output.into()
}

fn sql(cli: &Cli, name: &str, text: &str) -> String {
    let psql = ["exec", name, "db", "--", "psql", "-U", "app", "-d", "notes", "-Atc", text];
    cli.run(&psql).ok().stdout.trim().to_owned()
}

#[test]
fn of_two_ups_at_once_one_wins_and_the_other_says_so_and_touches_nothing() {
    let cli = Cli::new();
    // Together, and one in each part of the other's way.
    for (round, later) in [0, 0, 150, 400, 900].into_iter().enumerate() {
        let name = cli.name("twice");
        let file = cli.file(&format!("{round}.yaml"), &profile(&name).web("").text()).display().to_string();
        let up = ["up", "-f", &file, "--format", "json"];
        let first = cli.spawn(&up);
        std::thread::sleep(std::time::Duration::from_millis(later));
        let second = cli.spawn(&up);
        let (first, second) = (ended(first), ended(second));
        let (won, lost) = if first.code == 0 { (first, second) } else { (second, first) };
        let mirror = won.ok().json();
        assert_eq!(mirror["ready"], true, "{mirror:#}");
        // Who comes when all is done finds a mirror that is up.
        if lost.code != 0 {
            let error = lost.code(4).json();
            assert_eq!(error["code"], "leased", "{error:#}");
            assert!(error["message"].as_str().unwrap().contains(&name), "{error:#}");
            assert!(error["kept"].is_null() && error["artifacts"].is_null(), "{error:#}");
        }
        let status = cli.run(&["status", &name, "--format", "json"]).ok().json();
        assert_eq!(status["mirrors"][0]["ready"], true, "{status:#}");
        assert!(status["mirrors"][0]["failure"].is_null(), "{status:#}");
        cli.run(&["down", &name]).ok();
        assert_eq!(left_of(&name), [""; 0]);
    }
}

#[test]
fn a_name_is_replaced_with_all_of_its_state_when_it_is_asked_for() {
    let cli = Cli::new();
    let name = cli.name("replace");
    let secrets = "secrets: {db-password: {generate: \"hex:12\"}}";
    cli.file("seed.sql", "create table note (text text);\ninsert into note values ('mine');\n");
    let mine = file(&cli, &profile(&name).with(secrets).db("seed: ./seed.sql\n"));
    cli.run(&["up", "-f", &mine]).ok();
    sql(&cli, &name, "insert into note values ('changed')");

    // Another profile with a store of the same name and seed.
    let other = profile(&format!("{name}-other")).with(secrets).db("seed: ./seed.sql\n").text();
    let other = cli.file("other.yaml", &other).display().to_string();
    let taken = cli.run(&["up", "-f", &other, "--name", &name, "--format", "json"]).code(2).json();
    assert_eq!(taken["code"], "name-taken");
    let up = cli.run(&["up", "-f", &other, "--name", &name, "--replace"]).ok();
    assert!(up.stderr.contains("replacing the mirror that is there"), "{up}");
    assert_eq!(sql(&cli, &name, "select string_agg(text, ' ') from note"), "mine", "its own seed alone");

    // And another owner.
    let they = Cli::new();
    let theirs = they.file("prodmirror.yaml", &profile(&name).web("").text()).display().to_string();
    they.run(&["up", "-f", &theirs, "--name", &name]).code(2);
    they.run(&["up", "-f", &theirs, "--name", &name, "--replace"]).ok();
    let label = format!("label=prodmirror.mirror={name}");
    let owners = docker(&["ps", "-a", "--filter", &label, "--format", "{{.Label \"prodmirror.owner\"}}"]);
    assert!(owners.lines().all(|owner| owner == they.owner), "{owners}");
    assert_eq!(docker(&["volume", "ls", "-q", "--filter", &label, "--filter", "name=db"]), "");
    // Of the same profile, and yet not ours.
    let refused = cli.run(&["up", "-f", &mine]).code(2);
    assert!(refused.stderr.contains(&format!("of owner {}", they.owner)), "{refused}");
}

#[test]
fn a_run_joins_a_mirror_that_is_up_and_leaves_it() {
    let cli = Cli::new();
    let name = cli.name("reuse");
    let file = file(&cli, &profile(&name).web(""));
    let run = |options: &[&str]| {
        let mut words = vec!["run", "-f", &file, "--name", &name];
        words.extend(options);
        words.extend(["--", "sh", "-c", "echo $PRODMIRROR_MIRROR; exit 3"]);
        cli.run(&words)
    };
    cli.run(&["up", "-f", &file]).ok();
    let before = left_of(&name);
    let refused = run(&[]).code(125);
    assert!(refused.stderr.contains("--reuse") && refused.stdout.is_empty(), "{refused}");
    let joined = run(&["--reuse"]).code(3);
    assert_eq!(joined.stdout, format!("{name}\n"), "nothing but the command's own");
    assert_eq!(left_of(&name), before, "it stays, and nothing of it was made anew");

    // Where there is none, what the run made goes with it.
    cli.run(&["down", &name]).ok();
    run(&["--reuse"]).code(3);
    assert_eq!(left_of(&name), [""; 0]);
}

#[test]
fn what_is_required_is_judged_and_the_mirror_stays_but_a_runs_goes() {
    let cli = Cli::new();
    let name = cli.name("require");
    let file = file(&cli, &profile(&name).web("user: \"0:0\"\n"));
    let up = |require: &str| cli.run(&["up", "-f", &file, "--require", require]);
    up("enforced:services.web.user").ok();
    let failed = up("enforced:services.web.image").code(1);
    assert!(
        failed.stderr.contains("services.web.image") && failed.stderr.contains("approximated"),
        "{failed}"
    );
    assert!(!left_of(&name).is_empty(), "the mirror stays");
    up("enforced:services.nobody").code(2);
    up("perfect:services.web").code(2);
    assert_eq!(cli.run(&["ledger", &name, "--require", "enforced:image"]).code, 1);
    assert_eq!(cli.run(&["ledger", &name, "--require", "approximated:image"]).code, 0);

    for require in ["enforced:services.web.image", "enforced:services.nobody"] {
        let info = cli.home.path().join("ran").display().to_string();
        let words = ["run", "-f", &file, "--name", "NAME", "--require", require, "--", "touch", &info];
        let one_off = format!("{name}-run");
        let words = words.map(|word| if word == "NAME" { one_off.as_str() } else { word });
        let run = cli.run(&words).code(125);
        assert!(!std::path::Path::new(&info).exists(), "the command was not run: {run}");
        assert_eq!(left_of(&one_off), [""; 0], "{run}");
    }
}
