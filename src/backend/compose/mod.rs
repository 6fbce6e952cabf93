//! Docker Compose: the plug-in launches the rendered file, everything around it goes through the Docker API.

mod archive;
mod capabilities;
mod child;
mod connect;
mod container;
mod copy;
mod destroy;
mod elf;
mod endpoint;
mod exec;
mod facts;
mod files;
mod follow;
mod foreign;
mod helper_image;
mod host;
mod image_export;
mod images;
mod in_memory;
mod keeper_line;
mod lacks;
mod launch;
mod layout;
mod list;
mod logs;
mod networks;
mod observe;
mod oneshot;
mod power;
mod record;
mod registry;
mod secrets;
mod seen;
mod target;
mod trouble;
mod volumes;

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use bollard::Docker;

use super::{
    Ask, Backend, BackendError, Containers, DockerLogins, Endpoint, Exec, Form, Lack, Later, LogQuery,
    LogStream, Names, Part, Planned, Power, Report, Result, Scope, Volumes,
};
use crate::{
    labels,
    name::Name,
    observed::Observed,
    plan::{BackendKind, Capabilities, Plan},
    render::Templates,
};
pub use connect::Connection;
pub use helper_image::{HELPER_PATH, HelperTar, helper_tar};

/// What the caller decides once for all mirrors of an engine.
#[derive(Clone)]
pub struct Settings {
    /// Rendered files lie here, one folder a project; nothing in it is needed later.
    pub state_dir: PathBuf,
    /// This program, to run `docker compose` behind `prodmirror tether`, so that it dies with us; without it the
    /// command runs directly.
    pub self_exe: Option<PathBuf>,
    /// The `docker` command.
    pub docker: PathBuf,
    /// The whole environment of the `docker` command but for secrets: `PATH`, `HOME` and `DOCKER_CONFIG` as a rule.
    pub environment: Vec<(String, String)>,
    pub templates: Arc<Templates>,
}

/// Mirrors on one Docker engine.
#[derive(Clone)]
pub struct Compose {
    docker: Docker,
    address: String,
    settings: Arc<Settings>,
    logins: Option<DockerLogins>,
    /// The reference of the helper image, once it is known.
    helper: Arc<Mutex<Option<String>>>,
}

impl Compose {
    /// Opens the connection and agrees on the version of the API.
    ///
    /// # Errors
    /// [`BackendError::Unreachable`] with the address and why.
    pub async fn connect(connection: &Connection, settings: Settings) -> Result<Self> {
        let address = connection.address()?;
        let docker = connect::connect(&address).await?;
        let logins = connection.config_dir.as_ref().map(|folder| {
            let Settings { environment, self_exe, .. } = &settings;
            DockerLogins::new(folder.join("config.json"), environment.clone(), self_exe.clone())
        });
        Ok(Self { docker, address, settings: Arc::new(settings), logins, helper: Arc::default() })
    }

    fn keep_helper(&self, reference: &str) {
        *self.helper.lock().unwrap_or_else(PoisonError::into_inner) = Some(reference.to_owned());
    }

    /// The helper image for one-shots: the one in use, else the newest on the engine.
    async fn helper(&self) -> Result<String> {
        let known = self.helper.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(reference) = known {
            return Ok(reference);
        }
        let images = self.images_with_label(labels::HELPER).await?;
        let newest = images.into_iter().max_by_key(|image| image.created);
        let reference = newest.map(|image| image.repo_tags.into_iter().next().unwrap_or(image.id));
        reference.ok_or_else(|| BackendError::Image {
            image: "prodmirror-helper".to_owned(),
            why: "no helper image was made on this engine yet".to_owned(),
        })
    }
}

impl Backend for Compose {
    fn kind(&self) -> BackendKind {
        BackendKind::Compose
    }

    fn form(&self) -> Form<'_> {
        Form::Containers(self)
    }

    fn capabilities<'a>(&'a self, ask: &'a Ask) -> Later<'a, (Capabilities, Vec<Lack>)> {
        Box::pin(self.read_capabilities(ask))
    }

    fn power<'a>(
        &'a self,
        mirror: &'a Name,
        part: &'a Part,
        power: Power,
        _: &'a dyn Report,
    ) -> Later<'a, ()> {
        Box::pin(self.keeper_power(mirror, part, power))
    }

    fn exec<'a>(&'a self, exec: Exec<'a>) -> Later<'a, i64> {
        Box::pin(self.run_exec(exec))
    }

    fn endpoint<'a>(&'a self, mirror: &'a Name) -> Later<'a, Vec<Endpoint>> {
        Box::pin(self.endpoints(mirror))
    }

    fn observe<'a>(&'a self, scope: &'a Scope, inside: bool) -> Later<'a, Observed> {
        Box::pin(self.read_everything(scope, inside))
    }

    fn logs<'a>(&'a self, mirror: &'a Name, query: LogQuery) -> Later<'a, LogStream> {
        Box::pin(self.read_logs(mirror, query))
    }

    fn destroy<'a>(&'a self, mirror: &'a Name, report: &'a dyn Report) -> Later<'a, Names> {
        Box::pin(self.remove_mirror(mirror, report))
    }
}

impl Containers for Compose {
    fn start<'a>(&'a self, planned: Planned<'a>, _: &'a dyn Report) -> Later<'a, ()> {
        Box::pin(self.start_planned(planned))
    }

    fn volume(&self) -> &dyn Volumes {
        self
    }

    fn was_kept<'a>(&'a self, plan: &'a Plan) -> Later<'a, bool> {
        Box::pin(self.keeper_was_here(plan))
    }
}
