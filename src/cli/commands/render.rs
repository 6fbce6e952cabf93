use std::path::{Path, PathBuf};

use clap::Args;
use prodmirror::{
    mirror, plan,
    render::{self, Form, Templates},
};
use serde::Serialize;

use crate::cli::{
    failure::Failure,
    host::Host,
    options::{PlanArgs, ProfileArgs},
    ui::Ui,
};

/// Write the files that `up` would launch, for use with docker compose or kubectl alone
///
/// A bare launch seeds nothing; the first file begins with the lines to type. With --backend kind or kubernetes no
/// cluster is asked, and none need be there.
///
/// Example: prodmirror render -f profiles/shop.yaml -o out
#[derive(Debug, Args)]
pub struct Render {
    #[command(flatten)]
    profile: ProfileArgs,
    #[command(flatten)]
    plan: PlanArgs,
    /// The folder to write to; made if absent
    #[arg(short = 'o', long = "output", value_name = "DIR")]
    output: PathBuf,
    /// Render through the templates of this folder where it has them
    #[arg(long, value_name = "DIR", env = "PRODMIRROR_TEMPLATES", hide_env = true)]
    templates: Option<PathBuf>,
}

#[derive(Serialize)]
struct FileRow {
    path: String,
    sha256: String,
}

#[derive(Serialize)]
struct Body {
    files: Vec<FileRow>,
}

impl Render {
    pub async fn run(&self, ui: &Ui) -> Result<u8, Failure> {
        let (loaded, _) = self.profile.load(ui)?;
        let host = Host::read()?;
        let templates = templates(self.templates.as_deref())?;
        let unpinned = self.profile.allow_unpinned;
        let mut helper_of = None;
        let bundle = if let Some(kind) = self.plan.backend.cluster() {
            let capabilities = host.cluster(kind, &loaded.profile, &self.plan, unpinned)?;
            let planned = plan::cluster(&loaded.profile, &capabilities, &loaded.origins);
            tell(ui, &planned.refusals, &planned.notes)?;
            render::cluster(&planned, &templates)
        } else {
            let ask = host.ask(&loaded.profile, &self.plan, unpinned)?;
            let (capabilities, lacks) = host.connect().await?.capabilities(&ask).await?;
            let planned = plan::plan(&loaded.profile, &capabilities, &loaded.origins);
            for lack in lacks.iter().filter(|lack| lack.fatal) {
                ui.warn(format!("{} ({})", lack.message, lack.hint));
            }
            tell(ui, &planned.refusals, &planned.notes)?;
            helper_of = Some(capabilities.host.arch);
            render::bundle(&planned, Form::Standalone, &templates)
        };
        let bundle = bundle.map_err(|error| Failure::tool("render", error.to_string()))?;
        let mut rows = Vec::new();
        for (path, content) in &bundle.files {
            write(&self.output.join(path), content)?;
            rows.push(FileRow { path: path.clone(), sha256: prodmirror::digest::sha256(content) });
        }
        if let Some(arch) = helper_of {
            rows.push(self.helper(&host, &arch)?);
        }
        if ui.is_json() {
            ui.document("Bundle", &Body { files: rows });
        } else {
            for row in &rows {
                ui.data(&format!("{}  {}", row.sha256, self.output.join(&row.path).display()));
            }
        }
        Ok(0)
    }

    /// The helper image, for `docker load`.
    fn helper(&self, host: &Host, arch: &str) -> Result<FileRow, Failure> {
        let bytes = host.helper_tar(arch)?;
        write(&self.output.join("helper.tar"), &bytes)?;
        Ok(FileRow { path: "helper.tar".to_owned(), sha256: prodmirror::digest::sha256(&bytes) })
    }
}

/// Stops at holes, for a file that lacks a value is none, and says the rest.
fn tell(ui: &Ui, refusals: &[plan::Refusal], notes: &[String]) -> Result<(), Failure> {
    let holes: Vec<_> = refusals.iter().filter(|refusal| refusal.code == "hole").cloned().collect();
    if !holes.is_empty() {
        return Err(mirror::StoryError::Refused(holes).into());
    }
    for note in notes {
        ui.say(format!("note: {note}"));
    }
    Ok(())
}

fn write(file: &Path, content: &[u8]) -> Result<(), Failure> {
    let failed = |error: std::io::Error| Failure::tool("io", format!("{}: {error}", file.display()));
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    std::fs::write(file, content).map_err(failed)
}

/// Our templates, or the user's in their place, by relative path.
pub fn templates(folder: Option<&Path>) -> Result<Templates, Failure> {
    let Some(folder) = folder else { return Ok(Templates::embedded()) };
    let mut own = Vec::new();
    for name in Templates::names() {
        let file = folder.join(name);
        if file.is_file() {
            let text = std::fs::read_to_string(&file)
                .map_err(|error| Failure::input("unreadable", format!("{}: {error}", file.display())))?;
            own.push((name, text));
        }
    }
    if own.is_empty() {
        let known: Vec<&str> = Templates::names().collect();
        return Err(Failure::input(
            "no-templates",
            format!("{} holds no template of ours", folder.display()),
        )
        .hint(format!("known are {}", known.join(", "))));
    }
    Templates::with(own.iter().map(|(name, text)| (*name, text.as_str())))
        .map_err(|error| Failure::input("bad-template", error.to_string()))
}
