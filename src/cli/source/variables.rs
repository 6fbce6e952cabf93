//! The variables of a SOURCE.

use prodmirror::{
    backend::{Backend, Exec, Foreign, Scope, Target, compose_labels},
    capture::{
        kubernetes::Process,
        redact::{Values, scrub},
        saved::Saved,
    },
    env::{self, Dialect, Environment, HashKey, Variable},
    labels, mirror,
    name::Name,
    observed::Container,
    profile,
    readers::kubernetes::Inside,
    sources::{Content, Place, SourceName},
};

use serde_json::Value as Json;
use tokio::io::AsyncReadExt as _;

use super::{
    captured::{self, Captured},
    cluster, file, holds_files,
    reach::Reach,
};
use crate::cli::{failure::Failure, host::Host, naming, ui::Ui};

/// What tells a process's own variables.
const ENVIRON: [&str; 2] = ["cat", "/proc/1/environ"];

/// How sources are read for their variables.
pub struct Reader<'a> {
    pub host: &'a Host,
    pub ui: &'a Ui,
    pub dialect: Dialect,
    /// The image's own variables too.
    pub image: bool,
    /// The process itself, not what its container was given.
    pub live: bool,
    /// Which variables are secrets, and which are none, whatever they look like.
    pub rules: env::Rules,
    pub reach: &'a Reach,
}

