"""Whose transaction it is: our own where none is open, a savepoint in the site's where one is (design §8).

Proven by breaking it: fails when a guest is retried or tells at once, when what is told is not robust, when a reader
or a stream opens a block, when our own writer on SQLite begins without IMMEDIATE, when a broken block passes for a
commit, and on servers when heads, staff or
the site's rows are not locked, or when writers do not hold the recorded cardinality.
"""

# ruff: noqa: PT012 - what ends a transaction is what is tested

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from bazaar.models import Customer, Order
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from office import OPERATOR, Office, id_of

from ownership_core import Ownership
from ownership_core.commands import Assign, ChangeStaff, Ids, SwitchCardinality, Unassign
from ownership_core.errors import Problem, Refused, StoreError
from ownership_core.events import Subject
from ownership_core.host import Host
from ownership_core.model import CustomerId, StaffId
from ownership_core.ports import Query
from ownership_core.scope import ANY, Everything
from ownership_django.models import Assignment
from ownership_django.service import superusers
from ownership_django.store import DjangoStore

pytestmark = pytest.mark.django_db(transaction=True)
SERVERS = pytest.mark.skipif(connection.vendor == "sqlite", reason="one writer at a time there")
ADLER, BIRKE, EICHE = (CustomerId(id_of(name)) for name in ("adler", "birke", "eiche"))
TOM, ZOE = StaffId("tom"), StaffId("zoe")
ENDED = Problem("retry_transaction", "Another transaction stood in the way.")


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The runs that plugins were told of."""
    runs: list[str] = []

    def tell(self: Host, hook: str, **arguments: Any) -> list[Problem]:
        if hook == "ownership_committed":
            runs.append(arguments["run"].run.what)
        return []

    monkeypatch.setattr(Host, "tell", tell)
    return runs


@pytest.fixture
def office(heard: list[str]) -> Office:
    """The back office, of which nothing was told yet."""
    office = Office()
    heard.clear()
    return office


class Contested(DjangoStore):
    """Ends the next so many transactions at their end."""

    ends = 0
    tried = 0

    @contextmanager
    def writer(self) -> Iterator[Any]:
        with super().writer() as writer:
            yield writer
            self.tried += 1
            if self.ends:
                self.ends -= 1
                raise StoreError(ENDED, transient=True)


@pytest.fixture
def contested(office: Office) -> Contested:
    """A store in whose way somebody stands."""
    return Contested()


def service(store: DjangoStore) -> Ownership:
    """The site's service over another store, without pauses."""
    known = superusers()
    return Ownership(store, known.settings, known.host, sleep=lambda _: None)


def test_own_transaction_is_begun_again(contested: Contested, office: Office, heard: list[str]) -> None:
    """Decided again until it stands, and told of once."""
    contested.ends = 2
    service(contested).execute(Assign(ADLER, TOM), OPERATOR)
    assert (contested.tried, office.owners()["adler"], heard) == (3, ["tom"], ["assign"])


def test_guest_is_never_retried(contested: Contested, office: Office, heard: list[str]) -> None:
    """Whoever began the transaction begins it anew; a savepoint of it cannot."""
    contested.ends = 1
    with transaction.atomic(), pytest.raises(StoreError) as ended:
        service(contested).execute(Assign(ADLER, TOM), OPERATOR)
    assert (ended.value.codes, ended.value.transient) == (("retry_transaction",), True)
    assert (contested.tried, office.owners()["adler"], heard) == (1, ["lena"], [])


def test_guest_is_told_after_the_outermost_commit(office: Office, heard: list[str]) -> None:
    """Not after a savepoint, and once for each run."""
    with transaction.atomic():
        with transaction.atomic():
            office.do(Assign(ADLER, TOM))
        office.do(Assign(BIRKE, TOM))
        assert heard == []
    assert heard == ["assign", "assign"]


def test_undone_savepoint_takes_its_run_along(office: Office, heard: list[str]) -> None:
    """The rest of the transaction stands, and only that is told."""
    with transaction.atomic():
        office.do(Assign(ADLER, TOM))
        with pytest.raises(RuntimeError), transaction.atomic():
            office.do(Assign(BIRKE, TOM))
            raise RuntimeError
    assert (office.owners()["adler"], office.owners()["birke"], heard) == (["tom"], ["lena"], ["assign"])


def test_refused_guest_leaves_the_transaction_usable(office: Office) -> None:
    """A refusal is the end of its own savepoint."""
    with transaction.atomic():
        with pytest.raises(Refused):
            office.do(Assign(CustomerId(id_of("nobody")), TOM))
        Order.objects.create(customer_id=ADLER, number="after")
        office.do(Assign(ADLER, TOM))
    assert office.owners()["adler"] == ["tom"]
    assert Order.objects.filter(number="after").exists()


def test_site_and_we_stand_or_fall_together(office: Office) -> None:
    """An order and its assignment."""
    before = office.digest()
    with pytest.raises(RuntimeError), transaction.atomic():
        Order.objects.create(customer_id=ADLER, number="new")
        office.do(Assign(ADLER, TOM))
        raise RuntimeError
    assert office.digest() == before


