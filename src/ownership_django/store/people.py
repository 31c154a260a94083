"""Writing staff, departments and roles. Whatever changes access raises the access versions it concerns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.core.exceptions import FieldDoesNotExist
from django.db.models import F, Model, QuerySet

from ownership_core.events import Event
from ownership_core.model import CoverRow, Department, GroupRestriction, Level, Staff
from ownership_core.reasons import Reason, overtaken
from ownership_core.rows import event_columns, rule_columns
from ownership_core.rules import Rule
from ownership_django import hosts
from ownership_django import models as tables
from ownership_django.store.errors import answering, refused
from ownership_django.store.reader import DjangoReader
from ownership_django.store.words import staff_listed


@answering
class PeopleWriter(DjangoReader):
    """The part of a transaction that changes who works here and what they may do."""

    def save_staff(self, staff: Staff, event: Event) -> None:
        """Insert or replace a staff and all that hangs on it; its version is that of its event.

        Its user is whoever of the host's logs in as it does.
        """
        key = staff.id
        fresh = {
            "label": staff.label,
            "login": staff.login,
            "active": staff.active,
            "deleted": staff.deleted,
            "website_restricted": staff.websites is not None,
            "group_mode": _mode(staff.restriction),
            "version": event.version,
            **self._user_of(staff),
        }
        self._put(tables.Staff, {"key": key}, fresh)
        hangs: tuple[tuple[type[Model], str, Iterable[str]], ...] = (
            (tables.StaffDepartment, "department_id", staff.departments),
            (tables.StaffWebsite, "website", staff.websites or ()),
            (tables.StaffRole, "role_id", staff.roles),
            (tables.StaffGroup, "customer_group", _groups(staff.restriction)),
        )
        for model, column, values in hangs:
            self._hang(model, {"staff_id": key}, column, values)
        self._raise_access_of([key])
        self._record(event)

    def _user_of(self, staff: Staff) -> dict[str, Any]:
        """The host's user that a login names; where the host's staff has no logins, the link is the host's affair."""
        model: Any = hosts.staff_model()
        name = getattr(model, "USERNAME_FIELD", None)
        try:
            field = model._meta.get_field(name) if name else None
        except FieldDoesNotExist:
            field = None
        if field is None:
            return {}
        if staff.login is None or staff.deleted:
            return {"user_id": None}
        found: Any = (
            QuerySet(model, using=self._using).filter(**{field.name: staff.login}).values_list("pk", field.name)
        )
        exact = [pk for pk, login in found if str(login) == staff.login]  # a loose column finds more
        self._rows(tables.Staff).filter(user_id__in=exact).exclude(key=staff.id).update(user_id=None)
        return {"user_id": exact[0] if exact else None}

    def save_department(self, department: Department, event: Event) -> None:
        """Insert or replace a department; raises the access version of every staff."""
        fresh = {
            "label": department.label,
            "parent_id": department.parent,
            "group_mode": _mode(department.restriction),
            "version": event.version,
        }
        self._put(tables.Department, {"key": department.id}, fresh)
        groups = _groups(department.restriction)
        self._hang(tables.DepartmentGroup, {"department_id": department.id}, "customer_group", groups)
        self._raise_access(self._rows(tables.Staff))
        self._record(event)

    def save_role(self, role: str, levels: Mapping[str, Level], event: Event) -> None:
        """Insert or replace a role; raises the access version of every staff that holds it or covers a holder."""
        self._put(tables.Role, {"name": role}, {"version": event.version})
        self._delete(self._rows(tables.RoleLevel).filter(role_id=role))
        self._insert(
            tables.RoleLevel,
            ({"role_id": role, "action": action, "level": int(levels[action])} for action in sorted(levels)),
        )
        self._raise_access_of(self._rows(tables.StaffRole).filter(role_id=role).values_list("staff_id", flat=True))
        self._record(event)

    def save_cover(self, cover: CoverRow, event: Event) -> None:
        """Insert or replace a cover; raises the access version of who covers."""
        self._require_staff((cover.staff, cover.by))
        fresh = {"staff_id": cover.staff, "by_id": cover.by, "since": cover.since, "until": cover.until}
        self._put(tables.Cover, {"id": cover.id}, {**fresh, "version": event.version})
        self._raise_access(self._rows(tables.Staff).filter(key=cover.by))
        self._record(event)

    def _require_staff(self, staff: Iterable[str]) -> None:
        """Foreign keys are checked when all is over; whoever asks wants to know now."""
        wanted = frozenset(staff)
        if self._rows(tables.Staff).filter(key__in=staff_listed(wanted)).count() < len(wanted):
            raise refused(Reason.REFUSED)

    def _raise_access_of(self, staff: Iterable[str]) -> None:
        """Of these, and of whoever is named to stand in for one of them."""
        covered = frozenset(staff)
        covering = self._rows(tables.Cover).filter(staff_id__in=staff_listed(covered)).values_list("by_id", flat=True)
        self._raise_access(self._rows(tables.Staff).filter(key__in=staff_listed(covered | set(covering))))

    def save_rule(self, rule: Rule, event: Event) -> None:
        """Insert or replace a rule; its version is that of its event."""
        columns = rule_columns(rule, event.version)
        self._put(tables.Rule, {"id": columns.pop("id")}, columns)
        self._record(event)

    def delete_rule(self, rule: str, event: Event) -> None:
        """Forget a rule; its events stay."""
        self._delete(self._rows(tables.Rule).filter(id=rule))
        self._record(event)

    def _raise_access(self, whose: QuerySet[Any]) -> None:
        whose.update(access_version=F("access_version") + 1)

    def _record(self, event: Event) -> None:
        with overtaken():  # a version that somebody else has given meanwhile
            self._insert(tables.Event, [event_columns(event)])

    def _hang(self, model: type[Model], owner: Mapping[str, Any], column: str, values: Iterable[str]) -> None:
        """Replace the values of a column that belong to one row."""
        self._delete(self._rows(model).filter(**owner))
        self._insert(model, ({**owner, column: value} for value in sorted(values)))

    def _put(self, model: type[Model], key: Mapping[str, Any], fresh: Mapping[str, Any]) -> None:
        """Update the row with this key, or insert it."""
        with overtaken():
            if not self._rows(model).filter(**key).update(**fresh):
                self._insert(model, [{**key, **fresh}])

    def _insert(self, model: type[Model], rows: Iterable[Mapping[str, Any]]) -> None:
        many = [model(**row) for row in rows]
        if many:
            self._rows(model).bulk_create(many)

    def _delete(self, rows: QuerySet[Any]) -> None:
        """By one statement: nothing refers to these rows, and nobody listens."""
        rows._raw_delete(self._using)  # noqa: SLF001 - the public one collects first


def _mode(restriction: GroupRestriction | None) -> str | None:
    return None if restriction is None else restriction.mode.value


def _groups(restriction: GroupRestriction | None) -> Iterable[str]:
    return () if restriction is None else restriction.groups
