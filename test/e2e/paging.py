#!/usr/bin/env python3
"""Limits and cursors: what is refused, that a walk by Link sees each item once
while others write, and that a cursor is good for its own tenant and route only."""
import base64
import os
import sys
import threading
from urllib.parse import parse_qs, quote, urlsplit

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'harness'))
from rowhouse_test import *

t = Tap()
s = Server(t)
c = s.client(keep=True)


def fill(tenant, n):
    names = ['%s-%d' % (tenant, i) for i in range(n)]
    for at in range(0, n, 1000):
        r = c.post('/api/items:batch', json=[{'name': x} for x in names[at:at + 1000]], tenant=tenant)
        equal(r.status, 201, r)
    return names


def cursor_of(r, target):
    link = next_target(r, target)
    need(link, 'no Link rel=next', r)
    return parse_qs(urlsplit(link).query)['cursor'][0]


with t.case('tenants with items'):
    NAMES = fill('walk', 2500)
    fill('other', 50)

with t.case('100 items unless told, with a Link to the rest'):
    r = c.get('/api/items', tenant='walk')
    equal([x['name'] for x in r.json()], NAMES[::-1][:100])
    need(next_target(r, '/api/items'), r)

for limit in (1, 2, 99, 1000):
    with t.case('limit=%d' % limit):
        r = c.get('/api/items?limit=%d' % limit, tenant='walk')
        equal((r.status, len(r.json())), (200, limit))
        equal([x['name'] for x in r.json()], NAMES[::-1][:limit])

for bad in ('0', '1001', '-1', 'abc', '', '1.5', '1e2', '99999999999999999999', '0x10', '10%20', '%00',
            '1,2', '٣', 'null', '+', '10abc', '%ff', '%'):
    with t.case('limit=%s is 400' % bad):
        for base in ('/api/items', '/tenant/walk/items'):
            r = c.get('%s?limit=%s' % (base, bad), [('Accept', 'application/json')], tenant='walk')
            check_problem(r, 400)
with t.case('limit given twice is 400'):
    check_problem(c.get('/api/items?limit=1&limit=2', tenant='walk'), 400)

