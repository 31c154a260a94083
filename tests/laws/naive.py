"""A third opinion on who may do what: nested ifs over plain dicts, written from the sentences of the design.

It shares no code with :mod:`ownership_core.access`, :mod:`ownership_core.evaluate`, the decisions or any store,
knows no scope (a selection's scope is judged by :mod:`ownership_core.testing.oracle`) and looks at one customer at a
time. Slow, and easy to read. A shop is a dict as :func:`shop_of` makes it.
"""

from __future__ import annotations

from typing import Any

from ownership_core.testing.oracle import surely
from ownership_core.testing.worlds import WORLD_FIELDS

Plain = dict[str, Any]

NOW = 1_893_456_000_000_000  # the first moment of 2030, at which every law begins
LEVELS = ("none", "own", "department", "department_tree", "all")
ASSIGNING = ["Assign", "Unassign", "SetPrimary", "ClearPrimary", "Transfer", "Offboard", "Rebalance", "Sweep", "Revert"]
RIGHTS = {"Claim": "claim", "Release": "release", "ChangeCustomer": "edit", "DeleteCustomer": "delete"}
RIGHTS |= {"SwitchCardinality": "manage_access", **dict.fromkeys(ASSIGNING, "assign")}


# A world as plain dicts


def shop_of(world: Any, settings: Any) -> Plain:
    """A world and its settings without a single class of the package."""
    return {
        "now": NOW,
        "cardinality": settings.cardinality,
        "at_most": settings.at_most,
        "replace": settings.on_replace == "replace",
        "promote_by": [str(key) for key in settings.promote_by],
        "per_website": settings.sharing == "per_website",
        "unassigned": str(settings.unassigned_visibility),
        "operator": settings.operator,
        "keeps_view": settings.previous_staff == "keep_view",
        "keep_view": settings.keep_view_days * 86_400_000_000,
        "actions": sorted(settings.known_actions()),
        "restriction": restriction_of(settings.group_restriction),
        "departments": {
            d.id: {"parent": d.parent, "restriction": restriction_of(d.restriction)} for d in world.departments
        },
        "roles": {name: levels_of(levels) for name, levels in world.roles},
        "staff": {
            s.id: {
                "active": s.active,
                "deleted": s.deleted,
                "departments": sorted(s.departments),
                "websites": None if s.websites is None else sorted(s.websites),
                "restriction": restriction_of(s.restriction),
                "roles": sorted(s.roles),
            }
            for s in world.staff
        },
        "customers": {c.id: customer_of(c) for c in world.customers},
        "covers": [{name: getattr(c, name) for name in ("staff", "by", "since", "until")} for c in world.covers],
    }


def restriction_of(restriction: Any) -> Plain | None:
    """A group restriction as a dict."""
    return None if restriction is None else {"mode": str(restriction.mode), "groups": sorted(restriction.groups)}


def levels_of(levels: Any) -> Plain:
    """How far each action reaches, in words."""
    return {str(action): level.name.lower() for action, level in levels.items()}


def customer_of(customer: Any) -> Plain:
    """A customer as a dict; its version is one for its creation and one for each assignment it was loaded with.

    Whom it is shared with had it and lost it: two more for each.
    """
    return {
        "values": {name: value for name, value in customer.values.items() if value is not None},
        "sets": {name: sorted(texts) for name, texts in customer.sets.items() if texts},
        "held": [held_of(assignment) for assignment in sorted(customer.assignments, key=lambda a: a.staff)],
        "shared": dict(customer.shares),
        "version": 1 + len(customer.assignments) + 2 * len(customer.shares),
    }


def held_of(assignment: Any) -> Plain:
    """An assignment as a dict."""
    names = ("staff", "primary", "since", "role", "source")
    return {name: getattr(assignment, name) for name in names}


