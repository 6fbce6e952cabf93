//! Secret values of a mirror that runs, read back from its keeper's environment.

use super::{
    super::{Result, SecretValues},
    Compose,
    launch::id_of,
};
use crate::{labels::Kind, name::Name};

/// Before the variable of each secret in the keeper's environment.
const PREFIX: &str = "PRODMIRROR_SECRET_";

impl Compose {
    /// The values by variable, for every secret that the keeper was given; empty where there is no keeper.
    pub(super) async fn read_secrets(&self, mirror: &Name) -> Result<SecretValues> {
        let Some(keeper) = self.helper_container(mirror, Kind::Keeper).await? else {
            return Ok(SecretValues::default());
        };
        let keeper = self.inspect(id_of(&keeper)).await?.unwrap_or_default();
        Ok(SecretValues(read(keeper.config.and_then(|config| config.env).unwrap_or_default())))
    }
}

fn read(env: Vec<String>) -> std::collections::BTreeMap<String, String> {
    let secret = |entry: &String| {
        let (name, value) = entry.strip_prefix(PREFIX)?.split_once('=')?;
        Some((name.to_owned(), value.to_owned()))
    };
    env.iter().filter_map(secret).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_with_an_equals_sign_comes_back_whole() {
        let env = ["PATH=/bin", "PRODMIRROR_SECRET_DB_PASSWORD=a=b\n$c"].map(str::to_owned).to_vec();
        assert_eq!(
            read(env).into_iter().collect::<Vec<_>>(),
            [("DB_PASSWORD".to_owned(), "a=b\n$c".to_owned())]
        );
    }
}
