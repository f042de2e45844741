"""What is to be done to the rollups of one ledger in one transaction, and what a report is told of it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from exporter.rollups.ranges import Key
from exporter.rollups.running_totals import RUNNING_TOTALS, Row
from exporter.rollups.staging import Place

MOST_DIRTY = 100_000
MOST_CHANGES = 20_000
"""Tasks, and rows of running totals, that are kept for the next report; beyond, all is to be read again."""


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
class Advance:
    """How far a ledger has been followed, and where its low watermark has moved (None: it has not).

    ``partitions`` are those that it is in step with, where they have changed.
    """

    state: str
    low: int | None = None
    partitions: str | None = None


@dataclass(frozen=True, slots=True)
class TotalChanges:
    """What changed since a report asked last: the judged tasks whose calls or outcomes did, and the running totals.

    ``totals`` are the rows by which each has grown, by its name; what was taken away is negative.
    """

    dirty_tasks: set[int] = field(default_factory=set)
    totals: dict[str, list[Row]] = field(default_factory=lambda: {name: [] for name in RUNNING_TOTALS})


class ChangeLog:
    """What changed since a report asked last, as long as it is not too much to be kept."""

    def __init__(self) -> None:
        self._changes: TotalChanges | None = None

    def forget(self) -> None:
        """All is to be read again."""
        self._changes = None

    def note(self, dirty_tasks: Iterable[int], totals: Mapping[str, list[Row]]) -> None:
        """Note what has just been committed."""
        if self._changes is None:
            return
        self._changes.dirty_tasks.update(dirty_tasks)
        for name, rows in totals.items():
            self._changes.totals[name].extend(rows)
        if len(self._changes.dirty_tasks) > MOST_DIRTY or sum(map(len, self._changes.totals.values())) > MOST_CHANGES:
            self._changes = None

    def take(self) -> TotalChanges | None:
        """What was noted since this was asked last; None where all is to be read again."""
        found, self._changes = self._changes, TotalChanges()
        return found
