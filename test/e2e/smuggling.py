#!/usr/bin/env python3
"""Requests whose framing two parties could read differently. Each is sent with
a second request hidden behind it; the answer must be the one refusal, and the
connection must close, so that what is hidden is never answered."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'harness'))
from rowhouse_test import *

t = Tap()
s = Server(t)
HIDDEN = b'GET /api/items HTTP/1.1\r\nHost: localhost\r\nX-Tenant: smuggled\r\nX-Request-Id: hidden\r\n\r\n'


def post(*lines, body=b'{"name":"x"}', end=b'\r\n', first=b'POST /api/items HTTP/1.1'):
    head = [first, b'Host: localhost', b'Content-Type: application/json', *lines]
    return end.join(head) + end + end + body


def get(*lines, first=b'GET /health HTTP/1.1', host=b'Host: localhost'):
    return b'\r\n'.join([first] + ([host] if host else []) + list(lines)) + b'\r\n\r\n'


CHUNKS = b'c\r\n{"name":"x"}\r\n0\r\n\r\n'
BAD = 400
CASES = [
    # lengths
    ('Content-Length with Transfer-Encoding', BAD, post(b'Content-Length: 12', b'Transfer-Encoding: chunked', body=CHUNKS)),
    ('Transfer-Encoding with Content-Length', BAD, post(b'Transfer-Encoding: chunked', b'Content-Length: 12', body=CHUNKS)),
    ('TE and CL 0', BAD, post(b'Transfer-Encoding: chunked', b'Content-Length: 0', body=CHUNKS)),
    ('two lengths that differ', BAD, post(b'Content-Length: 12', b'Content-Length: 5')),
    ('two lengths that are the same', BAD, post(b'Content-Length: 12', b'Content-Length: 12')),
    ('a list of lengths', BAD, post(b'Content-Length: 12, 12')),
    ('a list of lengths that differ', BAD, post(b'Content-Length: 12, 5')),
    ('a negative length', BAD, post(b'Content-Length: -12')),
    ('a length with a plus', BAD, post(b'Content-Length: +12')),
    ('a length in hexadecimal', BAD, post(b'Content-Length: 0xc')),
    ('a length in hexadecimal without 0x', BAD, post(b'Content-Length: c')),
    ('a length with a fraction', BAD, post(b'Content-Length: 12.0')),
    ('a length with an exponent', BAD, post(b'Content-Length: 1e1')),
    ('a length in quotes', BAD, post(b'Content-Length: "12"')),
    ('an empty length', BAD, post(b'Content-Length:')),
    ('a length of blanks', BAD, post(b'Content-Length:   ')),
    ('a length with a blank inside', BAD, post(b'Content-Length: 1 2')),
    ('a length followed by text', BAD, post(b'Content-Length: 12abc')),
    ('a length with underscores', BAD, post(b'Content-Length: 1_2')),
    ('a length in other digits', BAD, post('Content-Length: ١٢'.encode())),
    ('a length above 64 bits', (400, 413), post(b'Content-Length: 18446744073709551628')),
    ('a length far above 64 bits', (400, 413), post(b'Content-Length: ' + b'9' * 100)),
    ('a length with a semicolon', BAD, post(b'Content-Length: 12;x')),
    ('a length with a vertical tab', BAD, post(b'Content-Length:\x0b12')),
    ('a length with a NUL', BAD, post(b'Content-Length: 12\0')),
    # transfer codings
    ('Transfer-Encoding: xchunked', (400, 501), post(b'Transfer-Encoding: xchunked', body=CHUNKS)),
    ('Transfer-Encoding: chunkedx', (400, 501), post(b'Transfer-Encoding: chunkedx', body=CHUNKS)),
    ('Transfer-Encoding: identity', (400, 501), post(b'Transfer-Encoding: identity', body=CHUNKS)),
    ('Transfer-Encoding: gzip', (400, 501), post(b'Transfer-Encoding: gzip', body=CHUNKS)),
    ('Transfer-Encoding: gzip, chunked', (400, 501), post(b'Transfer-Encoding: gzip, chunked', body=CHUNKS)),
    ('Transfer-Encoding: chunked, gzip', (400, 501), post(b'Transfer-Encoding: chunked, gzip', body=CHUNKS)),
    ('Transfer-Encoding: chunked, identity', (400, 501), post(b'Transfer-Encoding: chunked, identity', body=CHUNKS)),
    ('Transfer-Encoding: chunked, chunked', (400, 501), post(b'Transfer-Encoding: chunked, chunked', body=CHUNKS)),
    ('Transfer-Encoding twice', (400, 501), post(b'Transfer-Encoding: chunked', b'Transfer-Encoding: chunked', body=CHUNKS)),
    ('Transfer-Encoding chunked and identity', (400, 501), post(b'Transfer-Encoding: chunked', b'Transfer-Encoding: identity', body=CHUNKS)),
    ('an empty Transfer-Encoding', (400, 501), post(b'Transfer-Encoding:', body=CHUNKS)),
    ('an empty Transfer-Encoding and a length', (400, 501), post(b'Transfer-Encoding:', b'Content-Length: 12')),
    ('Transfer-Encoding in quotes', (400, 501), post(b'Transfer-Encoding: "chunked"', body=CHUNKS)),
    ('Transfer-Encoding with a parameter', (400, 501), post(b'Transfer-Encoding: chunked;q=1', body=CHUNKS)),
    ('Transfer-Encoding with a vertical tab', (400, 501), post(b'Transfer-Encoding: \x0bchunked', body=CHUNKS)),
    ('Transfer-Encoding with a NUL', (400, 501), post(b'Transfer-Encoding: chunked\0', body=CHUNKS)),
    ('Transfer-Encoding in HTTP/1.0', (400, 501), post(b'Transfer-Encoding: chunked', body=CHUNKS, first=b'POST /api/items HTTP/1.0')),
    # names of headers
    ('a blank before the colon of the length', BAD, post(b'Content-Length : 12')),
    ('a tab before the colon of the coding', BAD, post(b'Transfer-Encoding\t: chunked', body=CHUNKS)),
    ('a blank before the name', BAD, post(b' Content-Length: 12')),
    ('a blank in the name', BAD, post(b'Content Length: 12', b'Content-Length: 12')),
    ('a header without a colon', BAD, get(b'Nonsense')),
    ('a header without a name', BAD, get(b': value')),
    ('a NUL in a name', BAD, get(b'X-\0A: b')),
    ('a NUL in a value', BAD, get(b'X-A: a\0b')),
    ('a bare CR in a value', BAD, get(b'X-A: a\rX-Tenant: b')),
    ('a bare CR before a name', BAD, get(b'X-A: a\r\rX-Tenant: b')),
    ('a control character in a value', BAD, get(b'X-A: a\x01b')),
    ('DEL in a value', BAD, get(b'X-A: a\x7fb')),
    ('a bracket in a name', BAD, get(b'X(A): b')),
    ('a byte above 127 in a name', BAD, get(b'X\xe9: b')),
    ('obs-fold', BAD, get(b'X-A: a', b' b')),
    ('obs-fold by tab', BAD, get(b'X-A: a', b'\tb')),
    ('obs-fold of a length', BAD, post(b'Content-Length:', b' 12')),
    ('obs-fold of a coding', BAD, post(b'Transfer-Encoding:', b' chunked', body=CHUNKS)),
    ('a folded first header', BAD, b'GET /health HTTP/1.1\r\n Host: localhost\r\n\r\n'),
    # Host
    ('no Host', BAD, get(host=None)),
    ('two Hosts', BAD, get(b'Host: other')),
    ('two Hosts that are the same', BAD, get(b'Host: localhost')),
    ('an empty Host', BAD, get(host=b'Host:')),
    ('a Host with a path', BAD, get(host=b'Host: localhost/x')),
    ('a Host with a user', BAD, get(host=b'Host: a@localhost')),
    ('a Host with a blank', BAD, get(host=b'Host: local host')),
    ('a Host with two ports', BAD, get(host=b'Host: localhost:80:80')),
    ('a Host with a word for a port', BAD, get(host=b'Host: localhost:http')),
    ('a Host with a port above 65535', BAD, get(host=b'Host: localhost:99999')),
    ('a Host with an open bracket', BAD, get(host=b'Host: [::1')),
    ('a Host with HTML', BAD, get(host=b'Host: <b>')),
    ('a list of Hosts', BAD, get(host=b'Host: localhost, other')),
    ('a Host with a NUL', BAD, get(host=b'Host: localhost\0.evil')),
    # the first line
    ('no version', BAD, get(first=b'GET /health')),
    ('HTTP/0.9', (400, 505), b'GET /health\r\n\r\n'),
    ('HTTP/2.0', (400, 505), get(first=b'GET /health HTTP/2.0')),
    ('HTTP/1.2 or later is read as 1.1 or refused', (200, 400, 505), get(b'Connection: close', first=b'GET /health HTTP/1.2')),
    ('HTTP/9.9', (400, 505), get(first=b'GET /health HTTP/9.9')),
    ('http in lower case', (400, 505), get(first=b'GET /health http/1.1')),
    ('HTTP/1.1 and something', (400, 505), get(first=b'GET /health HTTP/1.1x')),
    ('HTTP/1', (400, 505), get(first=b'GET /health HTTP/1')),
    ('a blank in the target', BAD, get(first=b'GET /hea lth HTTP/1.1')),
    ('a tab for a blank', BAD, get(first=b'GET\t/health\tHTTP/1.1')),
    ('two blanks', (400, 200), get(b'Connection: close', first=b'GET  /health HTTP/1.1')),
    ('a NUL in the target', BAD, get(first=b'GET /health\0 HTTP/1.1')),
    ('a control character in the target', BAD, get(first=b'GET /hea\x01lth HTTP/1.1')),
    ('a bare CR in the target', BAD, get(first=b'GET /hea\rlth HTTP/1.1')),
    ('a target that is no path', BAD, get(first=b'GET health HTTP/1.1')),
    ('no target', BAD, get(first=b'GET HTTP/1.1')),
    ('no method', BAD, get(first=b' /health HTTP/1.1')),
    ('a method with a bracket', (400, 405, 501), get(b'Connection: close', first=b'GE(T /health HTTP/1.1')),
    ('a method with a NUL', (400, 405, 501), get(b'Connection: close', first=b'GE\0T /health HTTP/1.1')),
    ('a TLS hello', BAD, b'\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03' + b'\xaa' * 64 + b'\r\n\r\n'),
    ('the HTTP/2 preface', (400, 405, 501, 505), b'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
    ('random bytes', BAD, bytes(range(256)) + b'\r\n\r\n'),
    # chunks
    ('a chunk size that is no number', BAD, post(b'Transfer-Encoding: chunked', body=b'zz\r\n{"name":"x"}\r\n0\r\n\r\n')),
    ('a negative chunk size', BAD, post(b'Transfer-Encoding: chunked', body=b'-c\r\n{"name":"x"}\r\n0\r\n\r\n')),
    ('a chunk size with a plus', BAD, post(b'Transfer-Encoding: chunked', body=b'+c\r\n{"name":"x"}\r\n0\r\n\r\n')),
    ('a chunk size with 0x', BAD, post(b'Transfer-Encoding: chunked', body=b'0xc\r\n{"name":"x"}\r\n0\r\n\r\n')),
    ('a chunk size above 64 bits', (400, 413), post(b'Transfer-Encoding: chunked', body=b'1000000000000000c\r\n{"name":"x"}\r\n0\r\n\r\n')),
    ('a chunk size of many digits', (400, 413), post(b'Transfer-Encoding: chunked', body=b'f' * 40 + b'\r\n{"name":"x"}\r\n0\r\n\r\n')),
    ('an empty chunk size', BAD, post(b'Transfer-Encoding: chunked', body=b'\r\n{"name":"x"}\r\n0\r\n\r\n')),
    ('a chunk longer than its size', BAD, post(b'Transfer-Encoding: chunked', body=b'5\r\n{"name":"x"}\r\n0\r\n\r\n')),
    ('a chunk size with a blank before it', BAD, post(b'Transfer-Encoding: chunked', body=b' c\r\n{"name":"x"}\r\n0\r\n\r\n')),
]


def answers(raw):
    """The answers, refusing one to the hidden request."""
    got = responses(raw)
    need(b'hidden' not in raw, 'the hidden request was answered', raw[:2000])
    return got


for what, status, raw in CASES:
    wanted = (status,) if isinstance(status, int) else status
    with t.case('%s: %s and closed' % (what, ' or '.join(str(x) for x in wanted))):
        back, closed = exchange(s.port, raw + HIDDEN, timeout=4)
        got = answers(back)
        need(len(got) == 1 and got[0] is not None, '%d answers' % len(got), repr(raw[:300]), repr(back[:800]))
        need(got[0].status in wanted, 'status %d' % got[0].status, repr(raw[:300]), got[0])
        need(closed, 'the connection stays open', repr(raw[:300]), got[0])

# what is right, or must do no harm
LF = [('bare LF lines', b'GET /health HTTP/1.1\nHost: localhost\n\n'),
      ('bare LF in a post', post(b'Content-Length: 12', end=b'\n'))]
for what, raw in LF:
    with t.case('%s: read as lines or refused, never both' % what):
        back, closed = exchange(s.port, raw, timeout=1.5)
        got = responses(back)
        need(len(got) <= 1 or got == [None], repr(back[:500]))
        if got and got[0]:
            one_of(got[0].status, (200, 201, 400), got[0])
with t.case('a chunked body that is right is read'):
    back, _ = exchange(s.port, post(b'Transfer-Encoding: chunked', b'Connection: close', body=CHUNKS))
    equal([r.status for r in responses(back)], [201], back)
for what, body in (('extensions', b'c;a=b;c="d"\r\n{"name":"x"}\r\n0;z\r\n\r\n'),
                   ('capitals and zeros', b'00C\r\n{"name":"x"}\r\n000\r\n\r\n'),
                   ('trailers', b'c\r\n{"name":"x"}\r\n0\r\nX-Tenant: smuggled\r\nX-A: b\r\n\r\n'),
                   ('chunks of one byte', b''.join(b'1\r\n%c\r\n' % x for x in b'{"name":"x"}') + b'0\r\n\r\n')):
    with t.case('chunks with %s: 201 or refused, nothing smuggled' % what):
        back, closed = exchange(s.port, post(b'Transfer-Encoding: Chunked', b'X-Tenant: chunks', body=body)
                                + b'GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n')
        got = responses(back)
        one_of([r and r.status for r in got], ([201], [400]), back)  # and it closes
with t.case('a body on GET is not the next request'):
    raw = b'GET /health HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n%s' % (len(HIDDEN), HIDDEN)
    back, closed = exchange(s.port, raw + b'GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n')
    answers(back)
    need(1 <= len(responses(back)) <= 2, back)
with t.case('a body on DELETE and HEAD is not the next request'):
    for method in (b'DELETE', b'HEAD', b'OPTIONS'):
        raw = method + b' /api/items/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n%s' % (len(HIDDEN), HIDDEN)
        back, closed = exchange(s.port, raw + b'GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n')
        need(b'hidden' not in back, back)
for status, target, headers in ((404, b'/nope', b''), (415, b'/api/items', b'Content-Type: text/plain\r\n'),
                                (405, b'/health', b''), (400, b'/api/items', b'X-Tenant: -bad\r\n'),
                                (422, b'/api/items', b'Content-Type: application/json\r\nIdempotency-Key: k\r\n'),
                                (406, b'/api/items', b'Accept: image/png\r\nContent-Type: application/json\r\n')):
    with t.case('the body of a %d is not the next request' % status):
        body = HIDDEN if status != 422 else b'{}'
        raw = b'POST %s HTTP/1.1\r\nHost: localhost\r\n%sContent-Length: %d\r\n\r\n%s' % (target, headers, len(body), body)
        back, closed = exchange(s.port, raw + b'GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n')
        got = responses(back)
        need(b'hidden' not in back, 'the body was read as a request', back[:2000])
        equal(got[0].status, status, got[0])
        need(len(got) == 2 and got[1].status == 200 or len(got) == 1 and closed, back[:2000])
with t.case('absolute-form: the host of the target counts, or it is refused'):
    created(s.client().post('/api/items', json={'name': 'of-a'}, tenant='a'))
    back, _ = exchange(s.port, b'GET http://a.localhost/api/items HTTP/1.1\r\nHost: b.localhost\r\nConnection: close\r\n\r\n')
    r = responses(back)[0]
    one_of(r.status, (200, 400), r)
    if r.status == 200:
        equal([x['name'] for x in r.json()], ['of-a'], r)
with t.case('header values come back in no header of ours'):
    r = s.client().get('/nope', [('X-Request-Id', 'a%0d%0aX-Evil: 1'), ('Origin', 'http://evil')])
    equal(r.get('x-evil'), None, r)
    r = s.client().get('/tenant/a%0d%0aX-Evil:%201/items')
    equal((r.status, r.get('x-evil')), (400, None), r)
with t.case('empty lines before a request are skipped or refused'):
    back, _ = exchange(s.port, b'\r\n\r\nGET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n')
    one_of([r.status for r in responses(back)], ([200], [400]), back)
with t.case('no hidden request made a tenant'):
    need('smuggled' not in s.client().get('/api/tenants').json())
    equal(os.path.exists(s.file('smuggled')), False)
with t.case('there are at least 70 shapes'):
    need(len(CASES) >= 70, len(CASES))
with t.case('the server is well after all this'):
    equal(s.client().get('/health').status, 200)
with t.case('SIGTERM ends the server with 0'):
    s.stop()
t.done()
