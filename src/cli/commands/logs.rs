use clap::Args;
use futures_util::StreamExt;
use jiff::Timestamp;
use prodmirror::backend::{LogLine, LogQuery};

use crate::cli::{
    failure::Failure,
    host::{Host, span},
    naming,
    options::PlaceArgs,
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
    #[arg(long, conflicts_with = "follow")]
    previous: bool,
    /// Begin each line with its time
    #[arg(short = 't', long)]
    timestamps: bool,
    /// An init container or sidecar; default: all of them
    #[arg(long, value_name = "NAME")]
    container: Option<String>,
    #[command(flatten)]
    place: PlaceArgs,
}

impl Logs {
    pub async fn run(&self, ui: &Ui) -> Result<u8, Failure> {
        let host = Host::read()?;
        let (backend, name) = naming::find(&host, &self.place, self.name.as_deref()).await?;
        let (service, ordinal) = match &self.part {
            Some(part) => {
                let (service, ordinal) = naming::replica(part)?;
                naming::must_exist(&*backend, &name, &service, ordinal).await?;
                (Some(service), ordinal)
            }
            None => {
                naming::must_be_there(&*backend, &name).await?;
                (None, None)
            }
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
            // `logs -f | head` ends with `head`.
            if !self.print(ui, &line?) {
                break;
            }
        }
        Ok(0)
    }

    /// Whether someone still reads.
    fn print(&self, ui: &Ui, line: &LogLine) -> bool {
        if ui.is_json() {
            let text = serde_json::to_string(line);
            return text.map_or(true, |text| ui.wrote(&text));
        }
        let container = if line.container == "main" { String::new() } else { format!(".{}", line.container) };
        let at = if self.timestamps { format!("{} ", line.at) } else { String::new() };
        let text = String::from_utf8_lossy(&line.line);
        ui.wrote(&format!(
            "{DIM}{at}{}/{}{container} |{DIM:#} {}\n",
            line.service,
            line.ordinal,
            text.trim_end_matches('\n')
        ))
    }
}

fn since(text: &str) -> Result<Timestamp, Failure> {
    if let Ok(at) = text.parse::<Timestamp>() {
        return Ok(at);
    }
    let ago = span("since", text)
        .map_err(|failure| failure.hint("write a time as 2026-11-25T10:00:00Z, or how long ago: 10m"))?;
    let ago = jiff::SignedDuration::try_from(ago).unwrap_or(jiff::SignedDuration::MAX);
    Ok(Timestamp::now().checked_sub(ago).unwrap_or(Timestamp::MIN))
}
