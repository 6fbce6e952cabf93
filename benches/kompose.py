#!/usr/bin/env python3
"""What of a Compose file reaches a cluster: every field of every service of a corpus, kept, approximated or lost by
this program (`capture compose`, then the ledger of `plan --backend kind`) and by kompose (the objects it writes).

Writes benches/kompose.md; with --check it only says whether that is what it would write. Needs Docker Compose, a
release build (or PROGRAM), the corpora (PRODMIRROR_CORPORA, else ../shared/corpora), and kompose (KOMPOSE), which is
built once into target/tools where there is Go and a module proxy. Needs no engine and no cluster.

Both are judged by what they make, not by what they say they can: the rules are in benches/fields. A key without a rule
ends the script.
"""

import collections
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

from concurrent.futures import ThreadPoolExecutor

from fields.compose import KEPT, ORDER, fields, run, unescaped
from fields.kompose import Theirs
from fields.prodmirror import Ours, PROGRAM

ROOT = pathlib.Path(__file__).resolve().parent.parent
CORPORA = pathlib.Path(os.environ.get("PRODMIRROR_CORPORA", ROOT.parent / "shared/corpora"))
COLLECTIONS = ["awesome-compose", "kompose"]
RESULT = ROOT / "benches/kompose.md"
VERSION = "1.37.0"


def lacking(what):
    """Ends, as a failure only where somebody asked for an answer: `scripts/bench` has more to run."""
    if "--check" in sys.argv[1:]:
        sys.exit(what)
    print(f"skipped: {what}")
    sys.exit(0)


def kompose():
    """The program, built if it is not there. `go install` refuses its module for the replacements in it."""
    if "KOMPOSE" in os.environ:
        return pathlib.Path(os.environ["KOMPOSE"])
    program = ROOT / "target/tools" / f"kompose-{VERSION}"
    if program.exists():
        return program
    if not shutil.which("go"):
        lacking("there is no go on PATH to build kompose with (`make setup-kind` installs one), and no KOMPOSE")
    program.parent.mkdir(parents=True, exist_ok=True)
    module = "github.com/kubernetes/kompose"
    with tempfile.TemporaryDirectory() as folder:
        pathlib.Path(folder, "go.mod").write_text(f"module at-hand\n\ngo 1.24\n\nrequire {module} v{VERSION}\n")
        pathlib.Path(folder, "tools.go").write_text(f'//go:build tools\n\npackage tools\n\nimport _ "{module}"\n')
        settings = {**os.environ, "GOFLAGS": "-mod=mod"}
        built = subprocess.run(["go", "build", "-o", str(program), module], cwd=folder, env=settings)
    if built.returncode != 0:
        lacking("kompose could not be built")
    return program


def judged(program, file):
    """Every field of a file as (key, ours, theirs), or nothing where Compose itself refuses the file."""
    read = run(["docker", "compose", "--file", file, "config", "--format", "json"], file.parent)
    if read.returncode != 0:
        return None
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
        ours, theirs = Ours(file, one), Theirs(program, file, other)
    found = []
    for name, service in (json.loads(read.stdout).get("services") or {}).items():
        service = unescaped(service)
        for key, where, value in fields(service):
            mine, their = ours.answer(name, key, where, value), theirs.answer(name, key, where, value, service)
            found.append((key, mine, their))
    return found


def table(rows):
    """The numbers of each key, then what stands behind those that are not kept."""
    def line(cells):
        return "| " + " | ".join(str(cell) for cell in cells) + " |"

    def numbers(answers):
        return [*(sum(one.grade == grade for one in answers) for grade in ORDER), sum(not one.told for one in answers)]

    keys = sorted({key for key, _, _ in rows})
    text = [line(["Compose key", "fields", *[f"ours: {one}" for one in [*ORDER, "untold"]],
                  *[f"kompose: {one}" for one in [*ORDER, "untold"]]]), "|---|" + "---:|" * 9]
    for key in [*keys, None]:
        mine = [row for row in rows if key in (row[0], None)]
        cells = [len(mine), *numbers([row[1] for row in mine]), *numbers([row[2] for row in mine])]
        text.append(line([f"`{key}`" if key else "**all**", *cells]))
    text += ["", "## Why a field is not kept", "",
             line(["Compose key", "by", "what", "fields", "why"]), "|---|---|---|---:|---|"]
    reasons = collections.Counter()
    for key, mine, their in rows:
        for at, (by, one) in enumerate((("ours", mine), ("kompose", their))):
            if one.grade != KEPT:
                grade = one.grade if one.told else f"{one.grade}, untold"
                reasons[key, at, by, grade, one.why.replace("|", "\\|")] += 1
    for (key, _, by, grade, why), count in sorted(reasons.items()):
        text.append(line([f"`{key}`", by, grade, count, why]))
    return "\n".join(text)


HEADING = """\
# What of a Compose file reaches a cluster

Written by `benches/kompose.py`; `benches/kompose.py --check` says whether it still holds. Fields of the services of
{files} Compose files (docker/awesome-compose and kompose's own inputs) as `docker compose config` reads them, without
what Compose adds by itself; {refused} more files are refused by Compose. A build is one field, a port two.

- **ours**: `capture compose`, then the ledger of `plan --backend kind`: enforced and emulated are kept, dropped is
  lost, and so is what the capture leaves out. A value that is not the Compose file's, as that of a secret, is
  approximated.
- **kompose** {version}, `kompose convert` without options, by the objects it writes: the field must be there with the
  value.
- **untold**: approximated or lost, and the program says nothing of it.
- score-k8s is not here: it reads Score files and has no Compose input.

It is no race. We are stricter with ourselves: an image by tag is approximated for us, as the ledger has it, and kept
for kompose. A store's own volume counts as lost, as its data is on one of the mirror's. Labels that are instructions to
kompose (`kompose.*`) count as labels; what kompose does with them besides, as making an Ingress, has no column.

"""


def main():
    files = sorted(
        path for collection in COLLECTIONS for path in (CORPORA / collection).rglob("*compose*.y*ml")
        if not path.name.startswith("output")
    )
    if not files:
        lacking(f"no Compose files in {CORPORA}; PRODMIRROR_CORPORA names the folder")
    if not shutil.which("docker") or run(["docker", "compose", "version"], ROOT).returncode != 0:
        lacking("there is no Docker Compose, which reads the files")
    if not PROGRAM.exists():
        sys.exit(f"there is no {PROGRAM}: `scripts/build` makes it")
    program = kompose()
    version = run([program, "version"], ROOT).stdout.split(" ")[0].strip()
    if version != VERSION:
        sys.exit(f"{program} is kompose {version or 'of no version'}, the table is of {VERSION}")
    with ThreadPoolExecutor(2) as several:
        all_judged = list(several.map(lambda file: judged(program, file), files))
    rows = [row for found in all_judged for row in found or ()]
    refused = all_judged.count(None)
    text = HEADING.format(files=len(files) - refused, refused=refused, version=VERSION) + table(rows) + "\n"
    if "--check" in sys.argv[1:]:
        if not RESULT.exists() or RESULT.read_text() != text:
            sys.exit(f"{RESULT.relative_to(ROOT)} is not what {pathlib.Path(__file__).name} writes: run it")
        return
    RESULT.write_text(text)


if __name__ == "__main__":
    main()