def test_failing_receiver_silences_no_other(office: Office) -> None:
    """Neither one of the site's before, nor ours, nor one after."""
    heard: list[str] = []

    def broken() -> None:
        raise RuntimeError

    with transaction.atomic():
        office.service.store.after_commit(broken)
        office.do(Assign(ADLER, TOM))
        office.service.store.after_commit(lambda: heard.append("after"))
    assert heard == ["after"]
    assert office.owners()["adler"] == ["tom"]


def test_site_keeps_its_own_errors(office: Office) -> None:
    """What the site's statements raise inside a block of ours is Django's, and undoes the block."""
    before = office.digest()
    with pytest.raises(IntegrityError), office.service.atomic() as ours:
        ours.execute(Assign(ADLER, TOM), OPERATOR)
        Customer(pk=ADLER).save(force_insert=True)
    assert office.digest() == before


def test_block_that_is_broken_does_not_pass_for_a_commit(office: Office) -> None:
    """Django would undo it and say nothing, where somebody swallowed an error."""
    before = office.digest()
    with pytest.raises(StoreError) as broken, office.service.atomic() as ours:
        ours.execute(Assign(ADLER, TOM), OPERATOR)
        transaction.set_rollback(True)
    assert broken.value.codes == ("retry_transaction",)
    assert office.digest() == before


def test_reading_opens_no_block(office: Office) -> None:
    """So a stream that nobody reads to its end leaves nothing open."""
    with office.service.store.reader() as reader:
        assert not connection.in_atomic_block
        stream = reader.ids(Query(Everything()))
        next(stream)
    del stream
    rows = office.service.plan_rows(OPERATOR, office.service.plan(Assign(ADLER, TOM), OPERATOR).run.id)
    next(rows)
    assert not connection.in_atomic_block
    office.do(Assign(ADLER, TOM))
    rows.close()


@pytest.mark.skipif(connection.vendor != "sqlite", reason="servers lock rows")
def test_own_writer_waits_for_others_at_once(office: Office) -> None:
    """On SQLite it takes the file before it reads what it decides on; the site's own transactions stay as they are."""
    with CaptureQueriesContext(connection) as captured:
        office.do(Assign(ADLER, TOM))
    assert captured[0]["sql"] == "BEGIN IMMEDIATE"
    with CaptureQueriesContext(connection) as captured, transaction.atomic():
        office.do(Assign(ADLER, ZOE))
    assert captured[0]["sql"] == "BEGIN"


def test_statements_do_not_grow_with_the_customers(office: Office) -> None:
    """A command for one costs as many as for three."""

    def cost(command: Any) -> int:
        with transaction.atomic(), CaptureQueriesContext(connection) as captured:
            office.do(command)
        return len(captured)

    few, many = Ids((ADLER,)), Ids(tuple(CustomerId(id_of(name)) for name in ("birke", "clara", "dohle")))
    assert cost(Assign(few, StaffId("mara"))) == cost(Assign(many, StaffId("mara")))


@pytest.mark.skipif(connection.vendor == "sqlite", reason="it has no levels")
def test_view_that_stays_is_no_base_for_a_decision(office: Office) -> None:
    """A site's REPEATABLE READ would decide on what was."""
    if connection.vendor == "mysql":
        connection.cursor().execute("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ")
    with transaction.atomic():
        if connection.vendor == "postgresql":
            connection.cursor().execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        with pytest.raises(StoreError) as refused:
            office.do(Assign(ADLER, TOM))
    connection.close()
    assert refused.value.codes == ("unsafe_isolation",)
    assert office.owners()["adler"] == ["lena"]


@pytest.mark.skipif(connection.vendor == "sqlite", reason="it has no levels")
def test_own_transaction_reads_what_was_committed_last(office: Office) -> None:
    """Whatever the connection's usual level is."""
    usual = {"postgresql": "SET default_transaction_isolation = 'repeatable read'"}.get(
        connection.vendor, "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ"
    )
    shown = {"postgresql": "SHOW transaction_isolation"}.get(connection.vendor)
    connection.cursor().execute(usual)
    try:
        with office.service.store.writer() as writer:
            if shown is not None:
                with connection.cursor() as cursor:
                    cursor.execute(shown)
                    assert cursor.fetchone() == ("read committed",)
            assert [one.primary for one in writer.customers([ADLER])] == ["lena"]
            _elsewhere(lambda: office.do(Assign(BIRKE, TOM)))
            assert [one.primary for one in writer.customers([BIRKE])] == ["tom"]
    finally:
        connection.close()


def _elsewhere(act: Callable[[], object]) -> None:
    """On a connection of its own."""
    failed: list[BaseException] = []

    def run() -> None:
        try:
            act()
        except BaseException as error:  # noqa: BLE001 - told below
            failed.append(error)
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if failed:
        raise failed[0]


