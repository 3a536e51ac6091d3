#!/usr/bin/env python3
"""Damaged, foreign, locked and vanished files; folders that cannot be used;
full disks; taken ports. The tenant in trouble gets a clear answer, all others
are served, and what is repaired heals."""
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'harness'))
from rowhouse_test import *

t = Tap()
NOBODY = 65534


def kinds_of_503(r):
    """503 as a problem with a type of its own, that shows nothing of the inside."""
    p = check_problem(r, 503)
    need(p['type'] != 'about:blank', 'no type of its own', r)
    return p


# --- files that cannot be used -------------------------------------------------
with Server(t) as s:
    good = ('alive', 'model', 'other')
    for name in good:
        created(s.client().post('/api/items', json={'name': name}, tenant=name))
    s.client().post('/api/items:batch', json=[{'name': 'x' * 400}] * 40, tenant='model')
    s.stop()
    MODEL = open(s.file('model'), 'rb').read()

    def plant(name, data):
        with open(s.file(name), 'wb') as f:
            f.write(data)

    def altered(name, *statements):
        shutil.copy(s.file('model'), s.file(name))
        db = sqlite3.connect(s.file(name))
        for x in statements:
            db.execute(x)
        db.commit()
        db.close()

    middle = bytearray(MODEL)
    middle[4096:] = b'\xa5' * (len(middle) - 4096)
    plant('corrupt', bytes(middle))
    plant('header', b'\0' * 100 + MODEL[100:])
    plant('truncated', MODEL[:4096 + 1000])
    plant('notsqlite', b'This is not a database.\n' * 400)
    plant('short', b'SQLite format 3\0')
    plant('encrypted', os.urandom(16384))
    altered('newer', 'PRAGMA user_version = 9999')
    altered('rewritten', "UPDATE rowhouse_migration SET hash = 'deadbeef'")
    altered('future', "INSERT INTO rowhouse_migration SELECT component, version + 90, 'later', 'h', applied_at "
                      "FROM rowhouse_migration")
    outside = os.path.join(s.root, 'outside.db')
    shutil.copy(s.file('model'), outside)
    os.symlink(outside, s.file('symlink'))
    os.symlink(os.path.join(s.root, 'nowhere.db'), s.file('dangling'))
    os.mkdir(s.file('folder'))
    os.mkfifo(s.file('fifo'))
    BROKEN = ['corrupt', 'header', 'truncated', 'notsqlite', 'short', 'encrypted', 'newer', 'rewritten',
              'symlink', 'dangling', 'folder', 'fifo']
    if sqlite3.connect(s.file('future')).execute('SELECT count(DISTINCT version) FROM rowhouse_migration').fetchone()[0] > 1:
        BROKEN.append('future')

    def content(name):
        path = s.file(name)
        if os.path.islink(path):
            return os.readlink(path)
        if not os.path.isfile(path):
            return None
        with open(path, 'rb') as f:
            return f.read()

    before = {x: content(x) for x in BROKEN}
    outside_before = open(outside, 'rb').read()
    with t.case('the server starts with damaged tenants in its folder'):
        s.start()
    for name in BROKEN:
        with t.case('%s: 503 with a problem type of its own, for reading and writing' % name):
            kinds_of_503(s.client().get('/api/items', tenant=name))
            kinds_of_503(s.client().post('/api/items', json={'name': 'x'}, tenant=name))
            kinds_of_503(s.client().get('/tenant/%s/items' % name))
        with t.case('%s: the page is a 503 page' % name):
            r = s.client().get('/tenant/' + name, [('Accept', 'text/html')])
            equal((r.status, r.media), (503, 'text/html'), r)
    with t.case('all others are served meanwhile'):
        for name in good:
            equal(s.client().get('/api/items?limit=1', tenant=name).status, 200)
            created(s.client().post('/api/items', json={'name': 'y'}, tenant=name))
        created(s.client().post('/api/items', json={'name': 'y'}, tenant='brand-new'))
    with t.case('/ and /api/tenants work with them in the folder'):
        equal(s.client().get('/').status, 200)
        names = s.client().get('/api/tenants').json()
        need({'alive', 'model', 'other', 'brand-new'} <= set(names), names)
    with t.case('the health routes are well'):
        for x in ('/health', '/livez', '/readyz'):
            equal(s.client().get(x).status, 200, x)
    with t.case('an empty file is a new tenant or refused, nothing between'):
        plant('empty', b'')
        r = s.client().post('/api/items', json={'name': 'x'}, tenant='empty')
        one_of(r.status, (201, 503), r)
    with t.case('newer, rewritten and corrupt have types that differ'):
        types = {x: s.client().get('/api/items', tenant=x).json()['type'] for x in ('newer', 'rewritten', 'corrupt')}
        equal(len(set(types.values())), 3, types)
    with t.case('none of the files was touched, nothing followed the link'):
        for name in BROKEN:
            equal(content(name) == before[name], True, name + ' was changed')
        equal(open(outside, 'rb').read() == outside_before, True, 'outside.db')
        equal(os.path.exists(os.path.join(s.root, 'nowhere.db')), False)
    with t.case('a repaired tenant is served after 2 s'):
        for name in ('corrupt', 'notsqlite', 'newer'):
            with open(s.file(name) + '.new', 'wb') as f:
                f.write(MODEL)
            os.rename(s.file(name) + '.new', s.file(name))
        for name in ('corrupt', 'notsqlite', 'newer'):
            until(name + ' answers 200', 6, lambda: s.client().get('/api/items', tenant=name).status == 200, 0.1)
            created(s.client().post('/api/items', json={'name': 'z'}, tenant=name))