impl Reader<'_> {
    /// The variables of every service that the source has, or of the one that it names.
    pub async fn environments(&self, source: &SourceName) -> Result<Vec<Environment>, Failure> {
        let mut found = self.all(source).await?;
        let Some(wanted) = &source.service else { return Ok(found) };
        let there: Vec<String> = found.iter().filter_map(|one| one.service.clone()).collect();
        found.retain(|one| one.service.as_ref() == Some(wanted));
        if found.is_empty() {
            let failure =
                Failure::usage("no-such-service", format!("{} has no service `{wanted}`", source.place));
            return Err(match there.is_empty() {
                true => failure.hint("a file of variables has no services"),
                false => failure.hint(format!("it has {}", there.join(", "))),
            });
        }
        Ok(found)
    }

    async fn all(&self, source: &SourceName) -> Result<Vec<Environment>, Failure> {
        let origin = source.place.to_string();
        match &source.place {
            Place::File(_) | Place::Stdin | Place::Profile(_) => self.of_file(&source.place).await,
            Place::Mirror(name) => {
                let backend = naming::where_is(self.host, name).await?;
                self.of_mirror(&*backend, name, source.service.as_deref(), &origin).await
            }
            Place::Docker(name) => self.of_container(name, &origin).await,
            Place::Compose(project) => self.of_project(project, &origin).await,
            place @ Place::Kubernetes { context, namespace, object } => {
                if object.is_none()
                    && !self.reach.is_said()
                    && let Some((backend, name)) = super::of_namespace(self.host, context, namespace).await
                {
                    return self.of_mirror(&*backend, &name, source.service.as_deref(), &origin).await;
                }
                let rules = captured::rules(&self.rules);
                let read = cluster::from_place(self.host, place, &rules, self.reach).await?;
                let given = self.of_captured(&read.captured, place)?;
                match self.live {
                    true => self.of_pods(place, &read.processes, source.service.as_deref(), given).await,
                    false => Ok(given),
                }
            }
            Place::Store(_) => {
                Err(Failure::usage("bad-source", format!("{origin} is a store, which has no variables")))
            }
        }
    }

    pub fn key(&self) -> Result<HashKey, Failure> {
        Ok(mirror::hash_key(&self.host.hash_key)?)
    }

    async fn of_file(&self, place: &Place) -> Result<Vec<Environment>, Failure> {
        if self.live {
            return Err(not_live(place));
        }
        let rules = captured::rules(&self.rules);
        if let Place::File(folder) = place
            && holds_files(folder)?
        {
            return self.of_captured(&captured::from_folder(folder, &rules)?, place);
        }
        let read = file(place)?;
        match read.content {
            Content::Profile => {
                let origin = place.to_string();
                let keeping = env::Keeping { key: &self.key()?, rules: &self.rules };
                Ok(env::of_profile(&read.profile(&self.ui.quieter())?.profile, &origin, keeping))
            }
            Content::Variables => {
                let variables = env::read(read.text()?, self.dialect)
                    .map_err(|error| captured::bad_variables(&read.name, error))?;
                let keeping = env::Keeping { key: &self.key()?, rules: &self.rules };
                let one = |(name, value): (String, env::Value)| Variable {
                    name,
                    value,
                    source: env::Source::File,
                    written: None,
                };
                let variables = env::concealed(variables.into_iter().map(one).collect(), keeping);
                Ok(vec![Environment { origin: place.to_string(), variables, ..Environment::default() }])
            }
            Content::Capture => {
                let Saved { profile, values } = read.saved()?;
                self.of_values(&profile, &values, place)
            }
            Content::Compose | Content::Kubernetes | Content::Inspect => {
                self.of_captured(&captured::from_file(place, &read, &rules).await?, place)
            }
        }
    }

    /// What the profile would give each workload; secrets by their hash where their values were read.
    fn of_captured(&self, captured: &Captured, place: &Place) -> Result<Vec<Environment>, Failure> {
        self.of_values(&captured.draft.profile, &captured.draft.values, place)
    }

    fn of_values(&self, tree: &Json, values: &Values, place: &Place) -> Result<Vec<Environment>, Failure> {
        let profile = profile::from_tree(tree)
            .map_err(|problems| Failure::input("capture", format!("{place}: {problems}")))?;
        let keeping = env::Keeping { key: &self.key()?, rules: &self.rules };
        let is_live = matches!(place, Place::Kubernetes { .. });
        let unread = is_live.then_some("`--hash-secrets` reads it");
        Ok(env::of_captured(&profile, values, &place.to_string(), unread, keeping))
    }

    /// The variables of the processes themselves; of one service alone where one is meant.
    async fn of_pods(
        &self,
        place: &Place,
        processes: &[Process],
        wanted: Option<&str>,
        given: Vec<Environment>,
    ) -> Result<Vec<Environment>, Failure> {
        let inside = Inside::open(&cluster::asked(self.host, place, self.reach)?).await?;
        let keeping = env::Keeping { key: &self.key()?, rules: &self.rules };
        let mut live = Vec::new();
        for one in given {
            let name = one.service.clone().unwrap_or_default();
            if wanted.is_some_and(|wanted| wanted != name) {
                continue;
            }
            let process = processes.iter().find(|it| it.name == name && it.section == one.section.as_str());
            let Some(Process { pod, container, is_first, .. }) = process else {
                self.ui.warn(format!("{name} does not run, so it has no process to read"));
                continue;
            };
            if !is_first {
                self.ui.warn(format!("{name} shares its processes with others, so its own is not known"));
                continue;
            }
            self.ui.say(format!("running `{}` in pod {pod}, container {container}", ENVIRON.join(" ")));
            let answer = inside.answer(pod, container, &ENVIRON, &mut |call| self.reach.write(call)).await;
            self.reach.close()?;
            let bytes = answer.map_err(|unanswered| {
                Failure::tool("not-live", scrub(&unanswered.to_string())).hint(
                    "it takes the right to execute (`prodmirror capture kubernetes --ask-stores --print-rbac`) and an \
                     image with `cat`; leave --live out to read what the container was given",
                )
            })?;
            live.push(env::of_process(&bytes, &one, keeping));
        }
        Ok(live)
    }

    /// Of a mirror; with `--live` the process of the one service that is meant is asked, else those of all.
    async fn of_mirror(
        &self,
        backend: &dyn Backend,
        name: &Name,
        wanted: Option<&str>,
        origin: &str,
    ) -> Result<Vec<Environment>, Failure> {
        let kept = mirror::recall(backend, name).await?;
        let observed = backend.observe(&Scope { mirror: Some(name.clone()), owner: None }, false).await?;
        let key = self.key()?;
        let keeping = env::Keeping { key: &key, rules: &self.rules };
        let reading = env::Reading { keeping, image: self.image };
        let found = env::of_mirror(&kept.profile, &observed, origin, reading);
        if !self.live {
            return Ok(found);
        }
        let mut live = Vec::new();
        let is_meant = |one: &Environment| wanted.is_none_or(|wanted| one.service.as_deref() == Some(wanted));
        if !found.iter().any(is_meant) {
            return Ok(found);
        }
        for one in found.into_iter().filter(is_meant) {
            let container = env::first_replica(&observed, one.service.as_deref().unwrap_or_default());
            let Some(container) = self.running(container, &one) else { continue };
            let bytes = in_mirror(backend, name, container).await?;
            live.push(env::of_process(&bytes, &one, keeping));
        }
        Ok(live)
    }

    async fn of_container(&self, name: &str, origin: &str) -> Result<Vec<Environment>, Failure> {
        let engine = self.host.engine().await?;
        let found = engine.foreign_container(name).await?.ok_or_else(|| {
            Failure::usage(
                "no-such-container",
                format!("there is no container `{name}` on {}", engine.address()),
            )
            .hint("`docker ps --all` lists them")
        })?;
        Ok(self.of_foreign(&found, origin).await?.into_iter().collect())
    }

    async fn of_project(&self, project: &str, origin: &str) -> Result<Vec<Environment>, Failure> {
        let engine = self.host.engine().await?;
        let found = engine.foreign_project(project).await?;
        if found.is_empty() {
            let message =
                format!("there is no container of the Compose project `{project}` on {}", engine.address());
            return Err(Failure::usage("no-such-project", message)
                .hint("`docker compose ls --all` lists the projects"));
        }
        let mut environments: Vec<Environment> = Vec::new();
        for one in &found {
            let service = service_of(&one.container);
            // The first container of a service stands for all.
            if !environments.iter().any(|known| known.service.as_deref() == Some(service.as_str())) {
                environments.extend(self.of_foreign(one, origin).await?);
            }
        }
        Ok(environments)
    }

    async fn of_foreign(&self, found: &Foreign, origin: &str) -> Result<Option<Environment>, Failure> {
        let key = self.key()?;
        let keeping = env::Keeping { key: &key, rules: &self.rules };
        let reading = env::Reading { keeping, image: self.image };
        let service = service_of(&found.container);
        let given = env::of_container(&found.container, found.image.as_ref(), &service, origin, reading);
        if !self.live {
            return Ok(Some(given));
        }
        let Some(container) = self.running(Some(&found.container), &given) else { return Ok(None) };
        let engine = self.host.engine().await?;
        let bytes = engine.answer(&container.id, &ENVIRON).await?;
        let bytes = bytes.ok_or_else(|| no_answer(container))?;
        Ok(Some(env::of_process(&bytes, &given, keeping)))
    }

    /// The container whose process is read; none where it does not run, which is said.
    fn running<'c>(&self, container: Option<&'c Container>, given: &Environment) -> Option<&'c Container> {
        let running = container.filter(|container| container.state.status == "running");
        match running {
            Some(container) => {
                self.ui.say(format!("running `{}` in {}", ENVIRON.join(" "), container.name));
            }
            None => {
                let service = given.service.as_deref().unwrap_or_default();
                self.ui.warn(format!("{service} does not run, so it has no process to read"));
            }
        }
        running
    }
}

