use clap::Args;
use prodmirror::{
    mirror::{self, ResetRequest, ResetRow},
    name::Name,
};
use serde::Serialize;

use crate::cli::{
    again::again,
    failure::Failure,
    host::{Host, span},
    naming,
    options::PlaceArgs,
    progress::Drawn,
    ui::Ui,
};

/// Put stores back to what they held after their seeding; the rest of the mirror runs on
///
/// Example: prodmirror reset shop db
#[derive(Debug, Args)]
pub struct Reset {
    /// A mirror's name, a profile's path, or `.`
    #[arg(value_name = "NAME")]
    name: Option<String>,
    /// Stores; default: all
    #[arg(value_name = "STORE")]
    stores: Vec<String>,
    /// How long to wait until a store answers again
    #[arg(long, value_name = "TIME", default_value = "120s", env = "PRODMIRROR_TIMEOUT", hide_env = true)]
    timeout: String,
    #[command(flatten)]
    place: PlaceArgs,
}

#[derive(Serialize)]
struct Body {
    stores: Vec<ResetRow>,
}

impl Reset {
    pub async fn run(&self, ui: &Ui) -> Result<u8, Failure> {
        let stores = self
            .stores
            .iter()
            .map(|store| {
                Name::new(store.as_str()).map_err(|error| Failure::usage("bad-name", error.to_string()))
            })
            .collect::<Result<Vec<_>, _>>()?;
        let host = Host::read()?;
        let (backend, name) = naming::find(&host, &self.place, self.name.as_deref()).await?;
        let again = again(&host, &*backend, &name, &[], ui).await?;
        let drawn = Drawn::new(ui);
        let request = ResetRequest {
            drawn: &again.drawn,
            secrets: &again.secrets,
            folder: &again.folder,
            stores: &stores,
            timeout: span("timeout", &self.timeout)?,
        };
        let rows = mirror::reset(&*backend, request, &drawn).await?;
        drop(drawn);
        if ui.is_json() {
            ui.document("Reset", &Body { stores: rows });
        } else {
            for row in &rows {
                ui.data(&format!(
                    "{} is back: {} bytes in {:.1} s",
                    row.store,
                    row.bytes,
                    row.millis as f64 / 1000.0
                ));
            }
        }
        Ok(0)
    }
}
