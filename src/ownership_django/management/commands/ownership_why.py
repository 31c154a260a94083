"""``manage.py ownership_why``: the verb ``ownership why`` on the site's own tables."""

from __future__ import annotations

from ownership_django.management.base import VerbCommand


class Command(VerbCommand):
    """The command."""

    help = "Say why a staff may or may not do something to a customer."
    verb = "why"
