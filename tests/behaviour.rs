//! What an application can see of where it runs: each case is written once, and tried on every back end.
//!
//! A real Kubernetes is the oracle: a case is true because it holds there. Compose passes it too, or the case stands
//! among those that Compose lacks, beside the row of the ledger's table that says so; there it must fail, so that one
//! that holds one day is noticed.

#![cfg(feature = "kubernetes")]
#![allow(clippy::unwrap_used)]

#[path = "behaviour/alike.rs"]
mod alike;
#[path = "behaviour/changes.rs"]
mod changes;
#[path = "support/cli.rs"]
#[allow(dead_code, reason = "other tests use the rest of it")]
mod cli;
#[path = "support/clustered.rs"]
#[allow(dead_code, reason = "other tests use the rest of it")]
mod clustered;
#[path = "behaviour/files.rs"]
mod files;
#[path = "behaviour/ground.rs"]
mod ground;
#[path = "behaviour/life.rs"]
mod life;
#[path = "behaviour/network.rs"]
mod network;
#[path = "behaviour/probes.rs"]
mod probes;
#[path = "behaviour/processes.rs"]
mod processes;

/// Each case on both back ends, on the mirror of its module.
macro_rules! cases {
    ($($module:ident on $mirror:ident { $($case:ident $(lacks $row:literal)?,)* })*) => {
        mod on_kind {
            $($(
                #[test]
                fn $case() {
                    crate::$module::$case(crate::ground::$mirror(crate::ground::Place::Kind));
                }
            )*)*
        }

        mod on_compose {
            $(cases!(@compose $module $mirror { $($case $($row)?,)* });)*
        }

        #[test]
        fn what_compose_lacks_stands_in_the_ledgers_table() {
            let rows = [$($($($row,)?)*)*];
            for row in rows {
                assert!(prodmirror::ledger::has_row(&row.parse().unwrap()), "{row}");
            }
        }
    };
    (@compose $module:ident $mirror:ident { $($case:ident $($row:literal)?,)* }) => {
        $(cases!(@case $module $mirror $case $($row)?);)*
    };
    (@case $module:ident $mirror:ident $case:ident) => {
        #[test]
        fn $case() {
            crate::$module::$case(crate::ground::$mirror(crate::ground::Place::Compose));
        }
    };
    (@case $module:ident $mirror:ident $case:ident $row:literal) => {
        #[test]
        fn $case() {
            let ground = crate::ground::$mirror(crate::ground::Place::Compose);
            let case = || crate::$module::$case(ground);
            let held = std::panic::catch_unwind(std::panic::AssertUnwindSafe(case)).is_ok();
            assert!(!held, "Compose has it now: it no longer lacks {}", $row);
        }
    };
}

cases! {
    processes on standing {
        the_environment_arrives_byte_for_byte,
        an_empty_variable_is_set,
        a_pod_knows_its_name_and_its_address,
        a_limit_can_be_read_from_a_variable,
        the_limits_are_those_of_the_profile,
        it_has_kernel_settings_of_its_own,
        it_runs_as_the_user_and_its_root_cannot_be_written,
        it_has_productions_time_zone_and_utc_stays_utc,
    }
    files on standing {
        a_file_arrives_byte_for_byte_with_its_mode,
        an_empty_volume_is_the_replicas_own,
        a_volume_in_memory_is_there_and_can_be_written,
    }
    life on standing {
        init_containers_run_in_order_before_sidecars_and_main,
        a_sidecar_shares_the_network_of_its_main_container,
        a_restart_is_a_new_container_and_init_and_sidecars_stay,
        what_fails_again_and_again_waits_longer_each_time,
        what_is_not_alive_is_asked_and_told_to_stop_and_begins_again,
        what_does_not_listen_is_killed_after_its_grace,
        what_takes_too_much_memory_is_killed_for_it,
        while_it_starts_nobody_asks_whether_it_is_alive,
        a_job_runs_once_to_its_end,
        who_needs_others_begins_when_they_are_ready_and_jobs_have_ended,
    }
    probes on standing {
        so_many_failures_in_a_row_are_too_many,
        so_many_successes_in_a_row_make_it_ready,
        a_service_that_speaks_grpc_is_asked_for_the_one_that_is_meant,
    }
    changes on changing {
        a_replica_in_the_place_of_another_has_the_claim_and_nothing_else,
        a_restart_that_is_asked_for_keeps_the_claim_and_nothing_in_the_container,
        a_restart_that_is_asked_for_is_a_new_replica lacks "services.holder.restart",
        a_changed_file_of_a_folder_is_seen_by_who_runs,
        a_changed_file_that_is_mounted_alone_is_seen_after_a_start,
        who_needs_another_stops_before_it_and_each_has_its_grace,
    }
    network on standing {
        a_name_leads_to_a_service_and_it_sees_its_client,
        connections_are_spread_over_the_replicas,
        a_name_of_a_headless_service_leads_to_every_replica,
        a_replica_with_an_identity_has_a_name_of_its_own,
        nothing_gets_out,
        a_service_has_one_address_that_is_no_replicas lacks "services.plain.ports[name=tcp]",
        long_names_lead_to_a_service_too lacks "services.plain.ports[name=tcp]",
        names_are_looked_for_in_the_domains_of_a_cluster lacks "services.plain.ports[name=tcp]",
        what_is_not_ready_gets_no_new_connections lacks "services.plain.balancing",
        variables_lead_to_the_services_that_have_an_address,
        variables_have_the_addresses_of_services lacks "services.last.enable_service_links",
        who_does_not_ask_for_such_variables_has_none,
    }
}
