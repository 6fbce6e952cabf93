//! `prodmirror fill VOLUME…`: filling volumes without the engine's API, for a bare `docker compose up`.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::{PermissionsExt as _, chown},
    path::{Component, Path},
};

use super::{CarryError, Filled, at, hidden_name, swap::swap};
use crate::{
    formats::fill::{FileFill, FillContent, FillPiece, Filling},
    plan::{FileBytes, Template, TemplatePiece},
};

/// Fills the volumes of these names, mounted below `to`, from the descriptions and files below `from`.
///
/// # Errors
/// A description that cannot be read, a path that leads out of the volume, a variable that is not set, or the first
/// file that could not be written.
pub fn fill(
    from: &Path,
    to: &Path,
    volumes: &[String],
    variable: impl Fn(&str) -> Option<String>,
) -> Result<(), CarryError> {
    for volume in volumes {
        let path = from.join(format!("{volume}.json"));
        let filling: Filling = serde_json::from_slice(&fs::read(&path).map_err(at(&path))?)?;
        fill_one(&from.join(volume), &to.join(volume), &filling, &variable)?;
    }
    Ok(())
}

fn fill_one(
    source: &Path,
    root: &Path,
    filling: &Filling,
    variable: &impl Fn(&str) -> Option<String>,
) -> Result<(), CarryError> {
    let mut folders: BTreeMap<&str, Vec<Filled>> = BTreeMap::new();
    for file in &filling.files {
        let (folder, rest) = parts(&file.path)?;
        let bytes = content(file, source, variable)?;
        let (mode, user, group) = (file.mode.0, file.user, file.group);
        folders.entry(folder).or_default().push(Filled { path: rest, bytes, mode, user, group });
    }
    for (folder, files) in folders {
        write_folder(&root.join(folder), &files)?;
    }
    if let Some(group) = filling.group {
        chown(root, None, Some(group)).map_err(at(root))?;
    }
    if let Some(mode) = root_mode(filling) {
        fs::set_permissions(root, fs::Permissions::from_mode(mode)).map_err(at(root))?;
    }
    Ok(())
}

/// A group of its own may write, and its files stay the group's.
fn root_mode(filling: &Filling) -> Option<u32> {
    let mode = filling.mode.map(|mode| mode.0);
    match filling.group {
        Some(_) => Some(mode.unwrap_or(0o775) | 0o2070),
        None => mode,
    }
}

fn content(
    file: &FileFill,
    source: &Path,
    variable: &impl Fn(&str) -> Option<String>,
) -> Result<Vec<u8>, CarryError> {
    let piece = |piece: &FillPiece| match piece {
        FillPiece::Literal(text) => TemplatePiece::Literal(text.clone()),
        FillPiece::Variable(name) => TemplatePiece::Variable(name.clone()),
    };
    let bytes = match &file.content {
        FillContent::Beside => {
            FileBytes::Inline(fs::read(source.join(&file.path)).map_err(at(&source.join(&file.path)))?)
        }
        FillContent::Variable(name) => FileBytes::Secret(name.clone()),
        FillContent::Quoted(pieces) => FileBytes::Quoted(Template(pieces.iter().map(piece).collect())),
    };
    bytes.fill(variable).ok_or_else(|| CarryError::Variable(file.path.clone()))
}

fn write_folder(folder: &Path, files: &[Filled<'_>]) -> Result<(), CarryError> {
    let name = hidden_name(files);
    let hidden = folder.join(&name);
    fs::create_dir_all(&hidden).map_err(at(&hidden))?;
    for file in files {
        let path = hidden.join(file.path);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(at(parent))?;
        }
        fs::write(&path, &file.bytes).map_err(at(&path))?;
        chown(&path, Some(file.user), Some(file.group)).map_err(at(&path))?;
        // After the owner: a change of owner clears the set-user bits.
        fs::set_permissions(&path, fs::Permissions::from_mode(file.mode)).map_err(at(&path))?;
    }
    swap(folder, &name)
}

/// `ROOT/REST`, neither of which leads out of the volume.
fn parts(path: &str) -> Result<(&str, &str), CarryError> {
    let inside = Path::new(path).components().all(|part| matches!(part, Component::Normal(_)));
    let parts = path.split_once('/').filter(|(root, rest)| inside && !root.is_empty() && !rest.is_empty());
    parts.ok_or_else(|| CarryError::Path(path.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::Mode;

    fn file(path: &str, content: FillContent) -> FileFill {
        let (user, group) = (rustix::process::getuid().as_raw(), rustix::process::getgid().as_raw());
        FileFill { path: path.to_owned(), content, mode: Mode(0o640), user, group }
    }

    #[test]
    fn files_come_from_beside_the_description_and_secrets_from_variables() {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("from"), folder.path().join("to"));
        fs::create_dir_all(from.join("v/conf/etc")).unwrap();
        fs::create_dir_all(to.join("v")).unwrap();
        fs::write(from.join("v/conf/etc/app.bin"), b"\xff\x00").unwrap();
        let literal = |text: &str| FillPiece::Literal(text.to_owned());
        let pieces = vec![literal("pass \""), FillPiece::Variable("KEY".to_owned()), literal("\"")];
        let filling = Filling {
            files: vec![
                file("conf/etc/app.bin", FillContent::Beside),
                file("conf/key", FillContent::Variable("KEY".to_owned())),
                file("redis/users", FillContent::Quoted(pieces)),
            ],
            group: None,
            mode: Some(Mode(0o755)),
        };
        fs::write(from.join("v.json"), serde_json::to_vec(&filling).unwrap()).unwrap();
        let volumes = ["v".to_owned()];
        fill(&from, &to, &volumes, |name| (name == "KEY").then(|| "s\"3".to_owned())).unwrap();
        assert_eq!(fs::read(to.join("v/conf/etc/app.bin")).unwrap(), b"\xff\x00");
        assert_eq!(fs::read(to.join("v/conf/key")).unwrap(), b"s\"3");
        assert_eq!(fs::read(to.join("v/redis/users")).unwrap(), b"pass \"s\\\"3\"");
        assert_eq!(fs::metadata(to.join("v/conf/key")).unwrap().permissions().mode() & 0o7777, 0o640);
        assert!(matches!(fill(&from, &to, &volumes, |_| None), Err(CarryError::Variable(_))));
    }

    #[test]
    fn no_path_leads_out_of_the_volume() {
        for path in ["../x", "/x", "a/../../x", "", "a", "a/"] {
            assert!(parts(path).is_err(), "{path}");
        }
        assert_eq!(parts("conf/etc/a").unwrap(), ("conf", "etc/a"));
    }
}