@SERVERS
def test_commands_about_one_customer_follow_each_other(office: Office) -> None:
    """Twelve at once: each is decided on what the one before left, and versions have no gap."""
    begin = threading.Barrier(4)
    failed: list[BaseException] = []

    def work(number: int) -> None:
        try:
            begin.wait()
            for turn in range(3):
                office.do(Assign(ADLER, TOM if (number + turn) % 2 else ZOE) if turn % 2 else Unassign(ADLER, ANY))
        except Refused:
            pass  # nobody was there to take away
        except BaseException as error:  # noqa: BLE001 - told below
            failed.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    with office.service.store.reader() as reader:
        versions = [event.version for event in reader.events(Subject.CUSTOMER, ADLER)]
        [customer] = reader.customers([ADLER])
    assert versions == list(range(1, customer.version + 1))
    assert Assignment.objects.filter(customer_id=ADLER).count() <= 1


@SERVERS
def test_guest_waits_for_whoever_holds_the_customer(office: Office) -> None:
    """And decides on what that one left: a guest could not begin again."""
    holding, waiting = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic():
            office.do(Assign(ADLER, TOM))
            holding.set()
            waiting.wait(20)
            time.sleep(0.3)  # the other one is at the lock by now
        connection.close()

    thread = threading.Thread(target=hold)
    thread.start()
    holding.wait(20)
    with transaction.atomic():
        waiting.set()
        office.do(Assign(ADLER, ZOE))
    thread.join()
    with office.service.store.reader() as reader:
        assert [event.body["primary"] for event in reader.events(Subject.CUSTOMER, ADLER)] == [
            [None, "lena"],
            ["lena", "tom"],
            ["tom", "zoe"],
        ]


@SERVERS
def test_switch_waits_for_whoever_assigns(office: Office) -> None:
    """Every assignment is stated under the new cardinality, that of the other transaction too."""
    holding, done, switched = threading.Event(), threading.Event(), threading.Event()
    failed: list[BaseException] = []

    def hold() -> None:
        with transaction.atomic():
            office.do(Assign(EICHE, TOM))
            holding.set()
            done.wait(20)
        connection.close()

    def switch() -> None:
        holding.wait(20)
        try:
            office.do(SwitchCardinality("multi"))
            switched.set()
        except BaseException as error:  # noqa: BLE001 - told below
            failed.append(error)
        connection.close()

    threads = [threading.Thread(target=hold), threading.Thread(target=switch)]
    for thread in threads:
        thread.start()
    assert not switched.wait(0.5)
    done.set()
    for thread in threads:
        thread.join()
    assert failed == []
    assert {one.cardinality_id for one in Assignment.objects.all()} == {"multi"}
    assert Assignment.objects.get(customer_id=EICHE).staff_id == "tom"


@SERVERS
def test_whoever_assigns_waits_for_a_switch(office: Office) -> None:
    """And is told that its settings are not those of the tables any more."""
    holding, waiting = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic():
            office.do(SwitchCardinality("multi"))
            holding.set()
            waiting.wait(20)
            time.sleep(0.3)
        connection.close()

    thread = threading.Thread(target=hold)
    thread.start()
    holding.wait(20)
    waiting.set()
    with pytest.raises(StoreError) as refused:
        office.do(Assign(EICHE, TOM))
    thread.join()
    assert refused.value.codes == ("cardinality_mismatch",)
    assert not Assignment.objects.filter(customer_id=EICHE).exists()


def _deactivated(office: Office) -> None:
    office.do(ChangeStaff(TOM, active=False))


def _moved(office: Office) -> None:
    Customer.objects.filter(pk=ADLER).update(site=None)


@SERVERS
@pytest.mark.parametrize("meanwhile", [_deactivated, _moved])
def test_what_was_decided_on_stays_until_the_end(office: Office, meanwhile: Callable[[Office], None]) -> None:
    """I7, I8: the staff stays active, and the site's customer where it is, until the assignment is permanent."""
    holding, done, changed = threading.Event(), threading.Event(), threading.Event()

    def change() -> None:
        holding.wait(20)
        meanwhile(office)
        changed.set()
        connection.close()

    def hold() -> None:
        with transaction.atomic():
            office.do(Assign(ADLER, TOM))
            holding.set()
            done.wait(20)
        connection.close()

    threads = [threading.Thread(target=hold), threading.Thread(target=change)]
    for thread in threads:
        thread.start()
    assert not changed.wait(0.5)
    done.set()
    for thread in threads:
        thread.join()
    assert changed.is_set()


@SERVERS
def test_waiting_too_long_says_so(office: Office) -> None:
    """Another transaction holds the customer: the guest is told, with the code of that."""
    wait = {"postgresql": "SET LOCAL lock_timeout = '300ms'"}.get(
        connection.vendor, "SET SESSION innodb_lock_wait_timeout = 1"
    )
    holding, done = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic():
            office.do(Assign(ADLER, TOM))
            holding.set()
            done.wait(20)
        connection.close()

    thread = threading.Thread(target=hold)
    thread.start()
    holding.wait(20)
    try:
        with transaction.atomic(), pytest.raises(StoreError) as late:
            connection.cursor().execute(wait)
            office.do(Assign(ADLER, ZOE))
    finally:
        done.set()
        thread.join()
        connection.close()
    assert (late.value.codes, late.value.transient) == (("lock_timeout",), True)
    assert office.owners()["adler"] == ["tom"]
