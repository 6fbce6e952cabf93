use clap::Args;
use futures_util::StreamExt;
use prodmirror::backend::{LogLine, LogQuery};

use crate::cli::{
    failure::Failure,
    host::{Host, span},
    naming,
    ui::{DIM, Ui},
};

/// Print what the containers of a mirror wrote
///
/// Examples:
///   prodmirror logs shop api --tail 50
///   prodmirror logs shop api/1 --previous
#[derive(Debug, Args)]
pub struct Logs {
    /// A mirror's name, a profile's path, or `.`
    #[arg(value_name = "NAME")]
    name: Option<String>,
    #[arg(value_name = "SERVICE[/ORDINAL]")]
    part: Option<String>,
    /// Go on as lines come
    #[arg(short = 'f', long)]
    follow: bool,
    /// Since a time (RFC 3339), or this long ago (10m)
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Only the last N lines of each container
    #[arg(long, value_name = "N")]
    tail: Option<u32>,
    /// Of the container that was replaced last
    #[arg(long)]
    previous: bool,
    /// Begin each line with its time
    #[arg(short = 't', long)]
    timestamps: bool,
    /// An init container or sidecar; default: all of them
    #[arg(long, value_name = "NAME")]
    container: Option<String>,
}

impl Logs {
    pub async fn run(&self, ui: &Ui) -> Result<u8, Failure> {
        let host = Host::read()?;
        let backend = host.connect().await?;
        let name = naming::mirror(&host, &*backend, self.name.as_deref()).await?;
        let (service, ordinal) = match &self.part {
            Some(part) => {
                let (service, ordinal) = naming::replica(part)?;
                naming::must_exist(&*backend, &name, &service, ordinal).await?;
                (Some(service), ordinal)
            }
            None => (None, None),
        };
        let query = LogQuery {
            service,
            ordinal,
            container: self.container.clone(),
            follow: self.follow,
            since: self.since.as_deref().map(since).transpose()?,
            tail: self.tail,
            previous: self.previous,
        };
        let mut lines = backend.logs(&name, query).await?;
        while let Some(line) = lines.next().await {
            self.print(ui, &line?);
        }
        Ok(0)
    }

    fn print(&self, ui: &Ui, line: &LogLine) {
        if ui.is_json() {
            if let Ok(text) = serde_json::to_string(line) {
                ui.data(&text);
            }
            return;
        }
        let container = if line.container == "main" { String::new() } else { format!(".{}", line.container) };
        let at = if self.timestamps { format!("{} ", line.at) } else { String::new() };
        let text = String::from_utf8_lossy(&line.line);
        ui.data(&format!(
            "{DIM}{at}{}/{}{container} |{DIM:#} {}\n",
            line.service,
            line.ordinal,
            text.trim_end_matches('\n')
        ));
    }
}

fn since(text: &str) -> Result<i64, Failure> {
    if let Ok(at) = text.parse::<jiff::Timestamp>() {
        return Ok(at.as_second());
    }
    let ago = span("since", text)?;
    Ok(jiff::Timestamp::now().as_second() - ago.as_secs() as i64)
}
