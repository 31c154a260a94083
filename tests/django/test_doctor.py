"""The doctor finds what went around the door: rows of ours that no event explains.

Proven by breaking it: fails where either half of the check is left out, and where versions are not compared.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from office import Office, id_of

from ownership_django.models import Assignment, Event, Head, rows_of

pytestmark = pytest.mark.django_db
USING = "default"


@pytest.fixture
def office() -> Office:
    """The back office."""
    return Office()


def found(office: Office) -> list[str]:
    """What the check says."""
    return [problem.what for name, problems in office.service.doctor() if name == "unexplained" for problem in problems]


def _by_hand() -> None:
    row = Assignment(customer_id=id_of("eiche"), staff_id="tom", slot=0, cardinality_id="single", since=1)
    rows_of(Assignment, USING).bulk_create([row])


AROUND: dict[str, tuple[Callable[[], object], str]] = {
    "an assignment by hand": (_by_hand, "eiche"),
    "another staff": (
        lambda: rows_of(Assignment, USING).filter(customer_id=id_of("adler")).update(staff="tom"),
        "adler",
    ),
    "another time": (lambda: rows_of(Assignment, USING).filter(customer_id=id_of("clara")).update(since=5), "clara"),
    "an assignment less": (lambda: rows_of(Assignment, USING).filter(customer_id=id_of("dohle")).delete(), "dohle"),
    "another version": (lambda: rows_of(Head, USING).filter(customer_id=id_of("birke")).update(version=7), "birke"),
    "no event": (lambda: rows_of(Event, USING).filter(subject=id_of("adler")).delete(), "adler"),
}


def test_site_that_kept_to_the_door_is_well(office: Office) -> None:
    """Nothing to say, with or without deletions of the site's."""
    assert found(office) == []


@pytest.mark.parametrize("way", AROUND)
def test_what_went_around_is_named(office: Office, way: str) -> None:
    """With the customer it concerns."""
    act, name = AROUND[way]
    act()
    [said] = found(office)
    assert said.startswith("1 customers")
    assert id_of(name) in said
