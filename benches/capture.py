#!/usr/bin/env python3
"""Captures of large inputs, as medians of five runs, each against its aim: a manifest of 20,000 lines in 0.3 s (CPU) and
100 MB, the difference of two profiles of 500 services (whole runs of `diff`; pure.rs has the comparison alone), 500
pods of a recorded API in 5 s at 20 requests a second or less.

Needs a release build (`scripts/build`). Ends with 1 where a figure is above its aim.
"""

import http.server
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import threading
import time

PROGRAM = pathlib.Path(os.environ.get("PROGRAM", pathlib.Path(__file__).parent.parent / "target/release/prodmirror"))
RUNS = 5
PODS, DEPLOYMENTS = 500, 100
MOST_A_SECOND = 20


def measured(arguments, env=None, codes=(0,)):
    """Median seconds, by the clock and of CPU, and KB of whole runs."""
    times, busy, sizes = [], [], []
    for _ in range(RUNS):
        before = time.monotonic()
        child = subprocess.Popen(
            [PROGRAM, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env={**os.environ, **(env or {})}
        )
        said = child.stderr.read().decode()
        _, status, usage = os.wait4(child.pid, 0)
        times.append(time.monotonic() - before)
        busy.append(usage.ru_utime + usage.ru_stime)
        sizes.append(usage.ru_maxrss)
        if os.waitstatus_to_exitcode(status) not in codes:
            sys.exit(f"{' '.join(arguments)}: {said}")
    return sorted(times)[RUNS // 2], sorted(busy)[RUNS // 2], sorted(sizes)[RUNS // 2]


def deployment(number):
    variables = "".join(f"        - {{name: VARIABLE_{at}, value: \"the value {at} of {number}\"}}\n" for at in range(20))
    return f"""---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: service-{number}
  namespace: large
  labels:
    app: service-{number}
spec:
  replicas: 2
  selector:
    matchLabels:
      app: service-{number}
  template:
    metadata:
      labels:
        app: service-{number}
    spec:
      containers:
      - name: main
        image: registry.example.com/large/service-{number}:1.0
        args: [serve, --port, "8000"]
        env:
{variables}        ports:
        - containerPort: 8000
        resources:
          limits:
            cpu: 500m
            memory: 512Mi
        readinessProbe:
          httpGet:
            path: /healthz
            port: 8000
"""


def profile(services, level):
    text = "apiVersion: prodmirror/v1\nname: large\nservices:\n"
    for number in range(services):
        text += f"  service-{number}:\n    image: local:api:dev\n    command: [serve]\n    env:\n      LEVEL: {level}\n"
        text += "".join(f"      VARIABLE_{at}: \"value {at}\"\n" for at in range(20))
        text += "    ports: {http: 8000}\n    resources: {limits: {cpu: 500m, memory: 512Mi}}\n"
    return text


def template(number):
    return {
        "metadata": {"labels": {"app": f"service-{number}"}},
        "spec": {"containers": [{"name": "main", "image": f"service-{number}:1.0",
                                 "env": [{"name": f"VARIABLE_{at}", "value": f"{at}"} for at in range(20)]}]},
    }


def objects():
    """The lists of a namespace, with what a real API adds to every object."""
    def managed(name):
        fields = {f"f:{at}": {".": {}, "f:x": {}} for at in range(60)}
        return {"name": name, "namespace": "large", "managedFields": [{"manager": "x", "fieldsV1": fields}]}
    deployments = [
        {"metadata": managed(f"service-{number}"), "spec": {
            "replicas": PODS // DEPLOYMENTS, "selector": {"matchLabels": {"app": f"service-{number}"}},
            "template": template(number)}}
        for number in range(DEPLOYMENTS)
    ]
    pods = []
    for at in range(PODS):
        number = at % DEPLOYMENTS
        owner = [{"kind": "ReplicaSet", "name": f"service-{number}-x"}]
        digest = f"{number:064x}"
        pods.append({
            "metadata": {**managed(f"service-{number}-x-{at}"), "ownerReferences": owner,
                         "labels": {"app": f"service-{number}"}},
            "spec": {**template(number)["spec"], "nodeName": "n"},
            "status": {"containerStatuses": [{"name": "main", "restartCount": 0,
                                              "imageID": f"service-{number}@sha256:{digest}"}]},
        })
    return {"deployments": deployments, "pods": pods}


class Api(http.server.BaseHTTPRequestHandler):
    """Answers lists page by page."""

    protocol_version = "HTTP/1.1"
    lists = objects()
    asked = []

    def do_GET(self):
        Api.asked.append(time.monotonic())
        path, _, query = self.path.partition("?")
        options = dict(pair.split("=", 1) for pair in query.split("&") if pair)
        items = self.lists.get(path.rsplit("/", 1)[1], [])
        start, limit = int(options.get("continue", 0)), int(options.get("limit", 500))
        rest = str(start + limit) if start + limit < len(items) else ""
        body = {"kind": "List", "metadata": {"continue": rest}, "items": items[start:start + limit]}
        if items:
            body["kind"] = "PodList" if path.endswith("pods") else "DeploymentList"
        if path.endswith("kube-system"):
            body = {"kind": "Namespace", "metadata": {"uid": "u"}}
        text = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):
        pass


def main():
    folder = pathlib.Path(tempfile.mkdtemp())
    rows = []
    manifest = folder / "large.yaml"
    text = ""
    number = 0
    while text.count("\n") < 20_000:
        text += deployment(number)
        number += 1
    manifest.write_text(text)
    _, seconds, size = measured(["capture", "files", str(manifest), "-o", str(folder / "m.yaml"), "--force"])
    rows.append((f"capture of a manifest of {text.count(chr(10))} lines", seconds, 0.3, size >> 10, 100))

    for name, level in [("a.yaml", "info"), ("b.yaml", "debug")]:
        (folder / name).write_text(profile(500, level))
    _, seconds, size = measured(["diff", str(folder / "a.yaml"), str(folder / "b.yaml")], codes=(1,))
    rows.append(("diff of two profiles of 500 services, loads included", seconds, None, size >> 10, None))

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Api)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    kubeconfig = folder / "kubeconfig"
    kubeconfig.write_text(json.dumps({
        "apiVersion": "v1", "kind": "Config",
        "clusters": [{"name": "c", "cluster": {"server": f"http://127.0.0.1:{server.server_port}"}}],
        "users": [{"name": "u", "user": {}}],
        "contexts": [{"name": "prod", "context": {"cluster": "c", "user": "u"}}],
    }))
    arguments = ["capture", "kubernetes", "--context", "prod", "--namespace", "large", "-o", str(folder / "k.yaml"),
                 "--force"]
    seconds, _, size = measured(arguments, {"KUBECONFIG": str(kubeconfig)})
    rows.append((f"capture of {PODS} pods of a recorded API", seconds, 5.0, size >> 10, None))
    busiest = max(sum(1 for other in Api.asked if 0 <= other - at < 1.0) for at in Api.asked)
    rows.append(("most requests in any second of it", busiest, MOST_A_SECOND, None, None))

    bad = 0
    for name, value, aim, megabytes, most in rows:
        above = aim is not None and value > aim or most is not None and megabytes > most
        bad += above
        unit = "" if isinstance(value, int) else " s"
        shown = f"{value}" if isinstance(value, int) else f"{value:.3f}"
        of = f" (at most {aim}{unit})" if aim is not None else ""
        memory = f", {megabytes} MB" if megabytes is not None else ""
        memory += f" (at most {most})" if most is not None else ""
        print(f"{'ABOVE ' if above else ''}{name}: {shown}{unit}{of}{memory}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
