//! Language runtimes, found by their files and never asked.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Section,
    facts::Reading,
    layer::{Kept, Node},
    look::{Look, Scan, is_version, look},
    path::split,
    places,
};

pub(super) fn read(reading: &mut Reading<'_>) {
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut unread = Vec::new();
    for (path, placed) in reading.tree.iter() {
        let told = match &placed.entry.node {
            Node::File { kept: Some(Kept::Version(version)), size, .. } => {
                let Look::Scan(scan) = look(path, placed.entry.mode, *size) else { continue };
                match (runtime(scan), version) {
                    (Some(runtime), Some(version)) => Some((runtime.to_owned(), version.clone())),
                    (Some(runtime), None) => {
                        unread
                            .push((path.clone(), format!("is {runtime} by its name, and names no version")));
                        None
                    }
                    (None, Some(version)) if scan == Scan::Program => {
                        found.entry(format!("go program {path}")).or_default().insert(version.clone());
                        None
                    }
                    (None, _) => by_name(path),
                }
            }
            Node::File { kept: Some(Kept::Bytes(bytes)), .. } => {
                by_text(path, &String::from_utf8_lossy(bytes))
            }
            Node::File { .. } => by_name(path),
            Node::Directory => by_folder(path),
            Node::Link { .. } | Node::Device { .. } | Node::Fifo | Node::Below { .. } => None,
        };
        if let Some((runtime, version)) = told {
            found.entry(runtime).or_default().insert(format!("{version} at /{path}"));
        }
    }
    for (runtime, versions) in found {
        let versions: Vec<String> = versions.into_iter().collect();
        reading.tell(Section::Runtimes, runtime, versions.join(", "));
    }
    for (path, why) in unread {
        reading.lacks(Section::Runtimes, path, why);
    }
}

fn runtime(scan: Scan) -> Option<&'static str> {
    match scan {
        Scan::Python => Some("python"),
        Scan::Node => Some("node"),
        Scan::Ruby => Some("ruby"),
        Scan::Php => Some("php"),
        Scan::Glibc | Scan::Musl | Scan::Program => None,
    }
}

/// Files beside the runtime that say its version.
fn by_text(path: &str, text: &str) -> Option<(String, String)> {
    let (folder, name) = split(path);
    match name {
        "release" => {
            let value = |wanted: &str| {
                let found = places::assignments(text).into_iter().find(|(name, _)| name == wanted)?;
                Some(found.1)
            };
            let version = value("JAVA_RUNTIME_VERSION").or_else(|| value("JAVA_VERSION"))?;
            let by = value("IMPLEMENTOR").map(|by| format!(" ({by})")).unwrap_or_default();
            Some(("java".to_owned(), format!("{version}{by}")))
        }
        "VERSION" if folder.ends_with("/go") => {
            Some(("go".to_owned(), text.lines().next()?.trim().to_owned()))
        }
        "OTP_VERSION" => Some(("erlang".to_owned(), text.trim().to_owned())),
        _ => None,
    }
}

/// Programs whose name says their version.
fn by_name(path: &str) -> Option<(String, String)> {
    let (folder, name) = split(path);
    let version = name.strip_prefix("perl").filter(|version| is_version(version))?;
    split(folder).1.ends_with("bin").then(|| ("perl".to_owned(), version.to_owned()))
}

/// Folders whose name says a version: .NET's shared frameworks.
fn by_folder(path: &str) -> Option<(String, String)> {
    let (folder, version) = split(path);
    let (above, framework) = split(folder);
    let ours = framework.starts_with("Microsoft.") && split(above).1 == "shared" && version.contains('.');
    ours.then(|| (format!("dotnet {framework}"), version.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_beside_a_runtime_tell_its_version() {
        let java = "IMPLEMENTOR=\"Debian\"\nJAVA_VERSION=\"17.0.9\"\n";
        assert_eq!(
            by_text("usr/lib/jvm/java-17/release", java),
            Some(("java".to_owned(), "17.0.9 (Debian)".to_owned()))
        );
        assert_eq!(by_text("srv/release", "VERSION=1"), None);
        assert_eq!(
            by_text("usr/local/go/VERSION", "go1.21.5\ntime x\n"),
            Some(("go".to_owned(), "go1.21.5".to_owned()))
        );
        assert_eq!(by_name("usr/bin/perl5.36.0"), Some(("perl".to_owned(), "5.36.0".to_owned())));
        assert_eq!(by_name("usr/bin/perldoc"), None);
        assert_eq!(
            by_folder("usr/share/dotnet/shared/Microsoft.NETCore.App/8.0.1"),
            Some(("dotnet Microsoft.NETCore.App".to_owned(), "8.0.1".to_owned()))
        );
    }
}
