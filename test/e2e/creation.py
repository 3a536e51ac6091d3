#!/usr/bin/env python3
"""What creates a tenant and what does not; TENANT_CREATE, TENANT_CREATE_RATE
and CONNECTIONS_PER_ADDRESS."""
import concurrent.futures
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'harness'))
from rowhouse_test import *

t = Tap()


def files(s):
    return sorted(f[:-3] for f in os.listdir(s.path) if f.endswith('.db'))


def names(s):
    return s.client().get('/api/tenants').json()


def stream(s, target, tenant=None):
    """Opens a stream and reads its head."""
    with Conn(s.port) as c:
        headers = [('X-Tenant', tenant)] if tenant else []
        c.send(build('GET', target, headers, None))
        r = c.head()
        equal((r.status, r.media), (200, 'text/event-stream'), r)
    return r


with Server(t) as s:
    QUIET = [('GET', '/'), ('HEAD', '/'), ('GET', '/health'), ('GET', '/livez'), ('GET', '/readyz'),
             ('GET', '/api/tenants'), ('GET', '/api/openapi.json'), ('OPTIONS', '/api/items'),
             ('OPTIONS', '/tenant/ghost/items'), ('OPTIONS', '/tenant/ghost'), ('GET', '/nope'),
             ('GET', '/tenant/ghost/nope'), ('GET', '/api/nope'), ('GET', '/tenant/-bad/items'),
             ('GET', '/favicon.ico'), ('GET', '/tenant/ghost/items/x/y/z')]
    for method, target in QUIET:
        with t.case('%s %s creates no tenant' % (method, target)):
            s.client().request(method, target)
            s.client().request(method, target, tenant='ghost')
            equal(files(s), [])
    with t.case('a bad X-Tenant creates nothing'):
        s.client().post('/api/items', json={'name': 'x'}, tenant='-bad')
        equal((files(s), names(s)), ([], []))

    MAKING = [('get', lambda n: s.client().get('/api/items', tenant=n)),
              ('head', lambda n: s.client().head('/api/items', tenant=n)),
              ('post', lambda n: s.client().post('/api/items', json={'name': 'x'}, tenant=n)),
              ('batch', lambda n: s.client().post('/api/items:batch', json=[{'name': 'x'}], tenant=n)),
              ('path', lambda n: s.client().get('/tenant/%s/items' % n)),
              ('page', lambda n: s.client().get('/tenant/' + n)),
              ('pagehead', lambda n: s.client().head('/tenant/' + n)),
              ('events', lambda n: stream(s, '/tenant/%s/events' % n)),
              ('eventshead', lambda n: s.client().head('/tenant/%s/events' % n)),
              ('apieventshead', lambda n: s.client().head('/api/events', tenant=n)),
              ('apievents', lambda n: stream(s, '/api/events', n))]
    for what, access in MAKING:
        with t.case('first access by %s creates the tenant' % what):
            r = access('by-' + what)
            need(r.status in (200, 201), r)
            need('by-' + what in files(s), files(s))
            need('by-' + what in names(s), names(s))
    with t.case('default is created by a request that names no tenant'):
        need('default' not in files(s))
        equal(s.client().get('/api/items').json(), [])
        need('default' in files(s) and 'default' in names(s))
    with t.case('racing first requests make one tenant and all succeed'):
        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            got = list(pool.map(lambda i: s.client().post('/api/items', json={'name': 'r%d' % i},
                                                          tenant='race').status, range(32)))
        equal(got, [201] * 32)
        equal(len(s.client().get('/api/items', tenant='race').json()), 32)
        equal(sql(s.file('race'), 'SELECT count(*), max(item_count) FROM tenant_info'), [(1, 32)])

