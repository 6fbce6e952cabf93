//! What is kept of a failure before anything is removed: logs, ledger, last exits; secrets redacted.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use futures_util::StreamExt;

use crate::{
    backend::{Backend, LogQuery, Scope, SecretValues},
    name::Name,
};

use super::{MirrorDocument, document::Credentials};

/// Writes the artefacts of a mirror into `folder/MIRROR-RUN`; what cannot be read is left out and said in `notes.txt`.
pub async fn keep(
    backend: &dyn Backend,
    mirror: &Name,
    run: &str,
    folder: &Path,
    secrets: &SecretValues,
) -> std::io::Result<PathBuf> {
    let folder = folder.join(format!("{mirror}-{run}"));
    std::fs::create_dir_all(&folder)?;
    let redact = |text: &str| redacted(text, secrets);
    let mut notes = Vec::new();
    match logs(backend, mirror).await {
        Ok(logs) => {
            for (name, text) in logs {
                std::fs::write(folder.join(format!("{name}.log")), redact(&text))?;
            }
        }
        Err(error) => notes.push(format!("logs: {error}")),
    }
    match backend.observe(&Scope::of(mirror), false).await {
        Ok(observed) => {
            let document =
                MirrorDocument::read(backend.kind(), &observed, &[], Vec::new(), Credentials::None);
            let text = serde_json::to_string_pretty(&document).unwrap_or_default();
            std::fs::write(folder.join("mirror.json"), redact(&text))?;
            if let Some(keeper) = &observed.keeper {
                let text = serde_json::to_string_pretty(keeper).unwrap_or_default();
                std::fs::write(folder.join("keeper.json"), redact(&text))?;
            }
        }
        Err(error) => notes.push(format!("state: {error}")),
    }
    if !notes.is_empty() {
        std::fs::write(folder.join("notes.txt"), redact(&notes.join("\n")))?;
    }
    Ok(folder)
}

async fn logs(backend: &dyn Backend, mirror: &Name) -> crate::backend::Result<BTreeMap<String, String>> {
    let mut lines = backend.logs(mirror, LogQuery::default()).await?;
    let mut logs: BTreeMap<String, String> = BTreeMap::new();
    while let Some(line) = lines.next().await {
        let line = line?;
        let text = logs.entry(format!("{}-{}-{}", line.service, line.ordinal, line.container)).or_default();
        text.push_str(&format!(
            "{} {} {}\n",
            line.at,
            line.stream,
            String::from_utf8_lossy(&line.line).trim_end()
        ));
    }
    Ok(logs)
}

/// The text with every known secret value, plain or percent-encoded, replaced.
///
/// The longest first, so that a value that holds another goes whole; values shorter than
/// four bytes would redact everything and are left.
pub fn redacted(text: &str, secrets: &SecretValues) -> String {
    let mut values: Vec<&String> = secrets.0.values().filter(|value| value.len() >= 4).collect();
    values.sort_by_key(|value| std::cmp::Reverse(value.len()));
    let mut text = text.to_owned();
    for value in values {
        text = text.replace(value.as_str(), "[redacted]");
        let escaped = serde_json::to_string(value).unwrap_or_default();
        let escaped = escaped.trim_matches('"');
        if escaped != value {
            text = text.replace(escaped, "[redacted]");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_known_value_stays_in_a_text() {
        let secrets = SecretValues(BTreeMap::from([
            ("A".to_owned(), "hunter22".to_owned()),
            ("B".to_owned(), "hunter22longer".to_owned()),
            ("C".to_owned(), "with \"quote".to_owned()),
        ]));
        let text = "x hunter22 y hunter22longer z with \\\"quote";
        assert_eq!(redacted(text, &secrets), "x [redacted] y [redacted] z [redacted]");
    }
}
