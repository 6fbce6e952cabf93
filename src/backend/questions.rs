//! One question to a running container: its cgroup, its kernel's view, its clock and the files mounted into it.

use crate::observed::{FileFacts, Inside};

/// Files whose text is wanted; both versions of the cgroup interface, for a host has either (or a mixture).
const FILES: [&str; 25] = [
    "/sys/fs/cgroup/memory.max",
    "/sys/fs/cgroup/memory.swap.max",
    "/sys/fs/cgroup/memory.low",
    "/sys/fs/cgroup/memory.oom.group",
    "/sys/fs/cgroup/cpu.max",
    "/sys/fs/cgroup/cpu.weight",
    "/sys/fs/cgroup/cpuset.cpus.effective",
    "/sys/fs/cgroup/pids.max",
    "/sys/fs/cgroup/memory/memory.limit_in_bytes",
    "/sys/fs/cgroup/memory/memory.memsw.limit_in_bytes",
    "/sys/fs/cgroup/memory/memory.soft_limit_in_bytes",
    "/sys/fs/cgroup/cpu/cpu.cfs_quota_us",
    "/sys/fs/cgroup/cpu/cpu.cfs_period_us",
    "/sys/fs/cgroup/cpu/cpu.shares",
    "/sys/fs/cgroup/cpuset/cpuset.cpus",
    "/sys/fs/cgroup/pids/pids.max",
    "/proc/1/limits",
    "/proc/1/status",
    "/proc/1/environ",
    "/proc/meminfo",
    "/proc/mounts",
    "/proc/net/route",
    "/etc/resolv.conf",
    "/etc/hosts",
    "/etc/hostname",
];

const COMMANDS: [&str; 3] = ["nproc", "date +%Z%z", "TZ=UTC date +%Z%z"];

/// What one container is asked, and the mark that sets the answers apart.
pub(super) struct Questions {
    sysctls: Vec<String>,
    targets: Vec<String>,
    mark: String,
}

impl Questions {
    /// `sysctls` by name (`net.core.somaxconn`), `targets` where volumes are mounted.
    pub(super) fn new<'a>(
        sysctls: impl Iterator<Item = &'a str>,
        targets: impl Iterator<Item = &'a str>,
    ) -> Self {
        let mut bytes = [0; 12];
        // Without randomness the mark can be foretold, which a file of the container would have to want.
        let _ = getrandom::fill(&mut bytes);
        Self {
            sysctls: sysctls.map(|name| format!("/proc/sys/{}", name.replace('.', "/"))).collect(),
            targets: targets.map(str::to_owned).collect(),
            mark: format!("@{}@", crate::digest::hex(&bytes)),
        }
    }

    /// A script for any POSIX shell: each answer stands between a line `MARK KIND NAME` and the next mark.
    ///
    /// Mounted files are told by `..data`, the link that every filled volume has: a folder that is mounted whole has
    /// it inside, a file that is mounted alone is asked for itself.
    pub(super) fn script(&self) -> String {
        let list = |words: &mut dyn Iterator<Item = &str>| words.map(quoted).collect::<Vec<_>>().join(" ");
        let files = list(&mut FILES.into_iter().chain(self.sysctls.iter().map(String::as_str)));
        let targets = list(&mut self.targets.iter().map(String::as_str));
        let commands: Vec<_> = COMMANDS
            .iter()
            .map(|command| format!("say answer {}; {command} 2>/dev/null", quoted(command)))
            .collect();
        format!(
            "say() {{ printf '\\n%s %s %s\\n' '{mark}' \"$1\" \"$2\"; }}\n\
             sum() {{ say sum \"$1\"; sha256sum < \"$1\" 2>/dev/null || echo; stat -L -c '%a %u %g' \"$1\"; }}\n\
             for f in {files}; do [ -r \"$f\" ] && {{ say file \"$f\"; cat \"$f\" 2>/dev/null; }}; done\n\
             {commands}\n\
             for t in {targets}; do\n\
             if [ -f \"$t\" ]; then sum \"$t\"\n\
             elif [ -h \"$t/..data\" ]; then find \"$t/..data/\" -type f 2>/dev/null | while IFS= read -r f; do sum \"$f\"; done\n\
             fi; done 2>/dev/null\n\
             say end end\n",
            mark = self.mark,
            commands = commands.join("\n"),
        )
    }

    /// Reads the answers; `None` if the end is missing.
    pub(super) fn read(&self, printed: &[u8]) -> Option<Inside> {
        let text = String::from_utf8_lossy(printed);
        let mut inside = Inside::default();
        let mut whole = false;
        for part in text.split(&format!("\n{} ", self.mark)).skip(1) {
            let (head, body) = part.split_once('\n').unwrap_or((part, ""));
            let (kind, name) = head.split_once(' ')?;
            match kind {
                "file" => drop(inside.files.insert(name.to_owned(), body.to_owned())),
                "answer" if !body.is_empty() => {
                    inside.answers.insert(name.to_owned(), body.trim().to_owned());
                }
                "sum" => inside
                    .checksums
                    .extend(facts(body).map(|facts| (name.replacen("/..data/", "/", 1), facts))),
                "end" => whole = true,
                _ => {}
            }
        }
        whole.then_some(inside)
    }
}

