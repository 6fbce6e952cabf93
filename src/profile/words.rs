//! Words of the neighbours, and the nearest of our own.

use super::node::{Kind, Node};
use crate::path::Path;

/// The known word that a mistyped one is meant to be, if one is near.
pub(crate) fn nearest<'k>(word: &str, known: &[&'k str]) -> Option<&'k str> {
    // Nobody mistypes a word as long as this, and likeness costs the product of the lengths.
    if word.len() > 64 || known.len() > 500 {
        return None;
    }
    let word = word.to_ascii_lowercase().replace('-', "_");
    known
        .iter()
        .map(|key| (strsim::jaro_winkler(&word, &key.to_ascii_lowercase().replace('-', "_")), *key))
        .filter(|(likeness, _)| *likeness >= 0.84)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, key)| key)
}

/// What Compose and Kubernetes call things, and what they are called here.
const NEIGHBOURS: &[(&str, &str)] = &[
    ("environment", "write `env`, a map of names to values"),
    ("env_file", "write the variables under `env`; no file of the host is read"),
    ("envFrom", "write the variables under `env`"),
    ("depends_on", "write `needs: [NAME]`; it waits until NAME is ready, or has finished if it is a job"),
    ("links", "write `needs`; services find each other by name"),
    ("healthcheck", "write `probes: {readiness: {http: /healthz}}`, or startup, liveness; tcp, grpc, exec"),
    ("livenessProbe", "write `probes: {liveness: …}`"),
    ("readinessProbe", "write `probes: {readiness: …}`"),
    ("startupProbe", "write `probes: {startup: …}`"),
    ("httpGet", "write `http: {path: /, port: http}`"),
    ("tcpSocket", "write `tcp: {port: http}`"),
    ("test", "write `exec: [CMD, ARG]`"),
    ("initialDelaySeconds", "write `initial_delay: 5s`"),
    ("periodSeconds", "write `period: 5s`"),
    ("timeoutSeconds", "write `timeout: 5s`"),
    ("successThreshold", "write `success_threshold`"),
    ("failureThreshold", "write `failure_threshold`"),
    ("interval", "write `period`"),
    ("start_period", "write `initial_delay`, or a `startup` probe"),
    ("deploy", "write `replicas`, and `resources: {limits: …, requests: …}`"),
    ("scale", "write `replicas`"),
    ("mem_limit", "write `resources: {limits: {memory: 512Mi}}`"),
    ("memory", "write `resources: {limits: {memory: 512Mi}}`"),
    ("cpus", "write `resources: {limits: {cpu: 500m}}`"),
    ("cpu", "write `resources: {limits: {cpu: 500m}}`"),
    ("mem_reservation", "write `resources: {requests: {memory: 256Mi}}`"),
    ("cpu_shares", "write `resources: {requests: {cpu: 250m}}`"),
    ("limits", "write `resources: {limits: …}`"),
    ("reservations", "write `requests`"),
    ("memswap_limit", "write `platform: {swap: none}` at the top"),
    ("pids_limit", "write `pids`"),
    ("args", "write `command`; the image's entrypoint is `entrypoint`"),
    ("containerPort", "write `port`, or `ports: {http: 8000}`"),
    ("targetPort", "write `port`"),
    ("expose", "write `ports: {http: 8000}`; what the host sees is `network.expose`"),
    ("published", "ports of the host are chosen at launch; `endpoints` prints them"),
    ("target", "write `port`"),
    ("build", "build the image, then write `image: local:NAME:TAG`"),
    ("pull_policy", "an image is named by digest, or `local:NAME:TAG`; nothing else decides what is pulled"),
    (
        "imagePullPolicy",
        "an image is named by digest, or `local:NAME:TAG`; nothing else decides what is pulled",
    ),
    ("imagePullSecrets", "the engine's own log-in to the registry is used"),
    ("container_name", "leave it out: names of containers belong to the mirror"),
    (
        "networks",
        "leave it out: a mirror has one network of its own; `network` at the top says what may leave it",
    ),
    ("network_mode", "leave it out, or write `host_network: true` and `allow: [host-network]`"),
    ("hostNetwork", "write `host_network: true`, and `allow: [host-network]` at the top"),
    ("pid", "write `host_pid: true`, and `allow: [host-pid]` at the top"),
    ("hostPID", "write `host_pid: true`, and `allow: [host-pid]` at the top"),
    ("configs", "write `files: {/etc/app.ini: {from: app.ini}}`"),
    (
        "secrets",
        "declare secrets at the top, and use them as `${secret:NAME}` or `files: {/run/x: {secret: NAME}}`",
    ),
    ("volumeMounts", "write `volumes: {/data: {claim: data}}`"),
    ("volumes_from", "write `volumes`, with `{shared: NAME}`"),
    ("mounts", "write `volumes`"),
    ("persistentVolumeClaim", "write `claim: NAME`"),
    ("emptyDir", "write `empty: {}`"),
    ("hostPath", "write `host: /path`, and `allow: [host-path]` at the top"),
    ("sizeLimit", "write `size`"),
    (
        "securityContext",
        "write `user`, `groups`, `read_only`, `capabilities`, `privileged` or `fs_group` in its place",
    ),
    ("runAsUser", "write `user`"),
    ("runAsGroup", "write `user: \"UID:GID\"`"),
    ("fsGroup", "write `fs_group`"),
    ("supplementalGroups", "write `groups`"),
    ("readOnlyRootFilesystem", "write `read_only`"),
    ("allowPrivilegeEscalation", "write `no_new_privileges: true` for `false`"),
    ("security_opt", "write `no_new_privileges` or `seccomp`"),
    ("seccompProfile", "write `seccomp: runtime/default`"),
    ("cap_add", "write `capabilities: {add: [..]}`"),
    ("cap_drop", "write `capabilities: {drop: [..]}`"),
    ("group_add", "write `groups`"),
    ("workingDir", "write `working_dir`"),
    ("workdir", "write `working_dir`"),
    ("dns_search", "write `dns: {search: [..]}`"),
    ("dns_opt", "write `dns: {ndots: N}`"),
    ("dnsConfig", "write `dns`"),
    ("nameservers", "write `servers`"),
    ("searches", "write `search`"),
    ("hostAliases", "write `extra_hosts: {NAME: ADDRESS}`"),
    ("terminationGracePeriodSeconds", "write `stop_grace_period: 30s`"),
    ("restartPolicy", "write `restart: always`, `on-failure` or `never`"),
    ("restart_policy", "write `restart: always`, `on-failure` or `never`"),
    ("lifecycle", "write `post_start` and `pre_stop`"),
    ("postStart", "write `post_start`"),
    ("preStop", "write `pre_stop`"),
    ("initContainers", "write `init`, a map of names to containers"),
    ("containers", "the main container's fields stand beside `image`; others go under `sidecars`"),
    ("serviceAccountName", "write `service_account`"),
    ("enableServiceLinks", "write `enable_service_links`"),
    ("annotations", "write `labels`; annotations are not carried"),
    ("backoffLimit", "write `retries`"),
    ("minReplicas", "write `min`"),
    ("maxReplicas", "write `max`"),
    ("targetCPUUtilizationPercentage", "write `target_cpu`"),
    ("hpa", "write `autoscaling: {min: 2, max: 6}`"),
    ("feature_flags", "write `flags`"),
    ("version", "leave it out; the first line is `apiVersion: prodmirror/v1`"),
    ("kind", "leave it out; the first line is `apiVersion: prodmirror/v1`"),
    ("databases", "write `stores`"),
    ("volumes", "write `volumes` at the service; a mirror makes what is named there"),
    ("extends", "write `like: NAME` (jobs), or an overlay with `-f`"),
    ("profiles", "write an overlay and hand it in with `-f`"),
    ("tty", "leave it out; `exec -t` gives a terminal"),
    ("stdin_open", "leave it out; `exec -i` gives an input"),
    ("init", "leave it out, or write `init: {NAME: {…}}` for init containers"),
    ("logging", "leave it out; `logs` reads what a container prints"),
    ("platform", "write `platform: {arch: amd64}` at the top"),
    ("password_file", "write `password: \"${secret:NAME}\"`"),
    ("username", "write `user`"),
    ("db", "write `database`"),
    ("type", "write `engine`"),
];

