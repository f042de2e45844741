"""Reading a ledger of timed entries: deciding which hours to look at again, and fetching their entries."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from itertools import chain
from typing import Protocol

from exporter.calendar import MICROSECOND, ONE_DAY, Calendar, Hours, merge
from exporter.sources import statements
from exporter.sources.database import Transaction
from exporter.sources.mapping import Source
from exporter.sync import audit, watermark
from exporter.sync.audit import BEGINNING, Audit, KnownHour
from exporter.sync.batches import BatchReader
from exporter.sync.changes import FetchedRange, Progress
from exporter.sync.watermark import Group, Horizon, Quarter, Watermark

Changed = tuple[Quarter | None, Group]


@dataclass(frozen=True, slots=True)
class Poll:
    """What one look at a ledger decided: the hours to read, and how the progress stands once they are replaced."""

    hours: list[Hours]
    before: Progress
    progress: Progress
    seen: dict[str, watermark.Seen]
    audited: int
    repairs: int


class Memory(Protocol):
    """What the rollups know of the ledger."""

    async def known(self, start: datetime | None) -> list[KnownHour]:
        """The known hours from an instant on, for the audit."""

    async def holding(self, numbers: list[tuple[int, int]]) -> list[Hours]:
        """The hours that hold, or may hold, entries with numbers in these closed ranges."""


class Reader:
    """Follows one ledger. What it holds in memory only saves work: a restart loses no row."""

    def __init__(self, calendar: Calendar, settle: timedelta, batches: BatchReader) -> None:
        self._calendar = calendar
        self._lookback = settle
        self._batches = batches
        self._seen: dict[str, watermark.Seen] = {}

    async def begin(self, transaction: Transaction, source: Source, identity: str, now: datetime) -> Progress:
        """The progress of a ledger of which nothing is known yet: its cursors stand at what is newest now."""
        self._seen.clear()
        positions = {}
        for column in watermark.columns(source):
            newest = await watermark.newest(transaction, source, column)
            positions[column] = Watermark(passed=newest, mark=newest)
        horizon = await watermark.horizon(transaction)
        return Progress(
            identity=identity,
            last_success=now,
            today=self._calendar.day_of(now),
            compacted_before=self._calendar.day_of(now - self._lookback),
            positions=positions,
            pending_transactions=horizon.next,
        )

    async def poll(self, transaction: Transaction, source: Source, before: Progress, now: datetime, memory: Memory) -> Poll:
        """Decide what to read again: what cursors found, all since the last look and the settle window, what an audit found."""
        horizon = await watermark.horizon(transaction)
        positions, seen, changed, overrun = await self._follow(transaction, source, before, horizon)
        # To the end of the day, so that what is dated later today than now is compared too; such hours are mostly empty.
        end = self._calendar.end(self._calendar.day_of(now)) - MICROSECOND
        recent = list(self._calendar.between(min(before.last_success, now) - self._lookback, end))
        auditor = Audit(transaction, source, self._calendar, self._calendar.bounds(recent[0])[0], memory.known)
        proven = before.pending_transactions is not None and horizon.oldest >= before.pending_transactions
        audited = await (auditor.sweep() if proven or overrun else auditor.step(before.audit_from))
        after = replace(
            before,
            last_success=now,
            today=self._calendar.day_of(now),
            compacted_before=max(before.compacted_before, self._calendar.day_of(now - self._lookback)),
            positions=positions,
            audit_from=audited.next,
            # Transactions that are open now may hold rows below the new positions: all is compared again when they have ended.
            pending_transactions=horizon.next if overrun else None if proven else before.pending_transactions,
        )
        # A row whose time was changed has left an hour, which only its number can tell.
        left = await memory.holding([each for _, group in changed for each in group.numbers])
        touched = self._hours(quarter for quarter, _ in changed if quarter is not None)
        possible = await self._differing(transaction, source, recent, memory)
        hours = self._buckets(chain(touched, left, possible, audited.wrong), after)
        return Poll(hours, before, after, seen, audited.buckets, len(audited.wrong))

    def accept(self, poll: Poll) -> None:
        """The hours of the look are in the rollups, so the next look needs not find them again."""
        self._seen = poll.seen

    async def fetch(self, transaction: Transaction, source: Source, hours: Hours) -> FetchedRange:
        """Read the entries of some hours of one day."""
        start, end = self._calendar.bounds(hours)
        batches = [batch async for batch in self._batches.all(transaction, source, max(start, BEGINNING), end)]
        files = [file for batch in batches for file in batch.files]
        return FetchedRange(hours, self._calendar.start(hours.day), files, sum(batch.rows for batch in batches))

    async def fetch_from(self, transaction: Transaction, source: Source, start: datetime) -> tuple[FetchedRange, datetime]:
        """Read a batch of entries of one day, from an instant on; returns also where the batch ends."""
        day = self._calendar.day_of(start)
        batch = await self._batches.first(transaction, source, start, self._calendar.end(day))
        return FetchedRange(self._calendar.whole(day), self._calendar.start(day), batch.files, batch.rows), batch.end

    async def next_entry(self, transaction: Transaction, source: Source, start: datetime, today: date) -> datetime | None:
        """The time of the first entry from an instant on, up to the end of today."""
        end = self._calendar.end(today)
        first: datetime | None = (await transaction.rows(statements.next_entry(source), start=start, end=end))[0][0]
        return first

    async def differs(self, transaction: Transaction, source: Source, hours: Hours, memory: Memory) -> bool:
        """Whether the entries of some hours are not those that the rollups remember."""
        return bool(await self._differing(transaction, source, [hours], memory))

    async def _differing(self, transaction: Transaction, source: Source, hours: list[Hours], memory: Memory) -> list[Hours]:
        """Those hours between the first and the last whose entries are not those that the rollups remember."""
        start, end = self._calendar.bounds(hours[0])[0], self._calendar.bounds(hours[-1])[1]
        known = audit.within(self._calendar, max(start, BEGINNING), end, await memory.known(start))
        return await audit.differing(transaction, source, self._calendar, known)

    async def untimed(self, transaction: Transaction, source: Source) -> dict[str, int]:
        """How many entries no day can hold, by reason."""
        return dict(await transaction.rows(statements.untimed(source)))

    async def _follow(
        self, transaction: Transaction, source: Source, before: Progress, horizon: Horizon
    ) -> tuple[dict[str, Watermark], dict[str, watermark.Seen], list[Changed], bool]:
        """What the cursors see. One that sees too much is overrun: it goes on from what is newest, and the rest is compared."""
        positions, seen, changed, overrun = {}, {}, list[Changed](), False
        for column, position in before.positions.items():
            # A transaction may commit an updated_at from its own beginning, long before it had an id that a snapshot shows.
            overlap = self._lookback // timedelta(seconds=watermark.SECONDS_PER_BIN) if column == "updated_at" else 0
            lower = position.passed - overlap
            newest = await watermark.newest(transaction, source, column)
            now = await watermark.seen(transaction, source, column, lower)
            if now is None:
                overrun = True
                positions[column] = Watermark(passed=newest + overlap, mark=newest)
            else:
                seen[column] = now
                changed += watermark.changed(self._seen.get(column, {}), now, lower)
                positions[column] = position.advance(newest, horizon)
        return positions, seen, changed, overrun

    def _hours(self, quarters: Iterable[Quarter]) -> Iterator[Hours]:
        latest = self._calendar.start(date.max - ONE_DAY).timestamp()
        for quarter in quarters:
            if watermark.QUARTER * quarter < latest:
                instant = datetime.fromtimestamp(quarter * watermark.QUARTER, UTC)
                yield from self._calendar.between(instant, instant + timedelta(seconds=watermark.QUARTER) - MICROSECOND)

    def _buckets(self, hours: Iterable[Hours], progress: Progress) -> list[Hours]:
        """The hours as rollups replace them: none of days to come, and settled days whole."""
        past = (each for each in hours if each.day <= progress.today)
        return merge([self._calendar.whole(each.day) if each.day < progress.compacted_before else each for each in past])
