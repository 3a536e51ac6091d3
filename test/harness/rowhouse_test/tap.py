"""TAP version 13, one line a case.

    t = Tap()
    with t.case('POST answers 201'):
        need(r.status == 201, r)
    t.done()

What a case raises becomes the diagnostic of its `not ok` line; the next case
runs all the same. done() prints the plan and ends the process: 0 where every
case passed, else 1. A watchdog ends a script that hangs.
"""
import os
import signal
import sys
import threading
import time
import traceback

# A sanitizer build or a busy machine may be slower: deadlines are multiplied.
SLOW = float(os.environ.get('ROWHOUSE_TEST_SLOW', '1'))


class Failed(AssertionError):
    """A broken expectation; its text is the whole diagnostic."""


class Skip(Exception):
    """The case cannot run here; its text says why."""


def need(condition, *details):
    """Raises Failed with the details where the condition does not hold."""
    if not condition:
        raise Failed('\n'.join(str(d) for d in details) or 'condition does not hold')


def equal(got, wanted, *details):
    if got != wanted:
        raise Failed('\n'.join(['got:    %r' % (got,), 'wanted: %r' % (wanted,)]
                               + [str(d) for d in details]))


def one_of(got, wanted, *details):
    if got not in wanted:
        raise Failed('\n'.join(['got:           %r' % (got,), 'wanted one of: %r' % (wanted,)]
                               + [str(d) for d in details]))


def until(what, seconds, probe, pause=0.02):
    """Calls probe until it is true; Failed after so many seconds."""
    end = time.monotonic() + seconds * SLOW
    while True:
        result = probe()
        if result:
            return result
        if time.monotonic() > end:
            raise Failed('not within %g s: %s' % (seconds * SLOW, what))
        time.sleep(pause)


class Case:
    def __init__(self, tap, name):
        self.tap = tap
        self.name = name

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        if kind is None:
            self.tap.result(True, self.name)
        elif issubclass(kind, Skip):
            self.tap.result(True, self.name, skip=str(error))
        elif issubclass(kind, Failed):
            self.tap.result(False, self.name, '%s\n%s' % (where(trace), error))
        elif issubclass(kind, Exception):
            text = ''.join(traceback.format_exception(kind, error, trace)[-6:])
            self.tap.result(False, self.name, text)
        else:
            return False
        return True


def where(trace):
    """The line of the test script that failed."""
    frames = [f for f in traceback.extract_tb(trace) if '/harness/' not in f.filename]
    if not frames:
        return ''
    f = frames[-1]
    return 'at %s:%d: %s' % (os.path.basename(f.filename), f.lineno, f.line)


class Tap:
    def __init__(self, limit_seconds=150):
        self.n = 0
        self.failed = 0
        self.lock = threading.Lock()
        self.at_end = []
        sys.excepthook = self.broke
        signal.signal(signal.SIGALRM, self.hang)
        signal.alarm(int(limit_seconds * SLOW))
        sys.stdout.write('TAP version 13\n')
        sys.stdout.flush()

    def case(self, name):
        return Case(self, name)

    def defer(self, close):
        """Calls close() at the end, last first, whatever happened."""
        self.at_end.append(close)

    def result(self, good, name, detail='', skip=None):
        with self.lock:
            self.n += 1
            if not good:
                self.failed += 1
            name = ''.join(c if c.isprintable() and c != '#' else '?' for c in name)
            line = '%s %d - %s' % ('ok' if good else 'not ok', self.n, name)
            if skip is not None:
                line += ' # SKIP ' + skip
            out = [line]
            if not good:
                out += ['  ---', '  message: |'] + ['    ' + x for x in printable(detail)] + ['  ...']
            sys.stdout.write('\n'.join(out) + '\n')
            sys.stdout.flush()

    def hang(self, _signal, _frame):
        sys.stdout.write('Bail out! the script took too long\n')
        sys.stdout.write(''.join('# ' + x for x in traceback.format_stack(_frame)[-6:]))
        sys.stdout.flush()
        self.close()
        os._exit(1)

    def broke(self, kind, error, trace):
        """Something was raised outside of a case: the script ends here."""
        self.result(False, 'the script runs to its end',
                    ''.join(traceback.format_exception(kind, error, trace)[-6:]))
        self.close()
        sys.stdout.write('1..%d\n' % self.n)
        sys.stdout.flush()

    def close(self):
        while self.at_end:
            close = self.at_end.pop()
            try:
                close()
            except Exception as e:  # a later one must still be closed
                self.result(False, 'closing', repr(e))

    def done(self):
        self.close()
        sys.stdout.write('1..%d\n' % self.n)
        if self.failed:
            sys.stdout.write('# failed %d of %d\n' % (self.failed, self.n))
        sys.stdout.flush()
        sys.exit(1 if self.failed else 0)


def printable(text):
    """Lines of at most 400 characters, at most 60 of them."""
    lines = []
    for line in str(text).split('\n'):
        line = ''.join(c if c.isprintable() or c == '\t' else '\\x%02x' % ord(c) for c in line)
        lines.append(line if len(line) <= 400 else line[:400] + '… (%d more)' % (len(line) - 400))
    if len(lines) > 60:
        lines = lines[:50] + ['… %d lines' % (len(lines) - 60)] + lines[-10:]
    return lines
