#!/usr/bin/env python3
"""Which tenant a request is for: the order of header, host, path and default;
names that are refused wherever they stand; base domains; who creates one."""
import os
import sys
from urllib.parse import quote

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'harness'))
from rowhouse_test import *

t = Tap()
ALL = ('byheader', 'byhost', 'bypath', 'default', 'www', 'acme', 'a', 'b', 'tenant1', 'demo', 'x',
       'eu', 'localhost', 'example', '127', '1', 'n' * 63)


def serve(**env):
    """A server whose every tenant has one item that says its name."""
    s = Server(t, env=env)
    for name in ALL:
        created(s.client().post('/api/items', json={'name': name}, tenant=name))
    return s


def whose(s, target, host=None, tenant=None, headers=()):
    headers = list(headers) + ([('Host', host)] if host is not None else [])
    r = s.client().get(target, headers, tenant=tenant)
    if r.status != 200:
        return r.status, r
    names = [x['name'] for x in r.json()]
    return (names[0] if len(names) == 1 else names), r


def files(s):
    return sorted(f for f in os.listdir(s.path) if f.endswith('.db'))


with t.case('the server starts with tenants of its own'):
    s = serve()

H, D, P = 'byheader', 'byhost.localhost', '/tenant/bypath/items'
for tenant, host, target, wanted in (
        (H, D, P, 'byheader'), (H, D, '/api/items', 'byheader'), (H, None, P, 'byheader'),
        (H, None, '/api/items', 'byheader'), (None, D, P, 'byhost'), (None, D, '/api/items', 'byhost'),
        (None, None, P, 'bypath'), (None, None, '/api/items', 'default')):
    with t.case('X-Tenant %s, Host %s, %s: %s' % (tenant, host, target, wanted)):
        got, r = whose(s, target, host, tenant)
        equal(got, wanted, r)

for tenant, host, wanted in ((H, D, 'byheader'), (None, D, 'byhost'), (None, None, 'bypath')):
    with t.case('the higher one wins on the page too: %s %s' % (tenant, host)):
        r = s.client().get('/tenant/bypath', [('Host', host)] if host else [], tenant=tenant)
        equal((r.status, r.media), (200, 'text/html'), r)
        need(wanted in r.text(), 'the page of %s' % wanted, r)
        others = {'byheader', 'byhost'} - {wanted}
        need(not any(o in r.text() for o in others if o != (host or '').split('.')[0]), r)

for wrong in ('X-TENANT', 'x-tenant'):
    with t.case('the name of the header has no case: ' + wrong):
        got, r = whose(s, '/api/items', headers=[(wrong, 'acme')])
        equal(got, 'acme', r)

BAD = ['-a', '_a', 'a.b', 'a b', 'a/b', '.', '..', '../x', '..\\x', 'n' * 64, 'n' * 1000, 'é', 'a!',
       'a,b', 'a;b', 'a%2fb', 'a:b', 'a\tb', '"a"', 'a@b', 'acme-pos', 'acme-lock', 'acme-journal',
       'acme-wal', 'acme-shm', 'ACME-WAL', 'a-Pos', '\u212aelvin', 'acme.db', '*', '%', '?']
for bad in BAD:
    with t.case('X-Tenant %r is 400 and states the rule' % (bad[:30],)):
        r = s.client().get('/api/items', tenant=bad)
        p = check_problem(r, 400)
        need('a-z' in p['detail'] or 'letter' in p['detail'] or '63' in p['detail']
             or any(x in p['detail'] for x in ('-wal', '-pos')), 'no rule in the detail', r)

for bad in BAD:
    with t.case('path %r is 400' % (bad[:30],)):
        for tail in ('/items', ''):
            target = '/tenant/' + quote(bad, safe='') + tail
            if bad in ('.', '..'):
                target = '/tenant/' + bad.replace('.', '%2e') + tail
            r = s.client().get(target, [('Accept', 'application/json, text/html;q=0.5')])
            need(r.status == 400, 'wanted 400', r)

