"""One step in following a ledger of timed entries: what it reads in one snapshot goes into the rollups bit by bit."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from exporter.calendar import Calendar
from exporter.rollups.changes import Changes
from exporter.rollups.ranges import Key
from exporter.rollups.staging import Place
from exporter.sources.reader import EntryReader, Span
from exporter.sources.statements import BEGINNING
from exporter.sync import progress as progresses
from exporter.sync import ranges
from exporter.sync.context import SyncContext
from exporter.sync.progress import Progress
from exporter.sync.watermark import Watermark


@dataclass
class Step:
    """A reader over an open snapshot of a ledger, and the progress that is made with it."""

    ledger: str
    context: SyncContext
    reader: EntryReader
    progress: Progress
    now: datetime
    rows: int = 0
    """How many entries were read so far."""
    untimed: dict[str, int] = field(default_factory=dict)
    """How many entries no day can hold, by reason."""
    oldest: datetime | None = None
    """When the oldest entry occurred."""
    certain: bool = True
    """Whether the watermark passes no entry that comes late."""
    passing: bool = True
    """Whether the low watermark may pass: late ids were looked for in this snapshot."""

    @property
    def calendar(self) -> Calendar:
        """The budget days."""
        return self.context.calendar

    @property
    def watermark(self) -> Watermark:
        """Of a ledger whose ids are whole numbers."""
        assert self.progress.watermark is not None  # noqa: S101 - the caller has asked
        return self.progress.watermark

    @property
    def place(self) -> Place:
        """How entries are placed."""
        return place(self.calendar, self.progress, self.now)

    @property
    def deleted(self) -> list[Span]:
        """The time before the oldest entry, when that has moved: old entries are being deleted."""
        before = self.progress.oldest
        if before is None or (self.oldest and self.oldest <= before):
            return []
        if self.oldest is None:
            return [Span(BEGINNING, self.calendar.end(self.progress.today))]
        # Whole minutes, for that is what is known of where there was nothing.
        return [Span(BEGINNING, ranges.minute(self.calendar, ranges.key(self.calendar, self.oldest)).end)]

    async def apply(self, files: Sequence[Path], rows: int, replaced: Sequence[Key] = (), high: int | None = None) -> None:
        """Add the entries in CSV files to the rollups, in the place of some ranges.

        ``high`` is the id up to which all entries are counted then.
        """
        after = self.progress if high is None else replace(self.progress, watermark=self.watermark.reach(high))
        state = progresses.dump(after)
        changes = Changes(self.ledger, state, self.now, self.place, files, replaced, self.progress.low)
        await self.context.worker.run(self.context.rollups.apply, changes)
        self.progress = after
        self.rows += rows
        self.context.count(self.ledger, rows)
        self.context.discard(files)


def place(calendar: Calendar, progress: Progress, now: datetime) -> Place:
    """How entries are placed that are read now."""
    return Place(calendar.day_of(now), *progress.settled_before)
