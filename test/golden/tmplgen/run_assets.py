#!/usr/bin/env python3
"""Tests of the generator `assets`: what it embeds is what was there, under
names that change with it. Prints TAP.

run_assets.py ASSETS ROOT
"""

import hashlib
import os
import pathlib
import random
import subprocess
import sys
import tempfile

from run import COMPILERS, WARNINGS, Tap

SHOW_C = """
#include <stdio.h>
#include "assets.h"

int main(void)
{
    const struct url named = asset_url_app_css, dotted = asset_url_my_logo_2_min_svg;

    for (size_t i = 0; i < assets_count; i++) {
        const struct asset *a = &assets[i];
        printf("%.*s %.*s %.*s [%.*s] %zu %d\\n", STR_ARG(a->name), STR_ARG(a->path),
               STR_ARG(a->etag), STR_ARG(a->content_type), a->bytes.n,
               asset_find(assets, assets_count, a->path) == a);
        fwrite(a->bytes.p, 1, a->bytes.n, stdout);
    }
    printf("%.*s %.*s %d", STR_ARG(named.s), STR_ARG(dotted.s),
           asset_find(assets, assets_count, STR("/static/app.css")) == NULL);
    return 0;
}
"""

FILES = {
    "app.css": (b"a::after { content: \"\\2014 ??=\"; }\n", "text/css; charset=utf-8"),
    "app.js": (b"'use strict'; // \xc3\xa9\n", "text/javascript; charset=utf-8"),
    "my-logo_2.min.svg": (b"<svg/>", "image/svg+xml"),
    "all.png": (bytes(range(256)) * 3 + b"\0001\0", "image/png"),
    "none.txt": (b"", "text/plain; charset=utf-8"),
}


def run(program, tmp, *args):
    return subprocess.run([program, *args], cwd=tmp, capture_output=True, text=True)


def expected():
    out, urls = b"", {}
    for name, (content, kind) in FILES.items():
        digest = hashlib.blake2b(content, digest_size=32).hexdigest()
        stem, ext = name.rsplit(".", 1)
        urls[name] = f"/static/{stem}-{digest[:10]}.{ext}"
        out += f'{name} {urls[name]} "{digest[:32]}" [{kind}] {len(content)} 1\n'.encode() + content
    return out + f"{urls['app.css']} {urls['my-logo_2.min.svg']} 1".encode()


def test_embeds(tap, program, root, tmp):
    for name, (content, _) in FILES.items():
        (tmp / name).write_bytes(content)
    done = run(program, tmp, "--out-c", "assets.c", "--out-h", "assets.h", "--prefix", "/static/",
               *[str(tmp / name) for name in FILES])
    tap.equal((done.returncode, done.stderr), (0, ""), "files are embedded")
    (tmp / "show.c").write_text(SHOW_C)
    for compiler, command in COMPILERS.items():
        said = subprocess.run(command + WARNINGS + ["-I", str(root), "-I.", "-o", "show", "show.c",
                                                    "assets.c"],
                              cwd=tmp, capture_output=True, text=True)
        tap.equal((said.returncode, said.stderr), (0, ""), f"without a warning ({compiler})")
        got = subprocess.run(["./show"], cwd=tmp, capture_output=True, check=True).stdout
        tap.equal(got, expected(), f"bytes, types, names and hashes are right ({compiler})")


def test_random_bytes(tap, program, root, tmp):
    content = random.Random(7).randbytes(70000)
    for name in FILES:
        (tmp / name).write_bytes(content)
    FILES.update({name: (content, kind) for name, (_, kind) in FILES.items()})
    run(program, tmp, "--out-c", "assets.c", "--out-h", "assets.h", "--prefix", "/static/",
        *FILES)
    subprocess.run(COMPILERS["clang"] + ["-I", str(root), "-I.", "-o", "show", "show.c",
                                         "assets.c"], cwd=tmp, check=True)
    got = subprocess.run(["./show"], cwd=tmp, capture_output=True, check=True).stdout
    tap.ok(got == expected(), "random bytes are embedded")


def test_refuses(tap, program, tmp):
    (tmp / "a b.css").write_text("")
    (tmp / "a.exe").write_text("")
    (tmp / "noext").write_text("")
    (tmp / ".css").write_text("")
    (tmp / "app_css.txt").write_text("")
    (tmp / "app.css.txt").write_text("")
    head = ["--out-c", "x.c", "--out-h", "x.h", "--prefix", "/static/"]
    cases = [
        ("a missing file", ["gone.css"], "assets: gone.css: No such file or directory\n"),
        ("a name with a space", ["a b.css"],
         "assets: a b.css: only letters, digits, '.', '-' and '_' in a name\n"),
        ("an unknown type", ["a.exe"], "assets: a.exe: the type of '.exe' is not known\n"),
        ("no type", ["noext"], "assets: noext: the type of 'noext' is not known\n"),
        ("nothing but a type", [".css"], "assets: .css: the type of '.css' is not known\n"),
        ("two files of one name", ["app.css.txt", "app_css.txt"],
         "assets: app_css.txt: its name is that of app.css.txt\n"),
    ]
    for name, files, message in cases:
        done = run(program, tmp, *head, *files)
        tap.equal((done.returncode, done.stderr, (tmp / "x.c").exists()), (1, message, False),
                  f"refused: {name}")
    for args in ([], head, ["--out-c"], ["--odd"], head[:4] + ["--prefix", "static", "app.css"],
                 head[:4] + ["--prefix", "/a b/", "app.css"]):
        done = run(program, tmp, *args)
        tap.ok(done.returncode == 2 and "--prefix" in done.stderr and not done.stdout,
               f"usage: {' '.join(args) or 'nothing'}", done.stderr)
    done = run(program, tmp, "--help")
    tap.ok(done.returncode == 0 and done.stdout.startswith("usage: assets --out-c"), "--help")


def main():
    tap = Tap()
    program, root = os.path.abspath(sys.argv[1]), pathlib.Path(sys.argv[2]).resolve()
    with tempfile.TemporaryDirectory(prefix="assets-") as tmp:
        test_embeds(tap, program, root, pathlib.Path(tmp))
        test_random_bytes(tap, program, root, pathlib.Path(tmp))
        test_refuses(tap, program, pathlib.Path(tmp))
    print(f"1..{tap.n}")
    return 1 if tap.failed else 0


if __name__ == "__main__":
    sys.exit(main())
