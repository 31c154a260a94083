"""Who gets which of these customers: pure data and sums, no store, no clock, no chance (design §7; D03, H05-H09)."""

from ownership_core.distribute.checking import check_distribution
from ownership_core.distribute.data import (
    ByScope,
    Candidate,
    Capacity,
    Case,
    Days,
    Distribution,
    FromField,
    InDepartment,
    LeastBusy,
    Marked,
    Members,
    Placement,
    Questions,
    Rotation,
    ToStaff,
    Weighted,
)
from ownership_core.distribute.dealing import Dealer
from ownership_core.distribute.parts import NOBODY, homes, named_departments, named_staff, parts, questions, replaced
from ownership_core.distribute.shares import Flow, largest_remainder, rebalance

__all__ = [
    "NOBODY",
    "ByScope",
    "Candidate",
    "Capacity",
    "Case",
    "Days",
    "Dealer",
    "Distribution",
    "Flow",
    "FromField",
    "InDepartment",
    "LeastBusy",
    "Marked",
    "Members",
    "Placement",
    "Questions",
    "Rotation",
    "ToStaff",
    "Weighted",
    "check_distribution",
    "homes",
    "largest_remainder",
    "named_departments",
    "named_staff",
    "parts",
    "questions",
    "rebalance",
    "replaced",
]
