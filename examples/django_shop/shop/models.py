"""What the shop keeps. It was there before anybody asked whose customers these are."""

from __future__ import annotations

from decimal import Decimal

from django.contrib.sites.models import Site
from django.db import models
from django.utils import timezone


class PriceGroup(models.Model):
    """What a customer pays: wholesale, retail ..."""

    code = models.SlugField(unique=True)
    name = models.CharField(max_length=100)
    discount = models.DecimalField(max_digits=4, decimal_places=2, default=Decimal(0))

    class Meta:
        """By name."""

        ordering = ("name",)

    def __str__(self) -> str:
        return self.name


class Customer(models.Model):
    """Somebody the shop sells to."""

    full_name = models.CharField(max_length=200)
    email = models.EmailField(blank=True)
    phone = models.CharField(max_length=40, blank=True)
    site = models.ForeignKey(Site, models.PROTECT, null=True, blank=True, related_name="customers")
    is_active = models.BooleanField("active", default=True)
    joined = models.DateTimeField(default=timezone.now)

    class Meta:
        """By name."""

        ordering = ("full_name", "pk")

    def __str__(self) -> str:
        return self.full_name


class Profile(models.Model):
    """What else is known of a customer."""

    customer = models.OneToOneField(Customer, models.CASCADE, related_name="profile")
    company = models.CharField(max_length=200, blank=True)
    city = models.CharField(max_length=100, blank=True)
    country = models.CharField(max_length=100, blank=True)
    groups = models.ManyToManyField(PriceGroup, blank=True, related_name="profiles")

    def __str__(self) -> str:
        return self.company or str(self.customer)


class Order(models.Model):
    """What a customer bought at one time."""

    class Status(models.TextChoices):
        """How far an order has come."""

        PLACED = "placed"
        PAID = "paid"
        SENT = "sent"

    number = models.CharField(max_length=20, unique=True)
    customer = models.ForeignKey(Customer, models.PROTECT, related_name="orders")
    placed = models.DateTimeField(default=timezone.now)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.PLACED)
    total = models.DecimalField(max_digits=12, decimal_places=2, default=Decimal(0))

    class Meta:
        """The newest first."""

        ordering = ("-placed", "-pk")

    def __str__(self) -> str:
        return f"Order {self.number}"


class OrderLine(models.Model):
    """One article of an order."""

    order = models.ForeignKey(Order, models.CASCADE, related_name="lines")
    article = models.CharField(max_length=200)
    quantity = models.PositiveIntegerField(default=1)
    price = models.DecimalField(max_digits=10, decimal_places=2)

    def __str__(self) -> str:
        return f"{self.quantity} x {self.article}"
