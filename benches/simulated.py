#!/usr/bin/env python3
"""Mirrors of many services on simulated nodes (kwok) of a real API server: for each size the seconds of `plan`, of `up`
until its last pod is ready, of verify, of `down`, and the program's memory: when it begins to wait for pods, when the last
is ready, at its peak. Asks for near-linear growth: from the smallest to the largest the time for one service may grow by
half.

Needs `make setup-kind`, Go, and a release build (`scripts/build`). SIZES=100,200 for others; REPLICAS a service, ten by
default.
Ends with 1 where the growth is above its aim.
"""

import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
BINARIES = ROOT / "target/release"
SIZES = [int(size) for size in os.environ.get("SIZES", "100,200,400,1000").split(",")]
REPLICAS = int(os.environ.get("REPLICAS", "10"))
PODS_A_NODE = 100
KWOK = "sigs.k8s.io/kwok/cmd/kwok@v0.7.0"
MOST_GROWTH = 1.5
CLUSTER = f"pm-simulated-{os.getpid()}"

# One client at a time, which may ask as fast as it can.
RATES = {
    "apiServer": {
        "max-requests-inflight": "4000",
        "max-mutating-requests-inflight": "2000",
        # A namespace is emptied kind by kind; one object at a time is the default.
        "delete-collection-workers": "10",
    },
    "controllerManager": {
        "kube-api-qps": "2000",
        "kube-api-burst": "4000",
        # A machine that is busy may be late with the simulated nodes' signs of life.
        "node-monitor-grace-period": "30m",
        "concurrent-deployment-syncs": "20",
        "concurrent-replicaset-syncs": "20",
        "concurrent-resource-quota-syncs": "20",
    },
    "scheduler": {"kube-api-qps": "2000", "kube-api-burst": "4000"},
}


def run(*words, **more):
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, **more)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, words))}: {done.stdout}{done.stderr}")
    return done.stdout


def kwok():
    """The program, compiled once."""
    folder = ROOT / "target/setup/kwok"
    if not (folder / "kwok").exists():
        folder.mkdir(parents=True, exist_ok=True)
        environment = {**os.environ, "GOBIN": str(folder), "CGO_ENABLED": "0", "GOFLAGS": "-buildvcs=false"}
        run("go", "install", "-trimpath", "-ldflags", "-s -w", KWOK, env=environment)
    return folder / "kwok"


def patches():
    """kubeadm's two ways to write arguments: kind takes the one of its own version."""
    for version in ["v1beta3", "v1beta4"]:
        patch = {"apiVersion": f"kubeadm.k8s.io/{version}", "kind": "ClusterConfiguration"}
        for part, arguments in RATES.items():
            listed = [{"name": name, "value": value} for name, value in arguments.items()]
            patch[part] = {"extraArgs": arguments if version == "v1beta3" else listed}
        yield json.dumps(patch)


def node(number):
    # A daemon set's pods come to it too.
    room = {"cpu": "1000", "memory": "1000Gi", "pods": str(PODS_A_NODE + 10)}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": f"simulated-{number}",
            "annotations": {"kwok.x-k8s.io/node": "fake"},
            "labels": {"kubernetes.io/arch": "amd64", "kubernetes.io/os": "linux"},
        },
        "status": {"allocatable": room, "capacity": room},
    }


def profile(services):
    of_one = {
        "image": "registry.example.com/app:1",
        "replicas": REPLICAS,
        "ports": {"http": 8000},
        "env": {f"VARIABLE_{at}": f"value {at}" for at in range(10)},
        "resources": {"requests": {"cpu": "10m", "memory": "16Mi"}, "limits": {"memory": "64Mi"}},
    }
    return {
        "apiVersion": "prodmirror/v1",
        "name": f"s{services}",
        "services": {f"service-{number}": of_one for number in range(services)},
    }


def resident(pid):
    """MB of a process now."""
    fields = pathlib.Path(f"/proc/{pid}/statm").read_text().split()
    return int(fields[1]) * os.sysconf("SC_PAGESIZE") // 2**20


def watched(child, began, samples):
    """Adds how much memory a process has, and when, until it ends."""
    while child.returncode is None:
        try:
            samples.append((time.monotonic() - began, resident(child.pid)))
        except (OSError, IndexError):
            return
        time.sleep(0.1)


