//! Removing: a whole mirror, and what nobody will come back for.

use jiff::Timestamp;

use crate::{
    backend::{Backend, BackendError, Lease, LeaseKind, Listed, Names, Part, Power, Progress, Report, Scope},
    formats::journal::{Event, KeeperStatus, UpState},
    name::Name,
};

use super::{Result, shape};

/// Removes everything of a mirror. A keeper that answers is told first, so that a `down` that is
/// cut off is known as one.
pub async fn down(backend: &dyn Backend, mirror: &Name, report: &dyn Report) -> Result<Names> {
    let run = shape::short_id().unwrap_or_default();
    let lease: Option<Box<dyn Lease>> = match backend.says(mirror).await {
        Ok(Some(_)) => match backend.lease(mirror, &run, LeaseKind::Down).await {
            Ok(lease) => {
                let _ = backend.note(mirror, &Event::DownBegun { run }, report).await;
                stop(backend, mirror, report).await;
                Some(lease)
            }
            Err(error @ BackendError::Leased { .. }) => return Err(error.into()),
            Err(_) => None,
        },
        _ => None,
    };
    let removed = backend.destroy(mirror, report).await?;
    drop(lease);
    Ok(removed)
}

/// In reverse order, each with its pre_stop and its grace; that it cannot be done is no reason to stay.
async fn stop(backend: &dyn Backend, mirror: &Name, report: &dyn Report) {
    match backend.power(mirror, &Part::default(), Power::Stop, report).await {
        Ok(()) | Err(BackendError::NoSocket { .. }) => {}
        Err(error) => {
            report.event(Progress::Note(format!("not everything was stopped in its order: {error}")))
        }
    }
}

pub(super) fn is_leased(error: &super::StoryError) -> bool {
    matches!(error, super::StoryError::Backend(BackendError::Leased { .. }))
}

/// Removes a mirror without ceremony, whoever holds its lease: for an `up` of ours that failed or was interrupted.
pub async fn abandon(backend: &dyn Backend, mirror: &Name, report: &dyn Report) -> Result<Names> {
    Ok(backend.destroy(mirror, report).await?)
}

/// Which mirrors `gc` may take.
#[derive(Clone, Debug)]
pub struct GcRule {
    pub now: Timestamp,
    /// `None`: of every owner.
    pub owner: Option<String>,
    /// Also mirrors created longer ago than this, whatever their state.
    pub older_than: Option<std::time::Duration>,
}

/// Objects without a keeper are given this long: an `up` may be making them.
pub(super) const YOUNG: i64 = 10;

/// Whether a mirror is garbage, and why. Pure: `status` is what its keeper says, `None` without one.
pub fn garbage(found: &Listed, status: Option<&KeeperStatus>, rule: &GcRule) -> Option<&'static str> {
    if rule.owner.as_ref().is_some_and(|owner| *owner != found.owner) {
        return None;
    }
    let age = rule.now.as_second() - found.youngest;
    let too_old = rule.older_than.is_some_and(|span| age > span.as_secs() as i64);
    let Some(status) = status else {
        return (age >= YOUNG || too_old).then_some("it has no keeper");
    };
    if status.leased {
        return None;
    }
    if too_old {
        return Some("it is older than asked");
    }
    let expired =
        status.expires.as_ref().and_then(|at| at.parse::<Timestamp>().ok()).is_some_and(|at| at <= rule.now);
    if expired {
        return Some("its time is over");
    }
    match status.up {
        UpState::Begun => Some("its `up` was cut off"),
        UpState::DownBegun => Some("its `down` was cut off"),
        UpState::None => (age >= YOUNG).then_some("its `up` was cut off"),
        UpState::Done | UpState::Failed => None,
    }
}

/// Removes garbage; with `dry_run` only names it.
pub async fn gc(backend: &dyn Backend, rule: &GcRule, dry_run: bool, report: &dyn Report) -> Result<Names> {
    let mut all = Names::default();
    let scope = Scope { mirror: None, owner: rule.owner.clone() };
    for found in backend.list(&scope).await? {
        // A label that is no name of ours was put there by someone else.
        let Ok(mirror) = Name::new(found.mirror.as_str()) else { continue };
        let status = match &found.keeper {
            Some(_) => match backend.says(&mirror).await {
                Ok(status) => status,
                // It is there and may be well: an answer that does not come is no reason to remove it.
                Err(error) => {
                    report.event(Progress::Note(format!(
                        "{mirror} is left: it does not say how it is: {error}"
                    )));
                    continue;
                }
            },
            None => None,
        };
        let Some(why) = garbage(&found, status.as_ref(), rule) else {
            if rule.owner.as_ref().is_none_or(|owner| *owner == found.owner) {
                all.extend(backend.clear_fresh(&mirror, dry_run).await?);
            }
            continue;
        };
        report.event(Progress::Note(format!("{} goes: {why}", found.mirror)));
        all.extend(if dry_run { found.names } else { backend.destroy(&mirror, report).await? });
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(age: i64) -> (Listed, GcRule) {
        let now = Timestamp::UNIX_EPOCH.checked_add(jiff::SignedDuration::from_secs(1_000_000)).unwrap();
        let made = 1_000_000 - age;
        let found = Listed {
            mirror: "m".to_owned(),
            owner: "me".to_owned(),
            keeper: None,
            names: Names::default(),
            youngest: made,
        };
        (found, GcRule { now, owner: Some("me".to_owned()), older_than: None })
    }

    fn status(up: UpState) -> KeeperStatus {
        KeeperStatus { up, ..KeeperStatus::default() }
    }

    #[test]
    fn what_is_up_stopped_or_kept_as_failed_is_never_garbage() {
        let (found, rule) = found(100_000);
        for up in [UpState::Done, UpState::Failed] {
            assert_eq!(garbage(&found, Some(&status(up)), &rule), None);
        }
        let stopped = KeeperStatus { stopped: true, ..status(UpState::Done) };
        assert_eq!(garbage(&found, Some(&stopped), &rule), None);
    }

    #[test]
    fn what_was_cut_off_is_garbage_unless_its_lease_is_held() {
        let (found, rule) = found(1);
        for up in [UpState::Begun, UpState::DownBegun] {
            assert!(garbage(&found, Some(&status(up)), &rule).is_some());
            let held = KeeperStatus { leased: true, ..status(up) };
            assert_eq!(garbage(&found, Some(&held), &rule), None);
        }
    }

    #[test]
    fn objects_without_a_keeper_are_given_ten_seconds() {
        let (young, rule) = found(9);
        assert_eq!(garbage(&young, None, &rule), None);
        let (old, rule) = found(10);
        assert!(garbage(&old, None, &rule).is_some());
    }

    #[test]
    fn other_owners_mirrors_are_left_alone() {
        let (found, mut rule) = found(100);
        rule.owner = Some("you".to_owned());
        assert_eq!(garbage(&found, None, &rule), None);
        rule.owner = None;
        assert!(garbage(&found, None, &rule).is_some());
    }

    #[test]
    fn past_its_expiry_a_mirror_goes() {
        let (found, rule) = found(1);
        let over = KeeperStatus { expires: Some("1970-01-01T00:00:00Z".to_owned()), ..status(UpState::Done) };
        assert!(garbage(&found, Some(&over), &rule).is_some());
    }
}
