"""What kompose makes of a Compose file: the objects it writes decide."""

import json
import pathlib
import re
import sys

from fields.compose import APPROXIMATED, Answer, KEPT, LOST, bytes_of, number, port_of, run, same_test

WORKLOADS = ["Deployment", "StatefulSet", "DaemonSet", "Pod", "Job", "CronJob"]

# What kompose says of a field that it leaves out or changes, as far as it says anything.
SAID = {
    "user": "Ignoring user",
    "restart": "Restart policy 'unless-stopped'",
    "deploy.placement": "placement",
    "configs": "cannot parse config {source} ",
    "volumes (bind)": 'Volume mount on the host "{source}"|Skip file in path {source} ',
}


def kept_if(there, why="no such field"):
    return (KEPT, "") if there else (LOST, why)


def placed(pod, text):
    """Whether a constraint or the label of a spread stands in the pod."""
    names = {"node.hostname": "kubernetes.io/hostname", "engine.labels.operatingsystem": "kubernetes.io/os"}
    label, _, rest = text.partition(" ")
    label = names.get(label, label.removeprefix("node.labels."))
    if not rest:
        return any(one["topologyKey"] == label for one in pod.get("topologySpreadConstraints", []))
    affinity = pod.get("affinity", {}).get("nodeAffinity", {})
    terms = affinity.get("requiredDuringSchedulingIgnoredDuringExecution", {}).get("nodeSelectorTerms", [])
    operator, value = rest.split(" ", 1)
    wanted = {"key": label, "operator": "In" if operator == "==" else "NotIn", "values": [value]}
    return any(wanted in term.get("matchExpressions", []) for term in terms)


