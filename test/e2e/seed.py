#!/usr/bin/env python3
"""The requests of the user's README, by the real curl, word for word: only the
port differs. What a reader of them expects to see is what must come back."""
import json
import os
import shutil
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'harness'))
from rowhouse_test import *

t = Tap()
# the settings with which the README starts the program
s = Server(t, env={'RUST_LOG': 'info,multi_tenant_app=debug', 'FLY_LITEFS_PRIMARY': 'true'})


def sh(script, status=0):
    """Runs the README's line with `localhost` at our port; its standard output."""
    script = script.replace('localhost:80/', 'localhost:%d/' % s.port)
    script = script.replace('http://localhost/', 'http://localhost:%d/' % s.port)
    script = script.replace('.localhost/', '.localhost:%d/' % s.port)
    script = script.replace('localhost:8080', 'localhost:%d' % s.port)
    r = run('bash', '-c', 'curl() { command curl -sS --noproxy "*" --max-time 20 "$@"; }\n' + script)
    need(r.returncode == status, '$ ' + script, 'exit %d' % r.returncode, r.stdout, r.stderr)
    return r.stdout


with t.case('curl is there'):
    need(shutil.which('curl'), 'no curl on this machine')

with t.case('GET /health says OK'):
    equal(sh('curl http://localhost/health').strip(), 'OK')

with t.case('a fresh server has no tenants'):
    equal(json.loads(sh('curl http://localhost/api/tenants')), [])

with t.case('the list of tenants is a page'):
    page = sh('curl http://localhost:80/')
    need('<!doctype html' in page.lower(), page[:300])

with t.case('create an item for a specific tenant'):
    item = json.loads(sh('''curl -X POST http://localhost:80/api/items \\
     -H "X-Tenant: acme-corp" \\
     -H "Content-Type: application/json" \\
     -d '{"name": "Project Alpha", "description": "Q1 2024 Initiative"}' '''))
    check_item(item)
    equal((item['name'], item['description']), ('Project Alpha', 'Q1 2024 Initiative'))

with t.case('the same without http:// as issue 3 writes it'):
    item = json.loads(sh('''curl -X POST localhost:8080/api/items -H "X-Tenant: acme-corp" -H "Content-Type: application/json" \\
  -d '{"name": "Project Alpha", "description": "Q1 2024 Initiative"}' '''))
    check_item(item)

with t.case('the tenant dashboard shows the item'):
    page = sh('curl http://localhost:80/tenant/acme-corp')
    for text in ('acme-corp', 'Project Alpha', 'Q1 2024 Initiative'):
        need(text in page, 'the page lacks %r' % text, page[:2000])

with t.case('the list of tenants shows the tenant'):
    need('acme-corp' in sh('curl http://localhost:80/'))
    equal(json.loads(sh('curl http://localhost/api/tenants')), ['acme-corp'])

with t.case('tenant by header'):
    items = json.loads(sh('curl -H "X-Tenant: acme-corp" http://localhost/api/items'))
    equal([x['name'] for x in items], ['Project Alpha', 'Project Alpha'])

with t.case('tenant by subdomain'):
    items = json.loads(sh('curl http://acme-corp.localhost/api/items'))
    equal([x['name'] for x in items], ['Project Alpha', 'Project Alpha'])

with t.case('tenant by subdomain, name resolved by hand'):
    items = json.loads(sh('curl --resolve acme-corp.localhost:%d:127.0.0.1 '
                          'http://acme-corp.localhost/api/items' % s.port))
    equal(len(items), 2)

with t.case('tenant by path'):
    items = json.loads(sh('curl http://localhost/tenant/acme-corp/items'))
    equal(len(items), 2)

with t.case('POST by path'):
    item = json.loads(sh('''curl -X POST http://localhost/tenant/acme-corp/items \\
      -H "Content-Type: application/json" -d '{"name": "By path"}' '''))
    equal(check_item(item)['description'], None)

with t.case('no tenant named: default'):
    equal(json.loads(sh('curl http://localhost/api/items')), [])
    need('default' in json.loads(sh('curl http://localhost/api/tenants')))

with t.case('load test: ten tenants by the loop'):
    sh('''for i in {1..10}; do
  curl -X POST http://localhost/api/items \\
    -H "X-Tenant: tenant-$i" \\
    -H "Content-Type: application/json" \\
    -d '{"name": "Load Test Item", "description": "Testing"}'
done''')
    names = json.loads(sh('curl http://localhost/api/tenants'))
    equal(names, sorted(['acme-corp', 'default'] + ['tenant-%d' % i for i in range(1, 11)]))

with t.case('every tenant of the loop has its own item only'):
    for i in range(1, 11):
        items = json.loads(sh('curl -H "X-Tenant: tenant-%d" http://localhost/api/items' % i))
        equal([x['name'] for x in items], ['Load Test Item'])

with t.case('the IPv6 loopback answers too'):
    if not os.path.exists('/proc/net/if_inet6'):
        raise Skip('no IPv6 here')
    equal(sh("curl 'http://[::1]:%d/health'" % s.port).strip(), 'OK')

with t.case('one database file a tenant: {tenant}.db'):
    files = sorted(f for f in os.listdir(s.path) if f.endswith('.db'))
    equal(files, sorted(['acme-corp.db', 'default.db'] + ['tenant-%d.db' % i for i in range(1, 11)]))

with t.case('the schema is the one of the README, in STRICT tables'):
    path = s.file('acme-corp')
    columns = {name: (kind, notnull, pk) for _, name, kind, notnull, _, pk
               in sql(path, 'PRAGMA table_info(items)')}
    equal(list(columns), ['id', 'name', 'description', 'created_at', 'updated_at'])
    equal([columns[c][0] for c in ('id', 'name', 'description')], ['TEXT', 'TEXT', 'TEXT'])
    equal((columns['id'][2], columns['name'][1], columns['description'][1]), (1, 1, 0))
    info = {name: (kind, notnull, pk) for _, name, kind, notnull, _, pk
            in sql(path, 'PRAGMA table_info(tenant_info)')}
    equal(list(info), ['id', 'name', 'created_at', 'item_count', 'last_activity'])
    equal((info['id'][0], info['id'][2], info['name'][1]), ('INTEGER', 1, 1))
    strict = dict(sql(path, "SELECT name, strict FROM pragma_table_list WHERE schema = 'main'"))
    equal((strict['items'], strict['tenant_info']), (1, 1))

with t.case('tenant_info counts the items and knows the name'):
    row = sql(s.file('acme-corp'), 'SELECT name, item_count, created_at, last_activity '
                                   'FROM tenant_info')
    equal([x[:2] for x in row], [('acme-corp', 3)])
    check_time(row[0][2])
    check_time(row[0][3])

with t.case('database files can be looked at while it runs (debug commands)'):
    r = run('ls', '-la', s.path)
    need('acme-corp.db' in r.stdout, r.stdout)

with t.case('the log goes to standard error, one event a line'):
    need(s.log().strip(), 'no log at all')

with t.case('SIGTERM ends the server with 0'):
    s.stop()

with t.case('everything is on disk and whole'):
    for i in range(1, 11):
        integrity(s.file('tenant-%d' % i))
    integrity(s.file('acme-corp'))
t.done()
