//! Mirrors on one cluster, each in a namespace of its own: the contract of every back end.

use std::{path::Path, sync::Arc, time::Duration};

use super::{Cluster, Doors, MANAGED_BY, MANAGER, Right, lease::Held, list::ListedMirror};
use crate::{
    backend::{
        Ask, Backend, BackendError, DockerLogins, Endpoint, Exec, Files, Form, Here, Images, Lack, Later,
        Lease, LeaseKind, Listed, ListedKeeper, LogQuery, LogStream, Names, Nodes, Part, PathKind, Power,
        Record, Report, Result, Scope, SecretValues, TarReader, TarStream, Target, Unheard,
    },
    formats::journal::{Event, KeeperStatus},
    labels::kubernetes as keys,
    name::Name,
    observed::Observed,
    plan::{BackendKind, Capabilities, kubernetes::namespace},
    profile::{Digest, Image, ImageRef},
    readers::kubeconfig::Kubeconfig,
    render::Templates,
};

/// A pod has its grace to go, and a volume its own time: so long nothing of a mirror may go.
const GONE_WITHIN: Duration = Duration::from_secs(300);

/// Of a mirror that does not end by itself.
const GOES_LATER: &str = "past its time it goes with the next `prodmirror gc`";

/// What the caller decides once for all mirrors of a cluster.
#[derive(Clone)]
pub struct Settings {
    /// How the cluster is reached, for the process that keeps ports open.
    pub way: Kubeconfig,
    pub doors: Doors,
    /// What is known of images.
    pub images: Arc<dyn Images>,
    /// How the nodes come by images.
    pub nodes: Arc<dyn Nodes>,
    /// What the user may pull; absent where the nodes have their images from this host.
    pub logins: Option<DockerLogins>,
    pub templates: Arc<Templates>,
    /// With kubectl as its entry: it removes a mirror whose time is over. Absent: the public one of the cluster's version.
    pub expiry_image: Option<String>,
}

/// Mirrors on a cluster.
#[derive(Clone)]
pub struct Mirrors {
    pub(super) cluster: Cluster,
    kind: BackendKind,
    pub(super) settings: Settings,
}

impl Mirrors {
    pub fn new(cluster: Cluster, kind: BackendKind, settings: Settings) -> Self {
        Self { cluster, kind, settings }
    }

    pub fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    async fn in_scope(&self, scope: &Scope) -> Result<Vec<ListedMirror>> {
        let Scope { mirror, owner } = scope;
        let mut all = self.cluster.mirrors().await?;
        all.retain(|listed| {
            mirror.as_ref().is_none_or(|mirror| mirror.as_str() == listed.mirror)
                && owner.as_ref().is_none_or(|owner| *owner == listed.owner)
        });
        Ok(all)
    }

    async fn read_capabilities(&self, ask: &Ask) -> Result<(Capabilities, Vec<Lack>)> {
        let space = namespace(&ask.mirror);
        let (needed, wished) = (Right::of_a_mirror(), Right::of_its_bounds());
        let missing = self.cluster.missing_rights(&space, &needed);
        let unbound = self.cluster.missing_rights(&space, &wished);
        let (host, missing, unbound, here) =
            tokio::join!(self.cluster.host(), missing, unbound, self.settings.images.here(ask));
        let (missing, unbound, here) = (missing?, unbound?, here?);
        let mut capabilities = Capabilities::unknown(self.kind, ask.mirror.clone(), ask.owner.clone());
        capabilities.options = ask.options.clone();
        (capabilities.images, capabilities.roles) = (here.images, here.roles);
        if !missing.is_empty() {
            // Whoever may do little may not read the nodes either: all of it is told at once.
            return Ok((capabilities, vec![rights_missing(&space, &missing)]));
        }
        let host = host?;
        host.tell(&mut capabilities);
        let mut lacks: Vec<Lack> =
            (!unbound.is_empty()).then(|| bounds_missing(&space, &unbound)).into_iter().collect();
        if ask.not_on.as_ref() == Some(&host.uid) {
            lacks.push(Lack {
                code: "same-cluster".to_owned(),
                message: format!(
                    "the profile was captured from the cluster of context `{}` itself",
                    self.cluster.context()
                ),
                hint: "name another context, or write `allow: [same-cluster]` in the profile".to_owned(),
                fatal: true,
            });
        }
        if !host.nodes.iter().any(|node| node.ready && node.open) {
            lacks.push(Lack {
                code: "no-node".to_owned(),
                message: "the cluster has no node that is ready and takes pods".to_owned(),
                hint: "`kubectl get nodes` tells what they wait for".to_owned(),
                fatal: true,
            });
        }
        Ok((capabilities, lacks))
    }

