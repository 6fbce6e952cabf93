//! The ledger on a real engine: each mechanism is broken on purpose, and its entry, and no other, says so.

#![allow(clippy::print_stdout, reason = "a test says aloud what it cannot try")]
#![allow(clippy::unwrap_used)]

#[path = "support/cli.rs"]
#[allow(dead_code, reason = "other tests use the rest of it")]
mod cli;
#[path = "verify/mirror.rs"]
mod mirror;

use cli::{Cli, docker};
use mirror::Mirror;

/// Each step breaks something and puts it back, or leaves it broken for all that follow.
#[test]
fn every_mechanism_that_is_broken_is_noticed() {
    let mirror = Mirror::up();
    mirror.notices(&[]);
    it_holds_no_secret_and_hardly_anything_is_unread(&mirror);
    its_capture_is_its_profile_again(&mirror);

    settings_and_passwords_of_stores(&mirror);
    names_and_networks(&mirror);
    settings_of_the_kernel(&mirror);
    limits(&mirror);
    another_container_in_place_of_one(&mirror);
    the_end_of_a_job(&mirror);
    a_file(&mirror);
    replicas(&mirror);
    a_network_that_is_not_closed(&mirror);
}

fn it_holds_no_secret_and_hardly_anything_is_unread(mirror: &Mirror) {
    let ledger = mirror.ledger();
    let count = |name: &str| ledger["summary"][name].as_u64().unwrap();
    assert!(count("unread") * 10 <= count("total"), "{ledger:#}");
    let environment = docker(&["inspect", "-f", "{{json .Config.Env}}", &mirror.id("db.0.main")]);
    let environment: Vec<String> = serde_json::from_str(&environment).unwrap();
    let secret = environment.iter().find_map(|variable| variable.strip_prefix("POSTGRES_PASSWORD=")).unwrap();
    assert!(secret.len() == 24 && !ledger.to_string().contains(secret), "the ledger holds no secret");
}

/// What nothing in a mirror tells; all else is read from what runs.
const NOT_READ: [&str; 1] = ["secrets"];

/// The paths in which a capture differs from the profile, and those that it says were not read.
fn captured(mirror: &Mirror) -> (Vec<String>, Vec<String>) {
    let project = format!("pm-{}", mirror.name);
    let (profile, to) =
        (mirror.cli.home.path().join("prodmirror.yaml"), mirror.cli.home.path().join("captured.yaml"));
    let (profile, to) = (profile.to_str().unwrap(), to.to_str().unwrap());
    let document = mirror
        .cli
        .run(&["capture", "docker", "--project", &project, "-o", to, "--force", "--format", "json"])
        .ok()
        .json();
    let account = |part: &str| document["account"][part].as_u64().unwrap();
    assert_eq!(account("leaves"), account("used") + account("noted"), "{document:#}");
    let paths = |of: &serde_json::Value| -> Vec<String> {
        of.as_array().unwrap().iter().map(|one| one["path"].as_str().unwrap().to_owned()).collect()
    };
    mirror.cli.run(&["check", to]).ok();
    let difference = mirror.cli.run(&["diff", profile, to, "--format", "json"]).json();
    let project =
        mirror.cli.run(&["diff", &format!("compose:{project}"), to, "--format", "json"]).ok().json();
    assert_eq!(paths(&project["changes"]), [""; 0], "the project as a source is the mirror");
    (paths(&difference["changes"]), paths(&document["notes"]))
}

fn its_capture_is_its_profile_again(mirror: &Mirror) {
    let (changed, noted) = captured(mirror);
    assert_eq!((changed, noted), (Vec::new(), NOT_READ.map(str::to_owned).to_vec()));
    let web = mirror.id("web.0.main");
    docker(&["update", "--pids-limit", "70", &web]);
    assert_eq!(captured(mirror).0, ["services.web.pids"], "it is read, not remembered");
    docker(&["update", "--pids-limit", "50", &web]);
    mirror.notices(&[]);
    let named = mirror.cli.run(&["capture", "docker", &web]).ok();
    assert!(named.stdout.contains("PLAIN: one") && named.stdout.contains("pids: 50"), "{named}");
}

