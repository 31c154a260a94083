"""``manage.py ownership_assign``: the verb ``ownership assign`` on the site's own tables."""

from __future__ import annotations

from ownership_django.management.base import VerbCommand


class Command(VerbCommand):
    """The command."""

    help = "Assign customers to a staff."
    verb = "assign"
