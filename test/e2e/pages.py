#!/usr/bin/env python3
"""The pages without JavaScript: forms, what a wrong field shows, posts from
other sites, security headers, hostile texts, static files."""
import os
import re
import sys
from urllib.parse import urlsplit

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'harness'))
from rowhouse_test import *

t = Tap()
s = Server(t)
c = s.client()
HTML = [('Accept', 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8')]
DASH = '/tenant/pages'


def page(target, status=200, **kw):
    r = c.get(target, HTML, **kw)
    equal((r.status, r.media), (status, 'text/html'), r)
    return r


def submit(form, fields, headers=(), client=None):
    return (client or c).post(form.action, HTML + list(headers), form=dict(form.values, **fields))


def follow(r):
    """The page behind a 303."""
    equal(r.status, 303, r)
    need(r.get('location'), 'no Location', r)
    u = urlsplit(r.get('location'))
    return page(u.path + ('?' + u.query if u.query else ''))


def items(tenant='pages'):
    return c.get('/api/items?limit=1000', tenant=tenant).json()


def links_of(r, item, base):
    """The targets on a page that name the item."""
    return [x for x in Page(r.text(), base).links if item['id'] in x]


with t.case('/ has a form that creates a tenant: 303 to its page'):
    form = page_form(page('/').text(), '/', {'name'})
    r = submit(form, {'name': 'Pages'})
    equal(r.status, 303, r)
    need('/tenant/pages' in r.get('location'), 'not the tenant\'s page', r)
    follow(r)
    need(os.path.exists(s.file('pages')))
    need('/tenant/pages' in Page(page('/').text()).links, 'no link to it on /')
for name in ('', '-bad', 'a b', 'x' * 64, 'acme-wal', '../x', '<script>alert(1)</script>', 'é'):
    with t.case('creating tenant %r: 422, the page again with what was typed' % name[:20]):
        r = submit(form, {'name': name})
        equal((r.status, r.media), (422, 'text/html'), r)
        again = page_form(r.text(), '/', {'name'})
        equal(again.values['name'], name)
        equal(again.fields['name'].get('aria-invalid'), 'true')
        need('<script>alert' not in r.text())
with t.case('creating a tenant that is there: an answer that says so'):
    r = submit(form, {'name': 'pages'})
    one_of(r.status, (303, 409, 422), r)
    need(len([x for x in c.get('/api/tenants').json() if x == 'pages']) == 1)

with t.case('the dashboard has a form that adds: 303, then it is on the page'):
    form = page_form(page(DASH).text(), DASH, {'name', 'description'})
    r = follow(submit(form, {'name': 'First item', 'description': 'line 1\r\nline 2'}))
    need('First item' in Page(r.text()).text, r)
    got = items()
    equal([x['name'] for x in got], ['First item'])
    one_of(got[0]['description'], ('line 1\nline 2', 'line 1\r\nline 2'))
with t.case('an empty description is none'):
    follow(submit(form, {'name': 'Second', 'description': ''}))
    one_of(items()[0]['description'], (None, ''))

WRONG = [({'name': '', 'description': 'kept text'}, 'name'), ({'name': '   ', 'description': 'x'}, 'name'),
         ({'name': 'n' * 501, 'description': ''}, 'name'),
         ({'name': 'fine', 'description': 'd' * 10001}, 'description'),
         ({'name': 'a\x01b', 'description': 'x'}, 'name'),
         ({'name': HOSTILE * 20, 'description': HOSTILE}, 'name'),
         ({'name': '', 'description': '\n\nbegins with line breaks'}, 'name')]
for fields, wrong in WRONG:
    with t.case('adding %s: 422, field %s marked, input kept' % (str(fields)[:50], wrong)):
        n = len(items())
        r = submit(form, fields)
        equal((r.status, r.media), (422, 'text/html'), r)
        again = page_form(r.text(), form.action, {'name', 'description'})
        equal(again.values['name'], fields['name'].replace('\x01', again.values['name'][1:2])
              if '\x01' in fields['name'] else fields['name'])
        equal(again.values['description'].replace('\r\n', '\n'), fields['description'])
        marked = again.fields[wrong]
        equal(marked.get('aria-invalid'), 'true', r)
        ids = [a.get('id') for _, a in Page(r.text()).elements]
        need(marked.get('aria-describedby', '').split(' ')[0] in ids, 'nothing describes the field', r)
        equal(len(items()), n)
        equal(Page(r.text()).faults, [])

with t.case('an item can be edited by a form'):
    item = items()[-1]
    edits = [x for x in links_of(page(DASH), item, DASH)]
    need(edits, 'no link names the item')
    target, edit = None, None
    for x in edits:
        try:
            edit = page_form(page(x).text(), x, {'name', 'description'})
            target = x
            break
        except Failed:
            continue
    need(edit, 'no page behind %s has an edit form' % edits)
    equal(edit.values['name'], item['name'])
    follow(submit(edit, {'name': 'Renamed', 'description': 'new'}))
    now = c.get('/api/items/' + item['id'], tenant='pages').json()
    equal((now['name'], now['description']), ('Renamed', 'new'))
with t.case('a wrong edit is 422 with the input kept, and changes nothing'):
    r = submit(edit, {'name': '', 'description': 'typed'})
    equal((r.status, r.media), (422, 'text/html'), r)
    again = page_form(r.text(), edit.action, {'name', 'description'})
    equal((again.values['name'], again.values['description']), ('', 'typed'))
    equal(c.get('/api/items/' + item['id'], tenant='pages').json(), now)
with t.case('an item can be deleted by a form'):
    remove = None
    for x in [target] + edits:
        for f in Page(page(x).text(), x).forms:
            if f.method == 'post' and 'name' not in f.fields and item['id'] in f.action:
                remove = f
    need(remove, 'no delete form behind %s' % edits)
    n = len(items())
    follow(submit(remove, {}))
    equal(c.get('/api/items/' + item['id'], tenant='pages').status, 404)
    equal(len(items()), n - 1)
with t.case('edit and delete of an item that is gone are 404 pages'):
    for r in (submit(edit, {'name': 'x', 'description': ''}), submit(remove, {}), c.get(target, HTML)):
        equal((r.status, r.media), (404, 'text/html'), r)

# who may post
ORIGIN = 'http://localhost:%d' % s.port
HOST = ('Host', 'localhost:%d' % s.port)
POSTS = [([('Sec-Fetch-Site', 'same-origin')], True), ([('Sec-Fetch-Site', 'none')], True),
         ([('Sec-Fetch-Site', 'cross-site')], False), ([('Sec-Fetch-Site', 'same-site')], False),
         ([('Sec-Fetch-Site', 'nonsense')], False), ([('Sec-Fetch-Site', '')], False),
         ([('Sec-Fetch-Site', 'same-origin'), ('Origin', ORIGIN)], True),
         ([('Sec-Fetch-Site', 'cross-site'), ('Origin', ORIGIN)], False),
         ([('Sec-Fetch-Site', 'same-site'), ('Origin', 'http://other.localhost:%d' % s.port)], False),
         ([('Origin', ORIGIN)], True), ([('Origin', ORIGIN.upper().replace('HTTP', 'http'))], True),
         ([('Origin', 'http://evil.example')], False), ([('Origin', 'null')], False),
         ([('Origin', 'http://localhost:1')], False), ([('Origin', 'http://localhost')], False),
         ([('Origin', ORIGIN + '.evil.example')], False), ([('Origin', 'http://evil.example/' + ORIGIN)], False),
         ([('Origin', 'http://pages.localhost:%d' % s.port)], False), ([('Origin', '')], False),
         ([('Origin', ORIGIN), ('Origin', 'http://evil.example')], False),
         ([('Sec-Fetch-Site', 'same-origin'), ('Sec-Fetch-Site', 'cross-site')], False), ([], True),
         ([('Referer', 'http://evil.example/')], True)]
for headers, good in POSTS:
    with t.case('a post with %s is %s' % (headers, 'taken' if good else '403')):
        n = len(items())
        r = submit(form, {'name': 'posted', 'description': ''}, [HOST] + headers)
        equal(r.status, 303 if good else 403, r)
        equal(len(items()), n + good)
with t.case('the other forms are guarded as well'):
    item = items()[0]
    before = c.get('/api/items/' + item['id'], tenant='pages').json()
    cross = [('Sec-Fetch-Site', 'cross-site')]
    for x in links_of(page(DASH), item, DASH) + ['/']:
        for f in Page(page(x).text(), x).forms:
            if f.method == 'post':
                r = submit(f, {'name': 'evil'} if 'name' in f.fields else {}, [HOST] + cross)
                equal(r.status, 403, r)
    equal(c.get('/api/items/' + item['id'], tenant='pages').json(), before)
    need('evil' not in c.get('/api/tenants').json())
with t.case('a form is not taken as text/plain or multipart'):
    for kind in ('text/plain', 'multipart/form-data; boundary=b'):
        r = c.post(form.action, HTML, body=b'name=x', kind=kind)
        equal(r.status, 415, r)
with t.case('broken forms are 4xx'):
    for body in ('name=%', 'name=%zz', 'name=%ff', 'name=a%00b', 'name=a&name=b', '', '&&&=&', 'name'):
        n = len(items())
        r = c.post(form.action, HTML, form=body)
        one_of(r.status, (400, 422), body, r)
        equal(len(items()), n)
with t.case('a GET changes nothing'):
    n = len(items())
    for x in links_of(page(DASH), items()[0], DASH):
        page(x)
    equal(len(items()), n)

# headers
PAGES = ['/', DASH, '/tenant/pages/items', '/nope', '/tenant/-bad'] + links_of(page(DASH), items()[0], DASH)
for target in PAGES:
    with t.case('security headers of %s' % re.sub(r'[0-9a-f-]{36}', 'ID', target)):
        r = c.get(target, HTML)
        equal(r.media, 'text/html', r)
        need('utf-8' in r.get('content-type').lower(), r)
        csp = {x.split()[0]: x.split()[1:] for x in (r.get('content-security-policy') or '').split(';') if x.strip()}
        need(csp, 'no Content-Security-Policy', r)
        equal(csp.get('default-src'), ["'none'"], r.get('content-security-policy'))
        for kind in ('script-src', 'style-src', 'img-src', 'connect-src'):
            if kind in csp:
                one_of(csp[kind], (["'self'"], ["'none'"]), csp)
        equal(csp.get('frame-ancestors'), ["'none'"], csp)
        equal(csp.get('base-uri'), ["'none'"], csp)
        equal(csp.get('form-action'), ["'self'"], csp)
        need('unsafe' not in r.get('content-security-policy'), csp)
        equal(r.get('x-content-type-options'), 'nosniff', r)
        one_of(r.get('referrer-policy'), ('no-referrer', 'same-origin', 'strict-origin'), r)
        need('cache-control' in [k.lower() for k, _ in r.headers], r)
        p = Page(r.text(), target)
        equal(p.faults, [], 'the page is not well-formed')
        for tag, attrs in p.elements:
            bad = [a for a in attrs if a.startswith('on') or a == 'style']
            equal(bad, [], 'inline code in <%s>' % tag)
            need(tag != 'style' and (tag != 'script' or 'src' in attrs), 'inline <%s>' % tag)
            need(not attrs.get('href', '').lower().startswith('javascript:'), attrs)
        equal([a['lang'] for a in p.all('html')], ['en'])
        need(len(p.all('h1')) == 1 and len(p.all('main')) == 1 and p.all('title'), 'h1, main, title')
with t.case('JSON answers are not sniffed either'):
    for target in ('/api/items', '/api/tenants', '/nope'):
        equal(c.get(target).get('x-content-type-options'), 'nosniff', target)

with t.case('hostile texts are escaped everywhere they appear'):
    for text in (HOSTILE, '"><script>alert(1)</script>', "'-alert(1)-'", '{{7*7}}', '&lt;b&gt;', 'a&amp;b', '</textarea><b>'):
        created(c.post('/api/items', json={'name': text, 'description': text + '\n' + text}, tenant='hostile'))
    base = '/tenant/hostile'
    dash = page(base)
    targets = [base, '/tenant/hostile/items']
    for item in items('hostile'):
        targets += links_of(dash, item, base)
        text = Page(dash.text()).text
        need(item['name'] in text, 'the text %r does not show as it is' % item['name'])
    for target in targets:
        r = page(target)
        p = Page(r.text(), target)
        equal(p.faults, [], target)
        need(not [a for tag, a in p.elements if 'onerror' in a or a.get('src') == 'x'], target, r)
        need(len([1 for tag, a in p.elements if tag == 'script' and 'src' not in a]) == 0, target, r)
        need(not p.all('b'), target)
with t.case('what was typed comes back in the edit form as it is'):
    for item in items('hostile'):
        for x in links_of(dash, item, base):
            for f in Page(page(x).text(), x).forms:
                if 'name' in f.fields and f.method == 'post':
                    equal((f.values['name'], f.values['description'].replace('\r\n', '\n')),
                          (item['name'], item['description']))
with t.case('a hostile search is shown as text'):
    r = page('/?q=' + '%22%3E%3Cscript%3Ealert(1)%3C/script%3E')
    need('<script>alert' not in r.text(), r)

with t.case('the numbers on the dashboard are right'):
    s.client().post('/api/items:batch', json=[{'name': 'n%d' % i} for i in range(137)], tenant='numbers')
    text = Page(page('/tenant/numbers').text()).text
    need(re.search(r'(^|\D)137(\D|$)', text), text[:2000])
    need('numbers.db' in text, 'the file is not named')
    need(re.search(r'(^|\D)137(\D|$)', Page(page('/').text()).text), 'not on / either')
with t.case('the chart is SVG made on the server'):
    need(Page(page('/tenant/numbers').text()).all('svg'), 'no svg')
with t.case('the items page leads through all items'):
    target, seen = '/tenant/numbers/items', 0
    names = set()
    while target:
        r = page(target)
        p = Page(r.text(), target)
        names |= set(re.findall(r'>\s*(n\d+)\s*<', r.text()))
        more = [x for x, a in ((p.resolve(a['href']), a) for a in p.all('a')) if a.get('rel') == 'next']
        target = more[0] if more else None
        seen += 1
        need(seen < 50, 'the pages do not end')
    equal(names, {'n%d' % i for i in range(137)})
with t.case('/ has search and pages for many tenants'):
    k = s.client(keep=True)
    for i in range(130):
        k.get('/api/items?limit=1', tenant='zz-%03d' % i)
    k.close()
    shown = [x for x in Page(page('/?q=zz-01').text()).links if x.startswith('/tenant/')]
    equal(sorted(shown), ['/tenant/zz-%03d' % i for i in range(10, 20)])
    target, got, n = '/', [], 0
    while target:
        p = Page(page(target).text(), target)
        got += [x[8:] for x in p.links if re.match(r'^/tenant/[a-z0-9_-]+$', x)]
        more = [p.resolve(a['href']) for a in p.all('a') if a.get('rel') == 'next']
        target = more[0] if more else None
        n += 1
        need(n < 100, 'the pages do not end')
    equal(sorted(got), sorted(c.get('/api/tenants').json()))
    equal(len(got), len(set(got)), 'a tenant is shown twice')

with t.case('static files have immutable names and types'):
    files = {p.resolve(a.get('href') or a.get('src')) for p in (Page(page('/').text()),)
             for tag, a in p.elements if tag in ('link', 'script', 'img') and (a.get('href') or a.get('src'))}
    need(len(files) >= 2, files)
    for target in files:
        r = c.get(target)
        equal(r.status, 200, r.status, target)
        need({'immutable'} <= set(r.tokens('cache-control')) and 'max-age=31536000' in r.tokens('cache-control'), r.headers)
        need(re.search(r'[0-9a-zA-Z_-]{8,}', target), target)
        equal(r.get('x-content-type-options'), 'nosniff', r.headers)
        kinds = {'css': 'text/css', 'js': 'text/javascript', 'svg': 'image/svg+xml'}
        equal(r.media, kinds[target.rsplit('.', 1)[1]], target)
        tag = r.get('etag')
        if tag:
            equal(c.get(target, [('If-None-Match', tag)]).status, 304)
        equal(c.head(target).get('content-length'), str(len(r.body)))
        changed = re.sub(r'[0-9a-zA-Z]{4}(\.\w+)$', r'ZZZZ\1', target)
        equal(c.get(changed).status, 404, changed)
with t.case('a page in another form of its tenant keeps that tenant'):
    r = c.get('/tenant/whatever', HTML, tenant='pages')
    equal(r.status, 200, r)
    need('<h1>pages</h1>' in re.sub(r'\s*(</?h1)[^>]*>\s*', r'\1>', r.text()), r)
with t.case('SIGTERM ends the server with 0'):
    s.stop()
t.done()