    async fn listed(&self, listed: ListedMirror) -> Result<Listed> {
        let ListedMirror { mirror, owner, namespace: space, created, leaving: _ } = listed;
        let name = Name::new(mirror.as_str()).ok();
        let status = match &name {
            Some(name) => self.cluster.status_of(name).await?,
            None => None,
        };
        let keeper = status.map(|(_, status)| ListedKeeper {
            running: true,
            run: status.run,
            profile: status.profile.map(|mark| mark.hash),
            expires: status.expires,
        });
        let names = self.cluster.objects_of(&space).await?;
        Ok(Listed { mirror, owner, keeper, names, youngest: created })
    }

    async fn remove(&self, mirror: &Name, report: &dyn Report) -> Result<Names> {
        let space = namespace(mirror);
        if self.cluster.namespace(&space).await?.is_none() {
            return Ok(Names::default());
        }
        let names = self.cluster.objects_of(&space).await?;
        self.settings.doors.close(self.cluster.context(), &space).await;
        self.cluster.destroy_telling(&space, mirror, GONE_WITHIN, report).await?;
        Ok(names)
    }

    /// Has the cluster know when a mirror's time is over, or tells that it will not.
    async fn end_at(&self, mirror: &Name, expires: Option<&str>, report: &dyn Report) -> Result<()> {
        let Some(at) = expires.and_then(|at| at.parse().ok()) else {
            return Ok(self.cluster.never_expire(mirror).await?);
        };
        let image = match &self.settings.expiry_image {
            Some(image) => image.clone(),
            None => self.cluster.kubectl_image().await?,
        };
        let made = self.cluster.expire(mirror, at, &image).await;
        if self.cluster.lives_without(&namespace(mirror), made, GOES_LATER, report).await? {
            return Ok(());
        }
        self.settings.nodes.supply(&[image], &Unheard).await
    }

    async fn read_secrets(&self, mirror: &Name) -> Result<SecretValues> {
        use k8s_openapi::api::core::v1::Secret;
        use kube::{Api, api::ListParams};
        let secrets: Api<Secret> = Api::namespaced(self.cluster.client.clone(), &namespace(mirror));
        let ours = ListParams::default().labels(&format!("{MANAGED_BY}={MANAGER}"));
        let mut values = SecretValues::default();
        for secret in super::error::ask("list of secrets", secrets.list(&ours)).await? {
            let annotations = secret.metadata.annotations.unwrap_or_default();
            let Some(variable) = annotations.get(keys::VARIABLE) else { continue };
            // One value each: the plan gives every secret of the profile an object of its own.
            let value = secret.data.unwrap_or_default().into_values().next();
            if let Some(value) = value.and_then(|value| String::from_utf8(value.0).ok()) {
                values.0.insert(variable.clone(), value);
            }
        }
        Ok(values)
    }
}

fn bounds_missing(space: &str, missing: &[Right]) -> Lack {
    Lack {
        code: "bounds-missing".to_owned(),
        message: format!(
            "missing rights in namespace `{space}`: {}; the mirror has no quota there, or does not end by itself",
            listed(missing)
        ),
        hint: GOES_LATER.to_owned(),
        fatal: false,
    }
}

fn listed(rights: &[Right]) -> String {
    rights.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn rights_missing(space: &str, missing: &[Right]) -> Lack {
    Lack {
        code: "rights-missing".to_owned(),
        message: format!("missing rights in namespace `{space}`: {}", listed(missing)),
        hint: "ask whoever owns the cluster for them, or name another context".to_owned(),
        fatal: true,
    }
}

impl Backend for Mirrors {
    fn kind(&self) -> BackendKind {
        self.kind
    }

    fn form(&self) -> Form<'_> {
        Form::Objects(self)
    }

    fn capabilities<'a>(&'a self, ask: &'a Ask) -> Later<'a, (Capabilities, Vec<Lack>)> {
        Box::pin(self.read_capabilities(ask))
    }

    fn power<'a>(
        &'a self,
        mirror: &'a Name,
        part: &'a Part,
        power: Power,
        report: &'a dyn Report,
    ) -> Later<'a, ()> {
        Box::pin(async move { Ok(self.cluster.power(mirror, part, power, report).await?) })
    }

    fn exec<'a>(&'a self, exec: Exec<'a>) -> Later<'a, i64> {
        Box::pin(self.cluster.exec(exec))
    }

    fn endpoint<'a>(&'a self, mirror: &'a Name) -> Later<'a, Vec<Endpoint>> {
        Box::pin(async move {
            let doors = self.cluster.doors_of(mirror).await?;
            if doors.is_empty() {
                return Ok(Vec::new());
            }
            let Settings { way, doors: open, .. } = &self.settings;
            Ok(open.open(&self.cluster, way, &namespace(mirror), &doors).await?)
        })
    }

    fn observe<'a>(&'a self, scope: &'a Scope, _inside: bool) -> Later<'a, Observed> {
        Box::pin(async move { Ok(self.cluster.observe(&self.in_scope(scope).await?).await?) })
    }

    fn logs<'a>(&'a self, mirror: &'a Name, query: LogQuery) -> Later<'a, LogStream> {
        Box::pin(async move {
            self.cluster.must_have(mirror, &query).await?;
            Ok(self.cluster.logs(&namespace(mirror), &query).await?)
        })
    }

    fn destroy<'a>(&'a self, mirror: &'a Name, report: &'a dyn Report) -> Later<'a, Names> {
        Box::pin(self.remove(mirror, report))
    }

    fn clear_fresh<'a>(&'a self, mirror: &'a Name, dry_run: bool) -> Later<'a, Names> {
        Box::pin(async move {
            let objects = self.cluster.clear_fresh(mirror, dry_run).await?;
            Ok(Names { objects, ..Names::default() })
        })
    }
}

