//! What the gateway publishes: its arguments, one `--door` each.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::name::Name;

/// One published port: the gateway listens on `listen` and relays to `service`'s ready replicas.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Door {
    pub listen: u16,
    pub service: Name,
    /// The port's name in the profile, for people; `target` is its number.
    pub port: Name,
    pub target: u16,
}

impl fmt::Display for Door {
    /// `LISTEN=SERVICE/PORT:TARGET`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}/{}:{}", self.listen, self.service, self.port, self.target)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no door: write LISTEN=SERVICE/PORT:TARGET")]
pub struct DoorError(pub String);

impl FromStr for Door {
    type Err = DoorError;
    fn from_str(text: &str) -> Result<Self, DoorError> {
        let read = || {
            let (listen, rest) = text.split_once('=')?;
            let (service, rest) = rest.split_once('/')?;
            let (port, target) = rest.split_once(':')?;
            Some(Self {
                listen: listen.parse().ok()?,
                service: Name::new(service).ok()?,
                port: Name::new(port).ok()?,
                target: target.parse().ok()?,
            })
        };
        read().ok_or_else(|| DoorError(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_door_reads_back() {
        let text = "20001=api/http:8000";
        assert_eq!(text.parse::<Door>().map(|d| d.to_string()), Ok(text.to_owned()));
        assert!("20001=api:8000".parse::<Door>().is_err());
    }
}
