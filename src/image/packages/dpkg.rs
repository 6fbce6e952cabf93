//! dpkg: `var/lib/dpkg/status`, and Distroless' one file a package.

use super::{super::Section, Package, Reading};

const STATUS: &str = "var/lib/dpkg/status";
const FOLDER: &str = "var/lib/dpkg/status.d";

pub(super) fn read(reading: &mut Reading<'_>) -> Vec<Package> {
    let mut files: Vec<String> = reading.tree.below(FOLDER).map(|(path, _)| path.clone()).collect();
    files.retain(|path| !path.ends_with(".md5sums"));
    files.push(STATUS.to_owned());
    let mut packages = Vec::new();
    for path in files {
        let Some(text) = reading.text(Section::Packages, &path) else { continue };
        for paragraph in text.split("\n\n").filter(|paragraph| !paragraph.trim().is_empty()) {
            match package(paragraph) {
                Ok(package) => packages.extend(package),
                Err(why) => reading.lacks(Section::Packages, path.as_str(), why),
            }
        }
    }
    packages
}

/// One paragraph; `None` where it is of a package that is not there.
fn package(paragraph: &str) -> Result<Option<Package>, String> {
    let field = |wanted: &str| {
        let lines = paragraph.lines().filter_map(|line| line.split_once(':'));
        lines
            .filter(|(name, _)| name.eq_ignore_ascii_case(wanted))
            .map(|(_, value)| value.trim().to_owned())
            .next()
    };
    let Some(name) = field("Package") else {
        let first = paragraph.trim_start().lines().next().unwrap_or_default();
        return Err(format!("a paragraph names no package; it begins with `{first}`"));
    };
    // Distroless' files have no status: what has a file is there.
    let status = field("Status").unwrap_or_else(|| "install ok installed".to_owned());
    let state = status.split_whitespace().last().unwrap_or_default();
    let version = field("Version");
    let version = match (state, version) {
        ("installed", Some(version)) => version,
        ("not-installed", _) | (_, None) => return Ok(None),
        (state, Some(version)) => format!("{version} ({state})"),
    };
    Ok(Some(Package { name, arch: field("Architecture").unwrap_or_default(), version }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_is_there_when_its_status_says_so() {
        let paragraph = |status: &str| {
            package(&format!(
                "Package: tzdata\nStatus: {status}\nArchitecture: all\nVersion: 2024a-0\nDescription: x\n Version: no\n"
            ))
        };
        let version = |status: &str| paragraph(status).unwrap().map(|package| package.version);
        assert_eq!(version("install ok installed").as_deref(), Some("2024a-0"));
        assert_eq!(version("deinstall ok config-files").as_deref(), Some("2024a-0 (config-files)"));
        assert_eq!(version("purge ok not-installed"), None);
        assert!(package("Nonsense\n").unwrap_err().contains("Nonsense"));
    }
}
