//! Addresses for this host: the gateway's published ports, read through its doors.

use bollard::models::ContainerInspectResponse;

use super::{
    super::{Endpoint, Result},
    Compose,
    launch::id_of,
};
use crate::{formats::doors::Door, labels::Kind, name::Name};

impl Compose {
    pub(super) async fn endpoints(&self, mirror: &Name) -> Result<Vec<Endpoint>> {
        let Some(gateway) = self.helper_container(mirror, Kind::Gateway).await? else {
            return Ok(Vec::new());
        };
        Ok(self.inspect(id_of(&gateway)).await?.map(|gateway| read(&gateway)).unwrap_or_default())
    }
}

/// A door whose port is not published, as of a gateway that is stopped, has no address and is left out.
fn read(gateway: &ContainerInspectResponse) -> Vec<Endpoint> {
    let args = gateway.args.iter().flatten().map(String::as_str);
    let ports = gateway.network_settings.as_ref().and_then(|settings| settings.ports.as_ref());
    let address = |door: &Door| {
        let bindings = ports?.get(&format!("{}/tcp", door.listen))?.as_ref()?;
        let binding = bindings.first()?;
        format!("{}:{}", binding.host_ip.as_deref()?, binding.host_port.as_deref()?).parse().ok()
    };
    let endpoint = |door: Door| {
        let address = address(&door)?;
        Some(Endpoint { service: door.service, port: door.port, protocol: "tcp".to_owned(), address })
    };
    doors(args).into_iter().filter_map(endpoint).collect()
}

/// `--door X` and `--door=X`.
fn doors<'a>(args: impl Iterator<Item = &'a str>) -> Vec<Door> {
    let mut doors = Vec::new();
    let mut args = args.peekable();
    while let Some(arg) = args.next() {
        let value = if arg == "--door" { args.peek().copied() } else { arg.strip_prefix("--door=") };
        doors.extend(value.and_then(|value| value.parse::<Door>().ok()));
    }
    doors
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_to_write_a_door_are_read() {
        let args = ["gateway", "--door", "20001=api/http:8000", "--door=20002=db/main:5432", "--quiet"];
        let services: Vec<_> =
            doors(args.into_iter()).into_iter().map(|door| door.service.to_string()).collect();
        assert_eq!(services, ["api", "db"]);
    }
}
