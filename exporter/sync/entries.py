"""Following a ledger of timed entries, costs or impacts: its first build, and every refresh after it."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime
from functools import partial

import structlog

from exporter.calendar import Hours
from exporter.config import Ledger
from exporter.logs import Pace
from exporter.sources.catalog import hold
from exporter.sources.database import Transaction
from exporter.sources.mapping import Source
from exporter.sources.transfer import BATCH
from exporter.sync import watermark
from exporter.sync.audit import BEGINNING, KnownHour
from exporter.sync.batches import BatchReader
from exporter.sync.candidates import Poll, Reader
from exporter.sync.changes import Building, Changes, FetchedRange, Progress
from exporter.sync.ledger import LedgerSync, SyncContext, Work

log = structlog.get_logger()

PARTS_AT_ONCE = 100
"""Parts that go into the rollups in one step, which ends earlier when they hold as many rows as a batch may."""
BUILD_PACE = 5.0
CATCH_UP_PACE = 60.0
"""Seconds between two lines that say how far a first build, or catching up, has come."""
PENDING_POLLS = 40
PENDING_POLL_SECONDS = 0.05


class EntrySync(LedgerSync):
    """Keeps the rollups of one ledger of timed entries in step with it."""

    def __init__(self, ledger: Ledger, context: SyncContext) -> None:
        super().__init__(ledger, context)
        refresh = context.config.refresh
        self._reader = Reader(context.calendar, refresh.settle, BatchReader(context.directory, refresh.statement_timeout))
        self.build_pace = Pace(BUILD_PACE)
        self.catch_up_pace = Pace(CATCH_UP_PACE)

    async def poll(self, transaction: Transaction, now: datetime) -> Work:
        """Find the hours to read again, and read as many of them as go into the rollups in one step."""
        source = await self.source(transaction)
        identity = self.identity(source)
        progress = await self.context.worker.run(self.context.rollups.progress, self.name)
        if progress is None or progress.identity != identity or progress.today > self.context.calendar.day_of(now):
            return partial(self._build, source, identity, now)
        poll = await self._reader.poll(transaction, source, progress, now, self)
        untimed = await self._reader.untimed(transaction, source)
        parts, left = await self._read(transaction, source, poll.hours)
        return partial(self._apply, source, poll, untimed, parts, left)

    async def _apply(
        self, source: Source, poll: Poll, untimed: dict[str, int], parts: list[FetchedRange], left: Sequence[Hours]
    ) -> None:
        """Take in what was read and, step by step, what is left. How far the ledger was followed is noted with the last step.

        If that is never reached, the next refresh finds the same hours; those that were taken in do not differ any more.
        """
        underway = replace(poll.before, compacted_before=poll.progress.compacted_before)
        self.catch_up_pace.begin()
        while left:
            await self._take_in(Changes(self.name, parts, untimed, underway))
            if self.catch_up_pace.due():
                log.info("catching up", ledger=self.name, percent=round(100 * (1 - len(left) / len(poll.hours))))
            async with self.context.database.transaction() as transaction:
                await hold(transaction, self.ledger)
                parts, left = await self._read(transaction, source, left, differing=True)
        await self._take_in(Changes(self.name, parts, untimed, poll.progress))
        self._reader.accept(poll)
        self.context.telemetry.audited_buckets.labels(self.name).inc(poll.audited)
        self.context.telemetry.audit_repairs.labels(self.name).inc(poll.repairs)

    async def _take_in(self, changes: Changes) -> None:
        await self.context.worker.run(self.context.rollups.apply, changes)
        self._discard_parts(changes.parts)

    async def _read(
        self, transaction: Transaction, source: Source, hours: Sequence[Hours], *, differing: bool = False
    ) -> tuple[list[FetchedRange], Sequence[Hours]]:
        """Read the first of the hours, or of those that differ from the rollups, as many as go into these in one step.

        Returns also the hours that are left.
        """
        parts: list[FetchedRange] = []
        for number, each in enumerate(hours):
            if _enough(parts):
                return parts, hours[number:]
            if not differing or await self._reader.differs(transaction, source, each, self):
                parts.append(await self._reader.fetch(transaction, source, each))
                self.count(parts[-1].rows)
        return parts, []

    async def _build(self, source: Source, identity: str, now: datetime) -> None:
        """Read the whole ledger, in order of time: while one step goes into the rollups, the next is being read.

        It goes on where an earlier attempt was broken off.
        """
        building = await self.context.worker.run(self.context.rollups.building, self.name)
        if building and building.progress.identity == identity and building.progress.today <= self.context.calendar.day_of(now):
            log.info("resuming the first build", ledger=self.name, position=building.position.isoformat())
        else:
            building = Building(await self._begin(source, identity, now), BEGINNING)
            await self.context.worker.run(self.context.rollups.begin, self.name, building)
            log.info("building the rollups", ledger=self.name)
        self.build_pace.begin()
        await self._build_from(source, building)
        async with self.context.database.transaction() as transaction:
            untimed = await self._reader.untimed(transaction, source)
        await self.context.worker.run(self.context.rollups.finish, Changes(self.name, [], untimed, building.progress))
        log.info("built the rollups", ledger=self.name)

    async def _build_from(self, source: Source, building: Building) -> None:
        progress = building.progress
        parts, position = await self._step(source, building.position, progress.today)
        first = parts[0].hours.day if parts else progress.today
        while parts:
            following = asyncio.create_task(self._step(source, position, progress.today))
            try:
                await self.context.worker.run(self.context.rollups.add, Changes(self.name, parts, {}, progress), position)
            except BaseException:
                following.cancel()
                await asyncio.gather(following, return_exceptions=True)
                raise
            self._discard_parts(parts)
            last = parts[-1].hours.day
            if self.build_pace.due():
                log.info("building the rollups", ledger=self.name, day=str(last), percent=_percent(first, last, progress.today))
            parts, position = await following

    async def _begin(self, source: Source, identity: str, now: datetime) -> Progress:
        """Note where the cursors stand, and wait a moment for the transactions that are open to end.

        Where one stays open, its rows are looked for once it has ended: see Progress.pending_transactions.
        """
        async with self.context.database.transaction() as transaction:
            progress = await self._reader.begin(transaction, source, identity, now)
        for _ in range(PENDING_POLLS):
            async with self.context.database.transaction() as transaction:
                horizon = await watermark.horizon(transaction)
            if progress.pending_transactions is None or horizon.oldest >= progress.pending_transactions:
                return replace(progress, pending_transactions=None)
            await asyncio.sleep(PENDING_POLL_SECONDS)
        return progress

    async def _step(self, source: Source, position: datetime, today: date) -> tuple[list[FetchedRange], datetime]:
        """The next entries from a position on, as many as go into the rollups in one step, and the position after them.

        No parts are left when all is read.
        """
        parts: list[FetchedRange] = []
        async with self.context.database.transaction() as transaction:
            await hold(transaction, self.ledger)
            while not _enough(parts) and self.context.calendar.day_of(position) <= today:
                if not parts or not parts[-1].rows:
                    found = await self._reader.next_entry(transaction, source, position, today)
                    if found is None:
                        break
                    position = found
                part, position = await self._reader.fetch_from(transaction, source, position)
                parts.append(part)
                self.count(part.rows)
        return parts, position

    def _discard_parts(self, parts: list[FetchedRange]) -> None:
        self.discard(file for part in parts for file in part.files)

    async def known(self, start: datetime | None) -> list[KnownHour]:
        """The known hours from an instant on, for the audit."""
        calendar = self.context.calendar
        at = (calendar.day_of(start), calendar.hour_of(start)) if start else (date.min, 0)
        return await self.context.worker.run(self.context.rollups.remembered, self.name, at)

    async def holding(self, numbers: list[tuple[int, int]]) -> list[Hours]:
        """The hours that hold, or may hold, entries with numbers in these closed ranges."""
        found = await self.context.worker.run(self.context.rollups.holding, self.name, numbers) if numbers else []
        return [Hours(day, hour, hour) for day, hour in found]


def _enough(parts: list[FetchedRange]) -> bool:
    """Whether the parts are as many as go into the rollups in one step."""
    return len(parts) >= PARTS_AT_ONCE or sum(part.rows for part in parts) >= BATCH.rows


def _percent(first: date, last: date, today: date) -> int:
    """How much of the ledger's days is built."""
    return round(100 * ((last - first).days + 1) / ((today - first).days + 1))
