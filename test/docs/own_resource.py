#!/usr/bin/env python3
"""Follows app/README.md, "Add a resource of your own", word for word: copies
the tree, takes the blocks of the text as they stand, builds, and uses the new
page. Then makes the mistakes that it says do not compile."""
import os
import pathlib
import re
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'harness'))
import rowhouse_test.server
from rowhouse_test import *

ROOT = pathlib.Path(__file__).resolve().parents[2]
TEXT = (ROOT / 'app/README.md').read_text()
t = Tap(limit_seconds=540)
tree = pathlib.Path(temp_folder(t)) / 'rowhouse'
app = tree / 'app'


def blocks():
    """The blocks of code behind the heading, in order."""
    text = TEXT.split('## Add a resource of your own')[1]
    return re.findall(r'```(?:sql|html|c)\n(.*?)```', text, re.S)


def edit(path, old, new):
    text = path.read_text()
    need(text.count(old) >= 1, '%s has no %r' % (path, old))
    path.write_text(text.replace(old, new, 1))


def build():
    return subprocess.run(['sh', '-c', 'scripts/configure build && ninja -C build rowhouse'],
                          cwd=tree, capture_output=True, text=True)


def refused(path, old, new, said):
    """With this change the build fails, and says so at that file."""
    before = path.read_text()
    edit(path, old, new)
    r = build()
    path.write_text(before)
    need(r.returncode != 0, 'it built')
    need(re.search(said, r.stdout + r.stderr), said, (r.stdout + r.stderr)[-3000:])


with t.case('the tree is copied'):
    names = run('git', '-C', str(ROOT), 'ls-files').stdout.split()
    names = [n for n in names if (ROOT / n).is_file()]
    names += [n for n in run('git', '-C', str(ROOT), 'ls-files', '--others',
                             '--exclude-standard').stdout.split()]
    for name in names:
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tree / name)

with t.case('the six steps are written down, in under 100 lines'):
    found = blocks()
    equal(len(found), 7)
    need(sum(b.count('\n') for b in found) < 100, 'more than 100 lines')
    migration, queries, template, view, handlers, header, routes = found
    (app / 'migrations/0002_notes.sql').write_text(migration)
    (app / 'queries/notes.sql').write_text(queries)
    (app / 'templates/notes.html').write_text(template)
    (app / 'notes.c').write_text(handlers)
    (app / 'notes.h').write_text(header)
    views = (app / 'views.h').read_text()
    end = views.rindex('#endif')
    (app / 'views.h').write_text(views[:end] + view + '\n' + views[end:])
    edit(app / 'routes.c', '#include "app/', '#include "app/notes.h"\n#include "app/')
    text = (app / 'routes.c').read_text()
    table = text.index('const struct route app_routes')
    at = text.index('{', table) + 1
    (app / 'routes.c').write_text(text[:at] + '\n' + routes + text[at:])
    edit(app / 'meson.build', "'queries/items.sql'", "'queries/items.sql', 'queries/notes.sql'")
    edit(app / 'meson.build', "'templates/layout.html'",
         "'templates/layout.html', 'templates/notes.html'")
    edit(app / 'meson.build', "'app.c'", "'app.c', 'notes.c'")

with t.case('it builds'):
    r = build()
    need(r.returncode == 0, (r.stdout + r.stderr)[-4000:])

rowhouse_test.server.BIN = str(tree / 'build/rowhouse')
with Server(t) as s:
    c = s.client()
    with t.case('the page takes notes, and escapes them'):
        r = c.post('/tenant/acme/notes', form={'text': 'a <b>'})
        equal(r.status, 303, r)
        equal(r.get('Location'), '/tenant/acme/notes', r)
        r = c.get('/tenant/acme/notes')
        equal(r.status, 200, r)
        need('a &lt;b&gt;' in r.text(), r)
    with t.case('a note that is missing is 422, and the form says so'):
        r = c.post('/tenant/acme/notes', form={'text': ''})
        equal(r.status, 422, r)
        need('1 to 2,000 characters' in r.text(), r)
    with t.case('another tenant does not see it'):
        need('a &lt;b&gt;' not in c.get('/tenant/beta/notes').text())
    with t.case('it is in the OpenAPI document'):
        need('/tenant/{t}/notes' in c.get('/api/openapi.json').json()['paths'])
    with t.case('posts from other sites are refused'):
        r = c.post('/tenant/acme/notes', {'Sec-Fetch-Site': 'cross-site'}, form={'text': 'x'})
        equal(r.status, 403, r)

with t.case('a wrong column does not build'):
    refused(app / 'queries/notes.sql', 'SELECT id, text', 'SELECT id, txt',
            r'queries/notes\.sql:\d+:\d+: error: .*txt')
with t.case('a field that the view does not have does not build'):
    refused(app / 'templates/notes.html', 'note->text', 'note->txt',
            r'templates/notes\.html:\d+:\d+: error: .*txt')
with t.case('an unescaped string does not build'):
    refused(app / 'templates/notes.html', '{{ note->text }}', '{{ note->text.p }}',
            r'templates/notes\.html:\d+')
with t.case('a write through a reader does not build'):
    refused(app / 'notes.c', 'return show(rq, r, &(struct field){0});',
            'return note_insert(r, NULL, NULL, &rq->err);', r'app/notes\.c:\d+')

t.done()
