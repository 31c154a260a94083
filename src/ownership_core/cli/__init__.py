"""The command line ``ownership``, part of the extra ``cli``: this file needs nothing but the standard library."""

from __future__ import annotations

import sys
from importlib.util import find_spec

_NEEDED = ("click", "rich")


def main() -> int:
    """Run the command line on the arguments of this process; the number is its exit code."""
    if any(find_spec(name) is None for name in _NEEDED):
        sys.stderr.write('The command line needs more: pip install "ownership-core[cli]"\n')
        return 2
    from ownership_core.cli.app import run

    return run(sys.argv[1:])
