//! From `up` to `down`: what is made, changed, stopped and removed.

use std::io::{BufRead as _, BufReader};

use crate::{
    ground::{User, ground, until},
    profiles::Profile,
};

const SEED: &str =
    "create table note (id int primary key, text text);\ninsert into note values (1, 'one'), (2, 'two');\n";
const SECRETS: &str = r#"secrets: {db-password: {generate: "hex:12"}, token: {generate: "letters:20"}}"#;
const JOB: &str = r#"jobs: {migrate: {image: "local:prodmirror-built/python:3.11", command: [sh, -c, "echo migrated"], needs: [db]}}"#;
const WEB: &str = r#"env: {DATABASE_URL: "${store:db.url}", TOKEN: "x-${secret:token}"}
replicas: 2
resources: {limits: {cpu: 50m, memory: 64Mi}}
needs: [migrate]"#;

/// Two replicas, a job, a seeded store; `aside` shares nothing with them.
fn whole(profile: Profile) -> Profile {
    profile
        .with(SECRETS)
        .with(JOB)
        .web(WEB)
        .shell("aside", "echo here; sleep 3600", "")
        .db("seed: ./seed.sql\nsettings: {max_connections: 20}")
}

/// A user whose mirror's profile may name the seed.
fn user(stem: &str, profile: impl FnOnce(Profile) -> Profile) -> User {
    let user = User::new(stem, profile);
    user.cli.file("seed.sql", SEED);
    user
}

fn ready(replicas: &[&str]) -> Vec<String> {
    replicas.iter().map(|replica| format!("{replica} ready")).collect()
}

#[test]
fn a_mirror_comes_up_verified_changes_where_its_profile_does_and_goes_without_a_trace() {
    let it = user("life", whole);
    let up = it.up(&["--format", "json"]).ok().json();
    assert_eq!((&up["ready"], &up["backend"]), (&true.into(), &"kubernetes".into()), "{up:#}");
    let mut all = ready(&["aside/0", "db/0"]);
    all.push("migrate/0 finished".to_owned());
    all.extend(ready(&["web/0", "web/1"]));
    assert_eq!(it.states(), all);
    assert_eq!(it.sql("select count(*) from note"), "2");
    let ledger = it.run("ledger", &["--format", "json"]).ok().json();
    let sum = |key: &str| ledger["summary"][key].as_u64().unwrap();
    assert_eq!(sum("unmet"), 0, "{ledger:#}");
    assert!(sum("unread") * 10 <= sum("total"), "{ledger:#}");

    // Again.
    let pods = || ["aside", "db", "migrate", "web"].map(|service| it.pods(service));
    let before = pods();
    let again = it.up(&[]).ok();
    assert!(again.stdout.contains("nothing had changed"), "{again}");
    assert_eq!(pods(), before);

    // A variable of one service.
    let [aside, db, migrate, web] = before;
    let changed = it.up(&["--set", "services.aside.env.NEW=1"]).ok();
    let says = changed.stderr.find("Deployment aside is changed: its plan changed");
    assert!(says.is_some_and(|at| at < changed.stderr.find("apply ").unwrap()), "said first: {changed}");
    assert!(!changed.stderr.contains("Deployment web is changed"), "{changed}");
    assert_ne!(it.pods("aside"), aside);
    assert_eq!([it.pods("db"), it.pods("migrate"), it.pods("web")], [db, migrate, web.clone()]);
    assert_eq!(it.run("exec", &["aside", "--", "printenv", "NEW"]).ok().stdout, "1\n");
    let from = format!("mirror:{}", it.name);
    let dumped = it.cli.run(&["env-dump", "--from", &from, "--service", "aside"]).ok();
    assert!(dumped.stdout.contains("NEW=1"), "{dumped}");
    let of_web = ["env-dump", "--from", &from, "--service", "web"];
    let given = it.cli.run(&of_web).ok();
    assert!(given.stdout.contains("#secret TOKEN="), "a value that was not read is no absent one: {given}");
    let live = it.cli.run(&[&of_web[..], &["--live"]].concat()).ok();
    assert!(live.stdout.contains("KUBERNETES_SERVICE_HOST="), "the process was asked: {live}");
    assert!(live.stdout.lines().any(|line| line.starts_with("#secret TOKEN=") && line.len() > 30), "{live}");

    // Another value of a secret reaches who was given it, and nobody else.
    let aside = it.pods("aside");
    let token = it.cli.file("token", "another").display().to_string();
    let set = ["--set", "services.aside.env.NEW=1"];
    let refilled = it.up(&[&set[..], &["--secret", &format!("token=@{token}")]].concat()).ok();
    assert!(refilled.stderr.contains("Secret token.secret is changed: it has another value"), "{refilled}");
    assert_eq!(it.run("exec", &["web", "--", "printenv", "TOKEN"]).ok().stdout, "x-another\n");
    assert!(it.pods("web").iter().all(|pod| !web.contains(pod)));
    assert_eq!(it.pods("aside"), aside);
    let kept = it.up(&set).ok();
    assert!(kept.stdout.contains("nothing had changed"), "{kept}");

    // Another seed.
    it.sql("insert into note values (3, 'three')");
    it.cli.file("seed.sql", &format!("{SEED}insert into note values (4, 'four'), (5, 'five');\n"));
    let seeded = it.up(&set).ok();
    assert!(seeded.stderr.contains("db is seeded anew: ./seed.sql changed since it was loaded"), "{seeded}");
    assert_eq!(it.sql("select count(*) from note"), "4");

    // What somebody else changed is put right.
    it.kubectl(&["set", "resources", "deployment/web", "--limits=memory=128Mi"]);
    it.run("ledger", &[]).code(1);
    it.up(&set).ok();
    it.run("ledger", &[]).ok();

    // What the profile no longer has.
    let pruned = it.up(&["--unset", "services.aside"]).ok();
    assert!(pruned.stderr.contains("Deployment aside is removed: the profile no longer has it"), "{pruned}");
    until("its pod is gone", || it.pods("aside").is_empty());

    let removed = it.run("down", &["--format", "json"]).ok().json();
    assert!(removed["objects"].to_string().contains("statefulset/db"), "{removed:#}");
    assert!(!ground().has(&it.name));
    it.run("down", &[]).code(2);
}

