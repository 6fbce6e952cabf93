//! An engine of our own, which may be ended and begun again.
//!
//! It lives in a network, a mount and a process namespace of its own: its rules, bridges and mounts meet no
//! other engine's, and when the namespaces' first process goes, everything in them goes. That process reads from
//! us, so it goes when this test does, however that ends.

use std::{
    fs::{self, File},
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Child, ChildStdin, Command, Stdio},
    time::{Duration, Instant},
};

const PATIENCE: Duration = Duration::from_secs(90);

/// The namespaces' first process. Sockets of containers lie in one folder for all engines: this one gets its own.
const FIRST: &str = "mkdir -p /run/containerd && mount -t tmpfs own /run/containerd && ip link set lo up \
     && echo up && read -r _";

pub struct OwnEngine {
    folder: Option<tempfile::TempDir>,
    namespaces: Child,
    word: Option<ChildStdin>,
    /// The namespaces' first process.
    first: String,
    daemon: Option<Child>,
}

impl OwnEngine {
    pub fn new() -> Self {
        let mut namespaces = Command::new("unshare")
            .args(["--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"])
            // It also takes the children of those who died, as an init does.
            .args(["bash", "-c", FIRST])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("unshare, of util-linux");
        let word = namespaces.stdin.take();
        let mut line = String::new();
        BufReader::new(namespaces.stdout.take().expect("a pipe")).read_line(&mut line).expect("a line");
        assert_eq!(
            line, "up\n",
            "no namespaces: the test of an engine's restart needs the rights of root, and `ip`"
        );
        let children = format!("/proc/{0}/task/{0}/children", namespaces.id());
        let first = fs::read_to_string(children).expect("its child").trim().to_owned();
        let folder = tempfile::Builder::new().prefix("pm-engine-").tempdir().expect("a temporary folder");
        let mut engine = Self { folder: Some(folder), namespaces, word, first, daemon: None };
        fs::write(engine.file("daemon.json"), r#"{"features": {"containerd-snapshotter": true}}"#)
            .expect("a file");
        engine.start();
        engine
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.as_ref().expect("it is there until the end").path().join(name)
    }

    pub fn host(&self) -> String {
        format!("unix://{}", self.file("engine.sock").display())
    }

    fn cgroup(&self) -> String {
        format!("pmtest-engine-{}", self.first)
    }

    /// A command in the namespaces of the engine, all or only the network's.
    fn inside(&self, namespaces: &[&str]) -> Command {
        let mut command = Command::new("nsenter");
        command.args(["--target", &self.first]).args(namespaces).arg("--");
        command
    }

    /// Starts the engine and waits until it answers.
    pub fn start(&mut self) {
        // A process of another life may have the number that stands there.
        let _ = fs::remove_file(self.file("engine.pid"));
        let log = File::options().create(true).append(true).open(self.file("log")).expect("a log");
        let mut command = self.inside(&["--net", "--mount", "--pid"]);
        command.arg("dockerd").args([
            "--bridge=none",
            "--host",
            &self.host(),
            "--cgroup-parent",
            &self.cgroup(),
        ]);
        for (option, name) in [
            ("--config-file", "daemon.json"),
            ("--data-root", "data"),
            ("--exec-root", "run"),
            ("--pidfile", "engine.pid"),
        ] {
            command.arg(option).arg(self.file(name));
        }
        let error = log.try_clone().expect("a log");
        self.daemon = Some(
            command.stdin(Stdio::null()).stdout(log).stderr(error).spawn().expect("nsenter, of util-linux"),
        );
        let began = Instant::now();
        while !self.client(&["version"]).output().expect("a docker client").status.success() {
            assert!(began.elapsed() < PATIENCE, "the engine does not begin: {}", self.said());
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// In order, as an init system does it: it stops its containers.
    pub fn stop(&mut self) {
        self.end("-TERM");
    }

    /// As a crash: its containers run on.
    pub fn kill(&mut self) {
        self.end("-KILL");
    }

    fn end(&mut self, signal: &str) {
        let Some(mut nsenter) = self.daemon.take() else { return };
        let children = format!("/proc/{0}/task/{0}/children", nsenter.id());
        let engine = fs::read_to_string(children).expect("its child").trim().to_owned();
        assert!(Command::new("kill").args([signal, &engine]).status().expect("kill").success());
        let began = Instant::now();
        while nsenter.try_wait().expect("a child").is_none() {
            assert!(began.elapsed() < PATIENCE, "the engine does not end: {}", self.said());
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// The end of its log.
    fn said(&self) -> String {
        let log = fs::read_to_string(self.file("log")).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(10)..].join("\n")
    }

    fn client(&self, words: &[&str]) -> Command {
        let mut command = Command::new("docker");
        command.args(["--host", &self.host()]).args(words);
        command
    }

    #[track_caller]
    pub fn docker(&self, words: &[&str]) -> String {
        let output = self.client(words).output().expect("a docker client");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "docker {}: {said}", words.join(" "));
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// Takes an image over from the user's engine.
    pub fn load(&self, image: &str) {
        let mut save = Command::new("docker")
            .args(["save", image])
            .stdout(Stdio::piped())
            .spawn()
            .expect("a docker client");
        let from = save.stdout.take().expect("a pipe");
        let loaded = self.client(&["load"]).stdin(from).output().expect("a docker client");
        assert!(save.wait().expect("a child").success(), "image {image} is not here: run `make setup`");
        assert!(loaded.status.success(), "{}", String::from_utf8_lossy(&loaded.stderr));
    }

    /// One line to an address on its loopback, and the first line of the answer; empty where nobody answers.
    pub fn ask(&self, address: &str, line: &str) -> String {
        let (host, port) = address.rsplit_once(':').expect("an address with its port");
        let talk = format!(
            "exec 3<>/dev/tcp/{host}/{port} && echo '{line}' >&3 && read -t 20 -r answer <&3 && echo \"$answer\""
        );
        let output =
            self.inside(&["--net"]).args(["bash", "-c", &talk]).output().expect("nsenter, of util-linux");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }
}

impl Drop for OwnEngine {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the engine said:\n{}", self.said());
        }
        // The first process reads its last word, and everything in the namespaces is killed with it.
        drop(self.word.take());
        let _ = self.namespaces.wait();
        if let Some(mut nsenter) = self.daemon.take() {
            let _ = nsenter.wait();
        }
        // What a kernel keeps of it: empty groups.
        for root in cgroup_roots() {
            remove_groups(&root.join(self.cgroup()));
        }
        if let Some(folder) = self.folder.take() {
            let path = folder.path().to_owned();
            let removed = folder.close();
            assert!(removed.is_ok() || std::thread::panicking(), "{} is left: {removed:?}", path.display());
        }
    }
}

/// The one tree of version 2, or each controller's of version 1.
fn cgroup_roots() -> Vec<PathBuf> {
    let root = PathBuf::from("/sys/fs/cgroup");
    let inner = fs::read_dir(&root).into_iter().flatten().flatten().map(|entry| entry.path());
    inner.filter(|path| path.is_dir()).chain([root.clone()]).collect()
}

fn remove_groups(group: &std::path::Path) {
    for entry in fs::read_dir(group).into_iter().flatten().flatten() {
        if entry.path().is_dir() {
            remove_groups(&entry.path());
        }
    }
    // A group whose last process is still leaving is busy for a moment.
    for _ in 0..50 {
        if !group.exists() || fs::remove_dir(group).is_ok() {
            return;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}
