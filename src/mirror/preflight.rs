//! Before anything is made: what the host lacks, which images must come, and the plan.

use std::path::Path;

use crate::{
    backend::{Ask, Backend, Lack, Progress, Report},
    plan::{Capabilities, Plan},
    profile::{Origins, Profile},
};

use super::{Result, StoryError};

/// A plan, and what it was made from.
pub struct Prepared {
    pub plan: Plan,
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
pub async fn look(backend: &dyn Backend, source: Source<'_>, ask: &Ask) -> Result<Prepared> {
    let (capabilities, lacks) = backend.capabilities(ask).await?;
    let plan = crate::plan::plan(source.profile, &capabilities, source.origins);
    Ok(Prepared { plan, capabilities, lacks })
}

/// As [`look`], and refuses what cannot be launched; brings images that are not here.
pub async fn prepare(
    backend: &dyn Backend,
    source: Source<'_>,
    ask: &Ask,
    archive: Option<&Path>,
    report: &dyn Report,
) -> Result<Prepared> {
    let first = look(backend, source, ask).await?;
    let fatal: Vec<Lack> =
        first.lacks.iter().filter(|l| l.fatal && l.code != "image-missing").cloned().collect();
    if !fatal.is_empty() {
        return Err(StoryError::Lacks(fatal));
    }
    refuse(&first.plan, |code| code != "image-missing" && code != "helper-missing")?;
    let missing = ask.images.iter().any(|image| !first.capabilities.images.contains_key(&image.to_engine()));
    if !missing {
        refuse(&first.plan, |_| true)?;
        return Ok(first);
    }
    let brought = backend.bring(&ask.images, archive, &first.capabilities.roles, report).await?;
    for image in &brought.unreachable {
        report.event(Progress::Note(format!("no registry is in reach for {image}")));
    }
    let prepared = if brought.any { look(backend, source, ask).await? } else { first };
    refuse(&prepared.plan, |_| true)?;
    Ok(prepared)
}

fn refuse(plan: &Plan, counts: impl Fn(&str) -> bool) -> Result<()> {
    let refusals: Vec<_> = plan.refusals.iter().filter(|refusal| counts(&refusal.code)).cloned().collect();
    if refusals.is_empty() { Ok(()) } else { Err(StoryError::Refused(refusals)) }
}
