//! One suite for every engine, on whatever ground it is given: real servers, and seeds that nobody here wrote.

#![allow(clippy::print_stdout, reason = "a test says aloud what it cannot try")]
#![allow(clippy::unwrap_used)]

#[path = "support/cli.rs"]
#[allow(dead_code, reason = "other tests use the rest of it")]
mod cli;
#[path = "engines/corpora.rs"]
mod corpora;
#[path = "engines/ground.rs"]
mod ground;
#[path = "engines/mirrors.rs"]
mod mirrors;
#[path = "engines/packing.rs"]
mod packing;
#[path = "engines/postgres.rs"]
mod postgres;
#[path = "engines/redis.rs"]
mod redis;
#[path = "engines/servers.rs"]
mod servers;

/// The suites: hands every engine with its cases to a stage.
macro_rules! suites {
    ($stage:ident) => {
        $stage! {
            postgres:
                every_format_and_packing_loads_the_same_rows,
                the_chinook_database_loads_whole,
                files_of_a_folder_load_in_order_of_name,
                a_broken_statement_fails_with_its_file_and_line,
                a_file_that_breaks_off_fails_whatever_was_loaded,
                a_restore_into_tables_that_exist_fails_with_the_engines_words,
                a_dump_that_creates_the_database_replaces_the_empty_one,
                a_cluster_dump_leaves_the_own_role_its_rights,
                roles_take_the_mirrors_password_whatever_the_seed_set,
                a_wrong_password_does_not_log_in,
                settings_versions_and_counts_are_read_back,
                no_password_stands_in_an_argument;
            redis:
                every_format_and_packing_loads_the_same_keys,
                the_dump_files_of_the_corpora_load_whole,
                keys_past_their_time_are_counted,
                a_dump_loads_under_an_append_only_file_too,
                commands_after_a_dump_add_to_it,
                a_dump_after_other_files_is_refused,
                a_command_that_fails_is_told_with_its_line,
                broken_files_fail_with_the_reason,
                strange_values_arrive_byte_for_byte,
                a_wrong_password_does_not_log_in,
                settings_and_counts_are_read_back,
                what_was_loaded_survives_a_restart;
        }
    };
}

/// A server of its own for each case.
macro_rules! on_servers {
    ($($engine:ident: $($case:ident),+;)+) => {
        mod on_servers {$(
            mod $engine {
                $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $case() {
                    crate::$engine::$case(&crate::servers::Servers).await;
                })+
            }
        )+}
    };
}

/// One mirror for all cases of an engine, one after the other: its store is put back to the seed before each.
macro_rules! in_a_mirror {
    ($($engine:ident: $($case:ident),+;)+) => {
        mod in_a_mirror {$(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $engine() {
                let mirror = crate::mirrors::Mirror::new();
                $(
                    println!("{} in a mirror", stringify!($case));
                    crate::$engine::$case(&mirror).await;
                )+
            }
        )+}
    };
}

suites!(on_servers);
suites!(in_a_mirror);
