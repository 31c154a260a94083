"""What commands about customers do to a plain shop: row by row, at once or by a plan, written from the design.

Who may do what and how assignments change is said by :mod:`.naive`; here stand what it leaves out: fields, creation and
deletion, versions that outlive a customer, plans that went stale, events, and who is told.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from ownership_core.testing.oracle import surely
from ownership_core.testing.worlds import WORLD_FIELDS

from . import naive
from .model_people import Denied, record
from .naive import Plain

RELIEVING = {"Assign", "Unassign", "SetPrimary", "ClearPrimary", "SwitchCardinality"}
RELIEVING |= {"Transfer", "Offboard", "Rebalance", "Sweep"}
"""By these somebody is relieved of a customer; who releases one has given it up."""


def what_of(command: Any) -> str:
    """What a run and its events are called."""
    return snake(type(command).__name__)


def snake(name: str) -> str:
    """The name of a command as runs and events have it: SetPrimary is ``set_primary``."""
    return name[0].lower() + "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name[1:])


# Planned


def planned(shop: Plain, actor: Any, command: Any, at: int) -> list[Plain]:
    """The row of every customer the command is about."""
    return [row(shop, actor, command, id, at) for id in meant(shop, actor, command)]


def meant(shop: Plain, actor: Any, command: Any) -> list[str]:
    """Whom the command is about; refused where the asker may not ask, or names the wrong staff."""
    mine, named = naive.refusals(shop, actor, command)
    if mine or named:
        raise Denied(mine | named, exact=not mine)
    return [command.customer] if is_change(command) else naive.named_or_found(shop, actor, command)


def row(shop: Plain, actor: Any, command: Any, id: str, at: int) -> Plain:
    """What becomes of one customer. Changing a field, or deleting, counts although no assignment moves."""
    found = naive.row(shop, actor, command, id, at)
    if found["fate"] == "refused":
        return found
    if type(command).__name__ == "DeleteCustomer" or new_fields(shop, command):
        found["fate"] = "changed"
    before = shop["customers"][id]["held"]
    if type(command).__name__ in {"Unassign", "Release"} and found["before"] not in staff_of(found["held"]):
        found["after"] = heir(shop, found["held"]) if found["before"] else None
        found["held"] = naive.standing(found["held"], found["after"])
    found["removed"] = [one for one in before if one["staff"] not in staff_of(found["held"])]
    return found


def heir(shop: Plain, kept: list[Plain]) -> str | None:
    """A06: who follows a primary that went: the first by the policy's keys who is active, or nobody."""
    active = [one for one in kept if shop["staff"][one["staff"]]["active"]]
    if not shop["promote_by"] or not active:
        return None
    return str(min(active, key=lambda one: [one[key] for key in (*shop["promote_by"], "staff")])["staff"])


def staff_of(held: list[Plain]) -> list[str]:
    """Who is assigned."""
    return [one["staff"] for one in held]


def share(shop: Plain, customer: Plain, command: Any, row: Plain, at: int) -> None:
    """Rows 41, 105: who is relieved goes on seeing the customer, where the shop says so; who is assigned needs none."""
    for staff in arrived(row):
        customer["shared"].pop(staff, None)
    if shop["keeps_view"] and type(command).__name__ in RELIEVING:
        customer["shared"].update({one["staff"]: at + shop["keep_view"] for one in row["removed"]})


def arrived(row: Plain) -> list[str]:
    """Who is assigned by a row and was not before: given the customer, or given it back."""
    return [staff for staff in (row["added"], *staff_of(row.get("restored", []))) if staff is not None]


def is_change(command: Any) -> bool:
    """Whether it is the one command that names a single customer and fields."""
    return type(command).__name__ == "ChangeCustomer"


def new_fields(shop: Plain, command: Any) -> list[str]:
    """The fields a change really changes."""
    if not is_change(command) or command.customer not in shop["customers"]:
        return []
    customer = shop["customers"][command.customer]
    values = [name for name, value in command.values.items() if customer["values"].get(name) != value]
    sets = [name for name, texts in command.sets.items() if customer["sets"].get(name, []) != sorted(set(texts))]
    return sorted([*values, *sets])


# Planned before, applied now


def again(shop: Plain, actor: Any, command: Any, expected: list[Plain], at: int) -> list[Plain]:
    """The rows of a saved plan decided again: what no longer comes out the same is stale (C03)."""
    meant(shop, actor, command)
    rows = []
    for was in expected:
        found = row(shop, actor, command, was["customer"], at)
        if found["codes"] != {"not_found"} and is_stale(shop, actor, command, was, at):
            found = naive.refused(found["customer"], found["version"], {*found["codes"], "stale"})
            found["fate"] = "stale"
        rows.append(found)
    return rows


def is_stale(shop: Plain, actor: Any, command: Any, was: Plain, at: int) -> bool:
    """Whether the customer moved on, left the selection, or the change would now be another one."""
    customer = shop["customers"][was["customer"]]
    if customer["version"] != was["version"] or not selects(shop, command, was["customer"]):
        return True
    held = naive.afterwards(shop, actor, command, customer["held"], at)
    added = [staff for staff in staff_of(held) if staff not in staff_of(customer["held"])]
    removed = [staff for staff in staff_of(customer["held"]) if staff not in staff_of(held)]
    after = naive.primary_of(held)
    if type(command).__name__ in {"Unassign", "Release"} and was["before"] in removed:
        after = heir(shop, held)
    return (added, len(removed), after) != ([was["added"]] if was["added"] else [], len(was["removed"]), was["after"])


def selects(shop: Plain, command: Any, id: str) -> bool:
    """Whether the command's selection holds of a customer there is."""
    scope = None if is_change(command) else getattr(command.customers, "scope", None)
    return scope is None or surely(scope, naive.record_of(shop, id), WORLD_FIELDS)


