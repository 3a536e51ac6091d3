#!/usr/bin/env python3
"""The process: SIGTERM under load, one server a folder, --wait, systemd's
sockets and notices, addresses, the admin listener, logs."""
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'harness'))
from rowhouse_test import *

t = Tap()
HEAD = (b'POST /api/items HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n'
        b'X-Tenant: drain\r\nContent-Length: 14\r\n\r\n')


def answers(port, path='/health', host='127.0.0.1'):
    try:
        return Client(port, host=host).get(path).status
    except (OSError, Closed):
        return 0


def resident(server):
    with open('/proc/%d/statm' % server.process.pid) as f:
        return int(f.read().split()[1]) * os.sysconf('SC_PAGE_SIZE')


with t.case('/livez and /readyz'):
    s = Server(t)
    for target in ('/livez', '/readyz', '/health'):
        r = s.client().get(target)
        equal(r.status, 200, r)
        need('no-store' in r.tokens('cache-control') or 'no-cache' in r.tokens('cache-control'), r)

with t.case('requests begun before SIGTERM are finished, with Connection: close'):
    begun = []
    for _ in range(10):
        c = Conn(s.port)
        c.send(HEAD + b'{"name"')
        begun.append(c)
    time.sleep(0.3)
    s.terminate()
    time.sleep(0.3)
    for c in begun:
        c.send(b': "dr"}')
    for c in begun:
        r = c.response()
        equal(r.status, 201, r)
        need(c.closed(), 'the connection stays open')
    equal(s.wait(), 0, s.log_tail())
    integrity(s.file('drain'))
with t.case('all of them are in the database'):
    equal(sql(s.file('drain'), 'SELECT count(*) FROM items'), [(10,)])

with t.case('SIGTERM while streams open: each is refused or ends, exit 0 at once'):
    for delay in (0.002, 0.005, 0.01, 0.03):
        s = Server(t)
        conns = [Conn(s.port) for _ in range(40)]
        time.sleep(0.1)
        for i, c in enumerate(conns):
            c.send(b'GET /tenant/s%d/events HTTP/1.1\r\nHost: localhost\r\n\r\n' % i)
        time.sleep(delay)
        begin = time.monotonic()
        s.terminate()
        equal(s.wait(), 0, s.log_tail())
        need(time.monotonic() - begin < 5 * SLOW, 'took %.1f s' % (time.monotonic() - begin))
        for c in conns:
            one_of(c.rest()[:12], (b'HTTP/1.1 200', b'HTTP/1.1 503'))
            c.close()

with t.case('2,500 connections that go idle together: little memory, exit 0'):
    s = Server(t, env={'RUST_LOG': 'error'})
    conns = [Conn(s.port) for _ in range(2500)]
    for c in conns:
        c.send(b'GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n')
    for c in conns:
        equal(c.response().status, 200)
    until('below 20 KiB each', 20, lambda: resident(s) < (50 << 20))
    s.stop()
    for c in conns:
        c.close()

with t.case('SIGTERM under load: nothing that was sent before it fails, exit 0'):
    s = Server(t)
    sent, lock, bad = [], threading.Lock(), []
    term = [None]

    def load(n):
        c = s.client(tenant='load-%d' % (n % 3), keep=True)
        while True:
            before = None
            try:
                if c.conn is None:
                    c.conn = Conn(s.port)
                raw = build('POST', '/api/items', [('X-Tenant', c.tenant), ('Content-Type', 'application/json')],
                            b'{"name":"load"}')
                c.conn.send(raw)
                before = time.monotonic()
                r = c.conn.response(raw)
                if r.status == 201:
                    with lock:
                        sent.append((c.tenant, r.json()['id']))
                else:
                    bad.append(str(r))
                if 'close' in r.tokens('connection'):
                    c.close()
            except (OSError, Closed) as e:
                if term[0] is None or (before is not None and before < term[0]):
                    bad.append('sent %s before SIGTERM: %r' % (term[0] and term[0] - before, e))
                c.close()
                return

    threads = [threading.Thread(target=load, args=(i,), daemon=True) for i in range(12)]
    for x in threads:
        x.start()
    until('load', 20, lambda: len(sent) > 300)
    term[0] = time.monotonic()
    s.terminate()
    equal(s.wait(), 0, s.log_tail())
    for x in threads:
        x.join(20)
    equal(bad[:3], [], '%d failed' % len(bad))
    for i in range(3):
        tenant = 'load-%d' % i
        have = {x[0] for x in sql(s.file(tenant), 'SELECT id FROM items')}
        need({i for n, i in sent if n == tenant} <= have, 'acknowledged items are missing')
        integrity(s.file(tenant))
