"""Who gets which customers when many move: handing over, leaving and giving out, written from the sentences (block D).

A distribution is dealt customer by customer in the order of their ids, by hands that remember whose turn it is. A row
keeps under ``turn`` whose turn passed in which rotation: also a customer that is refused afterwards has taken one.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from ownership_core.testing.oracle import surely
from ownership_core.testing.worlds import WORLD_FIELDS

from . import model_covers as covers
from . import model_customers as customers
from . import model_rules as rules
from . import naive
from .model_customers import staff_of
from .model_hands import hand, is_gone, kind, named
from .model_people import Denied
from .naive import Plain

# Whom a command is about, and who may


def meant(shop: Plain, actor: Any, command: Any) -> list[str]:
    """Each one named, or those selected and visible, in id order; refused where the asker may not ask (D05)."""
    mine = naive.asker_problems(shop, actor, "assign")
    codes = set() if mine else refusals(shop, actor, command)
    if mine or codes:
        raise Denied(mine | codes, exact=not mine)
    return found(shop, actor, command)


def found(shop: Plain, actor: Any, command: Any) -> list[str]:
    """The customers a plan lists."""
    selection = getattr(command, "customers", None)
    if hasattr(selection, "id") or hasattr(selection, "ids"):
        return sorted(getattr(selection, "ids", None) or [selection.id])
    seen = [id for id, one in shop["customers"].items() if naive.known_to(shop, actor, command, one)]
    return sorted(id for id in seen if selects(shop, command, id))


def selects(shop: Plain, command: Any, id: str) -> bool:
    """Whether the command's selection holds of a customer there is."""
    scope = getattr(getattr(command, "customers", None), "scope", None)
    if scope is not None and not surely(scope, naive.record_of(shop, id), WORLD_FIELDS):
        return False
    held = staff_of(shop["customers"][id]["held"])
    if hasattr(command, "customers") and scope is None:
        return True
    if kind(command) == "Sweep":
        return not held or reassigns(shop, command)
    return giver_of(command) in held


def reassigns(shop: Plain, command: Any) -> bool:
    """Whether a sweep looks at assigned customers too: where a rule says so."""
    return command.to is None and any(rule.reassign for rule in rules.due(shop, command.occasion))


def refusals(shop: Plain, actor: Any, command: Any) -> set[str]:
    """D05: everybody who is named is there and in reach, and works, where it is no pool to give out to. No till sends
    away."""
    by_itself = actor.kind == "system" and kind(command) == "Offboard"
    codes, giver = {"not_permitted"} if by_itself else set(), giver_of(command)
    if giver is not None and is_gone(shop, giver):
        everybody = actor.kind != "staff" or naive.level_of(shop, actor, "assign") == "all"
        codes |= set() if everybody else {"target_out_of_reach"}
    elif giver is not None and not naive.extends(shop, actor, "assign", giver):
        codes.add("target_out_of_reach")
    for staff in named(command.to):
        if is_gone(shop, staff):
            codes.add("unknown_staff")
            continue
        counted_on = giver is not None or kind(command.to) in {"ToStaff", "Weighted"}
        if counted_on and not shop["staff"][staff]["active"]:
            codes.add("staff_inactive")
        if not naive.extends(shop, actor, "assign", staff):
            codes.add("target_out_of_reach")
    return codes | ({"same_staff"} if giver in named(command.to) else set())


def giver_of(command: Any) -> str | None:
    """Who hands over."""
    return getattr(command, "giver", command.staff if kind(command) == "Offboard" else None)


def left_behind(shop: Plain, actor: Any, command: Any) -> bool:
    """D02: whether somebody would stay with a leaver whom the asker knows nothing of."""
    held = [one for one in shop["customers"].values() if giver_of(command) in {line["staff"] for line in one["held"]}]
    return kind(command) == "Offboard" and not all(naive.known_to(shop, actor, command, one) for one in held)


def is_dealt(command: Any) -> bool:
    """Whether each customer gets a staff of its own; else all go to the same one, or to nobody."""
    return kind(command) == "Sweep" or kind(command.to) not in {"ToStaff", "NoneType"}


# Planned


def planned(shop: Plain, actor: Any, command: Any, at: int) -> list[Plain]:
    """The row of every customer: only those that nothing is said against are dealt."""
    ids = meant(shop, actor, command)
    against = {id: objections(shop, actor, command, id) for id in ids}
    fine = [id for id in ids if not against[id]]
    turns = dealt(shop, command, fine) if is_dealt(command) else {}
    rows = []
    for id in ids:
        staff, code, source, rotation = turns.get(id, (only(command), None, "", None))
        codes = against[id] | ({code} if code else set())
        misfit = unfit(shop, actor, staff, shop["customers"][id]) if id in turns and staff is not None else set()
        codes |= misfit
        row = refusal(shop, id, codes) if codes else moved(shop, command, id, staff, source, at)
        row["misfit"] = misfit
        row["left"] = {code} - {None} if source else set()
        if id in turns and staff is not None and rotation is not None:
            row["turn"] = {rotation: staff}
        rows.append(row)
    return rows