class Theirs:
    """The objects that kompose writes with its own settings: no build, no option."""

    def __init__(self, program, file, folder):
        made = run([program, "convert", "--json", "--file", file, "--out", f"{folder}/"], file.parent)
        self.folder = file.parent.resolve()
        self.said = made.stderr
        self.refused = made.returncode != 0
        objects = [json.loads(path.read_text()) for path in sorted(pathlib.Path(folder).glob("*.json"))]
        self.objects = [item for one in objects for item in (one["items"] if one["kind"] == "List" else [one])]

    def of(self, name, kinds, service):
        names = [name, re.sub(r"[._]", "-", name).lower(), service.get("container_name")]
        return [one for one in self.objects if one["kind"] in kinds and one["metadata"]["name"] in names]

    def answer(self, name, key, where, value, service):
        if self.refused:
            return Answer(LOST, "it refuses the file", True)
        workloads = self.of(name, WORKLOADS, service)
        if not workloads:
            return Answer(LOST, "the service is not there")
        grade, why = self.judged(workloads[0], name, key, where, value)
        said = SAID.get(key)
        if said and isinstance(value, dict):
            said = said.replace("{source}", re.escape(value.get("source") or ""))
        return Answer(grade, why, grade == KEPT or bool(said and re.search(said, self.said)))

    def judged(self, workload, name, key, where, value):
        spec = workload["spec"]
        if workload["kind"] == "CronJob":
            spec = spec["jobTemplate"]["spec"]
        template = spec.get("template", workload)
        pod = template["spec"]
        container = pod["containers"][0]
        labels = template["metadata"].get("labels", {}).items()
        services = [one for one in self.objects if one["kind"] == "Service"
                    and one["spec"].get("selector", {}).items() <= labels]
        if key in ("expose", "ports.target", "ports.published"):
            return self.port(name, container, services, key, value)
        if key.startswith("healthcheck."):
            return self.probe(container, where[1], value)
        if key.startswith("volumes"):
            return self.volume(pod, container, key, value)
        if key.split(".")[0] in ("secrets", "configs"):
            return self.file(pod, container, key, value)
        if key == "labels":
            bags = [one["metadata"].get(bag, {}) for one in (template, workload) for bag in ("labels", "annotations")]
            return kept_if(any(bag.get(where[1]) == value for bag in bags), "neither a label nor an annotation")
        if key.startswith("deploy."):
            return self.deploy(workload, container, pod, services, key, where, value)
        judged = self.of_container(container, key, where, value) or self.of_pod(pod, key, where, value)
        judged = judged or self.beside(key, value)
        return judged or sys.exit(f"no rule for what kompose makes of {key}")

    def of_container(self, container, key, where, value):
        fields = {"image": "image", "entrypoint": "command", "command": "args", "container_name": "name",
                  "stdin_open": "stdin"}
        if key in fields:
            return kept_if(container.get(fields[key]) == value, f"`{fields[key]}` is another or absent")
        security = container.get("securityContext", {})
        if key == "environment":
            wanted = "" if value is None else str(value)
            return kept_if(self.variable(container, where[1]) == wanted, "the variable is absent or another")
        if key == "user":
            wanted = [int(part) if part.isdigit() else None for part in value.split(":")]
            there = [security.get("runAsUser"), security.get("runAsGroup")][: len(wanted)]
            return kept_if(None not in wanted and there == wanted, "names are no numbers")
        if key == "cap_add":
            return kept_if(value in security.get("capabilities", {}).get("add", []))
        if key == "stop_signal":
            return kept_if(container.get("lifecycle", {}).get("stopSignal") == value)
        return None

    def of_pod(self, pod, key, where, value):
        if key == "restart":
            wanted = {"always": "Always", "unless-stopped": "Always", "no": "Never"}.get(value, "OnFailure")
            if pod.get("restartPolicy") != wanted:
                return LOST, f"`restartPolicy: {pod.get('restartPolicy')}`"
            return (KEPT, "") if value != "unless-stopped" else (APPROXIMATED, "as `always`")
        if key == "hostname":
            return kept_if(pod.get("hostname") == value)
        if key == "domainname":
            if pod.get("subdomain") != value:
                return LOST, "no such field"
            return kept_if("." not in value, "`subdomain` with a dot, which the API refuses")
        if key == "sysctls":
            wanted = {"name": where[1], "value": str(value)}
            return kept_if(wanted in pod.get("securityContext", {}).get("sysctls", []))
        if key == "network_mode":
            return kept_if(value == "host" and pod.get("hostNetwork"))
        if key == "platform":
            return kept_if("kubernetes.io/arch" in pod.get("nodeSelector", {}))
        if key == "runtime":
            return kept_if("runtimeClassName" in pod)
        return None

    def beside(self, key, value):
        """What is no field of a pod, or of nothing in Kubernetes."""
        if key == "networks":
            policies = [one for one in self.objects if one["kind"] == "NetworkPolicy"]
            return kept_if(any(value in one["metadata"]["name"] for one in policies), "no NetworkPolicy")
        if key == "links":
            there = self.of(value.split(":")[0], ["Service"], {})
            return (APPROXIMATED, "the name is answered, nothing waits") if there else (LOST, "no Service of the name")
        nowhere = {"build": "no image is built: the name in the manifest is nobody's",
                   "depends_on": "nothing waits for anything", "networks.ipv4_address": "no such field"}
        return (LOST, nowhere[key]) if key in nowhere else None

    def deploy(self, workload, container, pod, services, key, where, value):
        field = key.removeprefix("deploy.")
        if field == "labels":
            return kept_if(workload["metadata"].get("labels", {}).get(where[2]) == value, "no label")
        if field == "replicas":
            return kept_if(workload["spec"].get("replicas") == value)
        if field == "mode":
            return kept_if((value == "global") == (workload["kind"] == "DaemonSet"), f"a {workload['kind']}")
        if field == "endpoint_mode":
            headless = any(one["spec"].get("clusterIP") == "None" for one in services)
            return kept_if(services and (value == "dnsrr") == headless, "the Service has a virtual address")
        if field == "resources":
            there = container.get("resources", {}).get("limits", {}).get("memory")
            return kept_if(there is not None and bytes_of(there) == int(value))
        if field == "placement":
            return kept_if(placed(pod, value), "neither affinity nor spread")
        return sys.exit(f"no rule for what kompose makes of {key}")

    def variable(self, container, name):
        """The value of a variable, through the ConfigMap it may come from."""
        maps = {one["metadata"]["name"]: one.get("data", {}) for one in self.objects if one["kind"] == "ConfigMap"}
        for variable in container.get("env", []):
            if variable["name"] == name:
                source = variable.get("valueFrom", {}).get("configMapKeyRef")
                return maps[source["name"]].get(source["key"]) if source else variable.get("value", "")
        whole = [one["configMapRef"]["name"] for one in container.get("envFrom", []) if "configMapRef" in one]
        return next((maps[one][name] for one in reversed(whole) if name in maps.get(one, {})), None)

    def port(self, name, container, services, key, value):
        number, protocol, published = port_of(key, value)
        mine = [
            (one, port) for one in services for port in one["spec"].get("ports") or []
            if port["targetPort"] == number and port.get("protocol", "TCP").lower() == protocol
        ]
        declared = [one for one in container.get("ports", [])
                    if one["containerPort"] == number and one.get("protocol", "TCP").lower() == protocol]
        if key == "ports.published":
            outside = [port for one, port in mine
                       if one["spec"].get("type") == "LoadBalancer" and port["port"] == published]
            outside += [port for _, port in mine if port.get("nodePort") == published]
            outside += [one for one in declared if one.get("hostPort") == published]
            if outside:
                return KEPT, ""
            inside = any(port["port"] == published for _, port in mine)
            return (APPROXIMATED, "a port of the Service, inside of the cluster alone") if inside else (LOST, "no port")
        named = [(one, port) for one, port in mine if one["metadata"]["name"] == name.replace("_", "-").lower()]
        if any(port["port"] == number or one["spec"].get("clusterIP") == "None" for one, port in named):
            return KEPT, ""
        if mine and not named:
            return APPROXIMATED, "the Service has another name"
        if mine:
            return APPROXIMATED, "the Service has it under the number that it has on the host: `NAME:PORT` is refused"
        return (APPROXIMATED, "of the pod alone, no Service has it") if declared else (LOST, "no port")

    def probe(self, container, field, value):
        """A check in Compose holds back who waits for it; a liveness probe restarts."""
        numbers = {"interval": "periodSeconds", "timeout": "timeoutSeconds", "retries": "failureThreshold",
                   "start_period": "initialDelaySeconds"}
        restarts = "of a liveness probe, which restarts where Compose waits"
        for kind, grade, why in (("readinessProbe", KEPT, ""), ("livenessProbe", APPROXIMATED, restarts)):
            probe = container.get(kind, {})
            if field == "test" and value[0] == "CMD-SHELL" and probe.get("exec", {}).get("command") == value[1:]:
                return LOST, "the whole line stands as the name of a program, without a shell"
            if field == "test" and same_test(value, probe.get("exec", {}).get("command")):
                return grade, why
            if field != "test" and probe.get(numbers[field]) == number(value):
                return grade, why
        return LOST, "of no probe"

    def volume(self, pod, container, key, value):
        target = value["target"].rstrip("/")
        mount = next((one for one in container.get("volumeMounts", [])
                      if one["mountPath"].rstrip("/") == target), None)
        if mount is None:
            return LOST, "nothing is mounted there"
        if key == "volumes.read_only":
            return (KEPT, "") if mount.get("readOnly") else (LOST, "writable")
        source = next(one for one in pod["volumes"] if one["name"] == mount["name"])
        if value["type"] == "bind":
            # What kompose makes of a path elsewhere depends on the machine that it runs on.
            beside = pathlib.Path(value["source"]).resolve().is_relative_to(self.folder)
            filled = "hostPath" in source or ("configMap" in source and beside)
            return (KEPT, "") if filled else (APPROXIMATED, "an empty volume in place of the host's folder or file")
        return (KEPT, "") if "persistentVolumeClaim" in source or "emptyDir" in source else (LOST, "no volume")

    def file(self, pod, container, key, value):
        kind, source = ("secret", "Secret") if key.startswith("secrets") else ("configMap", "ConfigMap")
        name = value["source"].replace("_", "-").lower()
        by = "secretName" if kind == "secret" else "name"
        volume = next((one for one in pod.get("volumes", []) if one.get(kind, {}).get(by) == name), None)
        mounts = container.get("volumeMounts", []) if volume else []
        mount = next((one for one in mounts if one["name"] == volume["name"]), None)
        there = any(one["kind"] == source and one["metadata"]["name"] == name for one in self.objects)
        if not (mount and there):
            return LOST, "no file"
        inner = key.partition(".")[2]
        if inner == "mode":
            modes = [volume[kind].get("defaultMode"), *(item.get("mode") for item in volume[kind].get("items", []))]
            return (KEPT, "") if int(value["mode"], 8) in modes else (LOST, "another mode")
        if inner:
            return LOST, "no such field"
        folder = "/run/secrets/" if kind == "secret" else "/"
        wanted = value.get("target") or value["source"]
        wanted = wanted if wanted.startswith("/") else folder + wanted
        paths = [mount["mountPath"]]
        if "subPath" not in mount:
            paths = [f"{mount['mountPath'].rstrip('/')}/{item['path']}" for item in volume[kind].get("items", [])]
        return (KEPT, "") if wanted in paths else (APPROXIMATED, "under another path")
