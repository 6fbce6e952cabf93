//! Secrets: one object for each of the profile's, and one a workload for texts that hold them.

use indexmap::IndexMap;

use super::{EnvSource, ProjectionSource, SecretText};
use crate::{
    name::Name,
    plan::{SecretPlan, Site, Template, TemplatePiece},
};

/// The only key of a profile's secret.
const VALUE: &str = "value";

/// Names of ours hold a dot, and end in what they are for: a profile's names hold none, so no two meet.
pub(super) fn object_of(secret: &Name) -> String {
    format!("{secret}.secret")
}

/// The values of one workload that are made from secrets, each under a key of its own.
pub(super) struct SecretKeys<'a> {
    site: &'a Site<'a>,
    /// `api.env`
    pub name: String,
    pub data: IndexMap<String, SecretText>,
}

impl<'a> SecretKeys<'a> {
    pub fn new(site: &'a Site<'a>, service: &Name) -> Self {
        Self { site, name: format!("{service}.env"), data: IndexMap::new() }
    }

    /// Where a container finds a variable: in the profile's own secret if it is nothing else, else composed.
    pub fn variable(&mut self, container: &str, variable: &str, template: Template) -> EnvSource {
        if let Some(secret) = self.whole(&template) {
            return EnvSource::Secret { name: object_of(&secret.secret), key: VALUE.to_owned() };
        }
        // No container's name holds a dot.
        let key = format!("{container}.{variable}");
        self.put(key.clone(), SecretText::Text(template));
        EnvSource::Secret { name: self.name.clone(), key }
    }

    /// Where a file of a secret lies.
    pub fn file(&self, secret: &Name) -> (ProjectionSource, String) {
        (ProjectionSource::Secret(object_of(secret)), VALUE.to_owned())
    }

    /// A file that is composed.
    pub fn composed(&mut self, key: String, text: SecretText) -> (ProjectionSource, String) {
        self.put(key.clone(), text);
        (ProjectionSource::Secret(self.name.clone()), key)
    }

    fn put(&mut self, key: String, text: SecretText) {
        self.data.insert(key, text);
    }

    fn whole(&self, template: &Template) -> Option<&SecretPlan> {
        match template.0.as_slice() {
            [TemplatePiece::Variable(name)] => {
                self.site.secrets.iter().find(|secret| secret.variable == *name)
            }
            _ => None,
        }
    }
}

/// The object of one secret of the profile.
pub(super) fn data_of(secret: &SecretPlan) -> IndexMap<String, SecretText> {
    IndexMap::from([(VALUE.to_owned(), SecretText::Text(Template::variable(&secret.variable)))])
}