def record_of(shop: Plain, id: str) -> Plain:
    """A customer as the oracle on scopes wants it."""
    customer = shop["customers"][id]
    record: Plain = {}
    for declared in WORLD_FIELDS:
        if declared.many:
            record[declared.name] = customer["sets"].get(declared.name, [])
        else:
            record[declared.name] = customer["values"].get(declared.name)
    record["id"] = id
    record["staff"] = []
    for held in customer["held"]:
        who = shop["staff"][held["staff"]]
        active = who["active"] and not who["deleted"]
        one = {"id": held["staff"], "primary": held["primary"], "since": held["since"]}
        record["staff"].append({**one, "active": active, "departments": who["departments"]})
    record["shared"] = [{"id": staff, "until": until} for staff, until in customer["shared"].items()]
    return record


# Who sees what (design §5, statements B01-B23)


def may(shop: Plain, actor: Any, action: str, customer: Plain) -> bool:
    """Whether somebody may do something to one customer."""
    if action not in shop["actions"]:
        return False  # B19
    if actor.kind == "operator":
        return bool(shop["operator"])
    if actor.kind == "system":
        return action in {"view", "assign", "create"}
    who = shop["staff"].get(actor.id)
    if who is None or who["deleted"]:
        return False  # B19
    if not who["active"]:
        return False  # B13
    if not fits_website(shop, who, customer):
        return False
    if not fits_groups(shop, who, customer):
        return False
    level = level_of(shop, actor, action)
    if action == "view" and level != "none" and customer["shared"].get(actor.id, 0) > shop["now"]:
        return True  # rows 41, 91, 105
    return reached(shop, actor.id, level, action, customer)


def covered(shop: Plain, me: str, colleague: str, action: str) -> bool:
    """Whether somebody stands in for a colleague now, who may do this to own customers itself (H14)."""
    for cover in shop["covers"]:
        if cover["by"] == me and cover["staff"] == colleague and cover["since"] <= shop["now"] < cover["until"]:
            return best_of(shop, colleague, action) != "none"
    return False


def reached(shop: Plain, me: str, level: str, action: str, customer: Plain) -> bool:
    """Whether a level reaches a customer, restrictions aside."""
    if level == "none":
        return False  # B04, B23
    if level == "all":
        return True  # B03
    if not customer["held"]:
        return unassigned_reached(shop, level, action)
    for held in customer["held"]:
        if held["staff"] == me:
            return True  # B01
        if covered(shop, me, held["staff"], action):
            return True  # H14
        if level == "department" and works_in(shop, held["staff"], shop["staff"][me]["departments"]):
            return True  # B02, B14
        if level == "department_tree" and works_in(shop, held["staff"], tree_of(shop, me)):
            return True  # B15
    return False


def unassigned_reached(shop: Plain, level: str, action: str) -> bool:
    """B18, for levels below all."""
    if shop["unassigned"] == "none":
        return False
    if shop["unassigned"] == "department":
        return level in {"department", "department_tree"}
    if shop["unassigned"] == "all":
        return True
    return action == "claim"


def level_of(shop: Plain, actor: Any, action: str) -> str:
    """How far a right of the asker reaches."""
    return best_of(shop, actor.id, action)


def best_of(shop: Plain, staff: str, action: str) -> str:
    """The best level of all roles (B16)."""
    best = 0
    for role in shop["staff"][staff]["roles"]:
        best = max(best, LEVELS.index(shop["roles"].get(role, {}).get(action, "none")))
    return LEVELS[best]


def fits_website(shop: Plain, who: Plain, customer: Plain) -> bool:
    """B12, I19: a customer of no website is hidden as soon as websites are kept apart."""
    if not shop["per_website"] or who["websites"] is None:
        return True
    website = customer["values"].get("website")
    return website is not None and website in who["websites"]


def fits_groups(shop: Plain, who: Plain, customer: Plain) -> bool:
    """B08-B11: the shop's restriction, those of the departments and above, and the staff's own."""
    found = [shop["restriction"], who["restriction"]]
    for department in who["departments"]:
        found += [shop["departments"][unit]["restriction"] for unit in above(shop, department)]
    for restriction in found:
        if restriction is None:
            continue
        groups = customer["sets"].get("groups", [])
        if len(groups) == 0:
            return False
        listed = [group for group in groups if group in restriction["groups"]]
        if restriction["mode"] == "allow" and len(listed) == 0:
            return False
        if restriction["mode"] == "deny" and len(listed) > 0:
            return False
    return True