# --- files that vanish or change under the server ------------------------------
with Server(t) as s:
    def on_disk(tenant, item):
        """True where the file that the name leads to now has the item."""
        try:
            return sql(s.file(tenant), 'SELECT count(*) FROM items WHERE id = ?', item)[0][0] == 1
        except sqlite3.Error:
            return False

    def remove(tenant):
        for suffix in ('.db', '.db-wal', '.db-shm'):
            if os.path.exists(s.file(tenant, suffix)):
                os.unlink(s.file(tenant, suffix))

    def replace(tenant):
        with open(os.path.join(s.root, 'copy'), 'wb') as f:
            f.write(SPARE)
        os.rename(os.path.join(s.root, 'copy'), s.file(tenant))

    def replace_all(tenant):
        remove(tenant)
        replace(tenant)

    def only_db(tenant):
        os.unlink(s.file(tenant))

    created(s.client().post('/api/items', json={'name': 'spare'}, tenant='spare'))
    s.restart()
    with open(s.file('spare'), 'rb') as f:
        SPARE = f.read()
    for what, act in (('removed with its WAL', remove), ('removed alone', only_db), ('replaced by another', replace_all),
                      ('replaced, its WAL left behind', replace)):
        for busy in (False, True):
            tenant = 'gone-%d-%s' % (busy, what.replace(' ', '').replace(',', '').lower()[:12])
            with t.case('%s%s: nothing is acknowledged into the old file, then all is well'
                        % (what, ' under load' if busy else '')):
                c = s.client(tenant=tenant)
                created(c.post('/api/items', json={'name': 'before'}))
                if busy:
                    for i in range(20):
                        created(c.post('/api/items', json={'name': 'b%d' % i}))
                act(tenant)
                statuses = []
                end = time.monotonic() + 8 * SLOW
                good_in_a_row = 0
                while good_in_a_row < 5:
                    r = c.post('/api/items', json={'name': 'after'})
                    statuses.append(r.status)
                    one_of(r.status, (201, 503), r)
                    if r.status == 201:
                        good_in_a_row += 1
                        need(on_disk(tenant, r.json()['id']), 'acknowledged, but not in the file: %s' % statuses, r)
                    else:
                        kinds_of_503(r)
                        good_in_a_row = 0
                    need(time.monotonic() < end, 'never well again: %s' % statuses)
                    time.sleep(0.05)
                equal(s.client().get('/api/items', tenant=tenant).status, 200)
    with t.case('others did not notice'):
        created(s.client().post('/api/items', json={'name': 'x'}, tenant='spare'))

# --- locked by another process -------------------------------------------------
with Server(t, env={'BUSY_TIMEOUT': '300ms'}) as s:
    with t.case('a lock of another process: 503 with Retry-After, reading goes on, others too'):
        created(s.client().post('/api/items', json={'name': 'x'}, tenant='locked'))
        holder = hold(s.file('locked'))
        t.defer(holder.kill)
        r = s.client().post('/api/items', json={'name': 'y'}, tenant='locked')
        kinds_of_503(r)
        need((r.get('retry-after') or '').isdigit(), 'no Retry-After', r)
        equal(len(s.client().get('/api/items', tenant='locked').json()), 1)
        created(s.client().post('/api/items', json={'name': 'y'}, tenant='free'))
    with t.case('once it is given up, writing goes on'):
        holder.stdin.close()
        holder.wait()
        until('201', 6, lambda: s.client().post('/api/items', json={'name': 'z'}, tenant='locked').status == 201, 0.1)

