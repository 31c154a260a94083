"""Plugins that are broken: decisions fail closed, effects are isolated, the rest is reported by name (I47)."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import EntryPoint
from types import SimpleNamespace
from typing import Any

import pytest
from shop import OpenShop

from ownership_core import (
    Actor,
    Assign,
    CreateCustomer,
    Host,
    NewCustomer,
    Ownership,
    PluginError,
    hookimpl,
    load_settings,
)
from ownership_core.discovery import State, discover
from ownership_core.hookspecs import API_VERSION, Card, Committed, DoctorCheck, Related, SearchFilter
from ownership_core.settings import Plugins

ADA = Actor.staff("ada")
GROUP = "ownership_core"


class Boom(Exception):
    """What a broken plugin raises; its text must not travel."""


def failing(hook: str, error: BaseException | None = None) -> object:
    """A plugin whose one hook raises."""

    def member(self: object) -> object:
        raise error or Boom("the plugin's own secret")

    member.__name__ = hook
    return type("Failing", (), {hook: hookimpl(member)})()


def answering(hook: str, answer: object) -> object:
    """A plugin whose one hook always answers the same."""

    def member(self: object) -> object:
        return answer

    member.__name__ = hook
    return type("Answering", (), {hook: hookimpl(member)})()


READS = ["ownership_grants", "ownership_restrictions"]
WRITES = [*READS, "ownership_requirements"]


@pytest.mark.parametrize("broken", [Boom("x"), SystemExit(3)], ids=["exception", "exit"])
@pytest.mark.parametrize("hook", READS)
def test_i47_a_failing_access_plugin_ends_every_read_and_names_itself(
    open_shop: OpenShop, hook: str, broken: BaseException
) -> None:
    """List, count, check, ids, export and who_can: an error, never an answer."""
    shop = open_shop()
    shop.customer("a", "ada")
    bad = shop.under(plugins={"wobbly": failing(hook, broken)})
    visible = bad.ownership.visible(ADA)
    for read in (
        visible.page,
        visible.count,
        lambda: list(visible.ids()),
        lambda: list(visible.export()),
        lambda: bad.ownership.check(ADA, "view", ["a"]),
        lambda: bad.ownership.who_can(ADA, "view", "a"),
        lambda: bad.ownership.why(ADA, "ada", "view", "a"),
        lambda: bad.ownership.history(ADA, "a"),
    ):
        error = bad.refuses_call(read, "plugin_failed")
        assert (error.who, "wobbly" in str(error), hook in str(error)) == ("wobbly", True, True)


@pytest.mark.parametrize("hook", WRITES)
def test_i47_a_failing_decision_plugin_ends_every_command(open_shop: OpenShop, hook: str) -> None:
    """Nothing is written, planned or created, and the plugin's own words stay inside."""
    shop = open_shop()
    shop.customer("a")
    bad = shop.under(plugins={"wobbly": failing(hook)})
    for command in (Assign("a", "ada"), Assign(["a"], "ada"), CreateCustomer(NewCustomer("b"))):
        assert "secret" not in str(bad.refuses(ADA, command, "plugin_failed"))
    bad.refuses_call(lambda: bad.ownership.plan(Assign("a", "ada"), ADA), "plugin_failed")


@pytest.mark.parametrize("answer", [True, "all", [True], {"a": 1}, ()], ids=repr)
@pytest.mark.parametrize("hook", WRITES)
def test_i47_a_wrong_answer_is_no_answer(open_shop: OpenShop, hook: str, answer: object) -> None:
    """Anything but a list of what the hook asks for fails closed."""
    shop = open_shop()
    shop.customer("a")
    bad = shop.under(plugins={"wobbly": answering(hook, answer)})
    assert bad.refuses(ADA, Assign("a", "ada"), "plugin_failed").who == "wobbly"


