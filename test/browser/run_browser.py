#!/usr/bin/env python3
"""The pages in real headless Chromium: walk.mjs drives it, this starts the
server, installs what node needs into .cache/browser, and reports.

Screenshots go to build/screenshots (or ROWHOUSE_SCREENSHOTS)."""
import json
import os
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'harness'))
from rowhouse_test import *

HERE = os.path.dirname(os.path.abspath(__file__))
SHOTS = os.environ.get('ROWHOUSE_SCREENSHOTS', os.path.join(TREE, 'build', 'screenshots'))


def install(folder):
    for name in ('package.json', 'package-lock.json'):
        shutil.copy(os.path.join(HERE, name), folder)
    r = run('npm', 'ci', '--no-audit', '--no-fund', '--ignore-scripts', cwd=folder)
    need(r.returncode == 0, '$ npm ci', r.stdout, r.stderr)


t = Tap(limit_seconds=560)
with t.case('chromium, node and npm are there'):
    for program in ('chromium', 'node', 'npm'):
        need(shutil.which(program), 'no %s on this machine' % program)
with t.case('playwright-core and axe-core are installed'):
    cache = installed('browser', read(os.path.join(HERE, 'package-lock.json')), install)
if t.failed:
    t.done()
os.makedirs(SHOTS, exist_ok=True)
s = Server(t)
p = subprocess.Popen(['node', os.path.join(HERE, 'walk.mjs'), str(s.port), cache, SHOTS], stdin=subprocess.DEVNULL,
                     stdout=subprocess.PIPE, text=True)
t.defer(lambda: (p.poll() is None and p.kill(), p.wait()))
ended = False
for line in p.stdout:
    if line.startswith('RESULT '):
        x = json.loads(line[7:])
        t.result(x['good'], x['name'], x.get('detail', ''))
    elif line.startswith('END'):
        ended = True
    else:
        note(line.rstrip('\n'))
with t.case('the walk went to its end'):
    equal((p.wait(), ended), (0, True))
with t.case('SIGTERM ends the server with 0'):
    s.stop()
t.done()
