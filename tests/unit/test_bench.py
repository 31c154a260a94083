"""The measuring still runs, and what is measured still answers alike; how fast it is, no test says."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_bench_runs_on_a_small_shop() -> None:
    """Every operation answers as its hand-written forms do, or the run ends. Watches ``bench.measure.Differs``.

    A process of its own: it counts memory, which in a process full of tests takes a minute instead of seconds.
    """
    asked = [sys.executable, "-m", "bench", "--customers", "2000", "--rounds", "1", "--on", "SQLite", "--quick"]
    done = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for operation in ("point check", "1,000 ids at once", "department page", "exact count", "set primary"):
        assert operation in done.stdout