/// Values that the neighbours know, and ours for the same.
const VALUES: &[(&str, &str)] = &[
    ("unless-stopped", "always"),
    ("no", "never"),
    ("OnFailure", "on-failure"),
    ("metadata.name", "pod.name"),
    ("status.podIP", "pod.address"),
    ("pod.ip", "pod.address"),
    ("spec.nodeName", "node.name"),
    ("ClusterIP", "cluster-ip"),
    ("None", "headless"),
    ("postgresql", "postgres"),
    ("valkey", "redis"),
    ("x86_64", "amd64"),
    ("aarch64", "arm64"),
    ("Memory", "memory"),
];

/// The word of a closed set that was meant.
pub(crate) fn word(text: &str, known: &[&str]) -> Option<String> {
    let ours = VALUES.iter().find(|(theirs, ours)| *theirs == text && known.contains(ours));
    match ours {
        Some((_, ours)) => Some(format!("write `{ours}`")),
        None => nearest(text, known).map(|near| format!("did you mean `{near}`?")),
    }
}

/// The message and hint for a key that the map does not have.
pub(crate) fn unknown_key(
    key: &str,
    known: &[&'static str],
    _value: &Node,
    at: &Path,
) -> (String, Option<String>) {
    let message = format!("the key `{key}` is not known here");
    if key == "like" {
        let hint = match at.key_at(0) {
            Some("jobs") => "`like` stands at the job itself",
            _ => "only a job takes `like`",
        };
        return (message, Some(hint.to_owned()));
    }
    if let Some((_, hint)) = NEIGHBOURS.iter().find(|(word, hint)| *word == key && speaks_of(hint, known)) {
        return (message, Some((*hint).to_owned()));
    }
    let hint = match nearest(key, known) {
        Some(near) => format!("did you mean `{near}`?"),
        None => match NEIGHBOURS.iter().find(|(word, _)| *word == key) {
            Some((_, hint)) => (*hint).to_owned(),
            None => format!("known are {}", known.join(", ")),
        },
    };
    (message, Some(hint))
}

/// Whether a hint's first word of ours is a key of this map, so that it fits here.
fn speaks_of(hint: &str, known: &[&str]) -> bool {
    let Some(quoted) = hint.split('`').nth(1) else { return true };
    let word = quoted.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').next().unwrap_or_default();
    !hint.starts_with("write") || known.contains(&word)
}

/// What to write instead of a value of the wrong kind.
pub(crate) fn shape(node: &Node, at: &Path) -> Option<String> {
    let key = at.0.iter().rev().find_map(|segment| match segment {
        crate::path::Segment::Key(key) => Some(key.as_str()),
        _ => None,
    })?;
    let first = match &node.kind {
        Kind::List(items) => items.first(),
        _ => None,
    };
    let text = first.and_then(Node::as_text).unwrap_or_default();
    Some(match (key, &node.kind) {
        ("env" | "flags" | "labels" | "sysctls", Kind::List(_)) => match text.split_once('=') {
            Some((name, value)) => format!("write a map, `{name}: \"{value}\"`"),
            None if key == "env" => "write a map, `NAME: value`".to_owned(),
            None => "write a map of names to values".to_owned(),
        },
        ("volumes", Kind::List(_)) => match text.split(':').collect::<Vec<_>>().as_slice() {
            [name, path, ..] if !name.starts_with(['.', '/']) => {
                format!("write a map, `{path}: {{claim: {name}}}`")
            }
            [host, path, ..] => {
                format!("write a map, `{path}: {{host: {host}}}`, or `files` for single files")
            }
            _ => "write a map, `/data: {claim: data}`".to_owned(),
        },
        ("ports", Kind::Scalar { text, .. }) => {
            let port = text.rsplit(':').next().unwrap_or(text).split('/').next().unwrap_or("8000");
            format!("write `ports: {{http: {port}}}`; ports of the host are chosen at launch")
        }
        ("needs" | "flags" | "groups" | "allow", Kind::Scalar { text, .. }) => format!("write `[{text}]`"),
        ("needs", Kind::Map(_)) => "write a list of names; it waits until each is ready".to_owned(),
        ("extra_hosts", Kind::List(_)) => "write a map, `NAME: ADDRESS`".to_owned(),
        ("services" | "stores" | "jobs" | "init" | "sidecars", Kind::List(_)) => {
            "write a map of names, `api: {image: …}`".to_owned()
        }
        ("restart", _) => "write `always`, `on-failure` or `never`".to_owned(),
        _ => return None,
    })
}

/// What to write instead of a value that is no such thing.
pub(crate) fn spelling(code: &str, text: &str) -> Option<String> {
    match code {
        "bad-duration" if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) => {
            Some(format!("write `{text}s`"))
        }
        "bad-name" => {
            let near: String = text
                .to_ascii_lowercase()
                .chars()
                .map(|c| if c.is_ascii_lowercase() || c.is_ascii_digit() { c } else { '-' })
                .collect();
            let near = near.trim_matches('-');
            crate::name::Name::new(near).ok().map(|name| format!("write `{name}`"))
        }
        "bad-quantity" => {
            let lower = text.to_ascii_lowercase();
            let units = [("kb", "k"), ("mb", "M"), ("gb", "G"), ("m", "M"), ("g", "Gi"), ("b", "")];
            let (unit, ours) = units.into_iter().find(|(unit, _)| lower.ends_with(unit))?;
            let number = text.get(..text.len() - unit.len())?.trim();
            number.parse::<super::Bytes>().ok().map(|_| format!("write `{number}{ours}`"))
        }
        _ => None,
    }
}

/// A command line as the list to write.
pub(crate) fn as_list(line: &str) -> String {
    let shell = line.contains(['|', '&', ';', '<', '>', '$', '`', '"', '\'', '*', '(', '\n']);
    let words: Vec<String> = if shell {
        vec!["sh".into(), "-c".into(), quoted(line)]
    } else {
        line.split_whitespace().map(quoted).collect()
    };
    format!("[{}]", words.join(", "))
}

fn quoted(word: &str) -> String {
    let plain = word.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-./=".contains(&b));
    if plain && !word.is_empty() { word.to_owned() } else { serde_json::Value::from(word).to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_finger_finds_the_word() {
        let known = ["replicas", "resources", "image", "restart"];
        assert_eq!(nearest("replcas", &known), Some("replicas"));
        assert_eq!(nearest("Image", &known), Some("image"));
        assert_eq!(nearest("xyz", &known), None);
    }

    #[test]
    fn a_line_becomes_a_list() {
        assert_eq!(as_list("python manage.py migrate"), "[python, manage.py, migrate]");
        assert_eq!(as_list("a && b"), r#"[sh, -c, "a && b"]"#);
    }
}
