//! SOURCE: what a name on the command line leads to, read.

pub mod captured;
pub mod cluster;
pub mod reach;
mod variables;

use std::{borrow::Cow, path::Path};

use prodmirror::{
    backend::Backend,
    capture::{
        aligned::{Aligned, Hashes, Teller, absent, aligned, by_hash},
        draft::is_unedited,
        redact::{Rules, Values},
        saved::Saved,
    },
    diff::{self, Difference, Incomparable, Untold},
    mirror::{self, LiveTree},
    name::Name,
    profile::{self, Layers, Loaded, Origins, Source, load},
    sources::{self, Content, EXAMPLES, Place, SourceName},
};

pub use variables::Reader;

use super::{
    again::{Again, again},
    failure::Failure,
    host::Host,
    naming::{self, bad_profile, read_beside},
    ui::Ui,
};
use captured::Captured;
use reach::Reach;

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
    /// What it was captured from; a profile that somebody wrote and a mirror were not.
    pub teller: Option<Teller>,
    /// Where it could not be read, as patterns, and why.
    pub unread: Vec<(prodmirror::path::Path, String)>,
    /// What is known of its secrets.
    pub hashes: Hashes,
    /// Whether it has values of secrets that a switch would have read.
    pub hides_secrets: bool,
    /// The workload that alone was read.
    pub only: Option<String>,
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

    /// The capture that the file holds.
    fn saved(&self) -> Result<Saved, Failure> {
        Saved::parse(self.text()?).map_err(|why| {
            Failure::input("bad-capture", format!("{}: this is no answer of `capture`: {why}", self.name))
        })
    }

    fn lossy(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.bytes)
    }

    fn text(&self) -> Result<&str, Failure> {
        std::str::from_utf8(&self.bytes).map_err(|error| {
            let line = self.bytes[..error.valid_up_to()].iter().filter(|byte| **byte == b'\n').count() + 1;
            Failure::input("bad-variables", format!("{}:{line}: this is not UTF-8", self.name))
        })
    }
}

/// Reads a source whole: a profile, what really runs in a mirror, or what a capture makes of anything else.
pub async fn tree(host: &Host, source: &SourceName, reach: &Reach, ui: &Ui) -> Result<Tree, Failure> {
    let rules = Rules::default();
    match &source.place {
        Place::File(file) if holds_files(file)? => Tree::of(captured::from_folder(file, &rules)?, host),
        place @ (Place::File(_) | Place::Stdin | Place::Profile(_)) => {
            let read = file(place)?;
            match read.content {
                Content::Profile => {
                    let is_captured = !matches!(place, Place::Profile(_)) && is_unedited(&read.lossy());
                    let Loaded { profile, origins, .. } = read.profile(ui)?;
                    let teller = profile.captured.as_ref().filter(|_| is_captured).and_then(Teller::of);
                    Ok(Tree { origins, teller, ..Tree::told(profile::tree(&profile)) })
                }
                Content::Capture => {
                    let Saved { profile, values } = read.saved()?;
                    let captured =
                        profile::from_tree(&profile).map_err(|problems| bad_profile(&problems.0))?;
                    let teller = captured.captured.as_ref().and_then(Teller::of);
                    Ok(Tree { hashes: hashes(&values, host)?, teller, ..Tree::told(profile) })
                }
                Content::Variables => Err(Failure::usage(
                    "not-a-profile",
                    format!("{} holds variables alone; `prodmirror env-diff` compares those", read.name),
                )),
                Content::Compose | Content::Kubernetes | Content::Inspect => {
                    Tree::of(captured::from_file(place, &read, &rules).await?, host)
                }
            }
        }
        Place::Mirror(name) => {
            let backend = naming::where_is(host, name).await?;
            let LiveTree { tree, departures, .. } = live(host, &*backend, name, ui).await?;
            Ok(Tree { departures, ..Tree::told(tree) })
        }
        place @ (Place::Docker(_) | Place::Compose(_)) => {
            if let Place::Compose(project) = place
                && let Some(name) = of_mirror(host, project).await?
            {
                let place = Place::Mirror(name);
                return Box::pin(tree(host, &SourceName { place, service: None }, reach, ui)).await;
            }
            Tree::of(captured::from_place(host, place, &rules).await?, host)
        }
        place @ Place::Kubernetes { context, namespace, object } => {
            let is_one = object.is_some();
            if !is_one
                && !reach.is_said()
                && let Some((backend, name)) = of_namespace(host, context, namespace).await
            {
                let LiveTree { tree, departures, .. } = live(host, &*backend, &name, ui).await?;
                return Ok(Tree { departures, ..Tree::told(tree) });
            }
            let cluster::Read { captured, unread, processes: _ } =
                cluster::from_place(host, place, &rules, reach).await?;
            let only = captured.only().filter(|_| is_one);
            let hides_secrets = reach.hash_key.is_none();
            Ok(Tree { unread, only, hides_secrets, ..Tree::of(captured, host)? })
        }
        Place::Store(_) => {
            Err(Failure::usage("bad-source", format!("{} is a store, which is no profile", source.place)))
        }
    }
}