with t.case('after SIGTERM nobody listens'):
    equal(answers(s.port), 0)

with t.case('DRAIN_TIMEOUT bounds the end'):
    s = Server(t, env={'DRAIN_TIMEOUT': '1s'})
    stuck = [Conn(s.port) for _ in range(5)]
    for c in stuck:
        c.send(HEAD + b'{"na')
    time.sleep(0.2)
    begin = time.monotonic()
    s.stop(seconds=12)
    need(time.monotonic() - begin < 8 * SLOW, time.monotonic() - begin)
    for c in stuck:
        c.close()

with t.case('a second server for the folder is refused: one line, exit 2'):
    s = Server(t)
    p = command('serve', env=dict(s.env, PORT=free_port()))
    equal((p.returncode, p.stdout), (2, b''), p.stderr.decode())
    equal(p.stderr.count(b'\n'), 1, p.stderr.decode())
    equal(answers(s.port), 200)
with t.case('--wait takes the folder once the first server is gone'):
    created(s.client().post('/api/items', json={'name': 'kept'}))
    w = Server(t, path=s.path, args=['--wait'], start=False)
    w.start(wait=False)
    time.sleep(0.5)
    need(w.alive(), 'it did not wait', w.log_tail())
    equal(answers(s.port), 200)
    s.stop()
    w.wait_ready()
    equal([x['name'] for x in w.client().get('/api/items').json()], ['kept'])
with t.case('SIGTERM ends one that waits'):
    w2 = Server(t, path=w.path, args=['--wait'], start=False)
    w2.start(wait=False)
    time.sleep(0.5)
    w2.terminate()
    one_of(w2.wait(5), (0, -signal.SIGTERM), w2.log_tail())
    w.stop()
with t.case('after kill -9 the folder is free at once'):
    s = Server(t)
    created(s.client().post('/api/items', json={'name': 'kept'}))
    s.kill()
    s.start()
    equal(len(s.client().get('/api/items').json()), 1)
    s.stop()

# systemd
ACTIVATE = '''
import os, sys
if sys.argv[1] != "3":
    os.dup2(int(sys.argv[1]), 3)
os.set_inheritable(3, True)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="1")
os.execv(sys.argv[2], sys.argv[2:])
'''


def activated(env, fd, *args):
    """The program with that socket as systemd hands it over."""
    log = open(os.path.join(temp_folder(t), 'log'), 'w+b')
    p = subprocess.Popen([sys.executable, '-c', ACTIVATE, str(fd), BIN, 'serve', *args], env=clean_env(env),
                         stdin=subprocess.DEVNULL, stdout=log, stderr=log, pass_fds=(fd,))
    t.defer(lambda: (p.poll() is None and p.kill(), p.wait()))
    p.log = log
    return p


def log_of(p):
    p.log.seek(0)
    return p.log.read().decode('utf-8', 'replace')


with t.case('socket activation: the handed socket is served, and no other'):
    held = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    held.bind(('127.0.0.1', 0))
    held.listen(512)
    port, other = held.getsockname()[1], free_port()
    env = {'DATABASE_PATH': os.path.join(temp_folder(t), 'data'), 'PORT': other, 'ADMIN_PORT': 0}
    early = Conn(port)
    early.send(b'GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n')
    first = activated(env, held.fileno())
    equal(early.response().status, 200, 'a client that came before the server')
    equal(answers(port), 200)
    equal(answers(other), 0)
with t.case('a new version takes the socket over: no request fails'):
    stop, failed, done = threading.Event(), [], [0]

    def knock():
        while not stop.is_set():
            try:
                r = Client(port).post('/api/items', json={'name': 'k'}, tenant='hand')
                if r.status != 201:
                    failed.append(str(r))
                done[0] += 1
            except (OSError, Closed) as e:
                failed.append(repr(e))

    knockers = [threading.Thread(target=knock, daemon=True) for _ in range(4)]
    for x in knockers:
        x.start()
    until('requests', 10, lambda: done[0] > 20)
    second = activated(env, held.fileno(), '--wait')
    time.sleep(0.5)
    first.send_signal(signal.SIGTERM)
    equal(first.wait(20 * SLOW), 0, log_of(first))
    so_far = done[0]
    until('requests of the second', 10, lambda: done[0] > so_far + 50 or failed)
    stop.set()
    for x in knockers:
        x.join(20)
    equal(failed[:3], [], '%d failed' % len(failed))
    second.send_signal(signal.SIGTERM)
    equal(second.wait(20 * SLOW), 0, log_of(second))
    equal(sql(os.path.join(env['DATABASE_PATH'], 'hand.db'), 'SELECT count(*) FROM items'), [(done[0],)])
    held.close()

