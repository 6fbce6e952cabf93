//! Variables as text that its own consumer reads back exactly, or an error that names the one it cannot hold.

use super::{Dialect, Value, Variable, bash, compose, docker, mapping, read, remark};

/// How variables are printed; JSON is the `Environment` document itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For Compose's `.env` and `env_file`, and wherever they agree with it for dotenv libraries and shells.
    Dotenv,
    /// For `docker run --env-file`.
    Docker,
    /// `environment:` of a Compose file.
    Compose,
    /// `export` lines for a shell.
    Shell,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Written {
    pub text: String,
    /// [`Format::Dotenv`]: variables that dotenv libraries read otherwise than Compose.
    pub otherwise: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{name}`: {why}")]
pub struct WriteError {
    pub name: String,
    pub why: &'static str,
    /// A format that can, by its name on the command line.
    pub instead: &'static str,
}

/// Prints variables; secrets and holes become comments that [`read()`] knows.
pub fn write(variables: &[Variable], format: Format) -> Result<Written, WriteError> {
    let mut written = Written::default();
    if format == Format::Compose {
        written.text.push_str("environment:\n");
    }
    for Variable { name, value, .. } in variables {
        let instead = match format {
            Format::Docker if bash::is_name(name) => "shell",
            _ => "json",
        };
        let error = |why| WriteError { name: name.clone(), why, instead };
        if name.is_empty() || name.contains(['=', '\0', '\n']) {
            return Err(error("no environment can hold such a name"));
        }
        let line = match (value, format) {
            (Value::Text(text), _) if text.contains('\0') => {
                return Err(error("a value cannot hold a NUL byte"));
            }
            (Value::Text(text), Format::Docker) => docker::write(name, text),
            (Value::Text(text), Format::Shell) => bash::write(name, text),
            (Value::Text(text), Format::Compose) => mapping::write(name, text),
            (Value::Text(text), Format::Dotenv) => dotenv(name, text, &mut written.otherwise),
            (other, _) => {
                if !remark::holds(name) {
                    return Err(error("a comment cannot hold such a name"));
                }
                let deep = if format == Format::Compose { "  " } else { "" };
                Ok(remark::write(name, other).map(|remark| format!("{deep}{remark}")).unwrap_or_default())
            }
        };
        written.text.push_str(&line.map_err(error)?);
        written.text.push('\n');
    }
    if written.text == "environment:\n" {
        written.text = "environment: {}\n".to_owned();
    }
    Ok(written)
}

/// The first form that Compose reads back, those first that others read alike.
fn dotenv(name: &str, value: &str, otherwise: &mut Vec<String>) -> Result<String, &'static str> {
    let holds = |line: &str, dialect| {
        read(line, dialect)
            .is_ok_and(|read| read.len() == 1 && read.get(name).and_then(Value::text) == Some(value))
    };
    let plain = value.bytes().all(|b| b.is_ascii_alphanumeric() || b"_./:@%+,-=".contains(&b));
    let forms = [
        plain.then(|| value.to_owned()),
        (!value.contains('\'')).then(|| format!("'{value}'")),
        (!value.contains(['"', '\\', '$'])).then(|| format!("\"{value}\"")),
        Some(compose::double_quoted(value)),
    ];
    let lines: Vec<String> = forms
        .into_iter()
        .flatten()
        .map(|form| format!("{name}={form}"))
        .filter(|line| holds(line, Dialect::Compose))
        .collect();
    let alike = |line: &&String, dialects: &[Dialect]| dialects.iter().all(|dialect| holds(line, *dialect));
    let all = [Dialect::Dotenv, Dialect::Shell];
    if let Some(line) = lines
        .iter()
        .find(|line| alike(line, &all))
        .or_else(|| lines.iter().find(|line| alike(line, &all[..1])))
    {
        return Ok(line.clone());
    }
    let line = lines.into_iter().next().ok_or("Compose's `.env` cannot hold such a name")?;
    otherwise.push(name.to_owned());
    Ok(line)
}
