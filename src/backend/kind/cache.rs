//! Registries of our own that nodes pull through, each the cache of another one: what came once comes again without it.
//!
//! The program of the distribution project is the cache of one registry alone, so there is a container for each that
//! images are named with, made when the first image of it is asked for; one container with several of them would need
//! a program that keeps them up, where the engine does so already. It is on the network of the nodes and has no port on
//! the host. It asks without a login, so it holds nothing that is not everybody's; what needs one comes by way of the
//! engine. Its state is a volume of the same name, in which content stays for a week, and it outlives clusters:
//! [`Kind::delete_unused_caches`] removes it when the owner has none left.

use std::time::Duration;

use serde::Serialize;

use super::{
    ClusterName, Kind, Result,
    lock::{Lock, Locked},
    name,
    upstream::Upstream,
};
use crate::{
    backend::{BackendError, SecretValues},
    digest, labels,
};

/// The public image whose role an image plays that was made here.
const ROLE: &str = "docker.io/library/registry";
/// Of the nodes of every cluster.
const NETWORK: &str = "kind";
pub(super) const PORT: u16 = 5000;
/// Where the public image has its state.
const DATA: &str = "/var/lib/registry";
/// Which registry it is the cache of.
const UPSTREAM: &str = "prodmirror.upstream";
/// How an engine says that another process was quicker.
const TAKEN: &str = "is already in use by container";
const PAUSE: Duration = Duration::from_millis(100);
/// It answers at once, or ends because its registry does not.
const ANSWERS_WITHIN: Duration = Duration::from_secs(10);

/// A registry that nodes pull through.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Cache {
    /// Of its container, and of the volume that has its state.
    pub name: String,
    pub owner: String,
    /// The registry that it is the cache of, as images are named with it.
    pub upstream: String,
    /// Of its container, in the engine's word: `running`, `restarting`, `exited`; absent where the volume alone is left.
    pub state: Option<String>,
}

impl Kind {
    /// The image that caches are made of; where there is none, there are none.
    pub(super) async fn cache_image(&self) -> Result<Option<String>> {
        self.role(ROLE).await
    }

    /// Keeps the caches of an owner from being removed meanwhile.
    pub(super) async fn use_caches(&self, owner: &str) -> Result<Locked> {
        loop {
            match Lock::Use.try_take(&self.state_dir, &name::caches(owner))? {
                Some(lock) => return Ok(lock),
                None => tokio::time::sleep(PAUSE).await,
            }
        }
    }

    /// Finds the cache of a registry or makes it, waits until a node reaches it, and answers its name.
    ///
    /// An engine gives a name once: of several processes one makes it, and the others find it. One that was cut off
    /// before its start is started, one of another image or another way to ask is made anew, its state kept.
    ///
    /// # Errors
    /// [`BackendError::Engine`] with its last words where it does not come up, as when its registry is not in reach;
    /// nothing is left then of what was made.
    pub(super) async fn keep_cache(
        &self,
        owner: &str,
        upstream: &Upstream,
        image: &str,
        node: &str,
    ) -> Result<String> {
        let name = name::cache(owner, upstream.host());
        let had_state = self.has_volume(&name).await?;
        let made = self.make_cache(&name, owner, upstream, image).await?;
        self.docker(&[&"start", &name]).await?;
        if let Err(error) = self.until_reached(&name, node).await {
            // It would begin again and again, for as long as this machine runs.
            if made {
                self.remove_cache(&name, !had_state).await?;
            }
            return Err(error);
        }
        Ok(name)
    }

    /// Answers whether it had to be made.
    async fn make_cache(&self, name: &str, owner: &str, upstream: &Upstream, image: &str) -> Result<bool> {
        let id = self.docker(&[&"image", &"inspect", &"--format", &"{{.Id}}", &image]).await?;
        let own = labelled(owner, upstream.host());
        let volume = format!("{name}:{DATA}");
        let environment = [
            format!("REGISTRY_PROXY_REMOTEURL={}", upstream.url()),
            format!("REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY={DATA}"),
            format!("REGISTRY_HTTP_ADDR=:{PORT}"),
            "REGISTRY_LOG_LEVEL=warn".to_owned(),
            "REGISTRY_LOG_ACCESSLOG_DISABLED=true".to_owned(),
        ];
        let mut how = vec!["--network", NETWORK, "--restart", "unless-stopped", "--read-only"];
        how.extend(["--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--volume", &volume]);
        how.extend(environment.iter().flat_map(|variable| ["--env", variable]));
        let spec = digest::spec(&(&how, &own, id.trim()));
        let label = format!("{}={spec}", labels::SPEC);
        loop {
            match self.spec_of(name).await? {
                Some(there) if there == spec => return Ok(false),
                Some(_) => self.remove_cache(name, false).await?,
                None => {}
            }
            let state: Vec<&str> =
                ["volume", "create"].into_iter().chain(words(&own)).chain([name]).collect();
            self.docker.run(&state, &SecretValues::default()).await?;
            let mut create = vec!["create", "--name", name, "--label", &label];
            create.extend(words(&own).chain(how.iter().copied()).chain([image]));
            match self.docker.run(&create, &SecretValues::default()).await {
                Err(BackendError::Command { output, .. }) if output.contains(TAKEN) => {}
                made => return made.map(|_| true),
            }
        }
    }

