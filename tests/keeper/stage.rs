//! A mirror launched by hand: networks, volumes, pauses, containers, and the helper image made from this build.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex, Weak},
    time::{Duration, Instant},
};

use prodmirror::{
    formats::{
        duties::{ContainerDuty, Duties, PodKind},
        journal::{Event, KeeperStatus, ProfileMark},
        ready::ReadySet,
    },
    name::Name,
};

pub const DEBIAN: &str = "prodmirror-built/debian:bookworm";
pub const PYTHON: &str = "prodmirror-built/python:3.11";

const PATIENCE: Duration = Duration::from_secs(60);

fn command(words: &[&str]) -> std::process::Output {
    Command::new("docker").args(words).output().expect("a docker client")
}

/// Runs docker; its output, or a panic with what it said.
pub fn docker(words: &[&str]) -> String {
    let output = command(words);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "docker {}: {said}", words.join(" "));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

pub fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < PATIENCE, "it never came to be: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// The body of an answer over a new connection; `None`: reset.
pub fn get(port: u16, path: &str) -> Option<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(10))).ok()?;
    write!(stream, "GET {path} HTTP/1.0\r\n\r\n").ok()?;
    let mut text = String::new();
    stream.read_to_string(&mut text).ok()?;
    text.split_once("\r\n\r\n").map(|(_, body)| body.to_owned())
}

/// The helper image, made when the first test needs it, removed after the last.
struct Helper(String);

impl Helper {
    fn get() -> Arc<Self> {
        static HELPER: Mutex<Weak<Helper>> = Mutex::new(Weak::new());
        let mut known = HELPER.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if let Some(helper) = known.upgrade() {
            return helper;
        }
        for image in [DEBIAN, PYTHON] {
            let there = command(&["image", "inspect", image]).status.success();
            assert!(there, "image {image} is not here: run `make setup`");
        }
        let tag = format!("pmtest-keeper-helper:{}", std::process::id());
        let mut child = Command::new("docker")
            .args(["import", "--change", r#"ENTRYPOINT ["/prodmirror"]"#, "-", &tag])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .expect("a docker client");
        let mut archive = tar::Builder::new(child.stdin.take().expect("a pipe"));
        // The engine does not unpack sparse files.
        archive.sparse(false);
        let mut program = fs::File::open(env!("CARGO_BIN_EXE_prodmirror")).expect("the program is built");
        archive.append_file("prodmirror", &mut program).expect("the engine reads");
        drop(archive.into_inner().expect("the engine reads"));
        assert!(child.wait().expect("docker import").success());
        let helper = Arc::new(Helper(tag));
        *known = Arc::downgrade(&helper);
        helper
    }
}

impl Drop for Helper {
    fn drop(&mut self) {
        command(&["rmi", "-f", &self.0]);
    }
}

pub struct Stage {
    mirror: String,
    helper: Arc<Helper>,
    /// Labels and name of each container when it was made.
    made: Mutex<Vec<(String, String)>>,
}

impl Drop for Stage {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let logs = command(&["logs", "--tail", "60", &self.name("pm.keeper")]);
            eprintln!("keeper of {}:\n{}", self.mirror, String::from_utf8_lossy(&logs.stderr));
        }
        command(&["rm", "-f", &format!("pm-{}.sweep", self.mirror)]);
        self.each(&["ps", "-aq", "--no-trunc"], &["rm", "-f", "-v"]);
        self.each(&["network", "ls", "-q"], &["network", "rm"]);
        self.each(&["volume", "ls", "-q"], &["volume", "rm"]);
    }
}

impl Stage {
    pub fn new(name: &str) -> Self {
        let helper = Helper::get();
        let stage =
            Self { mirror: format!("pmtest-{name}-{}", std::process::id()), helper, made: Mutex::default() };
        let label = stage.label();
        docker(&["network", "create", "--internal", "--label", &label, &stage.name("inside")]);
        for volume in ["control", "journal"] {
            stage.volume(volume);
        }
        stage
    }

    fn label(&self) -> String {
        format!("prodmirror.mirror={}", self.mirror)
    }

    pub fn name(&self, key: &str) -> String {
        format!("{}-{key}", self.mirror)
    }

    fn all(&self, list: &[&str]) -> Vec<String> {
        let filter = format!("label={}", self.label());
        let ids = docker(&[list, &["--filter", &filter]].concat());
        ids.split_whitespace().map(str::to_owned).collect()
    }

    fn each(&self, list: &[&str], remove: &[&str]) {
        let ids = self.all(list);
        if !ids.is_empty() {
            let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
            command(&[remove, &ids].concat());
        }
    }

    pub fn volume(&self, name: &str) -> String {
        docker(&["volume", "create", "--label", &self.label(), &self.name(name)])
    }

