"""What ``manage.py check`` says of a site: every mistake at once, each with a stable id and what to try."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from django.apps import apps
from django.core.checks import CheckMessage, Error, Tags, Warning, register  # noqa: A004 - Django's names
from django.db import connections, router
from django.db.migrations.exceptions import CircularDependencyError, NodeNotFoundError
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations import CreateModel, RenameModel
from django.db.models import Field, ForeignObjectRel, ManyToManyField, ManyToManyRel, ManyToOneRel, Model
from django.db.models.constants import LOOKUP_SEP

from ownership_core.errors import InvalidSettings, OwnershipError, Problem
from ownership_django import conf, hosts
from ownership_django.hosts import Customers, Kept, Place

SETTINGS, MAPPING, PLUGINS = "ownership.E001", "ownership.E002", "ownership.E003"
DATABASE, DIALECT, MIGRATION = "ownership.E004", "ownership.E005", "ownership.E006"
INDEX, REVERSE, LOGIN = "ownership.W001", "ownership.W002", "ownership.W003"

RESTRICTING = ("website", "groups")
"""The fields that restrictions ask for with every list; the others are asked for by a search only."""

VENDORS = ("sqlite", "postgresql", "mysql")
OURS = "ownership"

_IDS = {"invalid_mapping": MAPPING, "plugin_failed": PLUGINS, "plugin_missing": PLUGINS}


@register(Tags.models)
def check_site(**_: Any) -> list[CheckMessage]:
    """The dict, the models and paths it names, the database it means, and what is slow or lets people by."""
    chosen, problems = conf.reading()
    found = [_error(problem) for problem in problems]
    try:
        conf.plugins().require(chosen.settings.plugins.require)
        customers, more = hosts.resolving()
    except OwnershipError as wrong:  # of plugins, without which nothing more can be said
        return [*found, *map(_error, wrong.problems)]
    found += map(_error, more)
    found += _staff(chosen.staff_model)
    if customers is not None:
        found += _database(chosen.database, customers.model)
        found += _indexes(customers)
        found += _reverse_managers(customers.model)
    return found


@register(Tags.database)
def check_migration_dependency(databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """That the customers' table is made before ours refers to it; asked when somebody migrates.

    Not before ``makemigrations``, which may be about to write the migration that is missing.
    """
    customers, _problems = hosts.resolving()
    if not databases or customers is None:
        return []
    app, name = dependency = conf.migration_dependency()
    try:
        loader = MigrationLoader(None, ignore_no_migrations=True)
        if app not in loader.migrated_apps:
            return []  # tables of an app without migrations are made before all others
        key: Any = loader.check_key(dependency, OURS) if name == conf.FIRST else dependency
        if key is None:
            what = f"The app {app!r} has no migration yet, so ours cannot come after it."
            return [_message(Error, what, f"Run `manage.py makemigrations {app}` first.", MIGRATION)]
        plan = loader.graph.forwards_plan(key)
    except (NodeNotFoundError, CircularDependencyError) as wrong:
        hint = "Give ('app_label', 'name of the migration that makes the customer table')."
        return [_message(Error, f"MIGRATION_DEPENDENCY {dependency!r} does not fit: {wrong}", hint, MIGRATION)]
    late = next((f"{label}.{migration}" for label, migration in plan if label == OURS), None)
    if late is not None:
        what = f"MIGRATION_DEPENDENCY {dependency!r} comes too late: it depends on {late}, which is to depend on it."
        return [_message(Error, what, f"Name a migration that does not depend on {OURS!r}.", MIGRATION)]
    model = customers.model._meta.concrete_model or customers.model
    if _makes(model, plan, loader):
        return []
    what = f"At {dependency!r} there is no table of {model._meta.label} yet, so ours cannot refer to it."
    hint = f"Name the migration that makes it in {conf.NAME}['MIGRATION_DEPENDENCY']."
    return [_message(Error, what, hint, MIGRATION)]


def _makes(model: type[Model], plan: list[Any], loader: MigrationLoader) -> bool:
    """Whether one of these migrations makes (or renames something to) the model's table."""
    for key in plan:
        if key[0] != model._meta.app_label:
            continue
        for operation in loader.graph.nodes[key].operations:
            for one in (operation, *getattr(operation, "state_operations", ())):
                if isinstance(one, CreateModel) and one.name_lower == model._meta.model_name:
                    return True
                if isinstance(one, RenameModel) and one.new_name_lower == model._meta.model_name:
                    return True
    return False


