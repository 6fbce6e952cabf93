//! Which profile and which mirror a command means.

use std::path::{Path, PathBuf};

use prodmirror::{
    backend::{Backend, Listed, Scope},
    labels,
    name::Name,
    observed::Observed,
    profile::{Layers, Loaded, Problem, Source, load},
    render::Templates,
};

use super::{
    failure::{Failure, exit},
    host::Host,
    options::{PlaceArgs, ProfileArgs},
    places::Clusters,
    ui::Ui,
};

/// The profile's usual name, looked for here and in parents.
pub const DEFAULT: &str = "prodmirror.yaml";

/// The files of a profile as read, the profile first.
pub struct Read {
    pub files: Vec<PathBuf>,
    pub sources: Vec<Source>,
}

impl ProfileArgs {
    /// The profile's file: the argument, else the first `-f`, else the default.
    pub fn read(&self) -> Result<Read, Failure> {
        let mut files: Vec<PathBuf> =
            self.profile.iter().cloned().chain(self.files.iter().cloned()).collect();
        if files.is_empty() {
            files.push(default_profile().ok_or_else(no_profile)?);
        }
        let sources = files.iter().map(|file| source(file)).collect::<Result<_, _>>()?;
        Ok(Read { files, sources })
    }

    /// Reads and checks; warnings are said, errors end the command with exit 3.
    pub fn load(&self, ui: &Ui) -> Result<(Loaded, Read), Failure> {
        let read = self.read()?;
        let layers = self.layers(&read);
        match load(&layers) {
            Ok(loaded) => {
                if !loaded.problems.is_empty() {
                    ui.say(prodmirror::profile::render(
                        &loaded.problems,
                        &layers.sources(),
                        ui.color_on_stderr(),
                    ));
                }
                Ok((loaded, read))
            }
            Err(problems) => {
                ui.error_line(&prodmirror::profile::render(
                    &problems.0,
                    &layers.sources(),
                    ui.color_on_stderr(),
                ));
                Err(bad_profile(&problems.0))
            }
        }
    }

    pub fn layers<'a>(&'a self, read: &'a Read) -> Layers<'a> {
        Layers {
            documents: &read.sources,
            set: &self.set,
            unset: &self.unset,
            allow_unpinned: self.allow_unpinned,
            read_file: &read_beside,
        }
    }
}

/// Reads a file that a document names, relative to the document's folder.
pub fn read_beside(document: &str, path: &str) -> Result<Vec<u8>, String> {
    let folder = Path::new(document).parent().unwrap_or_else(|| Path::new("."));
    std::fs::read(folder.join(path)).map_err(|error| error.to_string())
}

/// One `Error` for a profile with problems: the first of them leads.
pub fn bad_profile(problems: &[Problem]) -> Failure {
    let errors: Vec<&Problem> = problems.iter().filter(|problem| problem.is_error()).collect();
    let message = match errors.as_slice() {
        [] => "the profile has problems".to_owned(),
        [one] => one.message.clone(),
        [first, rest @ ..] => format!("{} (and {} more problems)", first.message, rest.len()),
    };
    let mut failure = Failure::new("bad-profile", exit::INPUT, message);
    failure.path = errors.first().map(|problem| problem.path.to_string()).filter(|path| !path.is_empty());
    failure.hint = errors.first().and_then(|problem| problem.hint.clone());
    failure
}

fn source(file: &Path) -> Result<Source, Failure> {
    if file.as_os_str() == "-" {
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(&mut std::io::stdin().lock(), &mut bytes)
            .map_err(|error| Failure::input("unreadable", format!("standard input: {error}")))?;
        return Ok(Source::new("<stdin>", bytes));
    }
    let bytes = std::fs::read(file).map_err(|error| {
        Failure::input("unreadable", format!("{}: {error}", file.display()))
            .hint("`prodmirror init` writes a first profile")
    })?;
    Ok(Source::new(file.display().to_string(), bytes))
}

pub fn default_profile() -> Option<PathBuf> {
    let here = std::env::current_dir().ok()?;
    if here.join(DEFAULT).is_file() {
        return Some(PathBuf::from(DEFAULT));
    }
    here.ancestors().map(|folder| folder.join(DEFAULT)).find(|file| file.is_file())
}

fn no_profile() -> Failure {
    Failure::usage("no-profile", format!("there is no {DEFAULT} here or in a parent folder"))
        .hint("name a profile with -f FILE, or write one with `prodmirror init`")
}

/// The folder of the profile, from which seeds are read.
pub fn folder(file: &Path) -> PathBuf {
    let folder =
        file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    std::fs::canonicalize(folder).unwrap_or_else(|_| folder.to_path_buf())
}

/// The mirror that a NAME means (itself, `.`, a profile's path, or nothing at all), and the place where it is.
///
/// A mirror that is nowhere is answered as one of this engine: whoever asks it is told so.
pub async fn find(
    host: &Host,
    place: &PlaceArgs,
    given: Option<&str>,
) -> Result<(Box<dyn Backend>, Name), Failure> {
    if let Some(context) = &place.context {
        let cluster = host.on(context, Templates::embedded()).await?;
        let name = match named(given)? {
            Some(name) => name,
            None => only(&cluster.list(&Scope::default()).await?)?,
        };
        return Ok((cluster, name));
    }
    let engine = host.connect().await?;
    let Some(name) = named(given)? else {
        let mut found = Vec::new();
        for place in std::iter::once(engine).chain(host.clusters().await?.answering) {
            let listed = place.list(&Scope::default()).await?;
            found.push((place, listed));
        }
        let all: Vec<Listed> = found.iter().flat_map(|(_, listed)| listed.clone()).collect();
        let name = only(&all)?;
        let place = found.into_iter().find(|(_, listed)| !listed.is_empty()).map(|(place, _)| place);
        return match place {
            Some(place) => Ok((place, name)),
            None => Err(no_mirror()),
        };
    };
    Ok((place_of(host, engine, &name).await?, name))
}

