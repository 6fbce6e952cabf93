"""The fields of a Compose service, as Compose itself reads it, and what became of one."""

import collections
import os
import re
import subprocess
import sys

KEPT, APPROXIMATED, LOST = "kept", "approximated", "lost"
ORDER = [KEPT, APPROXIMATED, LOST]

# What came of a field, and why where it is not kept; `told` is whether the program said so itself.
Answer = collections.namedtuple("Answer", "grade why told")

# Values are compared whole, one by one, or by the name they stand under.
WHOLE = ["image", "command", "entrypoint", "user", "hostname", "domainname", "restart", "stop_signal", "stdin_open",
         "container_name", "platform", "runtime", "network_mode"]
ITEMS = ["expose", "cap_add", "links"]
NAMED = ["environment", "labels", "sysctls"]
CHECKS = ["test", "interval", "timeout", "retries", "start_period"]


def fields(service):
    """Every field somebody wrote, as (key, where, value); what Compose adds by itself is left out."""
    for key, value in service.items():
        if value is None or value == {} or value == []:
            continue
        if key in WHOLE:
            yield key, (key,), value
        elif key in ITEMS:
            yield from ((key, (key, at), item) for at, item in enumerate(value))
        elif key in NAMED:
            yield from ((key, (key, name), item) for name, item in value.items())
        elif key == "build":
            yield key, (key,), value
        elif key == "ports":
            for at, port in enumerate(value):
                yield "ports.target", (key, at), port
                if port.get("published"):
                    yield "ports.published", (key, at, "published"), port
        elif key == "volumes":
            for at, volume in enumerate(value):
                yield f"volumes ({volume['type']})", (key, at), volume
                if volume.get("read_only"):
                    yield "volumes.read_only", (key, at), volume
        elif key in ("secrets", "configs"):
            for at, item in enumerate(value):
                yield key, (key, at), item
                yield from ((f"{key}.{name}", (key, at), item) for name in ("mode", "uid", "gid") if name in item)
        elif key == "networks":
            for name, network in value.items():
                if name != "default":
                    yield key, (key, name), name
                yield from ((f"networks.{inner}", (key, name, inner), item) for inner, item in (network or {}).items())
        elif key == "depends_on":
            linked = [link.split(":")[0] for link in service.get("links") or []]
            yield from ((key, (key, name), name) for name in value if name not in linked)
        elif key == "healthcheck":
            unknown = set(value) - set(CHECKS)
            if unknown:
                sys.exit(f"no rule for healthcheck.{', '.join(sorted(unknown))}")
            yield from ((f"healthcheck.{name}", (key, name), item) for name, item in value.items())
        elif key == "deploy":
            yield from deploy(value)
        else:
            sys.exit(f"no rule for the key {key}")


def deploy(value):
    for key, inner in value.items():
        if key in ("replicas", "mode", "endpoint_mode"):
            yield f"deploy.{key}", ("deploy", key), inner
        elif key == "labels":
            yield from (("deploy.labels", ("deploy", key, name), item) for name, item in inner.items())
        elif key == "resources" and set(inner) <= {"limits"} and set(inner.get("limits", ())) <= {"memory"}:
            yield from (("deploy.resources", ("deploy", key), item) for item in inner.get("limits", {}).values())
        elif key == "placement" and set(inner) <= {"constraints", "preferences"}:
            yield from (("deploy.placement", ("deploy", key), item) for item in inner.get("constraints", []))
            yield from (("deploy.placement", ("deploy", key), item["spread"]) for item in inner.get("preferences", []))
        else:
            sys.exit(f"no rule for deploy.{key}: {inner}")


def unescaped(value):
    """Compose doubles the dollar signs of what it prints."""
    if isinstance(value, dict):
        return {key: unescaped(item) for key, item in value.items()}
    if isinstance(value, list):
        return [unescaped(item) for item in value]
    return value.replace("$$", "$") if isinstance(value, str) else value


def number(value):
    """A count as it is, a duration in seconds."""
    if isinstance(value, int):
        return value
    units = {"h": 3600, "m": 60, "s": 1, "ms": 0.001}
    return sum(float(count) * units[unit] for count, unit in re.findall(r"([\d.]+)(ms|h|m|s)", value))


def bytes_of(text):
    count, unit = re.fullmatch(r"(\d+)([KMG]i)?", str(text)).groups()
    return int(count) * {None: 1, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30}[unit]


def same_test(test, command):
    words = test[1:] if test[0] == "CMD" else ["sh", "-c", test[1]]
    return [command[0].removeprefix("/bin/"), *command[1:]] == words if command else False


def port_of(key, value):
    """Number and protocol of a port, and the number on the host."""
    if key == "expose":
        port, _, protocol = str(value).partition("/")
        return int(port), protocol or "tcp", None
    published = value.get("published")
    return value["target"], value.get("protocol", "tcp"), int(published) if published else None


def run(arguments, folder):
    # Variables of this shell would be values of the Compose files.
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "DOCKER_CONFIG") if name in os.environ}
    return subprocess.run([str(word) for word in arguments], cwd=folder, env=kept, capture_output=True, text=True)
