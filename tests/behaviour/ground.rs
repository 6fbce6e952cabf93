//! Where the cases are tried: one mirror on each back end, made by the first case that asks and gone with the tests.

use std::{
    io::Write as _,
    net::TcpListener,
    path::Path,
    process::{Child, Command, Stdio},
    sync::Mutex,
    time::{Duration, Instant},
};

/// What a case may ask of a back end. Replicas count from 0; of those without an identity any order serves.
pub trait Ground: Sync {
    /// Runs a command beside the main process: its exit code and what it printed.
    fn exec(&self, service: &str, ordinal: usize, command: &[&str]) -> (i32, String);

    /// How often the main container was started again.
    fn restarts(&self, service: &str, ordinal: usize) -> u64;

    /// How the main container ended last: its exit code, and whether for want of memory.
    fn last_exit(&self, service: &str, ordinal: usize) -> Option<(i64, bool)>;

    /// All that a job printed, and its exit code.
    fn job(&self, name: &str) -> (String, i64);

    /// An address of this host that a container with a way out reaches.
    fn outside(&self) -> std::net::IpAddr;

    /// The domain under which services have their long names.
    fn domain(&self) -> String;
}

impl dyn Ground + '_ {
    /// What a shell line prints, which must end well; white space at its ends is taken off.
    #[track_caller]
    pub fn sh(&self, service: &str, ordinal: usize, line: &str) -> String {
        let (code, printed) = self.exec(service, ordinal, &["sh", "-c", line]);
        assert_eq!(code, 0, "{service}/{ordinal}: {line}: {printed}");
        printed.trim().to_owned()
    }

    /// What a program in Python prints.
    #[track_caller]
    pub fn python(&self, service: &str, ordinal: usize, program: &str) -> String {
        let (code, printed) = self.exec(service, ordinal, &["python3", "-c", program]);
        assert_eq!(code, 0, "{service}/{ordinal}: {program}: {printed}");
        printed.trim().to_owned()
    }

    /// What a service answers a client, or why it does not.
    pub fn call(&self, name: &str) -> Result<String, String> {
        let program = format!(
            "import socket\ntry:\n  print(socket.create_connection(('{name}', 8000), 5).makefile().read())\nexcept OSError as e:\n  print('failed', e)"
        );
        let said = self.python("asker", 0, &program);
        if said.starts_with("failed") { Err(said) } else { Ok(said) }
    }

    /// A service's addresses, sorted.
    pub fn addresses(&self, name: &str) -> Vec<String> {
        let program =
            format!("import socket; print(*sorted({{a[4][0] for a in socket.getaddrinfo('{name}', 8000)}}))");
        self.python("asker", 0, &program).split_whitespace().map(str::to_owned).collect()
    }
}

/// Asks until the answer is there; what comes about does so by itself.
#[track_caller]
pub fn until<T>(what: &str, ask: impl FnMut() -> Option<T>) -> T {
    within(120, what, ask)
}

/// For so many seconds, where there is a back end on which it never comes about.
#[track_caller]
pub fn within<T>(seconds: u64, what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + Duration::from_secs(seconds);
    loop {
        if let Some(found) = ask() {
            return found;
        }
        assert!(Instant::now() < deadline, "it never came about: {what}");
        std::thread::sleep(Duration::from_millis(250));
    }
}

/// Removes what a ground made when this process has ended, in whatever way: tests have no end of their own.
pub fn undertake(script: &str, arguments: &[&std::ffi::OsStr], environment: &[(&str, &std::ffi::OsStr)]) {
    static OPEN: Mutex<Vec<Child>> = Mutex::new(Vec::new());
    let mut command = Command::new("sh");
    command.arg("-c").arg(format!("cat >/dev/null; {script}")).args(arguments);
    command.envs(environment.iter().copied());
    // An interrupt of the terminal is not for it, and nobody waits for what it says.
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    OPEN.lock().unwrap().push(command.spawn().unwrap());
}

/// A profile with the name filled in.
pub fn profile(name: &str) -> String {
    include_str!("profile.yaml").replacen("name: NAME", &format!("name: {name}"), 1)
}

/// A program that `make setup-kind` puts beside the release.
pub fn beside(program: &str) -> std::path::PathBuf {
    let release = Path::new(env!("CARGO_BIN_EXE_prodmirror")).ancestors().nth(3).unwrap().join("release");
    let path = release.join(program);
    assert!(path.exists(), "{} is not there: `make setup-kind` makes it", path.display());
    path
}

/// A listener on every address of this host, which greets who comes; its port.
pub fn greeter() -> u16 {
    let listener = TcpListener::bind("0.0.0.0:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let mut client = client;
            let _ = client.write_all(b"outside\n");
        }
    });
    port
}
