"""Following the ledgers without timed entries: allocations, a few for each day, and quests."""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from pathlib import Path

import psycopg

from exporter.calendar import ONE_DAY
from exporter.config import Ledger
from exporter.sources import statements
from exporter.sources.database import Transaction
from exporter.sources.mapping import Source
from exporter.sources.transfer import LARGE, Row, TooLargeError
from exporter.sync.changes import Progress
from exporter.sync.ledger import LedgerSync, SyncContext, Work

Days = tuple[date, date]
"""A closed range of days."""
Digest = tuple[str, Days | None, Row]
"""Of what, of which days (None: all of it), and the rows' count and checksum."""


@dataclass(frozen=True, slots=True)
class Reading:
    """Allocations that were read: of which days, and whether only to see if the rollups still agree with them."""

    days: Days
    file: Path
    audit: bool


class SmallLedgerSync(LedgerSync):
    """Follows a ledger that has no cursor: what has the same digest as when it was last applied need not be read."""

    def __init__(self, ledger: Ledger, context: SyncContext) -> None:
        super().__init__(ledger, context)
        self._applied: Digest | None = None

    async def _digest(self, transaction: Transaction, source: Source, days: Days | None = None) -> Digest:
        start, end = days or (None, None)
        rows = await transaction.rows(statements.digest(source), start=start, end=end)
        return self.identity(source), days, rows[0]


class AllocationsSync(SmallLedgerSync):
    """Looks at the timeline's allocations at every refresh, and reads one older day in turn."""

    async def poll(self, transaction: Transaction, now: datetime) -> Work:
        """Read the days of the timeline, if they changed, and one older day; at first, all."""
        source = await self.source(transaction)
        today = self.context.calendar.day_of(now)
        progress = _progress(self.identity(source), now, today)
        before = await self.context.worker.run(self.context.rollups.progress, self.name)
        untimed: dict[str, int] = dict(await transaction.rows(statements.untimed(source)))
        if before is None or before.identity != progress.identity or before.today > today:
            everything = await self._read(transaction, source, (statements.EARLIEST, today))
            return partial(self._apply, everything, untimed, progress, None)
        timeline = today - timedelta(days=self.context.config.report.timeline_days - 1)
        recent = (min(timeline, before.today), today)
        digest = await self._digest(transaction, source, recent)
        older, audit_from = await self._older(before.audit_from, recent[0])
        readings = await self._read(transaction, source, older, audit=True)
        if digest != self._applied:
            readings += await self._read(transaction, source, recent)
        return partial(self._apply, readings, untimed, replace(progress, audit_from=audit_from), digest)

    async def _older(self, audit_from: datetime | None, limit: date) -> tuple[Days, datetime | None]:
        """The next older day that has allocations, with those after it that have none; the newest come first."""
        end = min(audit_from.date(), limit) if audit_from else limit
        day = await self.context.worker.run(self.context.rollups.allocated_before, end)
        days = (day or statements.EARLIEST, end - ONE_DAY)
        return days, datetime.combine(day, time.min, UTC) if day else None

    async def _read(self, transaction: Transaction, source: Source, days: Days, *, audit: bool = False) -> list[Reading]:
        """The allocations of some days; where these are too many for one statement, those of the halves."""
        first, last = days
        file = self.context.directory / f"{self.name}-{first}.csv"
        try:
            async with transaction.savepoint():
                rows = await transaction.copy(statements.allocations(source), file, start=first, end=last)
        except (TooLargeError, psycopg.errors.QueryCanceled):
            if first >= last:
                raise
            middle = first + (last - first) // 2
            halves = ((first, middle), (middle + ONE_DAY, last))
            return [reading for half in halves for reading in await self._read(transaction, source, half, audit=audit)]
        self.count(rows)
        return [Reading(days, file, audit)]

    async def _apply(self, readings: list[Reading], untimed: dict[str, int], progress: Progress, digest: Digest | None) -> None:
        self._applied = None
        replaced = self.context.rollups.replace_allocations
        for reading in readings:
            differs = await self.context.worker.run(replaced, reading.file, *reading.days, untimed, progress)
            self.context.telemetry.audited_buckets.labels(self.name).inc(reading.audit)
            self.context.telemetry.audit_repairs.labels(self.name).inc(reading.audit and differs)
        self.discard(reading.file for reading in readings)
        self._applied = digest


class QuestsSync(SmallLedgerSync):
    """Looks at all names and layers at every refresh."""

    async def poll(self, transaction: Transaction, now: datetime) -> Work:
        """Read the whole ledger, if anything changed."""
        source = await self.source(transaction)
        progress = _progress(self.identity(source), now, self.context.calendar.day_of(now))
        before = await self.context.worker.run(self.context.rollups.progress, self.name)
        digest = await self._digest(transaction, source)
        if before and digest == self._applied:
            return partial(self.context.worker.run, self.context.rollups.advance, self.name, progress)
        file = self.context.directory / f"{self.name}.csv"
        self.count(await transaction.copy(statements.quests(source), file, LARGE))
        return partial(self._apply, file, progress, digest)

    async def _apply(self, file: Path, progress: Progress, digest: Digest) -> None:
        await self.context.worker.run(self.context.rollups.replace_quests, file, progress)
        self.discard([file])
        self._applied = digest


def _progress(identity: str, now: datetime, today: date) -> Progress:
    return Progress(identity, now, today, compacted_before=today, positions={})
