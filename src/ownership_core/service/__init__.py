"""The use cases: what an application calls. They load, let ``decide`` decide, save and tell; no rule is theirs.

:mod:`~ownership_core.service.edge` reads what comes in, :mod:`~ownership_core.service.counsel` asks the hooks.
Reading is :mod:`~ownership_core.service.reading` and :mod:`~ownership_core.service.inquiry`, writing
:mod:`~ownership_core.service.writing`, :mod:`~ownership_core.service.creating` and
:mod:`~ownership_core.service.people`, inside a :mod:`~ownership_core.service.transaction`.
"""

from ownership_core.service.ownership import Ownership
from ownership_core.service.planning import Plan
from ownership_core.service.transaction import Transaction
from ownership_core.service.wiring import fields_for, host_for

__all__ = ["Ownership", "Plan", "Transaction", "fields_for", "host_for"]
