//! What the back end is asked about a profile.

use std::collections::BTreeMap;

use prodmirror::{
    backend::{Ask, HelperSource},
    name::Name,
    plan::{BackendKind, Capabilities, capabilities::Options},
    profile::{self, Image, Profile},
};

use super::{failure::Failure, host::Host, options::PlanArgs};

impl Host {
    /// A cluster of which nothing is known, for `plan` and `render`, which contact none: a Kind node is of this
    /// machine's architecture.
    pub fn cluster(
        &self,
        kind: BackendKind,
        profile: &Profile,
        args: &PlanArgs,
        allow_unpinned: bool,
    ) -> Result<Capabilities, Failure> {
        let ask = self.ask(profile, args, allow_unpinned)?;
        let mut capabilities = Capabilities::unknown(kind, ask.mirror, ask.owner);
        if kind == BackendKind::Kind {
            capabilities.host.arch = match std::env::consts::ARCH {
                "x86_64" => "amd64".to_owned(),
                "aarch64" => "arm64".to_owned(),
                other => other.to_owned(),
            };
        }
        capabilities.options = ask.options;
        Ok(capabilities)
    }

    /// What the back end is asked about a profile.
    pub fn ask(&self, profile: &Profile, args: &PlanArgs, allow_unpinned: bool) -> Result<Ask, Failure> {
        refuse_later(args)?;
        let mirror = match &args.name {
            Some(name) => {
                Name::new(name.as_str()).map_err(|error| Failure::usage("bad-name", error.to_string()))?
            }
            None => profile.name.clone(),
        };
        let images = overrides(&args.images, profile)?;
        let expose = args
            .expose
            .iter()
            .map(|name| {
                Name::new(name.as_str()).map_err(|error| Failure::usage("bad-name", error.to_string()))
            })
            .collect::<Result<_, _>>()?;
        let mut wanted = profile::images(profile);
        wanted.retain(|(service, _)| !images.contains_key(service.as_str()));
        let mut wanted: Vec<Image> = wanted.into_iter().map(|(_, image)| image).collect();
        wanted.extend(images.values().cloned());
        Ok(Ask {
            mirror,
            owner: self.owner.clone(),
            options: Options { allow_unpinned, images, expose },
            images: wanted,
            helper: match &args.helper_image {
                Some(reference) => HelperSource::Reference(reference.clone()),
                None => HelperSource::Files(self.helpers.clone()),
            },
            socket: !args.no_docker_socket,
            timezone: profile::names_timezone(profile),
            not_on: of_production(profile),
            build_tools: false,
        })
    }

    /// For `doctor`: a question about the host alone.
    pub fn ask_host(&self) -> Result<Ask, Failure> {
        Ok(Ask {
            mirror: Name::new("doctor").map_err(|error| Failure::usage("bad-name", error.to_string()))?,
            owner: self.owner.clone(),
            options: Options::default(),
            images: Vec::new(),
            helper: HelperSource::Files(self.helpers.clone()),
            socket: true,
            timezone: false,
            not_on: None,
            build_tools: true,
        })
    }
}

/// The cluster that a profile was captured from, unless it says that mirrors may be there.
fn of_production(profile: &Profile) -> Option<String> {
    let cluster = profile.captured.as_ref()?.cluster.clone();
    cluster.filter(|_| !profile.allow.contains(&profile::Allow::SameCluster))
}

/// Options whose features come in a later version.
fn refuse_later(args: &PlanArgs) -> Result<(), Failure> {
    if !args.scenario.is_empty() {
        return Err(Failure::later("`--scenario`"));
    }
    Ok(())
}

fn overrides(given: &[String], profile: &Profile) -> Result<BTreeMap<String, Image>, Failure> {
    given
        .iter()
        .map(|text| {
            let bad = || Failure::usage("bad-image", format!("`--image {text}` is not SERVICE=REF"));
            let (service, image) = text.split_once('=').ok_or_else(bad)?;
            let known = profile.services.contains_key(service)
                || profile.jobs.contains_key(service)
                || profile.stores.contains_key(service);
            if !known {
                return Err(Failure::usage(
                    "no-service",
                    format!("`--image {text}`: the profile has no service `{service}`"),
                ));
            }
            let image = image.parse().map_err(|error| Failure::usage("bad-image", format!("{error}")))?;
            Ok((service.to_owned(), image))
        })
        .collect()
}
