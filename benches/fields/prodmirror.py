"""What this program makes of a Compose file: the ledger decides."""

import json
import os
import pathlib
import re
import sys

from fields.compose import APPROXIMATED, Answer, KEPT, LOST, bytes_of, number, port_of, run, same_test

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = pathlib.Path(os.environ.get("PROGRAM", ROOT / "target/release/prodmirror"))

OF_LEDGER = {"enforced": KEPT, "emulated": KEPT, "approximated": APPROXIMATED, "dropped": LOST}

# A profile has no field for these.
NOWHERE = ["build", "configs", "container_name", "deploy.endpoint_mode", "deploy.mode", "deploy.placement",
           "domainname", "network_mode", "networks", "platform", "ports.published", "runtime", "stdin_open",
           "volumes.read_only"]

# Variables that are fields of a store, and the ports that are its engine's.
STORES = {"POSTGRES_DB": "database", "POSTGRES_USER": "user", "POSTGRES_PASSWORD": "password",
          "POSTGRES_PASSWORD_FILE": "password"}
ENGINES = {"postgres": 5432, "redis": 6379}

# What stands there where the capture does not say it.
INSTEAD = {"restart": "as `always`", "volumes (bind)": "a claim in place of the host's folder",
           "environment": "a field of the store's"}


def plain(name):
    return name.replace("_", "-").lower()


def equal(entry, wanted):
    return entry, entry is not None and entry.get("wanted") == wanted


