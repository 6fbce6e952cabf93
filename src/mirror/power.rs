//! `stop`, `start` and `restart`: processes come and go, state is kept.

use crate::{
    backend::{Backend, Part, Power, Report},
    name::Name,
};

use super::{Result, StoryError};

pub async fn power(
    backend: &dyn Backend,
    mirror: &Name,
    part: &Part,
    power: Power,
    report: &dyn Report,
) -> Result<()> {
    if backend.says(mirror).await?.is_none() {
        return Err(StoryError::NoMirror { mirror: mirror.clone() });
    }
    Ok(backend.power(mirror, part, power, report).await?)
}