/// What the first process of a container of a mirror has in its environment, wherever the mirror runs.
async fn in_mirror(backend: &dyn Backend, mirror: &Name, container: &Container) -> Result<Vec<u8>, Failure> {
    let label = |name: &str| container.labels.get(name).map(String::as_str).unwrap_or_default();
    let service = Name::new(label(labels::SERVICE)).map_err(|_| no_answer(container))?;
    let ordinal = label(labels::ORDINAL).parse().ok();
    let target = Target { mirror: mirror.clone(), service, ordinal, container: None };
    let (stdout, mut answer) = tokio::io::duplex(1 << 16);
    let exec = Exec {
        target: &target,
        argv: &ENVIRON.map(str::to_owned),
        env: &[],
        user: None,
        tty: false,
        size: None,
        resized: None,
        stdin: None,
        stdout: Box::pin(stdout),
        stderr: Box::pin(tokio::io::sink()),
        fresh: false,
    };
    let mut bytes = Vec::new();
    let (code, read) = tokio::join!(backend.exec(exec), answer.read_to_end(&mut bytes));
    match (code?, read) {
        (0, Ok(_)) => Ok(bytes),
        _ => Err(no_answer(container)),
    }
}

fn no_answer(container: &Container) -> Failure {
    Failure::tool("not-live", format!("`{}` failed in {}", ENVIRON.join(" "), container.name))
        .hint("an image without `cat` cannot be asked; leave --live out to read what the container was given")
}

fn not_live(place: &Place) -> Failure {
    Failure::usage("not-live", format!("{place} is a file, no process; --live is for mirrors and containers"))
}

/// The service's name in Compose, else the container's.
fn service_of(container: &Container) -> String {
    container.labels.get(compose_labels::SERVICE).unwrap_or(&container.name).clone()
}
