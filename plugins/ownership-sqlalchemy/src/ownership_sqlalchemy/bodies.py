"""How the body of a customer's event is kept.

As a list: its version, what, the primary before and after, who came, who went, and which fields; of each assignment
its staff, whether it is the primary's, since when, role and source. With the names of all that, a history is nearly
twice as long, and it is the longest table. Those whom a plan row lists are kept in its form, and bodies of earlier
revisions have all their names.
"""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import ColumnElement

from ownership_core.model import Json
from ownership_core.rows import dumped
from ownership_sqlalchemy.dialects import JsonRow, as_text, bit

Column = ColumnElement[Any]
_NAMES = ("v", "what", "primary", "added", "removed", "fields")
_SIDES = ("added", "removed")


def kept_body(body: Json) -> str:
    """A body as it is kept.

    >>> li = {"staff": "li", "primary": True, "since": 5, "role": "", "source": "manual"}
    >>> kept_body({"v": 1, "what": "assign", "primary": [None, "li"], "added": [li], "removed": [], "fields": []})
    '[1,"assign",[null,"li"],[["li",1,5,"","manual"]],[],[]]'
    """
    return dumped([[*map(kept_line, body[name])] if name in _SIDES else body[name] for name in _NAMES])


def read_body(text: str) -> Json:
    """The body of :func:`kept_body`, or one with all its names.

    >>> read_body('[1,"assign",[null,"li"],[["li",1,5,"","manual"]],[],[]]')["added"]
    [{'staff': 'li', 'primary': True, 'since': 5, 'role': '', 'source': 'manual'}]
    """
    kept: Any = json.loads(text)
    if isinstance(kept, dict):
        return kept
    body: Json = dict(zip(_NAMES, kept, strict=True))
    return body | {side: [*map(_read_line, body[side])] for side in _SIDES}


def kept_line(line: Json) -> list[Any]:
    """An assignment as a body keeps it."""
    return [line["staff"], int(line["primary"]), line["since"], line["role"], line["source"]]


def kept_line_of(staff: Column, primary: ColumnElement[bool], since: Column, role: Column, source: Column) -> Column:
    """The same in a statement."""
    return JsonRow(as_text(staff), bit(primary, 1, 0), since, role, source)


def _read_line(kept: Any) -> Json:
    if isinstance(kept, dict):
        return kept
    staff, primary, since, role, source = kept
    return {"staff": staff, "primary": bool(primary), "since": since, "role": role, "source": source}
