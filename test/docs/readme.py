#!/usr/bin/env python3
"""Holds the documents against the program: the README's table of settings is
the program's own, and what the documents name is there.

`test/docs/readme.py --write` puts the table into the README.
"""

import json
import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
README = ROOT / "README.md"
BEGIN, END = "<!-- settings: made by test/docs/readme.py --write -->\n", "<!-- end of settings -->\n"
DOCUMENTS = ["README.md", "ARCHITECTURE.md", "CHANGELOG.md", "app/README.md", "gen/README.md"]


def program():
    return os.environ.get("ROWHOUSE_BIN", str(ROOT / "build/rowhouse"))


def settings():
    env = {k: v for k, v in os.environ.items() if k in ("PATH", "LC_ALL")}
    said = subprocess.run([program(), "config", "--json"], capture_output=True, text=True,
                          check=True, env=env).stdout
    return json.loads(said)


def table():
    rows = ["| Setting | Default | What it is |", "|---|---|---|"]
    for s in settings():
        default = f"`{s['default']}`" if s["default"] is not None else "not set"
        rows.append(f"| `{s['name']}` | {default} | {s['help'].replace('|', ' ')} |")
    return "\n".join(rows) + "\n"


def write():
    text = README.read_text()
    before, rest = text.split(BEGIN)
    README.write_text(before + BEGIN + table() + END + rest.split(END)[1])


def checks():
    text = README.read_text()
    yield "README has the program's table of settings", table() in text, "run --write"

    manual = pathlib.Path(program()).parent / "rowhouse.1"
    names = [s["name"] for s in settings()]
    missing = [n for n in names if n not in manual.read_text()] if manual.exists() else names
    yield "rowhouse(1) has every setting", not missing, missing

    lint = subprocess.run(["mandoc", "-Tlint", "-Wwarning", str(manual)], capture_output=True,
                          text=True)
    yield "mandoc finds nothing in rowhouse(1)", lint.returncode == 0, lint.stdout

    makefile = (ROOT / "Makefile").read_text()
    for name in DOCUMENTS:
        document = (ROOT / name).read_text()
        dead = [link for link in re.findall(r"\]\(([^)#:]+)\)", document)
                if not (ROOT / name).parent.joinpath(link).exists()]
        yield f"{name}: every link leads somewhere", not dead, dead
        paths = re.findall(r"`((?:app|base|engine|http|gen|rowhouse|test|scripts)/[\w./-]*)`",
                           document)
        made = re.findall(r'#include "([^"]+)"', document)  # by following the document
        gone = [p for p in paths if p not in made and not (ROOT / p).exists()]
        yield f"{name}: every file it names is there", not gone, gone
        targets = re.findall(r"`make ([a-z][a-z-]*)", document)
        unknown = [t for t in targets if not re.search(rf"^{t}:", makefile, re.M)]
        yield f"{name}: every make target it names is there", not unknown, unknown


def main():
    if sys.argv[1:] == ["--write"]:
        return write()
    failed = n = 0
    for n, (name, good, why) in enumerate(checks(), 1):
        print(f"{'ok' if good else 'not ok'} {n} - {name}")
        if not good:
            failed += 1
            print(f"# {why}")
    print(f"1..{n}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
