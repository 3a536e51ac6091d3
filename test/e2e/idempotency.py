#!/usr/bin/env python3
"""Idempotency-Key: the same answer again, never a second item."""
import concurrent.futures
import os
import sys
import time
import uuid

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'harness'))
from rowhouse_test import *

t = Tap()
s = Server(t, env={'BUSY_TIMEOUT': '3s'})
c = s.client(tenant='idem')


def key():
    return str(uuid.uuid4())


def items(tenant='idem'):
    return c.get('/api/items?limit=1000', tenant=tenant).json()


def replayed(r):
    return r.get('idempotency-replayed') == 'true'


def same(first, again):
    """again is the stored answer of first."""
    equal((again.status, again.media, again.body), (first.status, first.media, first.body), again)
    need(replayed(again), 'no Idempotency-Replayed: true', again)
    need(not replayed(first), 'the first answer says it was replayed', first)


BODIES = [('/api/items', {'name': 'one'}), ('/tenant/idem/items', {'name': 'path'}),
          ('/api/items:batch', [{'name': 'b1'}, {'name': 'b2'}]),
          ('/tenant/idem/items:batch', [{'name': 'b3'}])]
for target, body in BODIES:
    with t.case('%s: the same key and body answer the stored status and body' % target):
        k = [('Idempotency-Key', key())]
        first = c.post(target, k, json=body)
        equal(first.status, 201, first)
        n = len(items())
        for _ in range(3):
            again = c.post(target, k, json=body)
            same(first, again)
            equal(again.get('location'), first.get('location'), 'Location', again)
            need(again.get('x-request-id') != first.get('x-request-id'), 'request ids differ')
        equal(len(items()), n, 'items')
    with t.case('%s: the same key with another body is 422' % target):
        other = [{'name': 'other'}] if 'batch' in target else {'name': 'other'}
        check_problem(c.post(target, k, json=other), 422)
        equal(len(items()), n, 'items')
        same(first, c.post(target, k, json=body))

with t.case('a key that is no header makes two items'):
    n = len(items())
    for _ in range(2):
        r = c.post('/api/items', json={'name': 'twice'})
        created(r)
        equal(r.get('idempotency-replayed'), None, r)
    equal(len(items()), n + 2)

GOOD = ['k', 'k' * 255, '!', '~', 'a"b', 'a,b;c=d', '8e03978e-40d5-43dd-bc93-6894a57f9324', "';DROP--"]
for value in GOOD:
    with t.case('key of %d characters %s is good' % (len(value), value[:12])):
        first = c.post('/api/items', [('Idempotency-Key', value)], json={'name': 'x'}, tenant='good')
        created(first)
        same(first, c.post('/api/items', [('Idempotency-Key', value)], json={'name': 'x'},
                           tenant='good'))
BAD = ['', 'k' * 256, 'a b', 'a\tb', 'é', 'k' * 1000, 'a\x7fb', '\u00a0']
for value in BAD:
    with t.case('key %r is 400' % value[:12]):
        for target, body in (('/api/items', {'name': 'x'}), ('/api/items:batch', [{'name': 'x'}])):
            r = c.post(target, [('Idempotency-Key', value)], json=body, tenant='bad')
            check_problem(r, 400)
with t.case('two keys are 400'):
    r = c.post('/api/items', [('Idempotency-Key', 'a'), ('Idempotency-Key', 'b')], json={'name': 'x'},
               tenant='bad')
    check_problem(r, 400)
with t.case('nothing was made of the bad keys'):
    equal(items('bad'), [])

with t.case('keys are per tenant'):
    k = [('Idempotency-Key', key())]
    one = c.post('/api/items', k, json={'name': 'x'}, tenant='p1')
    two = c.post('/api/items', k, json={'name': 'x'}, tenant='p2')
    three = c.post('/api/items', k, json={'name': 'y'}, tenant='p3')
    for r in (one, two, three):
        created(r)
        need(not replayed(r), r)
    need(one.json()['id'] != two.json()['id'])
    equal([len(items(x)) for x in ('p1', 'p2', 'p3')], [1, 1, 1])

with t.case('both forms of a route are the same tenant for a key'):
    k = [('Idempotency-Key', key())]
    first = c.post('/api/items', k, json={'name': 'x'}, tenant='p4')
    created(first)
    c.post('/tenant/p4/items', k, json={'name': 'x'}, tenant='p4')
    equal(len(items('p4')), 1)

