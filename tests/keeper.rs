//! The helpers on a real engine: what they do to containers that fail, stop, or lose their network.
//!
//! Every test has a mirror of its own, launched by hand with the labels that the keeper reads, and runs beside the others.

#![allow(clippy::print_stdout, reason = "a test says aloud what it cannot try")]
#![allow(clippy::unwrap_used, clippy::print_stderr)]

#[path = "keeper/asked.rs"]
mod asked;
#[path = "keeper/engine.rs"]
mod engine;
#[path = "keeper/lease.rs"]
mod lease;
#[path = "keeper/stage.rs"]
mod stage;

use engine::{DEBIAN, PYTHON};
use prodmirror::formats::{
    duties::{ContainerDuty, HookDuty, PodKind, ProbeAct, ProbeDuty, RestartRule, Role},
    journal::{ContainerStatus, ProbeKind, UpState},
};
use stage::Stage;

fn duty(key: &str, role: Role) -> ContainerDuty {
    ContainerDuty {
        key: key.to_owned(),
        name: key.rsplit('.').next().unwrap().to_owned(),
        role,
        restart: RestartRule::Always,
        startup: None,
        readiness: None,
        liveness: None,
        post_start: None,
        pre_stop: None,
        grace_millis: 1000,
    }
}

fn probe(action: ProbeAct) -> Option<ProbeDuty> {
    Some(ProbeDuty {
        action,
        initial_delay_millis: 0,
        period_millis: 500,
        timeout_millis: 5000,
        success_threshold: 1,
        failure_threshold: 2,
    })
}

fn http(path: &str) -> ProbeAct {
    ProbeAct::Http { https: false, port: 8000, path: path.to_owned(), headers: Vec::new() }
}

fn sh(command: &str) -> ProbeAct {
    ProbeAct::Exec { command: words(command) }
}

fn words(command: &str) -> Vec<String> {
    ["sh", "-c", command].map(str::to_owned).to_vec()
}

/// Answers 200 on `/NAME` while the file `/tmp/NAME` is there, else 503.
const SERVER: &str = r#"
import http.server, os
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if os.path.exists('/tmp' + self.path) else 503)
        self.end_headers()
        self.wfile.write(os.uname().nodename.encode())
    def log_message(self, *words): print('asked for', self.path, flush=True)
http.server.ThreadingHTTPServer(('', 8000), Answer).serve_forever()
"#;

#[test]
fn a_replica_is_probed_shown_ready_and_replaced_when_it_is_not_live() {
    let mut web = duty("web.0.main", Role::Main);
    web.startup = probe(sh("test -e /tmp/started"));
    web.startup.as_mut().unwrap().failure_threshold = 1000;
    web.readiness = probe(http("/ready"));
    web.liveness = probe(sh("test ! -e /tmp/dead"));
    let stage = Stage::new("probes");
    stage.replica("web", 0, PodKind::Service, vec![web]);
    let first = stage.run_container("web.0.main", PYTHON, &["python3", "-c", SERVER], &[]);
    stage.keeper();

    stage.until("startup is asked for", |s| main(s).probe == Some(ProbeKind::Startup));
    stage.exec("web.0.main", "touch /tmp/ready");
    stage.until("startup failed a few times", |s| {
        main(s).last_answer.is_some_and(|a| a.contains("exit code 1"))
    });
    assert!(!stage.ready("web", 0), "startup gates readiness");
    stage.exec("web.0.main", "touch /tmp/started");
    stage.until("ready", |s| s.replicas[0].ready);
    stage.until_ready("web", 0, true);
    stage.exec("web.0.main", "rm /tmp/ready");
    stage.until("unready", |s| !s.replicas[0].ready && main(s).probe == Some(ProbeKind::Readiness));
    stage.until_ready("web", 0, false);
    assert_eq!(main(&stage.status()).last_answer.as_deref(), Some("HTTP 503: web-0"));

    stage.exec("web.0.main", "touch /tmp/dead");
    stage.until("replaced at once", |s| main(s).restarts == 1 && main(s).running);
    let second = stage.id("web.0.main");
    assert_ne!(first, second);
    assert!(!stage.exec_ok("web.0.main", "test -e /tmp/dead"), "the writable layer is a new one");
    let labels = |id: &str| engine::docker(&["inspect", "--format", "{{json .Config.Labels}} {{.Name}}", id]);
    assert_eq!(stage.before(&first), labels(&second), "labels and name are the same");
    let previous = stage.file("/journal/previous/web.0.main.log");
    assert!(previous.contains(" stdout F asked for /ready"), "{previous}");

    stage.exec("web.0.main", "touch /tmp/started /tmp/dead");
    stage.until("the second restart waits", |s| main(s).waiting_millis == Some(10_000));
    assert!(stage.journal().contains("the liveness probe failed"), "{}", stage.journal());
}

