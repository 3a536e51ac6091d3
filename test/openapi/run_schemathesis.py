#!/usr/bin/env python3
"""Property-based tests of the whole API by schemathesis (PyPI), from the
OpenAPI document of a live server, with every check it knows.

It is installed once, in .cache/venv, in the versions of requirements.txt. Each
operation is a line of the result. Streams are left out: they do not end."""
import os
import subprocess
import sys
import xml.etree.ElementTree as xml

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'harness'))
from rowhouse_test import *

SECONDS = int(os.environ.get('SCHEMATHESIS_SECONDS', '60'))
HERE = os.path.dirname(os.path.abspath(__file__))
REQUIREMENTS = os.path.join(HERE, 'requirements.txt')


def install(folder):
    for step in ([sys.executable, '-m', 'venv', '--clear', folder],
                 [os.path.join(folder, 'bin', 'python'), '-m', 'pip', 'install', '-q',
                  '--disable-pip-version-check', '-r', REQUIREMENTS]):
        r = run(*step)
        need(r.returncode == 0, '$ ' + ' '.join(step), r.stdout, r.stderr)


def report(path):
    """A line an operation, from schemathesis's JUnit file."""
    for case in xml.parse(path).getroot().iter('testcase'):
        with t.case('schemathesis: ' + case.get('name')):
            wrong = [x for x in case if x.tag in ('failure', 'error')]
            if wrong:
                fail(*['%s\n%s' % (x.get('message', ''), x.text) for x in wrong])


t = Tap(limit_seconds=SECONDS * 3 + 300)
with t.case('schemathesis is installed'):
    venv = installed('venv', read(REQUIREMENTS), install)
if t.failed:
    t.done()
s = Server(t)
folder = temp_folder(t)
junit = os.path.join(folder, 'junit.xml')
p = subprocess.run(
    [os.path.join(venv, 'bin', 'schemathesis'), '--config-file', os.path.join(HERE, 'schemathesis.toml'), 'run',
     'http://127.0.0.1:%d/api/openapi.json' % s.port, '--checks', 'all', '--max-time', str(SECONDS),
     '--exclude-path-regex', '/events$', '--output-truncate', 'false', '--workers', '1', '--request-timeout', '20', '--continue-on-failure',
     '--suppress-health-check', 'all', '--report', 'junit', '--report-junit-path', junit,
     *os.environ.get('SCHEMATHESIS_ARGS', '').split()],
    stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, cwd=folder, check=False,
    env=dict(os.environ, NO_COLOR='1', SCHEMATHESIS_HOOKS='hooks', PYTHONPATH=HERE,
             PYTHONDONTWRITEBYTECODE='1', PYTHONWARNINGS='ignore', HYPOTHESIS_STORAGE_DIRECTORY=folder),
    timeout=(SECONDS * 2 + 200) * SLOW)
out = p.stdout.decode('utf-8', 'replace')
with t.case('schemathesis ran to its end and found nothing'):
    need(p.returncode == 0, 'exit %d' % p.returncode, out[-12000:])
if os.path.exists(junit):
    report(junit)
note('\n'.join(out.split('\n')[-25:]))
with t.case('the server is well'):
    equal(s.client().get('/health').status, 200)
with t.case('SIGTERM ends the server with 0'):
    s.stop()
t.done()
