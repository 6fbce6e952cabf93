use clap::Args;
use prodmirror::{
    backend::{Backend, Endpoint},
    mirror::{Credentials, EndpointRow, endpoint_rows},
    name::Name,
};
use serde::Serialize;

use crate::cli::{
    failure::Failure,
    host::Host,
    naming,
    options::{Format, NameArg},
    ui::Ui,
};

/// Print the addresses of a mirror for this host
///
/// With `--format env`, variables for a shell.
///
/// Examples:
///   prodmirror endpoints shop
///   eval "$(prodmirror endpoints shop --format env)"
#[derive(Debug, Args)]
pub struct Endpoints {
    #[command(flatten)]
    name: NameArg,
    /// Print passwords although CI=true
    #[arg(long, env = "PRODMIRROR_SHOW_CREDENTIALS", hide_env = true)]
    show_credentials: bool,
    /// A variable of your own: -e 'DATABASE_URL={db.url}'
    #[arg(short = 'e', long = "env", value_name = "NAME=TEXT")]
    own: Vec<String>,
}

#[derive(Serialize)]
struct Body {
    endpoints: Vec<EndpointRow>,
}

impl Endpoints {
    pub async fn run(&self, ui: &Ui) -> Result<u8, Failure> {
        let host = Host::read()?;
        let (backend, name) = naming::find(&host, &self.name.place, self.name.name.as_deref()).await?;
        let masked = host.ci && !self.show_credentials;
        let show = if masked { Credentials::Masked } else { Credentials::Shown };
        let rows = rows(&*backend, &name, show).await?;
        match ui.format {
            Format::Json => ui.document("Endpoints", &Body { endpoints: rows }),
            Format::Env => {
                let mut variables = variables(&rows);
                variables.extend(own(&self.own, &rows)?);
                let lines: Vec<String> = variables
                    .iter()
                    .map(|(name, value)| format!("export {name}={}", quoted(value)))
                    .collect();
                ui.data(&lines.join("\n"));
            }
            Format::Text | Format::Dotenv | Format::Compose | Format::Shell | Format::Docker => {
                for row in &rows {
                    ui.data(&format!(
                        "{}:{}  {}",
                        row.service,
                        row.port,
                        row.url.as_ref().unwrap_or(&row.address)
                    ));
                }
            }
        }
        Ok(0)
    }
}

pub async fn rows(
    backend: &dyn Backend,
    name: &Name,
    show: Credentials,
) -> Result<Vec<EndpointRow>, Failure> {
    let observed = naming::must_be_there(backend, name).await?;
    let endpoints: Vec<Endpoint> = backend.endpoint(name).await?;
    Ok(endpoint_rows(&observed, &endpoints, show))
}

/// `API_URL`, `API_HOST`, `API_PORT`; with several ports `API_HTTP_URL` and so on.
pub fn variables(rows: &[EndpointRow]) -> Vec<(String, String)> {
    let capitals = |text: &str| text.to_ascii_uppercase().replace('-', "_");
    let mut variables = Vec::new();
    for row in rows {
        let several = rows.iter().filter(|other| other.service == row.service).count() > 1;
        let prefix = match several {
            true => format!("{}_{}", capitals(&row.service), capitals(&row.port)),
            false => capitals(&row.service),
        };
        let (host, port) = row.address.rsplit_once(':').unwrap_or((&row.address, ""));
        if let Some(url) = &row.url {
            variables.push((format!("{prefix}_URL"), url.clone()));
        }
        variables.push((format!("{prefix}_HOST"), host.to_owned()));
        variables.push((format!("{prefix}_PORT"), port.to_owned()));
    }
    variables
}

/// Variables of the user's own: `{db.url}`, `{api.host}`, `{api.http.port}`.
pub fn own(given: &[String], rows: &[EndpointRow]) -> Result<Vec<(String, String)>, Failure> {
    given
        .iter()
        .map(|line| {
            let (name, text) = line
                .split_once('=')
                .ok_or_else(|| Failure::usage("endpoint-variable", format!("`{line}` is not NAME=TEXT")))?;
            Ok((name.to_owned(), fill(text, rows)?))
        })
        .collect()
}

fn fill(text: &str, rows: &[EndpointRow]) -> Result<String, Failure> {
    let mut filled = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        let (inner, tail) = after.split_once('}').ok_or_else(|| {
            Failure::usage("endpoint-variable", format!("`{text}` has a `{{` without `}}`"))
        })?;
        filled.push_str(before);
        filled.push_str(&lookup(inner, rows)?);
        rest = tail;
    }
    filled.push_str(rest);
    Ok(filled)
}

fn lookup(inner: &str, rows: &[EndpointRow]) -> Result<String, Failure> {
    let parts: Vec<&str> = inner.split('.').collect();
    let (service, port, field) = match parts.as_slice() {
        [service, field] => (*service, None, *field),
        [service, port, field] => (*service, Some(*port), *field),
        _ => ("", None, ""),
    };
    let row = rows.iter().find(|row| row.service == service && port.is_none_or(|port| row.port == port));
    let value = row.and_then(|row| {
        let (host, number) = row.address.rsplit_once(':')?;
        match field {
            "url" => row.url.clone(),
            "host" => Some(host.to_owned()),
            "port" => Some(number.to_owned()),
            _ => None,
        }
    });
    value.ok_or_else(|| {
        let known: Vec<String> = rows.iter().map(|row| format!("{{{}.url}}", row.service)).collect();
        Failure::usage("endpoint-variable", format!("`{{{inner}}}` names no endpoint"))
            .hint(format!("known: {}", known.join(", ")))
    })
}

/// A shell word.
fn quoted(value: &str) -> String {
    format!("'{}'", value.replace('\'', "'\\''"))
}
