"""``manage.py ownership_doctor``: the verb ``ownership doctor`` on the site's own tables."""

from __future__ import annotations

from ownership_django.management.base import VerbCommand


class Command(VerbCommand):
    """The command."""

    help = "Look for what needs somebody's hand."
    verb = "doctor"