with t.case('systemd is told READY=1 when it serves and STOPPING=1 at the end'):
    path = os.path.join(temp_folder(t), 'notify')
    box = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    box.bind(path)
    box.settimeout(10 * SLOW)
    s = Server(t, env={'NOTIFY_SOCKET': path}, start=False)
    s.start(wait=False)
    said = ''
    while 'READY=1' not in said:
        said += box.recv(4096).decode() + '\n'
    equal(answers(s.port), 200, 'READY=1 came before it served')
    s.terminate()
    while 'STOPPING=1' not in said:
        said += box.recv(4096).decode() + '\n'
    equal(s.wait(), 0)

# addresses


with t.case('HOST unset: loopback only, IPv4 and IPv6'):
    s = Server(t)
    equal(answers(s.port), 200)
    if os.path.exists('/proc/net/if_inet6'):
        equal(answers(s.port, host='::1'), 200)
    if outer_address():
        equal(answers(s.port, host=outer_address()), 0, 'it listens on ' + outer_address())
    s.stop()
with t.case('HOST=0.0.0.0: every address'):
    s = Server(t, env={'HOST': '0.0.0.0'})
    equal(answers(s.port), 200)
    if outer_address():
        equal(answers(s.port, host=outer_address()), 200)
    s.stop()
with t.case('HOST=127.0.0.1: that one only'):
    s = Server(t, env={'HOST': '127.0.0.1'})
    equal(answers(s.port), 200)
    equal(answers(s.port, host='::1') if os.path.exists('/proc/net/if_inet6') else 0, 0)
    s.stop()

# metrics
LINE = re.compile(r'^([a-zA-Z_:][a-zA-Z0-9_:]*)(\{(.*)\})? (-?[0-9.eE+-]+|NaN|[+-]Inf)( \d+)?$')
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(,|$)')


def metrics(text):
    """Prometheus text, read strictly: {(name, labels): value}."""
    out, types, helps = {}, {}, {}
    need(text.endswith('\n'), 'no line break at the end')
    for line in text.split('\n')[:-1]:
        if line.startswith('# TYPE '):
            _, _, name, kind = line.split(' ')
            need(name not in types, 'TYPE twice: ' + name)
            one_of(kind, ('counter', 'gauge', 'histogram', 'summary', 'untyped'))
            types[name] = kind
        elif line.startswith('# HELP '):
            name = line.split(' ')[2]
            need(name not in helps and len(line.split(' ', 3)) == 4, line)
            helps[name] = line
        elif not line.startswith('#'):
            m = LINE.match(line)
            need(m, 'not a sample: ' + line)
            labels = m.group(3) or ''
            found = LABEL.findall(labels)
            equal(''.join('%s="%s"%s' % x for x in found), labels, line)
            key = (m.group(1), tuple(sorted(x[:2] for x in found)))
            need(key not in out, 'a sample twice: ' + line)
            base = re.sub(r'_(bucket|sum|count)$', '', m.group(1))
            need(m.group(1) in types or types.get(base) in ('histogram', 'summary'), 'no TYPE: ' + line)
            out[key] = float(m.group(4))
    equal(set(types), set(helps), 'HELP and TYPE')
    for name, kind in types.items():
        if kind == 'histogram':
            check_histogram(name, out)
    return out


def check_histogram(name, samples):
    rows = {}
    for (n, labels), value in samples.items():
        if n == name + '_bucket':
            le = dict(labels)['le']
            rest = tuple(x for x in labels if x[0] != 'le')
            rows.setdefault(rest, []).append((float(le.replace('+Inf', 'inf')), value))
    for rest, buckets in rows.items():
        values = [v for _, v in sorted(buckets)]
        equal(values, sorted(values), name, rest)
        equal(sorted(buckets)[-1][0], float('inf'), name)
        equal(values[-1], samples[(name + '_count', rest)], name)


def total(samples, part):
    return sum(v for (n, _), v in samples.items() if part in n and not n.endswith(('_bucket', '_sum')))


