#!/usr/bin/env python3
"""ETag, If-Match and If-None-Match on items (RFC 9110, section 13)."""
import concurrent.futures
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'harness'))
from rowhouse_test import *

t = Tap()
s = Server(t)
c = s.client(tenant='cond')


def fresh(name='one'):
    r = c.post('/api/items', json={'name': name})
    created(r)
    return r.get('location'), r.get('etag')


def c_patch(url, tag, i):
    return s.client(tenant='cond').patch(url, [('If-Match', tag)], json={'name': 'racer %d' % i})


URL, TAG = fresh()
OTHER = '"AAAAAAAAAAAAAAAAAAAAAA"'

with t.case('the ETag is strong and the same for GET, HEAD and both forms of the route'):
    need(ETAG.match(TAG or ''), TAG)
    for r in (c.get(URL), c.head(URL)):
        equal((r.status, r.get('etag')), (200, TAG), r)
    equal(s.client().get(URL.replace('/api/', '/tenant/cond/')).get('etag'), TAG)

with t.case('Cache-Control and Vary on items'):
    for r in (c.get(URL), c.get('/api/items'), c.head(URL)):
        equal(r.tokens('cache-control'), ['private', 'no-cache'], r)
        need({'x-tenant', 'accept'} <= set(r.tokens('vary')), r)

with t.case('the ETag is bound to id, content and tenant'):
    tags = {TAG, fresh()[1], fresh('two')[1]}
    equal(len(tags), 3)
    r = c.patch(URL, json={'description': 'changed'})
    equal(r.status, 200, r)
    need(r.get('etag') not in tags, r)
    equal(c.get(URL).get('etag'), r.get('etag'))

URL, TAG = fresh()
NONE_MATCH = [(TAG, 304), ('W/' + TAG, 304), ('*', 304), ('%s, %s' % (OTHER, TAG), 304),
              ('%s,W/%s' % (OTHER, TAG), 304), (OTHER, 200), ('W/' + OTHER, 200),
              ('"%s"' % TAG, 200), ('""', 200), (', ,%s' % TAG, 304), ('"a,b", ' + TAG, 304),
              (TAG[:-2] + '"', 200), (TAG.lower() if TAG.lower() != TAG else OTHER, 200)]
for value, status in NONE_MATCH:
    with t.case('GET with If-None-Match %s is %d' % (value.replace(TAG, 'TAG'), status)):
        for method in ('GET', 'HEAD'):
            r = c.request(method, URL, [('If-None-Match', value)])
            equal(r.status, status, r)
            equal(r.get('etag'), TAG, r)
            if status == 304:
                equal(r.body, b'', r)
                equal(r.get('content-length'), c.get(URL).get('content-length'), r)
                equal(r.tokens('cache-control'), ['private', 'no-cache'], r)
                need({'x-tenant', 'accept'} <= set(r.tokens('vary')), r)
                need(r.get('x-request-id'), r)
with t.case('If-None-Match in two headers is one list'):
    r = c.get(URL, [('If-None-Match', OTHER), ('If-None-Match', TAG)])
    equal(r.status, 304, r)
with t.case('after a 304 the connection goes on'):
    k = s.client(tenant='cond', keep=True)
    for _ in range(3):
        equal(k.get(URL, [('If-None-Match', TAG)]).status, 304)
        equal(k.get(URL).json()['name'], 'one')
    k.close()
with t.case('an ETag of another tenant does not match'):
    mine = created(c.post('/api/items', json={'name': 'same'}, tenant='t2'))
    r = s.client().get('/api/items/' + mine['id'], [('If-None-Match', TAG)], tenant='t2')
    equal(r.status, 200, r)
with t.case('404 stays 404 with If-None-Match: *'):
    check_problem(c.get('/api/items/none', [('If-None-Match', '*')]), 404)

MATCH = [('TAG', True), ('*', True), ('OTHER, TAG', True), ('TAG,OTHER', True), (',TAG', True),
         ('"a,b" , TAG', True), ('OTHER', False), ('W/TAG', False), ('OTHER, W/TAG', False),
         ('""', False), ('OTHER, OTHER', False), ('"x", "y", "z"', False)]
for value, good in MATCH:
    for method in ('PATCH', 'DELETE'):
        with t.case('%s with If-Match %s is %s' % (method, value, 'done' if good else '412')):
            url, tag = fresh()
            header = [('If-Match', value.replace('TAG', tag).replace('OTHER', OTHER))]
            if method == 'PATCH':
                r = c.patch(url, header, json={'name': 'new'})
            else:
                r = c.delete(url, header)
            if good:
                equal(r.status, 200 if method == 'PATCH' else 204, r)
                equal(c.get(url).status, 200 if method == 'PATCH' else 404)
            else:
                check_problem(r, 412)
                now = c.get(url)
                equal((now.status, now.json()['name'], now.get('etag')), (200, 'one', tag), now)
for value in ('nonsense', TAG.strip('"'), '"open', 'w/' + TAG):
    with t.case('If-Match that is no list of tags is refused: %s' % value.replace(TAG, 'TAG')[:20]):
        url, tag = fresh()
        r = c.patch(url, [('If-Match', value)], json={'name': 'new'})
        check_problem(r, (400, 412))
        equal(c.get(url).get('etag'), tag)

with t.case('If-Match in two headers is one list'):
    url, tag = fresh()
    r = c.patch(url, [('If-Match', OTHER), ('If-Match', tag)], json={'name': 'new'})
    equal(r.status, 200, r)
with t.case('the stale ETag of a changed item is 412, the new one is good'):
    url, old = fresh()
    new = c.patch(url, [('If-Match', old)], json={'name': 'new'}).get('etag')
    check_problem(c.patch(url, [('If-Match', old)], json={'name': 'newer'}), 412)
    equal(c.patch(url, [('If-Match', new)], json={'name': 'newest'}).status, 200)
with t.case('If-Match on an item that is gone is 412 or 404'):
    url, tag = fresh()
    equal(c.delete(url).status, 204)
    for value in (tag, '*'):
        check_problem(c.patch(url, [('If-Match', value)], json={'name': 'x'}), (404, 412))
        check_problem(c.delete(url, [('If-Match', value)]), (404, 412))
with t.case("another tenant's ETag is 412"):
    url, tag = fresh()
    theirs = s.client().post('/api/items', json={'name': 'one'}, tenant='t2').get('etag')
    check_problem(c.patch(url, [('If-Match', theirs)], json={'name': 'x'}), 412)

with t.case('of 12 racing PATCHes with the same If-Match one wins'):
    url, tag = fresh()
    with concurrent.futures.ThreadPoolExecutor(12) as pool:
        got = list(pool.map(lambda i: c_patch(url, tag, i), range(12)))
    equal(sorted(r.status for r in got), [200] + [412] * 11)
    winner = [r for r in got if r.status == 200][0]
    equal(c.get(url).json(), winner.json())

with t.case('SIGTERM ends the server with 0'):
    s.stop()
t.done()
