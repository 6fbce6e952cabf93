//! The user's docker client, and the helper image made from this build.

use std::{
    fs,
    io::{self, Read, Write},
    net::{IpAddr, TcpStream},
    process::{Command, Stdio},
    sync::{Arc, Mutex, Weak},
    time::{Duration, Instant},
};

pub const DEBIAN: &str = "prodmirror-built/debian:bookworm";
pub const PYTHON: &str = "prodmirror-built/python:3.11";

pub const PATIENCE: Duration = Duration::from_secs(60);

pub fn command(words: &[&str]) -> std::process::Output {
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

/// What a new connection comes to on which nothing is said: a reset, an ordinary end, silence.
pub fn end_of(address: (IpAddr, u16)) -> io::Result<usize> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    stream.read(&mut [0])
}

/// The body of an answer over a new connection; the error tells how there came none.
pub fn get(address: (IpAddr, u16), path: &str) -> io::Result<String> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    write!(stream, "GET {path} HTTP/1.0\r\n\r\n")?;
    let mut text = String::new();
    stream.read_to_string(&mut text)?;
    let (_, body) = text.split_once("\r\n\r\n").ok_or(io::ErrorKind::UnexpectedEof)?;
    Ok(body.to_owned())
}

/// The helper image, made when the first test needs it, removed after the last.
pub struct Helper(pub String);

impl Helper {
    pub fn get() -> Arc<Self> {
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
