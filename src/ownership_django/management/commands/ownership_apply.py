"""``manage.py ownership_apply``: the verb ``ownership apply`` on the site's own tables."""

from __future__ import annotations

from ownership_django.management.base import VerbCommand


class Command(VerbCommand):
    """The command."""

    help = "Apply a saved plan, decided again as whoever applies it."
    verb = "apply"
