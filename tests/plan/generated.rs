//! Laws on random profiles: valid ones, and ones that `check` would never let through.

use prodmirror::{
    plan::{Capabilities, plan},
    profile::{FileContent, Origins, Profile, Value},
};
use proptest::prelude::*;

use crate::{
    generate,
    laws::assert_whole,
    ledger::assert_one_entry_a_leaf,
    support::{host, name},
};

/// A host that can do less the more bits are set.
pub fn poor(bits: u8) -> Capabilities {
    let mut capabilities = host();
    let host = &mut capabilities.host;
    if bits & 1 != 0 {
        (host.socket, host.helper) = (None, None);
    }
    if bits & 2 != 0 {
        (host.cores, host.memory, host.cgroup) = (0, 0, 1);
    }
    if bits & 4 != 0 {
        capabilities.images.clear();
        capabilities.roles.clear();
    }
    if bits & 8 != 0 {
        capabilities.subnets_in_use = vec!["0.0.0.0/0".parse().unwrap()];
    }
    if bits & 16 != 0 {
        capabilities.own_subnets =
            Some(("255.255.255.255/32".parse().unwrap(), "0.0.0.0/32".parse().unwrap()));
    }
    capabilities
}

/// Breaks what `check` holds: circles, names that lead nowhere, declarations that are gone, names that two share.
pub fn broken(mut profile: Profile, bits: u8) -> Profile {
    let all: Vec<_> =
        profile.services.keys().chain(profile.jobs.keys()).chain(profile.stores.keys()).cloned().collect();
    if bits & 1 != 0 {
        for service in profile.services.values_mut() {
            service.run.needs = all.clone();
        }
        for store in profile.stores.values_mut() {
            store.run.needs = all.clone();
        }
    }
    if bits & 2 != 0 {
        profile.secrets.clear();
        profile.flags.clear();
    }
    if bits & 4 != 0 {
        profile.stores.clear();
        profile.allow.clear();
    }
    if bits & 8 != 0 {
        let url = Value::Text(
            prodmirror::profile::Text::parse("${store:nowhere.url}${service:gone.url}").unwrap().0,
        );
        for service in profile.services.values_mut() {
            service.run.process.env.insert("NOWHERE".to_owned(), url.clone());
            service.run.probes = Default::default();
            service.replicas = Some(0).filter(|_| bits & 16 != 0);
            service.run.files.insert(
                "/x".to_owned(),
                prodmirror::profile::File {
                    content: FileContent::Secret(name("undeclared")),
                    directory: Some("/elsewhere".to_owned()),
                    mode: None,
                    user: None,
                    group: None,
                },
            );
        }
    }
    if let Some((first, job)) =
        profile.services.keys().next().cloned().zip(profile.jobs.values().next().cloned())
        && bits & 32 != 0
    {
        profile.jobs.insert(first, job);
    }
    profile
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if std::env::var_os("PRODMIRROR_SOAK").is_some() { 2000 } else { 40 }))]

    #[test]
    fn a_valid_profile_has_a_whole_plan_and_one_entry_a_leaf(seed: u64) {
        let profile = generate::profile(seed);
        let plan = plan(&profile, &host(), &Origins::default());
        assert_whole(&plan);
        assert_one_entry_a_leaf(&profile, &plan.ledger);
        let rowless = plan.ledger.iter().filter(|wanted| wanted.why.as_deref() == Some("the ledger has no row for it"));
        prop_assert_eq!(rowless.map(|wanted| wanted.path.to_string()).collect::<Vec<_>>(), [""; 0]);
    }

    #[test]
    fn any_profile_on_any_host_has_a_plan_and_the_same_one_twice(seed: u64, breaks: u8, lacks: u8) {
        let (profile, capabilities) = (broken(generate::profile(seed), breaks), poor(lacks));
        let of = || plan(&profile, &capabilities, &Origins::default());
        let (one, two) = (of(), of());
        prop_assert_eq!(one.to_string(), two.to_string());
        assert_whole_names(&one);
    }
}

/// What holds even where nothing was checked.
fn assert_whole_names(plan: &prodmirror::plan::Plan) {
    let containers = crate::support::containers(plan);
    let keys: std::collections::BTreeSet<&str> =
        containers.iter().map(|container| container.key.as_str()).collect();
    assert_eq!(keys.len(), containers.len());
    let volumes: std::collections::BTreeSet<&str> =
        plan.volumes.iter().map(|volume| volume.name.as_str()).collect();
    assert_eq!(volumes.len(), plan.volumes.len());
}
