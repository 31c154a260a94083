"""What happens to our rows when a site deletes its customers: the ``on_delete`` of our foreign key to them."""

from __future__ import annotations

from typing import Any, Self

from django.db.models import QuerySet
from django.db.models.deletion import Collector


def end_assignments(collector: Collector, field: Any, _found: Any, using: str) -> None:
    """End the assignments of the customers that go, and write the events of H17.

    Nothing is written yet: an admin collects what a deletion would take with it for a page that only shows it.
    The collector does what it was given here inside the deletion's own transaction, before any customer goes.
    """
    collector.add_field_update(field, None, _Ending(field, collector, using))


end_assignments.lazy_sub_objs = True  # type: ignore[attr-defined] # also called where nobody is assigned, and reads no rows


class _Ending(QuerySet[Any]):
    """What a collector takes for assignments to update, and is the end of them."""

    def __init__(self, field: Any, collector: Collector, using: str) -> None:
        super().__init__(model=field.model, using=using)
        self._customers = field.related_model
        self._collector = collector

    def __or__(self, other: Any) -> Self:
        """Another piece of the same deletion: the collector knows all of it."""
        return self

    def update(self, **_values: Any) -> int:
        """Write the events and end the assignments of every customer that is being deleted."""
        from ownership_django.store.ending import end_with  # noqa: PLC0415 - models are ready now

        going = self._customers._meta.concrete_model
        ids = {
            str(row.pk)
            for model, rows in self._collector.data.items()
            if model._meta.concrete_model is going
            for row in rows
        }
        return end_with(sorted(ids), self.db)
