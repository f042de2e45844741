"""Following a ledger of timed entries, costs or impacts, after its first build."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

import structlog

from exporter.calendar import Calendar
from exporter.config import Ledger
from exporter.logs import Pace
from exporter.rollups.changes import Advance
from exporter.sources.horizon import Horizon
from exporter.sources.mapping import Source
from exporter.sources.postgres_reader import PostgresReader
from exporter.sources.reader import EntryReader, Span
from exporter.sources.transaction import Transaction
from exporter.sync import partitions, ranges
from exporter.sync import progress as progresses
from exporter.sync.batches import BatchReader
from exporter.sync.build import Build
from exporter.sync.certain import Certain
from exporter.sync.context import SyncContext
from exporter.sync.ledger import LedgerSync, Work
from exporter.sync.partitions import Partitions
from exporter.sync.possible import Possible
from exporter.sync.step import Step

log = structlog.get_logger()

MakeReader = Callable[[Transaction, Source, Calendar], EntryReader]

IN_ORDER = timedelta(days=1)
"""How long the watermark must not have passed an entry, for it to be trusted again."""
CATCH_UP_PACE = 60.0
"""Seconds between two lines that say how far catching up has come."""


class EntrySync(LedgerSync):
    """Keeps the rollups of one ledger of timed entries in step with it. ``make_reader`` makes what asks a snapshot of it."""

    def __init__(self, ledger: Ledger, context: SyncContext, make_reader: MakeReader = PostgresReader) -> None:
        super().__init__(ledger, context)
        self._make_reader = make_reader
        refresh = context.config.refresh
        batches = BatchReader(ledger.name, context.directory, refresh.statement_timeout)
        self._certain = Certain(batches, refresh.settle)
        whole_days = ledger.timed_by == "day"
        self._possible = Possible(batches, refresh.interval, refresh.settle, refresh.late, whole_days=whole_days)
        self.build = Build(self, batches)
        self._listed = False
        self._ended: int | None = None
        """Transactions before this one have ended, and what they wrote is being looked for."""
        self._partitions: Partitions | None = None
        """As the rollups have them, as soon as it was asked."""
        self._moving: Partitions | None = None
        """Those in whose place they are when all is compared."""
        self.catch_up_pace = Pace(CATCH_UP_PACE)

    def reader(self, transaction: Transaction, source: Source) -> EntryReader:
        """What asks the snapshot of a transaction."""
        return self._make_reader(transaction, source, self.context.calendar)

    async def poll(self, transaction: Transaction, now: datetime) -> Work | None:
        """Bring what is new or differs into the rollups, as much as one snapshot is kept for; the rest is left to do."""
        source = await self.source(transaction)
        identity = self.identity(source)
        progress = await self.context.worker.run(progresses.of, self.context.rollups, self.name)
        if progress is None or progress.identity != identity or progress.today > self.context.calendar.day_of(now):
            self._forget()
            return partial(self.build.run, source, identity, now)
        if await self._follow(Step(self.name, self.context, self.reader(transaction, source), progress, now)):
            return None
        return partial(self._catch_up, now)

    async def _catch_up(self, now: datetime) -> None:
        """Go on until all is in step, each time in a snapshot of its own, so that none is kept for long."""
        self.catch_up_pace.begin()
        done, rows = False, 0
        while not done:
            async with self.context.database.transaction() as transaction:
                source = await self.source(transaction)
                progress = await self.context.worker.run(progresses.of, self.context.rollups, self.name)
                if progress is None or progress.identity != self.identity(source):
                    return
                step = Step(self.name, self.context, self.reader(transaction, source), progress, now)
                done = await self._follow(step)
            rows += step.rows
            if not done and self.catch_up_pace.due():
                log.info("catching up", ledger=self.name, rows=rows)

    def _forget(self) -> None:
        """Begin again, as after a restart."""
        self._certain.forget()
        self._possible.forget()
        self._untimed, self._listed, self._ended = None, False, None
        self._partitions = self._moving = None

    async def _follow(self, step: Step) -> bool:
        """One step; returns whether the rollups are what the snapshot shows. After an error, all is listed again."""
        try:
            return await self._bring_in_step(step)
        except BaseException:
            self._forget()
            raise

    async def _bring_in_step(self, step: Step) -> bool:
        horizon = await step.reader.horizon()
        passed_at = step.progress.passed_at
        in_order = passed_at is None or abs(step.now - passed_at) > IN_ORDER
        step.certain = step.reader.numbered and horizon.complete and in_order
        self.context.telemetry.watermark_certain.labels(self.name).set(step.certain)
        if not await self._certain.take(step):
            return False
        if not self._listed:
            await self._list(step, horizon)
        if not await self._possible.compare(step):
            advance = {self.name: Advance(progresses.dump(step.progress))}
            await self.context.worker.run(self.context.rollups.advance, advance)
            return False
        if step.certain and step.progress.passed_at != passed_at:
            log.info("ids are not in the order of commits, comparing refresh.late", ledger=self.name)
        self._listed = False
        await self.note_untimed(step.untimed)
        await self._advance(step, horizon)
        return True

    async def _list(self, step: Step, horizon: Horizon) -> None:
        """List what is to be compared: all of it when transactions have ended that were open before the first build."""
        pending = step.progress.pending_transactions
        ended = pending is not None and horizon.oldest >= pending
        moved = await self._moved(step)
        everything = ended or self._certain.overrun or moved is None
        suspects = [*step.deleted, *self._certain.suspects, *(moved or ()), *await self._unread(step)]
        await self._possible.collect(step, suspects, everything=everything)
        if self._certain.overrun:  # what is uncommitted now may be updates too, which are looked for when it has ended
            step.progress = replace(step.progress, pending_transactions=horizon.next)
        self._ended = pending if ended else None
        self._certain.suspects, self._certain.overrun, self._listed = [], False, True

    async def _moved(self, step: Step) -> list[Span] | None:
        """The spans of partitions that came or went since the ledger was last in step; None for any time."""
        if self._partitions is None:
            self._partitions = await self.context.worker.run(partitions.known, self.context.rollups, self.name)
        if self._partitions.checksum == step.reader.partitions_checksum:
            return []
        self._moving = await partitions.found(step.reader)
        return partitions.differing(self._partitions, self._moving, step.calendar.end(step.calendar.day_of(step.now)))

    async def _unread(self, step: Step) -> list[Span]:
        """The spans of reopened months that are to be read again now."""
        days = await self.context.worker.run(self.context.rollups.unread, self.name)
        if days:
            log.info("reading a month again", ledger=self.name, first=str(days[0]), last=str(days[-1]))
        return [Span(step.calendar.start(day), step.calendar.end(day)) for day in days]

    async def _advance(self, step: Step, horizon: Horizon) -> None:
        """Note that all is in step: move the watermark, and keep hours that have settled in longer ranges."""
        calendar, before = self.context.calendar, step.progress
        recent = ranges.settled_before(calendar, step.now - self.context.config.refresh.settle)
        settled = max(before.settled_before, recent)
        if settled > before.settled_before:
            state = progresses.dump(replace(before, settled_before=settled))
            await self.context.worker.run(self.context.rollups.settle, self.name, settled, state)
        after = replace(
            before,
            last_success=step.now,
            today=calendar.day_of(step.now),
            settled_before=settled,
            oldest=step.oldest,
            pending_transactions=None if before.pending_transactions == self._ended else before.pending_transactions,
            watermark=before.watermark.advance(horizon) if before.watermark and step.passing else before.watermark,
        )
        passed = after.low if after.low != before.low else None
        moved = partitions.dump(self._moving) if self._moving else None
        self.context.advances[self.name] = Advance(progresses.dump(after), passed, moved)
        if self._moving:
            self._partitions = self._moving = None
