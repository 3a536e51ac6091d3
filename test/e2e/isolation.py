#!/usr/bin/env python3
"""No tenant ever sees another's bytes. The routes come from the OpenAPI
document, so a new one is covered as soon as it is documented.

Every tenant holds texts that nobody else may see: markers in names and
descriptions, its ids, ETags and cursors. Each route is asked in every way of
naming a tenant, with ids, cursors, ETags, idempotency keys and event ids of
another one; each answer, head and body, is searched for foreign markers, and
in the end each tenant must hold exactly what it wrote itself."""
import json
import os
import random
import sys
import threading
from urllib.parse import quote

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'harness'))
from rowhouse_test import *

t = Tap()
seed = int(os.environ.get('ROWHOUSE_TEST_SEED', random.SystemRandom().randrange(1 << 32)))
rng = random.Random(seed)
note('ROWHOUSE_TEST_SEED=%d' % seed)
s = Server(t, env={'HANDLER_TIMEOUT': '10s'})
NAMES = ['alpha', 'beta', 'gamma', 'default']
METHODS = ('get', 'head', 'post', 'patch', 'put', 'delete', 'options')
c = s.client(keep=True)


class Tenant:
    def __init__(self, name):
        self.name = name
        self.marker = 'MARK%024xEND' % rng.getrandbits(96)
        self.secrets = {self.marker}
        self.ids, self.etags, self.key = [], [], 'key-%024x' % rng.getrandbits(96)
        body = [{'name': '%s %d' % (self.marker, i), 'description': self.marker} for i in range(30)]
        for x in c.post('/api/items:batch', json=body, tenant=name).json():
            self.ids.append(x['id'])
            self.secrets.add(x['id'])
        for i in self.ids[:3]:
            etag = c.get('/api/items/' + i, tenant=name).get('etag')
            self.etags.append(etag)
            self.secrets.add(etag.strip('"'))
        r = c.post('/api/items', [('Idempotency-Key', self.key)], json=self.body(), tenant=name)
        self.ids.append(created(r)['id'])
        self.secrets.add(r.json()['id'])
        link = next_target(c.get('/api/items?limit=3', tenant=name), '/api/items')
        self.cursor = link.split('cursor=')[1].split('&')[0]
        self.secrets.add(self.cursor)

    def body(self):
        return {'name': self.marker + ' keyed', 'description': None}

    def state(self):
        return sorted((x['id'], x['name'], x['description'], x['updated_at'])
                      for p in walk(c, '/api/items?limit=1000', tenant=self.name) for x in p.json())


with t.case('tenants with secrets of their own'):
    tenants = [Tenant(n) for n in NAMES]
    document = c.get('/api/openapi.json').json()


def resolve(schema):
    while '$ref' in schema:
        node = document
        for part in schema['$ref'].lstrip('#/').split('/'):
            node = node[part.replace('~1', '/').replace('~0', '~')]
        schema = node
    return schema


def sample(schema, text):
    """A value that fits the schema, with text wherever a text may stand."""
    schema = resolve(schema)
    for many in ('oneOf', 'anyOf', 'allOf'):
        if many in schema:
            return sample(schema[many][0], text)
    if 'enum' in schema:
        return schema['enum'][0]
    kind = schema.get('type')
    kind = kind[0] if isinstance(kind, list) else kind
    if kind == 'object' or 'properties' in schema:
        wanted = schema.get('required') or list(schema.get('properties', {}))[:2]
        return {k: sample(schema['properties'][k], text) for k in wanted}
    if kind == 'array':
        return [sample(schema['items'], text)]
    return {'integer': 1, 'number': 1, 'boolean': True, 'null': None}.get(kind, text)


class Op:
    def __init__(self, method, path, node, shared):
        self.method, self.path, self.node = method.upper(), path, node
        self.params = [resolve(p) for p in list(shared) + node.get('parameters', [])]
        self.body = resolve(node.get('requestBody', {})).get('content', {})
        names = [p['name'] for p in self.params if p['in'] == 'path']
        self.tenant_param = next((n for n in names if n in ('t', 'tenant')), None)
        self.id_params = [n for n in names if n != self.tenant_param]
        self.query = [p['name'] for p in self.params if p['in'] == 'query']
        produced = {m for r in node['responses'].values() for m in resolve(r).get('content', {})}
        self.stream = 'text/event-stream' in produced
        self.types = sorted(m for m in produced if not m.startswith(('application/problem', 'text/event')))

    def target(self, tenant, item, query=''):
        path = self.path
        if self.tenant_param:
            path = path.replace('{%s}' % self.tenant_param, quote(tenant, safe=''))
        for n in self.id_params:
            path = path.replace('{%s}' % n, quote(item, safe=''))
        return path + query


ops = [Op(m, p, n, item.get('parameters', [])) for p, item in sorted(document['paths'].items())
       for m, n in sorted(item.items()) if m in METHODS]
