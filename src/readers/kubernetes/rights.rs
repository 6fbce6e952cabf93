//! The rights that a capture needs, as a role to give it.

use std::collections::BTreeMap;

use super::lists::{self, List};

/// Rights that go beyond the role `view`, each by a switch of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wider {
    /// Nodes: architecture, kernel, cores, memory.
    pub nodes: bool,
    /// Secrets: which there are, and their keys. The API gives their values with them; they are dropped at once.
    pub secrets: bool,
    /// Commands in containers.
    pub exec: bool,
}

/// A Role, and a ClusterRole for what belongs to no namespace, as manifests.
pub fn rights(wider: Wider, namespace: &str) -> String {
    let (cluster_wide, own): (Vec<&List>, Vec<&List>) =
        lists::wanted(wider).partition(|list| list.is_cluster_wide());
    let mut text = format!(
        "# What `prodmirror capture kubernetes` asks for, and no more: it lists, and gets one namespace's identity.\n\
         apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata:\n  name: prodmirror-capture\n  \
         namespace: {namespace}\nrules:\n"
    );
    let mut groups: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for list in own {
        groups.entry(list.group).or_default().push(list.resource);
    }
    for (group, resources) in groups {
        text += &rule(group, &resources, &[], "list");
    }
    if wider.exec {
        // A command is a GET to servers before 1.35, and takes both from there on.
        text += &rule("", &["pods/exec"], &[], "get, create");
    }
    text += "---\n# Tells one cluster from another. Without it the capture says that it could not be read.\n\
             apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata:\n  name: prodmirror-capture\n\
             rules:\n";
    text += &rule("", &["namespaces"], &["kube-system"], "get");
    for list in cluster_wide {
        text += &rule(list.group, &[list.resource], &[], "list");
    }
    text
}

fn rule(group: &str, resources: &[&str], names: &[&str], verb: &str) -> String {
    let names = match names {
        [] => String::new(),
        names => format!("  resourceNames: [{}]\n", names.join(", ")),
    };
    format!("- apiGroups: [\"{group}\"]\n  resources: [{}]\n{names}  verbs: [{verb}]\n", resources.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of `kubectl describe clusterrole view`.
    const VIEW: [&str; 14] = [
        "configmaps",
        "cronjobs.batch",
        "daemonsets.apps",
        "deployments.apps",
        "horizontalpodautoscalers.autoscaling",
        "ingresses.networking.k8s.io",
        "jobs.batch",
        "networkpolicies.networking.k8s.io",
        "persistentvolumeclaims",
        "poddisruptionbudgets.policy",
        "pods",
        "replicasets.apps",
        "services",
        "statefulsets.apps",
    ];

    #[test]
    fn without_a_switch_it_is_the_role_view_and_no_secret() {
        let mut asked: Vec<String> = lists::wanted(Wider::default()).map(List::title).collect();
        asked.sort();
        assert_eq!(asked, VIEW);
        let text = rights(Wider::default(), "shop");
        assert!(["secrets", "nodes", "exec"].iter().all(|right| !text.contains(right)), "{text}");
        for verb in ["create", "update", "patch", "delete", "watch", "exec"] {
            assert!(!text.contains(&format!("[{verb}")), "{text}");
        }
    }

    #[test]
    fn each_switch_adds_its_resource_and_the_text_is_two_documents() {
        let text = rights(Wider { nodes: true, secrets: true, exec: true }, "shop");
        let documents = crate::capture::kubernetes::documents(&text).unwrap();
        assert_eq!(documents.len(), 2);
        assert_eq!(documents[0]["metadata"]["namespace"], "shop");
        let core = &documents[0]["rules"][0]["resources"];
        assert!(core.as_array().unwrap().contains(&"secrets".into()), "{core}");
        let last = documents[0]["rules"].as_array().unwrap().last().unwrap();
        assert_eq!((&last["resources"][0], &last["verbs"][1]), (&"pods/exec".into(), &"create".into()));
        assert_eq!(documents[1]["rules"][1]["resources"][0], "nodes");
    }
}
