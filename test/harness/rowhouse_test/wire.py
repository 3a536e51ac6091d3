"""An HTTP/1.1 client that hides nothing: any bytes go out, every header comes
back in order and as often as it was sent.

    c = Client(port)
    r = c.post('/api/items', json={'name': 'x'}, tenant='acme')
    r.status, r.get('etag'), r.all('vary'), r.json(), r.body

One request a connection unless keep=True. exchange() sends raw bytes and reads
until the server closes; responses() splits what came back.
"""
import json as jsonlib
import select
import socket
import time

from .tap import Failed, SLOW

TIMEOUT = 20 * SLOW


class Closed(Exception):
    """The server closed the connection before a whole answer; .got has what came."""

    def __init__(self, why, got=b''):
        super().__init__('%s; received %r' % (why, got[:500]))
        self.got = got


class Response:
    def __init__(self, status, reason, headers, body, request=b'', head=b''):
        self.status = status
        self.reason = reason
        self.headers = headers
        self.body = body
        self.request = request
        self.head = head
        self.interim = []

    def all(self, name):
        return [v for k, v in self.headers if k.lower() == name.lower()]

    def get(self, name, default=None):
        values = self.all(name)
        return values[0] if values else default

    def tokens(self, name):
        """The comma-separated tokens of a header, in lower case."""
        return [x.strip().lower() for v in self.all(name) for x in v.split(',') if x.strip()]

    @property
    def media(self):
        return (self.get('content-type') or '').split(';')[0].strip().lower()

    def text(self):
        return self.body.decode('utf-8')

    def json(self):
        try:
            return jsonlib.loads(self.body.decode('utf-8'), object_pairs_hook=once)
        except ValueError as e:
            raise Failed('the body is not JSON: %s\n%s' % (e, self))

    def __str__(self):
        return 'request: %s\nanswer: %s %s\n%s\n\n%s' % (
            show(self.request, 700), self.status, self.reason,
            '\n'.join('%s: %s' % h for h in self.headers), show(self.body, 1500))


def once(pairs):
    """A JSON object of ours never has a key twice."""
    keys = [k for k, _ in pairs]
    if len(keys) != len(set(keys)):
        raise ValueError('duplicate key in %r' % keys)
    return dict(pairs)


def show(raw, limit):
    text = raw[:limit].decode('utf-8', 'backslashreplace')
    return text + ('… (%d bytes)' % len(raw) if len(raw) > limit else '')


class Conn:
    """One connection, with what was read ahead."""

    def __init__(self, port, host='127.0.0.1', timeout=None):
        self.sock = socket.create_connection((host, port), timeout or TIMEOUT)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buf = b''

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.sock.close()

    def send(self, data):
        self.sock.sendall(data)

    def fill(self):
        try:
            data = self.sock.recv(65536)
        except ConnectionResetError:
            data = b''
        self.buf += data
        return bool(data)

    def line_end(self, mark):
        while mark not in self.buf:
            if not self.fill():
                raise Closed('closed in the head of an answer', self.buf)
        at = self.buf.index(mark)
        line, self.buf = self.buf[:at], self.buf[at + len(mark):]
        return line

    def exactly(self, n):
        while len(self.buf) < n:
            if not self.fill():
                raise Closed('closed %d bytes short' % (n - len(self.buf)), self.buf)
        data, self.buf = self.buf[:n], self.buf[n:]
        return data

    def rest(self):
        while self.fill():
            pass
        data, self.buf = self.buf, b''
        return data

    def closed(self, seconds=5):
        """True when the server closes without another byte."""
        end = time.monotonic() + seconds * SLOW
        while not self.buf:
            left = end - time.monotonic()
            if left <= 0 or not select.select([self.sock], [], [], left)[0]:
                return False
            if not self.fill():
                return True
        return False

    def head(self, request=b''):
        raw = self.line_end(b'\r\n\r\n')
        lines = raw.decode('latin-1').split('\r\n')
        parts = lines[0].split(' ', 2)
        if len(parts) < 2 or not parts[0].startswith('HTTP/1.') or not parts[1].isdigit():
            raise Failed('not a status line: %r after %r' % (lines[0], request[:300]))
        headers = []
        for line in lines[1:]:
            name, colon, value = line.partition(':')
            if not colon or name != name.strip() or not name:
                raise Failed('not a header line: %r' % line)
            value = value.strip()
            try:
                value = value.encode('latin-1').decode('utf-8')
            except UnicodeDecodeError:
                pass
            headers.append((name, value))
        return Response(int(parts[1]), parts[2] if len(parts) > 2 else '', headers, b'',
                        request, raw)

    def response(self, request=b'', method='GET'):
        """Reads one whole answer; 1xx ones are kept in .interim."""
        interim = []
        while True:
            r = self.head(request)
            if r.status >= 200:
                break
            interim.append(r)
        r.interim = interim
        if method == 'HEAD' or r.status in (204, 304):
            return r
        if 'chunked' in r.tokens('transfer-encoding'):
            r.body = self.chunked()
        elif r.get('content-length') is not None:
            r.body = self.exactly(int(r.get('content-length')))
        else:
            r.body = self.rest()
        return r

    def chunked(self):
        out = b''
        while True:
            n = int(self.line_end(b'\r\n').split(b';')[0], 16)
            if n == 0:
                while self.line_end(b'\r\n'):
                    pass
                return out
            out += self.exactly(n)
            if self.exactly(2) != b'\r\n':
                raise Failed('a chunk does not end in CRLF')


