//! Holders of a mirror's lease.

use std::{
    io::{BufRead, BufReader, Write},
    process::{Child, Command, Stdio},
};

use crate::stage::Stage;

impl Stage {
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
