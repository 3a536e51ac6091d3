#!/usr/bin/env python3
"""What was acknowledged is there after kill -9, for each durability level, and
the databases are whole. Rowhouse-Durability tells the level."""
import os
import random
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'harness'))
from rowhouse_test import *

t = Tap()
TENANTS = ['d%d' % i for i in range(4)]

with Server(t) as s:
    c = s.client(tenant='levels')
    LEVELS = [(None, 'local'), ('durability=relaxed', 'relaxed'), ('durability=local', 'local'),
              ('durability=replica', 'local'), ('durability=nonsense', 'local'), ('durability', 'local'),
              ('respond-async, durability=relaxed', 'relaxed'), ('durability="relaxed"', 'relaxed'),
              ('durability = relaxed', 'relaxed'), ('return=minimal', 'local'), ('Durability=relaxed', 'relaxed'),
              ('durability=relaxed, durability=local', 'relaxed'), ('', 'local'),
              ('durability=bogus, durability=relaxed', 'local'), (',,;;', 'local')]
    for prefer, level in LEVELS:
        with t.case('Prefer: %s answers Rowhouse-Durability: %s' % (prefer, level)):
            headers = [('Prefer', prefer)] if prefer is not None else []
            r = c.post('/api/items', headers, json={'name': 'x'})
            created(r)
            equal(r.all('rowhouse-durability'), [level], r)
    with t.case('every kind of write answers it'):
        relaxed = [('Prefer', 'durability=relaxed')]
        item = created(c.post('/api/items', json={'name': 'x'}))
        form = page_form(s.client().get('/tenant/levels').text(), '/tenant/levels', {'name', 'description'})
        got = [c.patch('/api/items/' + item['id'], relaxed, json={'name': 'y'}),
               c.delete('/api/items/' + item['id'], relaxed),
               c.post('/api/items:batch', relaxed, json=[{'name': 'x'}]),
               c.post('/tenant/levels/items', relaxed, json={'name': 'x'}),
               c.post(form.action, relaxed, form=dict(form.values, name='z'))]
        equal([r.all('rowhouse-durability') for r in got], [['relaxed']] * 5, got[-1])
with Server(t, env={'DURABILITY': 'relaxed'}) as s:
    with t.case('DURABILITY=relaxed is the level of requests that ask for none'):
        r = s.client().post('/api/items', json={'name': 'x'})
        equal(r.all('rowhouse-durability'), ['relaxed'], r)
        r = s.client().post('/api/items', [('Prefer', 'durability=local')], json={'name': 'x'})
        equal(r.all('rowhouse-durability'), ['local'], r)


class Writer(threading.Thread):
    """Writes until the connection breaks; remembers what was acknowledged."""

    def __init__(self, s, tenant, level, n):
        super().__init__(daemon=True)
        self.c = s.client(tenant=tenant, keep=True)
        self.tenant, self.level, self.n = tenant, level, n
        self.there, self.gone, self.unsure = {}, set(), set()
        self.odd = []
        self.rng = random.Random(n)
        self.start()

    def send(self, method, target, **kw):
        return self.c.request(method, target, [('Prefer', 'durability=' + self.level)], **kw)

    def run(self):
        try:
            while True:
                self.step()
        except (OSError, Closed):
            pass

    def step(self):
        kind = self.rng.random()
        known = list(self.there)
        if kind < 0.6 or not known:
            name = 'n%d' % self.rng.getrandbits(60)
            r = self.send('POST', '/api/items', json={'name': name})
            self.expect(r, 201)
            self.there[r.json()['id']] = name
        elif kind < 0.75:
            names = ['b%d' % self.rng.getrandbits(60) for _ in range(20)]
            r = self.send('POST', '/api/items:batch', json=[{'name': x} for x in names])
            self.expect(r, 201)
            self.there.update({x['id']: x['name'] for x in r.json()})
        elif kind < 0.9:
            one, name = self.rng.choice(known), 'p%d' % self.rng.getrandbits(60)
            self.unsure.add(one)
            r = self.send('PATCH', '/api/items/' + one, json={'name': name})
            self.expect(r, 200)
            self.there[one] = name
            self.unsure.discard(one)
        else:
            one = self.rng.choice(known)
            self.unsure.add(one)
            r = self.send('DELETE', '/api/items/' + one)
            self.expect(r, 204)
            del self.there[one]
            self.gone.add(one)
            self.unsure.discard(one)

    def expect(self, r, status):
        if r.status != status:
            self.odd.append(str(r))
            raise Closed('an answer that was not expected')


def everything(s, tenant):
    c = s.client(keep=True, tenant=tenant)
    out = {x['id']: x['name'] for p in walk(c, '/api/items?limit=1000') for x in p.json()}
    c.close()
    return out


for level in ('local', 'relaxed'):
    s = Server(t)
    writers = []
    for round_ in range(4):
        with t.case('%s, round %d: kill -9 under load loses nothing acknowledged' % (level, round_)):
            new = [Writer(s, x, level, 100 * round_ + i) for i in range(2) for x in TENANTS]
            time.sleep(random.uniform(0.3, 0.9))
            until('some writes', 20, lambda: all(len(w.there) > 5 for w in new) or any(w.odd for w in new))
            s.kill()
            for w in new:
                w.join(20 * SLOW)
                equal(w.odd, [], 'answers while all was well')
            writers += new
            s.start()
            for tenant in TENANTS:
                have = everything(s, tenant)
                for w in writers:
                    if w.tenant != tenant:
                        continue
                    for one, name in w.there.items():
                        need(one in have or one in w.unsure, 'an acknowledged item is gone: ' + one)
                        need(one in w.unsure or have[one] == name, 'an acknowledged change is gone', one, name)
                    equal(sorted(w.gone & set(have)), [], 'deleted items are back')
                # from now on what is there counts
                for w in writers:
                    if w.tenant == tenant:
                        w.there = {k: have[k] for k in w.there if k in have}
                        w.unsure.clear()
    with t.case('%s: after all rounds the server ends with 0' % level):
        s.stop()
    with t.case('%s: integrity_check, counts and no strange files' % level):
        for tenant in TENANTS:
            integrity(s.file(tenant))
        names = {f for f in os.listdir(s.path) if not f.startswith('.')}
        allowed = {x + y for x in TENANTS for y in ('.db', '.db-wal', '.db-shm')}
        need(names <= allowed, names - allowed)

with t.case('kill -9 while tenants are being created: each is whole or not there'):
    s = Server(t)
    acknowledged = []

    def make(n):
        c = s.client(keep=True)
        try:
            for i in range(100000):
                tenant = 'new-%d-%d' % (n, i)
                if c.post('/api/items', json={'name': tenant}, tenant=tenant).status == 201:
                    acknowledged.append(tenant)
        except (OSError, Closed):
            pass

    for round_ in range(3):
        threads = [threading.Thread(target=make, args=(10 * round_ + i,), daemon=True) for i in range(4)]
        for x in threads:
            x.start()
        time.sleep(random.uniform(0.2, 0.5))
        s.kill()
        for x in threads:
            x.join(20 * SLOW)
        s.start()
    c = s.client(keep=True)
    for tenant in acknowledged:
        r = c.get('/api/items', tenant=tenant)
        equal([x['name'] for x in r.json()], [tenant], r)
    listed = {x for p in walk(c, '/api/tenants?limit=10000') for x in p.json()}
    for tenant in listed:
        r = c.get('/api/items', tenant=tenant)
        equal(r.status, 200, r)
    equal(sorted(set(acknowledged) - listed), [])
    c.close()
    s.stop()
    for tenant in listed:
        integrity(s.file(tenant))
t.done()
