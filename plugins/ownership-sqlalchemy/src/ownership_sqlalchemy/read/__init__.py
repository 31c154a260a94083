"""The questions of the ``Reader`` port: each is one statement, whatever the number of customers."""

from ownership_sqlalchemy.read.asking import CHUNK
from ownership_sqlalchemy.read.customers import CustomersReader
from ownership_sqlalchemy.read.history import HistoryReader
from ownership_sqlalchemy.read.people import PeopleReader

__all__ = ["CHUNK", "SqlReader"]


class SqlReader(PeopleReader, CustomersReader, HistoryReader):
    """Answers over one connection."""
