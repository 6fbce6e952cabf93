//! What `up` does about what stands under its name already: joins it, refuses, replaces it, clears its remains away.

use std::time::{Duration, Instant};

use jiff::Timestamp;

use crate::{
    backend::{Backend, BackendError, Progress, Report, Scope},
    formats::journal::UpState,
    labels,
    name::Name,
    observed::Observed,
};

use super::{
    Drawn, Result, StoryError, UpRequest,
    removal::{self, YOUNG},
    underway::Underway,
};

const BETWEEN: Duration = Duration::from_millis(200);
/// How long another `up` is given from its networks to its keeper.
const TRIES: u32 = 10;

/// Looks at the mirror until it is one that can be joined, or none at all.
///
/// A keeper that does not run is no sign of remains: its journal tells what became of the last `up`.
pub async fn admit(
    backend: &dyn Backend,
    drawn: &Drawn<'_>,
    request: &UpRequest<'_>,
    report: &dyn Report,
) -> Result<Observed> {
    let began = Instant::now();
    let mirror = drawn.mirror();
    let mut said = false;
    loop {
        let observed = look(backend, mirror).await?;
        if let Some(why) = taken(drawn.owner(), request, &observed) {
            if !request.replace {
                return Err(StoryError::Taken { mirror: mirror.clone(), why });
            }
            report.event(Progress::Note(format!("replacing the mirror that is there, {why}")));
            removal::down(backend, mirror, report).await?;
            continue;
        }
        let young = began.elapsed().as_secs() < YOUNG as u64 && age(&observed, Timestamp::now()) < YOUNG;
        let found = match found(&observed, young) {
            Found::Unsure if is_over(&observed, mirror, request) => Found::Remains,
            Found::Whole if is_left_over(backend, drawn, &observed).await? => Found::Remains,
            found => found,
        };
        match found {
            Found::Whole => {
                let status = observed.keeper.as_ref();
                if status.is_some_and(|status| status.up == UpState::Begun && !status.leased) {
                    report.event(Progress::Note(
                        "an earlier `up` of this mirror was cut off: going on with it".to_owned(),
                    ));
                }
                return Ok(observed);
            }
            Found::Remains => {
                report.event(Progress::Note(
                    "an earlier `up` or `down` was cut off: its remains are removed first".to_owned(),
                ));
                removal::abandon(backend, mirror, report).await?;
            }
            Found::Unsure => {
                if !said {
                    report.event(Progress::Note(format!(
                        "another `up` may be making it: waiting until its keeper speaks, {YOUNG} s at most"
                    )));
                    said = true;
                }
                tokio::time::sleep(BETWEEN).await;
            }
        }
    }
}

/// What a failure to begin came from, where there was no mirror before: two `up`s of one name make the same networks,
/// and only one of them makes the keeper.
pub async fn outrun(backend: &dyn Backend, mirror: &Name, run: &str, error: StoryError) -> StoryError {
    for _ in 0..TRIES {
        let Ok(observed) = look(backend, mirror).await else { return error };
        let maker = observed.containers.iter().find_map(|container| container.labels.get(labels::RUN));
        match maker {
            Some(maker) if maker != run => {
                return BackendError::Leased { mirror: mirror.clone() }.into();
            }
            Some(_) => return error,
            None => tokio::time::sleep(BETWEEN).await,
        }
    }
    error
}

/// Whether who made the keeper did it on this host and is gone: then nobody need be waited for.
fn is_over(observed: &Observed, mirror: &Name, request: &UpRequest<'_>) -> bool {
    let run = observed.containers.iter().find_map(|container| container.labels.get(labels::RUN));
    run.is_some_and(|run| Underway::is_over(&request.state, mirror, run))
}

/// Whether volumes stand there that a `down` had no time for: its containers are gone, and their keeper left a journal.
///
/// Volumes alone are also what another `up` makes first. Its keeper may have come while we read: so they are looked at
/// once more.
async fn is_left_over(backend: &dyn Backend, drawn: &Drawn<'_>, observed: &Observed) -> Result<bool> {
    // What a cut-off `down` leaves of objects goes by itself.
    let Drawn::Containers { place, plan } = drawn else { return Ok(false) };
    if !observed.containers.is_empty() || observed.volumes.is_empty() {
        return Ok(false);
    }
    Ok(place.was_kept(plan).await? && look(backend, &plan.mirror).await?.containers.is_empty())
}

