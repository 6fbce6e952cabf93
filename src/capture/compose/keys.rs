//! Keys of the Compose specification that a profile has no field for, each with the reason.

pub type Reasons = [(&'static str, &'static str)];

const NO_FIELD: &str = "a profile has no field for it, and a mirror does not set it";
const HOST: &str = "it belongs to the machine that it ran on";

pub const SERVICE: &Reasons = &[
    ("annotations", "annotations are not carried; labels are"),
    ("attach", "`prodmirror logs` shows every service"),
    ("blkio_config", HOST),
    ("cgroup", HOST),
    ("cgroup_parent", HOST),
    ("container_name", "names of containers belong to the mirror"),
    ("cpu_count", HOST),
    ("cpu_percent", HOST),
    ("cpu_rt_period", HOST),
    ("cpu_rt_runtime", HOST),
    ("cpuset", "`platform: {cores: N}` at the top is the number of cores that a process sees"),
    ("credential_spec", "it is of Windows"),
    ("develop", "it is for the work on the source"),
    ("device_cgroup_rules", HOST),
    ("devices", HOST),
    ("domainname", NO_FIELD),
    ("external_links", "a mirror holds nothing but what its profile names"),
    ("gpus", HOST),
    ("init", "the engine's own first process is not set: the image's is"),
    ("ipc", NO_FIELD),
    ("isolation", "it is of Windows"),
    ("label_file", "Compose did not read it here: copy its labels to `labels`"),
    ("logging", "the engine keeps the logs, `prodmirror logs` shows them"),
    ("mac_address", "the engine chooses addresses"),
    ("mem_swappiness", HOST),
    ("memswap_limit", "`platform: {swap: none}` at the top takes swap off for all"),
    ("models", NO_FIELD),
    ("network_mode", "a mirror has one network of its own"),
    ("oom_kill_disable", NO_FIELD),
    ("oom_score_adj", NO_FIELD),
    ("pid", "`host_pid: true` and `allow: [host-pid]` if it is meant so"),
    ("profiles", "every service that is on is part of the mirror"),
    ("provider", NO_FIELD),
    ("pull_policy", "an image is taken by its digest"),
    ("pull_refresh_after", "an image is taken by its digest"),
    ("runtime", HOST),
    ("stdin_open", "nobody sits at it"),
    ("storage_opt", "`resources: {limits: {ephemeral_storage: …}}` limits what a container writes"),
    ("tty", "nobody sits at it"),
    ("use_api_socket", "a mirror has no way to the engine"),
    ("userns_mode", HOST),
    ("uts", NO_FIELD),
    ("volumes_from", "`volumes` with `{shared: NAME}` is the same for both"),
];

pub const DEPLOY: &Reasons = &[
    ("endpoint_mode", "`balancing: cluster-ip`, `headless` or `dns` says how a name is answered"),
    ("mode", "a mirror runs `replicas` of it on one machine"),
    ("placement", "a mirror runs on one machine"),
    ("rollback_config", "a mirror has no rollouts of its own"),
    ("update_config", "a mirror has no rollouts of its own"),
];

pub const RESTART_POLICY: &Reasons = &[
    ("delay", "a mirror waits as Kubernetes does, longer each time"),
    ("max_attempts", "a mirror tries for ever, as Kubernetes does"),
    ("window", "a mirror waits as Kubernetes does, longer each time"),
];

pub const RESOURCES: &Reasons = &[("devices", HOST), ("generic_resources", HOST)];

pub const HEALTHCHECK: &Reasons = &[
    ("start_period", "a readiness probe ends nothing, so it needs no time to start"),
    ("start_interval", "a readiness probe ends nothing, so it needs no time to start"),
];

/// Of the document as a whole.
pub const TOP: &Reasons = &[
    ("models", NO_FIELD),
    ("networks", "a mirror has one network of its own"),
    ("volumes", "a mirror's volumes are its own"),
    ("configs", "no service uses it"),
    ("include", "only Compose itself follows it"),
];
