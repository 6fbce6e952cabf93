//! The script that makes the Secrets: words of a shell, with variables in place of the values.

use indexmap::IndexMap;
use serde::Serialize;

use crate::plan::{
    Template, TemplatePiece,
    kubernetes::{Body, ClusterPlan, SecretText},
};

#[derive(Serialize)]
pub struct ScriptView<'a> {
    mirror: &'a str,
    namespace: &'a str,
    /// The file that makes the namespace.
    first: String,
    variables: Vec<VariableView<'a>>,
    secrets: Vec<SecretView<'a>>,
}

/// A variable that must be set, and for what.
#[derive(Serialize)]
struct VariableView<'a> {
    name: &'a str,
    what: String,
}

#[derive(Serialize)]
struct SecretView<'a> {
    name: &'a str,
    entries: Vec<EntryView<'a>>,
    labels: Vec<LabelView>,
}

#[derive(Serialize)]
struct EntryView<'a> {
    key: &'a str,
    /// One word of the shell.
    words: String,
}

#[derive(Serialize)]
struct LabelView {
    words: String,
}

pub fn view(plan: &ClusterPlan, first: String) -> ScriptView<'_> {
    let secrets = plan.objects.iter().filter_map(|object| match &object.body {
        Body::Secret { data } => Some((object, data)),
        _ => None,
    });
    ScriptView {
        mirror: plan.mirror.as_str(),
        namespace: &plan.namespace,
        first,
        variables: variables(plan),
        secrets: secrets
            .map(|(object, data)| SecretView {
                name: &object.name,
                entries: data.iter().map(|(key, text)| EntryView { key, words: word(text) }).collect(),
                labels: object
                    .labels
                    .iter()
                    .map(|(key, value)| LabelView { words: format!("{key}={value}") })
                    .collect(),
            })
            .collect(),
    }
}

/// In the order of the plan's secrets.
fn variables(plan: &ClusterPlan) -> Vec<VariableView<'_>> {
    let mut variables: IndexMap<&str, String> = IndexMap::new();
    for secret in &plan.secrets {
        variables.insert(&secret.variable, format!("secret {}", secret.secret));
        if let Some(name) = &secret.url_variable {
            variables.insert(name, format!("secret {}, percent-encoded", secret.secret));
        }
    }
    variables.into_iter().map(|(name, what)| VariableView { name, what }).collect()
}

/// A value as one word: literals in single quotes, variables in double ones.
fn word(text: &SecretText) -> String {
    let variable = |name: &str| match text {
        SecretText::Text(_) => format!("\"${{{name}}}\""),
        SecretText::Quoted(_) => format!("\"$(quoted \"${{{name}}}\")\""),
    };
    let Template(pieces) = text.template();
    let words = pieces.iter().map(|piece| match piece {
        TemplatePiece::Literal(text) => format!("'{}'", text.replace('\'', r"'\''")),
        TemplatePiece::Variable(name) => variable(name),
    });
    let word: String = words.collect();
    if word.is_empty() { "''".to_owned() } else { word }
}
