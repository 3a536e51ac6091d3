#!/usr/bin/env python3
"""Methods, negotiation and limits: HEAD, OPTIONS, 404, 405, 406, 413, 414, 415,
417, 431."""
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'harness'))
from rowhouse_test import *

t = Tap()
s = Server(t)
c = s.client()
ITEM = created(c.post('/tenant/m/items', json={'name': 'one'}))
ONE = '/tenant/m/items/' + ITEM['id']
BROWSER = 'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8'

for target in ('/', '/health', '/livez', '/readyz', '/api/tenants', '/api/openapi.json', '/tenant/m',
               '/tenant/m/items', ONE, '/api/items', '/api/items?limit=1', '/nope', '/tenant/-bad',
               '/api/items/nope', '/api/items?limit=0'):
    with t.case('HEAD %s is GET without the body' % target[:40]):
        k = s.client(keep=True)
        g, h = k.get(target), k.head(target)
        equal(h.status, g.status, h)
        for name in ('content-type', 'content-length', 'etag', 'cache-control', 'vary', 'link'):
            a, b = g.get(name), h.get(name)
            if name == 'content-length' and 'problem' in g.media:
                continue  # the request id in it may differ in length
            if name == 'content-length' and (a is None or target in ('/', '/tenant/m')):
                continue  # times on the page pass
            equal(b, a, name, h)
        equal(k.get('/health').body.strip(), b'OK', 'what follows on the connection')
        k.close()

ALLOWED = [('/', {'get', 'head', 'post', 'options'}), ('/health', {'get', 'head', 'options'}),
           ('/api/tenants', {'get', 'head', 'options'}),
           ('/api/items', {'get', 'head', 'post', 'options'}),
           ('/tenant/m/items', {'get', 'head', 'post', 'options'}),
           ('/api/items/' + ITEM['id'], {'get', 'head', 'patch', 'delete', 'options'}),
           (ONE, {'get', 'head', 'patch', 'delete', 'options'}),
           ('/api/items:batch', {'post', 'options'}), ('/tenant/m/items:batch', {'post', 'options'}),
           ('/api/openapi.json', {'get', 'head', 'options'}), ('/api/events', {'get', 'head', 'options'}),
           ('/tenant/m/events', {'get', 'head', 'options'})]
for target, methods in ALLOWED:
    with t.case('OPTIONS %s tells the methods' % target[:30]):
        r = c.options(target)
        one_of(r.status, (200, 204), r)
        need(methods <= set(r.tokens('allow')), 'wanted at least %s' % sorted(methods), r)
        need(r.get('x-request-id'), r)
    for method in ('PUT', 'DELETE', 'PATCH', 'GET', 'POST', 'TRACE', 'BREW', 'PROPFIND', 'get'):
        if method.lower() in r.tokens('allow') and method != 'get':
            continue
        with t.case('%s %s is 405 with Allow' % (method, target[:30])):
            x = c.request(method, target, body=b'' if method in ('PUT', 'POST', 'PATCH') else None)
            allowed = (405, 501) if method in ('BREW', 'PROPFIND', 'TRACE', 'get') else (405,)
            one_of(x.status, allowed, x)
            if target != '/':  # which answers in HTML
                check_problem(x, allowed)
            if x.status == 405:
                equal(set(x.tokens('allow')), set(r.tokens('allow')), x)
with t.case('OPTIONS * is no error of ours'):
    r = c.options('*')
    one_of(r.status, (200, 204, 400, 404), r)
with t.case('CONNECT is refused'):
    r = c.request('CONNECT', 'example.com:80')
    one_of(r.status, (400, 404, 405, 501), r)

for target in ('/nope', '/api', '/api/', '/api/item', '/api/items/', '/api/items/a/b', '/tenant', '/tenants/x',
               '/health/', '/API/items', '/tenant/m/', '/tenant/m/items/', '/tenant/m/nope', '/api/items:batc',
               '/api/items:', '//', '//api/items', '/api//items', '/api/tenants/', '/index.html',
               '/api%2fitems', '/.git/config', '/metrics', '/api/items%00', '/static/', '/static/nope.css'):
    with t.case('GET %s is 404' % target):
        r = c.get(target)
        check_problem(r, 404)
with t.case('POST to an unknown path is 404'):
    check_problem(c.post('/nope', json={}), 404)

