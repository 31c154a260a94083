"""A whole shop in plain dicts: every door, idempotency keys, and plans that wait; slow, and easy to read.

It predicts each answer before a store is asked: whether a command is refused and why, how many customers meet which
fate, which events are written and who is told. It knows no store and shares no rule with the core.
"""

from __future__ import annotations

import copy
from collections import Counter
from typing import Any

import attrs

from ownership_core import Actor, Sweep

from . import model_balance as balance
from . import model_covers as covers
from . import model_customers as customers
from . import model_dealing as dealing
from . import model_people as people
from . import model_rules as rules
from . import model_switch as switch
from . import model_undo as undo
from .naive import Plain

WEEK = 7 * 24 * 3600 * 1_000_000
ROWS = {
    "SwitchCardinality": switch,
    "Transfer": dealing,
    "Offboard": dealing,
    "Sweep": dealing,
    "Rebalance": balance,
    "Revert": undo,
}
ALONE = {
    "ChangeStaff": people.change_staff,
    "ChangeDepartment": people.change_department,
    "GrantAccess": people.grant_access,
    "Cover": covers.arrange,
    "EndCover": covers.end,
    "ChangeRules": rules.change,
}
"""What changes one thing and no customer; each says whether it did, and the version told afterwards."""
AS_THEY_ARE = ("events", "runs", "rules", "rehearse")
"""What is never changed once it is there, but for its name."""
NO_TALLY = {"changed": 0, "unchanged": 0, "refused": 0, "stale": 0, "codes": {}}