for target in ('/tenant/..%2fescaped/items', '/tenant/%2e%2e%2fescaped', '/tenant/%00/items',
               '/tenant/a%00b/items', '/tenant/%zz/items', '/tenant/a%/items', '/tenant/a%2/items',
               '/tenant/%ff/items', '/tenant/a%0ab/items', '/tenant/%c0%ae/items',
               '/tenant/a+b/items', '/tenant/..;/items', '/tenant/a%20/items', '/tenant/%20a/items'):
    with t.case('%s is 400' % target):
        r = s.client().get(target)
        need(r.status == 400, 'wanted 400', r)
with t.case('/tenant//items has no name: 400 or no such route'):
    r = s.client().get('/tenant//items')
    one_of(r.status, (400, 404), r)
with t.case('a raw .. in the path never leaves its place'):
    for target in ('/tenant/../api/items', '/tenant/./items', '/tenant/acme/../b/items'):
        r = s.client().get(target)
        one_of(r.status, (400, 404), r)
with t.case('an encoded good name is the same tenant'):
    for target in ('/tenant/%61cme/items', '/tenant/ACME/items', '/tenant/%41%43ME/items'):
        got, r = whose(s, target)
        equal(got, 'acme', r)

with t.case('no file came of all these names, inside or outside the folder'):
    equal(files(s), sorted(n + '.db' for n in ALL))
    equal([f for f in os.listdir(s.root) if 'escaped' in f or f.endswith('.db')], [])

with t.case('an empty X-Tenant is 400'):
    check_problem(s.client().get('/api/items', [('X-Tenant', '')]), 400)
with t.case('an X-Tenant of blanks is 400'):
    check_problem(s.client().get('/api/items', [('X-Tenant', '  ')]), 400)
for pair in (('acme', 'b'), ('acme', 'acme'), ('acme', '')):
    with t.case('two X-Tenant headers are 400: %s, %s' % pair):
        check_problem(s.client().get('/api/items', [('X-Tenant', x) for x in pair]), 400)

with t.case('a bad tenant is 400 on / and /api/tenants, not on what knows no tenants'):
    for headers in ([('X-Tenant', 'a'), ('X-Tenant', 'a')], [('X-Tenant', '')], [('X-Tenant', '-a')],
                    [('Host', '-a.localhost')], [('Host', 'a.b.localhost')]):
        for target in ('/', '/api/tenants'):
            equal(s.client().get(target, headers).status, 400, target, headers)
        for target in ('/health', '/livez', '/readyz', '/api/openapi.json'):
            equal(s.client().get(target, headers).status, 200, target, headers)
    equal(s.client().get('/api/tenants', tenant='fine').status, 200)
with t.case('a bad name below a good one is 400 all the same'):
    check_problem(s.client().get('/tenant/-bad/items', tenant='acme'), 400)
    check_problem(s.client().get('/api/items', [('Host', '-bad.localhost')], tenant='acme'), 400)
    check_problem(s.client().get('/tenant/-bad/items', [('Host', 'acme.localhost')]), 400)
    check_problem(s.client().get('/tenant/acme/items', [('Host', '-bad.localhost')]), 400)
    check_problem(s.client().get('/tenant/acme/items', tenant=''), 400)
    check_problem(s.client().get('/tenant/acme/items', tenant='-bad'), 400)

with t.case('a name of 63 characters is good everywhere'):
    for args in (('/api/items', None, 'n' * 63), ('/tenant/%s/items' % ('n' * 63), None, None),
                 ('/api/items', 'n' * 63 + '.localhost', None)):
        got, r = whose(s, *args)
        equal(got, 'n' * 63, r)
with t.case('names fold to lower case'):
    for args in (('/api/items', None, 'ACME'), ('/tenant/Acme/items', None, None),
                 ('/api/items', 'aCmE.LocalHost', None)):
        got, r = whose(s, *args)
        equal(got, 'acme', r)