fn main(status: &prodmirror::formats::journal::KeeperStatus) -> ContainerStatus {
    named(status, "main")
}

fn named(status: &prodmirror::formats::journal::KeeperStatus, name: &str) -> ContainerStatus {
    let all = status.replicas.iter().flat_map(|replica| &replica.containers);
    all.into_iter()
        .find(|container| container.name == name)
        .cloned()
        .unwrap_or_else(|| panic!("no {name}: {status:?}"))
}

#[test]
fn init_containers_are_retried_sidecars_come_back_and_ends_are_told() {
    let stage = Stage::new("pod");
    let mut main_duty = duty("api.0.main", Role::Main);
    main_duty.readiness = probe(ProbeAct::Tcp { port: 8000 });
    main_duty.restart = RestartRule::OnFailure;
    let containers = vec![duty("api.0.init.setup", Role::Init), duty("api.0.mesh", Role::Sidecar), main_duty];
    stage.replica("api", 0, PodKind::Service, containers);
    stage.keeper();
    // It fails once: the volume remembers.
    let volume = stage.volume("data");
    let mount = format!("{volume}:/data");
    let once = "test -e /data/tried || { touch /data/tried; exit 7; }";
    stage.run_container("api.0.init.setup", DEBIAN, &["sh", "-c", once], &["-v", &mount]);
    stage.until("initialized", |s| s.replicas[0].initialized);
    let setup = named(&stage.status(), "setup");
    assert_eq!((setup.restarts, setup.starts), (1, 2));

    stage.run_container("api.0.mesh", DEBIAN, &["sh", "-c", "trap 'exit 0' TERM; sleep 600 & wait"], &[]);
    let server = ["python3", "-m", "http.server", "8000"];
    stage.run_container(
        "api.0.main",
        PYTHON,
        &server,
        &["-v", &mount, "--memory", "64m", "--memory-swap", "64m"],
    );
    stage.until("ready", |s| s.replicas[0].ready);
    engine::docker(&["kill", "-s", "TERM", &stage.name("api.0.mesh")]);
    stage.until("the sidecar came back", |s| named(s, "mesh").restarts == 1 && named(s, "mesh").running);

    // The first process grows beyond the limit.
    let eat = "import os; os.execvp('python3', ['python3', '-c', 'x = bytearray(1 << 30)'])";
    stage.replace_process("api.0.main", eat, &["-v", &mount, "--memory", "64m", "--memory-swap", "64m"]);
    stage
        .until("out of memory is told", |s| main(s).last_exit.is_some_and(|e| e.oom_killed && e.code == 137));
    assert_eq!(main(&stage.status()).last_exit.unwrap().reason, "OOMKilled");
    assert_eq!(named(&stage.status(), "setup").starts, 2, "init containers do not run again with main");
}