    async fn spec_of(&self, name: &str) -> Result<Option<String>> {
        let format = format!("{{{{index .Config.Labels {:?}}}}}", labels::SPEC);
        match self.docker(&[&"container", &"inspect", &"--format", &format, &name]).await {
            Ok(spec) => Ok(Some(spec.trim().to_owned())),
            Err(BackendError::Command { output, .. }) if output.contains("No such container") => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn until_reached(&self, name: &str, node: &str) -> Result<()> {
        // Bash is on every node, for kind itself needs it.
        let port = PORT.to_string();
        let knocks = ["exec", node, "bash", "-c", "exec 3<>/dev/tcp/$0/$1", name, &port];
        let within = tokio::time::Instant::now() + ANSWERS_WITHIN;
        loop {
            if self.docker.run(&knocks, &SecretValues::default()).await.is_ok() {
                return Ok(());
            }
            let format = "{{.State.Status}}";
            let state = self.docker(&[&"container", &"inspect", &"--format", &format, &name]).await?;
            if state.trim() != "running" || tokio::time::Instant::now() > within {
                let why = self.last_words(name).await;
                return Err(BackendError::Engine { what: format!("registry {name}"), why });
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Why it ended, in its own words.
    async fn last_words(&self, name: &str) -> String {
        let shell = super::Program { path: "sh".into(), ..self.docker.clone() };
        let docker = self.docker.path.to_string_lossy();
        let script = r#"exec "$0" logs --tail 50 "$1" 2>&1"#;
        let said = shell.run(&["-c", script, &docker, name], &SecretValues::default()).await;
        let said = said.unwrap_or_default();
        let panic = said.lines().rev().find_map(|line| line.strip_prefix("panic: "));
        panic.or(said.lines().next_back()).unwrap_or("it does not answer").to_owned()
    }

    /// Every cache, of one owner or of all, in order of name.
    pub async fn caches(&self, owner: Option<&str>) -> Result<Vec<Cache>> {
        let mut all = Vec::new();
        let format = format!("{{{{.Names}}}}\t{{{{.State}}}}\t{}", told());
        let containers = self.labelled_ones(&["ps", "--all"], owner, &format).await?;
        for line in containers.lines() {
            let mut fields = line.split('\t').map(str::to_owned);
            if let (Some(name), Some(state), Some(owner), Some(upstream)) =
                (fields.next(), fields.next(), fields.next(), fields.next())
            {
                all.push(Cache { name, owner, upstream, state: Some(state) });
            }
        }
        let volumes =
            self.labelled_ones(&["volume", "ls"], owner, &format!("{{{{.Name}}}}\t{}", told())).await?;
        for line in volumes.lines() {
            let mut fields = line.split('\t').map(str::to_owned);
            if let (Some(name), Some(owner), Some(upstream)) = (fields.next(), fields.next(), fields.next())
                && all.iter().all(|cache| cache.name != name)
            {
                all.push(Cache { name, owner, upstream, state: None });
            }
        }
        all.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(all)
    }

    async fn labelled_ones(&self, list: &[&str], owner: Option<&str>, format: &str) -> Result<String> {
        let kind = format!("label={}={}", labels::KIND, labels::Kind::Registry.as_str());
        let owner = owner.map(|owner| format!("label={}={owner}", labels::OWNER));
        let mut words = list.to_vec();
        words.extend(["--format", format, "--filter", &kind]);
        words.extend(owner.iter().flat_map(|filter| ["--filter", filter]));
        self.docker.run(&words, &SecretValues::default()).await
    }

    /// Removes the caches, of one owner or of all, whose owner has no cluster left, and answers them; with `dry_run`
    /// only names them, `leaving` being the clusters that would go before.
    ///
    /// A cache that a process of this host pulls through stays.
    pub async fn delete_unused_caches(
        &self,
        owner: Option<&str>,
        leaving: &[String],
        dry_run: bool,
    ) -> Result<Vec<Cache>> {
        let mut gone = Vec::new();
        for cache in self.caches(owner).await? {
            let lock = Lock::Change.try_take(&self.state_dir, &name::caches(&cache.owner))?;
            if lock.is_none() || self.has_cluster(&cache.owner, leaving).await? {
                continue;
            }
            if !dry_run {
                self.remove_cache(&cache.name, true).await?;
            }
            gone.push(cache);
        }
        Ok(gone)
    }

    async fn has_cluster(&self, owner: &str, leaving: &[String]) -> Result<bool> {
        let stays =
            |name: &ClusterName| name.belongs_to(owner) && !leaving.iter().any(|gone| gone == name.as_str());
        Ok(self.names().await?.iter().any(stays))
    }

    /// Whether an owner has a cache of a registry, or what it held.
    pub(super) async fn has_cache(&self, owner: &str, upstream: &str) -> Result<bool> {
        self.has_volume(&name::cache(owner, upstream)).await
    }

    async fn has_volume(&self, name: &str) -> Result<bool> {
        let filter = format!("name=^{name}$");
        Ok(!self.docker(&[&"volume", &"ls", &"--quiet", &"--filter", &filter]).await?.is_empty())
    }

    async fn remove_cache(&self, name: &str, with_state: bool) -> Result<()> {
        self.docker(&[&"rm", &"--force", &name]).await?;
        if with_state {
            self.docker(&[&"volume", &"rm", &"--force", &name]).await?;
        }
        Ok(())
    }
}

/// The labels of a container and of its volume.
fn labelled(owner: &str, upstream: &str) -> [String; 3] {
    [
        format!("{}={owner}", labels::OWNER),
        format!("{}={}", labels::KIND, labels::Kind::Registry.as_str()),
        format!("{UPSTREAM}={upstream}"),
    ]
}

fn words(labels: &[String]) -> impl Iterator<Item = &str> {
    labels.iter().flat_map(|label| ["--label", label])
}

/// How `docker` prints an owner and a registry.
fn told() -> String {
    format!("{{{{.Label {:?}}}}}\t{{{{.Label {UPSTREAM:?}}}}}", labels::OWNER)
}