/// The two lines of `sum`: `sha256sum`'s and `stat`'s.
fn facts(body: &str) -> Option<FileFacts> {
    let mut lines = body.lines();
    let sha256 = lines.next()?.split_whitespace().next().map(str::to_owned);
    let mut numbers = lines.next()?.split(' ');
    let mode = u32::from_str_radix(numbers.next()?, 8).ok()?;
    let mut id = || numbers.next()?.parse().ok();
    Some(FileFacts { sha256, mode, user: id()?, group: id()? })
}

fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(questions: &Questions) -> Inside {
        let out = std::process::Command::new("sh").args(["-c", &questions.script()]).output().unwrap();
        questions.read(&out.stdout).unwrap()
    }

    #[test]
    fn a_shell_answers_every_question_with_the_very_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("it's conf");
        std::fs::create_dir_all(root.join("..one/sub")).unwrap();
        std::fs::write(root.join("..one/sub/a b"), "no end of line").unwrap();
        std::os::unix::fs::symlink("..one", root.join("..data")).unwrap();
        let target = root.display().to_string();
        let questions =
            Questions::new(["kernel.ostype"].into_iter(), [target.as_str(), "/nowhere"].into_iter());
        let inside = ask(&questions);
        assert_eq!(inside.files["/proc/sys/kernel/ostype"], "Linux\n");
        assert!(inside.files["/proc/1/limits"].contains("Max open files"));
        assert!(inside.answers["TZ=UTC date +%Z%z"].starts_with("UTC"));
        let facts = &inside.checksums[&format!("{target}/sub/a b")];
        let sha256 = facts.sha256.as_ref().unwrap();
        assert_eq!(format!("sha256:{sha256}"), crate::digest::sha256(b"no end of line"));
        assert_eq!(facts.mode, 0o644);
        assert_eq!(inside.checksums.len(), 1);
    }

    #[test]
    fn a_file_that_may_not_be_read_is_there_all_the_same() {
        assert_eq!(facts("\n640 0 7\n"), Some(FileFacts { sha256: None, mode: 0o640, user: 0, group: 7 }));
        assert_eq!(facts("\n"), None);
    }

    #[test]
    fn an_answer_that_breaks_off_is_none() {
        let questions = Questions::new(std::iter::empty(), std::iter::empty());
        let out = std::process::Command::new("sh").args(["-c", &questions.script()]).output().unwrap();
        assert!(questions.read(&out.stdout).is_some());
        assert!(questions.read(&out.stdout[..out.stdout.len() - 12 - questions.mark.len()]).is_none());
    }
}
