"""Who gains and who loses each customer of a draft that deals or takes back, as conditions of the ORM."""

from __future__ import annotations

from typing import Any

from attrs import frozen
from django.db.models import Exists, F, OuterRef, Q, QuerySet

from ownership_core.ports import Draft
from ownership_core.ruling import PLACED, Demand, Fate, Side
from ownership_django.models import Expectation, Placement, PlanItem, rows_of
from ownership_django.store.lines import Named
from ownership_django.store.words import staff_listed


@frozen
class Parties:
    """What was set down for a draft: placements, the plan it is made from, the runs it takes back."""

    draft: Draft
    using: str

    def is_receiver(self) -> Q:
        """Of an assignment: its customer is dealt to its staff."""
        return Q(Exists(self._dealt("customer_id").filter(whom=OuterRef("staff_id"))))

    def is_brought(self) -> Q:
        """Of an assignment: it came by a run that is taken back."""
        came_back = ~Q(restored="[]") & Q(Named(F("restored"), OuterRef("staff_id")))
        return Q(Exists(self.undone("customer_id").filter(Q(added=OuterRef("staff_id")) | came_back)))

    def undone(self, customer: str) -> QuerySet[Any]:
        """What the runs that are taken back did to the customer at hand; the outer statement calls it ``customer``."""
        return self.undone_rows().filter(customer=OuterRef(customer))

    def undone_rows(self) -> QuerySet[Any]:
        """What they did to anybody."""
        return rows_of(PlanItem, self.using).filter(run__in=self.draft.undoes, fate=Fate.CHANGED.value)

    def placed_rows(self) -> QuerySet[Any]:
        """Who was dealt to somebody, or on purpose to nobody."""
        return rows_of(Placement, self.using).filter(run=self.draft.run)

    def concerns(self, demand: Demand, customer: str, ended: QuerySet[Any]) -> Q | bool:
        """Whether one of the staff a demand is about gains or loses the customer at hand; ``ended`` is who goes."""
        effect, them = self.draft.effect, staff_listed(demand.staff)
        if effect.undoes:
            return Q(Exists(self.undone(customer).filter(self._named(demand))))
        if demand.side is Side.LOSES:
            return Q(Exists(ended.filter(staff_id__in=them)))
        if effect.add is PLACED:
            return Q(Exists(self._dealt(customer).filter(whom__in=them)))
        return effect.add in demand.staff

    def _named(self, demand: Demand) -> Q:
        them = staff_listed(demand.staff)
        if demand.side is Side.GAINS:
            return Q(Named(F("removed"), them))
        return Q(added__in=them) | Q(Named(F("restored"), them))

    def _dealt(self, customer: str) -> QuerySet[Any]:
        """Whom the customer at hand is dealt to, as ``whom``."""
        model, column = (Expectation, "receiver") if self.draft.from_plan else (Placement, "staff")
        rows: QuerySet[Any] = rows_of(model, self.using)
        mine: QuerySet[Any] = rows.filter(run=self.draft.run, customer=OuterRef(customer))
        named: QuerySet[Any] = mine.annotate(whom=F(column))
        return named
