#!/usr/bin/env python3
"""The commands, alone and beside a running server: what they print, their exit
statuses, --json."""
import json
import os
import shutil
import sqlite3
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'harness'))
from rowhouse_test import *

t = Tap()


def rowhouse(*args, status=0, env=None, path=None, **kw):
    """Runs a command; its standard output as text."""
    e = dict({'DATABASE_PATH': path or s.path}, **(env or {}))
    p = command(*args, env=e, **kw)
    wanted = (status,) if isinstance(status, int) else status
    need(p.returncode in wanted, '$ rowhouse ' + ' '.join(args), 'exit %d, wanted %s' % (p.returncode, wanted),
         p.stdout.decode('utf-8', 'replace')[:2000], p.stderr.decode('utf-8', 'replace')[:2000])
    if p.returncode:
        rowhouse.error = p.stderr.decode()
    return p.stdout.decode('utf-8', 'surrogateescape')


def one_line(text):
    need(text.endswith('\n') and text.count('\n') == 1 and text.strip(), 'not one line: %r' % text)


s = Server(t, start=False)

with t.case('--version and --help go to stdout with status 0'):
    out = rowhouse('--version')
    one_line(out)
    need(out.startswith('rowhouse '), out)
    out = rowhouse('--help')
    for word in ('serve', 'tenants', 'migrate', 'config', 'DATABASE_PATH', 'PORT', 'BASE_DOMAIN', 'RUST_LOG'):
        need(word in out, '--help lacks ' + word, out)
for args in (('serve', '--help'), ('tenants', '--help'), ('migrate', '--help'), ('config', '--help')):
    with t.case('%s goes to stdout with status 0' % ' '.join(args)):
        need('usage' in rowhouse(*args).lower())
MISUSE = [(), ('nonsense',), ('--nonsense',), ('tenants',), ('tenants', 'nonsense'), ('tenants', 'show'),
          ('tenants', 'create'), ('tenants', 'delete'), ('tenants', 'export'), ('tenants', 'show', 'a', 'b'),
          ('tenants', 'list', '--nonsense'), ('migrate', '--nonsense'), ('config', 'x'),
          ('serve', 'x'), ('--port',), ('--port', 'abc', 'config'), ('tenants', 'create', '-bad'),
          ('tenants', 'create', 'a/b'), ('tenants', 'show', '..'), ('tenants', 'create', '')]
for args in MISUSE:
    with t.case('rowhouse %s: one line on stderr, nothing on stdout, exit 2' % ' '.join(args)):
        out = rowhouse(*args, status=2)
        equal(out, '')
        one_line(rowhouse.error)

with t.case('config prints every setting, with values from the environment'):
    out = rowhouse('config', env={'PORT': '12345', 'BASE_DOMAIN': 'example.org', 'TENANT_CREATE': 'closed'})
    for word in ('12345', 'example.org', 'closed', s.path):
        need(word in out, 'config lacks ' + word, out)
    names = {x.split('=')[0] for x in out.split('\n') if '=' in x}
    need({'DATABASE_PATH', 'PORT', 'HOST', 'ADMIN_PORT', 'BASE_DOMAIN', 'RUST_LOG', 'LOG_FORMAT', 'TENANT_CREATE',
          'TENANT_CREATE_RATE', 'CONNECTIONS_PER_ADDRESS', 'HEADER_TIMEOUT', 'BODY_TIMEOUT', 'KEEP_ALIVE_TIMEOUT',
          'HANDLER_TIMEOUT', 'DRAIN_TIMEOUT'} <= names, names)
with t.case('config --json is one object'):
    need(isinstance(json.loads(rowhouse('config', '--json')), (dict, list)))
with t.case('config does not print secrets'):
    secret = 'verysecretvalue0123456789abcdef'
    for args in (('config',), ('config', '--json')):
        need(secret not in rowhouse(*args, env={'SECRET_KEY': secret}), 'SECRET_KEY is printed')
with t.case('an option wins over the environment'):
    out = rowhouse('--port', '2222', 'config', env={'PORT': '1111'})
    need('2222' in out and '1111' not in out, out)
    out = rowhouse('--port=2222', 'config')
    need('2222' in out, out)
with t.case('config refuses a bad setting: one line, exit 2'):
    for key, value in (('PORT', 'x'), ('TENANT_CREATE', 'x'), ('HEADER_TIMEOUT', 'x')):
        equal(rowhouse('config', env={key: value}, status=2), '')
        one_line(rowhouse.error)
        need(key in rowhouse.error, rowhouse.error)

with t.case('commands on a folder that is not there: no traces, exit not 0, or an empty list'):
    gone = os.path.join(temp_folder(t), 'no', 'folder')
    out = rowhouse('tenants', 'show', 'x', path=gone, status=(1, 2))
    one_line(rowhouse.error)
    rowhouse('tenants', 'list', path=gone, status=(0, 1, 2))

