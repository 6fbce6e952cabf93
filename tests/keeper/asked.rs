//! What a stage's keeper is asked and told, and what it shows.

use std::{
    io::{Read, Write},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use prodmirror::formats::{
    journal::{Event, KeeperStatus, ProfileMark},
    ready::ReadySet,
};

use crate::{
    engine::{PATIENCE, command, docker, until},
    stage::Stage,
};

impl Stage {
    pub fn in_keeper(&self, path: &str) -> String {
        format!("{}:{path}", self.name("pm.keeper"))
    }

    pub fn file(&self, path: &str) -> String {
        let output = command(&["cp", &self.in_keeper(path), "-"]);
        let mut archive = tar::Archive::new(&output.stdout[..]);
        let mut text = String::new();
        for entry in archive.entries().expect("an archive") {
            entry.expect("a file").read_to_string(&mut text).expect("text");
        }
        text
    }

    pub fn journal(&self) -> String {
        self.file("/journal/journal.jsonl")
    }

    pub fn keep_status(&self, words: &[&str]) -> Option<i32> {
        command(&[&["exec", &self.name("pm.keeper"), "/prodmirror", "keeper"], words].concat()).status.code()
    }

    pub fn keep(&self, words: &[&str]) -> String {
        docker(&[&["exec", &self.name("pm.keeper"), "/prodmirror", "keeper"], words].concat())
    }

    fn note(&self, event: &Event) {
        self.keep(&["note", &serde_json::to_string(event).expect("JSON")]);
    }

    pub fn note_up_done(&self) {
        self.note(&Event::UpDone { run: "r".to_owned() });
    }

    pub fn note_up_begun(&self, expires: &str) {
        let profile = ProfileMark { name: "p".to_owned(), file: "f".to_owned(), hash: "h".to_owned() };
        self.note(&Event::UpBegun { run: "r".to_owned(), profile, expires: Some(expires.to_owned()) });
    }

    pub fn status(&self) -> KeeperStatus {
        serde_json::from_str(&self.keep(&["status"])).expect("a status")
    }

    pub fn until(&self, what: &str, holds: impl Fn(&KeeperStatus) -> bool) {
        let mut last = None;
        let began = Instant::now();
        loop {
            let output = command(&["exec", &self.name("pm.keeper"), "/prodmirror", "keeper", "status"]);
            // A keeper that was killed is away for a moment.
            if let Ok(status) = serde_json::from_slice::<KeeperStatus>(&output.stdout) {
                if status.replicas.iter().all(|r| !r.containers.is_empty()) && holds(&status) {
                    return;
                }
                last = Some(status);
            }
            assert!(began.elapsed() < PATIENCE, "it never came to be: {what}: {last:#?}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    pub fn ready(&self, service: &str, ordinal: u32) -> bool {
        let set: ReadySet = serde_json::from_str(&self.file("/control/ready.json")).unwrap_or_default();
        set.services.get(service).is_some_and(|all| all.iter().any(|r| r.ordinal == ordinal && r.ready))
    }

    pub fn until_ready(&self, service: &str, ordinal: u32, ready: bool) {
        until("the ready set says so", || self.ready(service, ordinal) == ready);
    }

    pub fn until_gone(&self) {
        until("nothing is left", || {
            [&["ps", "-aq"][..], &["network", "ls", "-q"], &["volume", "ls", "-q"]]
                .iter()
                .all(|list| self.all(list).is_empty())
        });
        let sweeper = format!("pm-{}.sweep", self.mirror);
        until("the sweeper is gone", || !command(&["inspect", &sweeper]).status.success());
    }

    pub fn id(&self, key: &str) -> String {
        docker(&["inspect", "--format", "{{.Id}}", &self.name(key)])
    }

    pub fn is_running(&self, key: &str) -> bool {
        docker(&["inspect", "--format", "{{.State.Running}}", &self.name(key)]) == "true"
    }

    pub fn exec(&self, key: &str, line: &str) {
        docker(&["exec", &self.name(key), "sh", "-c", line]);
    }

    pub fn exec_ok(&self, key: &str, line: &str) -> bool {
        command(&["exec", &self.name(key), "sh", "-c", line]).status.success()
    }

    pub fn run_in(&self, image: &str, mount: &str, line: &str) -> String {
        docker(&["run", "--rm", "--network", "none", "-v", mount, image, "sh", "-c", line])
    }

    pub fn kill_keeper(&self) {
        docker(&["kill", &self.name("pm.keeper")]);
        docker(&["start", &self.name("pm.keeper")]);
    }

    /// Kills a program that was run beside the keeper, from outside.
    pub fn kill_in_keeper(&self, word: &str) {
        let table = docker(&["top", &self.name("pm.keeper"), "-o", "pid,args"]);
        let line = table.lines().find(|line| line.contains(&format!("keeper {word}"))).expect("it runs");
        let pid = line.split_whitespace().next().expect("a process id");
        assert!(Command::new("kill").args(["-9", pid]).status().expect("kill").success());
    }

    /// Events written down by the program that others use for it, one a line.
    pub fn note_all(&self, lines: &str) {
        let mut child = Command::new("docker")
            .args(["exec", "-i", &self.name("pm.keeper"), "/prodmirror", "keeper", "note"])
            .stdin(Stdio::piped())
            .spawn()
            .expect("a docker client");
        child.stdin.take().expect("a pipe").write_all(lines.as_bytes()).expect("it reads");
        assert!(child.wait().expect("docker exec").success());
    }
}
