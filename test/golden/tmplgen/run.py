#!/usr/bin/env python3
"""Golden and random tests of tmplgen. Prints TAP.

run.py TMPLGEN ROOT [--update]

accept/NAME.html  compiles with gcc and clang; page NAME renders to NAME.out
refuse.txt        templates that tmplgen refuses, with exactly these messages
refuse_c.txt      templates whose C the compilers refuse, at these places
Then pages are rendered with random hostile strings and read by an HTML parser:
the markup must be that of harmless strings, and every value must come back.
"""

import html.parser
import json
import os
import pathlib
import random
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.parse

HERE = pathlib.Path(__file__).resolve().parent
WARNINGS = ["-std=gnu17", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Wshadow", "-Wconversion",
            "-Wno-sign-conversion", "-Wvla", "-Wmissing-prototypes", "-Wstrict-prototypes",
            "-Werror"]
COMPILERS = {"gcc": ["gcc", "-g", "-O1", "-fsanitize=address,undefined",
                     "-fno-sanitize-recover=all"],
             "clang": ["clang", "-O2"]}
BASE = ["arena.c", "buf.c", "fault.c", "html.c", "str.c", "utf8.c"]


class Tap:
    def __init__(self):
        self.n = self.failed = 0

    def ok(self, good, name, detail=""):
        self.n += 1
        self.failed += not good
        print(f"{'ok' if good else 'not ok'} {self.n} - {name}")
        if not good:
            for line in str(detail).splitlines():
                print(f"#   {line}")
        sys.stdout.flush()

    def equal(self, got, want, name):
        self.ok(got == want, name, f"got:  {got!r}\nwant: {want!r}")


class Bench:
    """A folder with the generator, compilers and a program that renders."""

    def __init__(self, tmplgen, root, tmp):
        self.tmplgen, self.root, self.tmp = os.path.abspath(tmplgen), root, pathlib.Path(tmp)
        shutil.copy(HERE / "data.h", self.tmp)
        shutil.copy(HERE / "render.c", self.tmp)

    def generate(self, files, name="pages", include="data.h"):
        return subprocess.run(
            [self.tmplgen, "--out-c", f"{name}.c", "--out-h", f"{name}.h", "--include", include,
             *files], cwd=self.tmp, capture_output=True, text=True, timeout=60)

    def command(self, compiler):
        return COMPILERS[compiler] + WARNINGS + ["-I", str(self.root), "-I", "."]

    def build(self, compiler, pages, program):
        """Compiles pages.c with render.c; the compiler's output where it fails."""
        (self.tmp / "list.inc").write_text("".join(f'{{"{p}", {p}}},\n' for p in pages))
        base = [str(self.root / "base" / f) for f in BASE]
        done = subprocess.run(self.command(compiler) +
                              ["-o", program, "render.c", "pages.c", *base],
                              cwd=self.tmp, capture_output=True, text=True)
        return done.stdout + done.stderr if done.returncode else ""

    def render(self, program, page):
        return subprocess.run([f"./{program}", page], cwd=self.tmp, capture_output=True,
                              check=True).stdout

    def render_each(self, program, page, strings):
        sent = b"".join(b"%d\n%s" % (len(s), s) for s in strings)
        out = subprocess.run([f"./{program}", page, "-"], cwd=self.tmp, input=sent,
                             capture_output=True, check=True).stdout
        pages = []
        while out:
            n, out = out.split(b"\n", 1)
            pages.append(out[:int(n)])
            out = out[int(n):]
        return pages


def sections(path):
    """`=== name`, the template, `---`, what is expected."""
    for part in re.split(r"^=== ", path.read_text(), flags=re.M)[1:]:
        name, rest = part.split("\n", 1)
        template, expected = rest.rsplit("---\n", 1)
        yield name.strip(), template.removesuffix("\n"), expected.strip("\n").splitlines()


# ---- pages that must compile ----

