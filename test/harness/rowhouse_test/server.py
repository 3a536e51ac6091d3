"""Starts the real server in a folder of its own, on ports of its own.

    with Server(t) as s:                     # t: the Tap
        s.client().get('/health')
    Server(t, env={'TENANT_CREATE': 'closed'}, path='/some/folder')

Leaving the block sends SIGTERM and adds a case: the exit status is 0. Nothing
of the caller's environment that names a setting reaches the server.
"""
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time

from .tap import Failed, SLOW
from .wire import Client, Closed

TREE = os.path.abspath(os.path.join(os.path.dirname(__file__), '..', '..', '..'))
BIN = os.environ.get('ROWHOUSE_BIN', os.path.join(TREE, 'build', 'rowhouse'))
KEPT = ('PATH', 'HOME', 'LANG', 'LC_ALL', 'TMPDIR', 'ASAN_OPTIONS', 'UBSAN_OPTIONS',
        'TSAN_OPTIONS', 'LSAN_OPTIONS', 'LD_LIBRARY_PATH')
START_SECONDS = 20


def free_port():
    """A port that nothing listens on, below those the kernel hands out."""
    for _ in range(200):
        port = random.SystemRandom().randrange(10240, 32000)
        if port_is_free(port):
            return port
    raise Failed('no free port')


def port_is_free(port):
    for family, address in ((socket.AF_INET, '0.0.0.0'), (socket.AF_INET6, '::')):
        try:
            with socket.socket(family, socket.SOCK_STREAM) as s:
                if family == socket.AF_INET6:
                    s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                s.bind((address, port))
        except OSError as e:
            if family == socket.AF_INET6 and not os.path.exists('/proc/net/if_inet6'):
                continue
            if e.errno == 97:
                continue
            return False
    return True


def outer_address():
    """An IPv4 address of this machine that is not loopback, or None."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as u:
        try:
            u.connect(('192.0.2.1', 9))
        except OSError:
            return None
        address = u.getsockname()[0]
        return None if address.startswith('127.') or address == '0.0.0.0' else address


def clean_env(extra=None):
    env = {k: v for k, v in os.environ.items() if k in KEPT}
    env.update({k: str(v) for k, v in (extra or {}).items()})
    return env


def temp_folder(tap=None, prefix='rowhouse-test-'):
    """A new folder, removed at the end of the script."""
    path = tempfile.mkdtemp(prefix=prefix)
    if tap:
        tap.defer(lambda: shutil.rmtree(path, ignore_errors=True))
    return path


def command(*args, env=None, timeout=30, stdin=None):
    """Runs the program with these arguments to its end."""
    return subprocess.run([BIN, *args], env=clean_env(env), capture_output=True, input=stdin,
                          timeout=timeout * SLOW, check=False)


class Server:
    def __init__(self, tap, env=None, path=None, args=(), start=True, wait=True, name=''):
        self.tap = tap
        self.name = name
        self.root = temp_folder(tap)
        self.path = path or os.path.join(self.root, 'data')
        self.port = free_port()
        self.env = {'DATABASE_PATH': self.path, 'PORT': self.port, 'ADMIN_PORT': '0'}
        self.env.update(env or {})
        self.env = {k: v for k, v in self.env.items() if v is not None}
        self.port = int(self.env['PORT'])
        self.args = list(args)
        self.process = None
        self.runs = 0
        tap.defer(self.kill)
        if start:
            self.start(wait)

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if self.process is None:
            return
        if kind is None:
            with self.tap.case('SIGTERM ends the server with 0' + self.name):
                self.stop()
        else:
            self.kill()

    @property
    def log_path(self):
        return os.path.join(self.root, 'log.%d' % self.runs)

    def log(self):
        with open(self.log_path, 'rb') as f:
            return f.read().decode('utf-8', 'replace')

    def log_tail(self, lines=15):
        return 'log of the server, its end:\n' + '\n'.join(self.log().split('\n')[-lines:])

    def start(self, wait=True, pass_fds=(), preexec=None, env=None):
        self.runs += 1
        merged = dict(self.env, **(env or {}))
        with open(self.log_path, 'wb') as log:
            self.process = subprocess.Popen(
                [BIN, 'serve', *self.args], env=clean_env(merged), stdin=subprocess.DEVNULL,
                stdout=log, stderr=log, cwd=self.root, pass_fds=pass_fds, preexec_fn=preexec)
        if wait:
            self.wait_ready()
        return self

    def wait_ready(self, seconds=START_SECONDS):
        end = time.monotonic() + seconds * SLOW
        last = None
        while time.monotonic() < end:
            if self.process.poll() is not None:
                raise Failed('the server ended with %d while starting\n%s'
                             % (self.process.returncode, self.log_tail()))
            try:
                last = self.client().get('/readyz')
                if last.status == 200:
                    return
            except (OSError, Closed) as e:
                last = e
            time.sleep(0.02)
        raise Failed('not ready after %g s: %s\n%s' % (seconds, last, self.log_tail()))

    def client(self, **kw):
        return Client(self.port, **kw)

    def alive(self):
        return self.process is not None and self.process.poll() is None

    def terminate(self):
        self.process.send_signal(signal.SIGTERM)

    def wait(self, seconds=20):
        try:
            return self.process.wait(seconds * SLOW)
        except subprocess.TimeoutExpired:
            raise Failed('still running %g s after it should have ended\n%s'
                         % (seconds * SLOW, self.log_tail()))

    def stop(self, seconds=20):
        """SIGTERM; Failed where the exit status is not 0 or a sanitizer spoke."""
        if not self.alive():
            raise Failed('the server had ended before, with %s\n%s'
                         % (self.process and self.process.returncode, self.log_tail(40)))
        self.terminate()
        try:
            status = self.wait(seconds)
        except Failed:
            self.kill()
            raise
        self.process = None
        if status != 0:
            raise Failed('exit status %d after SIGTERM\n%s' % (status, self.log_tail(40)))
        self.check_log()

    def check_log(self):
        bad = [x for x in self.log().split('\n')
               if re.search(r'Sanitizer|runtime error:|Assertion .* failed|assertion failed', x)]
        if bad:
            raise Failed('the log tells of a fault:\n' + '\n'.join(bad[:20]))

    def kill(self):
        """kill -9."""
        if self.process is not None:
            if self.process.poll() is None:
                self.process.kill()
            self.process.wait()
            self.process = None

    def restart(self):
        self.stop()
        return self.start()

    def file(self, tenant, suffix='.db'):
        return os.path.join(self.path, tenant + suffix)