def only(command: Any) -> str | None:
    """The one who gets all of them."""
    return None if is_dealt(command) or command.to is None else str(command.to.staff)


def refusal(shop: Plain, id: str, codes: set[str]) -> Plain:
    """The row of a customer that stays; of a hidden one nothing is told."""
    hidden = "not_found" in codes
    return naive.refused(id, 0 if hidden else shop["customers"][id]["version"], codes)


def objections(shop: Plain, actor: Any, command: Any, id: str) -> set[str]:
    """Every reason against moving a customer, whoever would get it."""
    customer = shop["customers"].get(id)
    if customer is None or not naive.known_to(shop, actor, command, customer):
        return {"not_found"}
    codes = set() if naive.may(shop, actor, "assign", customer) else {"not_permitted"}
    if kind(command) == "Sweep":
        return codes | kept_back(shop, actor, command, customer)
    releases = command.to is None  # nobody is given anything, and whoever is gone already is not asked for
    if not releases and giver_of(command) not in staff_of(customer["held"]):
        codes.add("not_held")
    if only(command) is not None:
        codes |= bounds(shop, str(only(command)), customer)
    return codes | naive.by_itself(actor, customer)


def kept_back(shop: Plain, actor: Any, command: Any, customer: Plain) -> set[str]:
    """Why a sweep leaves a customer alone: it is marked so, or assigned, or to somebody out of reach."""
    codes = set() if customer["values"].get("no_auto") is False else {"no_auto"}
    if command.to is not None and customer["held"]:
        codes.add("already_assigned")
    if any(not naive.extends(shop, actor, "assign", one["staff"]) for one in customer["held"]):
        codes.add("holder_out_of_reach")
    return codes


def bounds(shop: Plain, staff: str, customer: Plain) -> set[str]:
    """I8: what a staff's website and groups keep from it."""
    who = shop["staff"][staff]
    codes = set() if naive.fits_website(shop, who, customer) else {"website_mismatch"}
    return codes | (set() if naive.fits_groups(shop, who, customer) else {"group_restricted"})


def unfit(shop: Plain, actor: Any, staff: str, customer: Plain) -> set[str]:
    """Why somebody cannot be given this customer: it left, is out of reach, or may not have it."""
    if is_gone(shop, staff) or not shop["staff"][staff]["active"]:
        return {"staff_inactive"}
    if not naive.extends(shop, actor, "assign", staff):
        return {"target_out_of_reach"}
    return bounds(shop, staff, customer)


def moved(shop: Plain, command: Any, id: str, receiver: str | None, source: str, at: int) -> Plain:
    """D02-D04: the giver's place is taken, with its role, and for the customer where it stood for that."""
    customer, giver, what = shop["customers"][id], giver_of(command), customers.what_of(command)
    if kind(command) == "Sweep":
        held = naive.joined([], customer["held"], str(receiver), at, "", source or what)
        told = difference(customer["held"], naive.standing(held, receiver))
        where = {"customer": id, "version": customer["version"]}
        return {**told, **where, "receiver": receiver, "source": source, "role": ""}
    held, before = customer["held"], naive.primary_of(customer["held"])
    kept = [one for one in held if one["staff"] != giver]
    role = next((one["role"] for one in held if one["staff"] == giver), "")
    after = before if before != giver else receiver or customers.heir(shop, kept)
    if receiver is not None:
        kept = naive.joined(kept, held, receiver, at, role, source or what)
    return {
        **difference(held, naive.standing(kept, after)),
        "customer": id,
        "version": customer["version"],
        "receiver": receiver if is_dealt(command) else None,
        "source": source,
        "role": "" if command.to is None else role,
        "merged": receiver in staff_of(held),
    }


def difference(held: list[Plain], after: list[Plain]) -> Plain:
    """What a row says of the assignments before and after."""
    added = [staff for staff in staff_of(after) if staff not in staff_of(held)]
    removed = [one for one in held if one["staff"] not in staff_of(after)]
    stood, stands = naive.primary_of(held), naive.primary_of(after)
    fate = "changed" if added or removed or stood != stands else "unchanged"
    told = {"before": stood, "after": stands, "added": added[0] if added else None, "removed": removed}
    return {"fate": fate, "codes": set(), "held": after, **told}


# Planned before, applied now