/// Whether it is a folder, or a bundle of saved files.
fn holds_files(file: &str) -> Result<bool, Failure> {
    let unreadable = |error: std::io::Error| Failure::input("unreadable", format!("{file}: {error}"));
    if Path::new(file).is_dir() {
        return Ok(true);
    }
    let mut head = Vec::new();
    let opened = std::fs::File::open(file).map_err(unreadable)?;
    std::io::Read::read_to_end(&mut std::io::Read::take(opened, 512), &mut head).map_err(unreadable)?;
    Ok(prodmirror::readers::is_bundle(&head))
}

/// What really runs in a mirror.
pub async fn live(host: &Host, backend: &dyn Backend, name: &Name, ui: &Ui) -> Result<LiveTree, Failure> {
    let Again { drawn, tree, secrets, .. } = again(host, backend, name, &[], ui).await?;
    Ok(mirror::live_tree(backend, &drawn, &tree, &secrets).await?)
}

/// The mirror that a Compose project is, if it is one.
pub async fn of_mirror(host: &Host, project: &str) -> Result<Option<Name>, Failure> {
    let Some(name) = project.strip_prefix("pm-").and_then(|name| Name::new(name).ok()) else {
        return Ok(None);
    };
    let backend = host.connect().await?;
    Ok(mirror::exists(&*backend, &name).await?.then_some(name))
}

/// The mirror that a namespace is and the place where it runs, if it is one.
///
/// A cluster that does not answer, or keeps its mirrors from the caller, is for whoever reads objects to tell of.
pub async fn of_namespace(host: &Host, context: &str, namespace: &str) -> Option<(Box<dyn Backend>, Name)> {
    let name = namespace.strip_prefix("pm-").and_then(|name| Name::new(name).ok())?;
    let backend = host.at(context).await.ok()?;
    mirror::exists(&*backend, &name).await.ok()?.then_some((backend, name))
}

/// What is known of the secrets of a capture; the key is made at first use, so not without need.
fn hashes(values: &Values, host: &Host) -> Result<Hashes, Failure> {
    if values.is_empty() {
        return Ok(Hashes::default());
    }
    Ok(Hashes::of(values, &mirror::hash_key(&host.hash_key)?))
}

/// What two sources differ in: a captured one in the words of the other, what it cannot tell apart.
///
/// # Errors
/// A captured profile that is none, which would be an error of this program.
pub fn compare(a: &mut Tree, b: &mut Tree) -> Result<Difference, Failure> {
    let mut untold = b.align(&a.tree)?;
    untold.extend(a.align(&b.tree)?);
    let mut incomparable = Vec::new();
    if a.teller.is_some() && b.teller.is_some() {
        // Said of each secret by itself.
        untold.retain(|one| one.path.key_at(0) != Some("secrets"));
        let unread = by_hash((&mut a.tree, &a.hashes), (&mut b.tree, &b.hashes));
        if a.hides_secrets || b.hides_secrets {
            let doubt = |(path, why)| Incomparable { path, why: format!("{why}; with --hash-secrets it is") };
            incomparable.extend(unread.into_iter().map(doubt));
        } else {
            untold.extend(unread.into_iter().map(|(path, why)| Untold { path, why }));
        }
    }
    let mut difference = diff::compare(&a.tree, &b.tree);
    difference.incomparable.extend(incomparable);
    difference.set_aside(&a.departures);
    difference.set_aside(&b.departures);
    difference.untold = untold;
    Ok(difference)
}

impl Tree {
    /// A profile that nobody has to capture.
    fn told(tree: serde_json::Value) -> Self {
        Self {
            tree,
            departures: Vec::new(),
            origins: Origins::default(),
            teller: None,
            unread: Vec::new(),
            hashes: Hashes::default(),
            hides_secrets: false,
            only: None,
        }
    }

    fn of(Captured { draft, teller }: Captured, host: &Host) -> Result<Self, Failure> {
        let hashes = hashes(&draft.values, host)?;
        Ok(Self { teller: Some(teller), hashes, ..Self::told(draft.profile) })
    }

    /// A profile and a mirror have their own words already.
    fn align(&mut self, other: &serde_json::Value) -> Result<Vec<Untold>, Failure> {
        let Some(teller) = self.teller else { return Ok(Vec::new()) };
        let Aligned { tree, unread, untold, hashes } =
            aligned(&self.tree, teller, &self.hashes, other).map_err(|problems| bad_profile(&problems.0))?;
        for (pattern, why) in &self.unread {
            self.departures.extend(absent(&tree, other, pattern).into_iter().map(|at| (at, why.clone())));
        }
        self.tree = tree;
        self.hashes = hashes;
        self.departures.extend(unread);
        Ok(untold)
    }
}
