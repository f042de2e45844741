"""The answers of a simulated ledger: what PostgreSQL would say, from one snapshot."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from exporter.calendar import MICROSECOND, ONE_DAY
from exporter.sources.errors import SlowError, TooLargeError
from exporter.sources.horizon import Horizon
from exporter.sources.reader import Partition, Position, Span, Sums, Version
from exporter.sources.statements import BEGINNING
from exporter.sources.transfer import BATCH
from tests.sync.simulated import INFINITY, MINUS_INFINITY, Row, Snapshot
from tests.sync.simulated_rows import checksum, key, line, number, occurred

T = TypeVar("T")


@dataclass
class Limits:
    """What a statement may send or compare before it fails, and what is done before each call."""

    rows: int = BATCH.rows
    compared: int = 10**9
    before: Callable[[str], None] = lambda _: None
    sent: int = 0
    """Rows that were sent so far."""
    calls: Counter[str] = field(default_factory=Counter)


@dataclass
class SimulatedReader:
    """An :class:`exporter.sources.reader.EntryReader` over a snapshot."""

    snapshot: Snapshot
    limits: Limits

    def __post_init__(self) -> None:
        self.ledger = self.snapshot.ledger.name
        self.numbered = self.snapshot.ledger.numbered
        self.tracked = self.snapshot.ledger.tracked

    @property
    def partitions_checksum(self) -> str:
        return repr(sorted(self.snapshot.partitions)) if self.snapshot.partitions else ""

    async def partitions(self) -> dict[int, Partition]:
        self._begin("partitions")
        return dict(self.snapshot.partitions)

    async def horizon(self) -> Horizon:
        self._begin("horizon")
        return self.snapshot.horizon

    async def position(self) -> Position:
        self._begin("position")
        times = Counter(reason for row in self._rows() if (reason := _untimed(row.occurred_at)))
        ids = [each for each in self.snapshot.rows if isinstance(each, int)]
        updated = [at for at, _ in self._updated(BEGINNING, self.snapshot.now + MICROSECOND)]
        oldest = min((at for row in self._rows() if (at := occurred(row))), default=None)
        return Position(max(ids, default=None), max(updated, default=None), oldest, dict(times))

    async def id_bins(self, low: int, high: int, shift: int) -> dict[int, Sums]:
        self._begin("id_bins")
        return _bins((each >> shift, each) for each in self._compared(self._ids(low, high), divisible=high - low > 1 << shift))

    async def ids(self, low: int, high: int, shift: int, bins: Sequence[int]) -> list[int]:
        self._begin("ids")
        return [each for each in self._ids(low, high) if each >> shift in bins]

    async def update_bins(self, since: datetime, width: int) -> dict[int, Sums] | None:
        self._begin("update_bins")
        found = self._updated(since, INFINITY)
        return _bins((int(at.timestamp() // width), number((row.id, at))) for at, row in self._compared(found, divisible=True))

    async def versions(self, span: Span, width: int, bins: Sequence[int], most: int) -> list[Version]:
        self._begin("versions")
        found = [row for at, row in self._updated(span.start, span.end) if at.timestamp() // width in bins]
        return [Version(row.id, key(row), occurred(row), checksum(row, self.ledger)) for row in found[: most + 1]]

    async def checksums(self, spans: Sequence[Span], high: int | None, *, of_keys: bool = False) -> list[Sums]:
        self._begin("checksums")
        found = [self._within(span, high) for span in spans]
        self._compared(
            [row for rows in found for row in rows], divisible=len(spans) > 1 or spans[0].end - spans[0].start > ONE_DAY
        )
        sums = (sum(key(row) if of_keys else checksum(row, self.ledger) for row in rows) for rows in found)
        return [Sums(len(rows), total) for rows, total in zip(found, sums, strict=True)]

    async def first_entry(self, span: Span) -> datetime | None:
        self._begin("first_entry")
        return min(self._times(span), default=None)

    async def nth_entry(self, span: Span, rows: int) -> datetime | None:
        self._begin("nth_entry")
        return next(iter(sorted(self._times(span))[rows:]), None)

    async def fetch(self, span: Span, high: int | None, file: Path, part: tuple[int, int] = (0, 1)) -> int:
        self._begin("fetch")
        which, slices = part
        return self._send([row for row in self._within(span, high) if number(str(row.id)) & slices - 1 == which], file)

    async def nth_id(self, low: int, rows: int) -> int | None:
        self._begin("nth_id")
        return next(iter(sorted(each for each in self._ids(low, 2**63))[rows:]), None)

    async def fetch_above(self, low: int, high: int, file: Path) -> int:
        self._begin("fetch_above")
        return self._send([self.snapshot.rows[each] for each in self._ids(low, high)], file)

    async def fetch_ids(self, ids: Sequence[int | str], file: Path) -> int:
        self._begin("fetch_ids")
        return self._send([self.snapshot.rows[each] for each in ids if each in self.snapshot.rows], file)

    def _begin(self, call: str) -> None:
        self.limits.calls[call] += 1
        self.limits.before(call)

    def _rows(self) -> Iterable[Row]:
        return self.snapshot.rows.values()

    def _ids(self, low: int, high: int) -> list[int]:
        return [each for each in self.snapshot.rows if isinstance(each, int) and low < each <= high]

    def _updated(self, since: datetime, until: datetime) -> list[tuple[datetime, Row]]:
        return [(row.updated_at, row) for row in self._rows() if row.updated_at and since <= row.updated_at < until]

    def _within(self, span: Span, high: int | None) -> list[Row]:
        known = (row for row in self._rows() if high is None or not isinstance(row.id, int) or row.id <= high)
        return [row for row in known if row.occurred_at and span.start <= row.occurred_at < span.end]

    def _times(self, span: Span) -> list[datetime]:
        return [row.occurred_at for row in self._within(span, None) if row.occurred_at]

    def _compared(self, found: list[T], *, divisible: bool) -> list[T]:
        if divisible and len(found) > self.limits.compared:
            raise SlowError
        return found

    def _send(self, rows: list[Row], file: Path) -> int:
        if len(rows) > self.limits.rows:
            raise TooLargeError(BATCH)
        file.write_text("".join(line(row, self.ledger) for row in rows), encoding="utf-8")
        self.limits.sent += len(rows)
        return len(rows)


def _bins(found: Iterable[tuple[int, int]]) -> dict[int, Sums]:
    bins: dict[int, Sums] = {}
    for which, value in found:
        before = bins.get(which, Sums(0, 0))
        bins[which] = Sums(before.entries + 1, before.total + value)
    return bins


def _untimed(at: datetime | None) -> str | None:
    if at is None:
        return "missing_occurred_at"
    if at in (INFINITY, MINUS_INFINITY):
        return "not_finite"
    return "out_of_range" if at < BEGINNING else None