def test_i47_a_failing_proposal_creates_nobody(open_shop: OpenShop) -> None:
    """The creation is refused, not left without an owner."""
    shop = open_shop(plugins={"wobbly": failing("ownership_propose_staff")}, creation={"self": "proposed"})
    error = shop.refuses(ADA, CreateCustomer(NewCustomer("b"), channel="self"), "plugin_failed")
    assert error.who == "wobbly"


def test_i47_failing_related_records_are_not_shown(open_shop: OpenShop) -> None:
    """Neither where the hook raises, nor where its function does, nor where two claim one kind."""

    def customers_of(ids: Sequence[str]) -> dict[str, Any]:
        raise Boom

    related = answering("ownership_related", Related("quote", customers_of))
    twice = {"a": answering("ownership_related", Related("quote", dict)), "b": related}
    for plugins in ({"a": failing("ownership_related")}, {"a": related}, twice):
        shop = open_shop(plugins=plugins)
        shop.refuses_call(lambda shop=shop: shop.ownership.check_related(ADA, "quote", "view", ["q"]), "plugin_failed")


class Listener:
    """Hears of runs, and fails first where asked to."""

    def __init__(self, broken: bool = False) -> None:
        self.broken, self.heard = broken, []

    @hookimpl
    def ownership_committed(self, run: Committed) -> None:
        """Remember what and whom."""
        if self.broken:
            raise Boom("secret")
        self.heard.append((run.run.what, [event.subject for event in run.events()]))


def test_i47_an_effect_plugin_that_fails_undoes_nothing_and_keeps_nobody_from_hearing(open_shop: OpenShop) -> None:
    """The others are told, the change stays, and the receipt warns by name."""
    first, last = Listener(), Listener()
    shop = open_shop(plugins={"a": first, "b": Listener(broken=True), "c": last})
    shop.customer("a")
    receipt = shop.does(ADA, Assign("a", "ada"))
    assert (first.heard, last.heard, shop.owner("a")) == ([("assign", ["a"])], [("assign", ["a"])], "ada")
    assert [(w.code, "'b'" in w.what, "secret" in str(w)) for w in receipt.warnings] == [("plugin_failed", True, False)]


def test_i47_nobody_hears_of_what_did_not_happen(open_shop: OpenShop) -> None:
    """Refused, unchanged and rolled back: only a committed run is told."""
    ear = Listener()
    shop = open_shop(plugins={"ear": ear})
    shop.customer("a", "ada")
    shop.does(ADA, Assign("a", "ada"))
    shop.refuses(ADA, Assign("nobody", "ada"), "not_found")
    shop.ownership.plan(Assign("a", "ada"), ADA)
    assert ear.heard == []


@pytest.mark.parametrize("hook", ["ownership_cardinality", "ownership_primary", "ownership_search_filters"])
def test_i47_a_plugin_that_fails_while_the_shop_opens_is_left_out(open_shop: OpenShop, hook: str) -> None:
    """It is listed as failed with the reason, and the shop goes on."""
    shop = open_shop(plugins={"wobbly": failing(hook)})
    shop.customer("a")
    state, reason = reported(shop.ownership.host)["wobbly"]
    assert (state, hook in reason, shop.sees(ADA)) == (State.FAILED, True, ["a"])


def test_i47_a_failing_doctor_check_is_reported_and_the_others_run(open_shop: OpenShop) -> None:
    """A problem under its own name."""

    def run(_reader: object) -> list[Any]:
        raise Boom

    shop = open_shop(plugins={"ill": answering("ownership_doctor_checks", [DoctorCheck("ill", run)])})
    found = {name: [p.code for p in problems] for name, problems in shop.ownership.doctor()}
    assert found["ill"] == ["plugin_failed"]
    assert {"orphaned", "unassigned"} < set(found)


def test_i47_a_plugin_that_cannot_even_offer_its_checks_is_reported_too(open_shop: OpenShop) -> None:
    """Under the plugin's name; what the others offer runs."""
    shop = open_shop(plugins={"mute": failing("ownership_doctor_checks")})
    found = {name: [p.code for p in problems] for name, problems in shop.ownership.doctor()}
    assert found["mute"] == ["plugin_failed"]
    assert {"orphaned", "unassigned"} < set(found)