def above(shop: Plain, department: str | None) -> list[str]:
    """A department and all above it."""
    found: list[str] = []
    while department is not None and department not in found:
        found.append(department)
        department = shop["departments"][department]["parent"]
    return found


def tree_of(shop: Plain, staff: str) -> list[str]:
    """The departments of a staff and all below them."""
    mine = shop["staff"][staff]["departments"]
    return [unit for unit in shop["departments"] if any(one in mine for one in above(shop, unit))]


def works_in(shop: Plain, staff: str, departments: list[str]) -> bool:
    """Whether somebody works in one of these departments, active or not."""
    return any(unit in departments for unit in shop["staff"][staff]["departments"])


def seen(shop: Plain, actor: Any, action: str) -> set[str]:
    """All ids somebody may do something to."""
    return {id for id, customer in shop["customers"].items() if may(shop, actor, action, customer)}


def in_order(shop: Plain, ids: Any, field: str, descending: bool) -> list[str]:
    """Ids by a field, missing ones last in either direction, equal ones by id."""

    def value(id: str) -> Any:
        found = id if field == "id" else shop["customers"][id]["values"].get(field)
        if isinstance(found, str) and WORLD_FIELDS[field].fold == "ascii":
            return "".join(chr(ord(letter) + 32) if "A" <= letter <= "Z" else letter for letter in found)
        return found

    by_id = sorted(ids)
    present = sorted((id for id in by_id if value(id) is not None), key=value, reverse=descending)
    return [*present, *(id for id in by_id if value(id) is None)]


# What a command about assignments does (blocks A and F)


def refusals(shop: Plain, actor: Any, command: Any) -> tuple[set[str], set[str]]:
    """The codes the whole command is refused with: those of the asker, and those of the staff it names."""
    right = RIGHTS[type(command).__name__]
    mine = asker_problems(shop, actor, right)
    if type(command).__name__ in {"Claim", "Release"} and actor.kind != "staff":
        mine = {"not_permitted"}
    named = getattr(command, "staff", None)
    if named is None or named == "any" or mine:
        return mine, set()
    target = shop["staff"].get(named)
    gone = target is None or target["deleted"]
    if type(command).__name__ == "Unassign":
        out = gone if actor.kind == "staff" and level_of(shop, actor, right) != "all" else False
        return mine, {"target_out_of_reach"} if out or not (gone or extends(shop, actor, right, named)) else set()
    if gone:
        return mine, {"unknown_staff"}
    theirs = set() if target["active"] else {"staff_inactive"}
    return mine, theirs | (set() if extends(shop, actor, right, named) else {"target_out_of_reach"})


def asker_problems(shop: Plain, actor: Any, right: str) -> set[str]:
    """Why somebody may not ask for this at all."""
    if actor.kind == "operator":
        return set() if shop["operator"] else {"not_permitted"}
    if actor.kind == "system":
        return set() if right in {"assign", "create"} else {"not_permitted"}
    who = shop["staff"].get(actor.id)
    if who is None or who["deleted"]:
        return {"unknown_staff"}
    if not who["active"]:
        return {"staff_inactive"}
    return {"not_permitted"} if level_of(shop, actor, right) == "none" else set()


def by_itself(actor: Any, customer: Plain) -> set[str]:
    """Why a rule or till leaves a customer alone: it has somebody (I31), or is marked so (E12)."""
    if actor.kind != "system":
        return set()
    codes = {"already_assigned"} if customer["held"] else set()
    return codes if customer["values"].get("no_auto") is False else codes | {"no_auto"}


def extends(shop: Plain, actor: Any, right: str, staff: str) -> bool:
    """Whether a right extends to a colleague (row 90)."""
    if actor.kind != "staff" or staff == actor.id:
        return True
    level = level_of(shop, actor, right)
    if level == "department":
        return works_in(shop, staff, shop["staff"][actor.id]["departments"])
    if level == "department_tree":
        return works_in(shop, staff, tree_of(shop, actor.id))
    return level == "all"


