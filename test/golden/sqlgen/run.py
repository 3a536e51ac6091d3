#!/usr/bin/env python3
"""Golden tests of sqlgen: run.py SQLGEN SOURCE_ROOT. Prints TAP.

  accept/X.sql             must be accepted; the fields of its structs and its
                           functions are those of X.txt, and what comes out
                           compiles without a warning (gcc, and clang if there)
  refuse/X.sql             must be refused with exactly the messages of X.txt
  refuse_migrations/X/     the same for a folder of migrations
  refuse_c/X.c             must not compile, at the line that says `refused`,
                           and must compile with -DCONTROL

run.py SQLGEN SOURCE_ROOT --write   writes the .txt files anew, to be reviewed.
"""
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

SQLGEN = pathlib.Path(sys.argv[1]).resolve()
ROOT = pathlib.Path(sys.argv[2]).resolve()
WRITE = "--write" in sys.argv
HERE = pathlib.Path(__file__).resolve().parent
FLAGS = ["-std=gnu17", "-D_GNU_SOURCE", "-O2", "-Wall", "-Wextra", "-Wshadow", "-Wconversion",
         "-Wno-sign-conversion", "-Wvla", "-Wmissing-prototypes", "-Wstrict-prototypes", "-Werror",
         "-I", str(ROOT)]
COMPILERS = [cc for cc in ("gcc", "clang") if shutil.which(cc)]

failed = 0
count = 0


def report(name, problem):
    """One line of TAP; `problem` is empty where all is right."""
    global failed, count
    count += 1
    failed += bool(problem)
    print(f"{'not ok' if problem else 'ok'} {count} - {name}")
    for line in problem.splitlines():
        print(f"# {line}")


def sqlgen(out, *args, cwd=HERE, stem="m"):
    return subprocess.run(
        [SQLGEN, "--module", "m", "--slot", "2", "--out-c", out / f"{stem}.c", "--out-h",
         out / f"{stem}.h", *args], cwd=cwd, capture_output=True, text=True, timeout=60)


def compile_c(cc, path, out, *flags):
    return subprocess.run([cc, *FLAGS, *flags, "-I", str(out), "-c", str(path), "-o",
                           str(out / "x.o")], capture_output=True, text=True, timeout=60, cwd=HERE)


def compare(path, actual):
    if WRITE:
        path.write_text(actual)
        return ""
    expected = path.read_text() if path.exists() else ""
    if actual == expected:
        return ""
    return f"expected ({path.name}):\n{expected}\nactual:\n{actual}"


def outline(header):
    """Structs with their fields, and functions: what a caller sees."""
    text = re.sub(r"^#line[^\n]*\n|^/\*.*?\*/\n", "", header, flags=re.M | re.S)
    lines = []
    for part in re.findall(r"^(struct \w+ \{.*?^\};|(?:int|void) \w+\(.*?\);)", text, re.M | re.S):
        lines.append(re.sub(r"\s+", " ", part))
    return "\n".join(lines) + "\n"


def test_accept(sql):
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder)
        run = sqlgen(out, "--migrations", "../schema", "--queries", sql.name, cwd=sql.parent)
        if run.returncode or run.stderr:
            return f"exit {run.returncode}\n{run.stderr}"
        header = (out / "m.h").read_text()
        problem = compare(sql.with_suffix(".txt"), outline(header))
        alone = out / "alone.c"
        alone.write_text('#include "m.h"\n')
        for cc in COMPILERS:
            for path in (out / "m.c", alone):
                problem += compile_c(cc, path, out).stderr
        return problem


def test_refuse(args, cwd, expected):
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder)
        run = sqlgen(out, *args, "--depfile", out / "m.d", cwd=cwd)
        problem = compare(expected, run.stderr)
        if run.returncode != 1:
            problem += f"exit {run.returncode}, not 1\n"
        if list(out.iterdir()):
            problem += "a file was written all the same\n"
        return problem


def errors_of(text):
    """(file, line) of every error of a compiler's output."""
    return {(pathlib.Path(f).name, int(n))
            for f, n in re.findall(r"^([^\s:]+):(\d+):\d+: error: ", text, re.M)}


