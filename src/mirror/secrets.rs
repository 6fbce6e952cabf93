//! Where the values of secrets come from: given, else read back from the mirror, else made.

use std::collections::BTreeMap;

use crate::{
    backend::{Backend, SecretValues},
    name::Name,
    path::Path,
    plan::{SecretPlan, declared_variables, url_encode},
    profile::Profile,
};

use super::{Result, StoryError, UpRequest, memory, shape};

/// Values that the user gave, by the secret's name.
#[derive(Clone, Default)]
pub struct GivenSecrets(pub BTreeMap<Name, String>);

impl std::fmt::Debug for GivenSecrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// The profile without those holes in secrets whose values were given to the mirror that is there; they count as given.
///
/// `None` where there is nothing to fill.
pub async fn keep(
    backend: &dyn Backend,
    request: &UpRequest<'_>,
    given: &mut GivenSecrets,
) -> Result<Option<Profile>> {
    let is_hole = |name: &Name| request.profile.is_hole(&Path::of(["secrets", name.as_str()]));
    let holes: Vec<&Name> = request.profile.secrets.keys().filter(|name| is_hole(name)).collect();
    if holes.is_empty() || request.replace {
        return Ok(None);
    }
    let mirror = &request.ask.mirror;
    let Ok(memory) = memory::recall(backend, mirror).await else { return Ok(None) };
    let held = backend.secrets(mirror).await?;
    let mut profile = request.profile.clone();
    for (name, variable) in declared_variables(&memory.profile) {
        if let Some(value) = held.0.get(&variable).filter(|_| holes.contains(&&name)) {
            given.0.insert(name.clone(), value.clone());
            profile.fill_secret(&name);
        }
    }
    Ok(Some(profile))
}

/// The value of every variable of the plan's secrets.
///
/// `present` is what the mirror's own containers hold, so that a second `up`
/// changes nothing.
pub fn values(secrets: &[SecretPlan], given: &GivenSecrets, present: &SecretValues) -> Result<SecretValues> {
    let mut values = BTreeMap::new();
    for secret in secrets {
        let value = match (given.0.get(&secret.secret), present.0.get(&secret.variable)) {
            (Some(given), _) => given.clone(),
            (None, Some(present)) => present.clone(),
            (None, None) => shape::generate(secret.shape).map_err(|error| StoryError::SecretShape {
                secret: secret.secret.clone(),
                why: error.to_string(),
            })?,
        };
        if let Some(variable) = &secret.url_variable {
            values.insert(variable.clone(), url_encode(&value));
        }
        values.insert(secret.variable.clone(), value);
    }
    Ok(SecretValues(values))
}
