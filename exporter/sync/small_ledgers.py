"""Following the ledgers without timed entries, by comparing checksums at every refresh."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

from exporter.calendar import ONE_DAY
from exporter.config import Ledger
from exporter.rollups.changes import Advance
from exporter.sources import small_statements, statements
from exporter.sources.errors import SlowError, TooLargeError
from exporter.sources.mapping import Source, Statement
from exporter.sources.transaction import Transaction
from exporter.sources.transfer import LARGE
from exporter.sync import progress as progresses
from exporter.sync.context import SyncContext
from exporter.sync.ledger import LedgerSync
from exporter.sync.progress import Progress

Days = tuple[date, date]
"""A closed range of days."""
Checksum = tuple[int, int]
"""How many rows there are, and their checksum."""
AUDITED_DAYS = 7
"""Days before the timeline that are compared in one refresh: a year of them in a quarter of an hour, by default."""


class AllocationsSync(LedgerSync):
    """Compares each day of the timeline at every refresh, and older days in turn; reads those that differ."""

    def __init__(self, ledger: Ledger, context: SyncContext) -> None:
        super().__init__(ledger, context)
        self._known: dict[date, Checksum] | None = None
        """What the rollups know of each day, as soon as it was asked."""

    async def poll(self, transaction: Transaction, now: datetime) -> None:
        """Read the days that differ from what is known of them; at first, all."""
        source = await self.source(transaction)
        run, rollups = self.context.worker.run, self.context.rollups
        today = self.context.calendar.day_of(now)
        progress = Progress(self.identity(source), now, today)
        before = await run(progresses.of, rollups, self.name)
        if before is None or before.identity != progress.identity or before.today > today:
            await run(rollups.begin, self.name, "")
            self._known, self._untimed = {}, None
            recent, older = (statements.EARLIEST, today), (statements.EARLIEST, statements.EARLIEST)
        else:
            timeline = today - timedelta(days=self.context.config.report.timeline_days - 1)
            recent = (min(timeline, before.today), today)
            older, audit_from = _older(await self._days(today), before.audit_from, recent[0])
            progress = replace(progress, audit_from=audit_from)
        await self._compare(transaction, source, (recent, older), progress)
        await self.note_untimed(dict(await transaction.rows(small_statements.untimed(source))))

    async def _days(self, today: date) -> dict[date, Checksum]:
        if self._known is None:
            known = await self.context.worker.run(self.context.rollups.known, self.name, ((statements.EARLIEST, 0), (today, 0)))
            self._known = {each.day: (each.entries, each.checksum) for each in known}
        return self._known

    async def _compare(self, transaction: Transaction, source: Source, ranges: tuple[Days, Days], progress: Progress) -> None:
        (start, end), older = ranges
        bounds = {"start": start, "end": end, "older_start": older[0], "older_end": older[1]}
        rows = await transaction.rows(source.composed(small_statements.day_checksums), **bounds)
        found: dict[date, Checksum] = {day: (count, int(checksum)) for day, count, checksum in rows}
        known = await self._days(progress.today)
        before = {day: known[day] for day in known if any(first <= day <= last for first, last in ranges)}
        differing = sorted({day for day, _ in before.items() ^ found.items()})
        audited = [day for day in before if older[0] <= day <= older[1]]
        self.context.telemetry.audited_buckets.labels(self.name).inc(len(audited))
        self.context.telemetry.audit_repairs.labels(self.name).inc(sum(1 for day in differing if older[0] <= day <= older[1]))
        state = progresses.dump(progress)
        if not differing:
            self.context.advances[self.name] = Advance(state)
            return
        days = [found[day] for day in differing if day in found]
        files = [file for part in _runs(differing) for file in await self._read(transaction, source, part)] if days else []
        sums = [(day, *found.get(day, (0, 0))) for day in differing]
        self._known = None
        await self.context.worker.run(self.context.rollups.replace_allocations, files, sums, state)
        self._known = {day: sums for day, sums in known.items() if day not in differing} | {
            day: found[day] for day in differing if day in found
        }
        self.context.discard(files)
        self.context.advances[self.name] = Advance(state)

    async def _read(self, transaction: Transaction, source: Source, days: Days) -> list[Path]:
        """The allocations of some days; where these are too many for one statement, those of the halves."""
        first, last = days
        file = self.context.directory / f"{self.name}-{first}.csv"
        try:
            async with transaction.attempt():
                rows = await transaction.copy(small_statements.allocations(source), file, start=first, end=last)
        except (TooLargeError, SlowError):
            if first >= last:
                raise
            middle = first + (last - first) // 2
            halves = ((first, middle), (middle + ONE_DAY, last))
            return [read for half in halves for read in await self._read(transaction, source, half)]
        self.context.count(self.name, rows)
        return [file]


STATEMENTS: Mapping[str, Statement] = {"budgets": small_statements.budgets, "quests": small_statements.quests}


class WholeSync(LedgerSync):
    """Compares all budgets, or all names and layers of quests, at every refresh, and reads them if they differ."""

    def __init__(self, ledger: Ledger, context: SyncContext) -> None:
        super().__init__(ledger, context)
        self._applied: tuple[str, Checksum] | None = None

    async def poll(self, transaction: Transaction, now: datetime) -> None:
        """Read the whole ledger, if anything differs."""
        source = await self.source(transaction)
        run, rollups = self.context.worker.run, self.context.rollups
        state = progresses.dump(Progress(self.identity(source), now, self.context.calendar.day_of(now)))
        count, checksum = (await transaction.rows(small_statements.digest(source)))[0]
        found = (self.identity(source), (count, checksum))
        if found == self._applied and await run(rollups.state, self.name) is not None:
            self.context.advances[self.name] = Advance(state)
            return
        file = self.context.directory / f"{self.name}.csv"
        self._applied = None
        self.context.count(self.name, await transaction.copy(STATEMENTS[self.name](source), file, LARGE))
        await run(rollups.replace_all, self.name, file, state)
        self.context.discard([file])
        self.context.advances[self.name] = Advance(state)
        self._applied = found


def _older(known: Iterable[date], audit_from: datetime | None, limit: date) -> tuple[Days, datetime | None]:
    """The next older days, the newest first, and before which day the following ones lie; None when these were the oldest."""
    end = min(audit_from.date(), limit) if audit_from else limit
    days = sorted(day for day in known if day < end)[-AUDITED_DAYS:]
    if len(days) < AUDITED_DAYS:
        return (statements.EARLIEST, end - ONE_DAY), None
    return (days[0], end - ONE_DAY), datetime.combine(days[0], time.min, UTC)


def _runs(days: list[date]) -> Iterator[Days]:
    """Days, in order, as ranges without gaps."""
    first = last = days[0]
    for day in days[1:]:
        if day - last > ONE_DAY:
            yield first, last
            first = day
        last = day
    yield first, last
