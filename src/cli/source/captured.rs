//! Profiles of what is none: the one way of `capture`, and of every command that takes a SOURCE.

use std::{collections::BTreeMap, ffi::OsString, path::PathBuf, time::Duration};

use prodmirror::{
    backend::EngineSource,
    capture::{
        aligned::Teller,
        asked::Asked,
        compose, docker,
        draft::{Draft, From},
        kubernetes::{self, Document, is_kubernetes},
        names::plain,
        redact::{Rules, scrub},
        variables::{self, Variables, Whose},
    },
    engine::outside,
    env,
    path::Path,
    profile::Problems,
    readers::{
        self,
        compose::{Ask, KEPT},
    },
    sources::Place,
};

use serde_json::Map;

use super::{Content, Read};
use crate::cli::{failure::Failure, host::Host};

/// A profile, and what it was captured from.
pub struct Captured {
    pub draft: Draft,
    pub teller: Teller,
}

/// Which containers of an engine.
#[derive(Default)]
pub struct Containers {
    pub named: Vec<String>,
    pub labels: Vec<String>,
    pub project: Option<String>,
}

/// The profile that Compose files amount to.
pub async fn from_compose(ask: &Ask, from: &From, rules: &Rules) -> Result<Captured, Failure> {
    let document = readers::compose::read(ask)
        .await
        .map_err(|refused| Failure::input("compose-file", scrub(&refused.to_string())))?;
    of_compose(document, from, rules)
}

fn of_compose(document: compose::Document, from: &From, rules: &Rules) -> Result<Captured, Failure> {
    let draft = compose::draft(document, from, rules).map_err(unfit)?;
    Ok(Captured { draft, teller: Teller::Compose })
}

/// The profile that containers of an engine amount to.
pub async fn from_engine(
    engine: &dyn EngineSource,
    of: &Containers,
    ask_stores: bool,
    from: &From,
    rules: &Rules,
) -> Result<Captured, Failure> {
    let project = of.project.iter().map(|name| format!("{}={name}", docker::PROJECT));
    let labels: Vec<String> = of.labels.iter().cloned().chain(project).collect();
    let mut dump = engine.foreign_dump(&labels, &of.named).await?;
    let there = dump.containers.len();
    if there == 0 || there < of.named.len() {
        let message = match &of.project {
            Some(name) => {
                format!("there is no container of the Compose project `{name}` on {}", engine.address())
            }
            None => format!("{there} of the containers asked for are on {}", engine.address()),
        };
        return Err(Failure::usage("no-such-container", message).hint("`docker ps --all` lists them"));
    }
    dump.containers.iter_mut().for_each(|(_, document)| document.sort_all_objects());
    let name = of.project.as_deref().unwrap_or("docker");
    let asked = match ask_stores {
        true => ask_of_engine(engine, &docker::stores(&dump)).await?,
        false => Vec::new(),
    };
    let draft = docker::draft_with(dump, name, &[], &asked, from, rules).map_err(unfit)?;
    Ok(Captured { draft, teller: Teller::Docker })
}

/// Asks stores of themselves, one after another.
async fn ask_of_engine(engine: &dyn EngineSource, stores: &[docker::Running]) -> Result<Vec<Asked>, Failure> {
    let mut asked = Vec::new();
    for docker::Running { name, engine: kind, container } in stores {
        let question = outside::question(*kind);
        let said = tokio::time::timeout(PATIENCE, engine.answer(container, &question)).await;
        let answer = match said {
            Ok(Ok(Some(bytes))) => outside::answer(*kind, &bytes),
            Ok(Ok(None)) => Err("its client is not in the container, or failed".to_owned()),
            Ok(Err(error)) => return Err(error.into()),
            Err(_) => Err(format!("it did not answer in {} s", PATIENCE.as_secs())),
        };
        asked.push(Asked { name: name.clone(), engine: *kind, answer });
    }
    Ok(asked)
}