#[test]
fn hooks_surround_a_container_and_a_stop_is_orderly() {
    let stage = Stage::new("hooks");
    let mut web = duty("web.0.main", Role::Main);
    let write = |word: &str| Some(HookDuty::Exec { command: words(&format!("echo {word} >> /data/log")) });
    (web.post_start, web.pre_stop) = (write("started"), write("stopping"));
    web.grace_millis = 20_000;
    stage.replica("web", 0, PodKind::Service, vec![web, duty("web.0.mesh", Role::Sidecar)]);
    let volume = stage.volume("data");
    let mount = format!("{volume}:/data");
    stage.keeper();
    let serve = "trap 'echo term >> /data/log; exit 0' TERM; sleep 600 & wait";
    stage.run_container("web.0.main", DEBIAN, &["sh", "-c", serve], &["-v", &mount]);
    let mesh = "trap 'echo mesh >> /data/log; exit 0' TERM; sleep 600 & wait";
    let mesh_id = stage.run_container("web.0.mesh", DEBIAN, &["sh", "-c", mesh], &["-v", &mount]);
    stage.until("ready", |s| s.replicas[0].ready);
    let id = stage.id("web.0.main");

    stage.keep(&["stop", "--service", "web"]);
    assert!(!stage.is_running("web.0.main") && !stage.is_running("web.0.mesh") && stage.is_running("web.0"));
    assert!(!stage.ready("web", 0));
    stage.kill_keeper();
    stage.until("still stopped under another keeper", |s| s.replicas.first().is_some_and(|r| r.stopped));
    assert!(!stage.is_running("web.0.main"));
    stage.note_up_done();
    stage.keep(&["start"]);
    stage.until("ready again", |s| s.replicas[0].ready);
    assert!(stage.id("web.0.main") != id && stage.id("web.0.mesh") != mesh_id, "no layer outlives a stop");
    assert_eq!(main(&stage.status()).restarts, 0);
    let log = stage.run_in(DEBIAN, &mount, "cat /data/log");
    assert_eq!(
        log.split_whitespace().collect::<Vec<_>>(),
        ["started", "stopping", "term", "mesh", "started"]
    );
}