with t.case('/metrics on the admin port is Prometheus text'):
    admin = free_port()
    s = Server(t, env={'ADMIN_PORT': admin})
    r = Client(admin).get('/metrics')
    equal((r.status, r.media), (200, 'text/plain'), r)
    first = metrics(r.text())
    need(len(first) > 10, first)
with t.case('requests and writes move the counters'):
    c = s.client(keep=True)
    for i in range(20):
        c.post('/api/items', json={'name': 'x'}, tenant='m%d' % (i % 5))
        c.get('/api/items', tenant='m%d' % (i % 5))
    c.get('/nope')
    second = metrics(Client(admin).get('/metrics').text())
    grown = {k for k, v in second.items() if v > first.get(k, 0)}
    need(len(grown) >= 3, grown)
    need(any('request' in n for n, _ in grown), grown)
with t.case('label values are escaped and bounded in number'):
    for i in range(300):
        c.get('/api/items', tenant='many-%d' % i)
        c.request('BREW' + str(i), '/x%d' % i)
        c.get('/path-%d' % i)
    c.close()
    third = metrics(Client(admin).get('/metrics').text())
    need(len(third) < 1500, '%d samples' % len(third))
    values = {v for _, labels in third for _, v in labels}
    equal([v for v in values if 'path-' in v or 'BREW' in v], [])
with t.case('/metrics is not on the public port, and the API not on the admin port'):
    equal(s.client().get('/metrics').status, 404)
    equal(Client(admin).get('/api/items').status, 404)
with t.case('the admin port listens on loopback'):
    if not outer_address():
        raise Skip('this machine has no other address')
    equal(answers(admin, '/metrics', outer_address()), 0)
with t.case('bad requests on the admin port do no harm'):
    for raw in (b'\0\0\0\r\n\r\n', b'GET /metrics HTTP/1.1\r\n\r\n', b'POST /metrics HTTP/1.1\r\nHost: x\r\n\r\n',
                b'GET /' + b'a' * 50000 + b' HTTP/1.1\r\nHost: x\r\n\r\n'):
        exchange(admin, raw, timeout=1)
    equal(Client(admin).get('/metrics').status, 200)
    s.stop()
with t.case('ADMIN_PORT=0: no admin listener'):
    s = Server(t, env={'ADMIN_PORT': 0})
    equal(answers(9180, '/metrics') in (0, 200, 404), True)
    need('9180' not in s.log(), s.log_tail())
    s.stop()
with t.case('the standard admin port is taken: a warning, and it serves'):
    blocker = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        blocker.bind(('127.0.0.1', 9180))
        blocker.listen()
    except OSError:
        pass  # somebody else has it: as good
    s = Server(t, env={'ADMIN_PORT': None})
    equal(answers(s.port), 200)
    until('a warning', 3, lambda: '9180' in s.log())
    s.stop()
    blocker.close()

with t.case('LOG_FORMAT=json: every line is an object with level, time and message'):
    s = Server(t, env={'LOG_FORMAT': 'json', 'RUST_LOG': 'debug'})
    s.client().get('/api/items?limit=0', [('X-Request-Id', 'in-the-log')])
    s.client().get('/nope"\\', [('X-Request-Id', 'x'), ('User-Agent', '"\\\x01 é')])
    s.client().get('/api/items', tenant='"')
    s.stop()
    lines = [x for x in s.log().split('\n') if x]
    need(lines, 'no log')
    for line in lines:
        x = json.loads(line)
        need(isinstance(x, dict) and 'level' in x, line)
        need(any(k in x for k in ('time', 'ts', 'timestamp')), line)
    need(any('in-the-log' in x for x in lines), 'the request id is not in the log')
with t.case('RUST_LOG=off or error is quiet, debug tells more than info'):
    sizes = []
    for level in ('error', 'info', 'debug'):
        s = Server(t, env={'RUST_LOG': level})
        s.client().get('/api/items')
        s.stop()
        sizes.append(len(s.log()))
    need(sizes[0] <= sizes[1] <= sizes[2] and sizes[0] == 0, sizes)
with t.case('text logs have one event a line and no raw control characters'):
    s = Server(t, env={'RUST_LOG': 'debug'})
    s.client().get('/a%0ab%1b[31m', [('X-Request-Id', 'esc'), ('User-Agent', 'a\tb')])
    s.client().get('/api/items', tenant='x%0ay')
    s.stop()
    bad = [x for x in s.log().split('\n') if re.search('[\x00-\x08\x0b-\x1f\x7f]', x)]
    equal(bad, [])
t.done()
