use clap::Args;
use prodmirror::{
    backend::{Part, Power},
    mirror,
};

use crate::cli::{failure::Failure, host::Host, naming, options::PlaceArgs, progress::Drawn, ui::Ui};

use super::status;

#[derive(Debug, Args)]
pub struct PartArgs {
    /// A mirror's name, a profile's path, or `.`
    #[arg(value_name = "NAME")]
    name: Option<String>,
    /// A service, or one replica of it
    #[arg(value_name = "SERVICE[/ORDINAL]")]
    part: Option<String>,
    #[command(flatten)]
    place: PlaceArgs,
}

/// Stop the processes of a mirror, a service or a replica; state is kept
///
/// Example: prodmirror stop shop worker
#[derive(Debug, Args)]
pub struct Stop {
    #[command(flatten)]
    args: PartArgs,
}

/// Start what `stop` stopped
///
/// Example: prodmirror start shop worker
#[derive(Debug, Args)]
pub struct Start {
    #[command(flatten)]
    args: PartArgs,
}

/// Stop and start again
///
/// Example: prodmirror restart shop api/1
#[derive(Debug, Args)]
pub struct Restart {
    #[command(flatten)]
    args: PartArgs,
}

macro_rules! power {
    ($($command:ident => $power:expr),*) => {$(
        impl $command {
            pub async fn run(&self, ui: &Ui) -> Result<u8, Failure> {
                self.args.run(ui, $power).await
            }
        }
    )*};
}
power!(Stop => Power::Stop, Start => Power::Start, Restart => Power::Restart);

impl PartArgs {
    async fn run(&self, ui: &Ui, power: Power) -> Result<u8, Failure> {
        let host = Host::read()?;
        let (backend, name) = naming::find(&host, &self.place, self.name.as_deref()).await?;
        let part = match &self.part {
            Some(part) => {
                let (service, ordinal) = naming::replica(part)?;
                naming::must_exist(&*backend, &name, &service, ordinal).await?;
                Part { service: Some(service), ordinal }
            }
            None => Part::default(),
        };
        let drawn = Drawn::new(ui);
        mirror::power(&*backend, &name, &part, power, &drawn).await?;
        drop(drawn);
        let document = status::document(&*backend, &name).await?;
        if ui.is_json() {
            ui.document("Mirror", &document);
        } else {
            ui.data(&status::text(&document));
        }
        Ok(0)
    }
}
