//! Where mirrors run: the one place that chooses a back end.

use std::{path::PathBuf, sync::Arc};

use prodmirror::{
    backend::{
        Ask, Backend, BackendError, DockerLogins, EngineSource, Names, Pulling, Report,
        compose::{self, Compose, Connection, Settings},
        kind::{self, ClusterName, InUse, Kind},
        kubernetes::{self, Cluster, Doors, Mirrors},
    },
    plan::{BackendKind, Capabilities, kubernetes::ClusterShape},
    profile::Profile,
    readers::kubeconfig::Kubeconfig,
    render::Templates,
};

use super::{
    failure::Failure,
    host::{Host, variable},
    options::{BackendOption, PlaceArgs, PlanArgs},
};

pub use prodmirror::backend::kind::Cache;

/// Where a mirror runs, and the claim on it, held for as long as something is made there.
pub struct Place {
    backend: Box<dyn Backend>,
    _in_use: Option<InUse>,
}

impl Place {
    pub fn backend(&self) -> &dyn Backend {
        &*self.backend
    }
}

/// Where mirrors may be.
#[derive(Default)]
pub struct Clusters {
    pub answering: Vec<Box<dyn Backend>>,
    pub silent: Silent,
}

/// The user's own clusters of which nobody knows what is on them.
#[derive(Default)]
pub struct Silent {
    clusters: Vec<ClusterName>,
    why: Why,
}

#[derive(Clone, Copy, Default)]
enum Why {
    /// They are stopped, or their API server is away.
    #[default]
    NoAnswer,
    /// The program is not here that knows the way to them.
    NoKind,
}

impl Silent {
    /// A line each, for whoever goes on without them.
    pub fn notes(&self) -> impl Iterator<Item = String> {
        let why = match self.why {
            Why::NoAnswer => "does not answer",
            Why::NoKind => "cannot be asked, as the program `kind` is not here",
        };
        self.clusters.iter().map(move |cluster| format!("{cluster} {why}: mirrors on it are not seen"))
    }

    /// Refuses to take what was not seen for what is not there.
    ///
    /// # Errors
    /// Where there is one.
    pub fn refuse(&self) -> Result<(), Failure> {
        let Some(first) = self.clusters.first() else { return Ok(()) };
        let names: Vec<&str> = self.clusters.iter().map(ClusterName::as_str).collect();
        let names = names.join(", ");
        Err(match self.why {
            Why::NoAnswer => {
                let message = format!("{names} does not answer, and may hold mirrors");
                Failure::tool("cluster-silent", message).hint(format!(
                    "`docker start {first}-control-plane` if it is stopped, `kind delete cluster --name {first}` if it is of no use"
                ))
            }
            Why::NoKind => without_kind(format!(
                "without the program `kind` {names} cannot be asked, and may hold mirrors"
            )),
        })
    }
}

fn without_kind(message: impl Into<String>) -> Failure {
    Failure::tool("kind-missing", message).hint("install it, or run `make setup-kind`")
}

impl Host {
    /// The engine of this host, as a place where mirrors run.
    pub async fn connect(&self) -> Result<Box<dyn Backend>, Failure> {
        Ok(Box::new(self.compose(Templates::embedded()).await?))
    }

    /// Where a mirror shall run: here alone a back end is chosen. A Kind cluster is made where there is none yet.
    pub async fn place(
        &self,
        args: &PlanArgs,
        ask: &Ask,
        profile: &Profile,
        templates: Templates,
        report: &dyn Report,
    ) -> Result<Place, Failure> {
        let place = |backend| Place { backend, _in_use: None };
        match (args.backend, &args.context) {
            (BackendOption::Compose, None) => Ok(place(Box::new(self.compose(templates).await?))),
            (BackendOption::Kubernetes, Some(context)) => Ok(place(self.on(context, templates).await?)),
            (BackendOption::Kubernetes, None) => Err(Failure::usage(
                "no-context",
                "--backend kubernetes needs --context: the current context is never used",
            )
            .hint("`kubectl config get-contexts` lists them")),
            (BackendOption::Kind, None) => self.on_kind(args, ask, profile, templates, report).await,
            (BackendOption::Compose | BackendOption::Kind, Some(_)) => Err(Failure::usage(
                "context",
                "--context names an existing cluster, which is --backend kubernetes",
            )),
        }
    }

