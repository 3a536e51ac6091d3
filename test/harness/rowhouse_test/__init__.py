"""Common parts of the end-to-end tests: TAP output, a server, a raw client.

Python's standard library only. A test script puts test/harness on its path
(see any file of test/e2e) and imports from here.
"""
from .cache import installed, read
from .facts import (ETAG, HOSTILE, ITEM_KEYS, check_fields, check_item, check_problem, check_time,
                    created, fail, hold, integrity, next_target, note, run, sql, walk)
from .html import Page, page_form
from .server import (BIN, TREE, Server, clean_env, command, free_port, outer_address,
                     port_is_free, temp_folder)
from .tap import SLOW, Failed, Skip, Tap, equal, need, one_of, until
from .wire import Client, Closed, Conn, Response, build, encode_form, exchange, responses