def test_i47_a_failing_search_filter_ends_the_search(open_shop: OpenShop) -> None:
    """And one that finds an undeclared field does too."""

    def build(text: str) -> Any:
        raise Boom

    shop = open_shop(plugins={"f": answering("ownership_search_filters", [SearchFilter("mine", build)])})
    error = shop.refuses_call(lambda: shop.ownership.visible(ADA).search(mine="x"), "plugin_failed")
    assert "mine" in str(error)


def reported(host: Host) -> dict[str, tuple[State, str]]:
    """State and reason of every plugin."""
    return {plugin.name: (plugin.state, plugin.reason) for plugin in host.plugins}


class Misspelt:
    """A hook that would register happily and never fire."""

    @hookimpl
    def ownership_restriction(self) -> None:
        """There is an s missing."""


class Unmarked:
    """Looks like a hook and is none."""

    def ownership_restrictions(self) -> None:
        """Not marked."""


class Default:
    """An argument with a default would never be passed."""

    @hookimpl
    def ownership_grants(self, actor: object = None) -> None:
        """With a default."""


class Stranger:
    """Asks for what is not there."""

    @hookimpl
    def ownership_grants(self, customer: object) -> None:
        """No such argument."""


@pytest.mark.parametrize(
    ("plugin", "said"),
    [
        (Misspelt(), "there is no hook called ownership_restriction"),
        (Unmarked(), "ownership_restrictions is not marked with @hookimpl"),
        (Default(), "ownership_grants gives an argument a default"),
        (Stranger(), "does not fit the hooks"),
        (answering("ownership_card", Card("x", "1", API_VERSION + 1, "")), f"API version {API_VERSION + 1}"),
        (answering("ownership_card", "x"), "did not answer with a Card"),
        (failing("ownership_card"), "raised Boom in ownership_card"),
    ],
    ids=["misspelt", "unmarked", "default", "unknown argument", "other version", "no card", "failing card"],
)
def test_a_plugin_that_does_not_fit_is_reported_and_the_shop_goes_on(plugin: object, said: str) -> None:
    """State failed, with the reason, by name."""
    host = Host({"wobbly": plugin, "good": answering("ownership_grants", [])})
    state, reason = reported(host)["wobbly"]
    assert (state, said in reason) == (State.FAILED, True), reason
    assert reported(host)["good"] == (State.LOADED, "")
    assert host.pool("ownership_grants", actor=None, action="view", at=0) == [("good", [])]


