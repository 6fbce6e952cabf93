//! A user who has what `make setup-kind` makes. All of its mirrors and clusters go when this process has ended.

use std::{
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Mutex, OnceLock},
};

use prodmirror::{backend::kind::ClusterName, name::Name};

use crate::cli::Cli;

/// The user; the first who asks makes it.
pub fn user() -> &'static Cli {
    static USER: OnceLock<Cli> = OnceLock::new();
    USER.get_or_init(|| {
        let path = std::env::var("PATH").unwrap_or_default();
        let path = format!("{}:{path}", release().display());
        let cli = Cli::with(vec![("PATH", path.clone())]);
        let script = r#""$0" down --all
            for cluster in $("$1" get clusters --quiet | grep "^$2"); do
                "$1" delete cluster --name "$cluster" --kubeconfig /dev/null
            done
            "$0" gc
            rm -rf "$HOME""#;
        undertake(
            script,
            &[
                env!("CARGO_BIN_EXE_prodmirror").as_ref(),
                kind().as_os_str(),
                clusters_of(&cli.owner).as_ref(),
            ],
            &[
                ("PATH", path.as_ref()),
                ("HOME", cli.home.path().as_os_str()),
                ("PRODMIRROR_OWNER", cli.owner.as_ref()),
            ],
        );
        cli
    })
}

/// How the names of an owner's clusters begin.
fn clusters_of(owner: &str) -> String {
    let one = ClusterName::own(owner, &Name::new("x").unwrap());
    one.as_str().trim_end_matches('x').to_owned()
}

/// The environment of commands about a mirror that is in a cluster of the user's.
pub fn way_into_cluster(mirror: &str) -> Vec<(&'static str, String)> {
    let asked = |words: &[&str]| {
        let output = Command::new(kind()).args(words).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let (all, own) = (asked(&["get", "clusters", "--quiet"]), clusters_of(&user().owner));
    let has_it = |(_, file): &(&str, PathBuf)| {
        let space = format!("pm-{mirror}");
        let mut kubectl = Command::new(release().join("kubectl"));
        kubectl.arg("--kubeconfig").arg(file).args(["get", "namespace", &space]);
        kubectl.output().unwrap().status.success()
    };
    let clusters = all.lines().filter(|name| name.starts_with(&own));
    let kubeconfig = |name| {
        (name, user().file(&format!("{name}/kubeconfig"), &asked(&["get", "kubeconfig", "--name", name])))
    };
    let found = clusters.map(kubeconfig).find(has_it);
    let (cluster, file) = found.unwrap_or_else(|| panic!("no cluster of {all} has {mirror}"));
    vec![("PRODMIRROR_CONTEXT", format!("kind-{cluster}")), ("KUBECONFIG", file.display().to_string())]
}

/// Where `make setup-kind` puts its programs.
pub fn release() -> PathBuf {
    Path::new(env!("CARGO_BIN_EXE_prodmirror")).ancestors().nth(3).unwrap().join("release")
}

fn kind() -> PathBuf {
    let path = release().join("kind");
    assert!(path.exists(), "{} is not there: `make setup-kind` makes it", path.display());
    path
}

/// Runs a script when this process has ended, in whatever way: tests have no end of their own.
fn undertake(script: &str, arguments: &[&std::ffi::OsStr], environment: &[(&str, &std::ffi::OsStr)]) {
    static OPEN: Mutex<Vec<Child>> = Mutex::new(Vec::new());
    let mut command = Command::new("sh");
    command.arg("-c").arg(format!("cat >/dev/null; {script}")).args(arguments);
    command.envs(environment.iter().copied());
    // An interrupt of the terminal is not for it, and nobody waits for what it says.
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    OPEN.lock().unwrap().push(command.spawn().unwrap());
}
