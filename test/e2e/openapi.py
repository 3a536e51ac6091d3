#!/usr/bin/env python3
"""The OpenAPI document: well-formed 3.1, true of the server, and complete."""
import os
import re
import sys
from urllib.parse import quote, urlsplit

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'harness'))
from rowhouse_test import *

t = Tap()
s = Server(t)
c = s.client()
METHODS = ('get', 'put', 'post', 'delete', 'options', 'head', 'patch', 'trace')
with t.case('GET /api/openapi.json'):
    r = c.get('/api/openapi.json')
    equal(r.status, 200, r)
    need(r.media in ('application/json', 'application/vnd.oai.openapi+json'), r)
    doc = r.json()
with t.case('it is OpenAPI 3.1 with title and version'):
    need(re.match(r'^3\.1\.\d+$', doc['openapi']), doc['openapi'])
    need(doc['info']['title'] and doc['info']['version'], doc['info'])


def deref(ref):
    need(ref.startswith('#/'), ref)
    node = doc
    for part in ref[2:].split('/'):
        node = node[part.replace('~1', '/').replace('~0', '~')]
    return node


def walk_nodes(node, at='#'):
    yield at, node
    children = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for k, v in children:
        yield from walk_nodes(v, '%s/%s' % (at, k))


with t.case('every $ref leads somewhere'):
    refs = [n['$ref'] for _, n in walk_nodes(doc) if isinstance(n, dict) and isinstance(n.get('$ref'), str)]
    for ref in refs:
        deref(ref)
with t.case('every component is used'):
    for kind, entries in doc.get('components', {}).items():
        for name in entries:
            ref = '#/components/%s/%s' % (kind, name)
            need(ref in refs or kind == 'securitySchemes', 'unused: ' + ref)
ops = [(m, p, n, item) for p, item in doc['paths'].items() for m, n in item.items() if m in METHODS]
with t.case('operation ids are there and differ; every operation has a summary'):
    ids = [n.get('operationId') for _, _, n, _ in ops]
    equal(len(set(ids)), len(ids))
    need(all(ids) and all(n.get('summary') for _, _, n, _ in ops))
for m, p, n, item in ops:
    params = [deref(x['$ref']) if '$ref' in x else x for x in item.get('parameters', []) + n.get('parameters', [])]
    with t.case('%s %s: parameters and responses are described' % (m.upper(), p)):
        in_path = sorted(x['name'] for x in params if x['in'] == 'path')
        equal(in_path, sorted(re.findall(r'\{([^}]+)\}', p)))
        for x in params:
            need(x['in'] in ('path', 'query', 'header') and ('schema' in x or 'content' in x), x)
            need(x['in'] != 'path' or x.get('required') is True, x)
        keys = [(x['in'], x['name'].lower()) for x in params]
        equal(len(keys), len(set(keys)), keys)
        need(n['responses'], 'no responses')
        for status, response in n['responses'].items():
            need(re.match(r'^([1-5]\d\d|[1-5]XX|default)$', status), status)
            response = deref(response['$ref']) if '$ref' in response else response
            need(response.get('description') is not None, status)
        need(any(x[0] in '23' for x in n['responses']), 'no success', list(n['responses']))
        need(m in ('post', 'patch', 'put') or 'requestBody' not in n, 'a body on ' + m)

# what the contract names must be in it
WANTED = [('get', '/'), ('post', '/'), ('get', '/api/tenants'), ('get', '/tenant/{}'), ('get', '/api/items'),
          ('post', '/api/items'), ('get', '/api/items/{}'), ('patch', '/api/items/{}'), ('delete', '/api/items/{}'),
          ('get', '/tenant/{}/items'), ('post', '/tenant/{}/items'), ('get', '/tenant/{}/items/{}'),
          ('patch', '/tenant/{}/items/{}'), ('delete', '/tenant/{}/items/{}'), ('post', '/api/items:batch'),
          ('post', '/tenant/{}/items:batch'), ('get', '/health'), ('get', '/livez'), ('get', '/readyz'),
          ('get', '/api/openapi.json'), ('get', '/tenant/{}/events'), ('get', '/api/events')]
have = {(m, re.sub(r'\{[^}]+\}', '{}', p)) for m, p, _, _ in ops}
for m, p in WANTED:
    with t.case('%s %s is in the document' % (m.upper(), p)):
        need((m, p) in have, sorted(have))

ITEM = created(c.post('/tenant/doc/items', json={'name': 'documented'}))


def fill(path, tenant='doc', item=ITEM['id']):
    names = re.findall(r'\{([^}]+)\}', path)
    for name in names:
        path = path.replace('{%s}' % name, quote(tenant if name in ('t', 'tenant') else item))
    return path