def test_a_plugin_that_cannot_be_imported_is_reported(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Missing, broken, or one that leaves the process: state failed, the others load."""
    (tmp_path / "plugin_that_exits.py").write_text("raise SystemExit(3)\n", encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    points = [
        EntryPoint("exits", "plugin_that_exits", GROUP),
        EntryPoint("good", "json", GROUP),
        EntryPoint("missing", "no_such_module_anywhere", GROUP),
    ]
    found = discover(Plugins(), points)
    assert [(p.name, p.state.value) for p in found] == [("exits", "failed"), ("good", "loaded"), ("missing", "failed")]
    assert "no_such_module_anywhere" in found[2].reason


def test_of_two_plugins_of_one_name_none_is_loaded() -> None:
    """Which of them would decide must not depend on the order of folders."""
    points = [EntryPoint("same", "json", GROUP), EntryPoint("same", "csv", GROUP)]
    assert [(p.state.value, p.reason) for p in discover(Plugins(), points)] == [
        ("failed", "2 distributions use this name")
    ] * 2


def test_an_installed_plugin_cannot_take_the_name_of_a_built_in_one() -> None:
    """``websites`` stays ours."""
    host = Host({"websites": SimpleNamespace()}, discover(Plugins(), [EntryPoint("websites", "json", GROUP)]))
    assert [(p.state.value, p.reason) for p in host.plugins] == [
        ("loaded", ""),
        ("failed", "a plugin of this name is already there"),
    ]


@pytest.mark.parametrize("settings", [{"block": ["bad"]}, {"allow": ["other"]}], ids=["blocked", "not allowed"])
def test_a_blocked_plugin_is_listed_and_not_even_imported(settings: dict[str, list[str]]) -> None:
    """Its module does not exist, and nothing fails."""
    chosen = load_settings({"plugins": settings}).plugins
    found = discover(chosen, [EntryPoint("bad", "no_such_module_anywhere", GROUP)])
    assert (found[0].state, "settings.plugins" in found[0].reason) == (State.BLOCKED, True)


def test_a_built_in_plugin_can_be_blocked_by_name(open_shop: OpenShop) -> None:
    """Without ``levels`` nobody has anything left."""
    shop = open_shop()
    shop.customer("a", "ada")
    blocked = shop.under(plugins={})
    assert blocked.sees(ADA) == ["a"]
    settings = load_settings({"plugins": {"block": ["levels"]}}).plugins
    assert shop.under(setting_plugins=settings).ownership.visible(ADA).count() == 0


@pytest.mark.parametrize("plugins", [{}, {"guard": Misspelt()}], ids=["not there", "failed"])
def test_a_required_plugin_that_is_not_loaded_stops_the_shop(open_shop: OpenShop, plugins: dict[str, object]) -> None:
    """``plugin_missing`` by name: without what restricts, nothing is shown."""
    shop = open_shop()
    settings = load_settings({"plugins": {"require": ["guard"]}}).plugins
    error = shop.refuses_call(lambda: shop.under(plugins=plugins, setting_plugins=settings), "plugin_missing")
    assert "'guard'" in str(error)


def test_a_required_plugin_that_fails_while_the_shop_opens_stops_it(open_shop: OpenShop) -> None:
    """Left out is as bad as missing."""
    shop = open_shop()
    settings = load_settings({"plugins": {"require": ["guard"]}}).plugins
    plugins = {"guard": failing("ownership_search_filters")}
    shop.refuses_call(lambda: shop.under(plugins=plugins, setting_plugins=settings), "plugin_missing")


def test_the_store_the_settings_name_must_be_there() -> None:
    """``plugin_missing`` stops the shop."""
    with pytest.raises(PluginError) as caught:
        Ownership.from_settings(load_settings({"store": "nowhere"}))
    assert (caught.value.codes, "'nowhere'" in str(caught.value)) == (("plugin_missing",), True)


def test_a_store_that_fails_to_open_stops_the_shop() -> None:
    """Its own error comes through: without its store nothing can be answered."""

    class BrokenStore:
        @hookimpl
        def ownership_store(self) -> None:
            raise Boom

    host = Host({"broken": BrokenStore()})
    with pytest.raises(Boom):
        host.pick("ownership_store", "broken", settings=None, fields=None)


def test_plugins_are_asked_in_the_order_of_their_names() -> None:
    """However they were registered."""
    host = Host({name: answering("ownership_grants", [name]) for name in ("c", "a", "b")})
    assert [name for name, _ in host.pool("ownership_grants", actor=None, action="view", at=0)] == ["a", "b", "c"]


def test_more_requirements_than_a_run_can_hold_are_refused(open_shop: OpenShop) -> None:
    """A limit, told with the plugin's name (I48)."""
    from ownership_core.ruling import Requirement  # noqa: PLC0415
    from ownership_core.scope import Everything  # noqa: PLC0415

    many = [Requirement(f"code_{number}", Everything()) for number in range(51)]
    shop = open_shop(plugins={"wordy": answering("ownership_requirements", many)})
    shop.customer("a")
    assert shop.refuses(ADA, Assign("a", "ada"), "plugin_failed").who == "wordy"