# --- starts that must fail -----------------------------------------------------


def refused(what, env, args=(), preexec=None, more=()):
    """One line on stderr, nothing on stdout, exit 2, within a second."""
    with t.case('%s: exactly one line, exit 2, within a second' % what):
        base = {'DATABASE_PATH': os.path.join(temp_folder(t), 'data'), 'PORT': free_port(), 'ADMIN_PORT': 0}
        begin = time.monotonic()
        p = subprocess.Popen([BIN, 'serve', *args], stdin=subprocess.DEVNULL,
                             env=clean_env({k: v for k, v in dict(base, **env).items() if v is not None}),
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=preexec)
        try:
            out, err = p.communicate(timeout=10 * SLOW)
        except subprocess.TimeoutExpired:
            p.kill()
            out, err = p.communicate()
            fail('it runs on', out, err.decode())
        took = time.monotonic() - begin
        lines = err.decode().split('\n')
        need(len(lines) == 2 and lines[0].strip() and not lines[1], 'not exactly one line', repr(err))
        equal((p.returncode, out), (2, b''), err.decode())
        need(took < 1 * max(SLOW, 1.5), 'took %.2f s' % took)
        for word in more:
            need(word in lines[0], 'the line does not name %r: %s' % (word, lines[0]))


SETTINGS = [('PORT', 'abc'), ('PORT', '70000'), ('PORT', '-1'), ('PORT', '80 80'), ('ADMIN_PORT', 'x'),
            ('TENANT_CREATE', 'maybe'), ('LOG_FORMAT', 'xml'), ('DURABILITY', 'hope'), ('HEADER_TIMEOUT', 'soon'),
            ('HEADER_TIMEOUT', '-1s'), ('DRAIN_TIMEOUT', '10 parsecs'), ('HOST', 'no such host!'), ('HOST', '1.2.3.4.5'),
            ('TENANT_CREATE_RATE', 'many'), ('CONNECTIONS_PER_ADDRESS', '1e3'), ('RUST_LOG', 'info,=,=='),
            ('BASE_DOMAIN', 'a b')]
for key, value in SETTINGS:
    refused('%s=%s' % (key, value), {key: value}, more=(key,) if key != 'HOST' else ())
for port in (None, free_port()):
    for host in ('no such host!', '1.2.3.4.5', '203.0.113.77', ','):
        refused('ADMIN_HOST=%s, ADMIN_PORT %s' % (host, 'set' if port else 'not set'),
                {'ADMIN_HOST': host, 'ADMIN_PORT': port}, more=(': ADMIN_HOST:',))
file_path = os.path.join(temp_folder(t), 'file')
open(file_path, 'w').close()
refused('DATABASE_PATH is a file', {'DATABASE_PATH': file_path}, more=(file_path,))
refused('DATABASE_PATH below a file', {'DATABASE_PATH': file_path + '/data'}, more=(file_path,))
refused('DATABASE_PATH in /proc', {'DATABASE_PATH': '/proc/rowhouse'}, more=('/proc/rowhouse',))
refused('DATABASE_PATH of 5,000 characters', {'DATABASE_PATH': '/tmp/' + 'x/' * 2500})
refused('an unknown option', {}, args=('--nonsense',))
refused('an unknown argument', {}, args=('nonsense',))


def as_nobody():
    os.setgroups([])
    os.setgid(NOBODY)
    os.setuid(NOBODY)


ROOT = os.geteuid() == 0
locked_folder = temp_folder(t)
os.chmod(locked_folder, 0o555)
if ROOT:
    refused('DATABASE_PATH that cannot be written', {'DATABASE_PATH': locked_folder}, preexec=as_nobody,
            more=(locked_folder,))
    refused('DATABASE_PATH that cannot be made', {'DATABASE_PATH': locked_folder + '/new'}, preexec=as_nobody,
            more=(locked_folder,))
else:
    refused('DATABASE_PATH that cannot be written', {'DATABASE_PATH': locked_folder}, more=(locked_folder,))

