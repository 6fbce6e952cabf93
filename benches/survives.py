#!/usr/bin/env python3
"""Which flags of `docker run` survive a capture: containers with all of them that can be set here (tests/capture/flags.json),
captured by this program, by docker-autocompose and by Compose's own `docker compose alpha generate`.

Writes benches/survives.md. Needs an engine with the image of `scripts/images`, a release build (or PROGRAM), and for the
second column `python3 -m venv` and a package registry; where one cannot be had its column says so. Nothing is left
behind. That what we keep is what `docker inspect` says is no part of it: tests/capture/flags.rs holds that.
"""

import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
PROGRAM = pathlib.Path(os.environ.get("PROGRAM", ROOT / "target/release/prodmirror"))
RESULT = ROOT / "benches/survives.md"
OTHER = "docker-autocompose==1.3.0"
IMAGE = "prodmirror-built/python:3.11"
TABLE = json.loads((ROOT / "tests/capture/flags.json").read_text())
SETS = ["full", "bare", "host", "created"]
SECRET = "letmein-77"


def run(*arguments):
    return subprocess.run([str(word) for word in arguments], capture_output=True, text=True)


def disk():
    """A disk of this machine, as limits of reading and writing want one."""
    names = sorted(path.name for path in pathlib.Path("/sys/block").iterdir())
    return next(f"/dev/{name}" for name in names if pathlib.Path("/dev", name).exists())


def start(name, files):
    """One container a set; answers what each is called."""
    pathlib.Path(files, "variables.env").write_text("FROM_FILE=1\n")
    pathlib.Path(files, "labels.txt").write_text("tier=front\n")
    network = ["--subnet", "10.231.78.0/24", "--ipv6", "--subnet", "fd00:78::/64", name]
    made = [run("docker", "network", "create", *network),
            run("docker", "run", "--detach", "--pull", "never", "--name", f"{name}-other", "--volume", f"{name}:/other", IMAGE, "sleep", "600")]
    names = {}
    for of in SETS:
        names[of] = f"{name}-{of}"
        arguments = ["docker", *(["create"] if of == "created" else ["run", "--detach"]), "--pull", "never"]
        arguments += [] if of == "full" else ["--name", names[of]]
        for row in TABLE["flags"]:
            if row["on"] == of:
                arguments.append(row["flag"])
                if "value" in row:
                    value = row["value"].replace("NAME", name).replace("FILES", files).replace("DISK", disk())
                    arguments.append(value)
        made.append(run(*arguments, IMAGE, "sleep", "600"))
    for one in made:
        if one.returncode != 0:
            sys.exit(f"{' '.join(one.args)}: {one.stderr.strip()}")
    return names


def autocompose(folder):
    """The program, or why it cannot be had."""
    made = run(sys.executable, "-m", "venv", folder)
    if made.returncode == 0:
        made = run(folder / "bin/pip", "install", "--quiet", OTHER)
    if made.returncode != 0:
        return None, (made.stderr or made.stdout).strip().splitlines()[-1]
    return folder / "bin/autocompose", ""


def ours(container):
    done = run(PROGRAM, "capture", "docker", container, "--format", "json")
    if done.returncode != 0:
        sys.exit(done.stderr)
    if SECRET in done.stdout + done.stderr:
        sys.exit("the password is in the capture")
    return json.loads(done.stdout)


def find(document, pointer):
    for key in pointer.split("/")[1:]:
        key = key.replace("~1", "/").replace("~0", "~")
        if isinstance(document, list):
            document = document[int(key)] if int(key) < len(document) else None
        else:
            document = (document or {}).get(key)
    return document


