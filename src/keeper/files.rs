//! Files on tmpfs volumes, put back through the pause that holds the volume mounted.

use std::collections::BTreeMap;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bollard::query_parameters::{ContainerArchiveInfoOptions, UploadToContainerOptions};
use tar::{Builder, EntryType, Header};

use super::engine::{Engine, words};
use crate::formats::duties::{FileDuty, FileSource, SECRETS_DIR};

/// The folder behind `..data`.
const FOLDER: &str = "..keeper";

/// Puts them back where they are gone: as long as one container held the volume they are not.
pub async fn put_back(engine: &Engine, pause: &str, files: &[FileDuty]) -> Result<(), String> {
    let secret = |variable: &str| std::env::var(format!("PRODMIRROR_SECRET_{variable}")).ok();
    let mut missing = Vec::new();
    for (root, files) in by_root(files) {
        let path = format!("{SECRETS_DIR}/{root}/..data");
        let options = ContainerArchiveInfoOptions { path };
        if engine.docker.get_container_archive_info(pause, Some(options)).await.is_err() {
            missing.push((root, files));
        }
    }
    if missing.is_empty() {
        return Ok(());
    }
    let archive = archive(missing, secret)?;
    let options = UploadToContainerOptions {
        path: SECRETS_DIR.to_owned(),
        copy_uidgid: Some("1".to_owned()),
        ..Default::default()
    };
    let body = bollard::body_full(archive.into());
    engine.docker.upload_to_container(pause, Some(options), body).await.map_err(words)
}

/// Files by root folder, each with its path in it.
fn by_root(files: &[FileDuty]) -> BTreeMap<&str, Vec<(&str, &FileDuty)>> {
    let mut roots: BTreeMap<&str, Vec<(&str, &FileDuty)>> = BTreeMap::new();
    for file in files {
        let path = file.path.strip_prefix(SECRETS_DIR).unwrap_or(&file.path).trim_start_matches('/');
        if let Some((root, rest)) = path.split_once('/') {
            roots.entry(root).or_default().push((rest, file));
        }
    }
    roots
}

type Roots<'a> = Vec<(&'a str, Vec<(&'a str, &'a FileDuty)>)>;

fn archive(roots: Roots<'_>, secret: impl Fn(&str) -> Option<String>) -> Result<Vec<u8>, String> {
    let mut archive = Builder::new(Vec::new());
    for (root, files) in roots {
        let mut links: Vec<&str> = Vec::new();
        for (rest, file) in files {
            let bytes = match &file.content {
                FileSource::Secret(variable) => secret(variable)
                    .ok_or_else(|| format!("the keeper was not given secret {variable}"))?
                    .into_bytes(),
                FileSource::Base64(text) => {
                    STANDARD.decode(text).map_err(|error| format!("{}: {error}", file.path))?
                }
            };
            let mut header = header(EntryType::Regular, file.mode, file.user, file.group);
            header.set_size(bytes.len() as u64);
            archive
                .append_data(&mut header, format!("{root}/{FOLDER}/{rest}"), &bytes[..])
                .map_err(|error| error.to_string())?;
            let first = rest.split('/').next().unwrap_or(rest);
            if !links.contains(&first) {
                links.push(first);
            }
        }
        let mut link = |name: &str, to: &str| {
            let mut header = header(EntryType::Symlink, 0o777, 0, 0);
            archive.append_link(&mut header, format!("{root}/{name}"), to).map_err(|error| error.to_string())
        };
        for first in links {
            link(first, &format!("..data/{first}"))?;
        }
        // Last: it says that the folder is whole.
        link("..data", FOLDER)?;
    }
    archive.into_inner().map_err(|error| error.to_string())
}

fn header(kind: EntryType, mode: u32, user: u32, group: u32) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_uid(user.into());
    header.set_gid(group.into());
    header.set_size(0);
    header
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_whole_behind_its_link() {
        let file =
            |path: &str, content| FileDuty { path: path.to_owned(), content, mode: 0o440, user: 7, group: 8 };
        let files = [
            file("/secrets/at-etc/tls/key.pem", FileSource::Secret("KEY".to_owned())),
            file("/secrets/at-etc/ca", FileSource::Base64("Y2E=".to_owned())),
        ];
        let bytes =
            archive(by_root(&files).into_iter().collect(), |name| Some(format!("value of {name}"))).unwrap();
        let mut found = Vec::new();
        for entry in tar::Archive::new(&bytes[..]).entries().unwrap() {
            let mut entry = entry.unwrap();
            let link = entry.link_name().unwrap().map(|to| to.display().to_string());
            let mut text = String::new();
            std::io::Read::read_to_string(&mut entry, &mut text).unwrap();
            let path = entry.path().unwrap().display().to_string();
            found.push((path, link.unwrap_or(format!("{text} {:o}", entry.header().mode().unwrap()))));
        }
        let found: Vec<_> = found.iter().map(|(path, what)| (path.as_str(), what.as_str())).collect();
        assert_eq!(
            found,
            [
                ("at-etc/..keeper/tls/key.pem", "value of KEY 440"),
                ("at-etc/..keeper/ca", "ca 440"),
                ("at-etc/tls", "..data/tls"),
                ("at-etc/ca", "..data/ca"),
                ("at-etc/..data", "..keeper"),
            ]
        );
        assert!(archive(by_root(&files).into_iter().collect(), |_| None).is_err());
    }
}
