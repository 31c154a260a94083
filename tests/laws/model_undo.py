"""What taking a run back does to a plain shop, written from the sentences (C08, C09).

Each customer the run changed is again as it was before, but for whom was changed since: those are listed. Whoever comes
back must work here, be in reach and be allowed the customer; whoever goes must be in reach. A till takes back only what
left a customer unassigned. Rules and covers that the run changed go back too, where nothing changed them since.
"""

from __future__ import annotations

from typing import Any

import attrs

from ownership_core.wire import rule_from_wire

from . import model_covers as covers
from . import model_customers as customers
from . import model_dealing as dealing
from . import model_rules as rules
from . import naive
from .model_customers import staff_of
from .model_hands import is_gone, named
from .model_people import Denied
from .model_switch import room
from .naive import Plain

REVERTIBLE = {
    *("assign", "unassign", "set_primary", "clear_primary", "claim", "release"),
    *("transfer", "offboard", "rebalance", "sweep", "revert"),
}
"""What changes assignments, and at most rules and covers beside them."""


ANEW = "arranged anew"
"""Said of a cover that stands already, under another name."""


def planned(shop: Plain, actor: Any, command: Any, at: int) -> list[Plain]:
    """The row of every customer the run changed, that is still there and the asker may know of."""
    rows = [row(shop, actor, done) for done in changed_by(shop, actor, command)]
    return [one for one in rows if one["codes"] != {"not_found"}]


def again(shop: Plain, actor: Any, command: Any, expected: list[Plain], at: int) -> list[Plain]:
    """What no longer comes out as it was planned is stale."""
    undone = {done["customer"]: done for done in changed_by(shop, actor, command)}
    rows = []
    for was in expected:
        now = row(shop, actor, undone[was["customer"]])
        if now["codes"] != {"not_found"}:
            customer = shop["customers"][was["customer"]]
            would = taken_back(customer["held"], undone[was["customer"]])
            if customer["version"] != was["version"] or outcome(would) != outcome(was):
                now = naive.refused(was["customer"], customer["version"], {*now["codes"], "stale"}) | {"fate": "stale"}
        rows.append(now)
    return rows


def outcome(row: Plain) -> tuple[Any, ...]:
    """What must come out again as it was planned."""
    return row["after"], len(row["removed"]), len(row["restored"])


def new_matches(shop: Plain, actor: Any, command: Any, plan: Plain) -> int:
    """A run changed whom it changed: there are never more."""
    return 0


def changed_by(shop: Plain, actor: Any, command: Any) -> list[Plain]:
    """The rows of the run that changed something; whoever may not ask is told no more than that."""
    mine = naive.asker_problems(shop, actor, "assign")
    if mine:
        raise Denied(mine, exact=False)
    run = shop["runs"].get(command.run)
    if run is None:
        raise Denied({"unknown_run"})
    if run["what"] not in REVERTIBLE:
        raise Denied({"not_revertible"})
    return sorted((one for one in run["rows"] if one["fate"] == "changed"), key=lambda one: one["customer"])


def row(shop: Plain, actor: Any, done: Plain) -> Plain:
    """What becomes of one customer."""
    id = done["customer"]
    customer = shop["customers"].get(id)
    if customer is None or not known_to(shop, actor, customer):
        return naive.refused(id, 0, {"not_found"})
    would = taken_back(customer["held"], done)
    codes = objections(shop, actor, customer, done, would)
    if codes:
        return naive.refused(id, customer["version"], codes)
    return {"customer": id, "version": customer["version"], "codes": set(), **would}


def known_to(shop: Plain, actor: Any, customer: Plain) -> bool:
    """Whether the asker may know of a customer."""
    return naive.may(shop, actor, "view", customer) or naive.may(shop, actor, "assign", customer)


def taken_back(held: list[Plain], done: Plain) -> Plain:
    """Who came goes, who went comes back with its own date, role and source, and who stood for the customer does."""
    brought = [done["added"], *staff_of(done.get("restored", []))]
    kept = [one for one in held if one["staff"] not in brought]
    restored = [one for one in done["removed"] if one["staff"] not in staff_of(kept)]
    after = naive.standing(sorted([*kept, *restored], key=lambda one: one["staff"]), done["before"])
    removed = [one for one in held if one["staff"] in brought]
    stood = naive.primary_of(held)
    fate = "changed" if removed or restored or stood != done["before"] else "unchanged"
    told = {"before": stood, "after": done["before"], "added": None, "removed": removed, "restored": restored}
    return {"fate": fate, "held": after, **told}


