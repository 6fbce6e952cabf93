#!/usr/bin/env python3
"""Which settings of a container survive a capture: the container of `tests/capture/flags.rs`, with every flag that says
how one is, captured by this program and by docker-autocompose, as a table.

Needs an engine with the image of `scripts/images`, a release build, and for the second column `python3 -m venv` and a
package registry; where docker-autocompose cannot be had the column says so. Nothing is left behind.
"""

import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).parent.parent
PROGRAM = pathlib.Path(os.environ.get("PROGRAM", ROOT / "target/release/prodmirror"))
OTHER = "docker-autocompose==1.3.0"
IMAGE = "prodmirror-built/python:3.11"

# A flag of `docker run`, a value, and what of the output shows that it survived: ours, theirs.
FLAGS = [
    ("--env", "MODE=a b", r"MODE: \"?a b", r"MODE=a b"),
    ("--env", "DB_PASSWORD=letmein-77", r"DB_PASSWORD: \"?\$\{secret:", r"DB_PASSWORD="),
    ("--label", "team=shop", r"team: shop", r"team: shop"),
    ("--hostname", "web-host", r"hostname: web-host", r"hostname: web-host"),
    ("--user", "1000:1000", r"user: \"?1000:1000", r"user: [\"']?1000:1000"),
    ("--workdir", "/tmp", r"working_dir: /tmp", r"working_dir: /tmp"),
    ("--cpus", "0.5", r"limits: \{[^}]*cpu: 500m", r"cpus: [\"']?0?\.5"),
    ("--memory", "64m", r"limits: \{[^}]*memory: 64Mi", r"mem_limit: 67108864"),
    ("--memory-swap", "64m", r"swap: none", r"memswap_limit: 67108864"),
    ("--memory-reservation", "32m", r"requests: \{[^}]*memory: 32Mi", r"mem_reservation: 33554432"),
    ("--cpu-shares", "512", r"requests: \{[^}]*cpu: 500m", r"cpu_shares: 512"),
    ("--pids-limit", "100", r"pids: 100", r"pids_limit: 100"),
    ("--shm-size", "32m", r"shm_size: 32Mi", r"shm_size: 33554432"),
    ("--read-only", None, r"read_only: true", r"read_only: true"),
    ("--tmpfs", "/run:size=16m,mode=1777", r"/run: \{size: 16Mi, mode: 1777\}", r"/run:size=16m"),
    ("--cap-add", "NET_BIND_SERVICE", r"NET_BIND_SERVICE", r"NET_BIND_SERVICE"),
    ("--cap-drop", "ALL", r"drop: \[ALL\]", r"cap_drop:\s*\n\s*- ALL"),
    ("--security-opt", "no-new-privileges", r"no_new_privileges: true", r"no-new-privileges"),
    ("--security-opt", "seccomp=unconfined", r"seccomp: unconfined", r"seccomp=unconfined"),
    ("--group-add", "2000", r"groups: \[\"?2000", r"group_add:\s*\n\s*- [\"']?2000"),
    ("--add-host", "legacy.example.com:192.0.2.7", r"legacy\.example\.com\"?: \"?192\.0\.2\.7", r"legacy\.example\.com:192\.0\.2\.7"),
    ("--dns", "192.0.2.53", r"192\.0\.2\.53", r"192\.0\.2\.53"),
    ("--dns-search", "shop.local", r"shop\.local", r"shop\.local"),
    ("--dns-option", "ndots:3", r"ndots: 3", r"ndots:3"),
    ("--sysctl", "net.core.somaxconn=512", r"net\.core\.somaxconn: \"?512", r"net\.core\.somaxconn"),
    ("--ulimit", "nofile=1024:2048", r"nofile: \{soft: 1024, hard: 2048\}", r"nofile"),
    ("--restart", "on-failure:3", r"restart: on-failure", r"restart: on-failure"),
    ("--stop-signal", "SIGINT", r"stop_signal: SIGINT", r"stop_signal: SIGINT"),
    ("--stop-timeout", "70", r"stop_grace_period: 1m10s", r"stop_grace_period"),
    ("--volume", "VOLUME:/var/lib/app", r"/var/lib/app: \{claim", r":/var/lib/app"),
    ("--expose", "8000", r"ports: .*8000", r"expose:[\s\S]*8000"),
    ("--health-cmd", "true", r"readiness:", r"healthcheck:"),
    ("--health-interval", "5s", r"period: 5s", r"interval: 5"),
    ("--health-retries", "2", r"failure_threshold: 2", r"retries: 2"),
    ("--tty", None, r"Config\.Tty", r"tty: true"),
    ("--init", None, r"HostConfig\.Init", r"init: true"),
    ("--oom-score-adj", "10", r"HostConfig\.OomScoreAdj", r"oom_score_adj: 10"),
    ("--cpuset-cpus", "0", r"HostConfig\.CpusetCpus", r"cpuset: [\"']?0"),
    ("--domainname", "example.com", r"Config\.Domainname", r"domainname: example\.com"),
]


