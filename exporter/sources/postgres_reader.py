"""PostgreSQL's answers to what the sync engine asks of a ledger of timed entries."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from psycopg import sql

from exporter.calendar import ONE_DAY, Calendar
from exporter.sources import comparisons, statements
from exporter.sources.horizon import Horizon, horizon
from exporter.sources.mapping import Source, Statement
from exporter.sources.partitions import partitions
from exporter.sources.reader import Partition, Position, Span, Sums, Version
from exporter.sources.transaction import Transaction
from exporter.sources.transfer import BATCH

MOST_BINS = 20_000
"""Bins of ``updated_at`` beyond which they are too many to be compared."""
EPOCH = datetime.combine(comparisons.EPOCH, time.min, UTC)
"""Where the bins of ``updated_at`` are counted from."""


class PostgresReader:
    """The answers of PostgreSQL, from one open transaction. See :class:`EntryReader`.

    Of a ledger that tells days only, an entry occurs when its day begins in the time zone of ``calendar``.
    """

    def __init__(self, transaction: Transaction, source: Source, calendar: Calendar) -> None:
        self._transaction = transaction
        self._source = source
        self._days = calendar if source.ledger.timed_by == "day" else None

    @property
    def numbered(self) -> bool:
        """Whether ids are whole numbers, which grow."""
        return self._source.numbered

    @property
    def tracked(self) -> bool:
        """Whether an entry says when it was updated."""
        return self._source.has("updated_at")

    @property
    def partitions_checksum(self) -> str:
        """A checksum of which partitions there are; empty where there are none."""
        return self._source.table.partitions

    async def partitions(self) -> dict[int, Partition]:
        """The partitions of all levels, by oid."""
        async with self._transaction.attempt():
            return await partitions(self._transaction, self._source)

    async def horizon(self) -> Horizon:
        """Which transactions the snapshot still saw running."""
        found = await self._transaction.once(horizon)
        return replace(found, complete=found.complete and self._source.table.numbers_grow)

    async def position(self) -> Position:
        """What is newest."""
        now = self._updated(self._transaction.now) if self.tracked else None
        newest_id, updated_at, oldest, *counts = (await self._rows(statements.position, now=now))[0]
        untimed = zip(statements.untimed_reasons(self._source), counts, strict=True)
        return Position(newest_id, updated_at, self._instant(oldest), {reason: count for reason, count in untimed if count})

    async def id_bins(self, low: int, high: int, shift: int) -> dict[int, Sums]:
        """By ``id >> shift``, how many ids lie above ``low`` and up to ``high``, and their sum."""
        rows = await self._rows(comparisons.id_bins, low=low, high=high, shift=shift)
        return {number: Sums(count, int(total)) for number, count, total in rows}

    async def ids(self, low: int, high: int, shift: int, bins: Sequence[int]) -> list[int]:
        """The ids in some of these bins."""
        rows = await self._rows(comparisons.ids, low=low, high=high, shift=shift, bins=list(bins))
        return [number for (number,) in rows]

    async def update_bins(self, since: datetime, width: int) -> dict[int, Sums] | None:
        """By bins of so many seconds, the entries updated since an instant; None where these are too many to be compared."""
        seconds = timedelta(seconds=width)
        parameters = {"since": self._updated(since), "width": seconds, "most": MOST_BINS + 1}
        rows = await self._rows(comparisons.update_bins, **parameters)
        if len(rows) > MOST_BINS:
            return None
        return {(_utc(start) - EPOCH) // seconds: Sums(count, int(total)) for start, count, total in rows}

    async def versions(self, span: Span, width: int, bins: Sequence[int], most: int) -> list[Version]:
        """The entries updated within a span, in some of these bins; at most one more than ``most``."""
        seconds = timedelta(seconds=width)
        starts = [self._updated(EPOCH + number * seconds) for number in bins]
        bounds = {"since": self._updated(span.start), "until": self._updated(span.end)}
        parameters = bounds | {"width": seconds, "bins": starts, "most": most + 1}
        rows = await self._rows(comparisons.versions, **parameters)
        return [Version(number, key, self._instant(at), checksum) for number, key, at, checksum in rows]

    async def checksums(self, spans: Sequence[Span], high: int | None, *, of_keys: bool = False) -> list[Sums]:
        """Of each span, the entries up to the high watermark, and the sum of their checksums or keys."""
        statement = comparisons.key_sums if of_keys else comparisons.checksums
        found: list[Sums] = []
        for asked in adjoining(spans) if self._source.table.remote else [spans]:
            rows = await self._rows(statement, **self._bounds(asked), high=high)
            sums = {number: Sums(entries, int(total)) for number, entries, total in rows}
            found += (sums.get(number, Sums(0, 0)) for number in range(1, len(asked) + 1))
        return found

    async def first_entry(self, span: Span) -> datetime | None:
        """When the first entry of a span occurred."""
        bounds = {"start": self._bound(span.start), "end": self._bound(span.end)}
        return self._instant((await self._rows(statements.next_entry, **bounds))[0][0])

    async def nth_entry(self, span: Span, rows: int) -> datetime | None:
        """The time of the entry that has ``rows`` entries of the span before it; None if there are fewer."""
        bounds = {"start": self._bound(span.start), "end": self._bound(span.end)}
        found = await self._rows(statements.nth_entry, **bounds, rows=rows)
        return self._instant(found[0][0]) if found else None

    async def fetch(self, span: Span, high: int | None, file: Path, part: tuple[int, int] = (0, 1)) -> int:
        """Write the entries of a span, up to the high watermark, to a CSV file; returns how many rows there are."""
        number, slices = part
        statement = (
            self._source.composed(statements.entries) if slices == 1 else statements.entries(self._source, slices=slices)
        )
        bounds = {"start": self._bound(span.start), "end": self._bound(span.end)}
        return await self._copy(statement, file, **bounds, high=high, slice=number)

    async def nth_id(self, low: int, rows: int) -> int | None:
        """The id above ``low`` below which there are so many others; None where there are fewer."""
        found = await self._rows(comparisons.nth_id, low=low, rows=rows)
        return found[0][0] if found else None

    async def fetch_above(self, low: int, high: int, file: Path) -> int:
        """Write the entries with ids above ``low`` and up to ``high`` to a CSV file; returns how many there are."""
        return await self._copy(self._source.composed(statements.new_entries), file, low=low, high=high)

    async def fetch_ids(self, ids: Sequence[int | str], file: Path) -> int:
        """Write the entries with these ids to a CSV file; returns how many there are."""
        return await self._copy(self._source.composed(statements.named_entries), file, ids=list(ids))

    def _bounds(self, spans: Sequence[Span]) -> dict[str, Any]:
        """Spans as the statements take them that compare them."""
        starts, ends = [self._bound(span.start) for span in spans], [self._bound(span.end) for span in spans]
        if self._source.table.remote:
            return {"bounds": [*starts, ends[-1]], "start": starts[0], "end": ends[-1]}
        return {"starts": starts, "ends": ends}

    def _updated(self, instant: datetime) -> datetime:
        """An instant as ``updated_at`` tells it."""
        return self._source.value("updated_at", instant)

    def _bound(self, instant: datetime) -> datetime | date:
        """A bound of a span as the source compares it: of days, the first one that does not begin before the instant."""
        if self._days is None:
            return self._source.value("occurred_at", instant)
        day = self._days.day_of(instant)
        return day if self._days.start(day) >= instant else day + ONE_DAY

    def _instant(self, at: datetime | None) -> datetime | None:
        """When an entry occurred, of which PostgreSQL tells midnight in UTC if it knows the day only."""
        return self._days.start(at.date()) if self._days and at else at

    async def _rows(self, statement: Statement, **parameters: object) -> list[Any]:
        async with self._transaction.attempt():
            return await self._transaction.rows(self._source.composed(statement), **parameters)

    async def _copy(self, statement: sql.SQL | sql.Composed, file: Path, **parameters: object) -> int:
        try:
            async with self._transaction.attempt():
                return await self._transaction.copy(statement, file, BATCH, **parameters)
        except BaseException:
            file.unlink(missing_ok=True)  # noqa: ASYNC240 - of a local file that is no use
            raise


def adjoining(spans: Sequence[Span]) -> list[list[Span]]:
    """The spans in runs without a gap in them."""
    runs: list[list[Span]] = []
    for span in spans:
        if runs and runs[-1][-1].end == span.start:
            runs[-1].append(span)
        else:
            runs.append([span])
    return runs


def _utc(instant: datetime) -> datetime:
    """Of a column without a time zone, the instant is in UTC."""
    return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant
