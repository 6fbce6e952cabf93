//! What starts before what.

use prodmirror::{
    name::Name,
    plan::{Does, Plan},
};

use crate::support::{DIGEST, planned, profile};

fn starts(plan: &Plan) -> Vec<Vec<String>> {
    plan.steps
        .iter()
        .filter_map(|step| match &step.does {
            Does::Start { pods, .. } => Some(pods.iter().map(|(name, at)| format!("{name}/{at}")).collect()),
            _ => None,
        })
        .collect()
}

fn waits(plan: &Plan) -> Vec<(String, Vec<&str>)> {
    plan.steps
        .iter()
        .filter_map(|step| match &step.does {
            Does::Ready { services } => Some((step.id.clone(), services.iter().map(Name::as_str).collect())),
            _ => None,
        })
        .collect()
}

fn shop(services: &str) -> Plan {
    planned(&profile(&format!(
        "services:\n{services}\njobs: {{migrate: {{image: \"local:api:dev\", needs: [db]}}}}\nstores: {{db: {{engine: postgres, image: \"postgres@{DIGEST}\", seed: ./seed}}}}"
    )))
}

#[test]
fn stores_are_seeded_and_jobs_are_done_before_what_needs_them() {
    let plan = shop(
        "  api: {image: \"local:api:dev\", replicas: 2, needs: [migrate]}\n  web: {image: \"local:api:dev\"}",
    );
    assert_eq!(starts(&plan), [vec!["db/0", "web/0"], vec!["migrate/0"], vec!["api/0", "api/1"]]);
    assert_eq!(
        waits(&plan),
        [
            ("ready-1".to_owned(), vec!["db"]),
            ("ready-2".to_owned(), vec!["migrate"]),
            ("ready".to_owned(), vec!["api", "web"])
        ]
    );
    let at = |id: &str| plan.steps.iter().position(|step| step.id == id).unwrap();
    assert!(at("start-1") < at("seed-db") && at("seed-db") < at("ready-1"));
}

#[test]
fn a_service_that_names_a_store_in_a_variable_waits_for_it() {
    let plan = shop("  api: {image: \"local:api:dev\", env: {URL: \"${store:db.url}\"}}");
    assert_eq!(starts(&plan), [vec!["db/0"], vec!["migrate/0", "api/0"]]);
}

#[test]
fn a_reference_does_not_close_a_circle_that_the_needs_leave_open() {
    let plan = planned(&profile(&format!(
        "services: {{api: {{image: \"local:api:dev\", env: {{URL: \"${{store:db.url}}\"}}}}}}\nstores: {{db: {{engine: postgres, image: \"postgres@{DIGEST}\", needs: [api]}}}}"
    )));
    assert_eq!(starts(&plan), [["api/0"], ["db/0"]]);
}

#[test]
fn a_scheduled_job_is_planned_and_not_started() {
    let plan = planned(&profile("jobs: {nightly: {image: \"local:api:dev\", schedule: \"0 3 * * *\"}}"));
    assert!(starts(&plan).is_empty());
    assert!(plan.pods.iter().any(|pod| pod.on_demand && pod.service.as_str() == "nightly"));
}

#[test]
fn a_store_without_a_seed_is_set_up_all_the_same() {
    let plan = planned(&profile(&format!("stores: {{db: {{engine: redis, image: \"redis@{DIGEST}\"}}}}")));
    assert!(
        plan.steps.iter().any(|step| matches!(&step.does, Does::Seed { store } if store.as_str() == "db"))
    );
    assert_eq!(plan.stores[0].seed, None);
}

#[test]
fn a_bare_launch_waits_for_jobs_to_end_and_for_the_rest_to_start() {
    use prodmirror::plan::Condition::{ServiceCompletedSuccessfully, ServiceStarted};
    let plan = shop(
        "  api: {image: \"local:api:dev\", needs: [migrate, db], init: {first: {command: [a]}, second: {command: [b]}}}",
    );
    let pod = crate::support::pod(&plan, "api", 0);
    let on = |key: &str, condition| (key.to_owned(), condition);
    let first = [
        on("api.0", ServiceStarted),
        on("db.0.main", ServiceStarted),
        on("migrate.0.main", ServiceCompletedSuccessfully),
    ];
    assert_eq!(pod.init[0].depends_on, first);
    assert_eq!(
        pod.init[1].depends_on,
        [on("api.0", ServiceStarted), on("api.0.init.first", ServiceCompletedSuccessfully)]
    );
    assert_eq!(
        pod.main.depends_on,
        [on("api.0", ServiceStarted), on("api.0.init.second", ServiceCompletedSuccessfully)]
    );
}