def test_refuse_c(path):
    lines = path.read_text().splitlines()
    line = 1 + next(i for i, text in enumerate(lines) if "/* refused */" in text)
    problem = ""
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder)
        run = sqlgen(out, "--migrations", "../schema", "--queries", "notes.sql", cwd=path.parent,
                     stem="notes")
        problem += run.stderr
        for cc in COMPILERS: # gcc takes a wrong `return` for none and would say that, too
            run = compile_c(cc, path, out, "-Wno-return-type")
            if run.returncode == 0 or errors_of(run.stderr) != {(path.name, line)}:
                problem += f"{cc}: expected an error at line {line} alone:\n{run.stderr}\n"
            run = compile_c(cc, path, out, "-DCONTROL")
            if run.returncode:
                problem += f"{cc}: the control does not compile:\n{run.stderr}\n"
    return problem


def test_sql_line():
    """A compiler's note on a field names the line of the .sql file."""
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder)
        sqlgen(out, "--migrations", "schema", "--queries", "refuse_c/notes.sql")
        bad = out / "bad.c"
        bad.write_text('#include "m.h"\n'
                       "struct note_get_row { int again; };\n")
        text = compile_c("gcc", bad, out).stderr
        return "" if re.search(r"refuse_c/notes\.sql:1:\d+: note: ", text) else text


def test_header_lines():
    """What stands behind the structs has the header's own line numbers."""
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder)
        sqlgen(out, "--migrations", "schema", "--queries", "accept/kinds.sql")
        lines = (out / "m.h").read_text().splitlines()
        problem = ""
        returns = 0
        for i, text in enumerate(lines, 1):
            found = re.match(r'#line (\d+) ".*m\.h"', text)
            returns += bool(found)
            if found and int(found[1]) != i + 1:
                problem += f"line {i} says {text}\n"
        return problem or ("" if returns == 6 else f"{returns} returns to the header, not 6")


def test_usage(args, want):
    run = subprocess.run([SQLGEN, *args], capture_output=True, text=True, timeout=60)
    problem = "" if run.returncode == want else f"exit {run.returncode}, not {want}\n"
    where = run.stderr if want else run.stdout
    other = run.stdout if want else run.stderr
    if not where.startswith("usage: sqlgen "):
        problem += f"no usage line: {where}\n"
    if other or (want and where.count("\n") != 1):
        problem += f"too much is said: {run.stdout}{run.stderr}\n"
    return problem


def test_bytes(content, message):
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder)
        (out / "bad.sql").write_bytes(content)
        run = sqlgen(out, "--migrations", HERE / "schema", "--queries", "bad.sql", cwd=out)
        return "" if (run.returncode, run.stderr) == (1, message) else run.stderr or "accepted"


def test_empty_folder():
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder)
        (out / "none").mkdir()
        (out / "none" / ".0001_a.sql.swp").touch()
        run = sqlgen(out, "--migrations", "none", cwd=out)
        return "" if run.stderr == "none: error: holds no migration\n" else run.stderr


def test_two_folders():
    """The second folder's tables can be used; only the first is embedded."""
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder)
        (out / "own").mkdir()
        (out / "own" / "0001_tag.sql").write_text(
            "CREATE TABLE tag (note_id TEXT NOT NULL PRIMARY KEY REFERENCES note) STRICT;\n"
            "CREATE VIEW tagged AS SELECT note_id FROM tag JOIN note ON note.id = note_id;\n")
        (out / "q.sql").write_text(
            "-- name: tagged_title :one\n-- param: id text\n"
            "SELECT title FROM note JOIN tag ON note_id = id WHERE id = :id;\n")
        run = sqlgen(out, "--migrations", "own", "--migrations", HERE / "schema", "--queries",
                     "q.sql", cwd=out)
        text = (out / "m.c").read_text() if run.returncode == 0 else ""
        right = "0001_tag" in text and "0001_notes" not in text and "m_migrations_count = 1" in text
        return "" if right else run.stderr or "the wrong folder is embedded"