def test_accept(tap, bench, update):
    names = sorted(p.stem for p in (HERE / "accept").glob("*.html"))
    for name in names:
        shutil.copy(HERE / "accept" / f"{name}.html", bench.tmp)
    done = bench.generate([f"{n}.html" for n in names])
    tap.ok(done.returncode == 0 and done.stderr == "", "every page is accepted", done.stderr)
    pages = re.findall(r"^void (\w+)\(struct buf \*out,\n#line \d+ \"[^\n]*\n"
                       r" *const struct view \*v\);", (bench.tmp / "pages.h").read_text(), re.M)
    for compiler in COMPILERS:
        said = bench.build(compiler, pages, f"render-{compiler}")
        tap.ok(said == "", f"the pages compile without a warning ({compiler})", said)
    for page in pages:
        got = bench.render("render-gcc", page)
        golden = HERE / "accept" / f"{page}.out"
        if update:
            golden.write_bytes(got)
        tap.equal(got, golden.read_bytes(), f"{page} renders as expected")
        tap.equal(bench.render("render-clang", page), got, f"{page} renders alike with clang")
    return pages


# ---- templates that must be refused ----

def test_refuse(tap, bench):
    for name, template, expected in sections(HERE / "refuse.txt"):
        (bench.tmp / "r.html").write_text(template)
        for out in ("r.c", "r.h"):
            (bench.tmp / out).unlink(missing_ok=True)
        done = bench.generate(["r.html"], "r")
        wanted = "".join(f"r.html:{line}\n" for line in expected)
        tap.equal((done.returncode, done.stderr), (1, wanted), f"refused: {name}")
        if (bench.tmp / "r.c").exists():
            tap.ok(False, f"refused: {name}: but there is output")


def first_error(text):
    for line in text.splitlines():
        found = re.match(r"(\S+?:\d+:\d+): error: (.*)", line)
        if found:
            return found.group(1), found.group(2)
    return None, text


def test_refuse_c(tap, bench):
    for name, template, expected in sections(HERE / "refuse_c.txt"):
        (bench.tmp / "c.html").write_text(template)
        done = bench.generate(["c.html"], "c")
        tap.ok(done.returncode == 0, f"accepted by tmplgen: {name}", done.stderr)
        for line in expected:
            compiler, place, message = line.split(" ", 2)
            said = subprocess.run(bench.command(compiler) + ["-fsyntax-only", "c.c"], cwd=bench.tmp,
                                  capture_output=True, text=True, env=dict(os.environ, LC_ALL="C"))
            where, what = first_error(said.stderr)
            tap.ok(said.returncode != 0 and where == f"c.html:{place}" and
                   message in said.stderr.replace("`", "'"),
                   f"refused by {compiler} at {place}: {name}", f"{where}: {what}\n{said.stderr}")


# ---- the command line ----

def test_usage(tap, bench):
    def run(*args):
        return subprocess.run([bench.tmplgen, *args], cwd=bench.tmp, capture_output=True, text=True)
    helped = run("--help")
    tap.ok(helped.returncode == 0 and helped.stdout.startswith("usage: tmplgen --out-c") and
           helped.stderr == "", "--help goes to stdout")
    for args in ([], ["--out-c"], ["--out-c", "x.c", "--out-h", "x.h"], ["--nonsense", "a.html"],
                 ["--out-c", "x.c", "--out-h", "x.h", "--nonsense", "a.html"]):
        done = run(*args)
        tap.ok(done.returncode == 2 and "usage: tmplgen" in done.stderr and not done.stdout,
               f"usage: {' '.join(args) or 'nothing'}", done.stderr)
    done = run("--out-c", "x.c", "--out-h", "x.h", "missing.html")
    tap.equal((done.returncode, done.stderr),
              (1, "tmplgen: missing.html: No such file or directory\n"), "a missing file")
    (bench.tmp / "bad.html").write_bytes(b"{% page p() %}\nab\xff{% endpage %}")
    done = run("--out-c", "x.c", "--out-h", "x.h", "bad.html")
    tap.equal((done.returncode, done.stderr), (1, "bad.html:2:3: error: this is not UTF-8\n"),
              "a file that is not UTF-8")
    many = "{% page p() %}\n" + "{{ ; }}\n" * 30 + "{% endpage %}"
    (bench.tmp / "many.html").write_text(many)
    done = run("--out-c", "x.c", "--out-h", "x.h", "many.html")
    tap.equal((done.returncode, done.stderr.count("\n")), (1, 20), "at most 20 errors are shown")