async fn look(backend: &dyn Backend, mirror: &Name) -> Result<Observed> {
    let scope = Scope::of(mirror);
    Ok(backend.observe(&scope, false).await?)
}

/// Whether the name belongs to another profile or owner, in words.
fn taken(planned: &str, request: &UpRequest<'_>, observed: &Observed) -> Option<String> {
    if observed.containers.is_empty() && observed.keeper.is_none() {
        return None;
    }
    if request.must_be_new {
        return Some("and `--reuse` was not given".to_owned());
    }
    let owner = observed.containers.iter().find_map(|container| container.labels.get(labels::OWNER));
    if let Some(owner) = owner.filter(|owner| *owner != planned) {
        return Some(format!("of owner {owner}"));
    }
    let mark = observed.keeper.as_ref()?.profile.as_ref()?;
    (mark.name != request.profile.name.as_str()).then(|| format!("from the profile `{}`", mark.name))
}

#[derive(Debug, PartialEq, Eq)]
enum Found {
    /// A mirror, or nothing; someone may be at work on it.
    Whole,
    /// What an `up` or `down` left that ended without a word.
    Remains,
    /// Remains, or the first moments of another `up`: its keeper has no lease yet.
    Unsure,
}

fn found(observed: &Observed, young: bool) -> Found {
    let unsure = if young { Found::Unsure } else { Found::Remains };
    match &observed.keeper {
        None if observed.containers.is_empty() => Found::Whole,
        None => unsure,
        Some(keeper) if keeper.leased => Found::Whole,
        Some(keeper) => match keeper.up {
            UpState::None => unsure,
            // An `up` over a mirror that was up: what it had done is compared like everything else.
            UpState::Begun if keeper.was_up => Found::Whole,
            UpState::Begun | UpState::DownBegun => Found::Remains,
            UpState::Done | UpState::Failed => Found::Whole,
        },
    }
}

/// Seconds since the youngest container was made.
fn age(observed: &Observed, now: Timestamp) -> i64 {
    let made = observed.containers.iter().filter_map(|container| container.created.parse::<Timestamp>().ok());
    made.max().map_or(i64::MAX, |made| now.as_second() - made.as_second())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{formats::journal::KeeperStatus, observed::Container};

    fn with(keeper: Option<KeeperStatus>) -> Observed {
        Observed { containers: vec![Container::default()], keeper, ..Observed::default() }
    }

    fn says(up: UpState, leased: bool) -> Observed {
        with(Some(KeeperStatus { up, leased, ..KeeperStatus::default() }))
    }

    #[test]
    fn the_first_moments_of_another_up_are_no_remains() {
        for first in [with(None), says(UpState::None, false)] {
            assert_eq!(found(&first, true), Found::Unsure);
            assert_eq!(found(&first, false), Found::Remains);
        }
    }

    #[test]
    fn who_lost_its_lease_in_the_middle_was_cut_off_at_any_age() {
        for up in [UpState::Begun, UpState::DownBegun] {
            assert_eq!(found(&says(up, false), true), Found::Remains);
            assert_eq!(found(&says(up, true), false), Found::Whole);
        }
        assert_eq!(found(&Observed::default(), true), Found::Whole);
        assert_eq!(found(&says(UpState::Failed, false), false), Found::Whole);
    }

    #[test]
    fn an_up_that_was_cut_off_over_a_mirror_that_was_up_is_gone_on_with() {
        let cut_off = KeeperStatus { up: UpState::Begun, was_up: true, ..KeeperStatus::default() };
        assert_eq!(found(&with(Some(cut_off)), false), Found::Whole);
    }

    #[test]
    fn the_youngest_container_counts() {
        let made = |at: &str| Container { created: at.to_owned(), ..Container::default() };
        let containers = vec![made("2026-11-22T10:00:00.5Z"), made("2026-11-22T10:00:07Z"), made("never")];
        let now: Timestamp = "2026-11-22T10:00:09Z".parse().unwrap();
        assert_eq!(age(&Observed { containers, ..Observed::default() }, now), 2);
        assert_eq!(age(&Observed::default(), now), i64::MAX);
    }
}
