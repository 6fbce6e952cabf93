#!/usr/bin/env python3
"""Hostile profiles: what `check` answers, and the time (CPU, median of three) and memory that it takes, each against
1 s and 200 MB.

Needs a release build (`scripts/build`). Ends with 1 where a case is above a budget, panics, or is answered otherwise
than with the code that it shall be.
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile

PROGRAM = pathlib.Path(__file__).parent.parent / "target/release/prodmirror"
MOST_SECONDS, MOST_KB = 1.0, 200 << 10
RUNS = 3

HEAD = "apiVersion: prodmirror/v1\nname: t\nservices:\n  api:\n    image: local:a:b\n"
MIB = 1 << 20


def bomb():
    lines = ["a0: &a0 [" + ", ".join("x" * 10) + "]"]
    for level in range(1, 10):
        lines.append(f"a{level}: &a{level} [" + ", ".join([f"*a{level - 1}"] * 10) + "]")
    return "\n".join(lines)


def lines(line, count):
    return "".join(line.format(at, at + 1) for at in range(count))


def variables(count):
    return HEAD + "    env:\n" + lines("      V{}: x\n", count)


# Name, what makes the text or bytes, and the code of the first problem; None where the profile is good.
CASES = [
    ("bomb of aliases", lambda: bomb(), "too-many-values"),
    ("bomb of long texts", lambda: "a: &a " + "x" * MIB + "\nb: [" + ", ".join(["*a"] * 100) + "]\n", "too-large"),
    ("600 aliases", lambda: "a: &a x\nb: [" + ", ".join(["*a"] * 600) + "]\n", "too-many-aliases"),
    ("an alias in itself", lambda: "a: &a [*a]\n", "bad-alias"),
    ("10 MB in one comment", lambda: HEAD + "#" + "x" * (10 * MIB), "too-large"),
    ("8 MB in one comment", lambda: HEAD + "#" + "x" * (8 * MIB - len(HEAD) - 1), None),
    ("8 MB in one variable", lambda: HEAD + "    env: {A: " + "x" * (8 * MIB - 200) + "}\n", None),
    ("8 MB of references", lambda: HEAD + "    env: {A: '" + "${" * (4 * MIB - 200) + "'}\n", None),
    ("8 MB of wrong references", lambda: HEAD + "    env: {A: '" + "${A}" * (2 * MIB - 200) + "'}\n", "host-variable"),
    ("8 MB of short lines", lambda: variables(490_000), "too-many-values"),
    ("8 MB of spaces", lambda: HEAD + " " * (8 * MIB - 200), None),
    ("8 MB of brackets", lambda: "[" * (8 * MIB - 1), "syntax"),
    ("8 MB of dashes", lambda: "- " * (4 * MIB - 1), "too-deep"),
    ("8 MB of question marks", lambda: "? " * (4 * MIB - 1), "too-deep"),
    ("8 MB of quotes", lambda: HEAD + "    env: {A: " + "'" * (8 * MIB - 201) + "}\n", "syntax"),
    ("200,000 values", lambda: variables(99_900), None),
    ("24,000 unknown keys", lambda: HEAD + lines("    k{}: 1\n", 24_000), "unknown-key"),
    ("12,000 wrong values", lambda: HEAD + "    labels:\n" + lines("      k{}: [1]\n", 12_000), "wrong-type"),
    ("100,000 levels, flow", lambda: "a: " + "[" * 100_000, "syntax"),
    ("2,000 levels, block", lambda: "".join(" " * level + "a:\n" for level in range(2000)), "too-deep"),
    ("a key twice", lambda: HEAD + "    replicas: 1\n    replicas: 2\n", "duplicate-key"),
    ("a key of 1 MB", lambda: HEAD + "    env: {" + "K" * MIB + ": x}\n", "bad-key"),
    ("NUL in the text", lambda: HEAD + "    env: {A: a\0b}\n", "syntax"),
    ("NUL by escape", lambda: HEAD + '    env: {A: "a\\0b"}\n', "nul"),
    ("not UTF-8", lambda: HEAD.encode() + b"    env: {A: \xff}\n", "not-utf8"),
    ("a byte order mark", lambda: "\ufeff" + HEAD + "    env: {A: x}\n", None),
    ("CRLF", lambda: (HEAD + "    env: {A: x}\n").replace("\n", "\r\n"), None),
    ("1e400 as a variable", lambda: HEAD + "    env: {A: 1e400}\n", None),
    ("1e400 replicas", lambda: HEAD + "    replicas: 1e400\n", "wrong-type"),
    ("0777 as a variable", lambda: HEAD + "    env: {A: 0777}\n", None),
    ("0777 replicas", lambda: HEAD + "    replicas: 0777\n", "wrong-type"),
    ("`no` as a variable", lambda: HEAD + "    env: {A: no}\n", None),
    ("`no` as a truth", lambda: HEAD + "    read_only: no\n", "wrong-type"),
    ("a tag that runs code", lambda: HEAD + "    env: {A: !!python/object/apply:os.system [id]}\n", "bad-tag"),
    ("two documents", lambda: HEAD + "---\na: 1\n", "many-documents"),
    ("nothing", lambda: "", "empty"),
    ("10,000 jobs like the next", lambda: HEAD + "jobs:\n" + lines("  j{}: {{like: j{}}}\n", 10_000), "too-deep"),
]


def run(file, said):
    """Exit code, what was said, seconds of CPU and peak memory in kB of one `check`."""
    with open(said, "wb") as out:
        arguments = [PROGRAM, "check", "--format", "json", "--allow-unpinned", file]
        process = subprocess.Popen(arguments, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return process.returncode, said.read_bytes(), usage.ru_utime + usage.ru_stime, usage.ru_maxrss


def write(file, make):
    """In a process of its own: the peak memory of a child is at least what this one holds."""
    child = os.fork()
    if child == 0:
        content = make()
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if status != 0:
        sys.exit(f"{file} could not be written")


def first_code(said):
    problems = json.loads(said)["problems"]
    return problems[0]["code"] if problems else None


def main():
    if not PROGRAM.exists():
        sys.exit(f"{PROGRAM} is missing: scripts/build makes it")
    failed = []
    print(f"{'case':32} {'bytes':>9}  {'answer':17} {'ms':>5} {'MB':>6}")
    with tempfile.TemporaryDirectory() as folder:
        file, said = pathlib.Path(folder) / "prodmirror.yaml", pathlib.Path(folder) / "said"
        for name, make, wanted in CASES:
            write(file, make)
            runs = sorted((run(file, said) for _ in range(RUNS)), key=lambda each: each[2])
            code, answer, seconds, memory = runs[RUNS // 2]
            answer = first_code(answer) if code in (0, 3) else f"exit {code}"
            size = file.stat().st_size
            print(f"{name:32} {size:9}  {answer or 'good':17} {seconds * 1000:5.0f} {memory / 1024:6.1f}")
            if answer != wanted or seconds > MOST_SECONDS or memory > MOST_KB:
                failed.append(f"{name}: {answer}, wanted {wanted}; {seconds:.2f} s, {memory >> 10} MB")
    for line in failed:
        print(f"above its budget, or answered otherwise: {line}", file=sys.stderr)
    sys.exit(1 if failed else 0)


main()
