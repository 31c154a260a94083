"""``manage.py ownership_undo``: the verb ``ownership undo`` on the site's own tables."""

from __future__ import annotations

from ownership_django.management.base import VerbCommand


class Command(VerbCommand):
    """The command."""

    help = "Take a run back, except what was changed since."
    verb = "undo"
