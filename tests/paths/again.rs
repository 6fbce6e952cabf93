//! A second `up` on a mirror whose seed, volume or keeper is no longer what it was.

use std::time::Duration;

use crate::{
    cli::{Cli, Done, docker, left_of},
    file, id,
    profiles::{Profile, profile},
};

const SECRETS: &str = "secrets: {db-password: {generate: \"hex:12\"}}";

/// A store with a seed, a job that needs it, and a service that does not.
fn stack(name: &str) -> Profile {
    profile(name).with(SECRETS).web("").db("seed: ./seed\n").with(
        "jobs:\n  fill:\n    image: local:prodmirror-built/python:3.11\n    command: [echo, filled]\n    needs: [db]",
    )
}

fn seed(cli: &Cli, rows: &str) {
    let text = format!("create table note (id int primary key);\ninsert into note values {rows};\n");
    cli.file("seed/1.sql", &text);
}

fn sql(cli: &Cli, name: &str, text: &str) -> String {
    let psql = ["exec", name, "db", "--", "psql", "-U", "app", "-d", "notes", "-Atc", text];
    cli.run(&psql).ok().stdout.trim().to_owned()
}

#[track_caller]
fn says(done: &Done, line: &str) {
    let first = done.stderr.find(line).unwrap_or_else(|| panic!("`{line}` is not said: {done}"));
    let deed = done.stderr.find("seeding db").unwrap_or(usize::MAX);
    assert!(first < deed, "`{line}` is said first: {done}");
}

#[test]
fn a_second_up_sees_what_became_of_its_seed_its_volume_and_its_keeper() {
    let cli = Cli::new();
    let name = cli.name("again");
    seed(&cli, "(1), (2)");
    let file = file(&cli, &stack(&name));
    let up = || cli.run(&["up", "-f", &file]);
    let ids = || ["db.0.main", "fill.0.main", "web.0.main", "db.0"].map(|key| id(&name, key));
    up().ok();
    let first = ids();

    // The files were touched, as a checkout does it: nothing is done, and the next one does not even look.
    seed(&cli, "(1), (2)");
    let touched = up().ok();
    assert!(touched.stderr.contains("./seed was touched"), "{touched}");
    assert!(touched.stdout.contains("nothing had changed"), "{touched}");
    let again = up().ok();
    assert!(!again.stderr.contains("touched"), "{again}");
    assert_eq!(ids(), first);

    // They hold something else.
    sql(&cli, &name, "insert into note values (77)");
    seed(&cli, "(1), (2), (3)");
    let changed = up().ok();
    says(&changed, "db is seeded anew: ./seed changed since it was loaded, and what the store holds is lost");
    says(&changed, "fill.0.main is made anew");
    assert_eq!(sql(&cli, &name, "select string_agg(id::text, ' ') from note"), "1 2 3");
    let second = ids();
    assert!(first[0] != second[0] && first[1] != second[1], "the store and the job that needs it");
    assert_eq!((&first[2], &first[3]), (&second[2], &second[3]), "and nothing else");
    // What `reset` puts back is the new seed.
    sql(&cli, &name, "delete from note");
    cli.run(&["reset", &name, "db"]).ok();
    assert_eq!(sql(&cli, &name, "select count(*) from note"), "3");

    // Another file in the folder is another seed; and one that fails leaves no half of itself behind.
    cli.file("seed/2.sql", "insert into note values (4);\nnonsense;\n");
    let failed = cli.run(&["up", "-f", &file, "--format", "json"]).code(3).json();
    assert!(failed["message"].as_str().unwrap().contains("2.sql:2"), "{failed:#}");
    std::fs::remove_file(cli.home.path().join("seed/2.sql")).unwrap();
    let mended = up().ok();
    says(&mended, "db is seeded anew: its seeding was not finished");
    assert_eq!(sql(&cli, &name, "select count(*) from note"), "3");

    // A keeper that someone stopped runs again, and the state is what it was.
    sql(&cli, &name, "insert into note values (88)");
    let keeper = id(&name, "pm.keeper");
    let whole = ids();
    for word in ["stop", "kill", "pause"] {
        docker(&[word, &keeper]);
        let gc = cli.run(&["gc", "--format", "json"]).ok().json();
        assert_eq!(gc["containers"], serde_json::json!([]), "{word}: a mirror that is up is no garbage");
        let status = cli.run(&["status", &name, "--format", "json"]).ok().json();
        assert_eq!(
            status["mirrors"][0]["profile"]["name"],
            name.as_str(),
            "its journal is still read: {status:#}"
        );
        let done = up().ok();
        assert!(done.stderr.contains("pm.keeper starts"), "after {word}: {done}");
        assert_eq!(ids(), whole, "after {word}: {done}");
    }
    assert_eq!(id(&name, "pm.keeper"), keeper);
    assert_eq!(sql(&cli, &name, "select count(*) from note"), "4");
    docker(&["stop", &keeper]);
    cli.run(&["stop", &name, "web"]).ok();
    cli.run(&["start", &name, "web"]).ok();
    // It begins in a new container, a moment later.
    while cli.run(&["exec", &name, "web", "--", "true"]).code != 0 {
        std::thread::sleep(Duration::from_millis(100));
    }
    let web = id(&name, "web.0.main");

    // A volume that someone removed, which takes its container with it.
    docker(&["stop", &keeper]);
    docker(&["rm", "-f", &id(&name, "db.0.main")]);
    docker(&["volume", "rm", &format!("pm-{name}_db.0.data")]);
    let gone = up().ok();
    says(&gone, "db is seeded anew: its volume is gone");
    assert_eq!(sql(&cli, &name, "select count(*) from note"), "3");
    assert_ne!(id(&name, "fill.0.main"), whole[1], "the job that needs it ran again");
    assert_eq!(id(&name, "web.0.main"), web);
    cli.run(&["down", &name]).ok();
    assert_eq!(left_of(&name), [""; 0]);
}

#[test]
fn what_a_killed_up_or_down_left_is_no_part_of_the_next_mirror_and_nobody_waits_for_the_dead() {
    let cli = Cli::new();
    let name = cli.name("left");
    seed(&cli, "(1)");
    let file = file(&cli, &stack(&name));
    // Killed as soon as its keeper is there: before the lease, or just after.
    let mut child = cli.spawn(&["up", "-f", &file]);
    while id(&name, "pm.keeper").is_empty() {
        std::thread::sleep(Duration::from_millis(5));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let up = cli.run(&["up", "-f", &file]).ok();
    assert!(
        !up.stderr.contains("waiting until its keeper speaks"),
        "its maker was of this host and is gone: {up}"
    );
    sql(&cli, &name, "insert into note values (2)");

    // As a `down` leaves it that was killed between its containers and its volumes.
    let label = format!("label=prodmirror.mirror={name}");
    let all = docker(&["ps", "-aq", "--filter", &label]);
    docker(&[&["rm", "-f"], &all.lines().collect::<Vec<_>>()[..]].concat());
    let up = cli.run(&["up", "-f", &file]).ok();
    assert!(up.stderr.contains("its remains are removed first"), "{up}");
    assert_eq!(sql(&cli, &name, "select count(*) from note"), "1");
}
