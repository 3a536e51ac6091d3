"""What tests install for themselves, once, into .cache of the tree."""
import fcntl
import os

from .server import TREE

CACHE = os.path.join(TREE, '.cache')


def installed(name, stamp, install):
    """The folder .cache/NAME, filled by install(folder) unless that was done for
    this stamp. One process at a time; the others wait for it."""
    folder = os.path.join(CACHE, name)
    mark = os.path.join(folder, 'installed')
    os.makedirs(CACHE, exist_ok=True)
    with open(folder + '.lock', 'w') as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (os.path.exists(mark) and read(mark) == stamp):
            os.makedirs(folder, exist_ok=True)
            install(folder)
            with open(mark, 'w') as f:
                f.write(stamp)
    return folder


def read(path):
    with open(path) as f:
        return f.read()
