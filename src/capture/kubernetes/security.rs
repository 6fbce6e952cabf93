//! The walls around a process; a container's own win over the pod's.

use serde_json::{Value as Json, json};

use super::{container::Place, field, workloads::Workload};
use crate::{
    capture::draft::{Sketch, Taking, scalar},
    path::Path,
};

const NOT_HERE: [(&str, &str); 6] = [
    ("seLinuxOptions", "a mirror's engine says what SELinux does"),
    ("appArmorProfile", "a mirror's engine says what AppArmor does"),
    ("windowsOptions", "containers of a mirror are Linux ones"),
    ("procMount", "/proc is masked as the engine does it"),
    ("runAsNonRoot", "it forbids a user and sets none"),
    ("fsGroupChangePolicy", "volumes of a mirror are new"),
];

pub(super) fn of_container<'s>(container: &Taking<'s>, place: &Place<'_, 's>, to: &mut Sketch<'s>) {
    let own = container.get("securityContext");
    let pod = place.workload.spec().and_then(|spec| spec.get("securityContext"));
    user(own.as_ref(), pod.as_ref(), &place.at, to);
    seccomp(own.as_ref().or(pod.as_ref()), pod.as_ref(), &place.at, to);
    let Some(own) = own else { return };
    if let Some(only) = own.get("readOnlyRootFilesystem") {
        to.take(&field(&place.at, &["read_only"]), only.value().clone(), &only);
    }
    if let Some(open) = own.get("privileged") {
        match open.value() == &json!(true) {
            true => to.take(&field(&place.at, &["privileged"]), true, &open),
            false => open.used(),
        }
    }
    if let Some(more) = own.get("allowPrivilegeEscalation") {
        let fixed = more.value() == &json!(false);
        to.take(&field(&place.at, &["no_new_privileges"]), fixed, &more);
    }
    for side in ["add", "drop"] {
        if let Some(list) = own.find(&["capabilities", side]) {
            let names: Vec<String> = list
                .value()
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(|name| Some(name.as_str()?.to_uppercase().trim_start_matches("CAP_").to_owned()))
                .collect();
            match names.is_empty() {
                true => list.used(),
                false => to.take(&field(&place.at, &["capabilities", side]), names, &list),
            }
        }
    }
    own.without(&NOT_HERE);
}

/// `UID` or `UID:GID`, each from the container or else from the pod.
fn user<'s>(own: Option<&Taking<'s>>, pod: Option<&Taking<'s>>, at: &Path, to: &mut Sketch<'s>) {
    let of = |key: &str| own.and_then(|own| own.get(key)).or(pod.and_then(|pod| pod.get(key)));
    let text = |at: &Taking<'_>| scalar(at.value()).unwrap_or_default();
    let (uid, gid) = (of("runAsUser"), of("runAsGroup"));
    let at = at.key("user");
    match (&uid, &gid) {
        (Some(uid), Some(gid)) => {
            let both = format!("{}:{}", text(uid), text(gid));
            to.take(&at, both.as_str(), uid);
            to.take(&at, both, gid);
        }
        (Some(uid), None) => to.take(&at, text(uid), uid),
        (None, Some(gid)) => gid.left_out("a group without a user: the image's user is not known here"),
        (None, None) => {}
    }
}

fn seccomp<'s>(own: Option<&Taking<'s>>, pod: Option<&Taking<'s>>, at: &Path, to: &mut Sketch<'s>) {
    let of = |at: Option<&Taking<'s>>| at.and_then(|at| at.get("seccompProfile"));
    let Some(profile) = of(own).or(of(pod)) else { return };
    let word = match profile.value()["type"].as_str() {
        Some("RuntimeDefault") => "runtime/default",
        Some("Unconfined") => "unconfined",
        _ => return profile.left_out("the filter lies on the node and was not read"),
    };
    to.take(&at.key("seccomp"), word, &profile);
}

pub(super) fn of_pod<'s>(spec: &Taking<'s>, workload: &Workload<'s>, to: &mut Sketch<'s>) {
    let Some(context) = spec.get("securityContext") else { return };
    if let Some(group) = context.get("fsGroup") {
        to.take(&field(&workload.at, &["fs_group"]), group.value().clone(), &group);
    }
    if let Some(groups) = context.get("supplementalGroups") {
        let all: Vec<Json> =
            groups.items().iter().filter_map(|group| Some(json!(scalar(group.value())?))).collect();
        to.take(&field(&workload.at, &["groups"]), all, &groups);
    }
    for item in context.get("sysctls").map(|all| all.items()).unwrap_or_default() {
        let name = item.value()["name"].as_str().unwrap_or_default().to_owned();
        let value = scalar(&item.value()["value"]).unwrap_or_default();
        to.take(&field(&workload.at, &["sysctls", &name]), value, &item);
    }
    context.without(&NOT_HERE);
    context.without(&[("supplementalGroupsPolicy", "groups of the image hold too")]);
}
