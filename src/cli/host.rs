//! What a run takes from its surroundings, read once: the environment ends here.

use std::{path::PathBuf, time::Duration};

use prodmirror::profile;

use super::failure::Failure;

/// The caller, this machine's folders, and how to reach the engine.
pub struct Host {
    /// user@host, or PRODMIRROR_OWNER.
    pub owner: String,
    pub ci: bool,
    /// Nothing in it is needed later.
    pub state_dir: PathBuf,
    /// Where what a failure leaves goes.
    pub artifacts: PathBuf,
    /// The key under which secrets are hashed.
    pub hash_key: PathBuf,
    /// The files of KUBECONFIG, else kubectl's own.
    pub kubeconfig: Vec<PathBuf>,
    /// What has kubectl in it, for the end of mirrors on clusters.
    pub(super) expiry_image: Option<String>,
    /// DOCKER_HOST, the context and the folder of the `docker` command.
    pub(super) docker_host: Option<String>,
    pub(super) docker_context: Option<String>,
    pub(super) docker_config: PathBuf,
    pub(super) helpers: Vec<PathBuf>,
}

pub(super) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

impl Host {
    pub fn read() -> Result<Self, Failure> {
        let home = variable("HOME").map_or_else(|| PathBuf::from("/"), PathBuf::from);
        let state_dir = variable("PRODMIRROR_STATE")
            .map(PathBuf::from)
            .or_else(|| variable("XDG_STATE_HOME").map(|state| PathBuf::from(state).join("prodmirror")))
            .unwrap_or_else(|| home.join(".local/state/prodmirror"));
        let artifacts =
            variable("PRODMIRROR_ARTIFACTS").map_or_else(|| state_dir.join("failures"), PathBuf::from);
        let hash_key =
            variable("PRODMIRROR_HASH_KEY_FILE").map_or_else(|| state_dir.join("hash-key"), PathBuf::from);
        let kubeconfig = variable("KUBECONFIG").map_or_else(
            || vec![home.join(".kube/config")],
            |files| std::env::split_paths(&files).filter(|file| !file.as_os_str().is_empty()).collect(),
        );
        Ok(Self {
            owner: variable("PRODMIRROR_OWNER").unwrap_or_else(owner),
            ci: variable("CI").is_some_and(|ci| ci == "true" || ci == "1"),
            state_dir,
            artifacts,
            hash_key,
            kubeconfig,
            expiry_image: variable("PRODMIRROR_EXPIRY_IMAGE"),
            docker_host: variable("DOCKER_HOST"),
            docker_context: variable("DOCKER_CONTEXT"),
            docker_config: variable("DOCKER_CONFIG").map_or_else(|| home.join(".docker"), PathBuf::from),
            helpers: helpers(),
        })
    }
}

/// PRODMIRROR_HELPER, a static build beside this program, this program itself.
fn helpers() -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = variable("PRODMIRROR_HELPER").map(PathBuf::from).into_iter().collect();
    if let Ok(own) = std::env::current_exe() {
        if let Some(folder) = own.parent() {
            for arch in ["amd64", "arm64"] {
                let beside = folder.join(format!("prodmirror-helper-linux-{arch}"));
                if beside.exists() {
                    files.push(beside);
                }
            }
        }
        files.push(own);
    }
    files
}

fn owner() -> String {
    let user = variable("USER").or_else(|| variable("LOGNAME")).unwrap_or_else(|| {
        // As cron and containers leave it: the same person, the same owner.
        let id = rustix::process::getuid().as_raw();
        let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
        user_name(&users, id).unwrap_or_else(|| format!("uid{id}"))
    });
    let host = rustix::system::uname();
    format!("{user}@{}", host.nodename().to_string_lossy())
}

/// The name of a user in the text of `/etc/passwd`.
fn user_name(users: &str, id: u32) -> Option<String> {
    let id = id.to_string();
    users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next().filter(|name| !name.is_empty())?;
        (fields.nth(1) == Some(&id)).then(|| name.to_owned())
    })
}

/// A span of time from an option.
pub fn span(option: &str, text: &str) -> Result<Duration, Failure> {
    let span: profile::Duration =
        text.parse().map_err(|error| Failure::usage("bad-time", format!("--{option}: {error}")))?;
    Ok(span.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_known_by_the_third_field() {
        let users =
            "root:x:0:0:root:/root:/bin/bash\nbin:x:2:1000::/:\n\nanna:x:1000:0:Anna:/home/anna:/bin/sh\n";
        assert_eq!(user_name(users, 1000).as_deref(), Some("anna"));
        assert_eq!(user_name(users, 0).as_deref(), Some("root"));
        assert_eq!(user_name(users, 1), None);
    }
}
