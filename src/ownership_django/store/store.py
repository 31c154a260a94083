"""The Store port over Django's ORM: in its tables, its connection and its transaction."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

from django.apps import apps
from django.db import Error, connections, transaction
from django.db.models import AutoField, Model, Q, QuerySet

from ownership_core.errors import cardinality_mismatch
from ownership_core.fields import Fields
from ownership_core.ports import Capabilities, Query
from ownership_django import conf, hosts
from ownership_django.guard import guarded
from ownership_django.models import Cardinality, Head, Rotation, rows_of
from ownership_django.query import Conditions
from ownership_django.store.errors import WHO, told, unfit
from ownership_django.store.reader import CHUNK, DjangoReader
from ownership_django.store.transaction import is_ours, writing
from ownership_django.store.writer import DjangoWriter

SUPPORTED = {"sqlite": "SQLite", "postgresql": "PostgreSQL", "mysql": "MariaDB"}
_OLDEST = {"sqlite": (3, 38), "mysql": (10, 6)}  # the first with all JSON functions; Django's floors are newer else


class DjangoStore:
    """Keeps everything in the tables of the app, in the database the settings name.

    A writer begins a transaction where none is open, and else is a savepoint in the site's: then nothing is tried
    again, and what is to be told waits for the site's commit. A reader begins none: each question is one statement,
    and the guard in it ties it to the access it rests on.
    """

    reads = DjangoReader
    writes = DjangoWriter

    def __init__(self, using: str | None = None) -> None:
        self._using = using

    @property
    def using(self) -> str:
        """The alias of the database."""
        return conf.configuration().database if self._using is None else self._using

    @property
    def capabilities(self) -> Capabilities:
        """What this store can do."""
        return Capabilities("django", hosts.customers().key, writes_customers=False)

    @property
    def fields(self) -> Fields:
        """The customer fields the site declares."""
        return hosts.customers().fields

    def check(self, cardinality: str) -> None:
        """Refuse to serve when not fit: ``unsupported_dialect``, ``schema_missing``, ``cardinality_mismatch``."""
        connection = connections[self.using]
        require_database(self.using)
        try:
            with transaction.atomic(using=self.using):
                kept = rows_of(Cardinality, self.using).values_list("name", flat=True).first()
        except Error:
            with told(connection):
                there = connection.introspection.table_names()
            if Cardinality._meta.db_table in there:
                raise
            kept = None
        if kept is None:
            raise unfit("schema_missing", "Our tables are not there, or empty.", "Run `manage.py migrate ownership`.")
        if kept != cardinality:
            raise cardinality_mismatch(kept, cardinality, WHO)

    @contextmanager
    def reader(self) -> Iterator[DjangoReader]:
        """Answers of what is committed now; inside a transaction, of what it sees."""
        yield self.reads(self.using, hosts.customers())

    @contextmanager
    def writer(self) -> Iterator[DjangoWriter]:
        """A transaction: committed when the block ends, rolled back when it raises. Or a savepoint, as above."""
        with writing(self.using):
            yield self.writes(self.using, hosts.customers())

    @property
    def begins(self) -> bool:
        """Whether a writer opened now begins a transaction; inside ``atomic`` it does not."""
        return is_ours(self.using)

    def after_commit(self, tell: Callable[[], None]) -> None:
        """When the outermost transaction has committed: now, if that was ours. One that fails silences no other."""
        transaction.on_commit(tell, using=self.using, robust=True)

    def clause(self, query: Query, column: Any) -> Q:
        """``query`` as a condition on a host's column, named by its lookup path: ``column IN (SELECT ...)``."""
        customers = hosts.customers()
        found = customers.rows().filter(Conditions(customers).where(query.scope), guarded(query.guard))
        return Q(**{f"{column}__in": found.values(customers.pk.attname)})

    def within(self, transaction: Any) -> NoReturn:  # noqa: ARG002
        """Refused: there is nothing to be handed in."""
        what = "Inside `transaction.atomic` this store joins the transaction by itself."
        raise unfit("no_host_transactions", what, "Give your commands to the service inside `transaction.atomic`.")

    def digest(self) -> str:
        """A hash over every row of every table of ours; equal digests mean nothing was written.

        A head nobody has used yet says nothing an absent one does not, nor does a rotation nobody was dealt to yet;
        the numbers that rows are stored under say nothing at all.
        """
        digest = hashlib.sha256()
        for model in apps.get_app_config("ownership").get_models():
            digest.update(f"{model._meta.db_table}\n".encode())
            for row in _all_rows(model, self.using).iterator(chunk_size=CHUNK):
                digest.update(json.dumps([str(one) for one in row]).encode() + b"\n")
        return digest.hexdigest()


def require_database(using: str) -> None:
    """Refuse what was never tried: ``unsupported_dialect``."""
    connection: Any = connections[using]
    name = SUPPORTED.get(connection.vendor)
    if name is None or (connection.vendor == "mysql" and not connection.mysql_is_mariadb):
        known = ", ".join(SUPPORTED.values())
        what = f"The database {using!r} is {connection.display_name}; supported are {known}."
        raise unfit("unsupported_dialect", what, "Name another one in OWNERSHIP['DATABASE'].")
    oldest = _OLDEST.get(connection.vendor)
    if oldest is not None and connection.get_database_version() < oldest:
        shown = ".".join(map(str, oldest))
        raise unfit("unsupported_dialect", f"The {name} of {using!r} is too old.", f"Use {name} {shown} or newer.")


def _all_rows(model: type[Model], using: str) -> QuerySet[Any]:
    columns = [field.attname for field in model._meta.concrete_fields if not isinstance(field, AutoField)]
    rows = rows_of(model, using).order_by(*columns)
    if model is Head:
        rows = rows.exclude(version=0, no_auto=False)
    if model is Rotation:
        rows = rows.exclude(staff=None)
    return rows.values_list(*columns)
