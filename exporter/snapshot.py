"""What one refresh found: an immutable value that the exposition renders once and the page reads."""

from collections.abc import Mapping
from dataclasses import dataclass, field
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

    ``absent`` has a sentence for each metric or label that is not known, by its name, which says why. ``failed`` names the
    sections that could not be computed. A snapshot is complete when each configured ledger was read once or is known to fail.
    """

    as_of: datetime
    families: tuple[Family, ...]
    ledgers: tuple[LedgerStatus, ...]
    absent: Mapping[str, str] = field(default_factory=dict)
    failed: tuple[str, ...] = ()
    complete: bool = True
