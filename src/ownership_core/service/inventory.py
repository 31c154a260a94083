"""What a staff holds and leaves behind: read before it goes (D07; rows 25, 44, 106)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from attrs import frozen

from ownership_core.distribute import InDepartment, Members, Rotation, homes, named_departments, named_staff, parts
from ownership_core.errors import Problem
from ownership_core.hookspecs import Held
from ownership_core.model import DepartmentId, StaffId
from ownership_core.ports import Reader
from ownership_core.rules import Rule
from ownership_core.service.counsel import Counsel

STILL_RECEIVES = "still_receives"


@frozen
class Inventory:
    """Customers it stands for and beside, rules that name it, covers not yet over, and what plugins know of.

    ``pools``: rules that give to a department it works in, and so to it while it is active. ``rotations``: by name,
    with the rule, those in which it takes turns. Rules of plugins are among all of these.
    """

    staff: StaffId
    primary: int
    secondary: int
    rules: tuple[str, ...] = ()
    covers: tuple[str, ...] = ()
    others: tuple[tuple[str, Held], ...] = ()
    pools: tuple[str, ...] = ()
    rotations: tuple[tuple[str, str], ...] = ()

    @property
    def empty(self) -> bool:
        """Whether nothing would be left behind."""
        held = self.primary or self.secondary or self.rules or self.covers or self.pools
        return not (held or any(held.count for _, held in self.others))


def inventory_of(reader: Reader, counsel: Counsel, staff: StaffId, at: int) -> Inventory:
    """The inventory of one staff, deleted ones among them."""
    load = reader.loads([staff], 0)[staff]
    covers = tuple(one.id for one in reader.covers([staff]) if max(one.since, at) < one.until)
    rules = [*reader.rules(), *counsel.rules()]
    place = _place(reader, staff, rules)
    return Inventory(
        staff,
        load.primary,
        load.secondary,
        tuple(rule.id for rule in rules if staff in named_staff(rule.to)),
        covers,
        tuple(counsel.inventory(staff)),
        pools=tuple(rule.id for rule in rules if place.is_pooled(rule, at)),
        rotations=tuple((name, rule.id) for rule in rules for name in place.turns(rule, at)),
    )


def still_receives(reader: Reader, counsel: Counsel, staff: StaffId, at: int) -> tuple[Problem, ...]:
    """What goes on giving to a leaver who stays active: leaving takes it out of the shop's own rules, by name (D07)."""
    brought = counsel.rules()
    rules = [*reader.rules(), *brought]
    place = _place(reader, staff, rules)
    pools = [rule.id for rule in rules if place.is_pooled(rule, at)]
    named = [rule.id for rule in brought if place.active and staff in named_staff(rule.to) and not _is_over(rule, at)]
    found = []
    if pools:
        what = f"Rules go on giving to {staff!r}, by a department it works in: {', '.join(pools)}."
        found.append(Problem(STILL_RECEIVES, what, "Deactivate it, or take it out of the department."))
    if named:
        what = f"Rules of plugins go on giving to {staff!r}: {', '.join(named)}."
        found.append(Problem(STILL_RECEIVES, what, "Deactivate it, and have the plugin name somebody else."))
    return tuple(found)


@frozen
class _Place:
    """Where a staff works now: nowhere, where it is inactive or gone."""

    staff: StaffId
    active: bool
    departments: frozenset[DepartmentId]
    parents: Mapping[DepartmentId, DepartmentId | None]

    def is_pooled(self, rule: Rule, at: int) -> bool:
        """Whether the rule gives to a department of its, now or later."""
        return not _is_over(rule, at) and any(map(self._works_in, named_departments(rule.to)))

    def turns(self, rule: Rule, at: int) -> list[str]:
        """The rotations of the rule it is in, by name."""
        rings = (part for part in parts(rule.to) if isinstance(part, Rotation))
        return sorted({ring.name for ring in rings if self._is_in(ring.members, rule, at)})

    def _is_in(self, members: Members, rule: Rule, at: int) -> bool:
        if isinstance(members, InDepartment):
            return not _is_over(rule, at) and self._works_in(members)
        return self.staff in members

    def _works_in(self, pool: InDepartment) -> bool:
        return bool(self.departments & homes(pool, self.parents))


def _place(reader: Reader, staff: StaffId, rules: Sequence[Rule]) -> _Place:
    access = reader.access([staff]).get(staff)
    works = access.departments if access is not None and access.active else frozenset()
    asked = works and any(named_departments(rule.to) for rule in rules)
    parents = {one.id: one.parent for one in reader.departments()} if asked else {}
    return _Place(staff, access is not None and access.active, works, parents)


def _is_over(rule: Rule, at: int) -> bool:
    return rule.active_until is not None and rule.active_until <= at
