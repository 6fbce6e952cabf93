//! Registries, asked by the engine with the user's own login: an engine has none by itself.

use bollard::auth::DockerCredentials;

use super::{Compose, trouble::Doing as _};
use crate::{
    backend::{BackendError, Result, logins::Login},
    profile::{Digest, ImageRef},
};

/// How the engine is to ask a registry.
pub(super) struct Asks {
    pub login: Option<DockerCredentials>,
    /// Why there is none where one was expected. The registry may need none; this is told where it does.
    without: Option<String>,
}

impl Compose {
    /// What the registry says of an image.
    pub(super) async fn registry_digest(&self, image: &ImageRef) -> Result<Digest> {
        let name = ImageRef { digest: None, ..image.clone() }.to_pull();
        let what = format!("digest of {name}");
        let mut asks = self.asks(image).await?;
        let known = self.docker.inspect_registry_image(&name, asks.login.take()).await.doing(what.as_str());
        let known = known.map_err(|error| match error {
            BackendError::Engine { what, why } => BackendError::Engine { what, why: asks.told(why) },
            other => other,
        })?;
        let digest = known.descriptor.digest.unwrap_or_default();
        digest.parse().map_err(|error| BackendError::Engine { what, why: format!("{error}") })
    }

    pub(super) async fn asks(&self, image: &ImageRef) -> Result<Asks> {
        let Some(logins) = &self.logins else { return Ok(Asks { login: None, without: None }) };
        let (login, without) = match logins.login(&image.registry()).await? {
            Ok(login) => (login.map(|(server, login)| credentials(server, login)), None),
            Err(why) => (None, Some(why)),
        };
        Ok(Asks { login, without })
    }
}

impl Asks {
    /// Why the registry gave nothing.
    pub(super) fn told(&self, why: String) -> String {
        match &self.without {
            Some(without) => format!("{why}; it was asked without a login: {without}"),
            None => why,
        }
    }
}

/// As the engine's API takes it (Docker Engine API, "Authentication").
fn credentials(server: &str, login: Login) -> DockerCredentials {
    let serveraddress = Some(server.to_owned());
    match login {
        Login::Password { user, password } => DockerCredentials {
            username: Some(user),
            password: Some(password),
            serveraddress,
            ..DockerCredentials::default()
        },
        Login::Token(token) => {
            DockerCredentials { identitytoken: Some(token), serveraddress, ..DockerCredentials::default() }
        }
    }
}