def measured(*words):
    """Seconds and peak MB of a whole run, its answer, and its memory over time."""
    samples = []
    with tempfile.TemporaryFile("w+") as answer, tempfile.TemporaryFile("w+") as said:
        before = time.monotonic()
        child = subprocess.Popen([str(word) for word in words], stdout=answer, stderr=said)
        threading.Thread(target=watched, args=(child, before, samples), daemon=True).start()
        try:
            _, status, usage = os.wait4(child.pid, 0)
            child.returncode = os.waitstatus_to_exitcode(status)
        except BaseException:
            child.kill()
            raise
        seconds = time.monotonic() - before
        answer.seek(0), said.seek(0)
        if child.returncode != 0:
            sys.exit(f"{' '.join(map(str, words))}: {answer.read()[-2000:]}{said.read()[-2000:]}")
        return seconds, usage.ru_maxrss // 1024, answer.read(), samples


def one(services, folder, context):
    file = folder / f"{services}.json"
    file.write_text(json.dumps(profile(services)))
    program = BINARIES / "prodmirror"
    common = ["-f", file, "--backend", "kubernetes", "--allow-unpinned"]
    planned, *_ = measured(program, "plan", *common, "--format", "json")
    up, memory, answer, samples = measured(
        program, "up", *common, "--context", context, "--timeout", "30m", "--format", "json", "-q"
    )
    timings = json.loads(answer)["timings"]
    verify = sum(step["millis"] for step in timings if step["step"] == "verify") / 1000
    waited = sum(step["millis"] for step in timings if step["step"].startswith("ready")) / 1000
    waiting = [held for at, held in samples if up - verify - waited <= at <= up - verify] or [0]
    down, *_ = measured(program, "down", f"s{services}", "--context", context, "-q")
    print(
        f"{services:5} services {services * REPLICAS:6} pods: plan {planned:6.2f} s, up {up - verify:7.1f} s, "
        f"verify {verify:6.1f} s, down {down:6.1f} s; waiting {waiting[0]:4} to {waiting[-1]:4} MB, peak {memory:4} MB",
        flush=True,
    )
    return (up - verify) / services


def main():
    # Ended in whatever way, the cluster goes.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended from outside"))
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        kubeconfig = folder / "kubeconfig"
        os.environ.update(KUBECONFIG=str(kubeconfig), PRODMIRROR_OWNER=f"{CLUSTER}@here", PRODMIRROR_STATE=str(folder / "state"))
        image = run("docker", "images", "--format", "{{.Repository}}:{{.Tag}}", "prodmirror-built/node").split()[0]
        config = {
            "kind": "Cluster",
            "apiVersion": "kind.x-k8s.io/v1alpha4",
            "nodes": [{"role": "control-plane", "image": image}],
            "kubeadmConfigPatches": list(patches()),
        }
        (folder / "kind.json").write_text(json.dumps(config))
        simulator = None
        try:
            run(BINARIES / "kind", "create", "cluster", "--name", CLUSTER, "--config", folder / "kind.json", "--wait", "120s")
            kubectl = [BINARIES / "kubectl", "--kubeconfig", kubeconfig]
            # No real process shall run, and what holds real pods to policies would read all others for nothing.
            run(*kubectl, "cordon", f"{CLUSTER}-control-plane")
            run(*kubectl, "--namespace", "kube-system", "delete", "daemonset", "podnet", "--ignore-not-found")
            nodes = [node(number) for number in range(max(SIZES) * REPLICAS // PODS_A_NODE + 1)]
            (folder / "nodes.json").write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": nodes}))
            run(*kubectl, "create", "--filename", folder / "nodes.json")
            with open(folder / "kwok.log", "w") as log:
                simulator = subprocess.Popen(
                    [
                        *[kwok(), "--kubeconfig", kubeconfig],
                        *["--manage-nodes-with-annotation-selector", "kwok.x-k8s.io/node=fake"],
                        *["--node-lease-duration-seconds", "40"],
                    ],
                    stdout=log,
                    stderr=log,
                )
            run(*kubectl, "wait", "--for=condition=Ready", "node", "--all", "--timeout=120s")
            cost = [one(size, folder, f"kind-{CLUSTER}") for size in SIZES]
            growth = cost[-1] / cost[0]
            print(f"time for one service, largest to smallest: {growth:.2f} (aim: at most {MOST_GROWTH})")
            return growth > MOST_GROWTH
        finally:
            if simulator:
                simulator.kill()
                simulator.wait()
            subprocess.run([BINARIES / "kind", "delete", "cluster", "--name", CLUSTER, "--quiet"], check=False)


if __name__ == "__main__":
    sys.exit(main())
