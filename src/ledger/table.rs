//! The table: every field of a profile, what Compose does with it, how faithful that is and where it is read back.
//!
//! `run` stands for a service, job or store, and for their init containers and sidecars where these have the field;
//! `store` for what only stores have. A field without a row is dropped, so a test walks the schema for new ones.

use std::{collections::HashMap, sync::LazyLock};

use super::{
    Class, Grade,
    grades::{self, Verdict},
    leaves::relative,
    wanted::Case,
};
use crate::path::{Path, Segment};

/// One field.
pub(crate) struct Row {
    /// In the grammar of paths, `*` for any key.
    pub field: &'static str,
    pub class: Class,
    /// Whether all that lies below is one entry.
    pub whole: bool,
    pub how: &'static str,
    pub read_from: &'static str,
    pub grade: Rule,
}

pub(crate) enum Rule {
    Always(Grade),
    /// As the profile and the host decide.
    By(fn(&Case<'_>) -> Verdict),
}

use Class::{
    Env, File, Flag, Image, Job, Lifecycle, Network, Platform, Probe, Process, Replicas, Resources, Security,
    Store,
};
use Grade::{Approximated, Dropped, Emulated, Enforced};
use Rule::{Always, By};

const fn field(
    field: &'static str,
    class: Class,
    how: &'static str,
    read_from: &'static str,
    grade: Rule,
) -> Row {
    Row { field, class, whole: false, how, read_from, grade }
}

/// A row for all that lies below the field.
const fn whole(mut row: Row) -> Row {
    row.whole = true;
    row
}

const LATER: &str = "not in this version";
const FIXED: &str = "the number of replicas stays what it is";
const KEEPER: &str = "the keeper does it";
const JOURNAL: &str = "the keeper's journal";
const CONFIG: &str = "the container's configuration";
const HOST_CONFIG: &str = "the container's host configuration";
const NOWHERE: &str = "";

pub(crate) const ROWS: &[Row] = &[
    field("platform.arch", Platform, "`platform`", "the image", By(grades::arch)),
    field("platform.kernel", Platform, "the host's", NOWHERE, By(grades::kernel)),
    field("platform.cgroup", Platform, "the host's", NOWHERE, By(grades::cgroup)),
    field("platform.cores", Platform, "`cpuset` where the host has more", "nproc inside", By(grades::cores)),
    field("platform.memory", Platform, "the host's", "/proc/meminfo inside", By(grades::node_memory)),
    field("platform.swap", Platform, "`memswap_limit` equals `mem_limit`", HOST_CONFIG, By(grades::swap)),
    field("platform.timezone", Platform, "containers do not inherit it", NOWHERE, By(grades::node_timezone)),
    field("flags.*", Flag, "a variable of every workload that names it", CONFIG, By(grades::flag)),
    field("run.flags", Flag, "a variable each", CONFIG, Always(Enforced)),
    field(
        "run.image",
        Image,
        "by digest, never pulled by the launch",
        "the image of the container",
        By(grades::image),
    ),
    field("run.entrypoint", Process, "`entrypoint`", CONFIG, Always(Enforced)),
    field("run.command", Process, "`command`", CONFIG, Always(Enforced)),
    whole(field("run.env.*", Env, "`environment`", CONFIG, By(grades::variable))),
    field("run.working_dir", Process, "`working_dir`", CONFIG, Always(Enforced)),
    field("run.labels.*", Process, "a label of the container", CONFIG, Always(Enforced)),
    field("run.user", Security, "`user`", CONFIG, Always(Enforced)),
    field("run.run_as", Security, "`user`", CONFIG, Always(Enforced)),
    field("run.groups", Security, "`group_add`", HOST_CONFIG, Always(Enforced)),
    field(
        "run.fs_group",
        Security,
        "the group of the volumes' roots, and of every process",
        HOST_CONFIG,
        Always(Approximated),
    ),
    field("run.read_only", Security, "`read_only`", HOST_CONFIG, Always(Enforced)),
    field("run.capabilities.add", Security, "`cap_add`", HOST_CONFIG, Always(Enforced)),
    field("run.capabilities.drop", Security, "`cap_drop`", HOST_CONFIG, Always(Enforced)),
    field("run.no_new_privileges", Security, "`security_opt`", HOST_CONFIG, Always(Enforced)),
    field(
        "run.seccomp",
        Security,
        "`security_opt`, or the engine's default",
        HOST_CONFIG,
        By(grades::seccomp),
    ),
    field("run.privileged", Security, "`privileged`, if allowed", HOST_CONFIG, By(grades::privileged)),
    field(
        "run.host_network",
        Security,
        "`network_mode: host`, if allowed",
        HOST_CONFIG,
        By(grades::host_network),
    ),
    field("run.host_pid", Security, "`pid: host`, if allowed", HOST_CONFIG, By(grades::host_pid)),
    field("run.service_account", Security, "there is no API server to know it", NOWHERE, Always(Dropped)),
    field(
        "run.resources.limits.cpu",
        Resources,
        "`cpus`",
        "cpu.max, or cpu.cfs_quota_us",
        By(grades::cpu_limit),
    ),
    field(
        "run.resources.limits.memory",
        Resources,
        "`mem_limit`",
        "memory.max, or memory.limit_in_bytes",
        By(grades::memory_limit),
    ),
    field(
        "run.resources.limits.memory.oom_group",
        Resources,
        "the engine leaves the kernel's default",
        "memory.oom.group",
        By(grades::oom_group),
    ),
    field(
        "run.resources.limits.ephemeral_storage",
        Resources,
        "a quota of the storage driver",
        HOST_CONFIG,
        By(grades::storage),
    ),
    field(
        "run.resources.requests.cpu",
        Resources,
        "`cpu_shares` by the formula of Kubernetes",
        HOST_CONFIG,
        Always(Enforced),
    ),
    field(
        "run.resources.requests.memory",
        Resources,
        "`mem_reservation`; no scheduler, no order of eviction",
        HOST_CONFIG,
        Always(Approximated),
    ),
    field("run.shm_size", Resources, "`shm_size`", HOST_CONFIG, Always(Enforced)),
    field("run.pids", Resources, "`pids_limit`", "pids.max", Always(Enforced)),
    whole(field("run.ulimits.*", Resources, "`ulimits`", "/proc/1/limits", By(grades::ulimit))),
    field("run.sysctls.*", Resources, "`sysctls`", "/proc/sys inside", By(grades::sysctl)),
    whole(field("run.tmpfs.*", File, "`tmpfs`", HOST_CONFIG, Always(Enforced))),
    whole(field(
        "run.files.*",
        File,
        "a volume with the `..data` swap, filled before the start",
        "the file inside",
        Always(Emulated),
    )),
    whole(field("run.volumes.*", File, "a labelled volume", "the container's mounts", By(grades::volume))),
    field("run.timezone", Process, "`TZ`", "date inside", By(grades::timezone)),
    field("run.needs", Lifecycle, "the plan's order", "timings of the launch", Always(Emulated)),
    field(
        "run.restart",
        Lifecycle,
        "the keeper: a new container, Kubernetes' back-off",
        JOURNAL,
        By(grades::by_keeper),
    ),
    field("run.stop_signal", Lifecycle, "`stop_signal`", CONFIG, Always(Enforced)),
    field("run.stop_grace_period", Lifecycle, "`stop_grace_period`", CONFIG, By(grades::grace)),
    field("run.post_start.exec.command", Lifecycle, KEEPER, JOURNAL, By(grades::by_keeper)),
    field("run.post_start.http.path", Lifecycle, KEEPER, JOURNAL, By(grades::by_keeper)),
    field("run.post_start.http.port", Lifecycle, KEEPER, JOURNAL, By(grades::by_keeper)),
    field("run.post_start.sleep", Lifecycle, KEEPER, JOURNAL, By(grades::by_keeper)),
    field("run.pre_stop.exec.command", Lifecycle, KEEPER, JOURNAL, By(grades::by_keeper)),
    field("run.pre_stop.http.path", Lifecycle, KEEPER, JOURNAL, By(grades::by_keeper)),
    field("run.pre_stop.http.port", Lifecycle, KEEPER, JOURNAL, By(grades::by_keeper)),
    field("run.pre_stop.sleep", Lifecycle, KEEPER, JOURNAL, By(grades::by_keeper)),
    field("run.probes.*.http.path", Probe, KEEPER, JOURNAL, By(grades::by_keeper)),
    field("run.probes.*.http.port", Probe, KEEPER, JOURNAL, By(grades::by_keeper)),
    field("run.probes.*.http.scheme", Probe, KEEPER, JOURNAL, By(grades::scheme)),
    field("run.probes.*.http.headers.*", Probe, KEEPER, JOURNAL, By(grades::by_keeper)),
    field("run.probes.*.tcp", Probe, KEEPER, JOURNAL, By(grades::by_keeper)),
    field("run.probes.*.tcp.port", Probe, KEEPER, JOURNAL, By(grades::by_keeper)),
    field("run.probes.*.grpc", Probe, KEEPER, JOURNAL, By(grades::by_keeper)),
    field("run.probes.*.grpc.port", Probe, KEEPER, JOURNAL, By(grades::by_keeper)),
    field("run.probes.*.grpc.service", Probe, KEEPER, JOURNAL, By(grades::by_keeper)),
    field("run.probes.*.exec.command", Probe, KEEPER, JOURNAL, By(grades::by_keeper)),
    field("run.probes.*.initial_delay", Probe, KEEPER, JOURNAL, By(grades::by_keeper)),
    field("run.probes.*.period", Probe, KEEPER, JOURNAL, By(grades::by_keeper)),
    field("run.probes.*.timeout", Probe, KEEPER, JOURNAL, By(grades::by_keeper)),
    field("run.probes.*.success_threshold", Probe, KEEPER, JOURNAL, By(grades::by_keeper)),
    field("run.probes.*.failure_threshold", Probe, KEEPER, JOURNAL, By(grades::by_keeper)),
    whole(field(
        "run.ports[name=*]",
        Network,
        "Docker's DNS answers with the replicas' own addresses; virtual addresses are not in this version",
        "the ready set",
        Always(Approximated),
    )),
    field("run.hostname", Network, "the pause's hostname", "the container's hostname", Always(Emulated)),
    field("run.extra_hosts.*", Network, "`extra_hosts`", "/etc/hosts inside", Always(Enforced)),
    field("run.dns.search", Network, "`dns_search`", "/etc/resolv.conf inside", Always(Enforced)),
    field("run.dns.ndots", Network, "`dns_opt`", "/etc/resolv.conf inside", Always(Enforced)),
    field(
        "run.dns.servers",
        Network,
        "`dns`: the engine's resolver stands before them, and there is no way out to them",
        HOST_CONFIG,
        Always(Approximated),
    ),
    field(
        "run.enable_service_links",
        Network,
        "variables as Kubernetes writes them",
        CONFIG,
        By(grades::service_links),
    ),
    field("run.balancing", Network, "Docker's DNS", "names from inside", By(grades::balancing)),
    field("run.replicas", Replicas, "one container a replica", "containers counted", Always(Enforced)),
    field(
        "run.replicas.identity",
        Replicas,
        "named by ordinal",
        "the container's hostname",
        By(grades::identity),
    ),
    field(
        "run.stateful",
        Replicas,
        "one hostname, one claim and the short names of an ordinal; Kubernetes' long ones are not in this version",
        "the names of the pause",
        Always(Approximated),
    ),
    field("run.autoscaling.min", Replicas, FIXED, NOWHERE, Always(Approximated)),
    field("run.autoscaling.max", Replicas, FIXED, NOWHERE, Always(Approximated)),
    field("run.autoscaling.target_cpu", Replicas, FIXED, NOWHERE, Always(Approximated)),
    field("run.schedule", Job, "on demand, never by the clock", NOWHERE, Always(Approximated)),
    field("run.retries", Job, "the keeper tries again", JOURNAL, By(grades::by_keeper)),
    field(
        "run.exit_code",
        Job,
        "run once, in its place of the order",
        "the container's exit code",
        Always(Emulated),
    ),
    field("store.engine", Store, "the engine's own image", "the engine's version", Always(Enforced)),
    field("store.database", Store, "as the image takes it", "a login", Always(Enforced)),
    field("store.user", Store, "as the image takes it", "a login", Always(Enforced)),
    field("store.password", Store, "as the image takes it", "a login", Always(Enforced)),
    field("store.settings.*", Store, "arguments of the engine", "the engine's answer", Always(Enforced)),
    field(
        "store.seed",
        Store,
        "loaded before what needs it starts",
        "the engine's own count",
        By(grades::seed),
    ),
    field(
        "store.clock",
        Store,
        "the wall clock; keys that have expired are counted",
        "the engine's own count",
        By(grades::clock),
    ),
    field(
        "network.egress",
        Network,
        "a network without a way out",
        "a try from a replica",
        By(grades::egress),
    ),
    field("network.egress.allow", Network, LATER, NOWHERE, Always(Dropped)),
    field("network.expose", Network, "the gateway on loopback", "the published ports", Always(Enforced)),
    whole(field(
        "network.expose[name=*]",
        Network,
        "the gateway on loopback",
        "the published ports",
        By(grades::expose),
    )),
    field(
        "network.expose.source_address",
        Network,
        "the gateway's, not the client's",
        "the gateway's address",
        Always(Approximated),
    ),
    field("network.links[name=*].from", Network, LATER, NOWHERE, Always(Dropped)),
    field("network.links[name=*].to", Network, LATER, NOWHERE, Always(Dropped)),
    field("network.links[name=*].latency", Network, LATER, NOWHERE, Always(Dropped)),
    field("network.links[name=*].jitter", Network, LATER, NOWHERE, Always(Dropped)),
    field("network.links[name=*].loss", Network, LATER, NOWHERE, Always(Dropped)),
    field("network.links[name=*].rate", Network, LATER, NOWHERE, Always(Dropped)),
    field("network.links", Network, LATER, NOWHERE, Always(Dropped)),
    field("externals.*", Network, LATER, NOWHERE, Always(Dropped)),
    field("externals.*.port", Network, LATER, NOWHERE, Always(Dropped)),
    field("externals.*.status", Network, LATER, NOWHERE, Always(Dropped)),
    field("externals.*.body", Network, LATER, NOWHERE, Always(Dropped)),
    field("externals.*.headers.*", Network, LATER, NOWHERE, Always(Dropped)),
    field("captured.unsupported.*", Platform, "a profile cannot hold it", NOWHERE, By(grades::unsupported)),
];

type Fields = HashMap<String, Vec<(Path, &'static Row)>>;

/// Rows by their first two keys: a profile has thousands of leaves.
static INDEX: LazyLock<HashMap<String, Fields>> = LazyLock::new(|| {
    let mut index: HashMap<String, Fields> = HashMap::new();
    for row in ROWS {
        // Every field of the table parses: a test reads them all.
        let path: Path = row.field.parse().unwrap_or_default();
        let (first, second) = (key(path.0.first()).to_owned(), second(&path.0).to_owned());
        index.entry(first).or_default().entry(second).or_default().push((path, row));
    }
    index
});

fn key(segment: Option<&Segment>) -> &str {
    match segment {
        Some(Segment::Key(key)) => key,
        _ => "",
    }
}

/// The second key, where it is one of a record and not anyone's.
fn second(segments: &[Segment]) -> &str {
    match key(segments.first()) {
        "run" | "store" | "platform" | "network" | "captured" => key(segments.get(1)),
        _ => "",
    }
}

/// The row of a path.
pub(crate) fn row(path: &Path) -> Option<&'static Row> {
    let (first, second, scoped, rest) = match relative(path) {
        (Some(scope), rest) => (scope, key(rest.first()), 1, rest),
        (None, all) => (key(all.first()), second(all), 0, all),
    };
    let rows = INDEX.get(first)?.get(second)?;
    rows.iter().find(|(field, _)| matches(&field.0[scoped..], rest)).map(|(_, row)| *row)
}

fn matches(field: &[Segment], path: &[Segment]) -> bool {
    // `*` stands for a key, not for a member of a list.
    let covers = |(mine, theirs): (&Segment, &Segment)| match (mine, theirs) {
        (Segment::Key(mine), Segment::Key(theirs)) => mine == "*" || mine == theirs,
        (Segment::Member { value, .. }, Segment::Member { .. } | Segment::Index(_)) if value == "*" => true,
        (Segment::Member { .. } | Segment::Index(_), _) => mine == theirs,
        (Segment::Key(_), _) => false,
    };
    field.len() == path.len() && field.iter().zip(path).all(covers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_has_a_field_of_its_own_and_a_reason() {
        let mut fields: Vec<&str> = ROWS.iter().map(|row| row.field).collect();
        for row in ROWS {
            assert!(row.field.parse::<Path>().is_ok(), "{}", row.field);
            assert!(!row.how.is_empty(), "{}", row.field);
            let promised = matches!(row.grade, Always(grade) if grade.promises_live_value());
            assert!(!promised || !row.read_from.is_empty(), "{} promises a live value", row.field);
        }
        fields.sort_unstable();
        fields.dedup();
        assert_eq!(fields.len(), ROWS.len());
    }
}
