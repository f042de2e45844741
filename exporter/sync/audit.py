"""The rotating audit: a range of the ledger per refresh is compared with what the rollups remember of it.

It finds what no cursor can see: deleted rows, rows changed without ``updated_at``, rows slipped in with an old id and date.
"""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise

import psycopg

from exporter.calendar import HOUR, MICROSECOND, Calendar, Hours
from exporter.sources import statements
from exporter.sources.database import Transaction
from exporter.sources.mapping import Source

ROWS_PER_RANGE = 10_000
HOURS_PER_RANGE = 1_000
BEGINNING = datetime.combine(statements.EARLIEST, time.min, UTC)


@dataclass(frozen=True, slots=True)
class KnownHour:
    """What the rollups remember of one hour of a ledger: how many entries, and their checksum."""

    day: date
    hour: int
    entries: int
    checksum: int


Remembered = Callable[[datetime | None], Awaitable[list[KnownHour]]]
"""The known hours from an instant on, in order of time, at most :data:`HOURS_PER_RANGE` of them."""


@dataclass(frozen=True, slots=True)
class Audited:
    """The hours that differ, how many were compared, and where the next audit begins (None: at the beginning again)."""

    wrong: list[Hours]
    buckets: int
    next: datetime | None


@dataclass(frozen=True, slots=True)
class AuditRange:
    """A range of time and what is known of it. ``next`` is where the following one begins; None when this is the last."""

    start: datetime
    end: datetime
    next: datetime | None
    known: dict[datetime, KnownHour]

    def pieces(self, origin: datetime, first: datetime) -> list["AuditRange"]:
        """The same in pieces of whole hours from ``origin``: what lies before the ``first`` entry, and halves of the rest."""
        begin = max(self.start, origin + (first - origin) // HOUR * HOUR)
        middle = begin + max(HOUR, (self.end - begin) / 2 // HOUR * HOUR)
        bounds = sorted({self.start, begin, min(middle, self.end), self.end})
        return [
            AuditRange(start, end, None, {at: each for at, each in self.known.items() if start <= at < end})
            for start, end in pairwise(bounds)
        ]


def next_range(calendar: Calendar, start: datetime | None, limit: datetime, remembered: list[KnownHour]) -> AuditRange:
    """The range from ``start`` (None: the beginning of time) on: about 10,000 rows, and never past ``limit``.

    It reaches to where the next known hour begins, so that rows in between, where nothing is known, are found too.
    """
    known: dict[datetime, KnownHour] = {}
    rows = 0
    for each in remembered:
        instant = calendar.start(each.day) + each.hour * HOUR
        rows += each.entries
        aligned = not known or (instant - next(iter(known))) % HOUR == timedelta(0)
        if instant >= limit or (known and (rows > ROWS_PER_RANGE or not aligned)):
            following = instant if instant < limit else None
            break
        known[instant] = each
    else:
        following = max(known) + HOUR if len(remembered) == HOURS_PER_RANGE else None
    return AuditRange(start or BEGINNING, following or limit, following, known)


def within(calendar: Calendar, start: datetime, end: datetime, remembered: list[KnownHour]) -> AuditRange:
    """A range of given bounds, in which hours are aligned, with what is known of it."""
    instants = {calendar.start(each.day) + each.hour * HOUR: each for each in remembered}
    return AuditRange(start, end, None, {instant: each for instant, each in instants.items() if start <= instant < end})


async def differing(transaction: Transaction, source: Source, calendar: Calendar, audit_range: AuditRange) -> list[Hours]:
    """The hours of the range whose entries are not those that the rollups remember.

    A range of too many hours, or one that takes longer than ``statement_timeout``, is compared in pieces; an hour that takes so
    long counts as differing.
    """
    if audit_range.start >= audit_range.end:
        return []
    origin = min(audit_range.known, default=calendar.start(calendar.day_of(audit_range.end)))
    try:
        async with transaction.savepoint():
            rows = await transaction.rows(
                statements.checksums(source), start=audit_range.start, end=audit_range.end, midnight=origin
            )
    except psycopg.errors.QueryCanceled:
        rows = None
    if rows is None or len(rows) > statements.MOST_HOURS:
        if audit_range.end - audit_range.start <= HOUR:
            return list(calendar.between(audit_range.start, audit_range.end - MICROSECOND))
        pieces = audit_range.pieces(origin, await _first(transaction, source, audit_range))
        return [hours for piece in pieces for hours in await differing(transaction, source, calendar, piece)]
    found = {(origin + hour * HOUR, entries, int(checksum)) for hour, entries, checksum in rows}
    known = {(instant, each.entries, each.checksum) for instant, each in audit_range.known.items()}
    return list(_hours(calendar, {instant for instant, *_ in found ^ known}))


@dataclass(frozen=True, slots=True)
class Audit:
    """An audit of one ledger in one transaction, of what lies before ``limit``."""

    transaction: Transaction
    source: Source
    calendar: Calendar
    limit: datetime
    remembered: Remembered

    async def step(self, start: datetime | None) -> Audited:
        """Audit the range from ``start`` on."""
        audited = next_range(self.calendar, start, self.limit, await self.remembered(start))
        wrong = await differing(self.transaction, self.source, self.calendar, audited)
        return Audited(wrong, len(audited.known), audited.next)

    async def sweep(self) -> Audited:
        """Audit everything."""
        all_of_it = await self.step(None)
        while all_of_it.next:
            more = await self.step(all_of_it.next)
            all_of_it = Audited(all_of_it.wrong + more.wrong, all_of_it.buckets + more.buckets, more.next)
        return all_of_it


async def _first(transaction: Transaction, source: Source, audit_range: AuditRange) -> datetime:
    """When the first entry of the range occurred, or its end where there is none."""
    rows = await transaction.rows(statements.next_entry(source), start=audit_range.start, end=audit_range.end)
    return rows[0][0] or audit_range.end


def _hours(calendar: Calendar, instants: Iterable[datetime]) -> Iterable[Hours]:
    for instant in instants:
        yield from calendar.between(instant, instant + HOUR - MICROSECOND)