with Server(t, env={'TENANT_CREATE': 'closed'}) as s:
    for what, access in (
            ('GET', lambda: s.client().get('/api/items', tenant='acme')),
            ('GET by path', lambda: s.client().get('/tenant/acme/items')),
            ('POST', lambda: s.client().post('/api/items', json={'name': 'x'}, tenant='acme')),
            ('batch', lambda: s.client().post('/api/items:batch', json=[{'name': 'x'}], tenant='acme')),
            ('default', lambda: s.client().get('/api/items')),
            ('events', lambda: s.client().get('/api/events', tenant='acme')),
            ('item', lambda: s.client().get('/api/items/x', tenant='acme'))):
        with t.case('closed: %s is 404' % what):
            check_problem(access(), 404)
            equal((files(s), names(s)), ([], []))
    with t.case('closed: HEAD of a stream is 404'):
        for target in ('/api/events', '/tenant/acme/events'):
            equal(s.client().head(target, tenant='acme').status, 404)
        equal(files(s), [])
    with t.case('closed: 404 goes before what is wrong with the request'):
        for target, body in (('/api/items', {'name': ''}), ('/api/items:batch', []), ('/api/items', [])):
            check_problem(s.client().post(target, json=body, tenant='acme'), 404)
        check_problem(s.client().get('/api/items?limit=0', tenant='acme'), 404)
        equal(files(s), [])
    with t.case('closed: the dashboard is 404'):
        r = s.client().get('/tenant/acme', [('Accept', 'text/html')])
        equal((r.status, r.media), (404, 'text/html'), r)
        equal(files(s), [])
    with t.case('closed: the form of / creates nothing'):
        for body in ({'name': 'acme'}, {'tenant': 'acme'}):
            for target in ('/', '/tenants', '/tenant'):
                r = s.client().post(target, form=body)
                need(r.status >= 400, r)
        equal(files(s), [])
    with t.case('closed: an operator creates it, and the running server has it'):
        r = command('tenants', 'create', 'acme', env={'DATABASE_PATH': s.path})
        equal(r.returncode, 0, r)
        until('GET 200', 5, lambda: s.client().get('/api/items', tenant='acme').status == 200)
        created(s.client().post('/api/items', json={'name': 'x'}, tenant='acme'))
        until('in the list', 5, lambda: names(s) == ['acme'])
    with t.case('closed: another one is 404 still'):
        check_problem(s.client().get('/api/items', tenant='other'), 404)

with Server(t, env={'TENANT_CREATE_RATE': '5'}) as s:
    with t.case('TENANT_CREATE_RATE=5: the sixth new tenant of a minute is 429 with Retry-After'):
        got = [s.client().get('/api/items', tenant='rate-%d' % i) for i in range(8)]
        equal([r.status for r in got[:5]], [200] * 5)
        last = got[-1]
        check_problem(last, 429)
        need((last.get('retry-after') or '').isdigit(), last)
        need(5 <= len(files(s)) <= 6, files(s))
    with t.case('the tenants that are there are served all the same'):
        for i in range(5):
            equal(s.client().get('/api/items', tenant='rate-%d' % i).status, 200)
    with t.case('what creates no tenant is not limited'):
        for target in ('/', '/health', '/api/tenants'):
            equal(s.client().get(target).status, 200)

with Server(t) as s:
    with t.case('no limit from loopback unless it was set'):
        c = s.client(keep=True)
        for i in range(130):
            equal(c.get('/api/items', tenant='free-%d' % i).status, 200)
        c.close()
    with t.case('300 connections from loopback are served'):
        conns = [Conn(s.port) for _ in range(300)]
        for x in conns:
            x.send(b'GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n')
        equal({x.response().status for x in conns}, {200})
        for x in conns:
            x.close()


def status_of(host):
    try:
        return Client(s.port, host=host).get('/health').status
    except (OSError, Closed):
        return 0


address = outer_address()
with Server(t, env={'HOST': '0.0.0.0'}) as s:
    with t.case('60 a minute from elsewhere'):
        if not address:
            raise Skip('this machine has no other address')
        c = Client(s.port, host=address, keep=True)
        got = [c.get('/api/items', tenant='far-%d' % i).status for i in range(75)]
        equal(got[:60], [200] * 60)
        need(429 in got[60:], got)
        c.close()
    with t.case('256 connections from elsewhere, not 300'):
        if not address:
            raise Skip('this machine has no other address')
        conns, served = [], 0
        for _ in range(300):
            try:
                x = Conn(s.port, address, timeout=3)
                conns.append(x)
                x.send(b'GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n')
                served += x.response().status == 200
            except (OSError, Closed):
                pass
        for x in conns:
            x.close()
        equal(served, 256)
    with t.case('they are taken again once some are closed'):
        if not address:
            raise Skip('this machine has no other address')
        until('served', 5, lambda: status_of(address) == 200)


with Server(t, env={'CONNECTIONS_PER_ADDRESS': '4'}) as s:
    with t.case('CONNECTIONS_PER_ADDRESS=4: the fifth is not served, a sixth is after a close'):
        time.sleep(0.5)  # the connection that asked whether it is ready is gone then
        conns = [Conn(s.port) for _ in range(4)]
        for x in conns:
            x.send(b'GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n')
            equal(x.response().status, 200)
        need(status_of('127.0.0.1') in (0, 503), 'the fifth connection was served')
        with Conn(s.port) as x:
            x.send(b'GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n')
            r = x.response()
        check_problem(r, 503)
        need(r.get('x-request-id'), r)
        equal(r.json()['request_id'], r.get('x-request-id'))
        conns.pop().close()
        until('served again', 5, lambda: status_of('127.0.0.1') == 200)
        for x in conns:
            x.close()
t.done()
