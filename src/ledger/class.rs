//! The classes into which fields fall; the same words serve the ledger and the diff.

use serde::{Deserialize, Serialize};

use crate::path::{Path, Segment};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    Env,
    Flag,
    Secret,
    Image,
    Process,
    Security,
    Lifecycle,
    Job,
    Resources,
    Replicas,
    Probe,
    Network,
    File,
    Store,
    Scenario,
    Platform,
}

impl Class {
    /// The class of a path of the profile's long form; a whole service is its process.
    pub fn of(path: &Path) -> Self {
        match path.key_at(0).unwrap_or_default() {
            "services" => Self::of_field(&path.0[1..], Self::Process),
            "jobs" => Self::of_field(&path.0[1..], Self::Job),
            "stores" => Self::of_field(&path.0[1..], Self::Store),
            "flags" => Self::Flag,
            "secrets" => Self::Secret,
            "network" | "externals" | "endpoints" => Self::Network,
            "scenarios" => Self::Scenario,
            "allow" => Self::Security,
            _ => Self::Platform,
        }
    }

    /// `of` is the class of the workload as a whole; its name is the first segment.
    fn of_field(segments: &[Segment], of: Self) -> Self {
        let [_, rest @ ..] = segments else { return of };
        let Some(Segment::Key(field)) = rest.first() else { return of };
        match field.as_str() {
            // An init container or a sidecar has the fields of a container.
            "init" | "sidecars" => Self::of_field(&rest[1..], Self::Process),
            // The user of a store is the database's, of anything else the process's.
            "engine" | "database" | "user" | "password" | "settings" | "seed" | "clock"
                if of == Self::Store =>
            {
                of
            }
            "schedule" | "retries" | "exit_code" => Self::Job,
            "image" => Self::Image,
            "env" => Self::Env,
            "flags" => Self::Flag,
            "files" | "volumes" | "tmpfs" => Self::File,
            "resources" | "pids" | "shm_size" | "ulimits" | "sysctls" => Self::Resources,
            "replicas" | "autoscaling" | "stateful" => Self::Replicas,
            "ports" | "balancing" | "hostname" | "extra_hosts" | "dns" | "enable_service_links" => {
                Self::Network
            }
            "probes" => Self::Probe,
            "needs" | "disruption" | "restart" | "stop_signal" | "stop_grace_period" | "post_start"
            | "pre_stop" => Self::Lifecycle,
            "user" | "run_as" | "groups" | "fs_group" | "read_only" | "capabilities"
            | "no_new_privileges" | "seccomp" | "privileged" | "host_network" | "host_pid"
            | "service_account" => Self::Security,
            _ => Self::Process,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_has_the_class_of_its_field() {
        for (path, class) in [
            ("services.api", Class::Process),
            ("services.api.env.user", Class::Env),
            ("services.api.user", Class::Security),
            ("services.api.init.wait", Class::Process),
            ("services.api.sidecars.log.env.A", Class::Env),
            ("services.api.ports[name=http].port", Class::Network),
            ("services.api.timezone", Class::Process),
            ("jobs.migrate", Class::Job),
            ("jobs.migrate.env.A", Class::Env),
            ("stores.db.user", Class::Store),
            ("stores.db.settings.max_connections", Class::Store),
            ("stores.db.resources.limits.memory", Class::Resources),
            ("flags.ENABLE_CACHE", Class::Flag),
            ("secrets.db-password.generate", Class::Secret),
            ("allow", Class::Security),
            ("platform.cores", Class::Platform),
        ] {
            assert_eq!(Class::of(&path.parse().unwrap()), class, "{path}");
        }
    }

    #[test]
    fn the_table_and_the_paths_agree() {
        for row in crate::ledger::table::ROWS {
            let path = row.field.replace("run.", "services.api.").replace("store.", "stores.db.");
            let path: Path = path.parse().unwrap();
            assert_eq!(Class::of(&path), row.class, "{path}");
        }
    }
}