def objections(shop: Plain, actor: Any, customer: Plain, done: Plain, would: Plain) -> set[str]:
    """Every reason against taking it back."""
    codes = set() if naive.may(shop, actor, "assign", customer) else {"not_permitted"}
    codes |= naive.by_itself(actor, customer)
    if would["fate"] == "changed" and customer["version"] != done["version"] + 1:
        codes.add("changed_since")
    for staff in staff_of(done["removed"]):
        codes |= dealing.unfit(shop, actor, staff, customer)
    for staff in (done["added"], *staff_of(done.get("restored", []))):
        if staff is not None and not may_lose(shop, actor, staff):
            codes.add("holder_out_of_reach")
    most = room(shop, shop["cardinality"])
    if most is not None and len(would["held"]) > most:
        codes.add("single_owner" if shop["cardinality"] == "single" else "too_many_staff")
    if shop["cardinality"] == "single" and would["held"] and would["after"] is None:
        codes.add("single_owner")  # I3: a run from before a switch
    return codes


def may_lose(shop: Plain, actor: Any, staff: str) -> bool:
    """Whether the asker may take something from somebody; from who is no more whoever reaches everybody."""
    if is_gone(shop, staff):
        return actor.kind != "staff" or naive.level_of(shop, actor, "assign") == "all"
    return bool(naive.extends(shop, actor, "assign", staff))


# Rules and covers


def carry_out(shop: Plain, command: Any, rows: list[Plain], by: Plain) -> Plain:
    """Let the rows become true, and the rules and covers be again as they were."""
    back, _ = put_back(shop, by["actor"], command)
    done = customers.carry_out(shop, command, rows, by)
    for kind, id, then in back:
        if kind == "rule":
            rules.write(shop, id, then, by)
        else:
            cover = next(one for one in shop["covers"] if one["id"] == id)
            cover.update(then)
            covers.told(shop, cover, "restored", by)
    return done | ({"wrote": True} if back else {})


def put_back(shop: Plain, actor: Any, command: Any) -> tuple[list[tuple[str, str, Any]], set[str]]:
    """What would be as before the run, by its events, and every code of what stays as it is."""
    back, left = [], set()
    for event in shop["runs"][command.run]["events"]:
        kind, id, version = event["kind"], event["subject"], event["version"]
        if kind not in {"rule", "cover"}:
            continue
        all_of = {one["version"]: one for one in shop["events"] if (one["kind"], one["subject"]) == (kind, id)}
        then, codes = (rule_again if kind == "rule" else cover_again)(shop, actor, id, all_of[version - 1]["body"])
        if then is not None:
            codes = {"changed_since"} if max(all_of) > version else codes
            back += [] if codes else [(kind, id, then)]
            left |= codes - {ANEW}
    return back, left


def rule_again(shop: Plain, actor: Any, id: str, body: Plain) -> tuple[Any, set[str]]:
    """The rule as it was, None where it is so; whoever it names again works and is in reach, and who goes is."""
    now, then = shop["rules"].get(id), rule_from_wire({"v": 1, "rule": body["rule"]})
    if now is None:
        return then, set()
    then = attrs.evolve(then, label=now.label, version=now.version)
    if then == now:
        return None, set()
    codes = {"not_permitted"} if actor.kind == "system" else set()
    for staff in set() if codes else named(then.to) ^ named(now.to):
        if staff in named(now.to):
            codes |= set() if may_lose(shop, actor, staff) else {"target_out_of_reach"}
        elif is_gone(shop, staff):
            codes.add("unknown_staff")
        else:
            codes |= set() if shop["staff"][staff]["active"] else {"staff_inactive"}
            codes |= set() if naive.extends(shop, actor, "assign", staff) else {"target_out_of_reach"}
    return then, codes


def cover_again(shop: Plain, actor: Any, id: str, body: Plain) -> tuple[Any, set[str]]:
    """The window of a cover as it was, None where it is so; decided as for one that is arranged."""
    now = next(one for one in shop["covers"] if one["id"] == id)
    then = {"since": body["since"], "until": body["until"]}
    wanted = {**now, **then}
    if wanted == now:
        return None, set()
    if actor.kind == "system":
        return then, {"not_permitted"}
    codes = {code for one in (now["staff"], now["by"]) for code in covers.named(shop, actor, one)}
    stands_in = shop["staff"][now["by"]]
    codes |= {"staff_inactive"} if not stands_in["active"] and not stands_in["deleted"] else set()
    others = [one for one in shop["covers"] if one["id"] != id]
    if any(all(one[name] == wanted[name] for name in covers.WHO) for one in others):
        return then, codes or {ANEW}
    return then, codes | ({"cover_chain"} if any(covers.is_chain(wanted, one) for one in others) else set())