fn settings_and_passwords_of_stores(mirror: &Mirror) {
    let (db, cache) = (mirror.id("db.0.main"), mirror.id("cache.0.main"));
    let sql = |sql: &str| drop(docker(&["exec", &db, "psql", "-U", "app", "-d", "notes", "-qc", sql]));
    // The server's own arguments win over `alter system`, and not over this.
    sql("alter database notes set work_mem = '64MB'");
    docker(&["exec", &cache, "sh", "-c", &redis(mirror, "config set maxmemory-policy allkeys-lru")]);
    let found = mirror.notices(&["stores.cache.settings.maxmemory-policy", "stores.db.settings.work_mem"]);
    assert_eq!((&found[0]["live"], &found[1]["live"]), (&"allkeys-lru".into(), &"64MB".into()));
    sql("alter database notes reset work_mem");
    docker(&["exec", &cache, "sh", "-c", &redis(mirror, "config set maxmemory-policy noeviction")]);
    mirror.notices(&[]);

    docker(&["exec", &cache, "sh", "-c", &redis(mirror, "config set requirepass another")]);
    mirror.notices(&["stores.cache.password"]);
    docker(&[
        "exec",
        &cache,
        "redis-cli",
        "-a",
        "another",
        "config",
        "set",
        "requirepass",
        &password(mirror),
    ]);
    sql("alter role app password 'another'");
    mirror.notices(&["stores.db.database", "stores.db.password", "stores.db.user"]);
    let before = docker(&["inspect", "-f", "{{json .Config.Env}}", &db]);
    let before: Vec<String> = serde_json::from_str(&before).unwrap();
    let own = before.iter().find_map(|variable| variable.strip_prefix("POSTGRES_PASSWORD=")).unwrap();
    sql(&format!("alter role app password '{own}'"));
    mirror.notices(&[]);
}

/// Redis takes its password from a file that the mirror mounts.
fn password(mirror: &Mirror) -> String {
    let conf = docker(&["exec", &mirror.id("cache.0.main"), "cat", "/etc/prodmirror/redis.conf"]);
    let line = conf.lines().find_map(|line| line.strip_prefix("requirepass ")).unwrap();
    line.trim_matches('"').to_owned()
}

fn redis(mirror: &Mirror, command: &str) -> String {
    format!("redis-cli -a '{}' {command}", password(mirror))
}

fn names_and_networks(mirror: &Mirror) {
    let members = mirror.members();
    let aliases = |key: &str| members.iter().find(|(member, _)| member == key).unwrap().1.clone();
    for (key, entry) in [("web.1", "services.web.ports[name=http]"), ("db.0", "stores.db.balancing")] {
        mirror.leave(key);
        mirror.join(key, &[]);
        mirror.notices(&[entry]);
        mirror.leave(key);
        mirror.join(key, &aliases(key));
        mirror.notices(&[]);
    }
    let other = format!("{}-other", mirror.name);
    docker(&["network", "create", "--internal", &other]);
    let pause = mirror.id("web.1");
    docker(&["network", "connect", &other, &pause]);
    let found = mirror.broken();
    docker(&["network", "disconnect", &other, &pause]);
    docker(&["network", "rm", &other]);
    assert_eq!((&found[0]["path"], found.len()), (&"network.egress".into(), 1), "{found:#?}");
    assert!(found[0]["why"].as_str().unwrap().contains(&other), "{found:#?}");
    mirror.notices(&[]);
}

fn settings_of_the_kernel(mirror: &Mirror) {
    mirror.beside("web.0", "echo 301 > /proc/sys/net/core/somaxconn");
    let found = mirror.notices(&["services.web.sysctls[\"net.core.somaxconn\"]"]);
    assert_eq!(found[0]["live"], "301");
    mirror.beside("web.0", "echo 300 > /proc/sys/net/core/somaxconn");
    mirror.notices(&[]);
}

fn limits(mirror: &Mirror) {
    let web = mirror.id("web.1.main");
    docker(&["update", "--memory", "96m", "--memory-swap", "96m", &web]);
    docker(&["update", "--cpus", "0.7", "--pids-limit", "70", "--cpu-shares", "700", &web]);
    let changed = ["pids", "resources.limits.cpu", "resources.limits.memory", "resources.requests.cpu"];
    let changed = changed.map(|field| format!("services.web.{field}"));
    let found = mirror.notices(&changed.each_ref().map(String::as_str));
    assert_eq!((&found[0]["live"], &found[1]["live"]), (&70.into(), &"700m".into()));
    docker(&["update", "--memory", "64m", "--memory-swap", "128m", &web]);
    docker(&["update", "--cpus", "0.5", "--pids-limit", "50", "--cpu-shares", "102", &web]);
    mirror.notices(&["platform.swap"]);
    docker(&["update", "--memory", "64m", "--memory-swap", "64m", &web]);
    docker(&["update", "--pids-limit", "300", &mirror.id("db.0.main")]);
    let found = mirror.notices(&["stores.db.pids"]);
    assert_eq!((&found[0]["live"], found[0].get("wanted")), (&300.into(), None), "nobody asked for it");
    docker(&["update", "--pids-limit", "-1", &mirror.id("db.0.main")]);
    mirror.notices(&[]);
}

