//! What a Kubernetes cluster, Kind's or any other, does with every field, how faithful that is and where it is read
//! back.

use super::{Column, Rule};
use crate::{
    ledger::{
        Grade,
        grades::{self, kubernetes as own},
    },
    plan::ClusterPlan,
};
use Grade::{Approximated, Dropped, Emulated, Enforced};
use Rule::{Always, By};

type Cell = (&'static str, Column<ClusterPlan>);

const fn cell(
    field: &'static str,
    how: &'static str,
    read_from: &'static str,
    grade: Rule<ClusterPlan>,
) -> Cell {
    (field, Column { how, read_from, grade })
}

const LATER: &str = "not in this version";
const KUBELET: &str = "the kubelet does it";
const SPEC: &str = "the pod's spec";
const NOWHERE: &str = "";

/// In place of a row that is not here, which a test keeps from happening.
pub(super) const NOTHING: Column<ClusterPlan> =
    Column { how: "the ledger has no row for it", read_from: NOWHERE, grade: Always(Dropped) };

/// In the order of the rows.
pub(super) const COLUMN: &[Cell] = &[
    cell("platform.arch", "`nodeSelector`", "the nodes of the pods", By(own::arch)),
    cell("platform.kernel", "the nodes'", "the nodes of the pods", By(own::kernel)),
    cell("platform.cgroup", "the nodes'", "files of the control group", By(own::cgroup)),
    cell(
        "platform.cores",
        "the CPU policy of a node that is made, else the node's",
        "nproc inside",
        By(own::cores),
    ),
    cell(
        "platform.memory",
        "`system-reserved` of a node that is made, else the nodes'",
        "the nodes of the pods",
        By(own::node_memory),
    ),
    cell("platform.swap", "a node gives no swap by default", "/proc/meminfo inside", Always(Enforced)),
    cell("platform.timezone", "containers do not inherit it", NOWHERE, Always(Dropped)),
    cell("flags.*", "a variable of every workload that names it", SPEC, By(own::flag)),
    cell("run.flags", "a variable each", SPEC, Always(Enforced)),
    cell("run.image", "by digest", "`status.imageID`", By(grades::image)),
    cell("run.entrypoint", "`command`", SPEC, By(own::entrypoint)),
    cell("run.command", "`args`", SPEC, Always(Enforced)),
    cell(
        "run.env.*",
        "`env`, or a key of a Secret",
        "the pod's spec, and the process where it answers",
        By(own::variable),
    ),
    cell("run.working_dir", "`workingDir`", SPEC, Always(Enforced)),
    cell("run.labels.*", "a label of the pod", "the pod's labels", By(own::label)),
    cell("run.user", "`runAsUser`, `runAsGroup`", SPEC, By(own::user)),
    cell("run.run_as", "`runAsUser`, `runAsGroup`", SPEC, By(own::user)),
    cell("run.groups", "`supplementalGroups`", SPEC, By(own::groups)),
    cell("run.fs_group", "`fsGroup`", SPEC, By(own::fs_group)),
    cell("run.read_only", "`readOnlyRootFilesystem`", SPEC, Always(Enforced)),
    cell("run.capabilities.add", "`capabilities`", SPEC, Always(Enforced)),
    cell("run.capabilities.drop", "`capabilities`", SPEC, Always(Enforced)),
    cell("run.no_new_privileges", "`allowPrivilegeEscalation`", SPEC, By(own::no_new_privileges)),
    cell("run.seccomp", "`seccompProfile`", SPEC, By(grades::seccomp)),
    cell("run.privileged", "`privileged`, if allowed", SPEC, By(grades::privileged)),
    cell("run.host_network", "`hostNetwork`, if allowed", SPEC, By(grades::host_network)),
    cell("run.host_pid", "`hostPID`, if allowed", SPEC, By(grades::host_pid)),
    cell(
        "run.service_account",
        "an account of that name, without the rights that production's has",
        SPEC,
        By(own::service_account),
    ),
    cell("run.resources.limits.cpu", "a limit", "cpu.max, or cpu.cfs_quota_us", Always(Enforced)),
    cell("run.resources.limits.memory", "a limit", "memory.max, or memory.limit_in_bytes", Always(Enforced)),
    cell(
        "run.resources.limits.memory.oom_group",
        "the kubelet sets it on cgroup v2",
        "memory.oom.group",
        By(own::oom_group),
    ),
    cell(
        "run.resources.limits.ephemeral_storage",
        "the kubelet evicts the pod, where production's disk may be full instead",
        SPEC,
        Always(Approximated),
    ),
    cell("run.resources.requests.cpu", "a request", SPEC, Always(Enforced)),
    cell("run.resources.requests.memory", "a request", SPEC, Always(Enforced)),
    cell("run.shm_size", "an `emptyDir` in memory at /dev/shm", SPEC, By(own::shm)),
    cell(
        "run.pids",
        "a setting of the node's kubelet, which all pods of a cluster share",
        NOWHERE,
        Always(Dropped),
    ),
    cell("run.ulimits.*", "Kubernetes has none: the runtime's hold", NOWHERE, Always(Dropped)),
    cell("run.sysctls.*", "`sysctls` of the pod", "/proc/sys inside", By(own::sysctl)),
    cell("run.tmpfs.*", "an `emptyDir` in memory", SPEC, By(own::tmpfs)),
    cell("run.files.*", "a ConfigMap or a Secret", "the file inside", By(own::file)),
    cell("run.volumes.*", "`emptyDir`, a claim or `hostPath`", SPEC, By(own::volume)),
    cell("run.timezone", "`TZ`", "date inside", By(grades::timezone)),
    cell(
        "run.needs",
        "the order in which objects are applied",
        "when objects were made, and how jobs ended",
        Always(Emulated),
    ),
    cell("run.restart", "`restartPolicy`", SPEC, By(own::restart)),
    cell("run.stop_signal", "the image's own signal", "the image", By(own::stop_signal)),
    cell("run.stop_grace_period", "`terminationGracePeriodSeconds`", SPEC, By(own::grace)),
    cell("run.post_start.exec.command", KUBELET, SPEC, By(own::hook)),
    cell("run.post_start.http.path", KUBELET, SPEC, By(own::hook)),
    cell("run.post_start.http.port", KUBELET, SPEC, By(own::hook)),
    cell("run.post_start.sleep", KUBELET, SPEC, By(own::hook)),
    cell("run.pre_stop.exec.command", KUBELET, SPEC, By(own::hook)),
    cell("run.pre_stop.http.path", KUBELET, SPEC, By(own::hook)),
    cell("run.pre_stop.http.port", KUBELET, SPEC, By(own::hook)),
    cell("run.pre_stop.sleep", KUBELET, SPEC, By(own::hook)),
    cell("run.probes.*.http.path", KUBELET, SPEC, By(own::probe)),
    cell("run.probes.*.http.port", KUBELET, SPEC, By(own::probe)),
    cell("run.probes.*.http.scheme", KUBELET, SPEC, By(own::probe)),
    cell("run.probes.*.http.headers.*", KUBELET, SPEC, By(own::probe)),
    cell("run.probes.*.tcp", KUBELET, SPEC, By(own::probe)),
    cell("run.probes.*.tcp.port", KUBELET, SPEC, By(own::probe)),
    cell("run.probes.*.grpc", KUBELET, SPEC, By(own::probe)),
    cell("run.probes.*.grpc.port", KUBELET, SPEC, By(own::probe)),
    cell("run.probes.*.grpc.service", KUBELET, SPEC, By(own::probe)),
    cell("run.probes.*.exec.command", KUBELET, SPEC, By(own::probe)),
    cell("run.probes.*.initial_delay", KUBELET, SPEC, By(own::probe_time)),
    cell("run.probes.*.period", KUBELET, SPEC, By(own::probe_time)),
    cell("run.probes.*.timeout", KUBELET, SPEC, By(own::probe_time)),
    cell("run.probes.*.success_threshold", KUBELET, SPEC, By(own::threshold)),
    cell("run.probes.*.failure_threshold", KUBELET, SPEC, By(own::threshold)),
    cell("run.ports[name=*]", "a Service", "the Service", By(own::port)),
    cell("run.hostname", "`hostname`", "hostname inside", By(own::hostname)),
    cell("run.extra_hosts.*", "`hostAliases`", "/etc/hosts inside", By(own::extra_host)),
    cell(
        "run.dns.search",
        "`dnsConfig`, after the cluster's own",
        "/etc/resolv.conf inside",
        By(own::search),
    ),
    cell("run.dns.ndots", "`dnsConfig`", "/etc/resolv.conf inside", Always(Enforced)),
    cell(
        "run.dns.servers",
        "`dnsConfig`: the cluster's own stands before them, and there is no way out to them",
        SPEC,
        Always(Approximated),
    ),
    cell("run.enable_service_links", "`enableServiceLinks`", SPEC, Always(Enforced)),
    cell("run.balancing", "a Service, headless or not", "the Service", By(own::balancing)),
    cell("run.replicas", "`replicas`", "pods that are ready, counted", Always(Enforced)),
    cell("run.replicas.identity", "the pods' names", "the pods' names", By(own::identity)),
    cell("run.stateful", "a StatefulSet", "the workload's kind", By(own::stateful)),
    cell("run.autoscaling.min", "an autoscaler", "the autoscaler", By(own::autoscaling)),
    cell("run.autoscaling.max", "an autoscaler", "the autoscaler", By(own::autoscaling)),
    cell("run.autoscaling.target_cpu", "an autoscaler", "the autoscaler", By(own::autoscaling)),
    cell(
        "run.schedule",
        "a CronJob that is suspended: on demand, never by the clock",
        "the CronJob",
        Always(Approximated),
    ),
    cell("run.retries", "`backoffLimit`", "the Job", Always(Enforced)),
    cell("run.exit_code", "run once, in its place of the order", "the pod's status", Always(Enforced)),
    cell("store.engine", "the engine's own image", "the engine's version", Always(Enforced)),
    cell("store.database", "as the image takes it", "a login", Always(Enforced)),
    cell("store.user", "as the image takes it", "a login", Always(Enforced)),
    cell("store.password", "as the image takes it, from a Secret", "a login", Always(Enforced)),
    cell("store.settings.*", "arguments of the engine", "the engine's answer", Always(Enforced)),
    cell("store.seed", "loaded before what needs it starts", "the engine's own count", By(grades::seed)),
    cell(
        "store.clock",
        "the wall clock; keys that have expired are counted",
        "the engine's own count",
        By(grades::clock),
    ),
    cell("network.egress", "a NetworkPolicy", "the NetworkPolicies, and a try from a pod", By(own::egress)),
    cell("network.egress.allow", LATER, NOWHERE, Always(Dropped)),
    cell("network.expose", "a forwarded port on loopback", "the forwarded ports", Always(Enforced)),
    cell("network.expose[name=*]", "a forwarded port on loopback", "the forwarded ports", By(grades::expose)),
    cell(
        "network.expose.source_address",
        "the node's, not the client's",
        "the node's address",
        Always(Approximated),
    ),
    cell("network.links[name=*].from", LATER, NOWHERE, Always(Dropped)),
    cell("network.links[name=*].to", LATER, NOWHERE, Always(Dropped)),
    cell("network.links[name=*].latency", LATER, NOWHERE, Always(Dropped)),
    cell("network.links[name=*].jitter", LATER, NOWHERE, Always(Dropped)),
    cell("network.links[name=*].loss", LATER, NOWHERE, Always(Dropped)),
    cell("network.links[name=*].rate", LATER, NOWHERE, Always(Dropped)),
    cell("network.links", LATER, NOWHERE, Always(Dropped)),
    cell("externals.*", LATER, NOWHERE, Always(Dropped)),
    cell("externals.*.port", LATER, NOWHERE, Always(Dropped)),
    cell("externals.*.status", LATER, NOWHERE, Always(Dropped)),
    cell("externals.*.body", LATER, NOWHERE, Always(Dropped)),
    cell("externals.*.headers.*", LATER, NOWHERE, Always(Dropped)),
    cell("captured.unsupported.*", "a profile cannot hold it", NOWHERE, By(grades::unsupported)),
];
