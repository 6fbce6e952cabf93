//! The Docker engine as the keeper uses it: look, listen, replace, start, stop.

use std::{collections::HashMap, future::Future, path::Path, time::Duration};

use bollard::{
    API_DEFAULT_VERSION, Docker,
    errors::Error,
    models::{ContainerCreateBody, ContainerInspectResponse},
    query_parameters::{
        CreateContainerOptions, EventsOptions, InspectContainerOptions, ListContainersOptions,
        RemoveContainerOptions, RenameContainerOptions, StartContainerOptions, StopContainerOptions,
    },
};
use futures_util::{Stream, StreamExt};

use super::{previous, world::Found};
use crate::labels;

pub const SOCKET: &str = "/var/run/docker.sock";

/// For what the engine does at once, under load.
const SHORT: Duration = Duration::from_secs(60);
/// Stops, hooks and events set their own limits.
const LONG: Duration = Duration::from_secs(24 * 3600);

/// Behind the name of a container that waits to take the place of another.
const NEXT: &str = ".next";

#[derive(Clone)]
pub struct Engine {
    pub docker: Docker,
    mirror: String,
}

/// An engine's refusal in its own words.
pub fn words(error: Error) -> String {
    match error {
        Error::DockerResponseServerError { status_code, message } => format!("{status_code}: {message}"),
        other => other.to_string(),
    }
}

fn is_gone(error: &Error) -> bool {
    matches!(error, Error::DockerResponseServerError { status_code: 404, .. })
}

async fn soon<T>(what: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    match tokio::time::timeout(SHORT, what).await {
        Ok(done) => done,
        Err(_) => Err(Error::RequestTimeoutError),
    }
}

impl Engine {
    pub fn connect(socket: &str, mirror: &str) -> Result<Self, Error> {
        let docker = Docker::connect_with_unix(socket, LONG.as_secs(), API_DEFAULT_VERSION)?;
        Ok(Self { docker, mirror: mirror.to_owned() })
    }

    fn filter(&self) -> Vec<String> {
        vec![format!("{}={}", labels::MIRROR, self.mirror)]
    }

    /// Ids of all containers of the mirror.
    pub async fn list(&self) -> Result<Vec<String>, Error> {
        let filters = HashMap::from([("label".to_owned(), self.filter())]);
        let options = ListContainersOptions { all: true, filters: Some(filters), ..Default::default() };
        let all = soon(self.docker.list_containers(Some(options))).await?;
        Ok(all.into_iter().filter_map(|container| container.id).collect())
    }

