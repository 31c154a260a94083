"""What a host's admin gains: a mixin for customers and what follows them, and one for users.

``class CustomerAdmin(OwnershipAdmin, ModelAdmin): ...``, ``class StaffAdmin(StaffOwnershipAdmin, UserAdmin): ...``
"""

from ownership_django.admin.mixin import OwnershipAdmin
from ownership_django.admin.staff import StaffOwnershipAdmin

__all__ = ["OwnershipAdmin", "StaffOwnershipAdmin"]