def again(shop: Plain, actor: Any, command: Any, expected: list[Plain], at: int) -> list[Plain]:
    """A plan keeps its receivers: whom a row was planned for gets it, or it is refused or stale."""
    meant(shop, actor, command)
    rows = []
    for was in expected:
        id, receiver = was["customer"], was["receiver"] if is_dealt(command) else only(command)
        codes = objections(shop, actor, command, id)
        if codes != {"not_found"}:
            now = moved(shop, command, id, receiver, was["source"], at)
            if receiver is not None and is_dealt(command):
                codes |= unfit(shop, actor, receiver, shop["customers"][id])
            ruled_by = kind(command) != "Sweep" or command.to is not None or was["source"] in sources(shop, command)
            same = ruled_by and now["version"] == was["version"] and outcome(now) == outcome(was)
            if not same or not selects(shop, command, id):
                codes.add("stale")
        row = refusal(shop, id, codes) if codes else now
        row["fate"] = "stale" if "stale" in codes else row["fate"]
        turn = rotation_of(shop, command, was["source"])
        if row["fate"] == "changed" and receiver is not None and turn is not None:
            row["turn"] = {turn: receiver}
        rows.append(row)
    return rows


def rotation_of(shop: Plain, command: Any, source: str) -> str | None:
    """In which rotation a customer of a plan took a turn: that of the command, or of the rule that is its source."""
    return getattr(command.to or sources(shop, command).get(source), "name", None)


def sources(shop: Plain, command: Any) -> dict[str, Any]:
    """What the rules of now say of themselves where they choose, and to whom they give."""
    return {f"rule:{rule.id}@{rule.version}": rule.to for rule in rules.due(shop, getattr(command, "occasion", ""))}


def outcome(row: Plain) -> tuple[Any, ...]:
    """What must come out again as it was planned."""
    return row["after"], row["added"], len(row["removed"])


def new_matches(shop: Plain, actor: Any, command: Any, plan: Plain) -> int:
    """How many a search finds now that the plan neither held nor left alone."""
    if hasattr(command, "customers") and not hasattr(command.customers, "scope"):
        return 0
    now = found(shop, actor, command)
    still = [was for was in plan["expected"] if was["customer"] in now]
    return max(0, len(now) - len(still) - plan["others"])


def dealt(shop: Plain, command: Any, ids: list[str]) -> dict[str, tuple[str | None, str | None, str, str | None]]:
    """Who gets each of these, or why nobody does; the source; and whose rotation went on."""
    pointers, given = dict(shop["rotations"]), Counter[str]()
    if command.to is None:
        return by_rules(shop, command, ids, pointers, given)
    deal = hand(shop, command.to, len(ids), giver_of(command), pointers, given)
    turns = {}
    for id in ids:
        staff, code = deal()
        given.update([staff] if staff is not None else [])
        if code is not None and str(getattr(command, "unplaced", "")) == "release":
            code = None  # D06: as chosen, never silently
        turns[id] = (staff, code, "", getattr(command.to, "name", None))
    return turns


def by_rules(
    shop: Plain, command: Any, ids: list[str], pointers: dict[str, str], given: Counter[str]
) -> dict[str, Any]:
    """H05-H08: the first rule that holds gives, by its own hand, and its name and version are the source."""
    asked = rules.due(shop, command.occasion)
    chosen = {id: rules.first(shop, asked, id) for id in ids}
    stays = {id for id, rule in chosen.items() if rule and shop["customers"][id]["held"] and not rule.reassign}
    totals = Counter(rule.id for id, rule in chosen.items() if rule is not None and id not in stays)
    deals = {rule.id: hand(shop, rule.to, totals[rule.id], None, pointers, given) for rule in asked}
    turns: dict[str, Any] = {}
    for id, rule in chosen.items():
        if rule is None or id in stays:
            turns[id] = (None, "no_target" if rule is None else "already_assigned", "", None)  # nobody is left out
            continue
        staff, code = deals[rule.id]()
        given.update([staff] if staff is not None else [])
        turns[id] = (staff, code, f"rule:{rule.id}@{rule.version}", getattr(rule.to, "name", None))
    return turns


# Carried out


def carry_out(shop: Plain, command: Any, rows: list[Plain], by: Plain) -> Plain:
    """Let the rows become true, and rotations go on from whoever was last; a run that moves nobody moves no turn."""
    done = customers.carry_out(shop, command, rows, by)
    if kind(command) == "Offboard":
        ruled = rules.leave(shop, command, by)
        done |= {"wrote": True} if covers.leave(shop, command.staff, by) or ruled else {}
    if any(row["fate"] == "changed" for row in rows):
        for row in rows:
            shop["rotations"].update(row.get("turn", {}))
    return done