def test_line_numbers(tap, bench):
    """Each #line of the C file itself names the line it stands before."""
    lines = (bench.tmp / "pages.c").read_text().split("\n")
    own = [(i, m) for i, m in ((i, re.match(r'#line (\d+) "pages\.c"', s))
                               for i, s in enumerate(lines, 1)) if m]
    wrong = [i for i, m in own if int(m.group(1)) != i + 1]
    tap.ok(own and not wrong, "#line leads back to the C file", wrong)


# ---- random strings, read by an HTML parser ----

class Reader(html.parser.HTMLParser):
    """What a page's markup is, apart from its values."""

    def __init__(self, page):
        super().__init__(convert_charrefs=True)
        self.shape, self.values, self.text = [], [], ""
        self.feed(page.decode("utf-8", "replace"))
        self.close()
        self.end_text()

    def end_text(self):
        if self.text:
            self.values.append(self.text)
            self.shape.append("text")
        self.text = ""

    def handle_starttag(self, tag, attrs):
        self.end_text()
        self.shape.append((tag, tuple(name for name, _ in attrs)))
        self.values += [value for _, value in attrs]

    def handle_endtag(self, tag):
        self.end_text()
        self.shape.append(("/", tag))

    def handle_data(self, data):
        self.text += data

    def handle_comment(self, data):
        self.end_text()
        self.shape.append(("comment", data))

    def handle_decl(self, decl):
        self.shape.append(("decl", decl))


PIECES = ["<", ">", "\"", "'", "&", "=", "/", "`", " ", "\n", "\t", "\0", "\\", "\x0b", "\x0c",
          "{", "}", "%", "#", "?", ":", ";", "-", "--", "!", "<!--", "-->", "<![CDATA[", "]]>",
          "</script>", "</SCRIPT ", "<script>", "</title>", "</textarea>", "</style>", "javascript:",
          "onload=", "&lt;", "&#60;", "&#x3c", "&amp", "\\u003c", "é", "日", "😀", "\u2028", "a", "x"]


def random_string(rng):
    return "s" + "".join(rng.choice(PIECES) for _ in range(rng.randrange(12))) + "e"


EVERYWHERE = """
{% page everywhere(const struct view *v) %}
<!doctype html>
<title>{{ v->evil }}</title>
<p id="{{ v->evil }}" class='{{ v->evil }}' data-x="a{{ v->evil }}b">{{ v->evil }}</p>
<a href="/p/{{ v->evil }}">x</a><a href='/?q={{ v->evil }}'>x</a>
<a href="x{{ v->evil }}">x</a>
<textarea>{{ v->evil }}</textarea>
<script type="application/json">{"a": {{ v->evil }}}</script>
{% endpage %}
"""


def check_everywhere(page, s):
    """Why the page does not show the string `s`, or None."""
    read = Reader(page)
    shown = s.replace("\0", "\ufffd")
    values = [v for v in read.values if v != "\n"]
    title, ident, cls, data, text, path, _, query, _, relative, _, area, kind, block = values
    if [title, ident, cls, data, text] != [shown, shown, shown, f"a{shown}b", shown]:
        return f"{[title, ident, cls, data, text]}"
    if area.removeprefix("\n") != shown:
        return f"textarea {area!r}"
    urls = [urllib.parse.unquote(u) for u in (path, query, relative)]
    if urls != [f"/p/{s}", f"/?q={s}", f"x{s}"] or re.search(r"[^\w%/?=.~-]", path + query):
        return f"{path} {query} {relative}"
    if kind != "application/json" or json.loads(block)["a"] != s or re.search("[<>&]", block):
        return f"{block!r}"
    return None