def named_or_found(shop: Plain, actor: Any, command: Any) -> list[str]:
    """The customers a plan lists: each one named, or those selected and visible; in id order."""
    selection = command.customers
    kind = type(selection).__name__
    if kind == "One":
        return [selection.id]
    if kind == "Ids":
        return sorted(selection.ids)
    found = [id for id in shop["customers"] if surely(selection.scope, record_of(shop, id), WORLD_FIELDS)]
    return sorted(id for id in found if known_to(shop, actor, command, shop["customers"][id]))


def known_to(shop: Plain, actor: Any, command: Any, customer: Plain) -> bool:
    """Whether the asker may know of a customer: it may view it, or do to it what it asks for."""
    right = RIGHTS[type(command).__name__]
    return may(shop, actor, "view", customer) or may(shop, actor, right, customer)


def row(shop: Plain, actor: Any, command: Any, id: str, at: int) -> Plain:
    """What the command would do to one customer, or every code it is refused with."""
    customer = shop["customers"].get(id)
    if customer is None or not known_to(shop, actor, command, customer):
        return refused(id, 0, {"not_found"})
    codes = failing(shop, actor, command, customer)
    if command.expected_version is not None and command.expected_version != customer["version"]:
        codes.add("version_conflict")
    if codes:
        return refused(id, customer["version"], codes)
    before = customer["held"]
    after = afterwards(shop, actor, command, before, at)
    had, has = [one["staff"] for one in before], [one["staff"] for one in after]
    added = [staff for staff in has if staff not in had]
    removed = [staff for staff in had if staff not in has]
    moved = bool(added or removed or primary_of(before) != primary_of(after))
    return {
        "customer": id,
        "fate": "changed" if moved else "unchanged",
        "version": customer["version"],
        "codes": set(),
        "before": primary_of(before),
        "after": primary_of(after),
        "added": added[0] if added else None,
        "removed": [one for one in before if one["staff"] in removed],
        "held": after,
    }


def follow(shop: Plain, row: Plain) -> None:
    """Let what a row says become true."""
    if row["fate"] == "changed":
        customer = shop["customers"][row["customer"]]
        customer["held"] = row["held"]
        customer["shared"].pop(row["added"], None)
        customer["version"] += 1


def refused(id: str, version: int, codes: set[str]) -> Plain:
    """The row of a customer nothing happens to."""
    nothing = {"before": None, "after": None, "added": None, "removed": [], "held": None}
    return {"customer": id, "fate": "refused", "version": version, "codes": codes, **nothing}


def failing(shop: Plain, actor: Any, command: Any, customer: Plain) -> set[str]:
    """Every reason against one customer at once."""
    kind = type(command).__name__
    if kind == "Claim":
        return failing_claim(shop, actor, customer)
    codes = set()
    if not may(shop, actor, RIGHTS[kind], customer):
        codes.add("not_permitted")
    if kind == "Release" and all(one["staff"] != actor.id for one in customer["held"]):
        codes.add("not_assigned")
    if kind in {"Assign", "SetPrimary"}:
        target = shop["staff"][command.staff]
        if not fits_website(shop, target, customer):
            codes.add("website_mismatch")
        if not fits_groups(shop, target, customer):
            codes.add("group_restricted")
        codes |= crowded(shop, command, customer["held"])
    if any(not extends(shop, actor, "assign", one["staff"]) for one in losers(shop, command, customer["held"])):
        codes.add("holder_out_of_reach")
    return codes | by_itself(actor, customer)


def failing_claim(shop: Plain, actor: Any, customer: Plain) -> set[str]:
    """F01, F02: unassigned customers the right to claim reaches, inside one's own restrictions."""
    codes = set()
    who = shop["staff"][actor.id]
    if not customer["held"] and not reached(shop, actor.id, level_of(shop, actor, "claim"), "claim", customer):
        codes.add("not_permitted")
    if not fits_website(shop, who, customer):
        codes.add("website_mismatch")
    if not fits_groups(shop, who, customer):
        codes.add("group_restricted")
    if customer["held"] and all(one["staff"] != actor.id for one in customer["held"]):
        codes.add("already_assigned")
    return codes


