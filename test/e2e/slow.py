#!/usr/bin/env python3
"""Slow and rude clients, with lowered deadlines: each loses its own connection,
and a quick client beside them does not notice."""
import os
import socket
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'harness'))
from rowhouse_test import *

t = Tap()
SETTINGS = {'HEADER_TIMEOUT': '2s', 'BODY_TIMEOUT': '2s', 'KEEP_ALIVE_TIMEOUT': '2s',
            'HANDLER_TIMEOUT': '5s', 'DRAIN_TIMEOUT': '2s'}
s = Server(t, env=SETTINGS)
HEAD = b'POST /api/items HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nX-Tenant: slow\r\n'
LATEST = 8 * SLOW  # a deadline of 2 s is over by then, also on a busy machine


class Dripper(threading.Thread):
    """Sends pieces with pauses until the server closes; when and what came."""

    def __init__(self, pieces, pause, latest=LATEST):
        super().__init__(daemon=True)
        self.pieces, self.pause, self.latest = pieces, pause, latest
        self.took, self.got, self.closed = None, b'', False
        self.start()

    def run(self):
        begin = time.monotonic()
        with Conn(s.port) as c:
            c.sock.settimeout(self.pause)
            for piece in self.pieces:
                try:
                    c.send(piece)
                    data = c.sock.recv(65536)
                    if not data:
                        self.closed = True
                        break
                    self.got += data
                except socket.timeout:
                    pass
                except OSError:
                    self.closed = True
                    break
                if time.monotonic() - begin > self.latest:
                    break
            if not self.closed:
                c.sock.settimeout(0.5)
                try:
                    while True:
                        data = c.sock.recv(65536)
                        if not data:
                            self.closed = True
                            break
                        self.got += data
                except socket.timeout:
                    pass
                except OSError:
                    self.closed = True
        self.took = time.monotonic() - begin

    def result(self):
        self.join(self.latest + 10 * SLOW)
        return self


def every(raw, n=1):
    return [raw[i:i + n] for i in range(0, len(raw), n)]


LONG_GET = b'GET /health HTTP/1.1\r\nHost: localhost\r\nX-A: ' + b'a' * 2000
# never idle, but below 1 KiB/s: that ends it some time after 10 s
trickle = Dripper([HEAD + b'Content-Length: 100000\r\n\r\n'] + [b' ' * 100] * 1000, 0.25, 10 + 2 * LATEST)
watch = Conn(s.port, timeout=60 * SLOW)
watch.send(b'GET /tenant/watched/events HTTP/1.1\r\nHost: localhost\r\n\r\n')
watched = time.monotonic()
# all at the same time: each takes its deadline
drips = {
    'a header at 20 bytes/s': Dripper(every(LONG_GET), 0.05),
    'a request line at 20 bytes/s': Dripper(every(b'GET /' + b'a' * 3000), 0.05),
    'headers one line at a time, for ever': Dripper(
        [b'GET /health HTTP/1.1\r\nHost: localhost\r\n'] + [b'X-%d: y\r\n' % i for i in range(1000)], 0.05),
    'a connection that says nothing': Dripper([b''] * 1000, 0.1),
    'a connection that sends line breaks only': Dripper([b'\r\n'] * 1000, 0.1),
    'a body that stops': Dripper([HEAD + b'Content-Length: 100\r\n\r\n{"name"'] + [b''] * 1000, 0.1),
    'a chunked body that stops': Dripper(
        [HEAD + b'Transfer-Encoding: chunked\r\n\r\n5\r\n{"nam'] + [b''] * 1000, 0.1),
    'a chunk size that never ends': Dripper(
        [HEAD + b'Transfer-Encoding: chunked\r\n\r\n', b'0'] + [b''] * 1000, 0.1),
    'idle after an answer': Dripper([b'GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n'] + [b''] * 1000, 0.1),
    'slow headers of a second request': Dripper(
        [b'GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n'] + every(LONG_GET), 0.05),
}

with t.case('a quick client is served all the while'):
    c = s.client(keep=True)
    for _ in range(40):
        equal(c.get('/health').status, 200)
        equal(c.get('/api/items', tenant='quick').status, 200)
        time.sleep(0.02)
    c.close()

for what, d in drips.items():
    with t.case('%s: closed by the deadline' % what):
        d.result()
        need(d.closed, 'still open after %.1f s; got %r' % (d.took or -1, d.got[:300]))
        need(d.took > 0.9, 'closed too early: %.2f s; got %r' % (d.took, d.got[:300]))
        got = [r and r.status for r in responses(d.got)]
        first = [200] if 'after an answer' in what or 'second' in what else []
        one_of(got, (first, first + [408]), d.got[:500])