class ModelShop:
    """What is true of the shop, what was asked under which key, and which plans wait."""

    def __init__(self, shop: Plain) -> None:
        self.shop = shop
        self.keys: Plain = {}
        self.plans: Plain = {}

    def copied(self) -> ModelShop:
        """The same shop, free to go another way: several commands may be undone together."""
        other = ModelShop(copy.deepcopy({k: v for k, v in self.shop.items() if k not in AS_THEY_ARE}))
        other.shop |= {name: copy.copy(self.shop[name]) for name in AS_THEY_ARE}
        other.keys, other.plans = dict(self.keys), dict(self.plans)
        return other

    def ran(self, run: str | None, answer: Plain) -> None:
        """The run of an answer has this id: its events name it, and it may be taken back."""
        for event in answer["events"]:
            event["run"] = run
        if run is not None:
            self.shop["runs"][run] = answer
            covers.made_by(self.shop, answer["events"], run)

    # Every answer is a dict: what, tally, version, new_matches, warnings, rows, events, told (who hears of it), actor,
    # and ``wrote``: whether there is a run. ``replayed`` marks one that a key answered.

    def execute(self, command: Any, actor: Any, at: int, key: str | None = None, strict: bool | None = None) -> Plain:
        """Decide and write."""
        self.shop["now"] = at
        return self._once(actor, key, command, lambda: self._executed(command, actor, at, strict))

    def plan(self, command: Any, actor: Any, at: int, name: Any) -> Plain:
        """Decide, keep it as ``name`` for a week, and change nothing."""
        self.shop["now"] = at
        if type(command).__name__ in {*ALONE, "CreateCustomer"}:
            rehearsed = self.copied()._executed(command, actor, at, asked=False)
            version = self._version_of(command)
            pinned = (
                command
                if version is None or command.expected_version is not None
                else attrs.evolve(command, expected_version=version)
            )
            plan = {"command": pinned, "expected": None, "others": 0, "tally": rehearsed["tally"], "rows": []}
        else:
            rows = rows_of(command).planned(self.shop, actor, command, at)
            expected = [row for row in rows if row["fate"] == "changed"]
            plan = {"command": command, "expected": expected, "others": len(rows) - len(expected), "rows": rows}
            plan["tally"] = tally_of(rows)
        waiting = {old: kept for old, kept in self.plans.items() if kept["expires"] > at}
        self.plans = {**waiting, name: {**plan, "expires": at + WEEK}}
        return plan

    def apply(self, name: Any, actor: Any, at: int, key: str | None = None, strict: bool | None = None) -> Plain:
        """Decide again, and write what both contain."""
        self.shop["now"] = at
        return self._once(actor, key, ("plan", name), lambda: self._applied(name, actor, at, strict))

    def _once(self, actor: Any, key: str | None, payload: Any, act: Any) -> Plain:
        """I40: the same again is answered as before, something else under the same key is refused."""
        if key is None:
            return act()
        if (actor, key) in self.keys:
            before, answer = self.keys[actor, key]
            if before != payload:
                raise people.Denied({"idempotency_conflict"})
            return {**answer, "replayed": True}
        answer = act()
        self.keys[actor, key] = (payload, answer)
        return answer

    def _executed(self, command: Any, actor: Any, at: int, asked: bool | None) -> Plain:
        strict = is_strict(command, asked)
        by = {"at": at, "actor": actor, "reason": command.reason}
        if type(command).__name__ in ALONE:
            return self._answered(command, by, lambda: self._alone(actor, command, by))
        if type(command).__name__ == "CreateCustomer":
            return self._answered(command, by, lambda: customers.create(self.shop, actor, command, strict, by))
        rows = rows_of(command).planned(self.shop, actor, command, at)
        if is_switch(command):
            return self._switched(command, rows, by)
        if is_single(command) and rows[0]["fate"] == "refused":
            raise people.Denied(rows[0]["codes"])
        return self._fired(command, self._carried_out(command, rows, by, strict), at)

    def _applied(self, name: Any, actor: Any, at: int, asked: bool | None) -> Plain:
        plan = self.plans.get(name)
        if plan is None:
            raise people.Denied({"unknown_plan"})
        if plan["expires"] <= at:
            raise people.Denied({"plan_expired"})
        command = plan["command"]
        if plan["expected"] is None:
            return self._executed(command, actor, at, asked)
        strict, by = is_strict(command, asked), {"at": at, "actor": actor, "reason": command.reason}
        if is_switch(command):
            return self._switched(command, switch.planned(self.shop, actor, command, at), by, plan["expected"])
        rows = rows_of(command).again(self.shop, actor, command, plan["expected"], at)
        more = rows_of(command).new_matches(self.shop, actor, command, plan)
        leaves = type(command).__name__ == "Offboard" and more > 0  # D08: nobody stays with who leaves
        if strict and (plan["tally"]["refused"] or leaves):  # whom the plan left out stays out
            raise people.Denied({"strict_refused"})
        return self._fired(command, {**self._carried_out(command, rows, by, strict), "new_matches": more}, at)

    def _alone(self, actor: Any, command: Any, by: Plain) -> Plain:
        """Carry out what changes one thing; ``by`` is what every event of this step has: its time, actor, reason."""
        changed, version = ALONE[type(command).__name__](self.shop, actor, command, by)
        return {"tally": {"changed": int(changed), "unchanged": int(not changed)}, "version": version}

    def _switched(self, command: Any, rows: list[Plain], by: Plain, expected: list[Plain] | None = None) -> Plain:
        """All or nothing (A10); a plan must be exactly what would happen now."""
        if command.to == self.shop["cardinality"]:
            return self._answered(command, by, lambda: {"tally": NO_TALLY})
        in_the_way = {code for row in rows for code in row["codes"]}
        if in_the_way:
            raise people.Denied(in_the_way)
        if expected not in (None, rows):
            raise people.Denied({"stale"})
        done = {"rows": rows, "tally": tally_of(rows), "wrote": True}
        answer = self._answered(command, by, lambda: done | customers.carry_out(self.shop, command, rows, by))
        self.shop["cardinality"] = command.to
        return answer

    def _fired(self, command: Any, answer: Plain, at: int) -> Plain:
        """F13: rules that are asked about changes are, by themselves; whoever changed is told why nobody gets it."""
        if not customers.is_change(command) or not answer["wrote"] or not rules.due(self.shop, "changed"):
            return answer
        swept = Sweep([command.customer], occasion="changed")
        fired = self._executed(swept, Actor.system("rules", "changed"), at, asked=None)
        misfit: set[str] = set().union(*(row["misfit"] for row in fired["rows"]))
        return {**answer, "warnings": answer["warnings"] | fired["warnings"] | misfit, "fired": fired}

    def _carried_out(self, command: Any, rows: list[Plain], by: Plain, strict: bool) -> Plain:
        left = self._left(command, by["actor"])
        if strict and (left or any(row["fate"] in {"refused", "stale"} for row in rows)):
            raise people.Denied({"strict_refused"})
        left: set[str] = set().union(*(row.get("left", ()) for row in rows))  # H07: a rule held, and nobody gets it
        done = {"rows": rows, "tally": tally_of(rows), "warnings": left}
        if is_single(command) and rows and rows[0]["fate"] in {"changed", "unchanged"}:
            done["version"] = rows[0]["version"] + done["tally"]["changed"]
        return self._answered(command, by, lambda: done | rows_of(command).carry_out(self.shop, command, rows, by))

    def _left(self, command: Any, actor: Any) -> set[str]:
        """Every code of what stays as it is beside the rows, and should not: D02, C08."""
        if type(command).__name__ == "Revert":
            return undo.put_back(self.shop, actor, command)[1]
        return {"left_behind"} if dealing.left_behind(self.shop, actor, command) else set()

    def _answered(self, command: Any, by: Plain, act: Any) -> Plain:
        """Act, and say what came of it: with which events, by whom, and whether there is a run at all."""
        start = len(self.shop["events"])
        answer = {"version": None, "new_matches": 0, "told": set(), "rows": [], "warnings": set(), "replayed": False}
        answer |= {"what": customers.what_of(command), "actor": by["actor"], **act()}
        answer |= {"tally": {**NO_TALLY, **answer["tally"]}, "events": self.shop["events"][start:]}
        return {"wrote": answer["tally"]["changed"] > 0, **answer}

    def _version_of(self, command: Any) -> int | None:
        """The version a plan about people pins: what it would do was said of this one."""
        if type(command).__name__ == "ChangeStaff":
            return int(self.shop["staff"].get(command.staff, people.NOBODY)["version"])
        if type(command).__name__ == "ChangeDepartment":
            return int(self.shop["departments"].get(command.department, people.NOBODY)["version"])
        return None


def rows_of(command: Any) -> Any:
    """Where it stands what becomes of each customer by such a command."""
    return ROWS.get(type(command).__name__, customers)


def is_strict(command: Any, asked: bool | None) -> bool:
    """Whether one refusal refuses all: as asked for, else only where somebody leaves (D06, D08)."""
    return type(command).__name__ == "Offboard" if asked is None else asked


def is_switch(command: Any) -> bool:
    """Whether it concerns the whole shop, all or nothing."""
    return type(command).__name__ == "SwitchCardinality"


def is_single(command: Any) -> bool:
    """Whether the command names one customer, whose refusal is raised."""
    return customers.is_change(command) or type(getattr(command, "customers", None)).__name__ == "One"


def tally_of(rows: list[Plain]) -> Plain:
    """What the rows add up to (I39)."""
    fates = Counter(row["fate"] for row in rows)
    codes = Counter(code for row in rows for code in row["codes"])
    return {**NO_TALLY, **dict(fates), "codes": dict(codes)}
