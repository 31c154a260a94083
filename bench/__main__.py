"""``python -m bench``: load, ask, compare, print one table."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from bench import moves, reads, writes
from bench.measure import ROUNDS, Case, Figure, measure, statements
from bench.place import Place, kinds, opened
from bench.shop import Shop
from bench.table import line, table
from ownership_core.keys import KeyType


def main(arguments: list[str] | None = None) -> int:
    """Measure what was asked for."""
    asked = parser("python -m bench", [100_000]).parse_args(arguments)
    found: dict[tuple[str, str], dict[int, Figure]] = {}
    with ExitStack() as stack:
        folder = asked.keep or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        folder.mkdir(parents=True, exist_ok=True)
        for kind in asked.on or kinds():
            for customers in asked.customers:
                for figure in _measured(kind, customers, folder, asked):
                    found.setdefault((kind, figure.case.name), {})[customers] = figure
                    print(line(kind, customers, figure), flush=True, file=sys.stderr)
    print(table(found, asked.customers))
    return 0


def _measured(kind: str, customers: int, folder: Path, asked: argparse.Namespace) -> Iterator[Figure]:
    halves: list[tuple[bool, Callable[[Place], Iterator[Case]]]] = [(False, reads.cases), (True, writing)]
    for single, cases in halves:
        shop = Shop(customers, asked.seed, single, KeyType(asked.keys))
        with opened(kind, shop, folder, keep=asked.keep is not None) as place:
            for case in cases(place):
                if asked.only is None or asked.only in case.name:
                    yield measure(case, partial(statements, place.store.engine), asked.rounds, quick=asked.quick)


def writing(place: Place) -> Iterator[Case]:
    """Everything that writes, in the shop of single owners."""
    yield from writes.cases(place)
    yield from moves.cases(place)


def parser(name: str, sizes: list[int]) -> argparse.ArgumentParser:
    """What may be asked for; ``sizes`` are measured where none is named."""
    parser = argparse.ArgumentParser(name, description=f"{name}: load, ask, compare, print one table.")
    parser.add_argument(
        "--customers",
        type=int,
        nargs="+",
        default=sizes,
        help="sizes of the shop; growth needs two: 100000 1000000",
    )
    parser.add_argument("--seed", type=int, default=1, help="another number draws another shop")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="turns of every candidate")
    parser.add_argument(
        "--quick", action="store_true", help="one operation a turn: answers are compared, times mean little"
    )
    parser.add_argument("--keys", choices=[KeyType.TEXT.value, KeyType.INTEGER.value], default=KeyType.TEXT.value)
    parser.add_argument("--only", help="operations whose name holds this text")
    parser.add_argument("--on", nargs="+", choices=["SQLite", "PostgreSQL"], help="all that are there, if left out")
    parser.add_argument("--keep", type=Path, help="a folder where loaded shops stay for the next run")
    return parser


if __name__ == "__main__":
    sys.exit(main())