def test_everywhere(tap, bench, rng):
    (bench.tmp / "everywhere.html").write_text(EVERYWHERE)
    done = bench.generate(["everywhere.html"])
    said = done.stderr or bench.build("gcc", ["everywhere"], "render-every")
    tap.ok(said == "", "the page with every context compiles", said)
    strings = [random_string(rng) for _ in range(1500)]
    pages = bench.render_each("render-every", "everywhere", [s.encode() for s in strings])
    shape = Reader(pages[0]).shape
    wrong = []
    for s, page in zip(strings, pages):
        why = "markup" if Reader(page).shape != shape else check_everywhere(page, s)
        if why:
            wrong.append(f"{s!r}: {why}")
    tap.ok(len(pages) == len(strings) and not wrong,
           f"{len(strings)} random strings come back from every context", "\n".join(wrong[:5]))


# ---- random templates ----

class Writer:
    """Random templates that are mostly proper, with interpolations anywhere."""

    def __init__(self, rng):
        self.rng = rng

    def some(self, *options):
        choice = self.rng.choice(options)
        return choice() if callable(choice) else choice

    def hole(self):
        return self.some("{{ v->evil }}", "{{ v->evil }}", "{{ v->n }}", "plain", "",
                         "{% if v->yes %}{{ v->evil }}{% else %}b{% endif %}",
                         "{% for r in v->rows : v->n_rows %}{{ r->id }},{% endfor %}")

    def attr(self):
        q = self.some('"', '"', '"', "'", "'", "")
        name = self.some("id", "class", "title", "data-x", "href", "src", "action", "value",
                         "onclick", "style", "data-url", "alt", "type", "xlink:href", "srcdoc")
        head = self.some("", "", "/", "/a?b=", "#", "x", "mailto:", "data:", "https://h/")
        tail = self.some("", "", "/t", "&c=", "?d=", ":")
        attr = f"{name}={q}{head}{self.hole()}{tail}{q}"
        if self.rng.random() < 0.15:
            attr = "{% if v->yes %}" + attr + "{% endif %}"
        return " " + attr

    def attrs(self):
        return "".join(self.attr() for _ in range(self.rng.choice([0, 0, 1, 1, 2])))

    def element(self, depth):
        tag = self.some("p", "div", "b", "a", "title", "textarea", "script", "style", "pre", "svg",
                        "br", "img", "select", "h1")
        if tag in ("br", "img"):
            return f"<{tag}{self.attrs()}>"
        if tag in ("title", "textarea"):
            return f"<{tag}>{self.hole()}</{tag}>"
        if tag == "script" and self.rng.random() < 0.7:
            return f'<script type="application/json">[{self.hole()}]</script>'
        return f"<{tag}{self.attrs()}>{self.content(depth + 1)}</{tag}>"

    def content(self, depth=0):
        if depth > 3:
            return self.hole()
        parts = [self.some(lambda: self.element(depth), lambda: self.element(depth), self.hole,
                           " text\n ", "<!-- c -->", "&lt;") for _ in range(self.rng.randrange(4))]
        return "".join(parts)

    def page(self, name):
        parts = re.split(r"(\{\{.*?\}\}|\{%.*?%\})", self.content())
        at = self.rng.randrange(0, len(parts), 2)
        if self.rng.random() < 0.4 and parts[at]:
            text, cut = parts[at], self.rng.randrange(len(parts[at]))
            parts[at] = text[:cut] + self.some("<", ">", '"', "'", "/", " ", "-->", "=", "",
                                               "{{ v->evil }}") + text[cut + self.rng.randrange(3):]
        body = "".join(parts)
        return "{% page " + name + "(const struct view *v) %}" + body + "{% endpage %}\n"


