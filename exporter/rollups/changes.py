"""What is to be done to the rollups of one ledger, in one transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from exporter.rollups.ranges import Key
from exporter.rollups.running_totals import Row
from exporter.rollups.staging import Place


@dataclass(frozen=True, slots=True)
class Changes:
    """Entries to add, in CSV files, and ranges that they replace.

    ``state`` says how far the ledger has been followed with them; it is committed together with the facts. ``low`` is the low
    watermark, above which entries are remembered one by one; None where ids are no numbers.
    """

    ledger: str
    state: str
    now: datetime
    place: Place
    files: Sequence[Path] = ()
    replaced: Sequence[Key] = ()
    low: int | None = None


@dataclass(frozen=True, slots=True)
class TotalChanges:
    """What changed since a report asked last: judged tasks, and the rows by which each running total has grown, by its name."""

    dirty_tasks: set[int]
    totals: dict[str, list[Row]]


@dataclass(frozen=True, slots=True)
class Advance:
    """How far a ledger has been followed, and where its low watermark has moved (None: it has not)."""

    state: str
    low: int | None = None
