#!/usr/bin/env python3
"""Streams (Server-Sent Events): what is sent, resuming, isolation, the end."""
import json
import os
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'harness'))
from rowhouse_test import *

t = Tap()
s = Server(t)


class Stream:
    """A reader of one stream, in a thread of its own."""

    def __init__(self, target='/api/events', tenant=None, last=None, headers=()):
        headers = list(headers) + ([('X-Tenant', tenant)] if tenant else [])
        headers += [('Last-Event-ID', last)] if last is not None else []
        self.conn = Conn(s.port, timeout=60 * SLOW)
        self.conn.send(build('GET', target, [('Accept', 'text/event-stream')] + headers, None))
        self.answer = self.conn.head()
        self.raw, self.events, self.comments = b'', [], 0
        self.ended = None
        self.chunked = 'chunked' in self.answer.tokens('transfer-encoding')
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()

    def read(self):
        try:
            while True:
                if self.chunked:
                    n = int(self.conn.line_end(b'\r\n').split(b';')[0], 16)
                    if n == 0:
                        self.ended = 'whole'
                        return
                    data = self.conn.exactly(n)
                    self.conn.exactly(2)
                else:
                    if not self.conn.buf and not self.conn.fill():
                        self.ended = 'whole'
                        return
                    data, self.conn.buf = self.conn.buf, b''
                self.raw += data
                self.parse()
        except (Closed, OSError, ValueError):
            self.ended = 'cut'

    def parse(self):
        blocks = self.raw.replace(b'\r\n', b'\n').split(b'\n\n')
        events, comments = [], 0
        for block in blocks[:-1]:
            fields = {}
            for line in block.decode().split('\n'):
                if line.startswith(':'):
                    comments += 1
                elif line:
                    name, _, value = line.partition(':')
                    value = value[1:] if value.startswith(' ') else value
                    fields[name] = fields[name] + '\n' + value if name in fields else value
            if 'data' in fields:
                events.append(fields)
        self.events, self.comments = events, comments

    def wait(self, n, seconds=10):
        until('%d events; has %s' % (n, self.events[-3:]), seconds, lambda: len(self.events) >= n)
        return self.events[:n]

    def close(self):
        self.conn.sock.close()


c = s.client(tenant='ev')

for target, tenant in (('/api/events', 'ev'), ('/tenant/ev/events', None)):
    with t.case('%s: created, updated, deleted with the item as data' % target):
        e = Stream(target, tenant)
        equal((e.answer.status, e.answer.media), (200, 'text/event-stream'), e.answer)
        need('no-cache' in e.answer.tokens('cache-control') or 'no-store' in e.answer.tokens('cache-control'), e.answer)
        need(e.answer.get('x-request-id'), e.answer)
        item = created(c.post('/api/items', json={'name': 'a\u2028b"', 'description': 'x\ny'}))
        after = c.patch('/api/items/' + item['id'], json={'name': 'new'}).json()
        c.delete('/api/items/' + item['id'])
        got = e.wait(3)
        equal([x['event'] for x in got], ['item.created', 'item.updated', 'item.deleted'])
        equal(json.loads(got[0]['data']), item)
        equal(json.loads(got[1]['data']), after)
        equal(json.loads(got[2]['data'])['id'], item['id'])
        ids = [x['id'] for x in got]
        equal(len(set(ids)), 3, ids)
        e.close()

with t.case('a batch sends one event an item, in order'):
    e = Stream(tenant='ev')
    r = c.post('/api/items:batch', json=[{'name': 'b%d' % i} for i in range(50)])
    got = e.wait(50)
    equal([json.loads(x['data']) for x in got], r.json())
    equal({x['event'] for x in got}, {'item.created'})
    e.close()

with t.case('a batch that is refused, a bad POST, a 412 send nothing'):
    e = Stream(tenant='ev')
    item = created(c.post('/api/items', json={'name': 'first'}))
    c.post('/api/items:batch', json=[{'name': 'x'}, {'name': ''}])
    c.post('/api/items', json={'name': ''})
    c.patch('/api/items/' + item['id'], [('If-Match', '"no"')], json={'name': 'z'})
    c.delete('/api/items/nope')
    created(c.post('/api/items', json={'name': 'last'}))
    e.wait(2)
    time.sleep(0.2)
    equal([json.loads(x['data'])['name'] for x in e.events], ['first', 'last'])
    e.close()

with t.case('a replayed POST sends no second event'):
    e = Stream(tenant='ev')
    for _ in range(3):
        c.post('/api/items', [('Idempotency-Key', 'ev-1')], json={'name': 'once'})
    created(c.post('/api/items', json={'name': 'end'}))
    e.wait(2)
    time.sleep(0.2)
    equal([json.loads(x['data'])['name'] for x in e.events], ['once', 'end'])
    e.close()

with t.case('forms send events too'):
    e = Stream('/tenant/ev/events')
    form = page_form(s.client().get('/tenant/ev').text(), '/tenant/ev', {'name', 'description'})
    equal(s.client().post(form.action, form=dict(form.values, name='by form')).status, 303)
    equal(json.loads(e.wait(1)[0]['data'])['name'], 'by form')
    e.close()

