//! SOURCE: what a name on the command line leads to, read.

use std::path::Path;

use prodmirror::{
    backend::{Foreign, Scope, compose_labels},
    env::{self, Dialect, Environment, HashKey, Variable},
    mirror,
    name::Name,
    observed::Container,
    profile::{self, Layers, Loaded, Origins, Source, load},
    sources::{self, Content, EXAMPLES, Place, SourceName},
};

use super::{
    again::{Again, again},
    failure::Failure,
    host::Host,
    naming::{bad_profile, read_beside},
    ui::Ui,
};

/// Reads a SOURCE as a name.
pub fn named(text: &str) -> Result<SourceName, Failure> {
    sources::parse(text, &|file| Path::new(file).is_file()).map_err(|error| {
        Failure::usage("bad-source", error.to_string()).hint(format!("for example {}", EXAMPLES.join(", ")))
    })
}

/// A source as a tree of the profile's long form.
pub struct Tree {
    pub tree: serde_json::Value,
    /// Where it could not be what its own profile says, and why.
    pub departures: Vec<(prodmirror::path::Path, String)>,
    pub origins: Origins,
}

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
}

/// A file's text and what it holds.
pub struct Read {
    pub name: String,
    pub bytes: Vec<u8>,
    pub content: Content,
}

/// Reads a file or standard input.
pub fn file(place: &Place) -> Result<Read, Failure> {
    let (name, bytes) = match place {
        Place::Stdin => {
            let mut bytes = Vec::new();
            std::io::Read::read_to_end(&mut std::io::stdin().lock(), &mut bytes)
                .map_err(|error| Failure::input("unreadable", format!("standard input: {error}")))?;
            ("<stdin>".to_owned(), bytes)
        }
        Place::File(file) | Place::Profile(file) => {
            let bytes = std::fs::read(file)
                .map_err(|error| Failure::input("unreadable", format!("{file}: {error}")))?;
            (file.clone(), bytes)
        }
        other => return Err(Failure::usage("bad-source", format!("{other} is no file"))),
    };
    let content = match place {
        Place::Profile(_) => Content::Profile,
        _ => sources::recognize(&String::from_utf8_lossy(&bytes)),
    };
    Ok(Read { name, bytes, content })
}

impl Read {
    /// The profile that the file holds.
    pub fn profile(self, ui: &Ui) -> Result<Loaded, Failure> {
        let documents = [Source::new(self.name, self.bytes)];
        let layers = Layers {
            documents: &documents,
            set: &[],
            unset: &[],
            allow_unpinned: true,
            read_file: &read_beside,
        };
        load(&layers).map_err(|problems| {
            let sources = layers.sources();
            ui.error_line(&profile::render(&problems.0, &sources, ui.color_on_stderr()));
            bad_profile(&problems.0)
        })
    }

    fn text(&self) -> Result<&str, Failure> {
        std::str::from_utf8(&self.bytes).map_err(|error| {
            let line = self.bytes[..error.valid_up_to()].iter().filter(|byte| **byte == b'\n').count() + 1;
            Failure::input("bad-variables", format!("{}:{line}: this is not UTF-8", self.name))
        })
    }

    /// What is no profile and no file of variables is captured first.
    pub fn to_capture(&self) -> Failure {
        let (what, kind) = match self.content {
            Content::Compose => ("a Compose file", "compose"),
            Content::Kubernetes => ("a Kubernetes manifest", "files"),
            Content::Inspect => ("an answer of `docker inspect`", "files"),
            Content::Profile | Content::Variables => ("of another kind", "files"),
        };
        let name = &self.name;
        Failure::usage("not-a-profile", format!("{name} is {what}, which is not read as it is")).hint(
            format!(
                "make a profile of it, and name that: prodmirror capture {kind} {name} -o prodmirror.yaml"
            ),
        )
    }
}

