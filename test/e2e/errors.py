#!/usr/bin/env python3
"""Bodies that cannot be read, problem documents, request ids. Each is an answer
for its own request alone: the connection and the server go on."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'harness'))
from rowhouse_test import *

t = Tap()
s = Server(t)
c = s.client(tenant='err', keep=True)
ITEM = created(c.post('/api/items', json={'name': 'here'}))

MALFORMED = [
    ('nothing', b''), ('blanks', b'  \n '), ('an open brace', b'{'), ('no brace', b'"name":"x"'),
    ('a trailing comma', b'{"name":"x",}'), ('a missing colon', b'{"name" "x"}'),
    ('a missing comma', b'{"name":"x" "description":"y"}'), ('single quotes', b"{'name':'x'}"),
    ('a key without quotes', b'{name:"x"}'), ('a comment', b'{"name":"x"/*c*/}'),
    ('something after it', b'{"name":"x"} x'), ('two documents', b'{"name":"x"}{"name":"y"}'),
    ('a NUL after it', b'{"name":"x"}\0'), ('a NUL before it', b'\0{"name":"x"}'),
    ('a byte order mark', b'\xef\xbb\xbf{"name":"x"}'), ('UTF-16', '{"name":"x"}'.encode('utf-16-le')),
    ('NaN', b'{"name":"x","a":NaN}'), ('Infinity', b'{"name":"x","a":Infinity}'),
    ('a form', b'name=x&description=y'), ('XML', b'<name>x</name>'), ('a literal of its own', b'yes'),
    ('True', b'True'), ('a leading zero', b'{"name":"x","a":01}'), ('a bare point', b'{"name":"x","a":1.}'),
    ('a plus', b'{"name":"x","a":+1}'), ('hexadecimal', b'{"name":"x","a":0x1}'),
    ('a key twice', b'{"name":"x","name":"y"}'), ('the same value twice', b'{"name":"x","name":"x"}'),
    ('a key twice by escape', b'{"name":"x","n\\u0061me":"y"}'),
    ('a key twice, deeper', b'{"name":"x","a":{"b":1,"b":2}}'),
    ('a key twice in an array', b'[{"name":"x","name":"y"}]'),
    ('an open string', b'{"name":"x'), ('a line break in a string', b'{"name":"x\ny"}'),
    ('a tab in a string', b'{"name":"x\ty"}'), ('U+0001 in a string', b'{"name":"x\x01"}'),
    ('a NUL in a string', b'{"name":"x\0y"}'), ('an escaped NUL', b'{"name":"x\\u0000y"}'),
    ('an escaped NUL in a key', b'{"na\\u0000me":"x"}'), ('an unknown escape', b'{"name":"\\x41"}'),
    ('an escape cut short', b'{"name":"\\u12"}'), ('a bare backslash', b'{"name":"\\"}'),
    ('a high surrogate alone', b'{"name":"\\ud800"}'), ('a low surrogate alone', b'{"name":"\\udc00"}'),
    ('surrogates the wrong way', b'{"name":"\\udc00\\ud800"}'), ('two high surrogates', b'{"name":"\\ud800\\ud800"}'),
    ('a high surrogate and a letter', b'{"name":"\\ud800a"}'),
    ('a lone continuation byte', b'{"name":"\x80"}'), ('a cut sequence', b'{"name":"\xe2\x82"}'),
    ('an overlong slash', b'{"name":"\xc0\xaf"}'), ('an overlong NUL', b'{"name":"\xc0\x80"}'),
    ('an encoded surrogate', b'{"name":"\xed\xa0\x80"}'), ('above U+10FFFF', b'{"name":"\xf4\x90\x80\x80"}'),
    ('the byte FF', b'{"name":"\xff"}'), ('Latin-1', b'{"name":"caf\xe9"}'), ('five bytes', b'{"name":"\xf8\x88\x80\x80\x80"}'),
    ('bad UTF-8 in a key', b'{"name":"x","\xff":1}'), ('bad UTF-8 outside', b'{"name":"x"}\xff'),
    ('a number above doubles', b'{"name":"x","a":1e999}'), ('a number below', b'{"name":"x","a":-1e999}'),
    ('an integer above 64 bits', b'{"name":"x","a":99999999999999999999}'),
    ('an integer below 64 bits', b'{"name":"x","a":-99999999999999999999}'),
    ('a number of 5,000 digits', b'{"name":"x","a":' + b'9' * 5000 + b'}'),
    ('100,000 open arrays', b'[' * 100000), ('100,000 closed arrays', b'[' * 100000 + b']' * 100000),
    ('100,000 objects', b'{"a":' * 100000 + b'1' + b'}' * 100000),
    ('deep under a field', b'{"name":' + b'[' * 50000 + b']' * 50000 + b'}')]
for what, body in MALFORMED:
    with t.case('%s is 400 for POST, PATCH and batch' % what):
        for method, target in (('POST', '/api/items'), ('PATCH', '/api/items/' + ITEM['id']),
                               ('POST', '/api/items:batch'), ('POST', '/tenant/err/items')):
            r = c.request(method, target, body=body, kind='application/json')
            check_problem(r, 400)
with t.case('nothing was stored or changed by them'):
    equal(c.get('/api/items').json(), [ITEM])

with t.case('escapes that are right are read'):
    r = c.post('/api/items', body=b'{"n\\u0061me":"\\ud83d\\ude00\\u00e9\\"\\\\\\/"}',
               kind='application/json', tenant='fine')
    equal(created(r)['name'], '\U0001f600\u00e9"\\/')
with t.case('white space around JSON is read'):
    created(c.post('/api/items', body=b' \r\n\t{ "name" : "x" }\n\n', kind='application/json',
                   tenant='fine'))

with t.case('the detail of malformed JSON says where'):
    p = check_problem(c.post('/api/items', body=b'{"name":\n  oops}', kind='application/json'), 400)
    need('2' in p['detail'], 'no line in: ' + p['detail'])

with t.case('50,000 unknown fields are 422, with a bounded answer'):
    for target, body in (('/api/items', {'f%d' % i: i for i in range(50000)}),
                         ('/api/items:batch', [{'f%d' % i: i} for i in range(900)])):
        r = c.post(target, json=body)
        check_problem(r, 422)
        need(len(r.body) < 100000, '%d bytes' % len(r.body))
with t.case('a field with a name of 100,000 characters is 422, with a bounded answer'):
    r = c.post('/api/items', json={'name': 'x', 'é' * 100000: 1})
    check_problem(r, 422)
    need(len(r.body) < 10000, '%d bytes' % len(r.body))

ERRORS = [('unknown path', 'GET', '/nope', 404, {}), ('unknown id', 'GET', '/api/items/nope', 404, {}),
          ('bad limit', 'GET', '/api/items?limit=0', 400, {}), ('bad method', 'DELETE', '/api/items', 405, {}),
          ('wrong type', 'POST', '/api/items', 415, {'body': 'x', 'kind': 'text/plain'}),
          ('wrong field', 'POST', '/api/items', 422, {'json': {}}),
          ('bad tenant', 'GET', '/api/items', 400, {'tenant': '-x'}),
          ('unknown path below a tenant', 'GET', '/tenant/err/nope', 404, {}),
          ('unknown path below /api', 'POST', '/api/nope', 404, {'json': {}}),
          ('an unlikely Accept', 'GET', '/api/items', 406, {'headers': [('Accept', 'image/png')]})]
for what, method, target, status, extra in ERRORS:
    with t.case('%s: a problem document of status %d' % (what, status)):
        r = c.request(method, target, **extra)
        p = check_problem(r, status)
        need(p['detail'] != p['type'], r)
types = {}
with t.case('different problems have different types'):
    for what, method, target, status, extra in ERRORS:
        types.setdefault(c.request(method, target, **extra).json()['type'], set()).add(status)
    equal([k for k, v in types.items() if len(v) > 1], [])

with t.case('an error is a page for a browser'):
    for target, status in (('/nope', 404), ('/tenant/-bad', 400), ('/tenant/err/nope', 404),
                           ('/tenant/err?limit=0', 400)):
        r = c.get(target, [('Accept', 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8')])
        if r.status == 200 and 'limit' in target:
            continue
        equal((r.status, r.media), (status, 'text/html'), r)
        need(r.get('x-request-id') in r.text(), 'the page does not name the request', r)
        equal(Page(r.text(), target).faults, [], r)

KEPT = ['a', 'abc-123', 'A' * 64, '0f8fad5b-d9cb-469f-a165-70867728950e', 'req_1.2']
for value in KEPT:
    with t.case('X-Request-Id %s is kept' % value[:20]):
        for target in ('/health', '/api/items', '/nope', '/'):
            r = c.get(target, [('X-Request-Id', value)])
            equal(r.all('x-request-id'), [value], r)
        r = c.get('/nope', [('X-Request-Id', value)])
        equal(r.json()['request_id'], value, r)
REPLACED = ['', 'A' * 65, 'a b', 'a"b', '<b>', 'é', 'a\tb', "a'b;c", 'a' * 2000, 'a\\b', '{}']
for value in REPLACED:
    with t.case('X-Request-Id %r is replaced' % value[:20]):
        r = c.get('/nope', [('X-Request-Id', value)])
        ids = r.all('x-request-id')
        equal(len(ids), 1, r)
        need(ids[0] and ids[0] != value and len(ids[0]) <= 64, r)
        equal(check_problem(r, 404)['request_id'], ids[0], r)
with t.case('two X-Request-Id headers give one id back'):
    r = c.get('/health', [('X-Request-Id', 'one'), ('X-Request-Id', 'two')])
    equal(len(r.all('x-request-id')), 1, r)
with t.case('every answer has a request id, each another'):
    got = [c.get('/health'), c.head('/api/items'), c.options('/api/items'), c.get('/'),
           c.get('/tenant/err'), c.get('/api/tenants'), c.get('/api/openapi.json'),
           c.post('/api/items', json={'name': 'x'}), c.get('/livez'), c.get('/readyz'),
           c.delete('/api/items/' + ITEM['id'])]
    ids = [r.get('x-request-id') for r in got]
    need(all(ids), [r.head for r in got if not r.get('x-request-id')])
    equal(len(set(ids)), len(ids))
with t.case('the request id is in the log'):
    c.get('/api/items?limit=0', [('X-Request-Id', 'find-me-77')])
    until('in the log', 3, lambda: 'find-me-77' in s.log())

with t.case('HTML in names of fields, tenants and paths is never echoed as HTML'):
    for r in (c.get('/<script>alert(1)</script>', [('Accept', 'text/html')]),
              c.get('/tenant/%3Cscript%3E', [('Accept', 'text/html')]),
              c.get('/nope', [('Accept', 'text/html'), ('X-Request-Id', '<script>')]),
              c.get('/tenant/err/items?cursor=<script>', [('Accept', 'text/html')])):
        need(b'<script>alert' not in r.body and b'<script></' not in r.body, r)
        need(b'&lt;script' in r.body or b'script>' not in r.body.replace(b'</script>', b''), r)

with t.case('the server is as it was'):
    equal((c.get('/health').status, s.alive()), (200, True))
c.close()
with t.case('SIGTERM ends the server with 0'):
    s.stop()
t.done()