for family, address in ((socket.AF_INET, '127.0.0.1'), (socket.AF_INET6, '::1')):
    if family == socket.AF_INET6 and not os.path.exists('/proc/net/if_inet6'):
        continue
    port = free_port()
    taken = socket.socket(family, socket.SOCK_STREAM)
    taken.bind((address, port))
    taken.listen()
    refused('the port is taken on ' + address, {'PORT': port}, more=(str(port),))
    if family == socket.AF_INET:
        refused('a set ADMIN_PORT is taken', {'ADMIN_PORT': port}, more=(str(port),))
    taken.close()

with t.case('a missing DATABASE_PATH is made, with its parents'):
    s = Server(t, path=os.path.join(temp_folder(t), 'a', 'b', 'c'))
    created(s.client().post('/api/items', json={'name': 'x'}))
    s.stop()
# --- disks ---------------------------------------------------------------------


def mount(size, *options):
    folder = temp_folder(t)
    r = run('mount', '-t', 'tmpfs', '-o', ','.join(('size=' + size,) + options), 'rowhouse-test', folder)
    if r.returncode:
        raise Skip('no tmpfs can be mounted here')
    t.defer(lambda: run('umount', '-l', folder))
    return folder


with t.case('a full disk is 507 for writes, reading goes on, and it heals'):
    disk = mount('6m')
    s = Server(t, path=os.path.join(disk, 'data'))
    c = s.client(tenant='full', keep=True)
    made = []
    for name in ('full', 'second'):
        made.append(created(c.post('/api/items', json={'name': 'first'}, tenant=name)))
    ids = [made[0]['id']]
    with open(os.path.join(disk, 'ballast'), 'wb') as f:
        f.write(b'x' * (2 << 20))
    seen = None
    for i in range(600):
        r = c.post('/api/items:batch', json=[{'name': 'f', 'description': 'd' * 9000}] * 10)
        if r.status != 201:
            seen = r
            break
        ids += [x['id'] for x in r.json()]
    need(seen is not None, 'the disk never filled')
    check_problem(seen, 507)
    for _ in range(3):
        check_problem(c.post('/api/items:batch', json=[{'name': 'f', 'description': 'd' * 9000}] * 10), 507)
    equal(c.get('/api/items?limit=1').status, 200)
    equal(c.get('/api/items', tenant='second').status, 200)
    equal(c.get('/health').status, 200)
    r = c.post('/api/items', json={'name': 'x', 'description': 'd' * 9000}, tenant='third')
    one_of(r.status, (201, 507), r)
    os.unlink(os.path.join(disk, 'ballast'))
    until('201 again', 6, lambda: c.post('/api/items', json={'name': 'healed'}).status == 201, 0.1)
    until('others too', 6, lambda: c.post('/api/items', json={'name': 'healed'}, tenant='second').status == 201, 0.1)
    have = {x['id'] for p in walk(c, '/api/items?limit=1000') for x in p.json()}
    equal(sorted(set(ids) - have), [], 'acknowledged items that are gone')
    c.close()
    s.stop()
    integrity(s.file('full'))

with t.case('a read-only disk at the start: one line, exit 2'):
    disk = mount('4m')
    os.mkdir(os.path.join(disk, 'data'))
    if run('mount', '-o', 'remount,ro', disk).returncode:
        raise Skip('no remount here')
    p = command('serve', env={'DATABASE_PATH': os.path.join(disk, 'data'), 'PORT': free_port(), 'ADMIN_PORT': 0})
    equal((p.returncode, p.stderr.count(b'\n')), (2, 1), p.stderr.decode())

with t.case('a tenant whose file cannot be written is 503 for writes; others are served'):
    if not ROOT:
        raise Skip('needs root to give files away')
    s = Server(t, start=False)
    os.chmod(s.root, 0o755)
    os.mkdir(s.path)
    os.chown(s.path, NOBODY, NOBODY)
    s.start(preexec=as_nobody)
    for name in ('mine', 'theirs'):
        created(s.client().post('/api/items', json={'name': 'x'}, tenant=name))
    s.stop()
    os.chown(s.file('theirs'), 0, 0)
    os.chmod(s.file('theirs'), 0o444)
    s.start(preexec=as_nobody)
    r = s.client().post('/api/items', json={'name': 'y'}, tenant='theirs')
    kinds_of_503(r)
    created(s.client().post('/api/items', json={'name': 'y'}, tenant='mine'))
    s.stop()
t.done()
