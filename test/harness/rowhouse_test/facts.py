"""What api.md says about the shapes of things, as checks to share."""
import contextlib
import datetime
import re
import sqlite3
import subprocess
import sys
import uuid

from .tap import Failed, equal, need

ITEM_KEYS = {'id', 'name', 'description', 'created_at', 'updated_at'}
TIME = re.compile(r'^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)$')
ETAG = re.compile(r'^"[\x21\x23-\x7e]+"$')
HOSTILE = '<img src=x onerror=alert(1)>"\'&</script><!--'


def check_time(text):
    need(isinstance(text, str) and TIME.match(text), 'not RFC 3339 in UTC: %r' % (text,))
    at = datetime.datetime.fromisoformat(text.replace('Z', '+00:00'))
    now = datetime.datetime.now(datetime.timezone.utc)
    need(abs((now - at).total_seconds()) < 3600, 'a time that is not now: %r' % text)
    return at


def check_item(item, response=''):
    need(isinstance(item, dict), 'not an object: %r' % (item,), response)
    equal(set(item), ITEM_KEYS, 'members of an item', response)
    u = uuid.UUID(item['id'])
    equal(str(u), item['id'], 'an id is written in lower case with dashes', response)
    equal((u.version, u.variant), (7, uuid.RFC_4122), 'not a UUIDv7: ' + item['id'], response)
    created, updated = check_time(item['created_at']), check_time(item['updated_at'])
    need(updated >= created, 'updated before created', response)
    millis = u.int >> 80
    need(abs(millis / 1000 - created.timestamp()) < 30, 'the time in the id is not the creation',
         response)
    need(item['description'] is None or isinstance(item['description'], str), response)
    need(isinstance(item['name'], str), response)
    return item


def check_problem(r, status):
    """RFC 9457 as api.md has it; status: a number or several."""
    wanted = (status,) if isinstance(status, int) else tuple(status)
    need(r.status in wanted, 'wanted status %s' % (wanted,), r)
    equal(r.media, 'application/problem+json', r)
    p = r.json()
    need({'type', 'title', 'status', 'detail', 'request_id'} <= set(p),
         'members of the problem: %s' % sorted(p), r)
    equal(p['status'], r.status, 'status in the body', r)
    for member in ('type', 'title', 'detail', 'request_id'):
        need(isinstance(p[member], str) and p[member], '%s is not a text' % member, r)
    equal(p['request_id'], r.get('x-request-id'), 'request id in body and header', r)
    return p


def check_fields(r, *fields):
    """422 that names these fields, each with a message."""
    p = check_problem(r, 422)
    errors = p.get('errors')
    need(isinstance(errors, list) and errors, 'no errors in the problem', r)
    for e in errors:
        equal(set(e), {'field', 'message'}, r)
        need(isinstance(e['message'], str) and e['message'], 'a message is empty', r)
    for f in fields:
        need(f in [e['field'] for e in errors], 'no error for field %r' % f, r)
    return p


def created(r):
    """A 201 of an item; the item."""
    equal(r.status, 201, r)
    equal(r.media, 'application/json', r)
    return check_item(r.json(), r)


def next_target(r, base):
    """The target of Link rel=next, or None; relative to base as RFC 3986 has it."""
    from urllib.parse import urljoin, urlsplit
    for value in r.all('link'):
        for m in re.finditer(r'<([^>]*)>\s*((?:;[^,]*)?)', value):
            if re.search(r';\s*rel\s*=\s*"?next"?\s*(;|$)', m.group(2)):
                u = urlsplit(urljoin('http://h' + base, m.group(1)))
                return u.path + ('?' + u.query if u.query else '')
    return None


def walk(c, target, limit=10000, **kw):
    """Follows Link from target; the list of pages (responses)."""
    pages = []
    while target:
        r = c.get(target, **kw)
        equal(r.status, 200, r)
        pages.append(r)
        need(len(pages) <= limit, 'the walk does not end', r)
        target = next_target(r, target)
    return pages


def sql(path, query, *args):
    """Rows of a tenant's file, also while the server has it open."""
    with contextlib.closing(sqlite3.connect('file:%s?mode=ro' % path, uri=True, timeout=10)) as db:
        return db.execute(query, args).fetchall()


def integrity(path):
    """Failed where SQLite finds fault with a file that nobody has open."""
    db = sqlite3.connect('file:%s?mode=rw' % path, uri=True, timeout=10)
    try:
        equal(db.execute('PRAGMA integrity_check').fetchall(), [('ok',)], path)
        equal(db.execute('PRAGMA foreign_key_check').fetchall(), [], path)
        count = db.execute('SELECT count(*) FROM items').fetchone()[0]
        noted = db.execute('SELECT item_count FROM tenant_info').fetchall()
        equal(noted, [(count,)], 'item_count and the items of ' + path)
    finally:
        db.close()


HOLD = '''
import sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=20)
db.execute("BEGIN IMMEDIATE")
print("held", flush=True)
sys.stdin.read()
db.execute("ROLLBACK")
'''


def hold(path):
    """A process that holds the write lock of a database until its standard
    input is closed."""
    p = subprocess.Popen([sys.executable, '-c', HOLD, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    equal(p.stdout.readline(), b'held\n')
    return p


def run(*args, **kw):
    return subprocess.run(args, capture_output=True, text=True, check=False, **kw)


def note(text):
    """A comment in the TAP stream."""
    for line in str(text).split('\n'):
        sys.stdout.write('# %s\n' % line)
    sys.stdout.flush()


def fail(*details):
    raise Failed('\n'.join(str(d) for d in details))
