"""The site deletes customers by itself: their assignments end, and their history says so (H17)."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import islice

from ownership_core.commands import DeleteCustomer, Ids
from ownership_core.events import Event, Subject
from ownership_core.hookspecs import Committed
from ownership_core.model import Actor, CustomerId
from ownership_core.ports import Draft, Run, RunState
from ownership_core.ruling import Drop, Effect, Primary
from ownership_core.runid import run_id
from ownership_core.scope import Everything
from ownership_core.wire import command_to_wire
from ownership_django import conf
from ownership_django import models as tables
from ownership_django.models import rows_of
from ownership_django.store.reader import CHUNK
from ownership_django.store.store import DjangoStore
from ownership_django.store.words import staff_listed

WHAT = "delete_customer"
BY = Actor.system("site", "on_delete")
"""Who did it: the site, by whatever code of it; who was logged in is its own affair."""

_LOG = logging.getLogger(__name__)
_ENDED = Effect(drop=Drop.EVERYONE, primary=Primary.NOBODY, touch=True)


def end_with(ids: Sequence[str], using: str) -> int:
    """End the assignments and shares of these customers, which are about to go; how many customers it concerned.

    One run for all of them, by a fixed number of statements for each thousand customers. Those nobody ever
    registered have no history to end, and those that a command deleted have ended already.
    """
    store = DjangoStore(using)
    with store.writer() as writer:
        _end_shares(ids, using)
        concerned = tuple(CustomerId(id) for id in _concerned(ids, using))
        if not concerned:
            return 0
        at = time.time_ns() // 1000
        chosen = Ids(concerned)
        draft = Draft(run_id(at, os.urandom(10)), chosen, Everything(), (), _ENDED, at)
        writer.lock_customers(chosen, Everything())
        tally = writer.draft(draft)
        command = command_to_wire(DeleteCustomer(chosen))
        run = Run(draft.run, RunState.APPLIED, WHAT, command, BY, at, tally=tally)
        writer.write(run, draft)
        writer.save_run(run)
        writer.notify(run.id)
    store.after_commit(partial(_tell, store, run.id))
    return tally.changed


def _end_shares(ids: Sequence[str], using: str) -> None:
    remaining = iter(ids)
    while chunk := list(islice(remaining, CHUNK)):
        rows_of(tables.Share, using).filter(customer_id__in=chunk)._raw_delete(using)  # noqa: SLF001 - as in PeopleWriter


def _concerned(ids: Sequence[str], using: str) -> Iterator[str]:
    remaining = iter(ids)
    while chunk := list(islice(remaining, CHUNK)):
        heads = rows_of(tables.Head, using).filter(customer_id__in=chunk, version__gt=0)
        versions = {str(id): version for id, version in heads.values_list("customer_id", "version")}
        assigned = rows_of(tables.Assignment, using).filter(customer_id__in=chunk).values_list("customer_id", flat=True)
        held = {str(id) for id in assigned}
        ended = _ended(versions, using)
        yield from (id for id in chunk if id in held or (id in versions and id not in ended))


def _ended(versions: dict[str, int], using: str) -> set[str]:
    """Whose last event is a deletion already."""
    runs = rows_of(tables.Run, using).filter(what=WHAT).values("id")
    events = rows_of(tables.Event, using).filter(
        subject_kind=Subject.CUSTOMER.value, subject__in=staff_listed(versions), run__in=runs
    )
    return {subject for subject, version in events.values_list("subject", "version") if versions[subject] == version}


def _tell(store: DjangoStore, run_of: str) -> None:
    with store.reader() as reader:
        run = reader.run(run_of)
        if run is None:
            return
        for problem in conf.plugins().tell("ownership_committed", run=Committed(run, partial(_events, store, run_of))):
            _LOG.warning("%s", problem)


def _events(store: DjangoStore, run: str) -> Iterator[Event]:
    with store.reader() as reader:
        yield from reader.events(run=run)
