"""What the lab tells its user: errors, notes, and progress (progress only on a terminal)."""
import sys


class LabError(Exception):
    """Something the user can understand and act on. It ends the command."""


def note(text):
    print(f"lab: {text}", file=sys.stderr, flush=True)


def progress(text):
    if sys.stderr.isatty():
        note(text)