/// Of one store.
const PATIENCE: Duration = Duration::from_secs(20);

/// Files of variables for the workloads of what is captured from files.
#[derive(Default)]
pub struct EnvFiles {
    /// `SERVICE=FILE`.
    pub given: Vec<String>,
    pub dialect: env::Dialect,
}

/// The profile that saved objects of a cluster amount to, or saved answers of an engine, or variables alone.
pub fn from_paths(paths: &[PathBuf], of: &EnvFiles, from: &From, rules: &Rules) -> Result<Captured, Failure> {
    let found = readers::files::read(paths)
        .map_err(|refused| Failure::input("unreadable", scrub(&refused.to_string())))?;
    let variables = env_files(found.variables, of)?;
    let named: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
    let captured = from_documents(found.documents, &variables, &named.join(", "), from, rules)?;
    for file in &variables {
        if let Whose::Service(name) = &file.of
            && !captured.has(name)
        {
            let message = format!("no service is called `{name}`, whose variables {} has", file.name);
            return Err(Failure::usage("no-service", message));
        }
    }
    Ok(captured)
}

fn env_files(found: Vec<(String, String)>, of: &EnvFiles) -> Result<Vec<Variables>, Failure> {
    let mut files = Vec::new();
    for given in &of.given {
        let (service, file) = given.split_once('=').ok_or_else(|| {
            Failure::usage("bad-env-file", format!("`--env-file {given}` is not SERVICE=FILE"))
        })?;
        let text = std::fs::read_to_string(file)
            .map_err(|error| Failure::input("unreadable", format!("{file}: {error}")))?;
        files.push((file.to_owned(), Whose::Service(service.to_owned()), text));
    }
    for (name, text) in found {
        let of = Whose::by_name(name.rsplit('/').next().unwrap_or(&name));
        files.push((name, of, text));
    }
    let read = |(name, whose, text): (String, Whose, String)| {
        Variables::read(&name, whose, &text, of.dialect).map_err(|error| bad_variables(&name, error))
    };
    files.into_iter().map(read).collect()
}