with t.case('tenants create, alone'):
    rowhouse('tenants', 'create', 'Acme')
    need(os.path.exists(s.file('acme')))
    rowhouse('tenants', 'create', 'acme', status=(1, 2))
    one_line(rowhouse.error)
    for name in ('beta', 'gamma'):
        rowhouse('tenants', 'create', name)
with t.case('what it made is what the server makes'):
    integrity(s.file('acme'))
    equal(sql(s.file('acme'), 'SELECT name, item_count FROM tenant_info'), [('acme', 0)])

for when in ('alone', 'beside a running server'):
    with t.case('the server and its tenants (%s)' % when):
        if when != 'alone':
            s.start()
            c = s.client()
            for i in range(5):
                created(c.post('/api/items', json={'name': 'i%d' % i, 'description': 'café 🙂'}, tenant='acme'))
    count = 0 if when == 'alone' else 5

    with t.case('tenants list, in order (%s)' % when):
        out = rowhouse('tenants', 'list')
        names = [x.split()[0] for x in out.split('\n') if x.split()]
        names = [x for x in names if x in ('acme', 'beta', 'gamma')]
        equal(names, ['acme', 'beta', 'gamma'], out)
    with t.case('tenants list --json (%s)' % when):
        got = json.loads(rowhouse('tenants', 'list', '--json'))
        need(isinstance(got, list), got)
        equal([x['name'] if isinstance(x, dict) else x for x in got], ['acme', 'beta', 'gamma'])
    with t.case('tenants show: items, size, schema version, times (%s)' % when):
        out = rowhouse('tenants', 'show', 'acme')
        for word in ('acme', str(count)):
            need(word in out, out)
        got = json.loads(rowhouse('tenants', 'show', 'acme', '--json'))
        need(isinstance(got, dict), got)
        flat = json.dumps(got)
        need('acme' in flat, got)
        numbers = [v for v in got.values() if isinstance(v, int) and not isinstance(v, bool)]
        need(count in numbers and len(numbers) >= 3, got)
        times = [v for v in got.values() if isinstance(v, str) and v[:2] == '20' and 'T' in v]
        need(len(times) >= 2, got)
        for x in times:
            check_time(x)
    with t.case('show of one that is not there: one line, exit not 0 (%s)' % when):
        equal(rowhouse('tenants', 'show', 'nobody', status=1), '')
        one_line(rowhouse.error)
        need(not os.path.exists(s.file('nobody')), 'show created it')
    with t.case('tenants check of one and of all (%s)' % when):
        rowhouse('tenants', 'check', 'acme')
        rowhouse('tenants', 'check', '--all')
        json.loads(rowhouse('tenants', 'check', '--all', '--json'))
        rowhouse('tenants', 'check', 'nobody', status=1)
    with t.case('tenants export writes one consistent file (%s)' % when):
        target = os.path.join(s.root, 'out-%s.sqlite' % when.split()[0])
        rowhouse('tenants', 'export', 'acme', target)
        integrity(target)
        equal(sql(target, 'SELECT count(*) FROM items'), [(count,)])
        folder = os.listdir(s.root)
        equal([x for x in folder if x.startswith(os.path.basename(target)) and x != os.path.basename(target)], [])
        out = rowhouse('tenants', 'export', 'nobody', target + '2', status=1)
        need(not os.path.exists(target + '2'))
    with t.case('tenants export to a place that cannot be written: exit 1, one line (%s)' % when):
        rowhouse('tenants', 'export', 'acme', '/proc/nope/x', status=(1, 2))
        one_line(rowhouse.error)
    with t.case('tenants delete without --yes asks, and without a terminal refuses (%s)' % when):
        rowhouse('tenants', 'delete', 'gamma', status=(1, 2), stdin=b'')
        one_line(rowhouse.error)
        need(os.path.exists(s.file('gamma')))

with t.case('the server has a tenant that a command creates beside it'):
    rowhouse('tenants', 'create', 'fresh')
    equal(s.client().get('/api/items', tenant='fresh').json(), [])
    until('in the list', 5, lambda: 'fresh' in s.client().get('/api/tenants').json())
with t.case('creating one that the server created is refused'):
    s.client().get('/api/items', tenant='served')
    rowhouse('tenants', 'create', 'served', status=(1, 2))
with t.case('tenants delete --yes beside the server: gone, and a later access makes a new one'):
    created(s.client().post('/api/items', json={'name': 'old'}, tenant='gamma'))
    rowhouse('tenants', 'delete', 'gamma', '--yes')
    equal([x for x in os.listdir(s.path) if x.startswith('gamma')], [])
    until('not in the list', 5, lambda: 'gamma' not in s.client().get('/api/tenants').json())

    def anew():
        r = s.client().get('/api/items', tenant='gamma')
        one_of(r.status, (200, 503), r)
        return r.status == 200 and r.json() == []

    until('a new, empty tenant', 6, anew)
    created(s.client().post('/api/items', json={'name': 'new'}, tenant='gamma'))
    equal(sql(s.file('gamma'), 'SELECT name FROM items'), [('new',)])
with t.case('deleting one that is not there: exit 1, one line'):
    rowhouse('tenants', 'delete', 'nobody', '--yes', status=1)
    one_line(rowhouse.error)