# routes that are about all tenants: names may stand there, secrets not
NO_TENANT = {'/', '/api/tenants', '/health', '/livez', '/readyz', '/api/openapi.json'}


def check(r, me, what):
    """Nothing of anybody else in an answer; what the request itself said may come back."""
    whole = r.head + r.body
    asked = r.request
    for other in tenants:
        if other is me:
            continue
        for secret in other.secrets:
            raw = secret.encode()
            if raw in whole and raw not in asked:
                fail('%s: a secret of %s: %s' % (what, other.name, secret), r)
            if raw in whole and r.status < 300 and secret == other.marker:
                fail('%s: the marker of %s' % (what, other.name), r)


def ways(op, me, other):
    """(name, target's tenant, headers): all of them resolve to me."""
    out = [('header over path', other.name, [('X-Tenant', me.name)]),
           ('header over host', me.name, [('X-Tenant', me.name), ('Host', other.name + '.localhost')]),
           ('header over host and path', other.name, [('X-Tenant', me.name), ('Host', other.name + '.localhost')]),
           ('host', other.name, [('Host', me.name + '.localhost')])]
    if op.tenant_param:
        out.append(('path', me.name, []))
    elif me.name == 'default':
        out.append(('nothing', me.name, []))
    return out


def variants(op, me, other):
    """(name, item, query, headers): with what belongs to somebody else."""
    mine, theirs = rng.choice(me.ids[1:]), rng.choice(other.ids)
    cursors = '?cursor=' + quote(other.cursor) if 'cursor' in op.query else '?limit=2'
    return [('plain', mine, '', []),
            ('foreign id', theirs, '', []),
            ('foreign cursor', mine, cursors, []),
            ('foreign If-None-Match', mine, '', [('If-None-Match', other.etags[0])]),
            ('foreign id and its ETag', other.ids[0], '', [('If-None-Match', other.etags[0])]),
            ('foreign id and If-Match', other.ids[0], '', [('If-Match', other.etags[0])]),
            ('foreign id, If-Match: *', theirs, '', [('If-Match', '*')]),
            ('foreign key', mine, '', [('Idempotency-Key', other.key)]),
            ('foreign event', mine, '', [('Last-Event-ID', '1')]),
            ('foreign name in Referer, Origin, Forwarded', mine, '', [
                ('Referer', 'http://localhost/tenant/' + other.name), ('X-Forwarded-Host', other.name + '.localhost'),
                ('Forwarded', 'host=%s.localhost' % other.name), ('Cookie', 'tenant=' + other.name)])]


def ask(op, me, way, variant):
    _, place, headers = way
    _, item, query, more = variant
    target = op.target(place, item, query)
    text = me.marker + ' written'
    kind, body = None, None
    if op.body:
        kind = rng.choice(sorted(op.body))
        value = sample(op.body[kind].get('schema', {}), text)
        if kind == 'application/x-www-form-urlencoded':
            value = {k: v for k, v in value.items() if v is not None}
            if op.path == '/':
                value = {k: me.name for k in value}
            body = encode_form(value)
        else:
            body = json.dumps(value).encode()
    if op.types and rng.random() < 0.7:
        more = more + [('Accept', rng.choice(op.types))]
    return c.request(op.method, target, headers + more, body=body, kind=kind)


class Watch(threading.Thread):
    """Keeps a tenant's stream open and all its bytes."""

    def __init__(self, me):
        super().__init__(daemon=True)
        self.me, self.raw = me, b''
        self.conn = Conn(s.port, timeout=120)
        self.conn.send(build('GET', '/api/events', [('X-Tenant', me.name)], None))
        need(self.conn.head().status == 200)
        self.start()

    def run(self):
        try:
            while self.conn.fill():
                self.raw, self.conn.buf = self.raw + self.conn.buf, b''
        except OSError:
            pass


def read_until(conn, mark):
    while mark not in conn.buf:
        need(conn.fill(), 'the stream ended before %r' % mark, conn.buf)


def event_id(conn):
    """The id of the event with `tick` in it."""
    read_until(conn, b'tick')
    while True:
        lines = conn.buf.replace(b'\r', b'').split(b'\n')
        ids = [x[3:].strip() for x in lines[:-1] if x.startswith(b'id:')]
        if ids and conn.buf.replace(b'\r', b'').split(b'tick')[1].count(b'\n\n'):
            return ids[-1].decode()
        need(conn.fill(), 'the stream ended', conn.buf)


with t.case('every tenant route has a form by header, host or path'):
    need(len(ops) >= 15, [(o.method, o.path) for o in ops])
    need(any(o.stream for o in ops) and any(o.tenant_param for o in ops))