with t.case('HANDLER_TIMEOUT counts from the end of the body'):
    body = b'{"name":"patient"' + b' ' * 7 * 1500 + b'}'
    with Conn(s.port) as c:
        c.send(HEAD.replace(b': slow', b': patient') + b'Content-Length: %d\r\n\r\n' % len(body))
        for part in every(body, 1500):
            c.send(part)
            time.sleep(0.8)
        r = c.response()
        equal(r.status, 201, r)

with t.case('a body that stays above the rate is read, however many parts it has'):
    body = b'{"name":"patient"' + b' ' * 3000 + b'}'
    with Conn(s.port) as c:
        c.send(HEAD + b'Content-Length: %d\r\n\r\n' % len(body))
        for part in every(body, 300):
            c.send(part)
            time.sleep(0.1)
        equal(c.response().status, 201)

with t.case('keep-alive is not cut while requests come'):
    c = s.client(keep=True)
    first = None
    for _ in range(8):
        equal(c.get('/health').status, 200)
        first = first or c.conn
        need(c.conn is first, 'another connection was needed')
        time.sleep(0.6)
    c.close()

with t.case('clients that hang up in the middle harm nobody'):
    for raw in (b'G', b'GET /health HT', HEAD, HEAD + b'Content-Length: 50\r\n\r\n{"na',
                HEAD + b'Transfer-Encoding: chunked\r\n\r\n5\r\n{"nam',
                b'GET /tenant/slow/events HTTP/1.1\r\nHost: localhost\r\n\r\n',
                b'GET /api/items HTTP/1.1\r\nHost: localhost\r\n\r\n'):
        for reset in (False, True):
            for _ in range(5):
                with Conn(s.port) as c:
                    if reset:
                        c.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b'\1\0\0\0\0\0\0\0')
                    c.send(raw)
    equal(s.client().get('/health').status, 200)
    equal(len(s.client().get('/api/items', tenant='slow').json()), 1)

with t.case('a body cut short by the client makes no item'):
    raw, _ = exchange(s.port, HEAD + b'Content-Length: 100\r\n\r\n{"name":"cut"}', shut=True)
    equal([r.status for r in responses(raw) if r and r.status < 300], [])
    equal(len(s.client().get('/api/items', tenant='slow').json()), 1)

with t.case('a half-closed client still gets its answer, or the connection ends'):
    raw, closed = exchange(s.port, b'GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n', shut=True)
    need(closed, raw)
    one_of([r.status for r in responses(raw)], ([200], []), raw)

with t.case('who does not read large answers blocks nobody and is dropped in the end'):
    s.client().post('/api/items:batch', json=[{'name': 'x', 'description': 'd' * 5000}] * 1000, tenant='fat')
    deaf = []
    for _ in range(20):
        c = Conn(s.port)
        c.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        c.send(b'GET /api/items?limit=1000 HTTP/1.1\r\nHost: localhost\r\nX-Tenant: fat\r\n\r\n' * 3)
        deaf.append(c)
    for _ in range(20):
        equal(s.client().get('/api/items?limit=1', tenant='fat').status, 200)
        created(s.client().post('/api/items', json={'name': 'y'}, tenant='fat'))

with t.case('a body of 400 bytes/s is cut, after the first 10 s'):
    trickle.result()
    need(trickle.closed, 'still open after %.1f s' % (trickle.took or -1))
    need(trickle.took > 8, 'after %.1f s' % trickle.took)

with t.case('a stream outlives the deadlines of requests'):
    time.sleep(max(0, watched + 7 - time.monotonic()))
    created(s.client().post('/api/items', json={'name': 'still there'}, tenant='watched'))
    while b'still there' not in watch.buf:
        need(watch.fill(), 'the stream was closed', watch.buf)

with t.case('streams that nobody reads do not hold up writes'):
    numb = []
    for _ in range(10):
        c = Conn(s.port)
        c.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        c.send(b'GET /tenant/numb/events HTTP/1.1\r\nHost: localhost\r\n\r\n')
        numb.append(c)
    for i in range(6):
        r = s.client().post('/api/items:batch', json=[{'name': 'x', 'description': 'd' * 7000}] * 1000, tenant='numb')
        equal(r.status, 201, r.status)
    with open('/proc/%d/statm' % s.process.pid) as f:
        resident = int(f.read().split()[1]) * 4096
    need(resident < 600 << 20, '%d MiB resident' % (resident >> 20))
    for c in numb:
        c.close()

with t.case('SIGTERM ends the server with 0, also with deaf and idle clients'):
    idle = [Conn(s.port) for _ in range(10)]
    begin = time.monotonic()
    s.stop(seconds=15)
    need(time.monotonic() - begin < 12 * SLOW, 'took %.1f s with DRAIN_TIMEOUT=2s' % (time.monotonic() - begin))
for c in deaf + idle:
    c.close()
t.done()