with t.case('blanks around the header are not part of it'):
    got, r = whose(s, '/api/items', tenant='  acme \t')
    equal(got, 'acme', r)

LONG = ('l' * 63 + '.') * 4
UNSET = [('localhost', 'default'), ('localhost:8080', 'default'), ('localhost.', 'default'),
         ('LOCALHOST', 'default'), ('acme.localhost', 'acme'), ('acme.localhost:8080', 'acme'),
         ('acme.localhost.', 'acme'), ('acme.localhost.:8080', 'acme'), ('www.localhost', 'www'),
         ('a.b.localhost', 400), ('a.b.c.localhost', 400), ('.localhost', 400), ('..localhost', 400),
         ('acme.localhost..', 400), ('localhost..', 400), ('acme..localhost', 400), ('acme.example.com..', 400),
         ('acme..example.com', 400), ('acme.localhost..:8080', 400),
         ('127.0.0.1', 'default'), ('127.0.0.1:8080', 'default'), ('1.2.3.4', 'default'),
         ('192.168.10.20:9', 'default'), ('[::1]', 'default'), ('[::1]:8080', 'default'),
         ('[2001:db8::1]', 'default'), ('1.2.3.4.', 'default'), ('evillocalhost', 'default'),
         ('x', 'default'), ('example.com', 'default'), ('example.com:80', 'default'),
         ('tenant1.example.com', 'tenant1'), ('tenant1.example.com:8080', 'tenant1'),
         ('www.example.com', 'default'), ('www.acme.example.com', 'acme'),
         ('WWW.acme.example.com.', 'acme'), ('a.b.example.com', 'a'), ('acme.example.co.uk', 'acme'),
         ('-x.example.com', 400), ('_x.example.com', 400), ('acme-wal.localhost', 400),
         ('acme-pos.example.com', 400), ('n' * 64 + '.localhost', 400), ('localhost.example.com', 'localhost')]


def host_table(s, title, table):
    for host, wanted in table:
        with t.case('%s: Host %s is %s' % (title, host, wanted)):
            got, r = whose(s, '/api/items', host)
            equal(got, wanted, r)
            if wanted == 400:
                check_problem(r, 400)


host_table(s, 'BASE_DOMAIN unset', UNSET)

with t.case('a bad host name does not bother /health'):
    r = s.client().get('/health', [('Host', '10.1.2.3:8080')])
    equal((r.status, r.body.strip()), (200, b'OK'), r)

with t.case('SIGTERM ends the server with 0'):
    s.stop()

with serve(BASE_DOMAIN='Example.com, example.org,eu.example.com') as s:
    host_table(s, 'BASE_DOMAIN list', [
        ('example.com', 'default'), ('a.example.com', 'a'), ('A.EXAMPLE.COM:1', 'a'),
        ('b.example.org', 'b'), ('b.example.org.', 'b'), ('www.example.com', 'www'),
        ('a.b.example.com', 400), ('eu.example.com', 'default'), ('a.eu.example.com', 'a'),
        ('a.b.eu.example.com', 400), ('-x.example.com', 400), ('acme.localhost', 'default'),
        ('localhost', 'default'), ('tenant1.other.net', 'default'), ('xexample.com', 'default'),
        ('a.xexample.com', 'default'), ('127.0.0.1', 'default'), ('1.2.3.4', 'default'),
        ('[::1]:80', 'default')])

with serve(FLY_APP_NAME='demo') as s:
    host_table(s, 'FLY_APP_NAME=demo', [
        ('demo.fly.dev', 'default'), ('acme.demo.fly.dev', 'acme'), ('acme.demo.fly.dev:443', 'acme'),
        ('a.b.demo.fly.dev', 400), ('acme.localhost', 'acme'), ('localhost', 'default'),
        ('tenant1.example.com', 'tenant1')])
t.done()
