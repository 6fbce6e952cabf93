//! Bringing containers of a plan into the wanted run state.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use bollard::{
    models::{ContainerSummary, ContainerSummaryStateEnum},
    query_parameters::ListContainersOptionsBuilder,
};
use futures_util::future::try_join_all;

use super::{
    super::{BackendError, Planned, Result, RunState, SecretValues, What},
    Compose, container,
    trouble::{self, Doing as _},
};
use crate::{
    labels,
    plan::Plan,
    render::{self, Form, RenderError},
};

const FREEZE_TRIES: u32 = 10;
const BETWEEN_FREEZES: Duration = Duration::from_millis(300);

impl Compose {
    pub(super) async fn start_planned(&self, planned: Planned<'_>) -> Result<()> {
        let Planned { plan, secrets, launch_labels, what, state } = planned;
        self.keep_helper(&plan.keeper.image.reference);
        match what {
            What::Networks => self.start_networks(plan).await,
            What::Volumes => self.start_volumes(plan).await,
            What::Keeper => self.start_keeper(plan, secrets, launch_labels, state).await,
            What::Files(volumes) => self.start_files(plan, volumes, secrets).await,
            What::Containers(keys) => self.start_containers(plan, secrets, keys, state).await,
            What::Orphans(orphans) => {
                try_join_all(orphans.iter().map(|orphan| self.stop_and_remove(&orphan.id))).await.map(|_| ())
            }
        }
    }

    async fn stop_and_remove(&self, id: &str) -> Result<()> {
        self.stop(id).await?;
        self.remove_container(id).await.map(|_| ())
    }

    async fn start_containers(
        &self,
        plan: &Plan,
        secrets: &SecretValues,
        keys: &[String],
        state: RunState,
    ) -> Result<()> {
        if keys.is_empty() {
            return Ok(());
        }
        match state {
            RunState::Running => {
                let thawed = self.thaw(plan, keys).await?;
                let others: Vec<String> = keys.iter().filter(|key| !thawed.contains(*key)).cloned().collect();
                if others.is_empty() { Ok(()) } else { self.compose_up(plan, secrets, &others, false).await }
            }
            RunState::Frozen => self.freeze(plan, keys).await,
            RunState::Fresh => self.compose_up(plan, secrets, keys, true).await,
            RunState::Stopped => {
                let there = self.containers_by_key(plan).await?;
                try_join_all(keys.iter().filter_map(|key| there.get(key)).map(|c| self.stop(id_of(c))))
                    .await?;
                Ok(())
            }
            RunState::Absent => {
                let there = self.containers_by_key(plan).await?;
                let ids = keys.iter().filter_map(|key| there.get(key));
                try_join_all(ids.map(|container| self.remove_container(id_of(container)))).await?;
                Ok(())
            }
        }
    }

    /// Halts every process of these containers where it is.
    async fn freeze(&self, plan: &Plan, keys: &[String]) -> Result<()> {
        let there = self.containers_by_key(plan).await?;
        let running = keys.iter().filter_map(|key| there.get(key));
        let running = running.filter(|container| container.state == Some(ContainerSummaryStateEnum::RUNNING));
        try_join_all(running.map(|container| self.halt(id_of(container)))).await.map(|_| ())
    }

    /// On a busy host runc gives up while processes are still being halted, lets them go on, and says so.
    async fn halt(&self, id: &str) -> Result<()> {
        for _ in 1..FREEZE_TRIES {
            match self.docker.pause_container(id).await {
                Err(error) if trouble::words(&error).contains("unable to freeze") => {
                    tokio::time::sleep(BETWEEN_FREEZES).await;
                }
                frozen => return frozen.doing("freezing containers"),
            }
        }
        self.docker.pause_container(id).await.doing("freezing containers")
    }

    /// Lets frozen containers go on, which Compose cannot, and answers whose they were.
    async fn thaw(&self, plan: &Plan, keys: &[String]) -> Result<BTreeSet<String>> {
        let there = self.containers_by_key(plan).await?;
        let frozen = keys.iter().filter_map(|key| Some((key, there.get(key)?)));
        let frozen: Vec<_> = frozen
            .filter(|(_, container)| container.state == Some(ContainerSummaryStateEnum::PAUSED))
            .collect();
        let unpause = frozen.iter().map(|(_, container)| self.docker.unpause_container(id_of(container)));
        try_join_all(unpause).await.doing("letting containers go on")?;
        Ok(frozen.into_iter().map(|(key, _)| key.clone()).collect())
    }