watches = [Watch(x) for x in tenants]
asked = 0
for op in ops:
    if op.stream:
        continue
    with t.case('%s %s shows and changes nothing of another tenant' % (op.method, op.path)):
        work = [(me, way, variant) for me in tenants for other in [rng.choice([x for x in tenants if x is not me])]
                for way in ways(op, me, other) for variant in variants(op, me, other)]
        rng.shuffle(work)
        before = {x.name: x.state() for x in tenants}
        if op.method == 'GET':
            for me, way, variant in work:
                r = ask(op, me, way, variant)
                asked += 1
                need(r.status < 500, r)
                if variant[0] == 'foreign cursor' and 'cursor' in op.query:
                    need(r.status in (400, 406), 'a cursor of another tenant was taken', r)
                if op.path in NO_TENANT:
                    me = None
                check(r, me, '%s, %s' % (way[0], variant[0]))
            equal({x.name: x.state() for x in tenants}, before, 'a GET changed something')
            continue
        for me, way, variant in work[:160]:
            r = ask(op, me, way, variant)
            asked += 1
            need(r.status < 500, r)
            check(r, me if op.path not in NO_TENANT else None, '%s, %s' % (way[0], variant[0]))
        for me in tenants:
            after = me.state()
            for row in after:
                for other in tenants:
                    need(other is me or other.marker not in str(row), '%s holds what %s wrote' % (me.name, other.name), row)
            lost = {x[0] for x in before[me.name]} - {x[0] for x in after}
            need(op.method == 'DELETE' or 'delete' in op.path or not lost, 'items of %s are gone' % me.name, lost)
            me.ids = me.ids[:1] + [i for i in me.ids[1:] if i not in lost]
            if len(me.ids) < 10:
                more = c.post('/api/items:batch', json=[{'name': me.marker}] * 30, tenant=me.name).json()
                me.ids += [x['id'] for x in more]
            me.secrets |= {x[0] for x in me.state()}

with t.case('deleting by a foreign id deletes nothing'):
    for op in ops:
        if op.stream or op.method not in ('DELETE', 'PATCH', 'POST') or not op.id_params:
            continue
        for me in tenants:
            for other in tenants:
                if other is me:
                    continue
                state = other.state()
                for way in ways(op, me, other):
                    victim = rng.choice(state)[0]
                    r = ask(op, me, way, ('foreign', victim, '', []))
                    need(r.status in (400, 404, 406, 412, 415, 422), 'wanted 404', r)
                equal(other.state(), state, other.name)

with t.case("another tenant's key with its very bytes makes an item of one's own"):
    for other in tenants:
        for how in ([('X-Tenant', 'thief-' + other.name)], [('Host', 'thief-%s.localhost' % other.name)]):
            r = c.post('/api/items', how + [('Idempotency-Key', other.key)], json=other.body())
            equal(r.status, 201, r)
            need(r.json()['id'] not in other.secrets, r)

with t.case('streams: each tenant saw its own events only'):
    for me in tenants:
        created(c.post('/api/items', json={'name': me.marker + ' last'}, tenant=me.name))
    for w in watches:
        until('the last event of ' + w.me.name, 10, lambda: (w.me.marker + ' last').encode() in w.raw)
        for other in tenants:
            need(other is w.me or other.marker.encode() not in w.raw, '%s saw %s' % (w.me.name, other.name))
        w.conn.sock.close()

for op in [o for o in ops if o.stream]:
    with t.case('%s %s with the event id of another tenant' % (op.method, op.path)):
        for me in tenants[:2]:
            other = tenants[2]
            w = Conn(s.port, timeout=20)
            w.send(build('GET', op.target(other.name, ''), [('X-Tenant', other.name)], None))
            w.head()
            created(c.post('/api/items', json={'name': other.marker + ' tick'}, tenant=other.name))
            line = event_id(w)
            w.close()
            for way in ways(op, me, other):
                with Conn(s.port, timeout=5) as v:
                    v.send(build('GET', op.target(way[1], ''), way[2] + [
                        ('Last-Event-ID', line)], None))
                    r = v.head()
                    equal(r.status, 200, r)
                    created(c.post('/api/items', json={'name': me.marker + ' tock'}, tenant=me.name))
                    read_until(v, (me.marker + ' tock').encode())
                    need(other.marker.encode() not in v.buf, '%s by %s' % (me.name, way[0]), v.buf)

with t.case('the files hold one tenant each'):
    s.stop()
    for me in tenants:
        for suffix in ('.db', '.db-wal'):
            if not os.path.exists(s.file(me.name, suffix)):
                continue
            with open(s.file(me.name, suffix), 'rb') as f:
                raw = f.read()
            for other in tenants:
                if other is not me:
                    need(other.marker.encode() not in raw, 'the file of %s has bytes of %s' % (me.name, other.name))
        integrity(s.file(me.name))
note('%d requests' % asked)
t.done()