def new_matches(shop: Plain, actor: Any, command: Any, plan: Plain) -> int:
    """How many a search finds now that the plan neither held nor left alone."""
    if is_change(command) or not hasattr(command.customers, "scope"):
        return 0
    now = naive.named_or_found(shop, actor, command)
    still = [was for was in plan["expected"] if was["customer"] in now]
    return max(0, len(now) - len(still) - plan["others"])


# Carried out


def carry_out(shop: Plain, command: Any, rows: list[Plain], by: Plain) -> Plain:
    """Let the rows become true; gives back who is told."""
    moved = [one for one in rows if one["fate"] == "changed"]
    fields = new_fields(shop, command)
    if moved and is_change(command):
        refuse_taken_email(shop, command, fields)
    for one in moved:
        id, customer = one["customer"], shop["customers"][one["customer"]]
        shop["heads"][id] = customer["version"] = one["version"] + 1
        joined = [held for held in one["held"] if held["staff"] in arrived(one)]
        body = {"primary": [one["before"], one["after"]], "added": joined, "removed": one["removed"]}
        record(shop, "customer", id, one["version"] + 1, by, {"what": what_of(command), **body, "fields": fields})
        customer["held"] = one["held"]
        share(shop, customer, command, one, by["at"])
        if is_change(command):
            write_fields(customer, command)
        if type(command).__name__ == "DeleteCustomer":
            del shop["customers"][id]
    told = {staff for one in moved for staff in [*staff_of(one["removed"]), *arrived(one)]}
    return {"told": told if getattr(command, "notify", False) else set()}


def write_fields(customer: Plain, command: Any) -> None:
    """None empties a field, a set is replaced."""
    values = {**customer["values"], **command.values}
    sets = {**customer["sets"], **{name: sorted(set(texts)) for name, texts in command.sets.items()}}
    customer["values"] = {name: value for name, value in values.items() if value is not None}
    customer["sets"] = {name: texts for name, texts in sets.items() if texts}


def refuse_taken_email(shop: Plain, command: Any, fields: list[str]) -> None:
    """H03: an address belongs to one customer, whatever its capitals."""
    wanted = command.values.get("email")
    others = [id for id in shop["customers"] if id != command.customer]
    if "email" in fields and wanted is not None and wanted.lower() in emails(shop, others):
        raise Denied({"duplicate_email"})


def emails(shop: Plain, ids: Any) -> set[str]:
    """The addresses of these customers."""
    return {shop["customers"][id]["values"].get("email", "").lower() for id in ids} - {""}


# Created


def create(shop: Plain, actor: Any, command: Any, strict: bool, by: Plain) -> Plain:
    """H01, H03, H04: create what can be created; the channel says who owns it."""
    mine = naive.asker_problems(shop, actor, "create")
    if mine:
        raise Denied(mine, exact=False)
    codes: Counter[str] = Counter()
    warnings, fine, before, beside = set(), [], emails(shop, shop["customers"]), set()
    for new in command.customers:
        staff, unfit, problems = owner(shop, actor, command, new)
        address = (new.values.get("email") or "").lower()
        if new.id in shop["customers"]:
            problems.append("customer_exists")
        if address in before:
            problems.append("duplicate_email")
        if address in beside:
            unfit, problems = [], ["duplicate_email"]  # the command contradicts itself, whatever else it says
        beside |= {address} - {""}
        warnings |= set(unfit)
        codes.update(problems)
        if not problems:
            fine.append((new, staff))
    if codes and (strict or len(command.customers) == 1):
        raise Denied(set(codes))
    for new, staff in fine:
        made(shop, command, new, staff, by)
    tally = {"changed": len(fine), "refused": len(command.customers) - len(fine), "codes": dict(codes)}
    return {"tally": tally, "warnings": warnings}


def owner(shop: Plain, actor: Any, command: Any, new: Any) -> tuple[str | None, list[str], list[str]]:
    """Who gets a new customer, for which reasons nobody does, and for which it is not created."""
    explicit = str(command.channel) in {"import", "api"}
    if new.staff is not None and not explicit:
        return None, [], ["staff_not_expected"]
    staff = new.staff if explicit else actor.id if str(command.channel) == "staff" and actor.kind == "staff" else None
    if staff is None:
        return None, [], []
    who = shop["staff"].get(staff)
    if who is None or who["deleted"]:
        return None, [], ["unknown_staff"]
    unfit = [] if who["active"] else ["staff_inactive"]
    if not naive.extends(shop, actor, "assign", staff):
        unfit.append("target_out_of_reach")
    customer = {"values": new.values, "sets": {name: sorted(texts) for name, texts in new.sets.items()}}
    if not naive.fits_website(shop, who, customer):
        unfit.append("website_mismatch")
    unfit += ["group_restricted"] * (not naive.fits_groups(shop, who, customer))
    return (None if unfit else staff), ([] if explicit else unfit), (unfit if explicit else [])


def made(shop: Plain, command: Any, new: Any, staff: str | None, by: Plain) -> None:
    """A customer there is now; one that was there before goes on counting."""
    version = shop["heads"][new.id] = shop["heads"].get(new.id, 0) + 1
    held = [{"staff": staff, "primary": True, "since": by["at"], "role": "", "source": str(command.channel)}]
    held = held if staff is not None else []
    customer: Plain = {"values": {"kind": "customer", "active": True, "no_auto": False, "created_at": by["at"]}}
    customer |= {"sets": {}, "held": held, "shared": {}, "version": version}
    write_fields(customer, new)
    shop["customers"][new.id] = customer
    body = {"primary": [None, staff], "added": held, "removed": [], "fields": []}
    record(shop, "customer", new.id, version, by, {"what": "create_customer", **body})
