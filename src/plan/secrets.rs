//! Secrets: the variables that carry them.

use std::collections::BTreeSet;

use super::{
    SecretPlan, Template, TemplatePiece,
    order::{self, Node},
};
use crate::{
    name::Name,
    profile::{Profile, Shape},
};

/// What a secret without a shape gets.
const SHAPE: Shape = Shape::Hex(16);

/// Variables that the launching process and the programs it starts read themselves; a secret of that name is carried
/// by another variable.
const RESERVED: [&str; 13] = [
    "PATH",
    "HOME",
    "PWD",
    "USER",
    "SHELL",
    "TMPDIR",
    "LANG",
    "TERM",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "ALL_PROXY",
    "KUBECONFIG",
];
const RESERVED_PREFIXES: [&str; 9] =
    ["DOCKER_", "COMPOSE_", "BUILDX_", "BUILDKIT_", "PRODMIRROR_", "LD_", "LC_", "XDG_", "GO"];

/// All secrets that a profile's workloads have to do with.
pub(crate) fn of(profile: &Profile, nodes: &[Node<'_>]) -> Vec<SecretPlan> {
    let named: Vec<Name> = nodes.iter().flat_map(|node| order::secrets_named(profile, node)).collect();
    secrets(profile, named.iter())
}

/// Those declared, then those that are named without being declared.
fn secrets<'a>(profile: &Profile, named: impl Iterator<Item = &'a Name>) -> Vec<SecretPlan> {
    let mut names: Vec<(&Name, Shape)> =
        profile.secrets.iter().map(|(name, shape)| (name, shape.unwrap_or(SHAPE))).collect();
    for name in named {
        if !names.iter().any(|(known, _)| *known == name) {
            names.push((name, SHAPE));
        }
    }
    let mut taken: BTreeSet<String> = BTreeSet::new();
    let variables: Vec<String> = names.iter().map(|(name, _)| unique(variable(name), &mut taken)).collect();
    names
        .into_iter()
        .zip(variables)
        .map(|((secret, shape), variable)| SecretPlan {
            secret: secret.clone(),
            url_variable: Some(unique(format!("{variable}_URL"), &mut taken)),
            variable,
            shape,
        })
        .collect()
}

/// The variable that carries each secret that a profile declares, in its order.
pub fn declared_variables(profile: &Profile) -> Vec<(Name, String)> {
    secrets(profile, std::iter::empty()).into_iter().map(|plan| (plan.secret, plan.variable)).collect()
}

fn variable(name: &Name) -> String {
    let variable = name.to_variable();
    let reserved = RESERVED.contains(&variable.as_str())
        || RESERVED_PREFIXES.iter().any(|prefix| variable.starts_with(prefix));
    if reserved { format!("SECRET_{variable}") } else { variable }
}

/// No name ends in `_`, so that a longer tail never meets another secret's own variable.
fn unique(mut variable: String, taken: &mut BTreeSet<String>) -> String {
    while !taken.insert(variable.clone()) {
        variable.push('_');
    }
    variable
}

/// Leaves out the variables for URLs that no template holds.
pub(crate) fn keep_used<'a>(secrets: &mut [SecretPlan], templates: impl Iterator<Item = &'a Template>) {
    let used: BTreeSet<&str> = templates
        .flat_map(|template| &template.0)
        .filter_map(|piece| match piece {
            TemplatePiece::Variable(name) => Some(name.as_str()),
            TemplatePiece::Literal(_) => None,
        })
        .collect();
    for secret in secrets {
        secret.url_variable = secret.url_variable.take().filter(|variable| used.contains(variable.as_str()));
    }
}

/// A value as it may stand in any part of a URL: all but the unreserved characters of RFC 3986 percent-encoded.
pub fn url_encode(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables(names: &[&str]) -> Vec<(String, Option<String>)> {
        let names: Vec<Name> = names.iter().map(|name| Name::new(*name).unwrap()).collect();
        let profile = crate::plan::tests::empty_profile();
        secrets(&profile, names.iter()).into_iter().map(|plan| (plan.variable, plan.url_variable)).collect()
    }

    #[test]
    fn every_variable_belongs_to_one_secret() {
        let found = variables(&["db", "db-url", "path", "secret-path"]);
        let all: Vec<String> =
            found.into_iter().flat_map(|(plain, url)| [Some(plain), url]).flatten().collect();
        let distinct: BTreeSet<_> = all.iter().collect();
        assert_eq!(distinct.len(), all.len(), "{all:?}");
    }

    #[test]
    fn a_secret_does_not_become_the_path_of_the_process_that_launches() {
        assert_eq!(variables(&["path"])[0].0, "SECRET_PATH");
        assert_eq!(variables(&["docker-host"])[0].0, "SECRET_DOCKER_HOST");
        assert_eq!(variables(&["db-password"])[0].0, "DB_PASSWORD");
    }

    #[test]
    fn a_value_in_a_url_keeps_only_what_no_part_of_a_url_gives_a_meaning() {
        assert_eq!(url_encode("a-b._~9:/@?#%ü "), "a-b._~9%3A%2F%40%3F%23%25%C3%BC%20");
    }
}
