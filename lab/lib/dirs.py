"""Where things are: the source tree, the cache, the run directory, and the binaries under test."""
import contextlib
import fcntl
import os
import shutil

LAB = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
TREE = os.path.dirname(LAB)


def cache(*parts):
    base = os.environ.get("LAB_CACHE") or os.path.join(
        os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "hypertrace-lab")
    return os.path.join(os.path.abspath(base), *parts)


def run(*parts):
    """The run directory: one for each daemon directory, so that labs do not meet."""
    base = os.environ.get("LAB_DIR")
    if not base and os.environ.get("DDTRACE_DIR"):
        base = os.path.join(os.environ["DDTRACE_DIR"], "lab")
    return os.path.join(os.path.abspath(base or "/run/hypertrace-lab"), *parts)


def binary(name, variable):
    """A program of this project: named by the environment, or from the newest kind of build there is."""
    named = os.environ.get(variable)
    if named:
        return named if os.access(named, os.X_OK) else None
    for preset in ("release", "dev"):
        path = os.path.join(TREE, "build", preset, "bin", name)
        if os.access(path, os.X_OK):
            return path
    return None


def tool(name):
    """A system program; ordinary users often lack the sbin directories in PATH."""
    return shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin:/usr/bin:/bin")


@contextlib.contextmanager
def locked(path):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    while True:
        with open(path, "w", encoding="ascii") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            # `down` removes its lock with the rest: one that is no longer the file of that name locks nothing.
            if os.path.exists(path) and os.path.samestat(os.fstat(lock.fileno()), os.stat(path)):
                yield
                return
