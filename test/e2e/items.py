#!/usr/bin/env python3
"""Items: create, read, list, merge patch, delete, batch; every rule of their
fields, counted in code points; ids and times."""
import json
import os
import re
import sys
import uuid

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'harness'))
from rowhouse_test import *

t = Tap()
s = Server(t)
c = s.client(tenant='items', keep=True)
GRIN = '\U0001f600'


def make(**fields):
    return created(c.post('/api/items', json=dict({'name': 'thing'}, **fields)))


for form, base, tenant in (('header', '/api/items', 'forms'),
                           ('path', '/tenant/forms/items', None)):
    with t.case('by %s: POST answers 201, Location, ETag and the item' % form):
        r = s.client().post(base, json={'name': 'n', 'description': 'd'}, tenant=tenant)
        item = created(r)
        equal((item['name'], item['description']), ('n', 'd'), r)
        equal(r.get('location'), '%s/%s' % (base, item['id']), r)
        need(ETAG.match(r.get('etag') or ''), 'no strong ETag', r)
    with t.case('by %s: Location gives the item back' % form):
        g = s.client().get(r.get('location'), tenant=tenant)
        equal((g.status, g.media, g.json()), (200, 'application/json', item), g)
        equal(g.get('etag'), r.get('etag'), g)
    with t.case('by %s: PATCH changes what it names' % form):
        p = s.client().patch(r.get('location'), json={'description': 'e'}, tenant=tenant)
        equal(p.status, 200, p)
        after = check_item(p.json(), p)
        equal(dict(after, updated_at=0), dict(item, description='e', updated_at=0), p)
        need(after['updated_at'] >= item['updated_at'], p)
        need(p.get('etag') != r.get('etag'), 'the ETag did not change', p)
        equal(s.client().get(r.get('location'), tenant=tenant).json(), after)
    with t.case('by %s: DELETE is 204 without a body, then it is gone' % form):
        d = s.client().delete(r.get('location'), tenant=tenant)
        equal((d.status, d.body), (204, b''), d)
        need(d.get('content-length') in (None, '0'), d)
        for again in (s.client().get, s.client().delete):
            check_problem(again(r.get('location'), tenant=tenant), 404)
        gone = s.client().patch(r.get('location'), json={'name': 'x'}, tenant=tenant)
        check_problem(gone, 404)
        need(item['id'] not in [x['id'] for x in s.client().get(base, tenant=tenant).json()])

with t.case('both forms of a route meet in the same tenant'):
    item = created(s.client().post('/tenant/meet/items', json={'name': 'x'}))
    equal(s.client().get('/api/items/' + item['id'], tenant='meet').json(), item)
    equal(s.client().get('/api/items', tenant='meet').json(), [item])

with t.case('a missing description is null, and null is accepted'):
    equal(make()['description'], None)
    equal(make(description=None)['description'], None)
    equal(make(description='')['description'], '')

# name, accepted?
LONG = [('500 letters', 'x' * 500, True), ('501 letters', 'x' * 501, False),
        ('500 characters of four bytes', GRIN * 500, True),
        ('501 characters of four bytes', GRIN * 501, False),
        ('500 of two bytes', 'é' * 500, True), ('501 of two bytes', 'é' * 501, False),
        ('one character', 'x', True), ('empty', '', False), ('spaces', '   ', False),
        ('tab and spaces', ' \t ', False), ('a line break', 'a\nb', False),
        ('a tab inside', 'a\tb', False), ('U+0001', 'a\x01b', False), ('U+001F', 'a\x1f', False),
        ('U+007F', 'a\x7fb', False), ('a carriage return', 'a\rb', False),
        ('HTML', HOSTILE, True), ('quotes and backslash', '"\\\'', True),
        ('right to left', 'שלום עולם', True), ('combining marks', 'e\u0301\u0323', True),
        ('U+2028', 'a\u2028b', True), ('U+FFFF', 'a\uffffb', True),
        ('U+10FFFF', '\U0010ffff', True), ('SQL', "'); DROP TABLE items;--", True),
        ('spaces around', ' x ', True)]
for what, name, good in LONG:
    with t.case('name: %s is %s' % (what, 'accepted' if good else '422')):
        r = c.post('/api/items', json={'name': name})
        if good:
            equal(created(r)['name'], name)
            equal(c.get(r.get('location')).json()['name'], name, 'as it is stored')
        else:
            check_fields(r, 'name')

