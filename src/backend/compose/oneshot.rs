//! Short-lived containers of the helper image: made, used, removed.

use std::collections::{BTreeMap, HashMap};

use bollard::{
    container::LogOutput,
    models::{ContainerCreateBody, HostConfig, Mount, MountType, MountVolumeOptions},
    query_parameters::{LogsOptionsBuilder, RemoveContainerOptionsBuilder, WaitContainerOptions},
};
use futures_util::{StreamExt as _, TryStreamExt as _};

use super::{
    super::{BackendError, Result},
    Compose,
    trouble::Doing as _,
};
use crate::labels;

/// A one-shot: what it mounts and what it runs.
pub(super) struct OneShot<'a> {
    /// Volumes by full name, with where they are mounted.
    pub mounts: Vec<(&'a str, String)>,
    /// Arguments of the helper.
    pub args: Vec<String>,
    /// The mirror's labels, so that a killed run leaves nothing that `gc` does not find.
    pub labels: BTreeMap<String, String>,
}

impl Compose {
    /// Makes the container and leaves it unstarted: the archive API reaches its volumes all the same.
    pub(super) async fn make_oneshot(&self, shot: &OneShot<'_>) -> Result<String> {
        let mut labels: HashMap<_, _> = shot.labels.clone().into_iter().collect();
        labels.insert(labels::KIND.to_owned(), labels::Kind::Files.as_str().to_owned());
        let body = ContainerCreateBody {
            image: Some(self.helper().await?),
            cmd: Some(shot.args.clone()),
            user: Some("0:0".to_owned()),
            labels: Some(labels),
            host_config: Some(HostConfig {
                network_mode: Some("none".to_owned()),
                mounts: Some(shot.mounts.iter().map(|(volume, target)| mount(volume, target)).collect()),
                ..Default::default()
            }),
            ..Default::default()
        };
        Ok(self.docker.create_container(None, body).await.doing("one-shot of the helper image")?.id)
    }

    /// Runs a one-shot to its end and answers what it printed.
    ///
    /// # Errors
    /// Its last words, when it ends with anything but 0.
    pub(super) async fn run_oneshot(&self, shot: &OneShot<'_>) -> Result<String> {
        let id = self.make_oneshot(shot).await?;
        let answer = self.finish(&id, &shot.args.join(" ")).await;
        self.remove_container(&id).await?;
        answer
    }

    /// Starts a container, waits for its end and reads what it printed.
    pub(super) async fn finish(&self, id: &str, what: &str) -> Result<String> {
        // The wait begins before the start: a short life cannot be missed.
        let mut wait = self.docker.wait_container(id, None::<WaitContainerOptions>);
        self.docker.start_container(id, None).await.doing(what)?;
        let code = match wait.next().await {
            Some(Ok(end)) => end.status_code,
            Some(Err(bollard::errors::Error::DockerContainerWaitError { code, .. })) => code,
            Some(Err(error)) => return Err(error).doing(what),
            None => 0,
        };
        let options = LogsOptionsBuilder::new().stdout(true).stderr(true).build();
        let lines: Vec<LogOutput> = self.docker.logs(id, Some(options)).try_collect().await.doing(what)?;
        let (mut printed, mut complaint) = (String::new(), String::new());
        for line in lines {
            let text = String::from_utf8_lossy(line.as_ref()).into_owned();
            if matches!(line, LogOutput::StdErr { .. }) {
                complaint.push_str(&text)
            } else {
                printed.push_str(&text)
            }
        }
        if code == 0 {
            return Ok(printed);
        }
        Err(BackendError::Engine {
            what: what.to_owned(),
            why: format!("ended with {code}: {}", complaint.trim()),
        })
    }

    /// Removes a container whatever its state, with its anonymous volumes.
    pub(super) async fn remove_container(&self, id: &str) -> Result<bool> {
        let options = RemoveContainerOptionsBuilder::new().force(true).v(true).build();
        match self.docker.remove_container(id, Some(options)).await {
            // 409: someone else is removing it at this moment.
            Err(error) if super::trouble::is_conflict(&error) => Ok(true),
            other => Ok(other.if_there(format!("removing container {id}"))?.is_some()),
        }
    }
}

fn mount(volume: &str, target: &str) -> Mount {
    Mount {
        typ: Some(MountType::VOLUME),
        source: Some(volume.to_owned()),
        target: Some(target.to_owned()),
        volume_options: Some(MountVolumeOptions { no_copy: Some(true), ..Default::default() }),
        ..Default::default()
    }
}