def test_two_files():
    """Plain words behind --queries are further files; names are one space."""
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder)
        (out / "a.sql").write_text("-- name: first :one\n-- col: n int!\nSELECT 1 AS n;\n")
        (out / "b.sql").write_text("-- name: second :one\n-- col: n int!\nSELECT 2 AS n;\n")
        run = sqlgen(out, "--queries", "a.sql", "b.sql", cwd=out)
        text = (out / "m.c").read_text() if run.returncode == 0 else ""
        if '"SELECT 1 AS n"' not in text or '"SELECT 2 AS n"' not in text:
            return run.stderr or "a query is missing"
        run = sqlgen(out, "--queries", "a.sql", "b.sql", "a.sql", cwd=out)
        want = "a.sql:1:10: error: query 'first' is also defined at a.sql:1:10\n"
        return "" if run.stderr == want else run.stderr or "accepted"


def test_hash():
    """The hash is BLAKE2b-256 of the file, the text the file to the byte."""
    import hashlib
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder)
        sqlgen(out, "--migrations", "schema")
        text = (out / "m.c").read_text()
        problem = ""
        for path in sorted((HERE / "schema").iterdir()):
            digest = hashlib.blake2b(path.read_bytes(), digest_size=32).hexdigest()
            if f'{path.stat().st_size},\n     "{digest}"' not in text:
                problem += f"{path.name}: {digest} is not in the output\n"
        return problem


def test_depfile():
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder)
        (out / "a b#$.sql").write_text("-- name: q :one\nSELECT id FROM note WHERE id = 'x';\n")
        run = sqlgen(out, "--migrations", HERE / "schema", "--depfile", "m.d", "--queries",
                     "a b#$.sql", cwd=out)
        text = (out / "m.d").read_text() if run.returncode == 0 else ""
        want = [f"{out}/m.c:", f"{HERE}/schema", f"{HERE}/schema/0001_notes.sql",
                f"{HERE}/schema/0002_views.sql", r"a\ b\#$$.sql"]
        actual = re.sub(r" \\\n  ", "\n", text).splitlines()
        return "" if actual == want else f"{run.stderr}{text}"


def main():
    for sql in sorted(HERE.glob("accept/*.sql")):
        report(f"accept {sql.stem}", test_accept(sql))
    for sql in sorted(HERE.glob("refuse/*.sql")):
        report(f"refuse {sql.stem}",
               test_refuse(["--migrations", "../schema", "--queries", sql.name], sql.parent,
                           sql.with_suffix(".txt")))
    for folder in sorted(p for p in HERE.glob("refuse_migrations/*") if p.is_dir()):
        report(f"refuse migrations {folder.name}",
               test_refuse(["--migrations", folder.name], folder.parent,
                           folder.with_suffix(".txt")))
    for path in sorted(HERE.glob("refuse_c/*.c")):
        report(f"refuse in C {path.stem}", test_refuse_c(path))
    report("errors in generated structs name the .sql line", test_sql_line())
    report("#line returns to the header", test_header_lines())
    report("help", test_usage(["--help"], 0))
    report("misuse: nothing", test_usage([], 2))
    for wrong in (["--module", "a-b"], ["--slot", "4"], ["--slot", "x"], ["--what"],
                  ["--out-c"]):
        report(f"misuse: {' '.join(wrong)}",
               test_usage(["--module", "m", "--slot", "1", "--migrations", "x", "--out-h", "h",
                           "--out-c", "c", *wrong], 2))
    report("a NUL byte", test_bytes(b"-- name: a :one\n\0",
                                    "bad.sql:2:1: error: a NUL byte in SQL text\n"))
    report("bad UTF-8", test_bytes(b"-- name: a :one\n\xc3(",
                                   "bad.sql: error: is not valid UTF-8\n"))
    report("no such file", "" if "gone.sql: error: cannot be read: No such file" in sqlgen(
        pathlib.Path("/nowhere"), "--queries", "gone.sql").stderr else "another message")
    report("an output that cannot be written", "" if sqlgen(
        pathlib.Path("/nowhere"), "--migrations", "schema").returncode == 1 else "exit 0")
    report("an empty folder", test_empty_folder())
    report("two folders of migrations", test_two_folders())
    report("two query files", test_two_files())
    report("the hash of a migration", test_hash())
    report("the dependency file", test_depfile())
    print(f"1..{count}")
    return 1 if failed else 0


sys.exit(main())
