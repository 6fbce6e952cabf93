//! Where the values of secrets come from: given, else read back from the mirror, else made.

use std::collections::BTreeMap;

use crate::{
    backend::SecretValues,
    name::Name,
    plan::{Plan, url_encode},
};

use super::{Result, StoryError, shape};

/// Values that the user gave, by the secret's name.
#[derive(Clone, Default)]
pub struct GivenSecrets(pub BTreeMap<Name, String>);

impl std::fmt::Debug for GivenSecrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// The value of every variable of the plan's secrets.
///
/// `present` is what the mirror's own containers hold, so that a second `up`
/// changes nothing.
pub fn values(plan: &Plan, given: &GivenSecrets, present: &SecretValues) -> Result<SecretValues> {
    let mut values = BTreeMap::new();
    for secret in &plan.secrets {
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
