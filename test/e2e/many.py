#!/usr/bin/env python3
"""Many tenants on little: few open at a time, few descriptors, a constant
number of threads; and more writes than the queues take."""
import concurrent.futures
import os
import resource
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'harness'))
from rowhouse_test import *

t = Tap()
N = 300


def threads_of(s):
    return len(os.listdir('/proc/%d/task' % s.process.pid))


def open_files(s):
    out = []
    for fd in os.listdir('/proc/%d/fd' % s.process.pid):
        try:
            out.append(os.readlink('/proc/%d/fd/%s' % (s.process.pid, fd)))
        except OSError:
            pass
    return out


def open_tenants(s):
    return {os.path.basename(x)[:-3] for x in open_files(s) if x.endswith('.db')}


def touch(s, n, kind='post'):
    tenant = 'm-%03d' % n
    c = s.client(tenant=tenant)
    r = c.post('/api/items', json={'name': 'of ' + tenant}) if kind == 'post' else c.get('/api/items')
    need(r.status in (200, 201), r)
    for x in [r.json()] if kind == 'post' else r.json():
        equal(x['name'], 'of ' + tenant, r)
    return r


s = Server(t, env={'OPEN_TENANTS': '8', 'IDLE_CLOSE': '60s'})
with t.case('%d tenants with OPEN_TENANTS=8: every request is served, by its own file' % N):
    touch(s, 0)
    before = threads_of(s)
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda i: touch(s, i % N), range(2 * N)))
        list(pool.map(lambda i: touch(s, i * 7 % N, 'get'), range(2 * N)))
with t.case('the number of threads does not follow the number of tenants'):
    need(threads_of(s) <= before + 40, before, threads_of(s))
    sampled = threads_of(s)
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda i: touch(s, i, 'get'), range(N)))
    need(threads_of(s) <= sampled + 8, sampled, threads_of(s))
with t.case('about 8 tenants are open once it is quiet'):
    until('few open', 10, lambda: len(open_tenants(s)) <= 10, 0.1)
with t.case('racing accesses to a tenant that is being closed all succeed'):
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        got = list(pool.map(lambda i: touch(s, i % 17, 'get' if i % 3 else 'post').status, range(600)))
    need(set(got) <= {200, 201}, set(got))
with t.case('every item is there'):
    s.restart()
    total = sum(len(s.client(tenant='m-%03d' % i).get('/api/items?limit=1000').json()) for i in range(N))
    equal(total, 1 + 2 * N + sum(1 for i in range(600) if not i % 3))
with t.case('SIGTERM ends the server with 0'):
    s.stop()

with Server(t, env={'IDLE_CLOSE': '300ms'}) as s:
    with t.case('IDLE_CLOSE closes what nobody uses, and it opens again'):
        for i in range(20):
            touch(s, i)
        need(open_tenants(s), 'nothing is open')
        until('all closed', 10, lambda: not open_tenants(s), 0.1)
        equal([x for x in os.listdir(s.path) if x.endswith(('-wal', '-shm'))], [], 'files of closed tenants')
        for i in range(20):
            touch(s, i, 'get')
    with t.case('a tenant that is watched or used all the time stays whole'):
        end = time.monotonic() + 1.5
        while time.monotonic() < end:
            touch(s, 1)
            time.sleep(0.05)
    with t.case('at most 5 connections a tenant, under load'):
        s.client().post('/api/items:batch', json=[{'name': 'x' * 100}] * 1000, tenant='pool')

        def mixed(i):
            c = s.client(tenant='pool')
            return (c.get('/api/items?limit=1000') if i % 4 else c.post('/api/items', json={'name': 'y'})).status

        with concurrent.futures.ThreadPoolExecutor(24) as pool:
            jobs = [pool.submit(mixed, i) for i in range(300)]
            most = 0
            while not all(j.done() for j in jobs):
                most = max(most, len([x for x in open_files(s) if x.endswith('/pool.db')]))
                time.sleep(0.01)
        need({j.result() for j in jobs} <= {200, 201}, {j.result() for j in jobs})
        need(1 <= most <= 5, '%d connections' % most)


def few_descriptors():
    resource.setrlimit(resource.RLIMIT_NOFILE, (160, 160))


with t.case('160 descriptors: 200 tenants are served all the same'):
    s = Server(t, start=False)
    s.start(preexec=few_descriptors)
    for i in range(200):
        touch(s, i)
    for i in range(200):
        touch(s, i, 'get')
with t.case('160 descriptors: more connections than that fail alone, then all is well'):
    held = []
    for _ in range(200):
        try:
            held.append(Conn(s.port, timeout=2))
        except OSError:
            break
    time.sleep(0.3)
    for x in held:
        x.close()
    until('served', 10, lambda: s.client().get('/health').status == 200)
    touch(s, 5)
    s.stop()

with Server(t, env={'WRITE_QUEUE': '2', 'WRITE_QUEUE_TOTAL': '4'}) as s:
    with t.case('more writes than the queue takes: 503 with Retry-After, nothing else, nothing lost'):
        def one(i):
            return s.client(tenant='queue').post('/api/items:batch', json=[{'name': 'q%d' % i}] * 200)

        with concurrent.futures.ThreadPoolExecutor(40) as pool:
            got = list(pool.map(one, range(120)))
        for r in got:
            one_of(r.status, (201, 503), r.status, r.body[:300])
            if r.status == 503:
                check_problem(r, 503)
                need((r.get('retry-after') or '').isdigit(), 'no Retry-After', r)
        stored = sum(len(p.json()) for p in walk(s.client(), '/api/items?limit=1000', tenant='queue'))
        equal(stored, 200 * sum(r.status == 201 for r in got))
        need(any(r.status == 201 for r in got))
    with t.case('afterwards it takes writes again'):
        created(s.client().post('/api/items', json={'name': 'x'}, tenant='queue'))
t.done()