with t.case('export, check and list under load: consistent, and the server does not fail'):
    stop, bad = threading.Event(), []

    def load():
        c = s.client(tenant='acme', keep=True)
        while not stop.is_set():
            r = c.post('/api/items:batch', json=[{'name': 'l'}] * 10)
            if r.status != 201:
                bad.append(str(r))
        c.close()

    threads = [threading.Thread(target=load) for _ in range(3)]
    for x in threads:
        x.start()
    try:
        for i in range(4):
            target = os.path.join(s.root, 'load%d.sqlite' % i)
            rowhouse('tenants', 'export', 'acme', target)
            integrity(target)
            n = sql(target, "SELECT count(*) FROM items WHERE name = 'l'")[0][0]
            equal(n % 10, 0, 'half a batch was exported')
            rowhouse('tenants', 'check', 'acme')
            rowhouse('tenants', 'show', 'acme')
            rowhouse('tenants', 'list')
            rowhouse('migrate')
    finally:
        stop.set()
        for x in threads:
            x.join()
    equal(bad[:2], [])
with t.case('SIGTERM ends the server with 0'):
    s.stop()


def plant(name, *statements, version=0):
    db = sqlite3.connect(s.file(name))
    for x in statements:
        db.execute(x)
    db.execute('PRAGMA user_version = %d' % version)
    db.commit()
    db.close()


with t.case('migrate with nothing to do: exit 0, and again'):
    for _ in range(2):
        rowhouse('migrate')
    rowhouse('migrate', '--dry-run')
with t.case('migrate --dry-run changes nothing, migrate brings an unmigrated file up to date'):
    plant('oldone', 'CREATE TABLE scratch(a)', 'DROP TABLE scratch')
    before = open(s.file('oldone'), 'rb').read()
    out = rowhouse('migrate', '--dry-run')
    need('oldone' in out, 'the dry run does not name it', out)
    equal(open(s.file('oldone'), 'rb').read() == before, True, 'the dry run changed the file')
    out = rowhouse('migrate')
    need('oldone' in out, out)
    version = sql(s.file('acme'), 'PRAGMA user_version')
    equal(sql(s.file('oldone'), 'PRAGMA user_version'), version)
    equal(sql(s.file('oldone'), 'SELECT count(*) FROM items'), [(0,)])
with t.case('one failing tenant does not stop the rest: exit 1, both are named'):
    with open(s.file('broken'), 'wb') as f:
        f.write(b'not a database ' * 500)
    plant('zlast', 'CREATE TABLE scratch(a)', 'DROP TABLE scratch')
    plant('newer', 'CREATE TABLE scratch(a)', version=999999)
    out = rowhouse('migrate', status=1)
    whole = out + rowhouse.error
    for word in ('broken', 'newer', 'zlast'):
        need(word in whole, word, whole)
    equal(sql(s.file('zlast'), 'SELECT count(*) FROM items'), [(0,)])
    equal(sql(s.file('newer'), 'PRAGMA user_version'), [(999999,)])
with t.case('in a pipe there are plain lines: no escape sequences, no carriage returns'):
    need('\x1b' not in whole and '\r' not in whole, repr(whole))
with t.case('check --all with a damaged tenant: exit 1, the others are checked'):
    out = rowhouse('tenants', 'check', '--all', status=1)
    whole = out + rowhouse.error
    need('broken' in whole and 'acme' in whole, whole)
    rowhouse('tenants', 'check', 'broken', status=1)
    rowhouse('tenants', 'check', 'acme')
with t.case('check finds damage inside a file'):
    c2 = Server(t, path=s.path)
    c2.client().post('/api/items:batch', json=[{'name': 'x' * 300, 'description': 'y' * 3000}] * 200, tenant='inner')
    c2.stop()
    raw = bytearray(open(s.file('inner'), 'rb').read())
    # All but the first page: one may be the end of a long value, whose bytes nothing checks.
    raw[4096:] = b'\0' * (len(raw) - 4096)
    with open(s.file('inner'), 'wb') as f:
        f.write(raw)
    rowhouse('tenants', 'check', 'inner', status=1)
    got = rowhouse('tenants', 'check', 'inner', '--json', status=1)
    json.loads(got)
with t.case('list and show go on with damaged tenants in the folder'):
    need('broken' in rowhouse('tenants', 'list'))
    rowhouse('tenants', 'show', 'broken', status=1)
    one_line(rowhouse.error)
with t.case('a symlink is no tenant to follow or delete through'):
    outside = os.path.join(s.root, 'outside.db')
    shutil.copy(s.file('acme'), outside)
    os.symlink(outside, s.file('link'))
    rowhouse('tenants', 'show', 'link', status=(1, 2))
    rowhouse('tenants', 'export', 'link', os.path.join(s.root, 'l.sqlite'), status=(1, 2))
    rowhouse('tenants', 'delete', 'link', '--yes', status=(0, 1, 2))
    need(os.path.exists(outside), 'delete followed a link')
t.done()
