"""The example a developer reads in two minutes runs as its page says."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

EXAMPLE = Path(__file__).parents[2] / "examples" / "existing_shop"


def test_the_example_shop_runs() -> None:
    """One mapping, one condition, one command in the shop's own transaction: each staff sees its own."""
    done = subprocess.run([sys.executable, str(EXAMPLE)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[:3] == [
        "maria: ['Acme'], revenue 0",
        "jon: ['Cedar'], revenue 120",
        "May Jon view Acme? No.",
    ]
