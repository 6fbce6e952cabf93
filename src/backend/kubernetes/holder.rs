//! The process behind a lease, named so that others on its host can tell whether it lives.

use std::{fmt, fs, str::FromStr};

/// Written as `RUN pid PID since TICKS of HOST`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Holder {
    run: String,
    pid: u32,
    /// When it began, in ticks since the host did: a number is used again by later processes.
    since: u64,
    /// This start of this kernel, and the namespace in which process numbers count.
    host: String,
}

impl Holder {
    pub(super) fn of_this_process(run: &str) -> Self {
        let pid = std::process::id();
        Self { run: run.to_owned(), pid, since: began(pid).unwrap_or_default(), host: this_host() }
    }

    /// Whether it is of this host and does not run any more. Of other hosts nothing is known.
    pub(super) fn is_gone(&self) -> bool {
        !self.host.is_empty() && self.host == this_host() && began(self.pid) != Some(self.since)
    }

    #[cfg(test)]
    pub(super) fn ended(self) -> Self {
        Self { since: self.since + 1, ..self }
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { run, pid, since, host } = self;
        write!(f, "{run} pid {pid} since {since} of {host}")
    }
}

impl FromStr for Holder {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let words: Vec<&str> = text.split(' ').collect();
        let [run, "pid", pid, "since", since, "of", host] = words[..] else { return Err(()) };
        let (pid, since) = (pid.parse().map_err(|_| ())?, since.parse().map_err(|_| ())?);
        Ok(Self { run: run.to_owned(), pid, since, host: host.to_owned() })
    }
}

/// Empty where the kernel does not say.
fn this_host() -> String {
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let space = fs::read_link("/proc/self/ns/pid").unwrap_or_default();
    if boot.is_empty() { String::new() } else { format!("{}/{}", boot.trim(), space.display()) }
}

/// The 22nd field of `/proc/PID/stat`; the second is a name in brackets and may hold anything. A process that ended
/// and was not waited for is none.
fn began(pid: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace();
    let state = fields.next()?;
    if state == "Z" { None } else { fields.nth(18)?.parse().ok() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_that_runs_is_not_gone_and_one_that_had_its_number_before_is() {
        let own = Holder::of_this_process("r1");
        assert!(own.since > 0 && !own.host.is_empty(), "{own}");
        assert_eq!(own.to_string().parse(), Ok(own.clone()));
        assert!(!own.is_gone());
        assert!(own.clone().ended().is_gone());
        let elsewhere = Holder { host: "another/pid:[1]".to_owned(), ..own.ended() };
        assert!(!elsewhere.is_gone(), "of other hosts nothing is known");
        assert!("r1".parse::<Holder>().is_err());
    }
}
