"""Somebody whom a host lets do everything: a superuser of Django, as its store says in the access snapshot.

Proven by breaking it: fails when ``access.policy_for`` forgets ``unbounded``, and when it forgets ``active``.
"""

from __future__ import annotations

from attrs import evolve

from ownership_core import GroupRestriction, Level, RestrictionMode, Settings
from ownership_core.access import GROUP_RESTRICTED
from ownership_core.fields import Fields
from ownership_core.model import Access, StaffId
from ownership_core.ruling import Policy
from ownership_core.scope import Everything, Nothing
from ownership_core.service.counsel import Counsel
from ownership_core.service.wiring import host_for
from ownership_core.settings import Sharing
from ownership_core.simplify import simplify

ONLY_VIP = GroupRestriction(RestrictionMode.ALLOW, ["vip"])
BOSS = Access(
    StaffId("boss"), active=True, version=1, websites=frozenset({"de"}), restrictions=(ONLY_VIP,), unbounded=True
)


def policy(access: Access, action: str = "view") -> Policy:
    """In a shop where everything restricts."""
    settings = Settings(sharing=Sharing.PER_WEBSITE, group_restriction=ONLY_VIP)
    return Counsel(host_for(settings, installed=False), settings, Fields.declare()).staff_policy(access, action, 0)


def test_no_level_is_needed_and_no_restriction_binds() -> None:
    """Neither its own restrictions nor those of the shop."""
    assert simplify(policy(BOSS).scope) == Everything()
    assert simplify(policy(evolve(BOSS, unbounded=False)).scope) == Nothing()


def test_whoever_is_not_active_may_do_nothing() -> None:
    """Whatever the host lets them do."""
    assert simplify(policy(evolve(BOSS, active=False)).scope) == Nothing()


def test_every_right_reaches_all() -> None:
    """Also where it is asked whose customers may be moved."""
    assert BOSS.level("assign") is Level.ALL
    assert evolve(BOSS, unbounded=False).level("assign") is Level.NONE


def test_customers_are_given_to_them_without_condition() -> None:
    """Where others would be asked for a fitting group."""
    settings = Settings(group_restriction=ONLY_VIP)
    counsel = Counsel(host_for(settings, installed=False), settings, Fields.declare())
    target = counsel.targets({BOSS.staff: BOSS})[BOSS.staff]
    plain = counsel.targets({BOSS.staff: evolve(BOSS, unbounded=False)})[BOSS.staff]
    assert not any(demand.code == GROUP_RESTRICTED for demand in target.restrictions)
    assert any(demand.code == GROUP_RESTRICTED for demand in plain.restrictions)
