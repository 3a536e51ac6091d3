#!/usr/bin/env python3
"""The commands on a terminal (asking, progress, numbers for people), with many
tenants, killed, and with an output that takes nothing."""
import json
import os
import pty
import select
import signal
import sqlite3
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'harness'))
from rowhouse_test import *
from rowhouse_test.server import BIN, clean_env

t = Tap()
root = temp_folder(t)
path = os.path.join(root, 'data')
ENV = {'DATABASE_PATH': path}


def file(name):
    return os.path.join(path, name + '.db')


def rowhouse(*args, status=0):
    p = command(*args, env=ENV)
    need(p.returncode == status, args, p.returncode, p.stdout[-2000:], p.stderr[-2000:])
    return p.stdout.decode()


def on_terminal(*args, typed=None, seconds=20):
    """Runs a command with a terminal for all three; its exit status and what it showed."""
    ours, theirs = pty.openpty()
    p = subprocess.Popen([BIN, *args], env=clean_env(ENV), stdin=theirs, stdout=theirs, stderr=theirs,
                         start_new_session=True, cwd=root)
    os.close(theirs)
    shown, end = b'', time.monotonic() + seconds * SLOW
    while time.monotonic() < end:
        if not select.select([ours], [], [], 0.1)[0]:
            continue
        try:
            part = os.read(ours, 65536)
        except OSError:
            break
        if not part:
            break
        shown += part
        if typed is not None and shown.endswith(b': '):
            os.write(ours, typed)
            typed = None
    os.close(ours)
    try:
        return p.wait(timeout=5 * SLOW), shown.decode()
    except subprocess.TimeoutExpired:
        p.kill()
        raise Failed('does not end', shown)


rowhouse('tenants', 'create', 'acme')

with t.case('show has numbers for people on a terminal, plain ones in a pipe'):
    status, shown = on_terminal('tenants', 'show', 'acme')
    equal(status, 0)
    need('KiB' in shown, shown)
    need('KiB' not in rowhouse('tenants', 'show', 'acme'))

for typed, what in ((b'\n', 'nothing'), (b'y\n', 'y'), (b'acm\n', 'a part of the name'), (b'\x04', 'end of file'),
                    (b'acme x\n', 'more than the name')):
    with t.case('delete asks on a terminal; %s keeps the tenant' % what):
        status, shown = on_terminal('tenants', 'delete', 'acme', typed=typed)
        equal(status, 1, shown)
        need('The tenant acme has 0 items' in shown and 'nothing was deleted' in shown, shown)
        need(os.path.exists(file('acme')))
with t.case('delete asks on a terminal; the name deletes it'):
    status, shown = on_terminal('tenants', 'delete', 'ACME', typed=b'Acme\n')
    equal(status, 0, shown)
    equal([x for x in os.listdir(path) if x.startswith('acme')], [])
with t.case('delete of one that is not there does not ask'):
    status, shown = on_terminal('tenants', 'delete', 'acme', typed=b'acme\n')
    equal(status, 1, shown)
    need('there is no tenant acme' in shown and 'Type' not in shown, shown)
with t.case('export to a terminal is refused'):
    rowhouse('tenants', 'create', 'acme')
    status, shown = on_terminal('tenants', 'export', 'acme', '-')
    equal(status, 2, shown)
    need('SQLite format' not in shown and shown.count('\n') == 1, shown)

MANY = 150
for i in range(MANY):
    open(file('t%03d' % i), 'wb').close()
with open(file('t100'), 'wb') as f:
    f.write(b'not a database ' * 500)

with t.case('migrate killed at any instant: each tenant is at one version, and the next run goes on'):
    for round_ in range(4):
        p = subprocess.Popen([BIN, 'migrate'], env=clean_env(ENV), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(0.05 + round_ * 0.03)
        p.send_signal(signal.SIGKILL)
        p.wait()
    for i in range(MANY):
        if i != 100:
            db = sqlite3.connect(file('t%03d' % i))  # may write: it rolls a hot journal back
            state = db.execute('PRAGMA user_version').fetchone() + db.execute(
                "SELECT count(*) FROM sqlite_schema WHERE name IN ('items', 'tenant_info')").fetchone()
            db.close()
            one_of(state, ((0, 0), (1, 2)), i)
with t.case('migrate on a terminal shows how far it is, and its lines are whole'):
    status, shown = on_terminal('migrate', seconds=60)
    equal(status, 1, shown[-1000:])
    lines = [x.split('\x1b[K')[-1] for x in shown.split('\r\n')]
    need(any(x.startswith('rowhouse: t100: ') for x in lines), lines[-20:])
    need(lines[-2].endswith('1 failed') and lines[-2].startswith('%d tenants: ' % (MANY + 1)), lines[-3:])
    need('/151' in shown, 'no progress', shown[:500])
with t.case('after that all but the broken one are up to date'):
    out = rowhouse('migrate', '--json', status=1)
    got = json.loads(out)
    equal((got['migrated'], got['up_to_date'], got['failed']), (0, MANY, 1))
    equal([x['name'] for x in got['tenants']], ['t100'])
    for i in (0, 99, 101, MANY - 1):
        integrity(file('t%03d' % i))
with t.case('migrate NAME... does those only; a bad name is misuse, an unknown one an error'):
    for name in ('one', 'two', 'three'):
        open(file(name), 'wb').close()
    out = rowhouse('migrate', 'one', 'TWO')
    need('one: ' in out and 'two: ' in out and 'three' not in out, out)
    equal(os.path.getsize(file('three')), 0)
    rowhouse('migrate', 'one', 'no/name', status=2)
    rowhouse('migrate', 'one', 'nobody', status=1)
with t.case('check --all on a terminal: whole lines'):
    status, shown = on_terminal('tenants', 'check', seconds=60)
    equal(status, 1)
    lines = [x.split('\x1b[K')[-1] for x in shown.split('\r\n')]
    need('t099: ok' in lines and 't100: damaged' in lines, lines[:10])

with t.case('list of 20,000: in order, and a reader that goes away is no crash'):
    for i in range(20000):
        open(file('m%05d' % i), 'wb').close()
    began = time.monotonic()
    names = rowhouse('tenants', 'list').split('\n')[:-1]
    need(time.monotonic() - began < 2 * SLOW, 'too slow')
    need(len(names) > 20000 and names == sorted(names), len(names))
    equal(json.loads(rowhouse('tenants', 'list', '--json')), names)
    p = subprocess.Popen([BIN, 'tenants', 'list'], env=clean_env(ENV), stdout=subprocess.PIPE)
    equal(p.stdout.readline(), names[0].encode() + b'\n')
    p.stdout.close()
    one_of(p.wait(timeout=10 * SLOW), (0, 1, -signal.SIGPIPE))

for args in (('tenants', 'list'), ('tenants', 'show', 'acme'), ('tenants', 'export', 'acme', '-'), ('migrate', 'acme'),
             ('tenants', '--help')):
    with t.case('rowhouse %s: output that takes nothing is exit 1 and one line' % ' '.join(args)):
        with open('/dev/full', 'wb') as full:
            p = subprocess.run([BIN, *args], env=clean_env(ENV), stdout=full, stderr=subprocess.PIPE, timeout=20 * SLOW)
        equal(p.returncode, 1)
        equal(p.stderr.count(b'\n'), 1, p.stderr)
t.done()
