//! What a run takes from its surroundings, read once: the environment ends here.

use std::{path::PathBuf, sync::Arc, time::Duration};

use prodmirror::{
    backend::{
        Ask, Backend, BackendError, EngineSource, HelperSource,
        compose::{self, Compose, Connection, Settings},
    },
    name::Name,
    plan::{BackendKind, Capabilities, capabilities::Options},
    profile::{self, Image, Profile},
    render,
};

use super::{
    failure::Failure,
    options::{BackendOption, PlanArgs},
};

/// The caller, this machine's folders, and how to reach the engine.
pub struct Host {
    /// user@host, or PRODMIRROR_OWNER.
    pub owner: String,
    pub ci: bool,
    /// Nothing in it is needed later.
    pub state_dir: PathBuf,
    /// Where what a failure leaves goes.
    pub artifacts: PathBuf,
    /// The key under which secrets are hashed.
    pub hash_key: PathBuf,
    /// The files of KUBECONFIG, else kubectl's own.
    pub kubeconfig: Vec<PathBuf>,
    connection: Connection,
    helpers: Vec<PathBuf>,
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

impl Host {
    pub fn read() -> Result<Self, Failure> {
        let home = variable("HOME").map_or_else(|| PathBuf::from("/"), PathBuf::from);
        let state_dir = variable("PRODMIRROR_STATE")
            .map(PathBuf::from)
            .or_else(|| variable("XDG_STATE_HOME").map(|state| PathBuf::from(state).join("prodmirror")))
            .unwrap_or_else(|| home.join(".local/state/prodmirror"));
        let artifacts =
            variable("PRODMIRROR_ARTIFACTS").map_or_else(|| state_dir.join("failures"), PathBuf::from);
        let hash_key =
            variable("PRODMIRROR_HASH_KEY_FILE").map_or_else(|| state_dir.join("hash-key"), PathBuf::from);
        let kubeconfig = variable("KUBECONFIG").map_or_else(
            || vec![home.join(".kube/config")],
            |files| std::env::split_paths(&files).filter(|file| !file.as_os_str().is_empty()).collect(),
        );
        let connection = Connection {
            host: variable("DOCKER_HOST"),
            config_dir: variable("DOCKER_CONFIG").map(PathBuf::from).or_else(|| Some(home.join(".docker"))),
            context: variable("DOCKER_CONTEXT"),
        };
        Ok(Self {
            owner: variable("PRODMIRROR_OWNER").unwrap_or_else(owner),
            ci: variable("CI").is_some_and(|ci| ci == "true" || ci == "1"),
            state_dir,
            artifacts,
            hash_key,
            kubeconfig,
            connection,
            helpers: helpers(),
        })
    }

    /// The place where mirrors run: here alone a back end is chosen.
    pub async fn connect(&self) -> Result<Box<dyn Backend>, Failure> {
        self.connect_with(render::Templates::embedded()).await
    }

    /// With the user's templates in place of ours.
    pub async fn connect_with(&self, templates: render::Templates) -> Result<Box<dyn Backend>, Failure> {
        Ok(Box::new(self.compose(templates).await?))
    }

    /// The Docker engine as a source, whatever back end mirrors run on.
    pub async fn engine(&self) -> Result<Box<dyn EngineSource>, Failure> {
        Ok(Box::new(self.compose(render::Templates::embedded()).await?))
    }

    async fn compose(&self, templates: render::Templates) -> Result<Compose, Failure> {
        let environment = [
            "PATH",
            "HOME",
            "DOCKER_CONFIG",
            "DOCKER_HOST",
            "DOCKER_CONTEXT",
            "SSH_AUTH_SOCK",
            "XDG_RUNTIME_DIR",
        ]
        .into_iter()
        .filter_map(|name| Some((name.to_owned(), variable(name)?)))
        .collect();
        let settings = Settings {
            state_dir: self.state_dir.clone(),
            self_exe: std::env::current_exe().ok(),
            docker: PathBuf::from("docker"),
            environment,
            templates: Arc::new(templates),
        };
        Ok(Compose::connect(&self.connection, settings).await?)
    }

