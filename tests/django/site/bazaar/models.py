"""The bazaar's customers, shaped by nobody we know: a profile with groups, a website, addresses, tags."""

from __future__ import annotations

from django.conf import settings
from django.contrib.sites.models import Site
from django.db import models

from bazaar.keys import EXACTLY, key_field


class Customer(models.Model):
    """Somebody the bazaar sells to."""

    id = key_field()
    sort = models.CharField(max_length=64, null=True)
    full_name = models.CharField(max_length=500, null=True)
    email = models.CharField(max_length=500, null=True)
    email_key = models.CharField(max_length=191, null=True, unique=True, db_collation=EXACTLY)
    phone = models.CharField(max_length=500, null=True)
    enabled = models.BooleanField(null=True, default=True)
    since = models.BigIntegerField(null=True)  # microseconds: worlds hold moments that no calendar has
    score = models.BigIntegerField(null=True)
    is_vip = models.BooleanField(null=True)
    site = models.ForeignKey(Site, models.PROTECT, null=True, related_name="customers")
    invited_by = models.ForeignKey("self", models.SET_NULL, null=True, related_name="invited")

    def __str__(self) -> str:
        return self.full_name or str(self.pk)


class Group(models.Model):
    """A permission segment."""

    code = models.CharField(max_length=500)

    def __str__(self) -> str:
        return self.code


class Profile(models.Model):
    """What is known of some customers only."""

    customer = models.OneToOneField(Customer, models.CASCADE, related_name="profile")
    head = models.CharField(max_length=191, null=True)
    region = models.CharField(max_length=500, null=True)
    last_seen = models.BigIntegerField(null=True)
    groups = models.ManyToManyField(Group, related_name="profiles")


class _Address(models.Model):
    city = models.CharField(max_length=500, null=True)
    state = models.CharField(max_length=500, null=True)
    zip = models.CharField(max_length=500, null=True)
    country = models.CharField(max_length=500, null=True)

    class Meta:
        abstract = True


class Address(_Address):
    """Where a customer is."""

    customer = models.ForeignKey(Customer, models.CASCADE, related_name="addresses")


class BillingAddress(_Address):
    """Where bills go."""

    customer = models.ForeignKey(Customer, models.CASCADE, related_name="billing_addresses")


class ShippingAddress(_Address):
    """Where goods go."""

    customer = models.ForeignKey(Customer, models.CASCADE, related_name="shipping_addresses")


class Tag(models.Model):
    """A word stuck on customers."""

    name = models.CharField(max_length=500)
    customers = models.ManyToManyField(Customer, related_name="tags")


class Nickname(models.Model):
    """Another name."""

    customer = models.ForeignKey(Customer, models.CASCADE, related_name="nicknames")
    text = models.CharField(max_length=500)


class Reference(models.Model):
    """What another system calls a customer."""

    customer = models.ForeignKey(Customer, models.CASCADE, related_name="references")
    code = models.CharField(max_length=500)


class Order(models.Model):
    """Something sold; it protects nobody from deletion."""

    customer = models.ForeignKey(Customer, models.CASCADE, related_name="orders")
    number = models.CharField(max_length=20)


class Note(models.Model):
    """A note by a user of the site."""

    customer = models.ForeignKey(Customer, models.CASCADE, related_name="notes")
    author = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="notes")
    text = models.TextField()


class Card(models.Model):
    """What a customer filled in: columns of every sort, some of which keep what is missing as the empty text."""

    customer = models.OneToOneField(Customer, models.CASCADE, related_name="card")
    nickname = models.CharField(max_length=50, blank=True, default="")
    born = models.DateField(null=True)
    joined = models.DateTimeField(null=True)
    number = models.IntegerField(null=True)
    token = models.UUIDField(null=True)
    vip = models.BooleanField(null=True)
