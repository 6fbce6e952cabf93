use clap::Args;
use prodmirror::env::{self, Known};

use super::env_dump::ReadingArgs;
use crate::cli::{
    failure::{Failure, exit},
    host::Host,
    naming,
    options::ProfileArgs,
    source::{self, Reader},
    ui::Ui,
};

/// What differs between the variables of two sources; A is "from", B is "to"
///
/// The likeliest causes of another behaviour come first, each with its reason, and then what to do about them.
/// What only tells where a process runs (host names, addresses, service links, PATH, the shell's own, times)
/// is noise: hidden unless --noise, and never part of the exit code. Secrets are compared by keyed hash.
/// One whose value was not read is neither equal nor different; of a live cluster --hash-secrets reads them.
/// Exit 0 when nothing differs, 1 when something does, 6 when only what cannot be compared is left.
///
/// Examples:
///   prodmirror env-diff local.env prod.env
///   prodmirror env-diff profiles/shop-dev.yaml profiles/shop.yaml
///   prodmirror env-diff local.env mirror:shop#api
///   prodmirror env-dump --from docker:web-1 --format json | prodmirror env-diff local.env -
#[derive(Debug, Args)]
pub struct EnvDiff {
    /// A file of variables, a profile, what `capture --format json` printed, a Compose file, Kubernetes manifests or a
    /// folder/ of them, `-`, mirror:NAME,
    /// docker:CONTAINER, compose:PROJECT, kubernetes:CONTEXT/NAMESPACE[/KIND/NAME]; `#SERVICE` picks one service
    #[arg(value_name = "A")]
    a: String,
    #[arg(value_name = "B")]
    b: String,
    /// Also differences that mean nothing
    #[arg(long, env = "PRODMIRROR_NOISE", hide_env = true)]
    noise: bool,
    /// The profile that knows the flags; default: prodmirror.yaml here or in a parent folder, if there is one
    #[arg(short = 'f', long = "file", value_name = "FILE", env = "PRODMIRROR_FILE", hide_env = true)]
    files: Vec<std::path::PathBuf>,
    #[command(flatten)]
    reading: ReadingArgs,
}

impl EnvDiff {
    pub async fn run(&self, ui: &Ui) -> Result<u8, Failure> {
        let host = Host::read()?;
        let (a, b) = (source::named(&self.a)?, source::named(&self.b)?);
        if a.place == b.place && a.place == prodmirror::sources::Place::Stdin {
            return Err(Failure::usage("bad-source", "only one of the two can be standard input"));
        }
        let reach = self.reading.reach.open(&host)?;
        let reader = Reader {
            host: &host,
            ui,
            dialect: self.reading.dialect.into(),
            image: self.reading.image_env,
            live: self.reading.live,
            rules: self.reading.rules(),
            reach: &reach,
        };
        let (from, to) = (reader.environments(&a).await?, reader.environments(&b).await?);
        let key = reader.key()?;
        let difference = env::compare(&from, &to, &self.known(ui)?, Some(&key)).map_err(|error| {
            let env::CompareError::Several { origin, services, .. } = &error;
            let first = services.first().cloned().unwrap_or_default();
            Failure::usage("which-service", error.to_string())
                .hint(format!("pick one, for example {origin}#{first}"))
        })?;
        if ui.is_json() {
            ui.document("EnvDiff", &difference);
        } else {
            ui.data(&ui.painted(&env::text(&difference, self.noise)));
        }
        let differs = difference.meaningful().next().is_some();
        Ok(match (differs, difference.incomparable.is_empty()) {
            (true, _) => exit::NO,
            (false, true) => 0,
            (false, false) => exit::INCONCLUSIVE,
        })
    }

    /// What the profile at hand tells of flags; one that is not named and does not load tells nothing.
    fn known(&self, ui: &Ui) -> Result<Known, Failure> {
        let files = match (self.files.as_slice(), naming::default_profile()) {
            ([], None) => return Ok(Known::default()),
            ([], Some(file)) => vec![file],
            (files, _) => files.to_vec(),
        };
        let args = ProfileArgs { files, allow_unpinned: true, ..ProfileArgs::default() };
        if self.files.is_empty() {
            let Ok(read) = args.read() else { return Ok(Known::default()) };
            let loaded = prodmirror::profile::load(&args.layers(&read));
            return Ok(loaded.map(|loaded| Known::of(&loaded.profile)).unwrap_or_default());
        }
        Ok(Known::of(&args.load(&ui.quieter())?.0.profile))
    }
}