    /// The cluster of ours that the profile asks for.
    async fn on_kind(
        &self,
        args: &PlanArgs,
        ask: &Ask,
        profile: &Profile,
        templates: Templates,
        report: &dyn Report,
    ) -> Result<Place, Failure> {
        let kind = self.kind()?;
        let mut known = Capabilities::unknown(BackendKind::Kind, ask.mirror.clone(), ask.owner.clone());
        let (machine, node_image) = tokio::try_join!(kind.machine(), kind.node_image())?;
        machine.tell(&mut known);
        known.cluster.node_image = node_image;
        let shape = ClusterShape::of(profile, &known);
        let name = match args.fresh_cluster {
            true => ClusterName::own(&self.owner, &ask.mirror),
            false => ClusterName::shared(&self.owner, &shape),
        };
        let in_use = kind.ensure(&self.owner, &name, &shape, report).await?;
        let backend = self.with_key(&kind, &name, in_use.credentials().to_owned(), templates).await?;
        Ok(Place { backend, _in_use: Some(in_use) })
    }

    async fn in_kind(
        &self,
        kind: &Kind,
        name: &ClusterName,
        templates: Templates,
    ) -> Result<Box<dyn Backend>, Failure> {
        let credentials = kind.credentials(name).await?;
        self.with_key(kind, name, credentials, templates).await
    }

    async fn with_key(
        &self,
        kind: &Kind,
        name: &ClusterName,
        credentials: String,
        templates: Templates,
    ) -> Result<Box<dyn Backend>, Failure> {
        let way = Kubeconfig::Text(credentials);
        let cluster = Cluster::connect(&way, &name.context()).await.map_err(BackendError::from)?;
        let nodes = Arc::new(kind::NodesOf {
            kind: kind.clone(),
            name: name.clone(),
            through: kind::Through { owner: self.owner.clone(), insecure: Vec::new() },
            engine: Arc::new(self.compose(Templates::embedded()).await?),
        });
        let settings = kubernetes::Settings {
            way,
            doors: self.doors()?,
            images: nodes.clone(),
            nodes,
            logins: None,
            templates: Arc::new(templates),
            expiry_image: self.expiry_image.clone(),
        };
        Ok(Box::new(Mirrors::new(cluster, BackendKind::Kind, settings)))
    }

    fn kind(&self) -> Result<Kind, Failure> {
        let Some(program) = beside_or_on_path("kind") else {
            return Err(without_kind("the program `kind` is not here"));
        };
        Ok(Kind::new(kind::Settings {
            kind: program,
            docker: PathBuf::from("docker"),
            self_exe: std::env::current_exe().ok(),
            environment: environment(),
            state_dir: self.state_dir.clone(),
        }))
    }

    /// The cluster of a context.
    pub async fn on(&self, context: &str, templates: Templates) -> Result<Box<dyn Backend>, Failure> {
        let way = Kubeconfig::Files(self.kubeconfig.clone());
        let cluster = Cluster::connect(&way, context).await?;
        let settings = kubernetes::Settings {
            way,
            doors: self.doors()?,
            images: Arc::new(kubernetes::Pulled),
            nodes: Arc::new(Pulling),
            logins: Some(DockerLogins::new(
                self.docker_config.join("config.json"),
                environment(),
                std::env::current_exe().ok(),
            )),
            templates: Arc::new(templates),
            expiry_image: self.expiry_image.clone(),
        };
        Ok(Box::new(Mirrors::new(cluster, BackendKind::Kubernetes, settings)))
    }

    /// The cluster of a context, as what it is: one of our own Kind clusters, or anybody's.
    pub async fn at(&self, context: &str) -> Result<Box<dyn Backend>, Failure> {
        if let Ok(kind) = self.kind() {
            for name in kind.names().await? {
                if name.context() == context {
                    return self.in_kind(&kind, &name, Templates::embedded()).await;
                }
            }
        }
        self.on(context, Templates::embedded()).await
    }

    /// Whoever asks for the ports of a mirror on a cluster has them kept open by this program.
    fn doors(&self) -> Result<Doors, Failure> {
        let own =
            std::env::current_exe().map_err(|error| Failure::tool("io", format!("this program: {error}")))?;
        Ok(Doors::new(own, surroundings(), &self.state_dir))
    }

    /// The Kind clusters of this engine that are whole. Where `kind` is not here nobody can ask them, and containers of
    /// nodes tell that the user has some.
    pub async fn clusters(&self) -> Result<Clusters, Failure> {
        let Ok(kind) = self.kind() else {
            let marked = self.compose(Templates::embedded()).await?.values_of_label(kind::CLUSTER).await?;
            let own = marked.iter().filter_map(|name| ClusterName::read(name));
            let clusters = own.filter(|name| name.belongs_to(&self.owner)).collect();
            let silent = Silent { clusters, why: Why::NoKind };
            return Ok(Clusters { silent, ..Clusters::default() });
        };
        let mut all = Clusters::default();
        for found in kind.list(None).await?.into_iter().filter(|found| found.mark.is_some()) {
            let reached = match found.mirrors {
                Some(_) => self.in_kind(&kind, &found.name, Templates::embedded()).await.ok(),
                None => None,
            };
            match reached {
                Some(backend) => all.answering.push(backend),
                // Others' clusters come and go, and one may have gone in between.
                None if found.name.belongs_to(&self.owner) && kind.names().await?.contains(&found.name) => {
                    all.silent.clusters.push(found.name);
                }
                None => {}
            }
        }
        Ok(all)
    }

