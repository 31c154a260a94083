"""``python -m bench.django``: load, ask, compare, print one table."""

from __future__ import annotations

import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from bench.__main__ import parser
from bench.django.site import configure
from bench.measure import Figure
from bench.place import kinds
from bench.table import line, table

SIZES = [100, 100_000]


def main(arguments: list[str] | None = None) -> int:
    """Measure what was asked for."""
    asked = parser("python -m bench.django", SIZES).parse_args(arguments)
    configure()
    from bench.django.run import measured  # noqa: PLC0415 - models are ready now

    found: dict[tuple[str, str], dict[int, Figure]] = {}
    with ExitStack() as stack:
        folder = asked.keep or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        folder.mkdir(parents=True, exist_ok=True)
        for kind in asked.on or kinds():
            for customers in asked.customers:
                for figure in measured(kind, customers, folder, asked):
                    sizes = found.setdefault((kind, figure.case.name), {})
                    figure.first = next(iter(sizes.values()), figure).statements
                    sizes[customers] = figure
                    print(line(kind, customers, figure), flush=True, file=sys.stderr)
    print(table(found, asked.customers))
    return 0


if __name__ == "__main__":
    sys.exit(main())