def _database(alias: str, model: type[Model]) -> Iterator[CheckMessage]:
    if alias not in connections:
        return  # which was said where the dict was read
    if connections[alias].vendor not in VENDORS:
        what = f"The database {alias!r} is {connections[alias].display_name}, which is not supported yet."
        yield _message(Error, what, "Use SQLite, PostgreSQL or MariaDB.", DIALECT)
    written = router.db_for_write(model)
    if written != alias:
        what = f"{model._meta.label} is written to the database {written!r}, and {conf.NAME} is kept in {alias!r}."
        hint = f"Set {conf.NAME}['DATABASE'] to {written!r}, or let DATABASE_ROUTERS keep both together."
        yield _message(Error, what, hint, DATABASE)
    for one in (model, apps.get_model(OURS, "Assignment")):
        if not router.allow_migrate_model(alias, one):
            what = f"DATABASE_ROUTERS make no table of {one._meta.label} in the database {alias!r}."
            hint = "Let them: our tables refer to those of the customers, and stand beside them."
            yield _message(Error, what, hint, DATABASE)


def _staff(label: str) -> Iterator[CheckMessage]:
    try:
        staff = hosts.find_model(label, "STAFF_MODEL") if label else None
    except InvalidSettings as wrong:
        yield from map(_error, wrong.problems)
        return
    if staff is not None and hosts.login_path() is None:
        what = f"{staff._meta.label} is linked to no user, or to several, so nobody who logs in is a staff."
        hint = "Give it one OneToOneField to the model of users, or leave STAFF_MODEL out."
        yield _message(Warning, what, hint, LOGIN)


# --- indexes


def _indexes(customers: Customers) -> Iterator[CheckMessage]:
    for name, place in customers.places.items():
        for link in _links(customers.model, place):
            if not _is_indexed(link):
                what = f"{link.model._meta.label}.{link.name} has no index, and the field {name!r} is found by it."
                yield _message(Warning, what, "Give it db_index=True.", INDEX)
        column = _column(customers.model, place)
        if name in RESTRICTING and place.kept is Kept.TEXT and not _is_indexed(column):
            what = f"{column.model._meta.label}.{column.name} has no index, and every list may ask for {name!r}."
            yield _message(Warning, what, "Give it db_index=True, or an index in Meta.indexes.", INDEX)


def _links(model: type[Model], place: Place) -> Iterator[Field[Any, Any]]:
    """The foreign keys that lead back to the customer along the path: those of the many, not of the one."""
    here: Any = model
    for step in place.path.split(LOOKUP_SEP):
        field: Any = here._meta.pk if step == "pk" else here._meta.get_field(step)
        if isinstance(field, ManyToManyField | ManyToManyRel):
            through: Any = field.through if isinstance(field, ManyToManyRel) else field.remote_field.through
            forward: Any = field.field if isinstance(field, ManyToManyRel) else field
            names = (forward.m2m_field_name(), forward.m2m_reverse_field_name())
            yield through._meta.get_field(names[isinstance(field, ManyToManyRel)])
        elif isinstance(field, ManyToOneRel):
            yield field.field
        if not hasattr(field, "path_infos"):
            return
        here = field.path_infos[-1].to_opts.model


def _column(model: type[Model], place: Place) -> Any:
    """The field at the end of the path, as its model declares it."""
    here: Any = model
    field: Any = None
    for step in place.path.split(LOOKUP_SEP):
        field = here._meta.pk if step == "pk" else here._meta.get_field(step)
        here = field.path_infos[-1].to_opts.model if hasattr(field, "path_infos") else here
    return here._meta.pk if isinstance(field, ForeignObjectRel | ManyToManyField) else field


def _is_indexed(field: Any) -> bool:
    """Whether an index of the model begins with the field."""
    options, names = field.model._meta, {field.name, field.attname}
    if field.db_index or field.unique:
        return True
    together = [list(group) for group in options.unique_together]
    indexes = [index.fields for index in options.indexes if index.condition is None]
    constraints = [one.fields for one in options.constraints if getattr(one, "fields", ()) and not one.condition]
    return any(group and group[0].lstrip("-") in names for group in (*together, *indexes, *constraints))


# --- reverse managers


def _reverse_managers(model: type[Model]) -> Iterator[CheckMessage]:
    """Whoever has ``visible_to`` on a manager expects it behind a relation too, where the default manager works."""
    if hasattr(model._default_manager, "visible_to"):  # noqa: SLF001 - documented
        return
    if not any(hasattr(manager, "visible_to") for manager in model._meta.managers):
        return
    fields: list[Any] = list(model._meta.get_fields())
    for field in fields:
        many = isinstance(field, Field) and (field.many_to_one or field.many_to_many)
        accessor = field.remote_field.get_accessor_name() if many and not field.remote_field.hidden else None
        if accessor:
            related = field.related_model._meta.label
            what = f"{related}.{accessor} gives customers of the default manager, which has no visible_to."
            hint = "Make the manager with visible_to the first one, or write visible_to(queryset, user)."
            yield _message(Warning, what, hint, REVERSE)


def _error(problem: Problem) -> CheckMessage:
    return _message(Error, problem.what, problem.hint, _IDS.get(problem.code, SETTINGS), problem.where)


def _message(kind: Callable[..., CheckMessage], what: str, hint: str, id: str, where: str = "") -> CheckMessage:
    return kind(what, hint=hint, obj=where or conf.NAME, id=id)
