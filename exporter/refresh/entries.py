"""Following a ledger of timed entries, costs or impacts: its first build, and every refresh after it."""

import asyncio
from collections.abc import Iterable
from dataclasses import replace
from datetime import date, datetime
from functools import partial

import structlog

from exporter.calendar import ONE_DAY, Hours
from exporter.config import Ledger
from exporter.database import Transaction
from exporter.ledgers import cursor
from exporter.ledgers.audit import BEGINNING, KnownHour
from exporter.ledgers.catalog import hold
from exporter.ledgers.changes import Changes, Part, Progress
from exporter.ledgers.mapping import Source
from exporter.ledgers.reader import Look, Reader
from exporter.refresh.follower import Follower, Tools, Work

log = structlog.get_logger()

PARTS_AT_ONCE = 31
DAYS_AT_ONCE = 100
ROWS_AT_ONCE = 250_000
WORTH_TELLING = 10
PROOF_POLLS = 40
PROOF_POLL_SECONDS = 0.05


class EntryFollower(Follower):
    """Keeps the rollups of one ledger of timed entries in step with it."""

    def __init__(self, ledger: Ledger, tools: Tools) -> None:
        super().__init__(ledger, tools)
        self._reader = Reader(tools.calendar, tools.config.refresh.settle)
        self._attempts = 0

    async def look(self, transaction: Transaction, now: datetime) -> Work:
        """Find the hours to read again and read them, unless they are so many that they are better read in steps."""
        source = await self.source(transaction)
        identity = self.identity(source)
        progress = await self.tools.worker.run(self.tools.rollups.progress, self.name)
        if progress is None or progress.identity != identity or progress.today > self.tools.calendar.day_of(now):
            return partial(self._build, source, identity, now)
        look = await self._reader.look(transaction, source, progress, now, self)
        untimed = await self._reader.untimed(transaction, source)
        if len(look.hours) > PARTS_AT_ONCE:
            return partial(self._catch_up, source, look, progress, untimed)
        parts = [await self._fetch(transaction, source, hours) for hours in look.hours]
        return partial(self._apply, look, Changes(self.name, parts, untimed, look.progress))

    async def _apply(self, look: Look, changes: Changes) -> None:
        await self.tools.worker.run(self.tools.rollups.apply, changes)
        self.discard(part.file for part in changes.parts)
        self._reader.accept(look)
        self.tools.telemetry.audited_buckets.labels(self.name).inc(look.audited)
        self.tools.telemetry.audit_repairs.labels(self.name).inc(look.repairs)

    async def _catch_up(self, source: Source, look: Look, before: Progress, untimed: dict[str, int]) -> None:
        """As _apply, a few hours at a time; how far the ledger was followed is only noted with the last of them."""
        underway = replace(before, settled_before=look.progress.settled_before)
        *most, last = [look.hours[start : start + PARTS_AT_ONCE] for start in range(0, len(look.hours), PARTS_AT_ONCE)]
        for done, hours in enumerate(most):
            said = log.info if len(most) > WORTH_TELLING else log.debug
            said("catching up", ledger=self.name, percent=round(100 * done / (len(most) + 1)))
            changes = Changes(self.name, await self._parts(source, hours), untimed, underway)
            await self.tools.worker.run(self.tools.rollups.apply, changes)
            self.discard(part.file for part in changes.parts)
        await self._apply(look, Changes(self.name, await self._parts(source, last), untimed, look.progress))

    async def _parts(self, source: Source, hours: Iterable[Hours]) -> list[Part]:
        async with self.tools.database.transaction() as transaction:
            await hold(transaction, self.ledger)
            return [await self._fetch(transaction, source, each) for each in hours]

    async def _build(self, source: Source, identity: str, now: datetime) -> None:
        """Read the whole ledger, day by day: while one stretch of days goes into the rollups, the next is being read."""
        self._attempts += 1
        log.info("building the rollups", ledger=self.name, attempt=self._attempts)
        await self.tools.worker.run(self.tools.rollups.begin, self.name)
        progress = await self._begin(source, identity, now)
        parts = await self._stretch(source, BEGINNING, progress.today)
        first = parts[0].hours.day if parts else progress.today
        while parts:
            last = parts[-1].hours.day
            add = self.tools.worker.run(self.tools.rollups.add, Changes(self.name, parts, {}, progress))
            _, following = await asyncio.gather(add, self._stretch(source, self.tools.calendar.end(last), progress.today))
            self.discard(part.file for part in parts)
            parts = following
            log.info("building the rollups", ledger=self.name, day=str(last), percent=_percent(first, last, progress.today))
        async with self.tools.database.transaction() as transaction:
            untimed = await self._reader.untimed(transaction, source)
        await self.tools.worker.run(self.tools.rollups.finish, Changes(self.name, [], untimed, progress))
        log.info("built the rollups", ledger=self.name)
        self._attempts = 0

    async def _begin(self, source: Source, identity: str, now: datetime) -> Progress:
        """Note where the cursors stand, and wait a moment for the transactions that are open to end.

        Where one stays open, its rows are looked for once it has ended: see Progress.unproven.
        """
        async with self.tools.database.transaction() as transaction:
            progress = await self._reader.begin(transaction, source, identity, now)
        for _ in range(PROOF_POLLS):
            async with self.tools.database.transaction() as transaction:
                horizon = await cursor.horizon(transaction)
            if progress.unproven is None or horizon.oldest >= progress.unproven:
                return replace(progress, unproven=None)
            await asyncio.sleep(PROOF_POLL_SECONDS)
        return progress

    async def _stretch(self, source: Source, start: datetime, today: date) -> list[Part]:
        """The next days with entries, as many as are taken into the rollups at once; none when all are read."""
        parts: list[Part] = []
        async with self.tools.database.transaction() as transaction:
            await hold(transaction, self.ledger)
            day = await self._reader.next_day(transaction, source, start, today)
            while day and len(parts) < DAYS_AT_ONCE and sum(part.rows for part in parts) < ROWS_AT_ONCE:
                parts.append(await self._fetch(transaction, source, day))
                day = await self._following(transaction, source, parts[-1], today)
        return parts

    async def _following(self, transaction: Transaction, source: Source, part: Part, today: date) -> Hours | None:
        """The day after that of the part; after a day without entries, the next one that has any."""
        following = part.hours.day + ONE_DAY
        if part.rows and following <= today:
            return self.tools.calendar.whole(following)
        return await self._reader.next_day(transaction, source, self.tools.calendar.start(following), today)

    async def _fetch(self, transaction: Transaction, source: Source, hours: Hours) -> Part:
        part = await self._reader.fetch(transaction, source, hours, self.tools.directory)
        self.count(part.rows)
        return part

    async def known(self, start: datetime | None) -> list[KnownHour]:
        """The known hours from an instant on, for the audit."""
        calendar = self.tools.calendar
        at = (calendar.day_of(start), calendar.hour_of(start)) if start else (date.min, 0)
        return await self.tools.worker.run(self.tools.rollups.remembered, self.name, at)

    async def holding(self, numbers: list[tuple[int, int]]) -> list[Hours]:
        """The hours that hold, or may hold, entries with numbers in these closed ranges."""
        found = await self.tools.worker.run(self.tools.rollups.holding, self.name, numbers) if numbers else []
        return [Hours(day, hour, hour) for day, hour in found]


def _percent(first: date, last: date, today: date) -> int:
    """How much of the ledger's days is built."""
    return round(100 * ((last - first).days + 1) / ((today - first).days + 1))