    /// Removes the Kind clusters of an owner, or of all, that no mirror uses, then the registries that none of an owner's
    /// clusters is left to pull through; with `dry_run` only names them.
    pub async fn unused_clusters(&self, owner: Option<&str>, dry_run: bool) -> Result<Names, Failure> {
        let mut gone = Names::default();
        let Ok(kind) = self.kind() else { return Ok(gone) };
        for found in kind.list(owner).await? {
            let is_idle =
                !found.busy && (found.mark.is_none() || found.mirrors.is_some_and(|all| all.is_empty()));
            if is_idle && (dry_run || kind.delete_unused(&found.name).await?) {
                gone.clusters.push(found.name.to_string());
            }
        }
        for cache in kind.delete_unused_caches(owner, &gone.clusters, dry_run).await? {
            gone.containers.extend(cache.state.map(|_| cache.name.clone()));
            gone.volumes.push(cache.name);
        }
        Ok(gone)
    }

    /// The registries that nodes of Kind clusters pull through, of one owner or of all; none where `kind` is not here.
    pub async fn caches(&self, owner: Option<&str>) -> Result<Vec<Cache>, Failure> {
        match self.kind() {
            Ok(kind) => Ok(kind.caches(owner).await?),
            Err(_) => Ok(Vec::new()),
        }
    }

    /// Every place that is meant where no mirror is named, and the clusters that may be meant and do not answer.
    pub async fn places(&self, place: &PlaceArgs) -> Result<Clusters, Failure> {
        if let Some(context) = &place.context {
            let answering = vec![self.on(context, Templates::embedded()).await?];
            return Ok(Clusters { answering, ..Clusters::default() });
        }
        let engine = self.connect().await?;
        let mut all = self.clusters().await?;
        all.answering.insert(0, engine);
        Ok(all)
    }

    /// The Docker engine as a source, whatever back end mirrors run on.
    pub async fn engine(&self) -> Result<Box<dyn EngineSource>, Failure> {
        Ok(Box::new(self.compose(Templates::embedded()).await?))
    }

    async fn compose(&self, templates: Templates) -> Result<Compose, Failure> {
        let settings = Settings {
            state_dir: self.state_dir.clone(),
            self_exe: std::env::current_exe().ok(),
            docker: PathBuf::from("docker"),
            environment: environment(),
            templates: Arc::new(templates),
        };
        let connection = Connection {
            host: self.docker_host.clone(),
            config_dir: Some(self.docker_config.clone()),
            context: self.docker_context.clone(),
        };
        Ok(Compose::connect(&connection, settings).await?)
    }

    /// The helper image as `docker load` takes it, for `render`.
    pub fn helper_tar(&self, arch: &str) -> Result<Vec<u8>, Failure> {
        let missing = || BackendError::NoHelper { arch: arch.to_owned() };
        let tar = self.helpers.iter().find_map(|file| compose::helper_tar(file, arch).ok());
        let mut bytes = Vec::new();
        let written = tar.ok_or_else(missing)?.write_to(&mut bytes);
        written.map_err(|error| Failure::tool("io", format!("helper.tar: {error}")))?;
        Ok(bytes)
    }
}

/// All of it: a kubeconfig may name a program that logs in, and what that needs nobody knows.
fn surroundings() -> Vec<(String, String)> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}

/// What the programs that we run find in their environment.
fn environment() -> Vec<(String, String)> {
    let names = [
        "PATH",
        "HOME",
        "DOCKER_CONFIG",
        "DOCKER_HOST",
        "DOCKER_CONTEXT",
        "SSH_AUTH_SOCK",
        "XDG_RUNTIME_DIR",
    ];
    names.into_iter().filter_map(|name| Some((name.to_owned(), variable(name)?))).collect()
}

/// A program beside this one, as the set-up puts it, else one of the PATH.
fn beside_or_on_path(name: &str) -> Option<PathBuf> {
    let own = std::env::current_exe().ok();
    let beside = own.iter().filter_map(|own| own.parent()).map(|folder| folder.join(name));
    let path = variable("PATH").unwrap_or_default();
    let on_path = std::env::split_paths(&path).map(|folder| folder.join(name));
    beside.chain(on_path.collect::<Vec<_>>()).find(|file| file.is_file())
}