def run(*arguments, **more):
    return subprocess.run(arguments, capture_output=True, text=True, **more)


def theirs(name, folder):
    """What docker-autocompose prints, or why nothing."""
    made = run(sys.executable, "-m", "venv", str(folder))
    if made.returncode == 0:
        made = run(str(folder / "bin/pip"), "install", "--quiet", OTHER)
    if made.returncode != 0:
        return None, (made.stderr or made.stdout).strip().splitlines()[-1]
    done = run(str(folder / "bin/autocompose"), name)
    if done.returncode != 0:
        return None, done.stderr.strip().splitlines()[-1]
    return done.stdout, ""


def main():
    name = f"survives-{os.getpid()}"
    arguments = ["docker", "run", "--detach", "--name", name]
    for flag, value, _, _ in FLAGS:
        arguments += [flag] if value is None else [flag, value.replace("VOLUME", name)]
    started = run(*arguments, IMAGE, "sleep", "300")
    try:
        if started.returncode != 0:
            sys.exit(f"docker run: {started.stderr.strip()}")
        ours = run(str(PROGRAM), "capture", "docker", name)
        if ours.returncode != 0:
            sys.exit(ours.stderr)
        with tempfile.TemporaryDirectory() as folder:
            other, why = theirs(name, pathlib.Path(folder))
    finally:
        run("docker", "rm", "--force", "--volumes", name)
        run("docker", "volume", "rm", "--force", name)
    counts = [0, 0, 0]
    # Quotes are a matter of spelling.
    lines = ours.stdout.replace('"', "").splitlines()
    other = other and other.replace('"', "")
    comments = "\n".join(line for line in lines if line.lstrip().startswith("#"))
    fields = "\n".join(line for line in lines if not line.lstrip().startswith("#"))
    print(f"{'flag':<44} {'prodmirror':<12} docker-autocompose")
    for flag, value, mine, their in FLAGS:
        kept = "kept" if re.search(mine, fields) else "named" if re.search(mine, comments) else "lost"
        there = "unknown" if other is None else "kept" if re.search(their, other) else "lost"
        if "letmein-77" in (value or "") and there == "kept":
            there = "in the open" if "letmein-77" in other else there
        counts[0] += kept == "kept"
        counts[1] += kept == "named"
        counts[2] += there in ("kept", "in the open")
        print(f"{flag + ' ' + (value or ''):<44} {kept:<12} {there}")
    print(f"of {len(FLAGS)}: kept {counts[0]}, named as not taken {counts[1]}; docker-autocompose kept {counts[2]}")
    if other is None:
        print(f"docker-autocompose could not be had: {why}")
    if "letmein-77" in ours.stdout + ours.stderr:
        sys.exit("the password is in the capture")
    return 0 if counts[0] + counts[1] == len(FLAGS) else 1


if __name__ == "__main__":
    sys.exit(main())
