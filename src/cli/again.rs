//! A mirror that is up, planned again for the commands that look at it.

use std::path::PathBuf;

use prodmirror::{
    backend::{Backend, SecretValues},
    mirror::{self, Credentials, Drawn, Source},
    name::Name,
    profile::{self, Profile},
};

use super::{commands::endpoints, failure::Failure, host::Host, options::ProfileArgs, ui::Ui};

/// A mirror that is up, planned again from what its keeper remembers.
pub struct Again<'b> {
    pub drawn: Drawn<'b>,
    pub tree: serde_json::Value,
    pub secrets: SecretValues,
    /// Where the profile's seeds were.
    pub folder: PathBuf,
}

/// Plans a mirror again: from the files given, else from the profile that its last `up` left with the keeper.
pub async fn again<'b>(
    host: &Host,
    backend: &'b dyn Backend,
    name: &Name,
    files: &[PathBuf],
    ui: &Ui,
) -> Result<Again<'b>, Failure> {
    let present = backend.secrets(name).await?;
    let kept = mirror::recall(backend, name).await?;
    let profile = match files {
        [] => kept.profile,
        files => {
            let args = ProfileArgs { files: files.to_vec(), allow_unpinned: true, ..ProfileArgs::default() };
            args.load(ui)?.0.profile
        }
    };
    let ask = prodmirror::backend::Ask {
        mirror: name.clone(),
        owner: kept.owner,
        options: kept.options,
        images: profile::images(&profile).into_iter().map(|(_, image)| image).collect(),
        helper: host.ask_host()?.helper,
        socket: kept.socket,
        timezone: profile::names_timezone(&profile),
        // It is there already.
        not_on: None,
        build_tools: false,
    };
    let (capabilities, _) = backend.capabilities(&ask).await?;
    let source = Source { profile: &profile, origins: &profile::Origins::default() };
    let drawn = Drawn::new(backend, source, &capabilities);
    let secrets = mirror::secret_values(drawn.secrets(), &mirror::GivenSecrets::default(), &present)?;
    Ok(Again { drawn, tree: profile::tree(&profile), secrets, folder: kept.folder })
}

/// Addresses as variables, with the profile's own names.
pub async fn endpoint_variables(
    backend: &dyn Backend,
    name: &Name,
    profile: &Profile,
    show: Credentials,
) -> Result<Vec<(String, String)>, Failure> {
    let rows = endpoints::rows(backend, name, show).await?;
    let mut variables = endpoints::variables(&rows);
    let own: Vec<String> = profile.endpoints.iter().map(|(name, text)| format!("{name}={text}")).collect();
    variables.extend(endpoints::own(&own, &rows)?);
    Ok(variables)
}
