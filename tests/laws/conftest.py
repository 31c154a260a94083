"""Lets the servers that are named take part in the laws."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from .both import servers


@pytest.fixture(scope="session", autouse=True)
def _servers(databases: Any) -> Iterator[None]:
    with servers(databases):
        yield