/// The place of a mirror by its name: this engine, or one of its Kind clusters.
///
/// A mirror that is nowhere is answered as one of this engine: whoever asks it is told so.
pub async fn where_is(host: &Host, name: &Name) -> Result<Box<dyn Backend>, Failure> {
    place_of(host, host.connect().await?, name).await
}

async fn place_of(host: &Host, engine: Box<dyn Backend>, name: &Name) -> Result<Box<dyn Backend>, Failure> {
    let scope = Scope::of(name);
    if !engine.list(&scope).await?.is_empty() {
        return Ok(engine);
    }
    let Clusters { answering, silent } = host.clusters().await?;
    let mut failed = None;
    for cluster in answering {
        // One that goes at this moment may be anybody's, and another may have the mirror.
        match cluster.list(&scope).await {
            Ok(found) if found.is_empty() => {}
            Ok(_) => return Ok(cluster),
            Err(error) => failed = Some(error),
        }
    }
    silent.refuse()?;
    failed.map_or(Ok(engine), |error| Err(error.into()))
}

/// A name that is said, or that this folder or the environment says.
fn named(given: Option<&str>) -> Result<Option<Name>, Failure> {
    match given {
        Some(text) if text != "." => {
            if text.contains('/') || text.contains('.') || Path::new(text).is_file() {
                return of_profile(Path::new(text)).map(Some);
            }
            let name = Name::new(text).map_err(|error| Failure::usage("bad-name", error.to_string()))?;
            Ok(Some(name))
        }
        _ => {
            if let Some(name) = std::env::var("PRODMIRROR_MIRROR").ok().filter(|name| !name.is_empty()) {
                let bad = |error| Failure::usage("bad-name", format!("PRODMIRROR_MIRROR: {error}"));
                return Name::new(name).map(Some).map_err(bad);
            }
            default_profile().map(|file| of_profile(&file)).transpose()
        }
    }
}

fn of_profile(file: &Path) -> Result<Name, Failure> {
    let args =
        ProfileArgs { profile: Some(file.to_path_buf()), allow_unpinned: true, ..ProfileArgs::default() };
    let read = args.read()?;
    let loaded = load(&args.layers(&read)).map_err(|problems| bad_profile(&problems.0))?;
    Ok(loaded.profile.name)
}

fn only(found: &[Listed]) -> Result<Name, Failure> {
    match found {
        [only] => labelled(&only.mirror),
        [] => Err(no_mirror()),
        several => {
            let names: Vec<&str> = several.iter().map(|found| found.mirror.as_str()).collect();
            Err(Failure::usage("which-mirror", format!("which mirror? There are {}", names.join(", "))))
        }
    }
}

fn no_mirror() -> Failure {
    Failure::usage("no-mirror", "there is no mirror").hint("`prodmirror up -f PROFILE` makes one")
}

/// A name as a label of the engine has it.
pub fn labelled(text: &str) -> Result<Name, Failure> {
    Name::new(text).map_err(|error| Failure::tool("bad-label", format!("a label on the engine: {error}")))
}

/// SERVICE or SERVICE/ORDINAL.
pub fn replica(text: &str) -> Result<(Name, Option<u32>), Failure> {
    let (service, ordinal) = match text.split_once('/') {
        Some((service, ordinal)) => {
            let number = ordinal.parse().map_err(|_| {
                Failure::usage(
                    "bad-replica",
                    format!("`{text}` is no replica: write SERVICE or SERVICE/ORDINAL, from 0"),
                )
            })?;
            (service, Some(number))
        }
        None => (text, None),
    };
    let service = Name::new(service).map_err(|error| Failure::usage("bad-name", error.to_string()))?;
    Ok((service, ordinal))
}

/// Refuses a mirror that is not there.
pub async fn must_be_there(backend: &dyn Backend, mirror: &Name) -> Result<Observed, Failure> {
    let observed = backend.observe(&Scope::of(mirror), false).await?;
    if observed.containers.is_empty() {
        return Err(prodmirror::mirror::StoryError::NoMirror { mirror: mirror.clone() }.into());
    }
    Ok(observed)
}

/// Refuses a mirror, service or replica that is not there, naming those that are.
pub async fn must_exist(
    backend: &dyn Backend,
    mirror: &Name,
    service: &Name,
    ordinal: Option<u32>,
) -> Result<(), Failure> {
    let observed = must_be_there(backend, mirror).await?;
    let there: std::collections::BTreeSet<(String, String)> = observed
        .containers
        .iter()
        .filter_map(|c| {
            Some((c.labels.get(labels::SERVICE)?.clone(), c.labels.get(labels::ORDINAL)?.clone()))
        })
        .collect();
    let found = there.iter().any(|(name, number)| {
        name == service.as_str() && ordinal.is_none_or(|ordinal| ordinal.to_string() == *number)
    });
    if found {
        return Ok(());
    }
    let known: Vec<String> = there.iter().map(|(name, number)| format!("{name}/{number}")).collect();
    let what = ordinal.map_or_else(|| service.to_string(), |ordinal| format!("{service}/{ordinal}"));
    Err(Failure::usage("no-target", format!("mirror `{mirror}` has no `{what}`"))
        .hint(format!("it has {}", known.join(", "))))
}