/// Where a file of variables cannot be read.
pub fn bad_variables(name: &str, error: env::ReadError) -> Failure {
    let failure = Failure::input("bad-variables", format!("{name}:{}: {}", error.line, error.message));
    match error.hint {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}

impl Captured {
    /// Whether a workload is called so.
    fn has(&self, name: &str) -> bool {
        let name = plain(name);
        ["services", "jobs", "stores"].iter().any(|section| !self.draft.profile[section][&name].is_null())
    }

    /// The name of its workload, if it has a single one.
    pub fn only(&self) -> Option<String> {
        let sections = ["services", "jobs", "stores"].iter();
        let mut names =
            sections.flat_map(|section| self.draft.profile[section].as_object()).flat_map(Map::keys);
        names.next().filter(|_| names.next().is_none()).cloned()
    }
}

fn from_documents(
    documents: Vec<Document>,
    files: &[Variables],
    named: &str,
    from: &From,
    rules: &Rules,
) -> Result<Captured, Failure> {
    // The one place that tells inputs apart.
    let is_cluster = documents.iter().flat_map(|document| &document.values).any(is_kubernetes);
    let is_engine = documents.iter().flat_map(|document| &document.values).any(docker::is_answer);
    let of = |teller| From { of: Some(teller), ..from.clone() };
    let (draft, teller) = match (is_cluster, is_engine) {
        (true, false) => {
            let from = of(Teller::Kubernetes);
            (kubernetes::draft_with(documents, files, &[], &from, rules), Teller::Kubernetes)
        }
        (false, true) => {
            let from = of(Teller::Docker);
            (docker::draft_with(dump(documents)?, "captured", files, &[], &from, rules), Teller::Docker)
        }
        (true, true) => {
            let message =
                format!("{named}: Kubernetes objects and answers of `docker inspect` are two stacks");
            return Err(Failure::input("two-stacks", message).hint("capture each by itself"));
        }
        (false, false) if documents.is_empty() && !files.is_empty() => {
            (variables::draft(files, &of(Teller::Compose), rules), Teller::Compose)
        }
        (false, false) => {
            let message = format!("{named}: no Kubernetes object and no answer of `docker inspect` is in it");
            return Err(Failure::input("no-objects", message)
                .hint("a Compose file is for `prodmirror capture compose FILE`"));
        }
    };
    Ok(Captured { draft: draft.map_err(unfit)?, teller })
}

/// Every document of a container or an image, those that did not run too: somebody saved them on purpose.
fn dump(documents: Vec<Document>) -> Result<docker::Dump, Failure> {
    let mut dump = docker::Dump { stopped_too: true, ..docker::Dump::default() };
    for Document { name, values } in documents {
        for value in values {
            dump.add(&name, value)
                .map_err(|why| Failure::input("no-objects", format!("{name}: {}", scrub(&why))))?;
        }
    }
    Ok(dump)
}

/// A folder or a bundle of saved objects.
pub fn from_folder(folder: &str, rules: &Rules) -> Result<Captured, Failure> {
    from_paths(&[folder.into()], &EnvFiles::default(), &From { from: "files", ..From::default() }, rules)
}

/// A file that holds no profile, as one; its variables apart.
pub async fn from_file(place: &Place, read: &Read, rules: &Rules) -> Result<Captured, Failure> {
    let from = From { from: "files", ..From::default() };
    match (read.content, place) {
        (Content::Compose, Place::File(file)) => {
            let ask = Ask { files: vec![file.into()], environment: environment(), ..Ask::default() };
            from_compose(&ask, &From { from: "compose", ..From::default() }, rules).await
        }
        // Of standard input no folder is known, so nothing beside it is read.
        (Content::Compose, _) => {
            let document = compose::Document::parse(&read.name, read.text()?, "captured")
                .map_err(|why| Failure::input("compose-file", format!("{}: {}", read.name, scrub(&why))))?;
            of_compose(document, &From { from: "compose", ..From::default() }, rules)
        }
        _ => {
            let values = kubernetes::documents(read.text()?)
                .map_err(|why| Failure::input("unreadable", format!("{}: {}", read.name, scrub(&why))))?;
            let document = Document { name: read.name.clone(), values };
            from_documents(vec![document], &[], &read.name, &from, rules)
        }
    }
}

/// What containers of an engine are called in a SOURCE.
pub async fn from_place(host: &Host, place: &Place, rules: &Rules) -> Result<Captured, Failure> {
    let of = match place {
        Place::Docker(name) => Containers { named: vec![name.clone()], ..Containers::default() },
        Place::Compose(project) => Containers { project: Some(project.clone()), ..Containers::default() },
        other => return Err(Failure::usage("bad-source", format!("{other} is no container"))),
    };
    let from = From { from: "docker", ..From::default() };
    from_engine(&*host.engine().await?, &of, false, &from, rules).await
}

/// What a person says of variables by name, for every workload of a profile.
pub fn rules(of: &env::Rules) -> Rules {
    let paths = |names: &[String]| {
        let places = |name: &String| {
            ["services", "jobs", "stores"].map(|section| Path::of([section, "*", "env", name]))
        };
        names.iter().flat_map(places).collect()
    };
    Rules { secret: paths(&of.secret), open: paths(&of.open) }
}

/// What docker is run with of this program's own environment.
pub fn environment() -> BTreeMap<String, OsString> {
    KEPT.iter().filter_map(|name| Some(((*name).to_owned(), std::env::var_os(name)?))).collect()
}

/// `check` refuses what was captured, and nothing was left to leave out.
pub(super) fn unfit(problems: Problems) -> Failure {
    let first = problems.0.first();
    let said = first.map(|problem| format!("{}: {}", problem.path, problem.message)).unwrap_or_default();
    Failure::input("capture", format!("no profile can be made of it: {}", scrub(&said)))
}
