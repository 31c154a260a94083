"""The command ``list``: the customers somebody may see, or may do something to."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from datetime import UTC

import click

from ownership_core.cli.options import search_option, shop_command
from ownership_core.cli.session import Session
from ownership_core.cli.voice import counted
from ownership_core.cli.where import parse_where
from ownership_core.errors import InvalidInput, Problem, invalid
from ownership_core.fields import Fields, Kind
from ownership_core.keys import from_micros
from ownership_core.model import Action, Customer, Json
from ownership_core.service.reading import Visible

COLUMNS = ("id", "name", "email", "website", "groups", "staff")
_PEOPLE = ("staff", "primary", "version")


@shop_command("list")
@click.option("--where", multiple=True, metavar="SENTENCE", help="field=value, field~text, staff=ID, unassigned ...")
@search_option("A search filter: name, email, city, tag ...")
@click.option("--action", default=str(Action.VIEW), help="Only those you may do this to (view).")
@click.option("--sort", metavar="[-]FIELD", help="Sort by this field, - in front for descending (id).")
@click.option("--limit", type=int, default=50, help="How many (50).")
@click.option("--after", metavar="CURSOR", help="Go on after an earlier page.")
@click.option("--count", is_flag=True, help="Only say how many there are.")
@click.option("--all", "everyone", is_flag=True, help="All of them, one after the other; needs the right to export.")
@click.option("--columns", help="Which columns, with commas between (id,name,email,website,groups,staff).")
def listing(
    session: Session,
    where: Sequence[str],
    search: Sequence[str],
    action: str,
    sort: str | None,
    limit: int,
    after: str | None,
    count: bool,
    everyone: bool,
    columns: str | None,
) -> None:
    """Show the customers you may see."""
    from ownership_core.cli.output import emit

    fields = session.shop.store.fields
    seen = narrowed(session, action, where, search, sort)
    if count:
        sys.stdout.write(f"{seen.count()}\n")
        return
    shown = _columns(columns, fields)
    if everyone:
        emit(session.format, shown, (row_of(customer, fields) for customer in seen.export()))
        return
    page = seen.page(limit, after)
    emit(session.format, shown, [row_of(customer, fields) for customer in page.customers])
    session.say(f"{counted(len(page.customers), 'customer')}.")
    if page.next is not None:
        session.say(f"There are more: --after {page.next}")


def narrowed(
    session: Session, action: str, where: Sequence[str], search: Sequence[str], sort: str | None = None
) -> Visible:
    """What the asker may do ``action`` to, narrowed and sorted as the options say."""
    known_action(session, action)
    seen = session.shop.visible(session.actor, action)
    if where:
        seen = seen.where(parse_where(where, session.shop.store.fields))
    if search:
        seen = seen.search(**_filters(search))
    return seen if sort is None else seen.order(sort)


def known_action(session: Session, action: str) -> None:
    """Refuse an action nobody knows (``unknown_action``): an empty list would look like an answer."""
    known = session.settings.known_actions()
    if action not in known:
        raise invalid("unknown_action", f"There is no action {action!r}.", f"Known are: {', '.join(sorted(known))}.")


def row_of(customer: Customer, fields: Fields) -> Json:
    """A customer as data: its fields by name, its staff with the primary first."""
    row: Json = {"id": customer.id}
    for field in fields:
        if field.many:
            row[field.name] = sorted(customer.sets.get(field.name, frozenset()))
        elif field.name != "id":
            value = customer.values.get(field.name)
            if field.kind is Kind.TIME and isinstance(value, int):
                value = from_micros(value).astimezone(UTC).isoformat()
            row[field.name] = value
    ordered = sorted(customer.assignments, key=lambda a: (not a.primary, a.staff))
    return {**row, "staff": [a.staff for a in ordered], "primary": customer.primary, "version": customer.version}


def _columns(text: str | None, fields: Fields) -> list[str]:
    wanted = list(COLUMNS) if text is None else [one.strip() for one in text.split(",")]
    known = [*(field.name for field in fields), *_PEOPLE]
    unknown = [one for one in wanted if one not in known]
    if unknown:
        hint = f"There are: {', '.join(known)}."
        raise InvalidInput(*(Problem("unknown_column", f"There is no column {one!r}.", hint) for one in unknown))
    return wanted


def _filters(texts: Iterable[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for text in texts:
        name, sign, value = text.partition("=")
        if not sign or name in found:
            raise invalid("invalid_search", f"{text!r} is no filter of its own.", "Use --search name=text, each once.")
        found[name] = value
    return found