    /// The pause of a replica, with its duties.
    pub fn replica(&self, service: &str, ordinal: u32, kind: PodKind, containers: Vec<ContainerDuty>) {
        let service_name = Name::new(service).expect("a name");
        let duties = Duties {
            service: service_name,
            ordinal,
            kind,
            needs: Vec::new(),
            containers,
            ports: Vec::new(),
            retries: 6,
            files: Vec::new(),
        };
        let duties = format!("prodmirror.duties={}", serde_json::to_string(&duties).expect("JSON"));
        let host = format!("{service}-{ordinal}");
        let key = format!("{service}.{ordinal}");
        let words = [
            "--network",
            &self.name("inside"),
            "--hostname",
            &host,
            "--restart",
            "always",
            "--label",
            &duties,
        ];
        self.run(&key, &[&words[..], &["--label", "prodmirror.kind=pause"]].concat(), &["pause"]);
    }

    fn run(&self, key: &str, options: &[&str], words: &[&str]) -> String {
        self.run_image(key, &self.helper.0, options, words)
    }

    fn run_image(&self, key: &str, image: &str, options: &[&str], words: &[&str]) -> String {
        let mut parts = key.split('.');
        let service = format!("prodmirror.service={}", parts.next().unwrap_or_default());
        let ordinal = format!("prodmirror.ordinal={}", parts.next().unwrap_or_default());
        let compose = format!("com.docker.compose.service={key}");
        let (label, name) = (self.label(), self.name(key));
        let mut all = vec!["run", "-d", "--name", &name];
        for label in [&label, &service, &ordinal, &compose] {
            all.extend(["--label", label]);
        }
        all.extend(options);
        all.push(image);
        all.extend(words);
        let id = docker(&all);
        let made = docker(&["inspect", "--format", "{{json .Config.Labels}} {{.Name}}", &id]);
        self.made.lock().expect("one thread").push((id.clone(), made));
        id
    }

    /// Labels and name of a container that may be gone.
    pub fn before(&self, id: &str) -> String {
        let made = self.made.lock().expect("one thread");
        made.iter().find(|(known, _)| known == id).map(|(_, made)| made.clone()).expect("it was made here")
    }

    /// A container in the namespace of its replica's pause.
    pub fn run_container(&self, key: &str, image: &str, words: &[&str], options: &[&str]) -> String {
        let pause: Vec<&str> = key.splitn(3, '.').take(2).collect();
        let network = format!("container:{}", self.id(&pause.join(".")));
        let fixed =
            ["--network", &network, "--label", "prodmirror.kind=service", "--label", "prodmirror.spec=s1"];
        self.run_image(key, image, &[&fixed[..], options].concat(), words)
    }

    /// Another container in place of one, as a launch with a changed command makes it.
    pub fn replace_process(&self, key: &str, program: &str, options: &[&str]) {
        let next = format!("{}.old", self.name(key));
        docker(&["rename", &self.name(key), &next]);
        docker(&["rm", "-f", &next]);
        self.run_container(key, PYTHON, &["python3", "-c", program], options);
    }

    pub fn keeper(&self) {
        let (control, journal) =
            (format!("{}:/control", self.name("control")), format!("{}:/journal", self.name("journal")));
        let options = [
            "--network",
            &self.name("inside"),
            "--restart",
            "always",
            "--read-only",
            "--label",
            "prodmirror.kind=keeper",
            "-v",
            &control,
            "-v",
            &journal,
            "-v",
            "/var/run/docker.sock:/var/run/docker.sock",
        ];
        self.run("pm.keeper", &options, &["keeper", "--mirror", &self.mirror]);
        until("the keeper writes its view", || {
            command(&["cp", &self.in_keeper("/control/status.json"), "-"]).status.success()
        });
    }

    /// The host's port of a door; the gateway stands on the inside network and on an ordinary one.
    pub fn gateway(&self, door: &str) -> u16 {
        docker(&["network", "create", "--label", &self.label(), &self.name("door")]);
        let control = format!("{}:/control:ro", self.name("control"));
        let network = self.name("door");
        let options = ["--network", &network, "-p", "127.0.0.1::20001", "--read-only", "-v", &control];
        let kind = ["--label", "prodmirror.kind=gateway"];
        self.run("pm.gateway", &[&options[..], &kind].concat(), &["gateway", "--door", door]);
        docker(&["network", "connect", &self.name("inside"), &self.name("pm.gateway")]);
        let address = docker(&["port", &self.name("pm.gateway"), "20001/tcp"]);
        address.rsplit(':').next().and_then(|port| port.parse().ok()).expect("a port")
    }

    fn in_keeper(&self, path: &str) -> String {
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

    pub fn lease(&self, run: &str, kind: &str) -> Holder {
        let mut child = Command::new("docker")
            .args([
                "exec",
                "-i",
                &self.name("pm.keeper"),
                "/prodmirror",
                "keeper",
                "lease",
                "--run",
                run,
                "--kind",
                kind,
            ])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a docker client");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("a pipe")).read_line(&mut line).expect("a line");
        assert_eq!(line, "leased\n");
        Holder(child)
    }
}

pub struct Holder(Child);

impl Holder {
    pub fn end(&mut self) {
        drop(self.0.stdin.take());
        self.0.wait().expect("docker exec");
    }

    pub fn done(&mut self) {
        self.0.stdin.as_mut().expect("a pipe").write_all(b"done\n").expect("it reads");
        self.end();
    }

    /// The client dies without a word.
    pub fn kill(mut self) {
        self.0.kill().expect("it runs");
        self.0.wait().expect("docker exec");
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        // One that has ended already cannot be killed, and need not.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
