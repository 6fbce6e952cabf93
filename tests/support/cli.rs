//! The built program, run as a user of its own: an own home, an own owner, and everything it made removed at the end.

use std::{
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::atomic::{AtomicU32, Ordering},
};

use serde_json::Value;

static COUNT: AtomicU32 = AtomicU32::new(0);

/// One user of the program.
pub struct Cli {
    pub home: tempfile::TempDir,
    pub owner: String,
    /// Another engine than the user's.
    host: Option<String>,
    /// More of the environment, as `PRODMIRROR_CONTEXT`.
    environment: Vec<(&'static str, String)>,
}

/// What a run came to.
pub struct Done {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Done {
    /// The document on stdout.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("no JSON ({error}): {self}"))
    }

    /// The run, which must have ended with this code.
    #[track_caller]
    pub fn code(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{self}");
        self
    }

    #[track_caller]
    pub fn ok(self) -> Self {
        self.code(0)
    }
}

impl std::fmt::Display for Done {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "exit {}\n--- stdout\n{}\n--- stderr\n{}", self.code, self.stdout, self.stderr)
    }
}

impl From<Output> for Done {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

impl Cli {
    pub fn new() -> Self {
        Self::of(None)
    }

    fn of(host: Option<String>) -> Self {
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        Self {
            home: tempfile::tempdir().expect("a temporary folder"),
            owner: format!("test-{}-{number}@here", std::process::id()),
            host,
            environment: Vec::new(),
        }
    }

    /// A user whose environment says more.
    pub fn with(environment: Vec<(&'static str, String)>) -> Self {
        let mut cli = Self::of(None);
        cli.environment = environment;
        cli
    }

    /// A user of the engine that `DOCKER_HOST` would name so.
    pub fn on(host: &str) -> Self {
        Self::of(Some(host.to_owned()))
    }

    /// A mirror's name that no other test has.
    pub fn name(&self, stem: &str) -> String {
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        format!("t{}-{number}-{stem}", std::process::id())
    }

    /// A file in this user's home.
    pub fn file(&self, name: &str, text: &str) -> PathBuf {
        let file = self.home.path().join(name);
        if let Some(folder) = file.parent() {
            std::fs::create_dir_all(folder).expect("a folder");
        }
        std::fs::write(&file, text).expect("a file");
        file
    }

    /// The program with a cleared environment, in the repository's root.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_prodmirror"));
        command
            .args(arguments)
            .current_dir(root())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.home.path())
            .env("PRODMIRROR_OWNER", &self.owner);
        for name in ["DOCKER_HOST", "DOCKER_CONFIG", "DOCKER_CONTEXT"] {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        if let Some(host) = &self.host {
            command.env("DOCKER_HOST", host).env_remove("DOCKER_CONTEXT");
        }
        command
    }

    #[track_caller]
    pub fn run(&self, arguments: &[&str]) -> Done {
        self.command(arguments).stdin(Stdio::null()).output().expect("the program starts").into()
    }

    /// In another folder.
    #[track_caller]
    pub fn run_in(&self, folder: &Path, arguments: &[&str]) -> Done {
        let mut command = self.command(arguments);
        command.current_dir(folder).stdin(Stdio::null()).output().expect("the program starts").into()
    }

    /// With this on standard input.
    #[track_caller]
    pub fn fed(&self, arguments: &[&str], input: &[u8]) -> Done {
        fed(self.command(arguments), input)
    }

    /// On a terminal of 100 columns and 30 rows; what is drawn is all on stdout, and `input` is typed.
    #[track_caller]
    pub fn on_terminal(&self, arguments: &[&str], input: &[u8]) -> Done {
        self.on_terminal_after("stty cols 100 rows 30; exec", arguments, input)
    }

    /// On a terminal, behind other words of a shell.
    #[track_caller]
    pub fn on_terminal_after(&self, before: &str, arguments: &[&str], input: &[u8]) -> Done {
        let plain = self.command(arguments);
        let words = [plain.get_program()].into_iter().chain(plain.get_args());
        let line: Vec<String> =
            words.map(|word| format!("'{}'", word.to_string_lossy().replace('\'', "'\\''"))).collect();
        let line = format!("{before} {}", line.join(" "));
        let mut script = Command::new("script");
        script.args(["--quiet", "--return", "--command", &line, "/dev/null"]).current_dir(root()).env_clear();
        script.envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?)))).env("TERM", "xterm");
        fed(script, input)
    }

    /// Starts it and goes on.
    pub fn spawn(&self, arguments: &[&str]) -> Child {
        self.command(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts")
    }
}

#[track_caller]
fn fed(mut command: Command, input: &[u8]) -> Done {
    let command = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the program starts");
    let mut stdin = child.stdin.take().expect("it was asked for");
    // At once, as a program that answers while it reads waits for its answers to be read.
    std::thread::scope(|scope| {
        scope.spawn(move || {
            // A program that ends early does not read to the end.
            let _ = std::io::Write::write_all(&mut stdin, input);
        });
        child.wait_with_output().expect("the program ends").into()
    })
}

impl Drop for Cli {
    fn drop(&mut self) {
        let done = self.run(&["down", "--all"]);
        if done.code != 0 && !std::thread::panicking() {
            panic!("the mirrors of {} could not be removed: {done}", self.owner);
        }
    }
}

pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// What `docker` itself says, for looking behind the program's back.
#[track_caller]
pub fn docker(arguments: &[&str]) -> String {
    let output = Command::new("docker").args(arguments).output().expect("docker is there");
    assert!(
        output.status.success(),
        "docker {}: {}",
        arguments.join(" "),
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// Ids of everything that carries the mirror's label: containers, networks, volumes.
pub fn left_of(mirror: &str) -> Vec<String> {
    let label = format!("label=prodmirror.mirror={mirror}");
    let lists = [
        docker(&["ps", "-aq", "--filter", &label]),
        docker(&["network", "ls", "-q", "--filter", &label]),
        docker(&["volume", "ls", "-q", "--filter", &label]),
    ];
    lists.iter().flat_map(|list| list.lines().map(str::to_owned)).collect()
}