with t.case('the replay stays when the item is gone'):
    k = [('Idempotency-Key', key())]
    first = c.post('/api/items', k, json={'name': 'gone'})
    equal(c.delete(first.get('location')).status, 204)
    same(first, c.post('/api/items', k, json={'name': 'gone'}))
    equal(c.get(first.get('location')).status, 404)

with t.case('a wrong body makes nothing and does not block the right one under a new key'):
    check_fields(c.post('/api/items', [('Idempotency-Key', key())], json={'name': ''}), 'name')
    created(c.post('/api/items', [('Idempotency-Key', key())], json={'name': 'fine'}))

with t.case('20 racing posts with one key: one item; each answer is its, or 409 with Retry-After'):
    k = key()
    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        got = list(pool.map(lambda _: s.client(tenant='race').post(
            '/api/items', [('Idempotency-Key', k)], json={'name': 'r'}), range(20)))
    for r in got:
        one_of(r.status, (201, 409), r)
        if r.status == 409:
            check_problem(r, 409)
            need((r.get('retry-after') or '').isdigit(), r)
    made = {r.body for r in got if r.status == 201}
    equal(len(made), 1)
    equal(sum(not replayed(r) for r in got if r.status == 201), 1, 'first answers')
    equal(len(items('race')), 1)

with t.case('racing posts with one key and different bodies: one item'):
    k = key()
    with concurrent.futures.ThreadPoolExecutor(12) as pool:
        got = list(pool.map(lambda i: s.client(tenant='race2').post(
            '/api/items', [('Idempotency-Key', k)], json={'name': 'r%d' % i}), range(12)))
    equal(len([r for r in got if r.status == 201]), 1)
    for r in got:
        one_of(r.status, (201, 409, 422), r)
    equal(len(items('race2')), 1)

with t.case('while the first is in progress a second one is 409 with Retry-After'):
    created(c.post('/api/items', json={'name': 'first'}, tenant='held'))
    holder = hold(s.file('held'))
    k = [('Idempotency-Key', key())]
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        first = pool.submit(lambda: s.client().post('/api/items', k, json={'name': 'slow'}, tenant='held'))
        time.sleep(0.5)
        second = s.client().post('/api/items', k, json={'name': 'slow'}, tenant='held')
        other = s.client().post('/api/items', k, json={'name': 'slow'}, tenant='p1')
        holder.stdin.close()
        holder.wait()
        created(first.result())
    check_problem(second, 409)
    need((second.get('retry-after') or '').isdigit(), second)
    created(other)
    same(first.result(), c.post('/api/items', k, json={'name': 'slow'}, tenant='held'))

with t.case('a write that timed out can be tried again with its key'):
    holder = hold(s.file('held'))
    k = [('Idempotency-Key', key())]
    n = len(items('held'))
    check_problem(c.post('/api/items', k, json={'name': 'late'}, tenant='held'), 503)
    holder.stdin.close()
    holder.wait()
    until('201', 5, lambda: c.post('/api/items', k, json={'name': 'late'}, tenant='held').status == 201, 0.1)
    equal(len(items('held')), n + 1)

with t.case('a GET with a key is just a GET'):
    r = c.get('/api/items', [('Idempotency-Key', 'k')], tenant='p1')
    equal((r.status, replayed(r)), (200, False), r)

with t.case('keys survive kill -9'):
    kept = []
    for target, body in BODIES:
        k = [('Idempotency-Key', key())]
        kept.append((target, body, k, c.post(target, k, json=body)))
    s.kill()
    s.start()
    for target, body, k, first in kept:
        n = len(items())
        same(first, c.post(target, k, json=body))
        other = [{'name': 'other'}] if 'batch' in target else {'name': 'other'}
        check_problem(c.post(target, k, json=other), 422)
        equal(len(items()), n)

with t.case('a form with a key: 303 again, one item'):
    k = [('Idempotency-Key', key())]
    form = page_form(s.client().get('/tenant/formed').text(), base='/tenant/formed', wants={'name', 'description'})
    values = dict(form.values, name='by form', description='d')
    first = s.client().post(form.action, k, form=values)
    equal(first.status, 303, first)
    again = s.client().post(form.action, k, form=values)
    equal((again.status, again.get('location')), (303, first.get('location')), again)
    need(replayed(again) and not replayed(first), again)
    equal(len(items('formed')), 1)
    r = s.client().post(form.action, k, form=dict(values, name='other'))
    equal(r.status, 422, r)
    equal(len(items('formed')), 1)

with t.case('a form with a bad key is 400'):
    r = s.client().post(form.action, [('Idempotency-Key', 'a b')], form=values)
    equal(r.status, 400, r)

with t.case('SIGTERM ends the server with 0'):
    s.stop()
t.done()
