"""Reads pages: forms with their fields, links, texts. Enough of HTML for pages
that are well-formed; what is not is reported by Page.faults."""
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

from .tap import Failed

VOID = {'area', 'base', 'br', 'col', 'embed', 'hr', 'img', 'input', 'link', 'meta', 'source',
        'track', 'wbr'}
# elements whose end tag HTML lets one leave out
OPTIONAL = {'p', 'li', 'dt', 'dd', 'option', 'tr', 'td', 'th', 'thead', 'tbody', 'tfoot'}


class Form:
    def __init__(self, action, method, attrs):
        self.action = action
        self.method = method
        self.attrs = attrs
        self.values = {}
        self.fields = {}
        self.buttons = []
        self.text = ''

    def __repr__(self):
        return '<form %s %s %s>' % (self.method, self.action, sorted(self.fields))


class Page(HTMLParser):
    def __init__(self, text, base='/'):
        super().__init__(convert_charrefs=True)
        self.base = base
        self.forms = []
        self.links = []
        self.elements = []
        self.faults = []
        self.text = ''
        self.stack = []
        self.form = None
        self.textarea = None
        self.feed(text)
        self.close()
        for tag in self.stack:
            if tag not in OPTIONAL | {'html', 'body', 'head'}:
                self.faults.append('<%s> is never closed' % tag)

    def resolve(self, url):
        u = urlsplit(urljoin('http://h' + self.base, url))
        return (u.path or '/') + ('?' + u.query if u.query else '')

    def handle_starttag(self, tag, attrs):
        names = [k for k, _ in attrs]
        if len(names) != len(set(names)):
            self.faults.append('<%s> has an attribute twice: %s' % (tag, names))
        attrs = {k: (v if v is not None else '') for k, v in attrs}
        self.elements.append((tag, attrs))
        if tag not in VOID:
            self.stack.append(tag)
        if tag == 'a' and 'href' in attrs:
            self.links.append(self.resolve(attrs['href']))
        if tag == 'form':
            action = self.resolve(attrs.get('action', '') or self.base)
            self.form = Form(action, attrs.get('method', 'get').lower(), attrs)
            self.forms.append(self.form)
        if self.form is not None:
            self.control(tag, attrs)

    def control(self, tag, attrs):
        name = attrs.get('name')
        kind = attrs.get('type', 'submit' if tag == 'button' else 'text')
        if tag == 'button' or (tag == 'input' and kind == 'submit'):
            self.form.buttons.append(attrs)
            if attrs.get('formaction'):
                self.form.buttons[-1]['formaction'] = self.resolve(attrs['formaction'])
        elif tag == 'input' and name:
            self.form.fields[name] = attrs
            if kind not in ('checkbox', 'radio') or 'checked' in attrs:
                self.form.values[name] = attrs.get('value', '')
        elif tag == 'textarea' and name:
            self.form.fields[name] = attrs
            self.form.values[name] = ''
            self.textarea = name
        elif tag == 'select' and name:
            self.form.fields[name] = attrs

    def handle_endtag(self, tag):
        if tag in VOID:
            return
        if tag not in self.stack:
            self.faults.append('</%s> without a start' % tag)
            return
        while self.stack:
            top = self.stack.pop()
            if top == tag:
                break
            if top not in OPTIONAL:
                self.faults.append('<%s> is closed by </%s>' % (top, tag))
        if tag == 'form':
            self.form = None
        if tag == 'textarea':
            if self.textarea and self.form:
                # the first line break after <textarea> is not part of its value
                value = self.form.values[self.textarea]
                self.form.values[self.textarea] = value[1:] if value[:1] == '\n' else value
            self.textarea = None

    def handle_data(self, data):
        if self.textarea and self.form:
            self.form.values[self.textarea] += data
        if not self.stack or self.stack[-1] not in ('script', 'style'):
            self.text += data
            if self.form:
                self.form.text += data

    def all(self, tag, **wanted):
        return [a for n, a in self.elements if n == tag
                and all(a.get(k.replace('_', '-')) == v for k, v in wanted.items())]


def page_form(text, base='/', wants=(), action=None, method='post'):
    """The form of that method with these fields (and this text in its action)."""
    page = Page(text, base)
    for form in page.forms:
        if form.method == method and set(wants) <= set(form.fields) and (
                action is None or action in form.action):
            return form
    raise Failed('no %s form with %s%s; forms: %s' % (
        method, sorted(wants), ' at ' + action if action else '', page.forms))