def crowded(shop: Plain, command: Any, held: list[Plain]) -> set[str]:
    """Whether somebody would be added where there is no room (A09, K1)."""
    if any(one["staff"] == command.staff for one in held):
        return set()
    adding = type(command).__name__ == "Assign" and command.mode == "add"
    if shop["cardinality"] == "single":
        return {"single_owner"} if adding and held else set()
    if shop["cardinality"] == "multi" or (type(command).__name__ == "Assign" and not adding):
        return set()
    former = 1 if replaces(shop, command) and primary_of(held) is not None else 0
    return {"too_many_staff"} if len(held) - former + 1 > shop["at_most"] else set()


def losers(shop: Plain, command: Any, held: list[Plain]) -> list[Plain]:
    """Whose assignment, or whose standing for the customer, a command could end; who must be in reach (row 90)."""
    kind = type(command).__name__
    if kind == "Assign":
        return held if command.mode == "set" else []
    if kind == "Unassign":
        return held if command.staff == "any" else []
    if kind in {"SetPrimary", "ClearPrimary"}:
        return held if shop["cardinality"] == "single" else [one for one in held if one["primary"]]
    return []


def replaces(shop: Plain, command: Any) -> bool:
    """Whether a former primary goes (K5)."""
    if type(command).__name__ != "SetPrimary":
        return False
    return bool(shop["replace"] if command.replace is None else command.replace)


def primary_of(held: list[Plain]) -> str | None:
    """Who stands for the customer."""
    for one in held:
        if one["primary"]:
            return str(one["staff"])
    return None


def afterwards(shop: Plain, actor: Any, command: Any, held: list[Plain], at: int) -> list[Plain]:
    """The assignments after a command, by staff."""
    kind = type(command).__name__
    single = shop["cardinality"] == "single"
    if kind == "Assign" and command.mode == "set":
        return standing(joined([], held, command.staff, at, command.role, command.source), command.staff)
    if kind == "Assign":
        first = command.staff if not held else primary_of(held)
        return standing(joined(held, held, command.staff, at, command.role, command.source), first)
    if kind == "SetPrimary":
        kept = [] if single else [one for one in held if not (replaces(shop, command) and one["primary"])]
        return standing(joined(kept, held, command.staff, at, "", command.source), command.staff)
    if kind == "Claim":
        return held or standing(joined([], [], actor.id, at, "", "claim"), actor.id)
    if kind == "ClearPrimary":
        return [] if single else standing(held, None)
    if kind == "DeleteCustomer" or getattr(command, "staff", None) == "any":
        return []
    if kind == "ChangeCustomer":
        return held
    leaver = actor.id if kind == "Release" else command.staff
    kept = [one for one in held if one["staff"] != leaver]
    if primary_of(held) != leaver:
        return kept
    return standing(kept, promoted(shop, kept))  # A06


def joined(kept: list[Plain], held: list[Plain], staff: str, at: int, role: str, source: str) -> list[Plain]:
    """``kept`` and the staff, whose assignment stays what it was where there is one already (A11)."""
    mine = [one for one in held if one["staff"] == staff]
    if not mine:
        mine = [{"staff": staff, "primary": False, "since": at, "role": role, "source": source}]
    return sorted([*(one for one in kept if one["staff"] != staff), *mine], key=lambda one: one["staff"])


def standing(held: list[Plain], primary: str | None) -> list[Plain]:
    """The same assignments with somebody else (or nobody) standing for the customer."""
    return [{**one, "primary": one["staff"] == primary} for one in held]


def promoted(shop: Plain, kept: list[Plain]) -> str | None:
    """Who follows a primary that went: nobody, unless the policy sorts the others that are active (A06)."""
    kept = [one for one in kept if shop["staff"][one["staff"]]["active"]]
    if not shop["promote_by"] or not kept:
        return None
    best = kept[0]
    for one in kept[1:]:
        for key in [*shop["promote_by"], "staff"]:
            if one[key] != best[key]:
                best = one if one[key] < best[key] else best
                break
    return str(best["staff"])