#[test]
fn a_mirror_stops_in_order_keeps_its_state_and_starts_again() {
    let it = user("power", whole);
    it.up(&[]).ok();
    it.sql("insert into note values (3, 'three')");
    it.run("stop", &[]).ok();
    let stopped = ["aside/0 stopped", "db/0 stopped", "migrate/0 finished", "web/0 stopped", "web/1 stopped"];
    assert_eq!(it.states(), stopped);
    it.run("exec", &["web", "--", "true"]).code(125);
    it.cli.run(&["gc"]).ok();
    let started = it.run("start", &[]).ok();
    assert!(started.stdout.contains("web/1"), "{started}");
    assert_eq!(it.sql("select count(*) from note"), "3");

    // One service, one replica.
    it.run("stop", &["web"]).ok();
    assert_eq!(it.states()[1..], ["db/0 ready", "migrate/0 finished", "web/0 stopped", "web/1 stopped"]);
    // An `up` makes it what the profile says.
    it.up(&[]).ok();
    assert_eq!(it.states()[1..], ["db/0 ready", "migrate/0 finished", "web/0 ready", "web/1 ready"]);
    let before = it.pods("web");
    it.run("restart", &["web/1"]).ok();
    let after = it.pods("web");
    assert_eq!(after.iter().filter(|pod| before.contains(pod)).count(), 1, "{before:?} {after:?}");
    let refused = it.run("stop", &["web/1", "--format", "json"]).code(2).json();
    assert_eq!(refused["code"], "one-replica", "{refused:#}");

    let reset = it.run("reset", &["--format", "json"]).ok().json();
    assert_eq!(reset["stores"][0]["store"], "db", "{reset:#}");
    assert_eq!(it.sql("select count(*) from note"), "2");
    assert_eq!(it.states()[1..], ["db/0 ready", "migrate/0 finished", "web/0 ready", "web/1 ready"]);
}

#[test]
fn a_run_answers_the_commands_code_and_leaves_nothing() {
    let it = user("run", |profile| profile.shell("aside", "sleep 3600", ""));
    let run = |words: &[&str]| it.cli.run(&[&["run", "-f", &it.file], words].concat());
    let done = run(&["--", "sh", "-c", "echo in $PRODMIRROR_MIRROR; exit 7"]).code(7);
    let name = done.stdout.trim().strip_prefix("in ").unwrap().to_owned();
    assert!(!ground().has(&name), "{done}");
    run(&["--", "/no/such"]).code(127);
    it.up(&[]).ok();
    run(&["--name", &it.name, "--", "true"]).code(125);
    run(&["--name", &it.name, "--reuse", "--", "true"]).ok();
    assert!(ground().has(&it.name), "it was not this run's to remove");
}

#[test]
fn a_down_that_is_held_up_says_by_what_and_goes_on() {
    let it = user("held", |profile| profile.shell("aside", "sleep 3600", ""));
    it.up(&[]).ok();
    it.kubectl(&["create", "configmap", "held"]);
    let patch = |finalizers: &str| {
        let patch = format!("{{\"metadata\": {{\"finalizers\": {finalizers}}}}}");
        it.kubectl(&["patch", "configmap", "held", "--type", "merge", "--patch", &patch])
    };
    patch("[\"example.com/hold\"]");
    let mut down = it.cli.spawn(&["down", &it.name]);
    let mut said = BufReader::new(down.stderr.take().unwrap()).lines();
    let held = said.find(|line| line.as_ref().is_ok_and(|line| line.contains("example.com/hold")));
    assert!(held.unwrap().unwrap().contains("configmap/held"), "the object that holds it is named");
    patch("[]");
    assert!(down.wait().unwrap().success());
    assert!(!ground().has(&it.name));
}
