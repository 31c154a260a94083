"""Rows that are read through the ORM and written by the store alone.

What reaches a table beside the service has no event, no plan and no check. So every way of the ORM to write
is refused, except ``loaddata``, which brings back what was dumped and goes through the database's constraints.
"""

from __future__ import annotations

from typing import Any, ClassVar, NoReturn, TypeVar

from django.db import models

from ownership_core.errors import Problem, Refused

_M = TypeVar("_M", bound=models.Model)
WHO = "ownership-django"


def refuse_write(model: type[models.Model]) -> NoReturn:
    """Say that rows of ``model`` are not written this way (code ``read_only_rows``)."""
    what = f"Rows of {model._meta.label} are written by commands only, so that each change has its event."
    raise Refused(Problem("read_only_rows", what, "Give the service a command: Assign, ChangeStaff ..."), who=WHO)


def rows_of(model: type[_M], using: str) -> models.QuerySet[_M]:
    """All rows of ``model``, free to be written: for the store, which does so inside a command's transaction."""
    return models.QuerySet(model=model, using=using)


class GuardedQuerySet(models.QuerySet[_M]):
    """A queryset that reads. Its asynchronous twins call these, and so do related managers."""

    def _refuse(self, *_args: Any, **_options: Any) -> NoReturn:
        refuse_write(self.model)

    create = update = delete = bulk_create = bulk_update = get_or_create = update_or_create = _refuse


class GuardedManager(models.Manager.from_queryset(GuardedQuerySet)):  # type: ignore[misc]
    """The manager of all our rows."""

    use_in_migrations = False


class GuardedModel(models.Model):
    """A row that no ``save`` and no ``delete`` changes."""

    objects: ClassVar[GuardedManager] = GuardedManager()

    class Meta:
        abstract = True

    def save(self, *_args: Any, **_options: Any) -> NoReturn:
        """Refused: ``read_only_rows``."""
        refuse_write(type(self))

    def delete(self, *_args: Any, **_options: Any) -> NoReturn:
        """Refused: ``read_only_rows``."""
        refuse_write(type(self))

    def save_base(self, *_args: Any, **_options: Any) -> NoReturn:
        """Refused: ``read_only_rows``. ``loaddata`` asks Django's own, whatever a model says."""
        refuse_write(type(self))