    /// What the back end is asked about a profile.
    pub fn ask(&self, profile: &Profile, args: &PlanArgs, allow_unpinned: bool) -> Result<Ask, Failure> {
        if args.backend != BackendOption::Compose {
            let name = if args.backend == BackendOption::Kind { "kind" } else { "kubernetes" };
            return Err(Failure::later(&format!("`--backend {name}` of this command")));
        }
        self.asked(profile, args, allow_unpinned)
    }

    /// A cluster of which nothing is known, for `plan` and `render`, which contact none: a Kind node is of this
    /// machine's architecture.
    pub fn cluster(
        &self,
        kind: BackendKind,
        profile: &Profile,
        args: &PlanArgs,
        allow_unpinned: bool,
    ) -> Result<Capabilities, Failure> {
        let ask = self.asked(profile, args, allow_unpinned)?;
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

    fn asked(&self, profile: &Profile, args: &PlanArgs, allow_unpinned: bool) -> Result<Ask, Failure> {
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
            build_tools: true,
        })
    }

    /// The helper image as `docker load` takes it, for `render`.
    pub fn helper_tar(&self, arch: &str) -> Result<Vec<u8>, Failure> {
        let missing = || BackendError::NoHelper { arch: arch.to_owned() };
        let tar = self.helpers.iter().find_map(|file| compose::helper_tar(file, arch).ok());
        let mut bytes = Vec::new();
        let written = tar.ok_or_else(missing)?.write_to(&mut bytes);
        written.map_err(|error| Failure::tool("io", format!("helper.tar: {error}")))?;
        Ok(bytes)
    }
}

/// Options whose features come in a later version.
fn refuse_later(args: &PlanArgs) -> Result<(), Failure> {
    if args.context.is_some() {
        return Err(Failure::later("`--context`"));
    }
    if !args.scenario.is_empty() {
        return Err(Failure::later("`--scenario`"));
    }
    Ok(())
}

fn overrides(
    given: &[String],
    profile: &Profile,
) -> Result<std::collections::BTreeMap<String, Image>, Failure> {
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

/// PRODMIRROR_HELPER, a static build beside this program, this program itself.
fn helpers() -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = variable("PRODMIRROR_HELPER").map(PathBuf::from).into_iter().collect();
    if let Ok(own) = std::env::current_exe() {
        if let Some(folder) = own.parent() {
            for arch in ["amd64", "arm64"] {
                let beside = folder.join(format!("prodmirror-helper-linux-{arch}"));
                if beside.exists() {
                    files.push(beside);
                }
            }
        }
        files.push(own);
    }
    files
}

fn owner() -> String {
    let user = variable("USER").or_else(|| variable("LOGNAME")).unwrap_or_else(|| {
        // As cron and containers leave it: the same person, the same owner.
        let id = rustix::process::getuid().as_raw();
        let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
        user_name(&users, id).unwrap_or_else(|| format!("uid{id}"))
    });
    let host = rustix::system::uname();
    format!("{user}@{}", host.nodename().to_string_lossy())
}

/// The name of a user in the text of `/etc/passwd`.
fn user_name(users: &str, id: u32) -> Option<String> {
    let id = id.to_string();
    users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next().filter(|name| !name.is_empty())?;
        (fields.nth(1) == Some(&id)).then(|| name.to_owned())
    })
}

/// A span of time from an option.
pub fn span(option: &str, text: &str) -> Result<Duration, Failure> {
    let span: profile::Duration =
        text.parse().map_err(|error| Failure::usage("bad-time", format!("--{option}: {error}")))?;
    Ok(span.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_known_by_the_third_field() {
        let users =
            "root:x:0:0:root:/root:/bin/bash\nbin:x:2:1000::/:\n\nanna:x:1000:0:Anna:/home/anna:/bin/sh\n";
        assert_eq!(user_name(users, 1000).as_deref(), Some("anna"));
        assert_eq!(user_name(users, 0).as_deref(), Some("root"));
        assert_eq!(user_name(users, 1), None);
    }
}