# Accept of /tenant/{t}/items -> what comes
H, J, NO = 'text/html', 'application/json', 406
ACCEPT = [(None, J), ('*/*', J), ('', J), ('text/html', H), ('application/json', J), (BROWSER, H),
          ('application/*', J), ('text/*', H), ('text/html, application/json;q=0.9', H),
          ('text/html;q=0.9, application/json', J), ('text/html;q=0.5,application/json;q=0.6', J),
          ('application/json;q=0, */*', H), ('text/html;q=0, */*', J), ('TEXT/HTML', H),
          ('text/html;level=1', H), ('text/html ; q=1.0 , */*;q=0.1', H), ('image/png', NO),
          ('text/plain', NO), ('text/html;q=0', NO), ('application/json;q=0', NO), ('*/*;q=0', NO),
          ('application/xml, image/*', NO), ('text/html;q=0.001, image/png', H),
          ('application/json;q=0.0, text/html;q=0.000', NO), ('*/*, text/html;q=0.2', J)]
for accept, wanted in ACCEPT:
    with t.case('Accept %s on items: %s' % (accept, wanted)):
        headers = [('Accept', accept)] if accept is not None else []
        for target in ('/tenant/m/items',):
            r = c.get(target, headers)
            if wanted == NO:
                check_problem(r, 406)
            else:
                equal((r.status, r.media), (200, wanted), r)
            need('accept' in r.tokens('vary'), 'Vary does not name Accept', r)
with t.case('Accept in two headers is one list'):
    r = c.get('/tenant/m/items', [('Accept', 'image/png'), ('Accept', 'text/html')])
    equal(r.media, H, r)
for target in ('/api/items', '/api/tenants', '/api/items/' + ITEM['id'], '/api/openapi.json'):
    for accept, good in (('text/html', False), ('image/png', False), ('application/json', True),
                         ('*/*', True), (BROWSER, True), ('application/*;q=0.1', True)):
        with t.case('Accept %s on %s: %s' % (accept[:30], target[:20], 'JSON' if good else 406)):
            r = c.get(target, [('Accept', accept)], tenant='m')
            if good:
                equal(r.status, 200, r)
                need(r.media in (J, 'application/vnd.oai.openapi+json'), r)
            elif r.status != 406:
                fail('wanted 406', r)
for target in ('/', '/tenant/m'):
    for accept, status in (('*/*', 200), (None, 200), ('text/html', 200), ('image/png', 406),
                           ('application/json', 406)):
        with t.case('Accept %s on the page %s: %d' % (accept, target, status)):
            r = c.get(target, [('Accept', accept)] if accept else [])
            equal(r.status, status, r)
            if status == 200:
                equal(r.media, 'text/html', r)
with t.case('a 406 POST makes nothing'):
    r = c.post('/api/items', [('Accept', 'image/png')], json={'name': 'x'}, tenant='none406')
    check_problem(r, 406)
    equal(c.get('/api/items', tenant='none406').json(), [])

TYPES = [('application/json', 201), ('application/json; charset=utf-8', 201), ('Application/JSON', 201),
         ('application/json;charset="UTF-8"', 201), ('text/plain', 415), ('text/json', 415),
         ('application/x-www-form-urlencoded', 415), ('multipart/form-data; boundary=x', 415),
         ('application/jsonx', 415), ('application/xml', 415), ('application', 415),
         ('application/octet-stream', 415), (None, 415), ('', 415),
         ('application/merge-patch+json', 415)]
for kind, status in TYPES:
    with t.case('POST /api/items as %s: %d' % (kind, status)):
        headers = [('Content-Type', kind)] if kind is not None else []
        r = c.post('/api/items', headers, body=b'{"name":"x"}', tenant='types')
        equal(r.status, status, r)
        if status == 415:
            check_problem(r, 415)
for kind, status in (('application/merge-patch+json', 200), ('application/json', 200),
                     ('application/json-patch+json', 415), ('text/plain', 415), (None, 415),
                     ('application/x-www-form-urlencoded', 415)):
    with t.case('PATCH as %s: %d' % (kind, status)):
        headers = [('Content-Type', kind)] if kind is not None else []
        r = c.patch('/api/items/' + ITEM['id'], headers, body=b'{"name":"x"}', tenant='m')
        equal(r.status, status, r)
with t.case('batch as text is 415'):
    check_problem(c.post('/api/items:batch', body=b'[{"name":"x"}]', kind='text/plain'), 415)
with t.case('Content-Encoding that is not read is 415'):
    r = c.post('/api/items', [('Content-Encoding', 'gzip')], body=b'{"name":"x"}',
               kind='application/json')
    check_problem(r, (415, 400))

MIB = 1 << 20


def padded(n, document):
    """JSON of exactly n bytes."""
    raw = json.dumps(document).encode()
    return raw + b' ' * (n - len(raw))


def chunked(raw, size=65536):
    out = b''
    for at in range(0, len(raw), size):
        part = raw[at:at + size]
        out += b'%x\r\n%s\r\n' % (len(part), part)
    return out + b'0\r\n\r\n'


