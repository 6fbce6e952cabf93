//! In which container the process of each workload runs: what there is to ask of what really runs.

use serde_json::Value as Json;

use super::{Document, live, objects, objects::Cluster, services, workloads};
use crate::{capture::draft::Input, profile::EngineKind};

/// The first running container of a workload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Process {
    /// `services`, `jobs` or `stores`, and its name there.
    pub section: &'static str,
    pub name: String,
    pub pod: String,
    pub container: String,
    /// Whether process 1 of the container is its own. It is not where a pod shares one table of processes.
    pub is_first: bool,
    /// Of a store.
    pub engine: Option<EngineKind>,
}

/// One for each workload of which a Pod runs, under the names that a capture of the same documents gives.
pub fn processes(documents: &[Document]) -> Vec<Process> {
    let input = |one: &Document| Input::new(one.name.clone(), objects::tree(one.values.clone()));
    let inputs: Vec<Input> = documents.iter().map(input).collect();
    let cluster = Cluster::of(&inputs);
    let mut workloads = workloads::find(&cluster);
    services::name(&cluster, &mut workloads);
    let mut found = Vec::new();
    for workload in &workloads {
        let Some(main) = workloads::main(&workload.template) else { continue };
        let (container, image) = (&main.value()["name"], &main.value()["image"]);
        let runs = |pod: &&objects::Object<'_>| live::runs(pod, container);
        let mut pods: Vec<_> = live::pods(workload, &cluster).filter(runs).collect();
        // In the middle of a rollout, the revision that is captured.
        pods.sort_by_key(|pod| (!live::has_image(pod, container, image), pod.name.clone()));
        let (Some(pod), Some(container)) = (pods.first(), container.as_str()) else { continue };
        let spec = workload.spec().map_or(&Json::Null, |spec| spec.value());
        let shared = ["shareProcessNamespace", "hostPID"].iter().any(|key| spec[*key] == true);
        found.push(Process {
            section: workload.section,
            name: workload.name.clone(),
            pod: pod.name.clone(),
            container: container.to_owned(),
            is_first: !shared,
            engine: workload.engine,
        });
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::kubernetes::documents;

    const STACK: &str = "
kind: Deployment
apiVersion: apps/v1
metadata: {name: web, namespace: n}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: main, image: 'web:2'}, {name: side, image: 'side:1'}]}
---
{kind: Service, apiVersion: v1, metadata: {name: front, namespace: n}, spec: {selector: {app: web}, ports: [{port: 80}]}}
---
kind: Pod
apiVersion: v1
metadata: {name: web-a, namespace: n, labels: {app: web}, ownerReferences: [{kind: ReplicaSet, name: old}]}
spec: {containers: [{name: main, image: 'web:1'}]}
status: {containerStatuses: [{name: main, state: {running: {}}}]}
---
kind: Pod
apiVersion: v1
metadata: {name: web-b, namespace: n, labels: {app: web}, ownerReferences: [{kind: ReplicaSet, name: new}]}
spec: {containers: [{name: main, image: 'web:2'}]}
status: {containerStatuses: [{name: main, state: {waiting: {reason: CrashLoopBackOff}}}]}
---
kind: Pod
apiVersion: v1
metadata: {name: web-c, namespace: n, labels: {app: web}, ownerReferences: [{kind: ReplicaSet, name: new}]}
spec: {containers: [{name: main, image: 'web:2'}]}
status: {containerStatuses: [{name: main, state: {running: {}}}]}
---
kind: Deployment
apiVersion: apps/v1
metadata: {name: idle, namespace: n}
spec:
  replicas: 0
  selector: {matchLabels: {app: idle}}
  template:
    metadata: {labels: {app: idle}}
    spec: {containers: [{name: main, image: 'idle:1'}]}
";

    fn found(text: &str) -> Vec<Process> {
        processes(&[Document { name: "x".to_owned(), values: documents(text).unwrap() }])
    }

    #[test]
    fn it_is_the_running_main_container_of_the_newer_revision() {
        let [one] = found(STACK).try_into().unwrap();
        let Process { section, name, pod, container, is_first, engine } = one;
        assert_eq!(
            (section, name.as_str(), pod.as_str(), container.as_str()),
            ("services", "front", "web-c", "main")
        );
        assert!(is_first && engine.is_none());
    }

    #[test]
    fn in_a_shared_table_of_processes_the_first_is_another_one() {
        let shared = STACK.replace(
            "spec: {containers: [{name: main, image: 'web:2'}, ",
            "spec: {shareProcessNamespace: true, containers: [{name: main, image: 'web:2'}, ",
        );
        assert!(!found(&shared)[0].is_first);
    }
}