fn another_container_in_place_of_one(mirror: &Mirror) {
    mirror.recreate("web.0.main", |body| {
        let env = body.env.as_mut().unwrap();
        env.retain(|variable| !variable.starts_with("FAST="));
        for variable in env.iter_mut() {
            match variable.split_once('=').unwrap().0 {
                "PLAIN" => *variable = "PLAIN=two".to_owned(),
                "KEY" => *variable = "KEY=leaked".to_owned(),
                _ => {}
            }
        }
        env.push("NEW=1".to_owned());
        body.user = Some("1000:1000".to_owned());
        body.working_dir = Some("/tmp".to_owned());
        body.labels.as_mut().unwrap().insert("team".to_owned(), "other".to_owned());
        let host = body.host_config.as_mut().unwrap();
        host.binds = Some(vec!["/usr/share:/mnt:ro".to_owned()]);
        host.cap_add = Some(vec!["NET_BIND_SERVICE".to_owned()]);
        host.readonly_rootfs = Some(false);
        host.ulimits = None;
    });
    let found = mirror.notices(&[
        "flags.FAST",
        "services.web.capabilities.add",
        "services.web.env.KEY",
        "services.web.env.NEW",
        "services.web.env.PLAIN",
        "services.web.flags",
        "services.web.labels.team",
        "services.web.read_only",
        "services.web.ulimits.nofile",
        "services.web.user",
        "services.web.volumes[\"/mnt\"]",
        "services.web.working_dir",
    ]);
    let live = |at: usize| found[at]["live"].clone();
    assert_eq!((live(2), live(3), live(4)), ("***".into(), "1".into(), "two".into()));
    assert_eq!(live(10), serde_json::json!({"host": "/usr/share", "read_only": true}));
    assert!(!mirror.ledger().to_string().contains("leaked"), "what stands for a secret is not shown");
    mirror.recreate("web.0.main", |body| {
        let env = body.env.as_mut().unwrap();
        env.retain(|variable| !variable.starts_with("NEW="));
        env.push("FAST=true".to_owned());
        let plain = env.iter_mut().find(|variable| variable.starts_with("PLAIN=")).unwrap();
        *plain = "PLAIN=one".to_owned();
        body.user = Some("0:0".to_owned());
        body.working_dir = None;
        body.labels.as_mut().unwrap().remove("team");
        let host = body.host_config.as_mut().unwrap();
        (host.binds, host.cap_add, host.readonly_rootfs) = (None, None, Some(true));
        let nofile = bollard::models::ResourcesUlimits {
            name: Some("nofile".to_owned()),
            soft: Some(2048),
            hard: Some(2048),
        };
        host.ulimits = Some(vec![nofile]);
    });
    mirror.notices(&["services.web.env.KEY"]);
    let key = docker(&["inspect", "-f", "{{json .Config.Env}}", &mirror.id("web.1.main")]);
    let key: Vec<String> = serde_json::from_str(&key).unwrap();
    let key = key.into_iter().find(|variable| variable.starts_with("KEY=")).unwrap();
    mirror.recreate("web.0.main", |body| {
        let env = body.env.as_mut().unwrap();
        env.retain(|variable| !variable.starts_with("KEY="));
        env.push(key);
    });
    mirror.notices(&[]);
}

fn the_end_of_a_job(mirror: &Mirror) {
    mirror
        .recreate("migrate.0.main", |body| body.cmd = Some(vec!["sh".into(), "-c".into(), "exit 3".into()]));
    docker(&["wait", &mirror.id("migrate.0.main")]);
    let found = mirror.notices(&["jobs.migrate.command", "jobs.migrate.exit_code", "services.web.needs"]);
    assert_eq!((&found[1]["live"], &found[1]["wanted"]), (&3.into(), &0.into()));
    mirror.recreate("migrate.0.main", |body| body.cmd = Some(vec!["true".into()]));
    docker(&["wait", &mirror.id("migrate.0.main")]);
    mirror.notices(&[]);
}

fn a_file(mirror: &Mirror) {
    // The volume is read-only in its own containers.
    let volumes = "{{range .Mounts}}{{if eq .Destination \"/etc/app.ini\"}}{{.Name}}{{end}}{{end}}";
    let volume = docker(&["inspect", "-f", volumes, &mirror.id("web.1.main")]);
    let edit = "for f in $(find /v -name app.ini -type f); do echo b >>$f; chmod 666 $f; done";
    let mount = format!("{volume}:/v");
    docker(&[
        "run",
        "--rm",
        "--network",
        "none",
        "-v",
        &mount,
        "prodmirror-built/python:3.11",
        "sh",
        "-c",
        edit,
    ]);
    let found = mirror.notices(&["services.web.files[\"/etc/app.ini\"]"]);
    assert_eq!(found[0]["live"]["mode"], "0666");
    assert_ne!(found[0]["live"]["sha256"], found[0]["wanted"]["sha256"]);
}