def mine(row, name, container, captured):
    """What became of a flag: kept, named as not taken, nothing to say, discarded by the engine, or lost."""
    inspected = json.loads(run("docker", "inspect", container).stdout)[0]
    if row.get("optional") and not find(inspected, row["inspect"].replace("NAME", name)):
        return "discarded by this engine"
    if "ours" in row:
        at_top = row["ours"].startswith("/platform")
        service = next(iter(captured["profile"]["services"].values()))
        return "kept" if find(captured["profile"] if at_top else service, row["ours"].replace("NAME", name)) else "lost"
    if "said" in row:
        return "said otherwise"
    path = row["note"].replace("NAME", name)
    plain = [note["path"].replace('["', ".").replace('"]', "") for note in captured["notes"]]
    return "named" if any(one.startswith(path) for one in plain) else "lost"


def main():
    name = f"survives-{os.getpid()}"
    with tempfile.TemporaryDirectory() as files:
        try:
            names = start(name, files)
            program, why = autocompose(pathlib.Path(files, "venv"))
            captured = {of: ours(container) for of, container in names.items()}
            others = []
            for title, command in (("docker-autocompose", [program] if program else None),
                                   ("compose generate", ["docker", "compose", "alpha", "generate"])):
                said = {of: run(*command, container) for of, container in names.items()} if command else None
                others.append((title, said))
            rows = table(name, names, captured, others)
        finally:
            for of in [*SETS, "other"]:
                run("docker", "rm", "--force", "--volumes", f"{name}-{of}")
            run("docker", "volume", "rm", "--force", name)
            run("docker", "network", "rm", name)
    write(rows, others, why)
    lost = [row[0] for row in rows if row[1] == "lost"]
    if lost:
        sys.exit(f"lost without a word: {', '.join(lost)}")


def table(name, names, captured, others):
    rows = []
    for row in TABLE["flags"]:
        cells = [mine(row, name, names[row["on"]], captured[row["on"]])]
        for _, said in others:
            if said is None:
                cells.append("unknown")
                continue
            done = said[row["on"]]
            # Quotes are a matter of spelling.
            plain = re.sub("[\"']", "", done.stdout)
            kept = "compose" in row and re.search(row["compose"].replace("NAME", name), plain)
            kept = "kept" if kept else "no answer" if done.returncode != 0 else "lost"
            cells.append("in the open" if kept == "kept" and SECRET in row.get("value", "") else kept)
        shown = f"{row['flag']} {row.get('value', '')}".strip()
        rows.append((shown, *["the engine discards it here" if cells[0].startswith("disc") else cell for cell in cells]))
    return rows


def write(rows, others, why):
    def line(cells):
        return "| " + " | ".join(cells) + " |"

    def count(column, *words):
        return str(sum(row[column] in words for row in rows))

    titles = ["prodmirror", *[title for title, _ in others]]
    text = [line(["flag of `docker run`", *titles]), "|---|" + "---|" * len(titles)]
    text += [line([f"`{row[0]}`", *row[1:]]) for row in rows]
    text.append(line(["**kept**", *[f"**{count(at, 'kept', 'in the open', 'said otherwise')}**" for at in (1, 2, 3)]]))
    text.append(line(["**named as not taken**", *[f"**{count(at, 'named')}**" for at in (1, 2, 3)]]))
    text.append(line(["**lost without a word**", *[f"**{count(at, 'lost', 'no answer')}**" for at in (1, 2, 3)]]))
    left = [f"- `{flag}`: {reason}" for flag, reason in TABLE["left"].items()]
    head = __doc__.split("\n\n")[0].replace("\n", " ").partition(": ")[2]
    body = [f"# Which flags of `docker run` survive a capture\n\nWritten by `benches/survives.py`: {head}", "\n".join(text),
            "`in the open` is a password that stands in the file; `said otherwise` needs no field, and "
            "tests/capture/flags.json says why; `no answer` is a container at which the program ended.",
            "Of no container, or of none here:\n\n" + "\n".join(left)]
    body += [f"{OTHER} could not be had: {why}"] if why else []
    RESULT.write_text("\n\n".join(body) + "\n")
    print("\n".join(text))


if __name__ == "__main__":
    sys.exit(main())