DESCRIPTIONS = [('10,000 letters', 'x' * 10000, True), ('10,001 letters', 'x' * 10001, False),
                ('10,000 characters of four bytes', GRIN * 10000, True),
                ('10,001 characters of four bytes', GRIN * 10001, False),
                ('line breaks', 'a\nb\r\nc', True), ('empty', '', True)]
for what, text, good in DESCRIPTIONS:
    with t.case('description: %s is %s' % (what, 'accepted' if good else '422')):
        r = c.post('/api/items', json={'name': 'x', 'description': text})
        if good:
            equal(created(r)['description'], text)
            equal(c.get(r.get('location')).json()['description'], text, 'as it is stored')
        else:
            check_fields(r, 'description')

WRONG = [({}, ['name']), ({'name': None}, ['name']), ({'name': 1}, ['name']),
         ({'name': 1.5}, ['name']), ({'name': True}, ['name']), ({'name': ['x']}, ['name']),
         ({'name': {'a': 'b'}}, ['name']), ({'name': 'x', 'description': 1}, ['description']),
         ({'name': 'x', 'description': ['a']}, ['description']),
         ({'name': 'x', 'description': False}, ['description']),
         ({'name': 'x', 'colour': 'red'}, ['colour']), ({'name': 'x', 'Name': 'y'}, ['Name']),
         ({'name': '', 'description': 7}, ['name', 'description']),
         ({'name': '', 'size': 7}, ['name', 'size']), ({'description': 'only'}, ['name']),
         ({'name': 'x', '': 1}, ['']), ({'name': 'x', '<b>"': 1}, ['<b>"'])]
for body, fields in WRONG:
    with t.case('POST %s: 422 that names %s' % (body, ', '.join(fields))):
        check_fields(c.post('/api/items', json=body), *fields)

for body in ('[]', '"x"', '1', 'null', 'true', '[{"name":"x"}]'):
    with t.case('POST %s: well-formed but no object is 422' % body):
        check_problem(c.post('/api/items', body=body, kind='application/json'), 422)

with t.case('id and times in a body are ignored, whatever they are'):
    mine = {'id': 'mine', 'created_at': '1999-01-01T00:00:00Z', 'updated_at': 5}
    item = make(**mine)
    need(item['id'] != 'mine' and not item['created_at'].startswith('1999'), item)
    p = c.patch('/api/items/' + item['id'], json=dict(mine, name='patched'))
    equal(p.status, 200, p)
    equal((p.json()['id'], p.json()['created_at']), (item['id'], item['created_at']), p)

PATCHES = [({}, {}), ({'name': 'new'}, {'name': 'new'}), ({'description': None}, {'description': None}),
           ({'name': 'a', 'description': 'b'}, {'name': 'a', 'description': 'b'}),
           ({'description': ''}, {'description': ''})]
for kind in ('application/merge-patch+json', 'application/json'):
    for patch, changed in PATCHES:
        with t.case('PATCH %s as %s' % (patch, kind)):
            item = make(name='old', description='text')
            r = c.patch('/api/items/' + item['id'], json=patch, kind=kind)
            equal(r.status, 200, r)
            wanted = dict({k: item[k] for k in ('id', 'created_at', 'name', 'description')}, **changed)
            equal({k: r.json()[k] for k in wanted}, wanted, r)
            equal(c.get('/api/items/' + item['id']).json(), r.json())

for patch, field in (({'name': None}, 'name'), ({'name': ''}, 'name'), ({'name': 3}, 'name'),
                     ({'name': 'x' * 501}, 'name'), ({'description': 'x' * 10001}, 'description'),
                     ({'description': {}}, 'description'), ({'colour': None}, 'colour'),
                     ({'name': ' \t'}, 'name')):
    with t.case('PATCH %s: 422, and nothing changes' % str(patch)[:60]):
        item = make(name='keep', description='this')
        check_fields(c.patch('/api/items/' + item['id'], json=patch), field)
        equal(c.get('/api/items/' + item['id']).json(), item)

for body in ('[]', '"x"', 'null', '3'):
    with t.case('PATCH %s is 422: no object' % body):
        item = make()
        r = c.patch('/api/items/' + item['id'], body=body, kind='application/json')
        check_problem(r, 422)