const FILE: &str = "services.web.files[\"/etc/app.ini\"]";

fn replicas(mirror: &Mirror) {
    let label = |name: &str, value: &str| format!("{name}={value}");
    let name = format!("{}-more", mirror.name);
    let labels = [
        label("com.docker.compose.service", "web.2.main"),
        label("prodmirror.mirror", &mirror.name),
        label("prodmirror.owner", &mirror.cli.owner),
        label("prodmirror.kind", "service"),
        label("prodmirror.service", "web"),
    ];
    let mut arguments = vec!["run", "-d", "--name", &name, "--network", "none"];
    labels.iter().for_each(|label| arguments.extend(["--label", label.as_str()]));
    arguments.extend(["prodmirror-built/python:3.11", "sleep", "600"]);
    docker(&arguments);
    let found = mirror.notices(&[FILE, "services.web.replicas"]);
    docker(&["rm", "-f", &name]);
    assert_eq!(found[1]["live"], 3);

    docker(&["kill", &mirror.id("web.0.main")]);
    let found = mirror.notices(&[FILE, "services.web.replicas"]);
    assert_eq!(found[1]["live"], 1);
    docker(&["start", &mirror.id("web.0.main")]);
    mirror.notices(&[FILE]);
    // A profile need not say that one replica is wanted; what was killed the keeper would start again.
    docker(&["pause", &mirror.id("cache.0.main")]);
    let broken = mirror.broken();
    docker(&["unpause", &mirror.id("cache.0.main")]);
    let cache = broken.iter().find(|entry| entry["path"] == "stores.cache.replicas").unwrap();
    assert_eq!((&cache["live"], cache.get("wanted")), (&0.into(), None));
}

/// Last: nothing of it can be put back.
fn a_network_that_is_not_closed(mirror: &Mirror) {
    let network = mirror.inside();
    let members = mirror.members();
    let subnet = docker(&["network", "inspect", "-f", "{{(index .IPAM.Config 0).Subnet}}", &network]);
    members.iter().for_each(|(key, _)| mirror.leave(key));
    docker(&["network", "rm", &network]);
    let label = format!("prodmirror.mirror={}", mirror.name);
    let owner = format!("prodmirror.owner={}", mirror.cli.owner);
    docker(&["network", "create", "--subnet", &subnet, "--label", &label, "--label", &owner, &network]);
    members.iter().for_each(|(key, aliases)| mirror.join(key, aliases));
    let broken = mirror.broken();
    let egress = broken.iter().find(|entry| entry["path"] == "network.egress").unwrap();
    assert_eq!(egress["live"], "open");
    assert!(egress["why"].as_str().unwrap().contains("not internal"), "{egress:#}");
}

#[test]
fn on_the_shop_at_most_a_tenth_of_the_entries_is_unread_and_all_others_hold() {
    let cli = Cli::new();
    let name = cli.name("shop");
    cli.run(&["up", "-f", "profiles/shop.yaml", "--name", &name]).ok();
    let ledger = cli.run(&["ledger", &name, "--format", "json"]).ok().json();
    let count = |what: &str| ledger["summary"][what].as_u64().unwrap();
    assert!(count("total") >= 60 && count("unread") * 10 <= count("total"), "{}", ledger["summary"]);
    for entry in ledger["entries"].as_array().unwrap() {
        let (live, wanted) = (entry.get("live"), entry.get("wanted"));
        let is_told = live.is_some() && entry.get("read_from").is_some();
        match entry["holds"].as_bool() {
            Some(holds) => assert!(holds && is_told && live == wanted, "{entry:#}"),
            None => assert!(live.is_none() || live != wanted && entry["grade"] != "enforced", "{entry:#}"),
        }
    }
}

#[test]
fn an_image_whose_tag_means_another_one_now_is_noticed() {
    let cli = Cli::new();
    let (name, tag) = (cli.name("retag"), format!("verify-{}:1", std::process::id()));
    docker(&["tag", "prodmirror-built/python:3.11", &tag]);
    let text = format!(
        "apiVersion: prodmirror/v1\nname: {name}\nservices: {{web: {{image: \"local:{tag}\", command: [sleep, infinity], stop_grace_period: 0s}}}}\n"
    );
    let file = cli.file("prodmirror.yaml", &text).display().to_string();
    let up = cli.run(&["up", "-f", &file]);
    docker(&["tag", "prodmirror-built/redis:7", &tag]);
    let ledger = cli.run(&["ledger", &name, "--format", "json"]);
    docker(&["rmi", &tag]);
    up.ok();
    let entries = ledger.json()["entries"].clone();
    let image =
        entries.as_array().unwrap().iter().find(|entry| entry["path"] == "services.web.image").unwrap();
    assert_eq!(image["holds"], false, "{image:#}");
}