def build(method, target, headers, body, host='localhost'):
    lines = ['%s %s HTTP/1.1' % (method, target)]
    names = {k.lower() for k, _ in headers}
    if 'host' not in names:
        lines.append('Host: ' + host)
    lines += ['%s: %s' % h for h in headers]
    if body is not None and not names & {'content-length', 'transfer-encoding'}:
        lines.append('Content-Length: %d' % len(body))
    raw = []
    for line in lines:
        raw.append(line if isinstance(line, bytes) else line.encode('utf-8', 'surrogateescape'))
    return b'\r\n'.join(raw) + b'\r\n\r\n' + (body or b'')


class Client:
    def __init__(self, port, host='127.0.0.1', tenant=None, keep=False):
        self.port = port
        self.host = host
        self.tenant = tenant
        self.keep = keep
        self.conn = None

    def close(self):
        if self.conn:
            self.conn.close()
            self.conn = None

    def request(self, method, target, headers=(), body=None, json=None, tenant=None,
                kind=None, form=None):
        headers = list(headers.items() if isinstance(headers, dict) else headers)
        tenant = tenant if tenant is not None else self.tenant
        if tenant is not None:
            headers.append(('X-Tenant', tenant))
        if json is not None:
            body = jsonlib.dumps(json).encode()
            kind = kind or 'application/json'
        if form is not None:
            body = form.encode() if isinstance(form, str) else encode_form(form)
            kind = kind or 'application/x-www-form-urlencoded'
        if isinstance(body, str):
            body = body.encode('utf-8', 'surrogatepass')
        if kind:
            headers.append(('Content-Type', kind))
        if not self.keep:
            headers.append(('Connection', 'close'))
        raw = build(method, target, headers, body)
        return self.roundtrip(raw, method)

    def roundtrip(self, raw, method):
        again = self.conn is not None
        if not self.conn:
            self.conn = Conn(self.port, self.host)
        try:
            try:
                self.conn.send(raw)
            except (BrokenPipeError, ConnectionResetError):
                # it may have answered before it read everything (413)
                if again:
                    raise Closed('connection was closed')
            r = self.conn.response(raw, method)
        except (Closed, OSError):
            self.close()
            raise
        if not self.keep or 'close' in r.tokens('connection'):
            self.close()
        return r

    def get(self, target, headers=(), **kw):
        return self.request('GET', target, headers, **kw)

    def head(self, target, headers=(), **kw):
        return self.request('HEAD', target, headers, **kw)

    def post(self, target, headers=(), **kw):
        return self.request('POST', target, headers, **kw)

    def patch(self, target, headers=(), **kw):
        return self.request('PATCH', target, headers, **kw)

    def delete(self, target, headers=(), **kw):
        return self.request('DELETE', target, headers, **kw)

    def options(self, target, headers=(), **kw):
        return self.request('OPTIONS', target, headers, **kw)


def encode_form(fields):
    from urllib.parse import urlencode
    return urlencode(list(fields.items()) if isinstance(fields, dict) else fields).encode()


def exchange(port, raw, timeout=5, shut=False, host='127.0.0.1'):
    """Sends raw bytes; (everything that came back, whether the server closed)."""
    with Conn(port, host) as c:
        try:
            c.send(raw)
            if shut:
                c.sock.shutdown(socket.SHUT_WR)
        except (BrokenPipeError, ConnectionResetError):
            pass
        end = time.monotonic() + timeout * SLOW
        while True:
            left = end - time.monotonic()
            if left <= 0 or not select.select([c.sock], [], [], left)[0]:
                return c.buf, False
            if not c.fill():
                return c.buf, True


class Canned(Conn):
    """Answers that were already received, to be split."""

    def __init__(self, data):
        self.buf = data

    def fill(self):
        return False

    def close(self):
        pass


def responses(data, methods=()):
    """Splits received bytes into answers; the last may be one cut off (None)."""
    c = Canned(data)
    out = []
    while c.buf:
        method = methods[len(out)] if len(out) < len(methods) else 'GET'
        try:
            out.append(c.response(method=method))
        except Closed:
            out.append(None)
            break
    return out
