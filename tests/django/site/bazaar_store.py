"""A store on the bazaar's tables, to which the bazaar's own writes are added.

So every contract of a store can be asked of one whose customers belong to a site.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from attrs import evolve
from bazaar import models as site
from django.apps import apps
from django.contrib.sites.models import Site
from django.db.models import QuerySet

from ownership_core.fields import Fields
from ownership_core.model import CustomerId, Value
from ownership_core.ports import Capabilities, NewRow, Run
from ownership_django import conf
from ownership_django.models import Cardinality, Department, rows_of
from ownership_django.store import DjangoStore
from ownership_django.store.errors import answering
from ownership_django.store.writer import DjangoWriter

COLUMNS = {
    "kind": "sort",
    "name": "full_name",
    "email": "email",
    "phone": "phone",
    "active": "enabled",
    "created_at": "since",
    "score": "score",
    "vip": "is_vip",
}
PROFILE = {"parent": "head", "region": "region", "last_seen": "last_seen"}
PLACES = {"cities": "city", "states": "state", "zips": "zip", "countries": "country"}
ADDRESSES = {"": site.Address, "billing_": site.BillingAddress, "shipping_": site.ShippingAddress}


def _only(names: Mapping[str, str], values: Mapping[str, Any]) -> dict[str, Any]:
    return {column: values[name] for name, column in names.items() if name in values}


@answering
class BazaarWriter(DjangoWriter):
    """A transaction in which the bazaar writes its rows, and we write ours."""

    def create_customers(self, run: Run, rows: Sequence[NewRow], cardinality: str | None = None) -> None:
        for row in rows:
            customer = site.Customer(
                pk=row.id, email_key=row.email_key, **{"enabled": None, **_only(COLUMNS, row.values)}
            )
            customer.save(force_insert=True)
            self._facts(row.id, row.values, row.sets)
        super().create_customers(run, rows, cardinality)

    def change_customer(
        self,
        customer: CustomerId,
        values: Mapping[str, Value | None],
        sets: Mapping[str, frozenset[str]],
        email_key: str | None,
    ) -> None:
        mine = site.Customer.objects.filter(pk=customer)
        if mine.exists():
            key = {"email_key": email_key} if "email" in values else {}
            changed = {**_only(COLUMNS, values), **key}
            mine.update(**changed or {"id": customer})
            self._facts(customer, values, sets)
        super().change_customer(customer, values, sets, email_key)

    def _facts(self, id: str, values: Mapping[str, Any], sets: Mapping[str, frozenset[str]]) -> None:
        if "website" in values:
            site.Customer.objects.filter(pk=id).update(site=_site(values["website"]))
        profile = _only(PROFILE, values)
        if profile or "groups" in sets:
            site.Profile.objects.update_or_create(customer_id=id, defaults=profile)
        for name, texts in sets.items():
            self._set(id, name, sorted(texts))

    def _set(self, id: str, name: str, texts: Sequence[str]) -> None:
        match name:
            case "groups":
                groups = site.Group.objects.bulk_create([site.Group(code=text) for text in texts])
                site.Profile.objects.get(customer_id=id).groups.set(groups)
            case "tags":
                tags = site.Tag.objects.bulk_create([site.Tag(name=text) for text in texts])
                site.Customer.objects.get(pk=id).tags.set(tags)
            case "aliases":
                _replace(site.Nickname, id, "text", texts)
            case "external_ids":
                _replace(site.Reference, id, "code", texts)
            case _:
                prefix, _, place = name.rpartition("_")
                model = ADDRESSES[f"{prefix}_" if prefix else ""]
                column = PLACES[place]
                model.objects.filter(customer_id=id, **{f"{column}__isnull": False}).delete()
                model.objects.bulk_create([model(customer_id=id, **{column: text}) for text in texts])

    def delete_customers(self, run: str) -> None:
        gone = [row.customer for row in self.plan_rows(run) if row.fate == "changed"]
        super().delete_customers(run)
        for model in sorted(apps.get_app_config("bazaar").get_models(include_auto_created=True), key=_last_first):
            path = "pk" if model is site.Customer else _way_to_customer(model)
            if path:  # not through the collector, which would tell of it once more
                doomed = QuerySet(model).filter(**{f"{path}__in": gone}).values("pk")
                QuerySet(model).filter(pk__in=list(doomed.values_list("pk", flat=True)))._raw_delete("default")

    def taken(self, ids: Sequence[CustomerId], email_keys: Sequence[str]) -> tuple[frozenset[str], frozenset[str]]:
        known = [(str(id), key) for id, key in site.Customer.objects.values_list("pk", "email_key")]
        return frozenset(id for id, _ in known if id in ids), frozenset(key for _, key in known if key in email_keys)


def _way_to_customer(model: Any) -> str | None:
    for field in model._meta.concrete_fields:
        if field.is_relation and field.related_model in (site.Customer, site.Profile):
            return field.name if field.related_model is site.Customer else f"{field.name}__customer"
    return None


def _replace(model: Any, id: str, column: str, texts: Sequence[str]) -> None:
    model.objects.filter(customer_id=id).delete()
    model.objects.bulk_create([model(customer_id=id, **{column: text}) for text in texts])


def _site(domain: str | None) -> Site | None:
    if domain is None:
        return None
    alike = [one for one in Site.objects.filter(domain=domain) if one.domain == domain]
    return alike[0] if alike else Site.objects.create(domain=domain, name=domain[:50])


class BazaarStore(DjangoStore):
    """The store of the app, with the bazaar's writes."""

    writes = BazaarWriter

    @property
    def capabilities(self) -> Capabilities:
        """The bazaar is written too, so commands about its customers' own fields may come."""
        return evolve(super().capabilities, writes_customers=True)

    def close(self) -> None:
        """There is nothing to close."""

    def customer_rows(self) -> list[str]:
        """The bazaar's own rows as they are."""
        return [
            f"{model.__name__} {row}"
            for model in apps.get_app_config("bazaar").get_models(include_auto_created=True)
            for row in QuerySet(model).order_by("pk").values_list()
        ]

    def digest(self) -> str:
        """The bazaar's rows count too: here they are written with ours."""
        return super().digest() + sha256("\n".join(self.customer_rows()).encode()).hexdigest()


def empty(cardinality: str) -> None:
    """Delete every row of the bazaar and of ours, and record ``cardinality``."""
    rows_of(Department, "default").update(parent=None)
    for label in ("ownership", "bazaar"):
        models = [*apps.get_app_config(label).get_models(include_auto_created=True)]
        for model in sorted(models, key=_last_first):
            if model is not Cardinality:
                rows = rows_of(model, "default")
                rows._raw_delete("default")
    Site.objects.exclude(pk=1)._raw_delete("default")
    rows_of(Cardinality, "default").update(name=cardinality)


def _last_first(model: Any) -> int:
    """Rows that refer to others go before these: the deeper, the earlier."""
    return -_depth(model)


def _depth(model: Any) -> int:
    referred = [
        field.related_model
        for field in model._meta.concrete_fields
        if field.is_relation and field.related_model is not model and field.related_model._meta.label != "auth.User"
    ]
    return 1 + max(map(_depth, referred), default=0)


def bazaar_store(_folder: Path, fields: Fields | None = None, cardinality: str = "single") -> BazaarStore:
    """An empty store, whatever was there before."""
    assert fields is None or fields == conf.fields()
    empty(cardinality)
    return BazaarStore()
