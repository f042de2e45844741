"""What a look at a ledger brings: the hours to be replaced, and how far the ledger has been followed."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from exporter.calendar import Hours
from exporter.sync.watermark import Watermark


@dataclass(frozen=True, slots=True)
class FetchedRange:
    """Entries of one day: all of some hours, or in a first build as many as fitted into one batch.

    ``files`` hold the CSV rows of :func:`exporter.sources.statements.entries`.
    """

    hours: Hours
    midnight: datetime
    files: list[Path]
    rows: int


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the rollups have followed one ledger. Committed together with the facts, so that both always agree."""

    identity: str
    """Tells whether the rollups still belong to the source: cluster, table, mapping and time zone."""
    last_success: datetime
    """When the ledger was last read, on the exporter's clock."""
    today: date
    """The day it was then. Entries of later days are left waiting."""
    compacted_before: date
    """Days before this are kept as one bucket each. Never goes back, so that a clock that does cannot split a bucket."""
    positions: Mapping[str, Watermark]
    """Of each cursor, by ledger column."""
    audit_from: datetime | None = None
    """Where the next audit begins; None for the beginning of the ledger."""
    pending_transactions: int | None = None
    """Transactions below this id may have been open since before the first build, with rows that it could not see."""


@dataclass(frozen=True, slots=True)
class Building:
    """How far a first build has come, committed together with the facts: all entries before ``position`` are in them."""

    progress: Progress
    """What the progress of the ledger will be when it is built."""
    position: datetime


@dataclass(frozen=True, slots=True)
class Changes:
    """What to do to the rollups of one ledger of timed entries, in one transaction."""

    ledger: str
    parts: list[FetchedRange]
    untimed: Mapping[str, int]
    """Entries that no day can hold, by reason."""
    progress: Progress