with t.case('an unknown id is 404 for each method'):
    for target in ('/api/items/' + str(uuid.UUID(int=7 << 76 | 2 << 62)), '/api/items/nope',
                   '/api/items/' + 'f' * 300):
        check_problem(c.get(target), 404)
        check_problem(c.delete(target), 404)
        check_problem(c.patch(target, json={'name': 'x'}), 404)

with t.case('an id is found whatever the case of its letters, or not at all'):
    item = make()
    r = c.get('/api/items/' + item['id'].upper())
    one_of(r.status, (200, 404), r)

with t.case('listing is newest first and ids rise with each POST'):
    ids = [created(c.post('/api/items', json={'name': 'n%d' % i}, tenant='order'))['id']
           for i in range(60)]
    equal(ids, sorted(ids), 'ids in the order of the POSTs')
    r = s.client().get('/api/items', tenant='order')
    equal([x['id'] for x in r.json()], ids[::-1])
    for x in r.json():
        check_item(x)

with t.case('ids rise over a restart too'):
    s.restart()
    c.close()
    later = created(c.post('/api/items', json={'name': 'after'}, tenant='order'))
    need(later['id'] > max(ids), later['id'], max(ids))

for base, tenant in (('/api/items:batch', 'batch'), ('/tenant/batch/items:batch', None)):
    for n in (1, 2, 1000):
        with t.case('%s of %d: 201 and the items in order' % (base, n)):
            names = ['b%d' % i for i in range(n)]
            r = c.post(base, json=[{'name': x, 'description': x + x} for x in names],
                       tenant=tenant or 'batch')
            equal((r.status, r.media), (201, 'application/json'), r)
            got = r.json()
            equal([x['name'] for x in got], names)
            equal(len({x['id'] for x in got}), n)
            for x in got[:5]:
                check_item(x, r)
            equal(c.get('/api/items/' + got[-1]['id'], tenant='batch').json(), got[-1])


def count(tenant):
    return len(s.client().get('/api/items?limit=1000', tenant=tenant).json())


BATCHES = [([], None), ([{'name': 'x'}] * 1001, None), ({'name': 'x'}, None), ('x', None), (None, None),
           ([{'name': 'x'}, 5], 1), ([{'name': 'x'}, None], 1),
           ([{'name': 'x'}, {'name': 'y'}, {'name': ''}, {'name': 'z'}], 2),
           ([{'name': 'x'}] * 999 + [{'name': 'y', 'description': 5}], 999),
           ([{'nam': 'x'}] + [{'name': 'x'}] * 3, 0), ([[{'name': 'x'}]], 0)]
for body, index in BATCHES:
    what = str(body) if len(str(body)) < 70 else '%d elements' % len(body)
    with t.case('batch of %s: 422, nothing inserted%s'
                % (what, '' if index is None else ', index %d is named' % index)):
        r = c.post('/api/items:batch', body=json.dumps(body), kind='application/json',
                   tenant='nobatch')
        p = check_problem(r, 422)
        if index is not None:
            fields = [e['field'] for e in p['errors']]
            need(any(re.search(r'(^|\D)%d(\D|$)' % index, f) for f in fields),
                 'no error names index %d' % index, r)
        equal(count('nobatch'), 0)

with t.case('two bad elements in a batch are both named'):
    r = c.post('/api/items:batch', json=[{'name': ''}, {'name': 'x'}, {'name': ''}], tenant='nobatch')
    p = check_problem(r, 422)
    need(len(p['errors']) >= 2, r)

with t.case('item_count follows POST, batch and DELETE'):
    s.client().post('/api/items:batch', json=[{'name': 'x'}] * 7, tenant='count')
    item = created(s.client().post('/api/items', json={'name': 'y'}, tenant='count'))
    equal(sql(s.file('count'), 'SELECT item_count FROM tenant_info'), [(8,)])
    s.client().delete('/api/items/' + item['id'], tenant='count')
    equal(sql(s.file('count'), 'SELECT item_count FROM tenant_info'), [(7,)])

with t.case('last_activity moves with a write'):
    before = sql(s.file('count'), 'SELECT last_activity FROM tenant_info')[0][0]
    s.client().post('/api/items', json={'name': 'z'}, tenant='count')
    need(sql(s.file('count'), 'SELECT last_activity FROM tenant_info')[0][0] > before)

with t.case('SIGTERM ends the server with 0'):
    s.stop()
with t.case('every database is whole'):
    for name in ('items', 'forms', 'order', 'batch', 'count'):
        integrity(s.file(name))
t.done()