#[test]
fn a_pause_that_dies_takes_its_replica_through_a_new_beginning() {
    let stage = Stage::new("pause");
    let mut web = duty("web.0.main", Role::Main);
    web.readiness = probe(ProbeAct::Tcp { port: 8000 });
    stage.replica("web", 0, PodKind::Service, vec![duty("web.0.init.setup", Role::Init), web]);
    stage.keeper();
    stage.run_container("web.0.init.setup", DEBIAN, &["true"], &[]);
    stage.until("initialized", |s| s.replicas[0].initialized);
    let id = stage.run_container("web.0.main", PYTHON, &["python3", "-m", "http.server", "8000"], &[]);
    stage.until("ready", |s| s.replicas[0].ready);
    stage.note_up_done();

    engine::docker(&["kill", &stage.name("web.0")]);
    stage.until("ready in a new namespace", |s| s.replicas[0].ready && named(s, "setup").starts == 2);
    assert_ne!(stage.id("web.0.main"), id);
    assert!(stage.journal().contains(r#""event":"replica-replaced""#));

    // Nobody looks while everything dies; the next keeper sees what it left.
    let id = stage.id("web.0.main");
    engine::docker(&["kill", &stage.name("pm.keeper")]);
    engine::docker(&["kill", &stage.name("web.0.main")]);
    engine::docker(&["start", &stage.name("pm.keeper")]);
    stage.until("ready once more", |s| s.replicas[0].ready && main(s).restarts == 2);
    assert_ne!(stage.id("web.0.main"), id);
    assert_eq!(named(&stage.status(), "setup").starts, 2);
}

#[test]
fn a_lease_has_one_holder_and_is_free_when_he_is_gone() {
    let stage = Stage::new("lease");
    stage.keeper();
    let mut first = stage.lease("one", "up");
    assert!(stage.status().leased);
    let second = stage.keep_status(&["lease", "--run", "two"]);
    assert_eq!(second, Some(3), "held");
    first.end();
    stage.until("free", |s| !s.leased);
    let second = stage.lease("two", "up");
    assert!(stage.status().leased);
    // Its process dies inside the container; nothing was said.
    stage.kill_in_keeper("lease");
    stage.until("free again", |s| !s.leased);
    drop(second);
    assert!(!stage.journal().contains("owner-died"), "an `up` that was cut off is left to others");
}

#[test]
fn a_long_journal_is_made_short_and_nothing_is_forgotten() {
    let stage = Stage::new("journal");
    stage.replica("web", 0, PodKind::Service, vec![duty("web.0.main", Role::Main)]);
    stage.keeper();
    stage.run_container("web.0.main", DEBIAN, &["sleep", "600"], &[]);
    stage.until("ready", |s| s.replicas[0].ready);
    stage.note_up_done();
    stage.keep(&["stop", "--service", "web"]);
    let line = |count| format!("{{\"event\":\"store-reset\",\"store\":\"s{count}\",\"millis\":1}}\n");
    stage.note_all(&(0..5000).map(line).collect::<String>());
    engine::until("it is short", || stage.journal().len() < 16 * 1024);
    assert!(stage.journal().starts_with("{\"at\":") && stage.journal().contains("compacted"));
    let status = stage.status();
    assert!(status.replicas[0].stopped && status.up == UpState::Done, "{status:?}");
    // Whoever waits for the keeper to have read its order does so by the journal's length.
    stage.keep(&["start", "--service", "web"]);
    stage.until("ready again", |s| s.replicas[0].ready);
    stage.kill_keeper();
    stage.until("the next one knows it all", |s| s.up == UpState::Done && s.replicas[0].ready);
}

#[test]
fn a_run_whose_owner_dies_leaves_nothing() {
    let stage = Stage::new("owner");
    stage.replica("web", 0, PodKind::Service, vec![duty("web.0.main", Role::Main)]);
    stage.keeper();
    stage.volume("data");
    let volume = format!("{}:/data", stage.name("data"));
    stage.run_container("web.0.main", DEBIAN, &["sleep", "600"], &["-v", &volume]);
    stage.until("ready", |s| s.replicas[0].ready);
    let mut orderly = stage.lease("first", "run");
    orderly.done();
    stage.until("free", |s| !s.leased);
    assert!(!stage.journal().contains("owner-died"), "this one left in order");
    let cut_off = stage.lease("second", "run");
    cut_off.kill();
    stage.until_gone();
}

#[test]
fn a_mirror_whose_time_is_over_leaves_nothing() {
    let stage = Stage::new("expiry");
    stage.replica("web", 0, PodKind::Service, vec![duty("web.0.main", Role::Main)]);
    stage.keeper();
    stage.run_container("web.0.main", DEBIAN, &["sleep", "600"], &[]);
    stage.until("ready", |s| s.replicas[0].ready);
    stage.note_up_begun("2020-01-01T00:00:00Z");
    stage.until_gone();
}

#[test]
fn the_gateway_lets_in_to_ready_replicas_and_to_no_other() {
    let stage = Stage::new("gateway");
    for ordinal in 0..3 {
        let mut web = duty(&format!("web.{ordinal}.main"), Role::Main);
        web.readiness = probe(http("/ready"));
        stage.replica("web", ordinal, PodKind::Service, vec![web]);
        stage.run_container(&format!("web.{ordinal}.main"), PYTHON, &["python3", "-c", SERVER], &[]);
    }
    stage.keeper();
    let (own, port) = stage.gateway("20001=web/http:8000");
    let (direct, published) = ((own, 20001), ([127, 0, 0, 1].into(), port));
    stage.until("known", |s| s.replicas.len() == 3);
    // Nobody is ready: not silence, not an ordinary end. What the engine's proxy on the host makes of it is its own.
    let none = engine::end_of(direct).map_err(|error| error.kind());
    assert_eq!(none, Err(std::io::ErrorKind::ConnectionReset));
    assert_ne!(engine::get(published, "/ready").unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
    for ordinal in [0, 2] {
        stage.exec(&format!("web.{ordinal}.main"), "touch /tmp/ready");
        stage.until_ready("web", ordinal, true);
    }
    engine::until("the gateway saw it", || engine::get(published, "/ready").is_ok());
    let answers: std::collections::BTreeSet<_> =
        (0..60).filter_map(|_| engine::get(published, "/ready").ok()).collect();
    assert_eq!(answers.into_iter().collect::<Vec<_>>(), ["web-0", "web-2"]);
}
