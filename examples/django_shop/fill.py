"""Puts people into the shop's own tables, as any shop would come to them."""

from __future__ import annotations

from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group, Permission, User
from django.contrib.sites.models import Site
from people import People
from people.nouns import Seller
from shop.models import Customer, Order, OrderLine, PriceGroup, Profile

PASSWORD = "shop"  # noqa: S105 - of an example
GROUPS = {"wholesale": "Wholesale", "retail": "Retail", "newsletter": "Newsletter"}


def fill(people: People) -> dict[str, str]:
    """Make the rows, and tell which customer each buyer became."""
    sites = _sites(people)
    groups = {
        code: PriceGroup.objects.get_or_create(code=code, defaults={"name": name})[0] for code, name in GROUPS.items()
    }
    _users(people.sellers)
    customers = {}
    for buyer in people.buyers:
        customer = Customer.objects.create(
            full_name=buyer.name, email=buyer.email, phone=buyer.phone, site=sites[buyer.site]
        )
        profile = Profile.objects.create(
            customer=customer, company=buyer.company, city=buyer.city, country=buyer.country
        )
        profile.groups.set([groups[code] for code in buyer.groups])
        customers[buyer.number] = customer
    orders = Order.objects.bulk_create(
        Order(
            number=sale.number,
            customer=customers[sale.buyer],
            placed=sale.moment,
            status=Order.Status.SENT,
            total=sale.total,
        )
        for sale in people.sales
    )
    OrderLine.objects.bulk_create(OrderLine(order=order, article="Goods", price=order.total) for order in orders)
    return {number: str(customer.pk) for number, customer in customers.items()}


def _sites(people: People) -> dict[str, Site]:
    names = sorted({buyer.site for buyer in people.buyers})
    Site.objects.filter(domain="example.com").update(domain=names[0], name=names[0])
    return {name: Site.objects.get_or_create(domain=name, defaults={"name": name})[0] for name in names}


def _users(sellers: list[Seller]) -> None:
    """Staff that may enter the back office, and one superuser called root."""
    sales, _ = Group.objects.get_or_create(name="Sales")
    sales.permissions.set(Permission.objects.filter(content_type__app_label="shop"))
    password = make_password(PASSWORD)
    User.objects.create(username="root", password=password, is_staff=True, is_superuser=True)
    for seller in sellers:
        user = User.objects.create(
            username=seller.login, password=password, first_name=seller.first, last_name=seller.last, is_staff=True
        )
        user.groups.add(sales)
