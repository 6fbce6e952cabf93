use clap::{Args, ValueEnum};
use prodmirror::{
    env::{self, Environment, Format, Value},
    sources::{EXAMPLES, SourceName},
};

use crate::cli::{
    failure::Failure,
    host::Host,
    naming,
    options::{self, ProfileArgs},
    source::{self, Reader, reach::ReachArgs},
    ui::Ui,
};

/// Print the variables that a service's process gets
///
/// Values of secrets never appear, which are told as `capture` tells them: a secret is a line `#secret NAME=KEYID:HASH`, by which env-diff compares it.
/// Formats: dotenv (for Compose's .env and env_file), json, compose (environment:), shell, docker (--env-file).
///
/// Examples:
///   prodmirror env-dump --from mirror:shop --service api
///   prodmirror env-dump --from docker:web-1 --format json
///   prodmirror env-dump --from prod.env --dialect docker --format shell
///   eval "$(prodmirror env-dump --from profiles/shop.yaml#api --format shell)"
#[derive(Debug, Args)]
pub struct EnvDump {
    /// Where to read: a file of variables, a profile, a Compose file, Kubernetes manifests or a folder/ of them, `-`,
    /// mirror:NAME, docker:CONTAINER, compose:PROJECT, kubernetes:CONTEXT/NAMESPACE[/KIND/NAME]; `#SERVICE` picks one
    #[arg(long, value_name = "SOURCE", env = "PRODMIRROR_SOURCE", hide_env = true)]
    from: Option<String>,
    /// The service, where the source has several
    #[arg(long, value_name = "SERVICE", env = "PRODMIRROR_SERVICE", hide_env = true)]
    service: Option<String>,
    #[command(flatten)]
    reading: ReadingArgs,
}

/// How variables are read: from where in a container, files of them by whose rules, and which of them are secrets.
#[derive(Debug, Args)]
pub struct ReadingArgs {
    /// Also the variables that the image itself brings
    #[arg(long, env = "PRODMIRROR_IMAGE_ENV", hide_env = true)]
    pub image_env: bool,
    /// Read processes themselves (/proc/1/environ), by a `cat` run beside each. On a cluster it takes the right to execute
    #[arg(long, env = "PRODMIRROR_LIVE", hide_env = true)]
    pub live: bool,
    /// Who reads the file of variables: Compose, `docker run --env-file`, dotenv libraries, or a shell
    #[arg(long, value_enum, default_value_t, env = "PRODMIRROR_DIALECT", hide_env = true)]
    pub dialect: DialectOption,
    /// Take the variable of this name for a secret
    #[arg(long = "is-secret", value_name = "NAME")]
    secret: Vec<String>,
    /// Take the variable of this name for none
    #[arg(long = "is-plain", value_name = "NAME")]
    open: Vec<String>,
    #[command(flatten)]
    pub reach: ReachArgs,
}

impl ReadingArgs {
    pub fn rules(&self) -> env::Rules {
        env::Rules { secret: self.secret.clone(), open: self.open.clone() }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum DialectOption {
    #[default]
    Compose,
    Docker,
    Dotenv,
    Shell,
}

impl From<DialectOption> for env::Dialect {
    fn from(option: DialectOption) -> Self {
        match option {
            DialectOption::Compose => Self::Compose,
            DialectOption::Docker => Self::Docker,
            DialectOption::Dotenv => Self::Dotenv,
            DialectOption::Shell => Self::Shell,
        }
    }
}

impl EnvDump {
    pub async fn run(&self, ui: &Ui) -> Result<u8, Failure> {
        let host = Host::read()?;
        let mut source = match &self.from {
            Some(text) => source::named(text)?,
            None => captured_from()?,
        };
        match (&source.service, &self.service) {
            (Some(one), Some(other)) if one != other => {
                return Err(Failure::usage(
                    "bad-source",
                    format!("`#{one}` and `--service {other}` are two services"),
                ));
            }
            (None, Some(service)) => source.service = Some(service.clone()),
            _ => {}
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
        let environment = only(reader.environments(&source).await?, &source)?;
        ui.say(summary(&environment, &source));
        let format = match ui.format {
            options::Format::Json => {
                ui.document("Environment", &environment);
                return Ok(0);
            }
            options::Format::Compose => Format::Compose,
            options::Format::Shell => Format::Shell,
            options::Format::Docker => Format::Docker,
            options::Format::Text | options::Format::Dotenv | options::Format::Env => Format::Dotenv,
        };
        let written = env::write(&environment.variables, format).map_err(|error| {
            Failure::usage("not-in-this-format", error.to_string())
                .hint(format!("`--format {}` can", error.instead))
        })?;
        if !written.otherwise.is_empty() {
            ui.say(format!(
                "dotenv libraries read {} otherwise than Compose; all read `--format json` alike",
                written.otherwise.join(", ")
            ));
        }
        ui.exactly(&written.text);
        Ok(0)
    }
}

/// The source that the default profile was captured from.
fn captured_from() -> Result<SourceName, Failure> {
    let nothing = || {
        let examples: Vec<String> =
            EXAMPLES.iter().map(|example| format!("prodmirror env-dump --from {example}")).collect();
        Failure::usage("no-source", "nothing says where to read the variables").hint(examples.join("\n"))
    };
    let Some(file) = naming::default_profile() else { return Err(nothing()) };
    let args = ProfileArgs { profile: Some(file), allow_unpinned: true, ..ProfileArgs::default() };
    let read = args.read()?;
    let loaded = prodmirror::profile::load(&args.layers(&read))
        .map_err(|problems| naming::bad_profile(&problems.0))?;
    let Some(captured) = loaded.profile.captured else { return Err(nothing()) };
    let text = match (&captured.context, &captured.namespace) {
        (Some(context), Some(namespace)) if captured.from == "kubernetes" => {
            format!("kubernetes:{context}/{namespace}")
        }
        _ => captured.from,
    };
    if text.contains(':') { source::named(&text) } else { Err(nothing()) }
}

/// One environment; of several, which to pick.
fn only(mut found: Vec<Environment>, source: &SourceName) -> Result<Environment, Failure> {
    match found.len() {
        1 => Ok(found.remove(0)),
        0 => Err(Failure::usage("no-variables", format!("{source} has nothing that runs"))),
        _ => {
            let names = env::service_names(&found);
            let message = format!("{source} has several services: {}", names.join(", "));
            let first = names.first().cloned().unwrap_or_default();
            Err(Failure::usage("which-service", message)
                .hint(format!("pick one, for example --service {first}")))
        }
    }
}

/// `read mirror:shop#api: 12 variables, 2 of them secret`
fn summary(environment: &Environment, source: &SourceName) -> String {
    let count = |of: fn(&Value) -> bool| environment.variables.iter().filter(|one| of(&one.value)).count();
    let all = environment.variables.len();
    let mut text = format!("read {}", source.place);
    if let Some(service) = &environment.service {
        text.push_str(&format!("#{service}"));
    }
    text.push_str(&format!(": {all} variable{}", if all == 1 { "" } else { "s" }));
    let secret = count(|value| matches!(value, Value::Secret(_)));
    if secret > 0 {
        text.push_str(&format!(", {secret} of them secret"));
    }
    let holes = count(|value| matches!(value, Value::Hole(_)));
    if holes > 0 {
        text.push_str(&format!(", {holes} not known here"));
    }
    text
}
