"""Who stands in for whom in a plain shop, written from the sentences (H14, H15).

A cover is a dict with a half-open window. Its name is the run that made it, which nobody knows beforehand: until then
an object of its own stands for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from . import naive
from .model_people import record, refuse
from .naive import Plain

WHO = ("staff", "by", "since", "until")


def arrange(shop: Plain, actor: Any, command: Any, by: Plain) -> tuple[bool, int]:
    """Somebody stands in for a colleague; both are in reach, and whoever stands in works."""
    mine = naive.asker_problems(shop, actor, "assign")
    codes = set() if mine else {code for one in (command.staff, command.by) for code in named(shop, actor, one)}
    stands_in = shop["staff"].get(command.by)
    if stands_in is not None and not stands_in["active"] and not stands_in["deleted"]:
        codes.add("staff_inactive")
    if command.staff == command.by:
        codes.add("cover_self")
    if command.since >= command.until:
        codes.add("empty_window")
    wanted = {name: getattr(command, name) for name in WHO}
    same = [one for one in shop["covers"] if {name: one[name] for name in WHO} == wanted]
    if not same and any(is_chain(wanted, one) for one in shop["covers"]):
        codes.add("cover_chain")
    refuse(mine, codes)
    if same:
        return False, int(same[0]["version"])
    shop["covers"].append({"id": object(), **wanted, "version": 0})
    return True, told(shop, shop["covers"][-1], "created", by)


def end(shop: Plain, actor: Any, command: Any, by: Plain) -> tuple[bool, int]:
    """It ends now, or never begins; what is over stays as it is."""
    mine = naive.asker_problems(shop, actor, "assign")
    cover = next((one for one in shop["covers"] if one["id"] == command.cover), None)
    refuse(mine, set() if cover is not None else {"unknown_cover"})
    assert cover is not None
    both = [who for who in (cover["staff"], cover["by"]) if not naive.extends(shop, actor, "assign", who)]
    refuse(mine, {"target_out_of_reach"} if both else set())
    if not ends(cover, by["at"]):
        return False, int(cover["version"])
    return True, told(shop, cover, "ended", by)


def leave(shop: Plain, staff: str, by: Plain) -> bool:
    """D07: whoever leaves stands in for nobody, and nobody for him; whether there was any such cover."""
    over = [one for one in shop["covers"] if staff in {one["staff"], one["by"]} and ends(one, by["at"])]
    for one in over:
        told(shop, one, "ended", by)
    return bool(over)


def ends(cover: Plain, at: int) -> bool:
    """Let a cover end now, or have no time at all if it has yet to begin; whether that changes it."""
    until = max(cover["since"], at)
    if until >= cover["until"]:
        return False
    cover["until"] = until
    return True


def named(shop: Plain, actor: Any, staff: str) -> Iterator[str]:
    """What is wrong with somebody a cover names."""
    who = shop["staff"].get(staff)
    if who is None or who["deleted"]:
        yield "unknown_staff"
    elif not naive.extends(shop, actor, "assign", staff):
        yield "target_out_of_reach"


def is_chain(one: Plain, other: Plain) -> bool:
    """H15: at a time they have in common, who stands in for somebody is stood in for himself."""
    both = max(one["since"], other["since"]) < min(one["until"], other["until"])
    return both and (one["by"] == other["staff"] or one["staff"] == other["by"])


def told(shop: Plain, cover: Plain, what: str, by: Plain) -> int:
    """The next version of a cover, with its event."""
    cover["version"] += 1
    record(shop, "cover", cover["id"], cover["version"], by, {"what": what, **{name: cover[name] for name in WHO}})
    return int(cover["version"])


def made_by(shop: Plain, events: list[Plain], run: str) -> None:
    """A cover these events made is called by its run from now on."""
    made = [event["subject"] for event in events if event["kind"] == "cover" and event["body"]["what"] == "created"]
    for pending in made:
        for one in (*shop["covers"], *shop["events"]):
            name = "subject" if "subject" in one else "id"
            one[name] = run if one[name] is pending else one[name]


def turns(shop: Plain, after: int) -> list[int]:
    """The moments after this one at which time alone changes who sees what: a cover or a share begins or ends."""
    moments = [one[name] for one in shop["covers"] for name in ("since", "until")]
    moments += [end for customer in shop["customers"].values() for end in customer["shared"].values()]
    return sorted(moment for moment in moments if moment > after)