for limit in (1000, 333):
    for base, tenant in (('/api/items', 'walk'), ('/tenant/walk/items', None)):
        with t.case('walking %s?limit=%d sees all, newest first, once' % (base, limit)):
            pages = walk(c, '%s?limit=%d' % (base, limit), tenant=tenant)
            got = [x['name'] for p in pages for x in p.json()]
            equal(got, NAMES[::-1])
            need(all(len(p.json()) <= limit for p in pages), 'a page is over the limit')
            equal(len(pages), -(-len(NAMES) // limit), 'pages')

with t.case('no Link after the last page, also where it is full'):
    fill('exact', 20)
    pages = walk(c, '/api/items?limit=10', tenant='exact')
    equal([len(p.json()) for p in pages], [10, 10])
    equal(c.get('/api/items?limit=20', tenant='exact').all('link'), [])
    equal(c.get('/api/items', tenant='empty').all('link'), [])
    equal(c.get('/api/items', tenant='empty').json(), [])

with t.case('while others insert and delete, a walk sees each older item once'):
    fill('busy', 1500)
    before = {x['id'] for p in walk(c, '/api/items?limit=1000', tenant='busy') for x in p.json()}
    stop = threading.Event()

    def insert():
        w = s.client(keep=True)
        while not stop.is_set():
            item = created(w.post('/api/items', json={'name': 'late'}, tenant='busy'))
            w.post('/api/items', json={'name': 'late'}, tenant='busy')
            w.delete('/api/items/' + item['id'], tenant='busy')
        w.close()

    threads = [threading.Thread(target=insert) for _ in range(3)]
    for x in threads:
        x.start()
    try:
        seen = [x['id'] for p in walk(c, '/api/items?limit=20', tenant='busy') for x in p.json()]
    finally:
        stop.set()
        for x in threads:
            x.join()
    equal(len(seen), len(set(seen)), 'an item was seen twice')
    equal(sorted(before - set(seen)), [], 'items that were not seen')
    equal(seen, sorted(seen, reverse=True), 'order')

with t.case('an item deleted under a cursor does not break the walk'):
    r = c.get('/api/items?limit=10', tenant='other')
    last = r.json()[-1]['id']
    equal(c.delete('/api/items/' + last, tenant='other').status, 204)
    r2 = c.get(next_target(r, '/api/items?limit=10'), tenant='other')
    equal(r2.status, 200, r2)
    need(r2.json()[0]['id'] < last, r2)

good = '/api/items?limit=10'
with t.case('a cursor is opaque: it fits a URL and shows no id'):
    r = c.get(good, tenant='walk')
    cursor = cursor_of(r, good)
    need(r.json()[-1]['id'] not in cursor, cursor)
    equal(quote(cursor, safe='-_.~='), cursor)
    equal(c.get('%s&cursor=%s' % (good, quote(cursor)), tenant='walk').status, 200)


def loose_base64(text):
    """The bytes that text stands for: its last letter may have bits to spare."""
    try:
        return base64.urlsafe_b64decode(text.rstrip('=') + '=' * (-len(text.rstrip('=')) % 4))
    except ValueError:
        return text


def mutations(text):
    for at in range(len(text)):
        yield text[:at] + ('A' if text[at] != 'A' else 'B') + text[at + 1:]
    for at in range(0, len(text), 7):
        yield text[:at]
        yield text[:at] + text[at + 1:]
        yield text[:at] + 'x' + text[at:]


with t.case('a forged cursor is 400, whatever byte was changed'):
    tried = 0
    for forged in mutations(cursor):
        if forged == '':
            continue
        r = c.get('%s&cursor=%s' % (good, quote(forged)), tenant='walk')
        if r.status != 400 and loose_base64(cursor) == loose_base64(forged):
            continue
        check_problem(r, 400)
        tried += 1
    need(tried > len(cursor) // 2, tried)

for text in ('x', 'AAAA', 'A' * 3000, '%00', '%ff%fe', '../..', "' OR 1=1", '🙂', 'null', '-1', '====',
             '0' * 22, cursor + cursor, cursor.swapcase()):
    with t.case('cursor %s is 400' % text[:20]):
        r = c.get('%s&cursor=%s' % (good, quote(text, safe='%')), tenant='walk')
        check_problem(r, 400)

with t.case('a cursor of another tenant is 400, also by path and by host'):
    for target, headers in ((good, [('X-Tenant', 'other')]), ('/tenant/other/items?limit=10', []),
                            (good, [('Host', 'other.localhost')]), (good, [])):
        r = s.client().get('%s&cursor=%s' % (target, quote(cursor)), headers)
        check_problem(r, 400)

with t.case('a cursor of another route is 400'):
    check_problem(c.get('/api/tenants?cursor=' + quote(cursor)), 400)
    r = c.get('/api/tenants?limit=1')
    foreign = cursor_of(r, '/api/tenants?limit=1')
    check_problem(c.get('/api/items?cursor=' + quote(foreign), tenant='walk'), 400)
    check_problem(c.get('/api/items?cursor=' + quote(foreign)), 400)

with t.case('a cursor given twice is 400'):
    check_problem(c.get('%s&cursor=%s&cursor=%s' % (good, cursor, cursor), tenant='walk'), 400)

with t.case('a cursor holds over a restart'):
    c.close()
    s.restart()
    r = c.get('%s&cursor=%s' % (good, quote(cursor)), tenant='walk')
    equal(r.status, 200, r)

with t.case('1,005 more tenants'):
    c.get('/api/items')
    for i in range(1005):
        r = c.get('/api/items?limit=1', tenant='many-%04d' % i)
        equal(r.status, 200, r)
EXPECTED = sorted(['busy', 'default', 'empty', 'exact', 'other', 'walk']
                  + ['many-%04d' % i for i in range(1005)])

with t.case('GET /api/tenants: names in order, 1,000 unless told'):
    r = c.get('/api/tenants')
    equal(r.json(), EXPECTED[:1000], r.headers)
    equal(next_target(r, '/api/tenants') is not None, True)
for limit in (10000, 1011, 100, 17):
    with t.case('walking /api/tenants?limit=%d' % limit):
        pages = walk(c, '/api/tenants?limit=%d' % limit)
        equal([x for p in pages for x in p.json()], EXPECTED)
        equal(len(pages), -(-len(EXPECTED) // limit))
for bad in ('0', '10001', 'x', '-5'):
    with t.case('/api/tenants?limit=%s is 400' % bad):
        check_problem(c.get('/api/tenants?limit=' + bad), 400)
with t.case('q is a prefix'):
    equal(c.get('/api/tenants?q=many-00').json(), [x for x in EXPECTED if x.startswith('many-00')])
    equal(c.get('/api/tenants?q=w').json(), ['walk'])
    equal(c.get('/api/tenants?q=zzz').json(), [])
    equal(c.get('/api/tenants?q=any').json(), [])
with t.case('walking q by Link keeps q'):
    pages = walk(c, '/api/tenants?q=many-00&limit=30')
    equal([x for p in pages for x in p.json()], [x for x in EXPECTED if x.startswith('many-00')])
with t.case('a cursor of one q is 400 with another'):
    r = c.get('/api/tenants?q=many&limit=3')
    cur = cursor_of(r, '/api/tenants?q=many&limit=3')
    check_problem(c.get('/api/tenants?q=wa&limit=3&cursor=' + quote(cur)), 400)
    check_problem(c.get('/api/tenants?limit=3&cursor=' + quote(cur)), 400)
with t.case('q takes any text without harm'):
    for q in ('%25', '_', "'", '%00', '*', '%f0%9f%98%80', 'a' * 2000):
        r = c.get('/api/tenants?q=' + q)
        one_of(r.status, (200, 400), r)
        if r.status == 200:
            equal(r.json(), [], r)
c.close()
with t.case('SIGTERM ends the server with 0'):
    s.stop()
t.done()
