"""What a staff holds and leaves behind: read before it goes (D07; rows 25, 44, 106)."""

from __future__ import annotations

from attrs import frozen

from ownership_core.distribute import named_staff
from ownership_core.hookspecs import Held
from ownership_core.model import StaffId
from ownership_core.ports import Reader
from ownership_core.service.counsel import Counsel


@frozen
class Inventory:
    """Customers it stands for and beside, rules that name it, covers not yet over, and what plugins know of."""

    staff: StaffId
    primary: int
    secondary: int
    rules: tuple[str, ...] = ()
    covers: tuple[str, ...] = ()
    others: tuple[tuple[str, Held], ...] = ()

    @property
    def empty(self) -> bool:
        """Whether nothing would be left behind."""
        held = self.primary or self.secondary or self.rules or self.covers
        return not (held or any(held.count for _, held in self.others))


def inventory_of(reader: Reader, counsel: Counsel, staff: StaffId, at: int) -> Inventory:
    """The inventory of one staff, deleted ones among them."""
    load = reader.loads([staff], 0)[staff]
    rules = tuple(rule.id for rule in reader.rules() if staff in named_staff(rule.to))
    covers = tuple(one.id for one in reader.covers([staff]) if max(one.since, at) < one.until)
    return Inventory(staff, load.primary, load.secondary, rules, covers, tuple(counsel.inventory(staff)))