ONE_ITEM, BATCH = {'name': 'big'}, [{'name': 'big', 'description': 'd' * 7000}] * 1000
for target, document, limit in (('/api/items', ONE_ITEM, MIB), ('/tenant/big/items', ONE_ITEM, MIB),
                                ('/api/items:batch', BATCH, 8 * MIB)):
    for way in ('Content-Length', 'chunked'):
        for over in (0, 1, 100000):
            with t.case('%s with %s of the limit%s: %s' % (
                    target, way, ' and %d' % over if over else '', 413 if over else 201)):
                raw = padded(limit + over, document)
                headers = [('Transfer-Encoding', 'chunked')] if way == 'chunked' else []
                r = c.post(target, headers, body=chunked(raw) if headers else raw, tenant='big',
                           kind='application/json')
                if over:
                    check_problem(r, 413)
                else:
                    equal(r.status, 201, r.status, r.headers, r.body[:300])
with t.case('a length beyond all measure is 413 at once'):
    for length in (10 ** 9, 2 ** 31, 2 ** 32 + 5, 2 ** 53, 2 ** 63 - 1):
        raw, _ = exchange(s.port, b'POST /api/items HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n'
                          b'Content-Length: %d\r\n\r\n{' % length)
        equal([r and r.status for r in responses(raw)], [413], raw[:500])
with t.case('a length of 20 digits and more is 400 or 413'):
    raw, closed = exchange(s.port, b'POST /api/items HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n'
                           b'Content-Length: 99999999999999999999999\r\n\r\n{')
    need(responses(raw)[0].status in (400, 413) and closed, raw[:500], closed)
with t.case('1,000 items of 413 leave the tenant as it is'):
    equal(len(c.get('/api/items?limit=1000', tenant='big').json()), 1000)


def expecting(target, body, extra=(), length=None):
    """Sends the head with Expect: 100-continue; the first answer, then the rest."""
    with Conn(s.port) as x:
        headers = [('Content-Type', 'application/json'), ('Expect', '100-continue'),
                   ('X-Tenant', 'expect'), ('Content-Length', str(length or len(body))), *extra]
        x.send(build('POST', target, headers, None))
        first = x.head()
        if first.status != 100:
            return first, None
        x.send(body)
        return first, x.response()


with t.case('Expect: 100-continue is answered, then the item'):
    first, r = expecting('/api/items', b'{"name":"x"}')
    equal((first.status, r and r.status), (100, 201), first, r)
for what, kw, status in (('a body above the limit', {'length': MIB + 1}, 413),
                         ('a body far above the limit', {'length': 10 ** 12}, 413)):
    with t.case('Expect: 100-continue with %s: %d and no 100' % (what, status)):
        first, r = expecting('/api/items', b'', **kw)
        equal(first.status, status, first)
with t.case('another expectation is 417 or ignored'):
    r = c.post('/api/items', [('Expect', 'tea')], json={'name': 'x'})
    one_of(r.status, (417, 201, 400), r)

for n in (1000, 4096):
    with t.case('a target of %d bytes is accepted' % n):
        for start in ('/health?x=', '/api/items?limit=5&x='):
            target = start + 'a' * (n - len(start))
            equal(c.get(target).status, 200)
for n in (33000, 40000, 200000):
    with t.case('a target of %d bytes is 414' % n):
        raw, closed = exchange(s.port, b'GET /health?' + b'a' * n + b' HTTP/1.1\r\nHost: localhost\r\n\r\n')
        equal([r and r.status for r in responses(raw)], [414], raw[:500])
        need(closed, 'the connection stays open')
with t.case('between 4 KiB and 32 KiB a target is accepted or 414'):
    for n in (5000, 10000, 20000, 31000):
        raw, _ = exchange(s.port, b'GET /health?' + b'a' * n + b' HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n')
        one_of([r and r.status for r in responses(raw)], ([200], [414]), n, raw[:500])