    pub async fn inspect(&self, id: &str) -> Result<Option<ContainerInspectResponse>, Error> {
        match soon(self.docker.inspect_container(id, None::<InspectContainerOptions>)).await {
            Ok(container) => Ok(Some(container)),
            Err(error) if is_gone(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    pub async fn find(&self, id: &str) -> Result<Option<Found>, Error> {
        Ok(self.inspect(id).await?.and_then(Found::read))
    }

    pub async fn find_all(&self) -> Result<Vec<Found>, Error> {
        let mut all = Vec::new();
        for id in self.list().await? {
            all.extend(self.find(&id).await?);
        }
        Ok(all)
    }

    /// Ids of the mirror's containers to which something happened; ends when the engine does.
    pub fn changes(&self) -> impl Stream<Item = Result<String, Error>> + use<> {
        let actions = ["create", "start", "die", "destroy", "rename", "pause", "unpause"];
        let filters = HashMap::from([
            ("type".to_owned(), vec!["container".to_owned()]),
            ("label".to_owned(), self.filter()),
            ("event".to_owned(), actions.map(str::to_owned).to_vec()),
        ]);
        let options = EventsOptions { filters: Some(filters), ..Default::default() };
        let events = self.docker.events(Some(options));
        events.filter_map(|event| async {
            event.map(|event| event.actor.and_then(|actor| actor.id)).transpose()
        })
    }

    pub async fn start(&self, id: &str) -> Result<(), Error> {
        soon(self.docker.start_container(id, None::<StartContainerOptions>)).await
    }

    /// The stop signal of the container, and after `grace` the kill.
    pub async fn stop(&self, id: &str, grace: Duration) -> Result<(), Error> {
        // The engine counts whole seconds.
        let seconds = i32::try_from(grace.as_millis().div_ceil(1000)).unwrap_or(i32::MAX);
        let options = StopContainerOptions { t: Some(seconds), signal: None };
        match self.docker.stop_container(id, Some(options)).await {
            Err(error) if !is_gone(&error) => Err(error),
            _ => Ok(()),
        }
    }

    pub async fn remove(&self, id: &str) -> Result<(), Error> {
        // `v`: an anonymous volume has no other owner.
        let options = RemoveContainerOptions { force: true, v: true, ..Default::default() };
        match soon(self.docker.remove_container(id, Some(options))).await {
            Err(error) if !is_gone(&error) => Err(error),
            _ => Ok(()),
        }
    }

    async fn rename(&self, id: &str, name: &str) -> Result<(), Error> {
        soon(self.docker.rename_container(id, RenameContainerOptions { name: name.to_owned() })).await
    }

    /// A new container with the configuration, name and labels of an old one, in the namespace of `pause`.
    ///
    /// The new one is made before the old one goes: whoever dies in between leaves at least one of
    /// them, and with it the configuration. Answers the new id; `None`: the old one is gone, removed by someone.
    pub async fn replace(
        &self,
        id: &str,
        pause: &str,
        key: &str,
        journal: &Path,
    ) -> Result<Option<String>, Error> {
        let Some(old) = self.inspect(id).await? else { return Ok(None) };
        let name = old.name.clone().unwrap_or_default().trim_start_matches('/').to_owned();
        previous::keep(self, id, key, journal).await;
        let next = format!("{name}{NEXT}");
        self.remove(&next).await?;
        let platform = platform(&old);
        let options = CreateContainerOptions { name: Some(next), platform };
        let new = soon(self.docker.create_container(Some(options), same(old, pause))).await?.id;
        let took_over = async {
            self.remove(id).await?;
            self.rename(&new, &name).await
        };
        if let Err(error) = took_over.await {
            // What could not take over shall not stand beside.
            self.remove(&new).await?;
            return Err(error);
        }
        self.start(&new).await?;
        Ok(Some(new))
    }

    /// Finishes what a keeper that died left half done: see [`Self::replace`].
    pub async fn tidy(&self, found: &[Found]) -> Result<(), Error> {
        for next in found {
            let Some(name) = next.name.strip_suffix(NEXT) else { continue };
            if found.iter().any(|other| other.name == name) {
                self.remove(&next.id).await?;
            } else {
                self.rename(&next.id, name).await?;
                self.start(&next.id).await?;
            }
        }
        Ok(())
    }
}

/// The request that made it, as far as the engine can tell.
fn same(old: ContainerInspectResponse, pause: &str) -> ContainerCreateBody {
    let config = old.config.unwrap_or_default();
    let mut host = old.host_config.unwrap_or_default();
    let joins = host.network_mode.as_deref().is_some_and(|mode| mode.starts_with("container:"));
    if joins {
        host.network_mode = Some(format!("container:{pause}"));
    }
    // Who shares a namespace may have none of these of its own, and the engine tells those of the pause.
    let own = |value| if joins { None } else { value };
    ContainerCreateBody {
        hostname: own(config.hostname),
        domainname: own(config.domainname),
        exposed_ports: if joins { None } else { config.exposed_ports },
        user: config.user,
        attach_stdin: config.attach_stdin,
        attach_stdout: config.attach_stdout,
        attach_stderr: config.attach_stderr,
        tty: config.tty,
        open_stdin: config.open_stdin,
        stdin_once: config.stdin_once,
        env: config.env,
        cmd: config.cmd,
        healthcheck: config.healthcheck,
        args_escaped: config.args_escaped,
        image: config.image,
        volumes: config.volumes,
        working_dir: config.working_dir,
        entrypoint: config.entrypoint,
        network_disabled: config.network_disabled,
        on_build: config.on_build,
        labels: config.labels,
        stop_signal: config.stop_signal,
        stop_timeout: config.stop_timeout,
        shell: config.shell,
        host_config: Some(host),
        networking_config: None,
    }
}

/// `linux/arm64` where the engine knows it; empty is the engine's own.
fn platform(old: &ContainerInspectResponse) -> String {
    let known = old.image_manifest_descriptor.as_ref().and_then(|image| image.platform.as_ref());
    known.map_or_else(String::new, |platform| {
        let parts = [&platform.os, &platform.architecture, &platform.variant];
        parts.into_iter().flatten().filter(|part| !part.is_empty()).cloned().collect::<Vec<_>>().join("/")
    })
}