impl Record for Mirrors {
    fn list<'a>(&'a self, scope: &'a Scope) -> Later<'a, Vec<Listed>> {
        Box::pin(async move {
            let found = self.in_scope(scope).await?;
            futures_util::future::try_join_all(found.into_iter().map(|listed| self.listed(listed))).await
        })
    }

    fn says<'a>(&'a self, mirror: &'a Name) -> Later<'a, Option<KeeperStatus>> {
        Box::pin(async move { Ok(self.cluster.says(mirror).await?) })
    }

    fn glance<'a>(&'a self, mirror: &'a Name) -> Later<'a, Option<KeeperStatus>> {
        self.says(mirror)
    }

    fn note<'a>(&'a self, mirror: &'a Name, event: &'a Event, report: &'a dyn Report) -> Later<'a, ()> {
        Box::pin(async move {
            self.cluster.add(mirror, event).await?;
            if let Event::UpBegun { expires, .. } | Event::UpFailed { expires, .. } = event {
                self.end_at(mirror, expires.as_deref(), report).await?;
            }
            Ok(())
        })
    }

    fn remember<'a>(&'a self, mirror: &'a Name, document: Vec<u8>) -> Later<'a, ()> {
        Box::pin(async move { Ok(self.cluster.keep_document(mirror, &document).await?) })
    }

    fn recall<'a>(&'a self, mirror: &'a Name) -> Later<'a, Option<Vec<u8>>> {
        Box::pin(async move { Ok(self.cluster.document(mirror).await?) })
    }

    fn secrets<'a>(&'a self, mirror: &'a Name) -> Later<'a, SecretValues> {
        Box::pin(self.read_secrets(mirror))
    }

    fn lease<'a>(&'a self, mirror: &'a Name, run: &'a str, kind: LeaseKind) -> Later<'a, Box<dyn Lease>> {
        Box::pin(async move {
            let held: Held = self.cluster.hold(mirror, run, kind).await?;
            Ok(Box::new(held) as Box<dyn Lease>)
        })
    }
}

impl Files for Mirrors {
    fn path_kind<'a>(&'a self, target: &'a Target, path: &'a str) -> Later<'a, Option<PathKind>> {
        Box::pin(self.cluster.kind_of_path(target, path))
    }

    fn copy_from<'a>(&'a self, target: &'a Target, path: &'a str) -> Later<'a, TarStream> {
        Box::pin(self.cluster.tar_from(target, path))
    }

    fn copy_to<'a>(&'a self, target: &'a Target, folder: &'a str, tar: TarReader) -> Later<'a, ()> {
        Box::pin(self.cluster.tar_into(target, folder, tar))
    }
}

impl Images for Mirrors {
    fn bring<'a>(
        &'a self,
        images: &'a [Image],
        archive: Option<&'a Path>,
        roles: &'a std::collections::BTreeMap<String, String>,
        report: &'a dyn Report,
    ) -> Later<'a, crate::backend::Brought> {
        self.settings.images.bring(images, archive, roles, report)
    }

    fn here<'a>(&'a self, ask: &'a Ask) -> Later<'a, Here> {
        self.settings.images.here(ask)
    }

    fn digest<'a>(&'a self, image: &'a ImageRef) -> Later<'a, Digest> {
        self.settings.images.digest(image)
    }
}

/// Nodes that pull what they need by themselves: nothing is known of it here.
pub struct Pulled;

impl Images for Pulled {
    fn bring<'a>(
        &'a self,
        _: &'a [Image],
        _: Option<&'a Path>,
        _: &'a std::collections::BTreeMap<String, String>,
        _: &'a dyn Report,
    ) -> Later<'a, crate::backend::Brought> {
        Box::pin(async { Ok(crate::backend::Brought::default()) })
    }

    fn here<'a>(&'a self, _: &'a Ask) -> Later<'a, Here> {
        Box::pin(async { Ok(Here::default()) })
    }

    fn digest<'a>(&'a self, image: &'a ImageRef) -> Later<'a, Digest> {
        let image = image.to_string();
        let why = "a cluster is not asked for digests: ask the Docker engine".to_owned();
        Box::pin(async move { Err(BackendError::Image { image, why }) })
    }
}
