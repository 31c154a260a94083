"""Whose assignments an effect ends, who stays and who is promoted, as conditions on assignment rows.

The words are those of :func:`ownership_core.ruling.carry_out`.
"""

from __future__ import annotations

from typing import Any

from attrs import frozen
from django.db.models import F, Func, IntegerField, OuterRef, Q, QuerySet, Subquery
from django.db.models.lookups import GreaterThanOrEqual, LessThan

from ownership_core.policies import SortKey
from ownership_core.ruling import PLACED, Drop, Effect
from ownership_django.models import Assignment, rows_of
from ownership_django.store.parties import Parties
from ownership_django.store.words import AsJson, JsonRecord, Word, bit, truth

_COLUMNS = {SortKey.SINCE: "since", SortKey.ROLE: "role", SortKey.STAFF: "staff_id"}
_ACTIVE = Q(staff__active=True, staff__deleted=False)


@frozen
class Ended:
    """What an effect does to the assignments that are there.

    Without ``parties`` nobody is dealt to and nothing is taken back: once the plan rows say who goes.
    """

    effect: Effect
    using: str
    parties: Parties | None = None

    def of(self, customer: str) -> QuerySet[Any]:
        """The assignments of the customer at hand, whose id the outer statement calls ``customer``."""
        return rows_of(Assignment, self.using).filter(customer_id=OuterRef(customer))

    def given(self) -> Q:
        """Whether an assignment is of the staff that is added, or that the customer is dealt to; never NULL."""
        add = self.effect.add
        if add is PLACED:
            return Q() if self.parties is None else self.parties.is_receiver()
        return Q() if add is None else Q(staff_id=add)

    def ended(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        """Those of ``rows`` that end; the staff that is added always stays."""
        effect, given = self.effect, self.given()
        if given:
            rows = rows.exclude(given)
        match effect.drop:
            case Drop.NOBODY:
                return rows.none()
            case Drop.ONE:
                return rows.none() if effect.dropped is None else rows.filter(staff_id=effect.dropped)
            case Drop.FORMER_PRIMARY:
                return rows.filter(slot__isnull=False)
            case Drop.EVERYONE_ELSE | Drop.EVERYONE:
                return rows
            case Drop.BEYOND_ROOM:
                return self._ranked(rows).filter(GreaterThanOrEqual(self._ahead(), effect.room))
            case Drop.UNDONE:
                return rows.none() if self.parties is None else rows.filter(self.parties.is_brought())

    def kept(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        """Those of ``rows`` that stay."""
        effect, added = self.effect, self.given()
        match effect.drop:
            case Drop.NOBODY:
                return rows
            case Drop.ONE:
                return rows if effect.dropped is None else rows.filter(~Q(staff_id=effect.dropped) | added)
            case Drop.FORMER_PRIMARY:
                return rows.filter(Q(slot__isnull=True) | added)
            case Drop.EVERYONE_ELSE | Drop.EVERYONE:
                return rows.filter(added) if added else rows.none()
            case Drop.BEYOND_ROOM:
                return self._ranked(rows).filter(Q(LessThan(self._ahead(), effect.room)) | added)
            case Drop.UNDONE:
                return rows if self.parties is None else rows.exclude(self.parties.is_brought())

    def promoted(self, rows: QuerySet[Any], *, anybody: bool) -> QuerySet[Any]:
        """The id of the first of those that stay: of ``anybody`` active staff first, else of active staff alone."""
        kept = self.kept(rows)
        if anybody:
            kept = self._ranked(kept).order_by("is_secondary", "is_inactive", *self._by())
        else:
            kept = kept.filter(_ACTIVE).order_by(*self._by())
        return kept.values("staff_id")[:1]

    def _by(self) -> list[str]:
        return [_COLUMNS[key] for key in dict.fromkeys((*self.effect.promote_by, SortKey.STAFF))]

    def _ranked(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        ranked: QuerySet[Any] = rows.annotate(
            is_secondary=bit(Q(slot__isnull=False), 0, 1), is_inactive=bit(_ACTIVE, 0, 1)
        )
        return ranked

    def _ahead(self) -> Subquery:
        """How many of the customer's other assignments come before the one at hand."""
        places = ["is_secondary", "is_inactive", *self._by()]
        before: Q = Q(pk__in=[])
        for place in reversed(places):
            before = Q(**{f"{place}__lt": OuterRef(place)}) | (Q(**{place: OuterRef(place)}) & before)
        others = self._ranked(rows_of(Assignment, self.using)).filter(before, customer_id=OuterRef("customer_id"))
        return Subquery(others.values_list(Func(template="COUNT(*)", output_field=IntegerField())))


def assigned_line(primary: Q | None, **columns: Any) -> JsonRecord:
    """An assignment as JSON, in the shape of :func:`ownership_core.events.line`; None for one that is primary."""
    return JsonRecord(
        *("staff", columns["staff"]),
        *("primary", AsJson(Word("true")) if primary is None else truth(primary)),
        *("since", columns["since"]),
        *("role", columns["role"]),
        *("source", columns["source"]),
    )


def ended_line() -> JsonRecord:
    """The assignment at hand as JSON."""
    return assigned_line(
        Q(slot__isnull=False), staff=F("staff_id"), since=F("since"), role=F("role"), source=F("source")
    )


def rises() -> Q:
    """Of a plan row: somebody who was a secondary becomes primary; who is added comes with its slot."""
    return Q(primary_after__isnull=False) & moved() & (Q(added__isnull=True) | ~Q(added=F("primary_after")))


def moved() -> Q:
    """Of a plan row: the primary is another afterwards."""
    return (
        Q(primary_before__isnull=True, primary_after__isnull=False)
        | Q(primary_before__isnull=False, primary_after__isnull=True)
        | Q(primary_before__lt=F("primary_after"))
        | Q(primary_before__gt=F("primary_after"))
    )
