"""What one refresh found: an immutable value that the exposition renders once and the page reads."""

from dataclasses import dataclass
from datetime import datetime

from exporter.metrics import Family


@dataclass(frozen=True, slots=True)
class LedgerStatus:
    """How reading one ledger went. The times are aware; None where there was no entry or no success yet."""

    name: str
    up: bool
    newest_entry: datetime | None
    last_success: datetime | None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The families of one refresh. ``as_of`` is the moment of the data, in the time zone of the budget day.

    It is complete when each configured ledger was read once, or is known to fail.
    """

    as_of: datetime
    families: tuple[Family, ...]
    ledgers: tuple[LedgerStatus, ...]
    complete: bool = True