for n, each in ((8000, 8000), (7500, 100), (7500, 25)):
    with t.case('%d bytes of headers, %d each, are accepted' % (n, each)):
        headers = [('X-%d' % i, 'v' * (each - 10)) for i in range(n // each)]
        equal(c.get('/health', headers).status, 200)
for n, each in ((33000, 33000), (40000, 100), (300000, 1000), (40000, 10)):
    with t.case('%d bytes of headers, %d each, are 431' % (n, each)):
        lines = b''.join(b'X-%d: %s\r\n' % (i, b'v' * max(1, each - 10)) for i in range(n // each))
        raw, closed = exchange(s.port, b'GET /health HTTP/1.1\r\nHost: localhost\r\n' + lines + b'\r\n')
        equal([r and r.status for r in responses(raw)], [431], raw[:500])
        need(closed, 'the connection stays open')
with t.case('between 8 KiB and 32 KiB headers are accepted or 431'):
    for n in (9000, 16000, 31000):
        raw, _ = exchange(s.port, b'GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nX: ' + b'v' * n + b'\r\n\r\n')
        one_of([r and r.status for r in responses(raw)], ([200], [431]), n, raw[:500])

def posting(lines, target='/api/items'):
    """All that comes back of a POST with these header lines."""
    raw, _ = exchange(s.port, b'POST ' + target.encode() + b' HTTP/1.1\r\nHost: localhost\r\nX-Tenant: room\r\n'
                      b'Content-Type: application/json\r\nContent-Length: 15\r\nConnection: close\r\n' + lines +
                      b'\r\n{"name":"room"}')
    return [r and r.status for r in responses(raw)]


def crumbs(n, each):
    return b'Cookie: ' + b'; '.join(b'c%d=%s' % (i, b'v' * each) for i in range(n)) + b'\r\n'


for n in (290, 300, 310):
    with t.case('%d cookies in 7 KB are accepted' % n):
        lines = crumbs(n, 7000 // n - 7)
        need(5800 < len(lines) < 7200, len(lines))
        equal(posting(lines), [201])
with t.case('many cookies in 8 KiB are answered'):
    for n in (400, 600, 1000, 1600):
        one_of(posting(crumbs(n, 1)[:8190].rstrip(b'\r\n') + b'\r\n'), ([201], [431]), n)
with t.case('100 to 400 tiny fields are accepted, up to 2,000 answered'):
    for n in (100, 200, 300, 400, 425, 450, 475, 490, 500, 550, 600, 800, 1000, 2000):
        for line in (b'a:\r\n', b'ab: c\r\n'):
            one_of(posting(line * n), ([201],) if n <= 400 else ([201], [431]), n, line)
with t.case('8 KiB in one field, and a target of 4 KiB, are accepted'):
    equal(posting(b'X-Big: ' + b'v' * 8192 + b'\r\n'), [201])
    equal(posting(b'X-Big: ' + b'v' * 8000 + b'\r\n' + crumbs(100, 1), '/api/items?q=' + 'q' * 4000), [201])
with t.case('no size of header stays without an answer'):
    for n in range(8 << 10, 40 << 10, 443):
        one_of(posting(b'X-Big: ' + b'v' * n + b'\r\n'), ([201], [431]), n)
        one_of(posting(b'', '/api/items?' + 'q' * n), ([201], [414]), n)
with t.case('many fields and a full pipeline: answers in order'):
    one = b'GET /health HTTP/1.1\r\nHost: localhost\r\n' + b'ab: c\r\n' * 400 + b'\r\n'
    raw, _ = exchange(s.port, one * 30)
    equal([r.status for r in responses(raw)], [200] * 30, raw[-500:])
with t.case('trailers leave room for the answer, or are 431'):
    head = b'POST /api/items HTTP/1.1\r\nHost: localhost\r\nX-Tenant: room\r\nContent-Type: application/json\r\n' \
           b'Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n10\r\n{"name":"trail"}\r\n0\r\n'
    for n in (0, 10, 100, 300, 400, 450, 470, 480, 490, 500, 600):
        raw, _ = exchange(s.port, head + b'a: b\r\n' * n + b'\r\n')
        one_of([r and r.status for r in responses(raw)], ([201],) if n <= 100 else ([201], [400], [413], [431]), n)

with t.case('keep-alive: 200 requests on one connection'):
    k = s.client(keep=True)
    for i in range(200):
        equal(k.get('/health').status, 200)
    k.close()
with t.case('Connection: close is kept'):
    raw, closed = exchange(s.port, b'GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n')
    need(closed and len(responses(raw)) == 1, raw)
with t.case('HTTP/1.0 is answered and closed'):
    raw, closed = exchange(s.port, b'GET /health HTTP/1.0\r\nHost: localhost\r\n\r\n')
    equal([r.status for r in responses(raw)], [200], raw)
    need(closed, raw)
with t.case('pipelined requests are answered in order'):
    one = b'GET /api/items?limit=1 HTTP/1.1\r\nHost: localhost\r\nX-Tenant: m\r\nX-Request-Id: p%d\r\n\r\n'
    raw, _ = exchange(s.port, b''.join(one % i for i in range(20)) + b'GET /health HTTP/1.1\r\nHost: localhost\r\n'
                      b'Connection: close\r\n\r\n')
    got = responses(raw)
    equal([r.get('x-request-id') for r in got[:20]], ['p%d' % i for i in range(20)])
    equal([r.status for r in got], [200] * 21)

with t.case('SIGTERM ends the server with 0'):
    s.stop()
t.done()