/// Reads a source whole: a profile, or what really runs in a mirror.
pub async fn tree(host: &Host, source: &SourceName, ui: &Ui) -> Result<Tree, Failure> {
    match &source.place {
        Place::File(_) | Place::Stdin | Place::Profile(_) => {
            let read = file(&source.place)?;
            match read.content {
                Content::Profile => {
                    let Loaded { profile, origins, .. } = read.profile(ui)?;
                    Ok(Tree { tree: profile::tree(&profile), departures: Vec::new(), origins })
                }
                Content::Variables => Err(Failure::usage(
                    "not-a-profile",
                    format!("{} holds variables alone; `prodmirror env-diff` compares those", read.name),
                )),
                Content::Compose | Content::Kubernetes | Content::Inspect => Err(read.to_capture()),
            }
        }
        Place::Mirror(name) => {
            let backend = host.connect().await?;
            let Again { plan, tree, secrets, .. } = again(host, &*backend, name, &[], ui).await?;
            let live = mirror::live_tree(&*backend, &plan, &tree, &secrets).await?;
            Ok(Tree { tree: live.tree, departures: live.departures, origins: Origins::default() })
        }
        Place::Docker(_) | Place::Compose(_) | Place::Kubernetes { .. } => {
            Err(Failure::later(&format!("the source `{}` as a whole", source.place))
                .hint("`prodmirror env-diff` compares the variables of containers"))
        }
        Place::Store(_) => {
            Err(Failure::usage("bad-source", format!("{} is a store, which is no profile", source.place)))
        }
    }
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
            Place::File(_) | Place::Stdin | Place::Profile(_) => self.of_file(&source.place),
            Place::Mirror(name) => self.of_mirror(name, &origin).await,
            Place::Docker(name) => self.of_container(name, &origin).await,
            Place::Compose(project) => self.of_project(project, &origin).await,
            Place::Kubernetes { .. } => Err(Failure::later("the source `kubernetes:…`")),
            Place::Store(_) => {
                Err(Failure::usage("bad-source", format!("{origin} is a store, which has no variables")))
            }
        }
    }

    pub fn key(&self) -> Result<HashKey, Failure> {
        Ok(mirror::hash_key(&self.host.hash_key)?)
    }

    fn of_file(&self, place: &Place) -> Result<Vec<Environment>, Failure> {
        if self.live {
            return Err(not_live(place));
        }
        let read = file(place)?;
        match read.content {
            Content::Profile => {
                let origin = place.to_string();
                let keeping = env::Keeping { key: &self.key()?, rules: &self.rules };
                Ok(env::of_profile(&read.profile(&self.ui.quieter())?.profile, &origin, keeping))
            }
            Content::Variables => {
                let variables = env::read(read.text()?, self.dialect).map_err(|error| {
                    let failure = Failure::input(
                        "bad-variables",
                        format!("{}:{}: {}", read.name, error.line, error.message),
                    );
                    match error.hint {
                        Some(hint) => failure.hint(hint),
                        None => failure,
                    }
                })?;
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
            Content::Compose | Content::Kubernetes | Content::Inspect => Err(read.to_capture()),
        }
    }

    async fn of_mirror(&self, name: &Name, origin: &str) -> Result<Vec<Environment>, Failure> {
        let backend = self.host.connect().await?;
        let kept = mirror::recall(backend.as_ref(), name).await?;
        let observed = backend.observe(&Scope { mirror: Some(name.clone()), owner: None }, false).await?;
        let key = self.key()?;
        let keeping = env::Keeping { key: &key, rules: &self.rules };
        let reading = env::Reading { keeping, image: self.image };
        let found = env::of_mirror(&kept.profile, &observed, origin, reading);
        if !self.live {
            return Ok(found);
        }
        let mut live = Vec::new();
        for one in found {
            let container = env::first_replica(&observed, one.service.as_deref().unwrap_or_default());
            live.extend(self.process(container, one).await?);
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
        if self.live { self.process(Some(&found.container), given).await } else { Ok(Some(given)) }
    }

    /// The process's own variables; `None` where it does not run.
    async fn process(
        &self,
        container: Option<&Container>,
        given: Environment,
    ) -> Result<Option<Environment>, Failure> {
        let running = container.filter(|container| container.state.status == "running");
        let service = given.service.clone().unwrap_or_default();
        let Some(container) = running else {
            self.ui.warn(format!("{service} does not run, so it has no process to read"));
            return Ok(None);
        };
        self.ui.say(format!("running `cat /proc/1/environ` in {}", container.name));
        let engine = self.host.engine().await?;
        let bytes = engine.environ(&container.id).await?.ok_or_else(|| {
            Failure::tool("not-live", format!("`cat /proc/1/environ` failed in {}", container.name))
                .hint("an image without `cat` cannot be asked; leave --live out to read what the container was given")
        })?;
        let keeping = env::Keeping { key: &self.key()?, rules: &self.rules };
        let process = env::of_process(&bytes, &given, keeping);
        Ok(Some(process))
    }
}

fn not_live(place: &Place) -> Failure {
    Failure::usage("not-live", format!("{place} is a file, no process; --live is for mirrors and containers"))
}

/// The service's name in Compose, else the container's.
fn service_of(container: &Container) -> String {
    container.labels.get(compose_labels::SERVICE).unwrap_or(&container.name).clone()
}