    /// `docker compose up` for these keys. Compose itself makes members anew whose pause was replaced: the pause's id
    /// is part of what it compares.
    async fn compose_up(
        &self,
        plan: &Plan,
        secrets: &SecretValues,
        keys: &[String],
        fresh: bool,
    ) -> Result<()> {
        let file = self.write_bundle(plan)?;
        let file = file.to_string_lossy();
        let mut args =
            vec!["compose", "-p", &plan.project, "-f", &file, "--ansi", "never", "--progress", "quiet"];
        args.extend(["up", "-d", "--no-deps", "--no-build", "--pull", "never"]);
        if fresh {
            args.push("--force-recreate");
        }
        args.extend(keys.iter().map(String::as_str));
        self.docker_command(&args, secrets).await.map(|_| ())
    }

    /// The files that `docker compose` is given, brought up to date; answers the first one. They hold no secret.
    fn write_bundle(&self, plan: &Plan) -> Result<PathBuf> {
        let wrong = |error: RenderError| BackendError::Engine {
            what: "rendering".to_owned(),
            why: error.to_string(),
        };
        let bundle = render::bundle(plan, Form::Launch, &self.settings.templates).map_err(wrong)?;
        let folder = self.settings.state_dir.join(&plan.project);
        for (path, content) in &bundle.files {
            let file = folder.join(path);
            write_whole(&file, content).map_err(trouble::io(file.display().to_string()))?;
        }
        Ok(folder.join(render::COMPOSE_FILE))
    }

    /// The keeper is made through the API, for it alone carries labels of the launch.
    ///
    /// One that runs from the same plan keeps running with the labels of its own launch.
    async fn start_keeper(
        &self,
        plan: &Plan,
        secrets: &SecretValues,
        launch_labels: &BTreeMap<String, String>,
        state: RunState,
    ) -> Result<()> {
        let there = self.containers_by_key(plan).await?.remove(&plan.keeper.key);
        if let Some(there) = &there {
            let id = id_of(there);
            let spec = |labels: Option<&String>| labels.cloned();
            let same = spec(there.labels.as_ref().and_then(|labels| labels.get(labels::SPEC)))
                == spec(plan.keeper.labels.get(labels::SPEC));
            match state {
                RunState::Stopped => return self.stop(id).await,
                RunState::Running if same && there.state == Some(ContainerSummaryStateEnum::RUNNING) => {
                    return Ok(());
                }
                RunState::Running if same => return self.wake_keeper(&plan.mirror).await,
                RunState::Frozen => return self.freeze(plan, std::slice::from_ref(&plan.keeper.key)).await,
                _ => self.remove_container(id).await?,
            };
        }
        if matches!(state, RunState::Stopped | RunState::Frozen | RunState::Absent) {
            return Ok(());
        }
        let body = container::request(plan, &plan.keeper, secrets, launch_labels.clone())?;
        let name = container::name_of(plan, &plan.keeper.key);
        let options = bollard::query_parameters::CreateContainerOptionsBuilder::new().name(&name).build();
        let id = match self.docker.create_container(Some(options), body).await {
            Ok(made) => made.id,
            Err(error) if trouble::is_conflict(&error) => {
                return Err(BackendError::Leased { mirror: plan.mirror.clone() });
            }
            Err(error) => return Err(trouble::engine("making the keeper", &error)),
        };
        self.docker.start_container(&id, None).await.doing("starting the keeper")
    }

    /// Stops with the container's own signal and grace; a container that is gone or stopped is no error.
    pub(super) async fn stop(&self, id: &str) -> Result<()> {
        self.docker.stop_container(id, None).await.if_there(format!("stopping container {id}")).map(|_| ())
    }

    /// The project's containers by Compose key.
    pub(super) async fn containers_by_key(&self, plan: &Plan) -> Result<HashMap<String, ContainerSummary>> {
        let containers = self.containers_labelled(&[format!("{}={}", labels::MIRROR, plan.mirror)]).await?;
        let key = |container: ContainerSummary| {
            Some((container.labels.as_ref()?.get(labels::COMPOSE_SERVICE)?.clone(), container))
        };
        Ok(containers.into_iter().filter_map(key).collect())
    }

    /// Containers with all of these labels, the stopped ones too.
    pub(super) async fn containers_labelled(&self, wanted: &[String]) -> Result<Vec<ContainerSummary>> {
        let filters = HashMap::from([("label", wanted.to_vec())]);
        let options = ListContainersOptionsBuilder::new().all(true).filters(&filters).build();
        self.docker.list_containers(Some(options)).await.doing("list of containers")
    }
}

/// Written aside and renamed: another run of the same mirror reads the old file or the new one.
fn write_whole(file: &Path, content: &[u8]) -> io::Result<()> {
    if fs::read(file).is_ok_and(|there| there == content) {
        return Ok(());
    }
    let folder = file.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let aside = tempfile::NamedTempFile::new_in(folder)?;
    fs::write(aside.path(), content)?;
    aside.persist(file)?;
    Ok(())
}

pub(super) fn id_of(container: &ContainerSummary) -> &str {
    container.id.as_deref().unwrap_or_default()
}
