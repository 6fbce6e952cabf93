//! Users and groups. Passwords are neither kept nor shown; whether one is set is.

use super::{Section, facts::Reading};

pub(super) fn read(reading: &mut Reading<'_>) {
    for (path, kind, fields) in [("etc/passwd", "user", 7), ("etc/group", "group", 4)] {
        let Some(text) = reading.text(Section::People, path) else { continue };
        for line in text.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#')) {
            let parts: Vec<&str> = line.split(':').collect();
            if parts.len() != fields {
                let why = format!("a line has {} fields and not {fields}", parts.len());
                reading.lacks(Section::People, path, why);
                continue;
            }
            let value = if kind == "user" { user(&parts) } else { group(&parts) };
            reading.tell(Section::People, format!("{kind} {}", parts[0]), value);
        }
    }
}

fn user(parts: &[&str]) -> String {
    let password = password(parts[1]);
    format!("uid {} gid {} home {} shell {}{password}", parts[2], parts[3], parts[5], parts[6])
}

fn group(parts: &[&str]) -> String {
    let members = if parts[3].is_empty() { String::new() } else { format!(" members {}", parts[3]) };
    format!("gid {}{members}{}", parts[2], password(parts[1]))
}

fn password(field: &str) -> &'static str {
    match field {
        "x" | "*" | "!" | "!!" => "",
        "" => " without password",
        _ => " with a password in the file",
    }
}
