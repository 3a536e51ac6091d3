"""What schemathesis cannot know from the document.

A cursor is only good where the server gave it out, and a key of
Idempotency-Key only for one body: both are of any form, so no schema says it.
Fields that the server ignores may hold any JSON, but JSON that it reads at all:
no U+0000 and no number out of range (api.md). Bad cursors, keys and JSON are
tested in test/e2e."""
import uuid

import schemathesis
from schemathesis import GenerationMode


def readable(value):
    """False for what api.md calls malformed although a schema may admit it."""
    if isinstance(value, str):
        return '\0' not in value
    if isinstance(value, bool) or value is None:
        return True
    if isinstance(value, (int, float)):
        return -(1 << 63) <= value < 1 << 63 if isinstance(value, int) else True
    if isinstance(value, dict):
        return all(readable(k) and readable(v) for k, v in value.items())
    if isinstance(value, list):
        return all(readable(x) for x in value)
    return True


def only_readable(value):
    """The same without what cannot be read."""
    if isinstance(value, dict):
        return {k: only_readable(v) for k, v in value.items() if readable(k) and readable(v)}
    if isinstance(value, list):
        return [only_readable(x) for x in value]
    return value


@schemathesis.hook
def before_call(_context, case, kwargs):
    kwargs['allow_redirects'] = False
    if case.meta is None or case.meta.generation.mode != GenerationMode.POSITIVE:
        return
    if case.query:
        case.query.pop('cursor', None)
    if case.headers and 'Idempotency-Key' in case.headers:
        case.headers['Idempotency-Key'] = str(uuid.uuid4())
    if isinstance(case.body, (dict, list)):
        case.body = only_readable(case.body)
