"""The same random lives on PostgreSQL and MariaDB, each beside the store in memory and the model in plain dicts."""

from __future__ import annotations

from typing import ClassVar

import pytest

from ownership_sqlalchemy import SqlAlchemyStore

from .both import on_server
from .elsewhere import CARDINALITIES, Elsewhere, go_on


class OnServer(Elsewhere):
    """Beside the SQL store on a server."""

    kind: ClassVar[str]

    def store(self) -> SqlAlchemyStore:
        """Its tables are made once and emptied for each life."""
        return on_server(self.kind, self.cardinality)

    def teardown(self) -> None:
        """The next life goes on with the same tables."""
        self.folder.cleanup()

    def looks_behind(self, store: object) -> None:
        """A server refuses a loose row by itself."""


@pytest.mark.parametrize("kind", ["postgresql", "mariadb"])
@pytest.mark.parametrize("cardinality", CARDINALITIES)
def test_random_lives_go_on_as_everywhere(cardinality: str, kind: str) -> None:
    """I12: whatever happens, in any order, under each cardinality. Fails when nobody is promoted in SQL."""
    go_on(OnServer, cardinality, 3, kind=kind)
