"""What the doctor always looks for: customers in nobody's hands, staff and roles that cannot work."""

from __future__ import annotations

from collections.abc import Iterator

from ownership_core.errors import Problem
from ownership_core.hookspecs import DoctorCheck, hookimpl
from ownership_core.ports import Query, Reader
from ownership_core.scope import ANY, ORPHANED, UNASSIGNED, AssignedCount, Not, PrimaryOf


class Doctor:
    """The built-in checks."""

    @hookimpl
    def ownership_doctor_checks(self) -> list[DoctorCheck]:
        """Orphaned and unassigned customers, those without a primary, those that are gone, staff without access."""
        return [
            DoctorCheck("orphaned", _orphaned),
            DoctorCheck("unassigned", _unassigned),
            DoctorCheck("no_primary", _no_primary),
            DoctorCheck("strays", _strays),
            DoctorCheck("staff_without_access", _staff_without_access),
        ]


def _orphaned(reader: Reader) -> Iterator[Problem]:
    count = reader.count(Query(ORPHANED))
    if count:
        hint = "Give them to somebody who is active."
        yield Problem("orphaned_customers", f"{count} customers are held by inactive staff only.", hint)


def _unassigned(reader: Reader) -> Iterator[Problem]:
    count = reader.count(Query(UNASSIGNED))
    if count:
        yield Problem("unassigned_customers", f"{count} customers are assigned to nobody.", "Assign them.")


def _no_primary(reader: Reader) -> Iterator[Problem]:
    count = reader.count(Query(AssignedCount(1) & Not(PrimaryOf(ANY))))
    if count:
        hint = "Set one with SetPrimary."
        yield Problem("no_primary", f"{count} customers have staff, but nobody stands for them.", hint)


def _strays(reader: Reader) -> Iterator[Problem]:
    hint = "End it with DeleteCustomer before the row is deleted; here, delete the assignment."
    for customer in reader.strays():
        yield Problem("stray_assignment", f"{customer!r} is assigned, and there is no such customer.", hint)


def _staff_without_access(reader: Reader) -> Iterator[Problem]:
    for access in reader.access(None).values():
        if access.active and not access.unbounded and not any(access.levels.values()):
            what = f"The staff {access.staff!r} is active and may do nothing."
            yield Problem("staff_without_access", what, "Grant it a role.")
