"""Opens the shops one after the other and measures what is asked of them."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.django import reads, writes
from bench.django.site import Site, opened
from bench.measure import Case, Figure, measure
from bench.shop import Shop
from ownership_core.keys import KeyType

SMALL = 1_000
"""In a smaller shop times say nothing: there only statements are counted."""


def measured(kind: str, customers: int, folder: Path, asked: argparse.Namespace) -> Iterator[Figure]:
    """All figures of one size in one database."""
    for single in (False, True):
        if single and customers < SMALL:
            return
        shop = Shop(customers, asked.seed, single, KeyType.INTEGER)
        with opened(kind, shop, folder, keep=asked.keep is not None) as site:
            for case in _cases(site):
                if asked.only is None or asked.only in case.name:
                    yield measure(case, lambda: _statements(site), asked.rounds, quick=asked.quick)


def _cases(site: Site) -> Iterator[Case]:
    if site.shop.single:
        return writes.cases(site)
    return reads.cases(site) if site.shop.customers >= SMALL else reads.changelists(site)


@contextmanager
def _statements(site: Site) -> Iterator[list[str]]:
    """What Django sends to the shop's database."""
    said: list[str] = []

    def note(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        said.append(sql)
        return execute(sql, params, many, context)

    with site.connection.execute_wrapper(note):
        yield said