def described(n, status):
    return any(x in n['responses'] for x in (str(status), '%dXX' % (status // 100), 'default'))


def matches(n, r):
    """The answer is one that the document describes: status and media type."""
    need(described(n, r.status), 'status %d is not described: %s' % (r.status, sorted(n['responses'])), r)
    key = next(x for x in (str(r.status), '%dXX' % (r.status // 100), 'default') if x in n['responses'])
    response = n['responses'][key]
    response = deref(response['$ref']) if '$ref' in response else response
    if r.body:
        need(r.media in [x.split(';')[0].strip() for x in response.get('content', {})],
             'media type %s is not described for %d: %s' % (r.media, r.status, sorted(response.get('content', {}))), r)


def stream_head(target, headers):
    with Conn(s.port) as x:
        x.send(build('GET', target, headers, None))
        r = x.head()
        return r if r.media == 'text/event-stream' else None


for m, p, n, item in ops:
    with t.case('%s %s answers as described' % (m.upper(), p)):
        target = fill(p)
        produced = {x.split(';')[0] for v in n['responses'].values()
                    for x in (deref(v['$ref']) if '$ref' in v else v).get('content', {})}
        if 'text/event-stream' in produced:
            r = stream_head(target, [('X-Tenant', 'doc')])
            need(r is not None and r.status == 200, target)
            continue
        for accept in [None, 'text/html', 'application/json', 'image/png']:
            headers = [('Accept', accept)] if accept else []
            if m in ('get', 'head'):
                matches(n, c.request(m.upper(), target, headers, tenant='doc'))
        matches(n, c.request(m.upper(), target, tenant='-bad')) if '{t' in p or p.startswith('/api/items') else None
        if m in ('post', 'patch'):
            for kind in ('application/json', 'application/x-www-form-urlencoded', 'text/plain', 'image/png'):
                for body in (b'', b'{', b'{}', b'[]', b'name=', b'x' * (9 << 20)):
                    r = c.request(m.upper(), target, body=body, kind=kind, tenant='doc')
                    matches(n, r)
                    need(r.status < 500, r)
        if m == 'delete' or 'delete' in p:
            gone = created(c.post('/api/items', json={'name': 'gone'}, tenant='doc'))
            r = c.request(m.upper(), fill(p, item=gone['id']), tenant='doc', form={} if m == 'post' else None)
            matches(n, r)
            need(r.status < 400, r)
        matches(n, c.request(m.upper(), fill(p, item='nope'), tenant='doc'))
with t.case('OPTIONS tells what the document tells'):
    for p, item in doc['paths'].items():
        r = c.options(fill(p), tenant='doc')
        told = set(r.tokens('allow')) - {'options', 'head'}
        equal(told, {m for m in item if m in METHODS} - {'options', 'head'}, p, r)
with t.case('what the document does not have is 404 or 405'):
    templates = [(m, re.compile('^' + re.sub(r'\\\{[^}]+\\\}', '[^/]+', re.escape(p)) + '$')) for m, p, _, _ in ops]
    tried = ['/', '/health', '/livez', '/readyz', '/api', '/api/items', '/api/items/x', '/api/items:batch', '/api/tenants',
             '/api/tenants/x', '/api/events', '/api/openapi.json', '/api/openapi', '/openapi.json', '/docs', '/tenant',
             '/tenants', '/tenant/doc', '/tenant/doc/items', '/tenant/doc/items/x', '/tenant/doc/items/x/edit',
             '/tenant/doc/items/x/delete', '/tenant/doc/items:batch', '/tenant/doc/events', '/tenant/doc/settings',
             '/tenant/doc/delete', '/metrics', '/admin', '/healthz', '/ready', '/live', '/static', '/favicon.ico',
             '/robots.txt', '/debug', '/api/items/x/y']
    for target in tried:
        for method in ('GET', 'POST', 'PUT', 'PATCH', 'DELETE'):
            known = any(m == method.lower() and x.match(target) for m, x in templates)
            if known:
                continue
            r = c.request(method, target, body=b'' if method != 'GET' else None)
            one_of(r.status, (404, 405), '%s %s is not in the document' % (method, target), r)
with t.case('every link and form of the pages leads to a documented route'):
    todo, seen = ['/', '/tenant/doc', '/tenant/doc/items'], set()
    while todo and len(seen) < 60:
        target = todo.pop()
        path = urlsplit(target).path
        if target in seen:
            continue
        seen.add(target)
        need(any(m == 'get' and x.match(path) for m, x in templates), 'GET %s is not documented' % path)
        r = c.get(target, [('Accept', 'text/html')] if 'openapi' not in target else [])
        need(r.status in (200, 404), r)
        if r.media != 'text/html':
            continue
        page = Page(r.text(), target)
        todo += [x for x in page.links if x not in seen]
        for f in page.forms:
            need(any(m == f.method and x.match(urlsplit(f.action).path) for m, x in templates),
                 '%s %s is not documented' % (f.method, f.action))
with t.case('an item fits its schema, by name and by type'):
    response = [n for m, p, n, _ in ops if m == 'get' and re.sub(r'\{[^}]+\}', '{}', p) == '/api/items/{}'][0]['responses']['200']
    response = deref(response['$ref']) if '$ref' in response else response
    schema = response['content']['application/json']['schema']
    schema = deref(schema['$ref']) if '$ref' in schema else schema
    equal(set(schema['properties']), set(ITEM), schema)
    equal(set(schema.get('required', [])), set(ITEM), schema)
with t.case('the server is well'):
    equal(s.client().get('/health').status, 200)
with t.case('SIGTERM ends the server with 0'):
    s.stop()
t.done()
