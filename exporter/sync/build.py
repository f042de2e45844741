"""The first build of the rollups of a ledger: it is read in order of time, in steps that survive an error or a restart."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import TYPE_CHECKING

import structlog

from exporter.logs import Pace
from exporter.rollups.changes import Changes
from exporter.sources.mapping import Source
from exporter.sources.reader import Span
from exporter.sources.statements import BEGINNING
from exporter.sources.transfer import BATCH
from exporter.sync import partitions, ranges
from exporter.sync import progress as progresses
from exporter.sync.batches import Batch, BatchReader
from exporter.sync.partitions import Partitions
from exporter.sync.progress import Building, Progress
from exporter.sync.step import place
from exporter.sync.watermark import Watermark

if TYPE_CHECKING:
    from exporter.sync.entries import EntrySync

log = structlog.get_logger()

BATCHES_AT_ONCE = 100
"""Batches that go into the rollups in one step, which ends earlier when they hold as many rows as one may."""
PACE = 5.0
"""Seconds between two lines that say how far a first build has come."""
PENDING_POLLS = 40
PENDING_POLL_SECONDS = 0.05


@dataclass
class Build:
    """Builds the rollups of one ledger. While one step goes into the rollups, the next is being read."""

    sync: "EntrySync"
    batches: BatchReader
    pace: Pace = field(default_factory=lambda: Pace(PACE))

    async def run(self, source: Source, identity: str, now: datetime) -> None:
        """Read the whole ledger. Goes on where an earlier attempt was broken off."""
        context, name = self.sync.context, self.sync.name
        building = await context.worker.run(progresses.building, context.rollups, name)
        today = context.calendar.day_of(now)
        if building and building.progress.identity == identity and building.progress.today <= today:
            log.info("resuming the first build", ledger=name, position=building.position.isoformat())
        else:
            progress, there = await self._begin(source, identity, now)
            building = Building(progress, BEGINNING)
            await context.worker.run(context.rollups.begin, name, progresses.dump(building), partitions.dump(there))
            log.info("building the rollups", ledger=name)
        self.pace.begin()
        await self._from(source, building)
        await context.worker.run(context.rollups.finish, name, progresses.dump(building.progress))
        async with context.database.transaction() as transaction:
            untimed = (await self.sync.reader(transaction, source).position()).untimed
        await context.worker.run(context.rollups.untimed, name, untimed)
        log.info("built the rollups", ledger=name)

    async def _begin(self, source: Source, identity: str, now: datetime) -> tuple[Progress, Partitions]:
        """Note what is newest and which partitions there are, and wait a moment for the transactions that are open to end.

        Where one stays open, its rows are looked for once it has ended: see Progress.pending_transactions.
        """
        context = self.sync.context
        async with context.database.transaction() as transaction:
            reader = self.sync.reader(transaction, source)
            newest_id, updated_at, oldest, _ = await reader.position()
            pending = (await reader.horizon()).next
            there = await partitions.found(reader)
        progress = Progress(
            identity=identity,
            last_success=now,
            today=context.calendar.day_of(now),
            settled_before=ranges.settled_before(context.calendar, now - context.config.refresh.settle),
            watermark=Watermark.at(newest_id) if reader.numbered else None,
            updated_at=updated_at,
            oldest=oldest,
            pending_transactions=pending,
        )
        for _ in range(PENDING_POLLS):
            async with context.database.transaction() as transaction:
                if (await self.sync.reader(transaction, source).horizon()).oldest >= pending:
                    return replace(progress, pending_transactions=None), there
            await asyncio.sleep(PENDING_POLL_SECONDS)
        return progress, there

    async def _from(self, source: Source, building: Building) -> None:
        progress = building.progress
        batches, position = await self._step(source, building, building.position)
        first = _day(self.sync, batches)
        while batches:
            following = asyncio.create_task(self._step(source, building, position))
            try:
                await self._take(batches, replace(building, position=position))
            except BaseException:
                following.cancel()
                await asyncio.gather(following, return_exceptions=True)
                raise
            day = _day(self.sync, batches[-1:])
            if first and day and self.pace.due():
                percent = round(100 * ((day - first).days + 1) / ((progress.today - first).days + 1))
                log.info("building the rollups", ledger=self.sync.name, day=str(day), percent=percent)
            batches, position = await following

    async def _take(self, batches: Sequence[Batch], building: Building) -> None:
        context, progress = self.sync.context, building.progress
        files = [file for batch in batches for file in batch.files]
        where = place(context.calendar, progress, progress.last_success)
        changes = Changes(self.sync.name, progresses.dump(building), progress.last_success, where, files)
        await context.worker.run(context.rollups.build, changes)
        context.discard(files)

    async def _step(self, source: Source, building: Building, position: datetime) -> tuple[list[Batch], datetime]:
        """The next entries from a position on, as many as go into the rollups in one step, and the position after them.

        No batches are left when all is read.
        """
        context, high = self.sync.context, building.progress.high
        end = context.calendar.end(building.progress.today)
        batches: list[Batch] = []
        async with context.database.transaction() as transaction:
            reader = self.sync.reader(transaction, source)
            await self.sync.hold(transaction)
            while not _enough(batches) and position < end:
                if not batches or not batches[-1].rows:
                    found = await reader.first_entry(Span(position, end))
                    if found is None:
                        break
                    position = found
                batches.append(await self.batches.first(reader, Span(position, end), high))
                position = batches[-1].span.end
                context.count(self.sync.name, batches[-1].rows)
        return batches, position


def _enough(batches: list[Batch]) -> bool:
    """Whether the batches are as many as go into the rollups in one step: another one like the last would be too much."""
    rows = [batch.rows for batch in batches]
    return len(batches) >= BATCHES_AT_ONCE or sum(rows) + sum(rows[-1:]) > BATCH.rows


def _day(sync: "EntrySync", batches: Sequence[Batch]) -> date | None:
    """The day of the first of the batches."""
    return sync.context.calendar.day_of(batches[0].span.start) if batches else None