class Ours:
    """A capture and the ledger of its plan for Kind. The ledger decides; a value that is not the Compose file's own, as
    that of a secret, makes `approximated` of `kept`."""

    def __init__(self, file, folder):
        captured = run([PROGRAM, "capture", "compose", file, "--format", "json"], folder)
        if captured.returncode != 0:
            sys.exit(f"capture of {file}: {captured.stderr}")
        captured = json.loads(captured.stdout)
        profile = pathlib.Path(folder, "profile.json")
        profile.write_text(json.dumps(captured["profile"]))
        planned = run([PROGRAM, "plan", profile, "--backend", "kind", "--format", "json"], folder)
        if planned.returncode != 0:
            sys.exit(f"plan of {file}: {planned.stdout}{planned.stderr}")
        self.profile = captured["profile"]
        self.ledger = {entry["path"]: entry for entry in json.loads(planned.stdout)["ledger"]}
        self.notes = captured["notes"]
        self.holes = {hole["path"]: hole["reason"] for hole in captured["holes"]}

    def answer(self, name, key, where, value):
        kinds = ("services", "stores", "jobs")
        at = next(f"{kind}.{plain(name)}" for kind in kinds if plain(name) in self.profile.get(kind, {}))
        entry, same = self.entry(at, key, where, value)
        note = self.note(name, where)
        if entry is None:
            return Answer(LOST, note or "not a word", note is not None)
        grade, why = OF_LEDGER[entry["grade"]], entry["why"] or ""
        if grade == KEPT and not same:
            return Answer(APPROXIMATED, note or INSTEAD.get(key, "another value"), note is not None)
        return Answer(grade, why, grade == KEPT or bool(why))

    def note(self, name, where):
        """What the capture says of a field, or of what it stands in."""
        if where[0] == "build" and f"services.{name}.image" in self.holes:
            return self.holes[f"services.{name}.image"]
        parts = [f"[{part}]" if isinstance(part, int) else f".{part}" for part in where]
        paths = [f"services.{name}" + "".join(parts[:length]) for length in range(1, len(parts) + 1)]
        if where[0] == "environment":
            # A list of variables is noted by its places, a file of them as a whole.
            told = "`password: " if where[1].endswith("PASSWORD_FILE") else "what is secret of it"
            secret = [note for note in self.notes if note["message"].startswith(told)]
            listed = (f"services.{name}.environment[", f"services.{name}.env_file")
            paths += [note["path"] for note in secret if note["path"].startswith(listed)]
        if where[0] == "secrets":
            paths += [note["path"] for note in self.notes if note["path"].startswith("secrets.")]
        found = [note["message"] for note in self.notes if note["path"] in paths]
        # Of a variable the second note may tell its default, which is no loss.
        found = next((one for one in found if not one.endswith("without the host's environment")), None)
        if found and where[0] == "volumes":
            found = found.split("; ", 1)[-1]
        return found and re.sub("`[^`]*`", "`…`", found)

    def one(self, *paths):
        """The first of these entries that is there."""
        return next((self.ledger[path] for path in paths if path in self.ledger), None)

    def named(self, section, name):
        return self.one(f"{section}.{name}", f'{section}["{name}"]')

    def entry(self, at, key, where, value):
        """The entry of the ledger that a field became, and whether it wants what the field says."""
        if key in NOWHERE or key.split(".")[0] in NOWHERE:
            return None, False
        if key in ("image", "command", "entrypoint", "hostname", "stop_signal"):
            return equal(self.one(f"{at}.{key}"), value)
        if key == "user":
            return equal(self.one(f"{at}.user", f"{at}.run_as"), value)
        if key == "restart":
            return equal(self.one(f"{at}.restart"), "never" if value == "no" else value.split(":")[0])
        if key == "environment":
            field = STORES.get(where[1]) if at.startswith("stores.") else None
            return equal(self.named(f"{at}.env", where[1]) or self.one(f"{at}.{field}"), value or "")
        if key in ("labels", "deploy.labels"):
            return equal(self.named(f"{at}.labels", where[-1]), value)
        if key == "sysctls":
            return equal(self.named(f"{at}.sysctls", where[1]), str(value))
        if key in ("expose", "ports.target"):
            return self.port(at, *port_of(key, value)[:2]), True
        if key in ("volumes (volume)", "volumes (bind)"):
            # A claim is no folder of the host.
            return self.named(f"{at}.volumes", value["target"]), key == "volumes (volume)"
        if key == "secrets":
            path = value["target"] if value["target"].startswith("/") else f"/run/secrets/{value['target']}"
            # Its content is made anew.
            return self.named(f"{at}.files", path) or self.one(f"{at}.password"), False
        if key == "cap_add":
            entry = self.one(f"{at}.capabilities.add")
            return entry, entry is not None and value in entry["wanted"]
        if key in ("depends_on", "links"):
            entry = self.one(f"{at}.needs")
            return (entry, True) if entry and plain(value.split(":")[0]) in entry["wanted"] else (None, False)
        if key == "deploy.replicas":
            entry = self.one(f"{at}.replicas")
            # A store has one, without a field.
            return (self.one(f"{at}.engine"), True) if entry is None and value == 1 else equal(entry, value)
        if key == "deploy.resources":
            entry = self.one(f"{at}.resources.limits.memory")
            return entry, entry is not None and bytes_of(entry["wanted"]) == int(value)
        if key.startswith("healthcheck."):
            return self.check(at, where[1], value)
        return sys.exit(f"no rule for what we make of {key}")

    def port(self, at, port, protocol):
        engine = self.one(f"{at}.engine")
        if engine and ENGINES[engine["wanted"]] == port:
            return engine
        wanted = {"port": port, "protocol": protocol}
        ports = [entry for path, entry in self.ledger.items() if path.startswith(f"{at}.ports[")]
        return next((entry for entry in ports if wanted.items() <= entry["wanted"].items()), None)

    def check(self, at, field, value):
        inner = {"test": "exec.command", "interval": "period", "timeout": "timeout", "retries": "failure_threshold"}
        if field not in inner:
            return None, False
        # The whole probe may be a hole.
        entry = self.one(f"{at}.probes.readiness.{inner[field]}", f"{at}.probes.readiness")
        if entry is None or isinstance(entry["wanted"], dict):
            return entry, False
        same = same_test(value, entry["wanted"]) if field == "test" else number(entry["wanted"]) == number(value)
        return entry, same
