"""I44: a connection that is lost during a commit leaves an unknown outcome, and a key resolves it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from wire import CuttingProxy

from ownership_core import Actor, Assign, ChangeStaff, CreateCustomer, GrantAccess, NewCustomer, Ownership
from ownership_core.errors import StoreError
from ownership_sqlalchemy import SqlAlchemyStore

pytestmark = pytest.mark.parametrize("kind", ["postgresql", "mariadb"], indirect=True)
ADA = Actor.staff("ada")


@pytest.fixture
def store(anywhere: Any) -> SqlAlchemyStore:
    """A customer of nobody, and somebody who may have it."""
    store: SqlAlchemyStore = anywhere(cardinality="single")
    shop = Ownership(store)
    shop.bootstrap("ada", "Ada", "root")
    shop.execute(ChangeStaff("jon", create=True, label="Jon"), ADA)
    shop.execute(GrantAccess("associate", staff="jon"), ADA)
    shop.execute(CreateCustomer([NewCustomer("c1")]), ADA)
    return store


@pytest.fixture
def proxy(store: SqlAlchemyStore) -> Iterator[CuttingProxy]:
    """Between us and the server."""
    url = store.engine.url
    standard = 5432 if store.engine.dialect.name == "postgresql" else 3306
    proxy = CuttingProxy(url.host or "127.0.0.1", url.port or standard)
    yield proxy
    proxy.close()


@pytest.fixture
def remote(store: SqlAlchemyStore, proxy: CuttingProxy) -> Iterator[SqlAlchemyStore]:
    """The same shop, through the proxy."""
    url = store.engine.url.set(host="127.0.0.1", port=proxy.port)
    if store.engine.dialect.name == "postgresql":
        url = url.update_query_dict({"sslmode": "disable"})  # the proxy reads along
    remote = SqlAlchemyStore.open(url, fields=store.fields)
    yield remote
    remote.close()


@pytest.mark.parametrize(("when", "stood"), [("before", False), ("after", True)])
def test_a_key_resolves_an_unknown_outcome(
    store: SqlAlchemyStore, remote: SqlAlchemyStore, proxy: CuttingProxy, when: str, stood: bool
) -> None:
    """Nothing is begun again by itself; the same key answers with what happened, or acts once."""
    far, near = Ownership(remote, sleep=lambda _: pytest.fail("begun again")), Ownership(store)
    far.check(ADA, "view", ["c1"])
    proxy.cut(when)
    with pytest.raises(StoreError) as lost:
        far.execute(Assign("c1", "jon"), ADA, key="k")
    assert (lost.value.codes, lost.value.transient) == (("outcome_unknown",), False)
    before = store.digest()
    assert [event.body["what"] for event in near.history(ADA, "c1")] == ["create_customer", "assign"][: 1 + stood]
    receipt = near.execute(Assign("c1", "jon"), ADA, key="k")
    assert receipt.changed == 1
    assert [event.version for event in near.history(ADA, "c1")] == [1, 2]
    assert (store.digest() == before) is stood
