"""Models whose key is not their own, or whose managers do not answer."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

from django.conf import settings
from django.db import models


class Segment(models.Model):
    """A customer group."""

    code = models.SlugField(unique=True)

    def __str__(self) -> str:
        return self.code


class Person(models.Model):
    """The parent of a customer."""

    uid = models.UUIDField(primary_key=True, default=uuid.uuid4)
    name = models.CharField(max_length=50)
    segments = models.ManyToManyField(Segment)

    def __str__(self) -> str:
        return self.name


class Client(Person):
    """A child: its key is a relation to its parent, whose fields are its own."""

    vat = models.CharField(max_length=20, blank=True, default="")


class Account(models.Model):
    """A row beside a user, with whose key it is known; its segment is known by a text."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.CASCADE, primary_key=True)
    segment = models.ForeignKey(Segment, models.SET_NULL, null=True, to_field="code")

    def __str__(self) -> str:
        return str(self.pk)


class Closed(models.Manager[Any]):
    """A manager that answers inside a tenant only."""

    def get_queryset(self) -> models.QuerySet[Any]:
        """Never, here."""
        raise RuntimeError("outside of a tenant")


class Tenant(models.Model):
    """A row that its own managers, the base manager included, do not give away."""

    code = models.CharField(max_length=20, primary_key=True)
    segment = models.ForeignKey(Segment, models.SET_NULL, null=True)

    objects: ClassVar[Closed] = Closed()

    class Meta:
        """Also behind its relations."""

        base_manager_name = "objects"

    def __str__(self) -> str:
        return self.code
