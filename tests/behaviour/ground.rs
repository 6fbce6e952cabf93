//! Where the cases are tried: one mirror on each back end, made by the first case that asks and gone with the tests.

use std::{
    io::Write as _,
    net::{IpAddr, TcpListener},
    path::Path,
    process::Stdio,
    sync::{Mutex, MutexGuard, OnceLock, PoisonError},
    time::{Duration, Instant},
};

use prodmirror::profile::Profile;
use serde_json::Value;

use crate::{
    cli::{Done, docker},
    clustered::{user, way_into_cluster},
};

/// A mirror that the program made, and what a case may ask of it. Replicas count from 0; of those without an identity any
/// order serves.
pub struct Ground {
    pub name: String,
    file: String,
    place: Place,
    /// By its context a command need not look for a mirror in every cluster of this host.
    way: Vec<(&'static str, String)>,
    turn: Mutex<()>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Place {
    Compose,
    Kind,
}

/// The mirror that stays as its profile has it.
pub fn standing(place: Place) -> &'static Ground {
    static GROUNDS: [OnceLock<Ground>; 2] = [OnceLock::new(), OnceLock::new()];
    GROUNDS[place as usize].get_or_init(|| Ground::new(place, "standing", include_str!("profile.yaml")))
}

/// The mirror that is changed and stopped, by one case at a time.
pub fn changing(place: Place) -> &'static Ground {
    static GROUNDS: [OnceLock<Ground>; 2] = [OnceLock::new(), OnceLock::new()];
    GROUNDS[place as usize].get_or_init(|| Ground::new(place, "changing", include_str!("changing.yaml")))
}

impl Ground {
    /// A mirror of a profile whose `name: NAME` is filled in.
    fn new(place: Place, stem: &str, profile: &str) -> Self {
        let name = user().name(stem);
        let beside = |file: &str, text: &str| user().file(&format!("{name}/{file}"), text);
        beside("asked.py", include_str!("asked.py"));
        beside("health.py", include_str!("health.py"));
        let text = profile.replacen("name: NAME", &format!("name: {name}"), 1);
        let file = beside("prodmirror.yaml", &text).display().to_string();
        Self { name, file, place, way: Vec::new(), turn: Mutex::new(()) }.brought_up(&[])
    }

    /// What is brought up is what its profile says, as the program itself reads it.
    fn brought_up(mut self, options: &[&str]) -> Self {
        self.up(options).ok();
        if self.place == Place::Kind {
            self.way = way_into_cluster(&self.name);
        }
        self.ledger(&[]).ok();
        self
    }

    /// What became of every field, as who made the mirror reads it: by its context alone nobody knows of the images that
    /// were built here in the place of others.
    #[track_caller]
    pub fn ledger(&self, more: &[&str]) -> Done {
        user().run(&[&["ledger", self.name.as_str()], more].concat())
    }

    /// A mirror of a profile of the repository; what is secret is the same in every mirror of it.
    pub fn of(place: Place, file: &Path, profile: &Profile, options: &[&str]) -> Self {
        let name = user().name(profile.name.as_str());
        let file = file.display().to_string();
        let ground = Self { name, file, place, way: Vec::new(), turn: Mutex::new(()) };
        let secrets = profile.secrets.keys().map(|secret| {
            let value = user().file(&format!("secret-{secret}"), &format!("value-of-{secret}"));
            format!("{secret}=@{}", value.display())
        });
        let secrets: Vec<String> = secrets.flat_map(|secret| ["--secret".to_owned(), secret]).collect();
        let name = ["--name".to_owned(), ground.name.clone()];
        let all = name.iter().chain(&secrets).map(String::as_str).chain(options.iter().copied());
        ground.brought_up(&all.collect::<Vec<_>>())
    }

    /// For as long as it is held, no other case changes the mirror.
    pub fn turn(&self) -> MutexGuard<'_, ()> {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Brings it to its profile, as it is or with options.
    #[track_caller]
    pub fn up(&self, options: &[&str]) -> Done {
        let words = ["up", "-f", &self.file, "--backend", self.place.as_str()];
        user().run(&[&words[..], options].concat())
    }

    /// A command about the mirror.
    #[track_caller]
    pub fn run(&self, command: &str, more: &[&str]) -> Done {
        let mut command = user().command(&[&[command, self.name.as_str()], more].concat());
        command.envs(self.way.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null()).output().unwrap().into()
    }

    /// Runs a command beside the main process: its exit code and what it printed.
    pub fn exec(&self, service: &str, ordinal: usize, command: &[&str]) -> (i32, String) {
        let replica = format!("{service}/{ordinal}");
        let done = self.run("exec", &[&["-T", &replica, "--"][..], command].concat());
        (done.code, if done.code == 0 { done.stdout } else { done.to_string() })
    }

    /// How often the main container was started again.
    pub fn restarts(&self, service: &str, ordinal: usize) -> u64 {
        self.status(service, ordinal)["restarts"].as_u64().unwrap_or_default()
    }

    /// How the main container ended last: its exit code, and whether for want of memory.
    pub fn last_exit(&self, service: &str, ordinal: usize) -> Option<(i64, bool)> {
        let status = self.status(service, ordinal);
        Some((status["last_exit"]["code"].as_i64()?, status["last_exit"]["oom_killed"] == true))
    }

    /// All that a job printed, and its exit code.
    pub fn job(&self, name: &str) -> (String, i64) {
        let log = self.run("logs", &[name, "--format", "json"]).ok().stdout;
        let line = |line: &str| {
            serde_json::from_str::<Value>(line).unwrap()["line"].as_str().map(|text| format!("{text}\n"))
        };
        let log = log.lines().filter_map(line).collect();
        let code = self.status(name, 0)["last_exit"]["code"].as_i64().unwrap_or(-1);
        (log, code)
    }

    /// An address of this host that a container with a way out reaches.
    pub fn outside(&self) -> IpAddr {
        let network = match self.place {
            Place::Compose => "bridge",
            Place::Kind => "kind",
        };
        let format = "{{range .IPAM.Config}}{{.Gateway}} {{end}}";
        let gateways = docker(&["network", "inspect", network, "--format", format]);
        let mut addresses = gateways.split_whitespace().filter_map(|address| address.parse().ok());
        addresses.find(IpAddr::is_ipv4).unwrap()
    }

    /// The domain under which services have their long names.
    pub fn domain(&self) -> String {
        match self.place {
            Place::Compose => "default.svc.cluster.local".to_owned(),
            Place::Kind => format!("pm-{}.svc.cluster.local", self.name),
        }
    }

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

    #[track_caller]
    pub fn status(&self, service: &str, ordinal: usize) -> Value {
        let status = self.run("status", &["--format", "json"]).ok().json();
        let all = status["mirrors"][0]["services"].as_array().cloned().unwrap_or_default();
        let is_it = |found: &Value| found["name"] == service && found["ordinal"] == ordinal;
        all.into_iter().find(is_it).unwrap_or_else(|| panic!("no {service}/{ordinal}: {status:#}"))
    }
}

impl Place {
    fn as_str(self) -> &'static str {
        match self {
            Self::Compose => "compose",
            Self::Kind => "kind",
        }
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