# A whole URL is a constant here: templates put a string where one belongs.
RANDOM_H = """
#include "data.h"
#undef html_url
#define html_url(out, x) ((void)(x), html_url_((out), url_literal("/u")))
"""


def test_random_templates(tap, bench, rng):
    (bench.tmp / "random.h").write_text(RANDOM_H)
    writer, kept, odd = Writer(rng), [], []
    for i in range(400):
        template = writer.page(f"t{i}")
        if "{{" not in template:
            continue
        (bench.tmp / "t.html").write_text(template)
        done = bench.generate(["t.html"], "t", "random.h")
        if done.returncode not in (0, 1) or (done.returncode == 1) != (": error: " in done.stderr):
            odd.append(f"{template}\n{done.returncode} {done.stderr}")
        if done.returncode == 0:
            kept.append((f"t{i}", template))
    tap.ok(not odd, "random templates are accepted or refused", "\n".join(odd[:3]))
    (bench.tmp / "all.html").write_text("".join(t for _, t in kept))
    done = bench.generate(["all.html"], "pages", "random.h")
    said = done.stderr or bench.build("clang", [n for n, _ in kept], "render-random")
    tap.ok(said == "" and len(kept) >= 40, f"{len(kept)} of them compile", said or len(kept))
    strings = [b"plain"] + [random_string(rng).encode() for _ in range(25)]
    wrong = []
    for name, template in kept:
        pages = bench.render_each("render-random", name, strings)
        shapes = [Reader(p).shape for p in pages]
        wrong += [f"{template}{p!r}" for p, s in zip(pages, shapes) if s != shapes[0]]
    tap.ok(not wrong, "no string changes their markup", "\n".join(wrong[:3]))


def test_mutations(tap, bench, rng):
    """Damaged templates: an answer, never a crash."""
    sources = [p.read_bytes() for p in sorted((HERE / "accept").glob("*.html"))]
    odd = []
    for _ in range(300):
        s = bytearray(rng.choice(sources))
        for _ in range(rng.randrange(1, 6)):
            at = rng.randrange(len(s))
            s[at:at + rng.randrange(4)] = rng.choice(
                [b"", b"<", b">", b"\"", b"{{", b"}}", b"{%", b"%}", b"{#", b"(", b")", b"\xff",
                 b"{% endif %}", b"{% if 1 %}", b"{% block x %}", b"</p>", b"<p ", b"="])
        (bench.tmp / "m.html").write_bytes(s)
        done = subprocess.run([bench.tmplgen, "--out-c", "m.c", "--out-h", "m.h", "m.html"],
                              cwd=bench.tmp, capture_output=True, timeout=60)
        if done.returncode not in (0, 1) or (done.returncode == 1) != (b": error: " in done.stderr):
            odd.append(f"{done.returncode} {done.stderr!r}\n{bytes(s)!r}")
    tap.ok(not odd, "300 damaged templates are answered", "\n".join(odd[:2]))


def main():
    update = "--update" in sys.argv
    seed = int(os.environ.get("SEED", random.randrange(1 << 30)))
    print(f"# SEED={seed}")
    rng, tap = random.Random(seed), Tap()
    with tempfile.TemporaryDirectory(prefix="tmplgen-") as tmp:
        bench = Bench(sys.argv[1], pathlib.Path(sys.argv[2]).resolve(), tmp)
        test_usage(tap, bench)
        test_accept(tap, bench, update)
        test_line_numbers(tap, bench)
        test_refuse(tap, bench)
        test_refuse_c(tap, bench)
        test_everywhere(tap, bench, rng)
        test_random_templates(tap, bench, rng)
        test_mutations(tap, bench, rng)
    print(f"1..{tap.n}")
    return 1 if tap.failed else 0


if __name__ == "__main__":
    sys.exit(main())
