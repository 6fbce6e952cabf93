//! The options of a launch as values: times, secrets, what is kept of a failure.

use std::{path::PathBuf, time::Duration};

use prodmirror::{
    backend::LeaseKind,
    mirror::{self, UpRequest},
    name::Name,
    profile::{self, Profile},
};

use super::{
    failure::Failure,
    host::{Host, span},
    naming::{self, Read},
    options::{LaunchArgs, SecretArgs},
};

/// The launch options as values.
pub struct Settings {
    pub given: mirror::GivenSecrets,
    pub timeout: Duration,
    pub ttl: Option<Duration>,
    pub keep: Keep,
    pub archive: Option<PathBuf>,
    pub replace: bool,
}

/// How long a failed mirror is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    Never,
    For(Duration),
    Forever,
}

impl Settings {
    pub fn read(args: &LaunchArgs, profile: &Profile) -> Result<Self, Failure> {
        Ok(Self {
            given: given(&args.secrets, profile)?,
            timeout: span("timeout", &args.timeout)?,
            ttl: args.ttl.as_deref().map(|text| span("ttl", text)).transpose()?,
            keep: match args.keep.as_str() {
                "never" => Keep::Never,
                "forever" => Keep::Forever,
                text => Keep::For(span("keep", text)?),
            },
            archive: args.image_archive.clone(),
            replace: args.replace,
        })
    }

    pub fn fill(&self, profile: &mut Profile) {
        fill(&self.given, profile);
    }

    pub fn request<'a>(
        &self,
        loaded: &'a profile::Loaded,
        read: &'a Read,
        host: &Host,
        ask: prodmirror::backend::Ask,
        lease: LeaseKind,
        must_be_new: bool,
    ) -> Result<UpRequest<'a>, Failure> {
        let file = read.files.first().ok_or_else(|| Failure::usage("no-profile", "no profile was named"))?;
        Ok(UpRequest {
            profile: &loaded.profile,
            origins: &loaded.origins,
            file,
            folder: naming::folder(file),
            state: host.state_dir.clone(),
            ask,
            given: self.given.clone(),
            archive: self.archive.clone(),
            timeout: self.timeout,
            ttl: self.ttl,
            replace: self.replace,
            lease,
            must_be_new,
        })
    }
}

/// A secret that was not read in production and is given here is no hole.
pub fn fill(given: &mirror::GivenSecrets, profile: &mut Profile) {
    given.0.keys().for_each(|name| profile.fill_secret(name));
}

/// Values of secrets from options; a name that the profile does not declare is an error.
pub fn given(args: &SecretArgs, profile: &Profile) -> Result<mirror::GivenSecrets, Failure> {
    let mut given = mirror::GivenSecrets::default();
    let mut add = |name: &str, value: String| {
        let known = Name::new(name).ok().filter(|name| profile.secrets.contains_key(name));
        let Some(name) = known else {
            let names: Vec<String> = profile.secrets.keys().map(Name::to_string).collect();
            return Err(Failure::usage("no-secret", format!("the profile declares no secret `{name}`"))
                .hint(format!("it declares {}", names.join(", "))));
        };
        given.0.insert(name, value);
        Ok(())
    };
    if let Some(file) = &args.secrets_file {
        let text = std::fs::read_to_string(file)
            .map_err(|error| Failure::input("unreadable", format!("{}: {error}", file.display())))?;
        for (number, line) in
            text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty() && !line.starts_with('#'))
        {
            let (name, value) = line.split_once('=').ok_or_else(|| {
                Failure::input(
                    "bad-secrets-file",
                    format!("{}:{}: expected NAME=VALUE", file.display(), number + 1),
                )
            })?;
            add(name.trim(), value.to_owned())?;
        }
    }
    for secret in &args.secrets {
        // The value itself may stand here by mistake, so an error repeats the name only.
        let (name, source) = secret.split_once('=').ok_or_else(|| {
            Failure::usage("bad-secret", "--secret takes NAME=@FILE, NAME=env:VAR or NAME=-")
        })?;
        add(name, secret_value(name, source)?)?;
    }
    Ok(given)
}

fn secret_value(name: &str, source: &str) -> Result<String, Failure> {
    let trimmed = |text: String| text.strip_suffix('\n').map(str::to_owned).unwrap_or(text);
    if let Some(file) = source.strip_prefix('@') {
        let text = std::fs::read_to_string(file)
            .map_err(|error| Failure::input("unreadable", format!("--secret {name}=@{file}: {error}")))?;
        return Ok(trimmed(text));
    }
    if let Some(variable) = source.strip_prefix("env:") {
        return std::env::var(variable).map_err(|_| {
            Failure::usage("bad-secret", format!("--secret {name}: the variable {variable} is not set"))
        });
    }
    if source == "-" {
        let mut text = String::new();
        std::io::Read::read_to_string(&mut std::io::stdin().lock(), &mut text)
            .map_err(|error| Failure::input("unreadable", format!("--secret {name}=-: {error}")))?;
        return Ok(trimmed(text));
    }
    Err(Failure::usage(
        "bad-secret",
        format!("--secret {name}=… takes @FILE, env:VAR or -; a value itself would show in the process list"),
    ))
}
