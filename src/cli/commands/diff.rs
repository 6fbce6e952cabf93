use std::path::PathBuf;

use clap::Args;
use prodmirror::{
    diff::{self, Change, Difference, Op},
    profile,
};

use crate::cli::{
    failure::{Failure, exit},
    options::ProfileArgs,
    ui::Ui,
};

/// What differs between two profiles; A is "from", B is "to"
///
/// Exit 0 when they are equal, 1 when they differ, 6 when only what cannot be compared is left.
///
/// Example: prodmirror diff profiles/shop-dev.yaml profiles/shop.yaml
#[derive(Debug, Args)]
pub struct Diff {
    /// A profile: a file, `profile:FILE`, or `-`
    #[arg(value_name = "A")]
    a: String,
    #[arg(value_name = "B")]
    b: String,
    /// Also differences that mean nothing
    #[arg(long, env = "PRODMIRROR_NOISE", hide_env = true)]
    noise: bool,
    /// Also write a page to look at
    #[arg(long, value_name = "FILE", env = "PRODMIRROR_HTML", hide_env = true)]
    html: Option<PathBuf>,
}

impl Diff {
    pub async fn run(&self, ui: &Ui) -> Result<u8, Failure> {
        let (a, b) = (tree(&self.a, ui)?, tree(&self.b, ui)?);
        let difference = diff::compare(&a, &b);
        if let Some(file) = &self.html {
            let page = page(&self.a, &self.b, &difference);
            std::fs::write(file, page)
                .map_err(|error| Failure::tool("io", format!("{}: {error}", file.display())))?;
        }
        let counts = difference.changes.iter().any(|change| change.noise.is_none());
        let code = match (counts, difference.incomparable.is_empty()) {
            (true, _) => exit::NO,
            (false, true) => 0,
            (false, false) => exit::INCONCLUSIVE,
        };
        if ui.is_json() {
            ui.document("Diff", &difference);
        } else {
            ui.data(&diff::text(&difference, self.noise));
        }
        Ok(code)
    }
}

/// The long form of a source; sources besides profiles come in a later version.
fn tree(source: &str, ui: &Ui) -> Result<serde_json::Value, Failure> {
    let later = ["mirror:", "docker:", "compose:", "kubernetes:", "postgres://", "mysql://", "redis://"];
    if let Some(kind) = later.into_iter().find(|kind| source.starts_with(kind)) {
        return Err(Failure::later(&format!("the source `{kind}…`")));
    }
    let file = source.strip_prefix("profile:").unwrap_or(source);
    let args =
        ProfileArgs { files: vec![PathBuf::from(file)], allow_unpinned: true, ..ProfileArgs::default() };
    let (loaded, _) = args.load(&ui.quieter())?;
    Ok(profile::tree(&loaded.profile))
}

/// The difference as a page of its own: no script, nothing fetched.
fn page(a: &str, b: &str, difference: &Difference) -> String {
    let rows: String = difference.changes.iter().map(row).collect();
    let holes: String = difference
        .incomparable
        .iter()
        .map(|one| {
            format!(
                "<tr class=noise><td>{}<td colspan=3>{}",
                escaped(&one.path.to_string()),
                escaped(&one.why)
            )
        })
        .collect();
    format!(
        "<!doctype html><meta charset=utf-8><title>{a} to {b}</title><style>\
         body{{font:15px system-ui;margin:2rem}}table{{border-collapse:collapse;width:100%}}\
         td,th{{text-align:left;padding:.3rem .8rem;border-bottom:1px solid #8884;vertical-align:top}}\
         code{{white-space:pre-wrap;overflow-wrap:anywhere}}.noise{{opacity:.5}}.add{{color:#18794e}}.remove{{color:#c33}}</style>\
         <h1>From {a} to {b}</h1><table><tr><th>path<th>class<th>from<th>to{rows}{holes}</table>",
        a = escaped(a),
        b = escaped(b)
    )
}

fn row(change: &Change) -> String {
    let cell = |value: &Option<serde_json::Value>| match value {
        Some(serde_json::Value::String(text)) => format!("<code>{}</code>", escaped(text)),
        Some(other) => format!("<code>{}</code>", escaped(&other.to_string())),
        None => String::new(),
    };
    let style = match (&change.noise, change.op) {
        (Some(_), _) => "noise",
        (None, Op::Add) => "add",
        (None, Op::Remove) => "remove",
        (None, Op::Change) => "",
    };
    format!(
        "<tr class=\"{style}\"><td>{}<td>{:?}<td>{}<td>{}",
        escaped(&change.path.to_string()),
        change.class,
        cell(&change.from),
        cell(&change.to)
    )
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