with t.case('Last-Event-ID resumes after that event, each one once'):
    e = Stream(tenant='resume')
    c2 = s.client(tenant='resume')
    for i in range(5):
        c2.post('/api/items', json={'name': 'r%d' % i})
    got = e.wait(5)
    e.close()
    for i in range(5, 10):
        c2.post('/api/items', json={'name': 'r%d' % i})
    for at in (0, 2, 4):
        again = Stream(tenant='resume', last=got[at]['id'])
        again.wait(9 - at)
        c2.post('/api/items', json={'name': 'live'})
        names = [json.loads(x['data'])['name'] for x in again.wait(10 - at)]
        equal([x for x in names if x != 'live'], ['r%d' % i for i in range(at + 1, 10)])
        again.close()
with t.case('without Last-Event-ID nothing old is sent'):
    e = Stream(tenant='resume')
    c2.post('/api/items', json={'name': 'now'})
    equal([json.loads(x['data'])['name'] for x in e.wait(1)], ['now'])
    e.close()
for last in ('', 'nonsense', '999999', '-1', '0', 'x' * 2000, 'é', '1' * 30):
    with t.case('Last-Event-ID %r is an answer, not a fault' % last[:12]):
        e = Stream(tenant='resume', last=last)
        one_of(e.answer.status, (200, 400), e.answer)
        if e.answer.status == 200:
            c2.post('/api/items', json={'name': 'after'})
            until('the new event', 5, lambda: any(json.loads(x['data']).get('name') == 'after' for x in e.events))
        e.close()

with t.case('streams of other tenants see nothing'):
    mine, other, default = Stream(tenant='ev'), Stream('/tenant/other/events'), Stream('/api/events')
    for i in range(20):
        c.post('/api/items', json={'name': 'SECRET-%d' % i})
    mine.wait(20)
    time.sleep(0.3)
    for e in (other, default):
        equal(e.events, [])
        need(b'SECRET' not in e.raw)
    foreign = mine.events[5]['id']
    for e in (other, default):
        e.close()
    e = Stream('/tenant/other/events', last=foreign)
    time.sleep(0.5)
    need(b'SECRET' not in e.raw, 'an id of another tenant resumed its events')
    e.close()
    mine.close()

with t.case('the header wins over the path for streams too'):
    e = Stream('/tenant/other/events', tenant='ev')
    c.post('/api/items', json={'name': 'for ev'})
    equal(json.loads(e.wait(1)[0]['data'])['name'], 'for ev')
    e.close()

with t.case('50 watchers get 100 events from 5 writers, all in the same order'):
    many = [Stream(tenant='crowd') for _ in range(50)]

    def write(n):
        w = s.client(tenant='crowd', keep=True)
        for i in range(20):
            w.post('/api/items', json={'name': 'w%d-%d' % (n, i)})
        w.close()

    threads = [threading.Thread(target=write, args=(i,)) for i in range(5)]
    for x in threads:
        x.start()
    for x in threads:
        x.join()
    orders = {tuple(x['id'] for x in e.wait(100, 20)) for e in many}
    equal(len(orders), 1, 'different orders')
    equal(len(set(list(orders)[0])), 100)
    for e in many:
        e.close()

with t.case('HEAD of a stream has its headers and ends'):
    r = s.client().head('/tenant/ev/events')
    equal((r.status, r.media), (200, 'text/event-stream'), r)
with t.case('a stream asked for as JSON is 406'):
    r = s.client().get('/tenant/ev/events', [('Accept', 'application/json')])
    equal(r.status, 406, r)
with t.case('a bad tenant gets no stream'):
    check_problem(s.client().get('/tenant/-bad/events'), 400)
    check_problem(s.client().get('/api/events', tenant='-bad'), 400)

with t.case('what was streamed is acknowledged: after kill -9 it is there'):
    e = Stream(tenant='durable')
    w = s.client(tenant='durable')
    stop = threading.Event()

    def write_on():
        try:
            while not stop.is_set():
                w.post('/api/items', json={'name': 'd'})
        except (OSError, Closed):
            pass

    thread = threading.Thread(target=write_on)
    thread.start()
    e.wait(30)
    s.kill()
    stop.set()
    thread.join()
    seen = [json.loads(x['data'])['id'] for x in e.events]
    s.start()
    stored = {x['id'] for p in walk(s.client(tenant='durable'), '/api/items?limit=1000') for x in p.json()}
    equal(sorted(set(seen) - stored), [])

with t.case('a comment within 15 s keeps an idle stream alive'):
    e = Stream(tenant='idle')
    time.sleep(0.5)
    at_first = e.comments
    begin = time.monotonic()
    until('a comment', 25, lambda: e.comments > at_first)
    need(e.ended is None)
    need(time.monotonic() - begin < 20 * SLOW)

with t.case('HEAD of a stream has the headers of GET'):
    other = Stream(tenant='ev')
    r = c.head('/api/events')
    equal((r.status, r.media), (200, 'text/event-stream'), r)
    equal(r.tokens('cache-control'), other.answer.tokens('cache-control'), r)
    other.close()

with t.case('SIGTERM ends streams properly and the server with 0'):
    open_ones = [e] + [Stream(tenant='idle') for _ in range(5)]
    begin = time.monotonic()
    s.stop()
    need(time.monotonic() - begin < 8 * SLOW, 'waited %.1f s for streams' % (time.monotonic() - begin))
    for x in open_ones:
        until('the end of the stream', 3, lambda: x.ended)
        equal(x.ended, 'whole', 'the chunked body has its end')
t.done()
