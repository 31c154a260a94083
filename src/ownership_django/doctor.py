"""What a site's doctor looks for: rows that no event explains, and staff who cannot log in."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby, islice

from django.db.models import Exists, F, OuterRef, Q

from ownership_core.errors import Problem
from ownership_core.events import Subject
from ownership_core.history import assignments_after
from ownership_core.hookspecs import DoctorCheck, hookimpl
from ownership_core.model import Assignment, CustomerId
from ownership_core.ports import Reader
from ownership_django import hosts
from ownership_django.functions import AsText
from ownership_django.models import Assignment as AssignmentRow
from ownership_django.models import Event, Head, Staff, rows_of
from ownership_django.store.reader import CHUNK, DjangoReader

SHOWN = 5


class SiteDoctor:
    """The plugin that brings the checks; it is asked like any other, and can be blocked by its name, ``site``."""

    @hookimpl
    def ownership_doctor_checks(self) -> list[DoctorCheck]:
        """Rows that no event explains, and staff whose login is nobody's."""
        return [DoctorCheck("unexplained", unexplained), DoctorCheck("unlinked_staff", unlinked_staff)]


def unlinked_staff(reader: Reader) -> Iterator[Problem]:
    """Active staff with a login no user had when it was given; whoever takes the name later is not let in by it."""
    if not isinstance(reader, DjangoReader) or hosts.login_path() != "user":
        return
    alone = rows_of(Staff, reader.using).filter(active=True, login__isnull=False, user__isnull=True)
    for key, login in alone.order_by("key").values_list("key", "login"):
        what = f"The staff {key!r} is to log in as {login!r}, and no user of this name was there to be linked."
        yield Problem("unlinked_staff", what, "Make the user, then take the login away and give it again.")


def unexplained(reader: Reader) -> Iterator[Problem]:
    """One problem for all customers whose rows are not what their events come to; they are read a piece at a time."""
    if not isinstance(reader, DjangoReader):
        return
    count, shown = 0, []
    for customer in (*_without_events(reader), *_beside_their_events(reader)):
        count += 1
        if count <= SHOWN:
            shown.append(repr(str(customer)))
    if count:
        what = f"{count} customers are not as their events say, such as {', '.join(shown)}."
        hint = "Somebody wrote our tables by hand. Load a backup, or delete the rows and give the commands again."
        yield Problem("unexplained_rows", what, hint)


def _without_events(reader: DjangoReader) -> Iterator[CustomerId]:
    customers, using = reader.customers_of_site, reader.using
    mine = OuterRef(customers.pk.attname)
    touched = Q(Exists(rows_of(AssignmentRow, using).filter(customer_id=mine))) | Q(
        Exists(rows_of(Head, using).filter(customer_id=mine, version__gt=0))
    )
    told = rows_of(Event, using).filter(subject_kind=Subject.CUSTOMER.value, subject=OuterRef("event_subject"))
    rows = customers.rows().using(using).filter(touched).annotate(event_subject=AsText(F(customers.pk.attname)))
    found = rows.filter(~Exists(told)).order_by("pk").values_list("pk", flat=True)
    return (CustomerId(str(id)) for id in found.iterator(chunk_size=CHUNK))


def _beside_their_events(reader: DjangoReader) -> Iterator[CustomerId]:
    stories = _told(reader)
    while chunk := dict(islice(stories, CHUNK)):
        for customer in reader.customers(list(chunk)):
            version, held = chunk[customer.id]
            if (customer.version, frozenset(customer.assignments)) != (version, held):
                yield customer.id


def _told(reader: DjangoReader) -> Iterator[tuple[CustomerId, tuple[int, frozenset[Assignment]]]]:
    """Each customer with its last version and whom its events leave assigned."""
    for subject, events in groupby(reader.events(Subject.CUSTOMER), key=lambda event: event.subject):
        held: tuple[Assignment, ...] = ()
        version = 0
        for event in events:
            held, version = assignments_after(held, event), event.version
        yield CustomerId(subject), (version, frozenset(held))
