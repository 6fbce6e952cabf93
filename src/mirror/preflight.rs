//! Before anything is made: what the host lacks, which images must come, and the plan.

use std::path::Path;

use crate::{
    backend::{Ask, Backend, Lack, Progress, Report},
    plan::Capabilities,
    profile::{Origins, Profile},
};

use super::{Drawn, Result, StoryError};

/// A plan, and what it was made from.
pub struct Prepared<'b> {
    pub drawn: Drawn<'b>,
    pub capabilities: Capabilities,
    pub lacks: Vec<Lack>,
}

/// A profile with where its values came from.
#[derive(Clone, Copy)]
pub struct Source<'a> {
    pub profile: &'a Profile,
    pub origins: &'a Origins,
}

/// Reads the host and plans; makes nothing but the helper image.
pub async fn look<'b>(backend: &'b dyn Backend, source: Source<'_>, ask: &Ask) -> Result<Prepared<'b>> {
    let (capabilities, lacks) = backend.capabilities(ask).await?;
    let drawn = Drawn::new(backend, source, &capabilities);
    Ok(Prepared { drawn, capabilities, lacks })
}

/// As [`look`], and refuses what cannot be launched; brings images that are not here.
pub async fn prepare<'b>(
    backend: &'b dyn Backend,
    source: Source<'_>,
    ask: &Ask,
    archive: Option<&Path>,
    report: &dyn Report,
) -> Result<Prepared<'b>> {
    let first = look(backend, source, ask).await?;
    let fatal: Vec<Lack> =
        first.lacks.iter().filter(|l| l.fatal && l.code != "image-missing").cloned().collect();
    if !fatal.is_empty() {
        return Err(StoryError::Lacks(fatal));
    }
    refuse(&first.drawn, |code| code != "image-missing" && code != "helper-missing")?;
    let missing = ask.images.iter().any(|image| !first.capabilities.images.contains_key(&image.to_engine()));
    if !missing {
        refuse(&first.drawn, |_| true)?;
        return Ok(first);
    }
    let brought = backend.bring(&ask.images, archive, &first.capabilities.roles, report).await?;
    for image in &brought.unreachable {
        report.event(Progress::Note(format!("no registry is in reach for {image}")));
    }
    let prepared = if brought.any { look(backend, source, ask).await? } else { first };
    refuse(&prepared.drawn, |_| true)?;
    Ok(prepared)
}

fn refuse(drawn: &Drawn<'_>, counts: impl Fn(&str) -> bool) -> Result<()> {
    let refusals: Vec<_> = drawn.refusals().iter().filter(|refusal| counts(&refusal.code)).cloned().collect();
    if refusals.is_empty() { Ok(()) } else { Err(StoryError::Refused(refusals)) }
}
