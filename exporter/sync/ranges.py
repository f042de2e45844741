"""Which ranges of a ledger to compare with what is known of them. Pure: from what the rollups know to spans of time."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import accumulate

from exporter.calendar import Calendar
from exporter.rollups.ranges import Key, KnownRange
from exporter.sources.reader import Span, Sums

MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Expected:
    """A span of time, and what is known of it: a range, or nothing (None), so that there should be no entry."""

    span: Span
    known: KnownRange | None = None
    found: int | None = field(default=None, compare=False)
    """How many entries it was found to hold, if it was counted."""

    @property
    def grown(self) -> bool:
        """Whether it was found to hold more entries than are known."""
        return self.found is not None and self.found > (self.known.entries if self.known else 0)

    def differs(self, found: Sums, *, of_keys: bool = False) -> bool:
        """Whether the ledger holds other entries than are known."""
        if self.known is None:
            return found.entries > 0
        return self.known.unread or found != (self.known.entries, self.known.keys if of_keys else self.known.checksum)


class Budget:
    """Spreads a comparison that is too large for every poll over several: it is due in every n-th."""

    def __init__(self, rows: int) -> None:
        self._rows = rows
        self._saved = 0

    def due(self, rows: int) -> bool:
        """Whether a comparison of so many rows is due in this poll."""
        self._saved += self._rows
        if rows > self._saved:
            return False
        self._saved = 0
        return True


def span(calendar: Calendar, known: KnownRange) -> Span:
    """The instants that a range covers: no more than its day."""
    start = calendar.start(known.day) + known.minute * MINUTE
    return Span(start, min(start + known.minutes * MINUTE, calendar.end(known.day)))


def key(calendar: Calendar, instant: datetime) -> Key:
    """The day, and the minute after midnight, that an instant falls in."""
    day = calendar.day_of(instant)
    return day, (instant - calendar.start(day)) // MINUTE


def hour(calendar: Calendar, instant: datetime) -> Key:
    """As :func:`key`, at the beginning of the hour: where a range may begin that holds the instant."""
    day, minute = key(calendar, instant)
    return day, minute // 60 * 60


def settled_before(calendar: Calendar, instant: datetime) -> tuple[date, int]:
    """The day and hour before which ranges are long, when what is older than an instant has settled."""
    day, begin = key(calendar, instant)
    return day, begin // 60


def minute(calendar: Calendar, at: Key) -> Span:
    """The minute that a range begins with."""
    start = calendar.start(at[0]) + at[1] * MINUTE
    return Span(start, start + MINUTE)


def cover(calendar: Calendar, whole: Span, known: Iterable[KnownRange]) -> list[Expected]:
    """A span in ranges and the gaps between them, in order. Ranges that begin before the span or reach beyond it stay whole."""
    found: list[Expected] = []
    at = whole.start
    for each in known:
        covered = span(calendar, each)
        if covered.end <= whole.start or covered.start >= covered.end:
            continue
        if covered.start > at:
            found.append(Expected(Span(at, covered.start)))
        found.append(Expected(covered, each))
        at = covered.end
    if at < whole.end:
        found.append(Expected(Span(at, whole.end)))
    return found


def entries(expected: Iterable[Expected]) -> int:
    """How many entries are known of all these."""
    return sum(each.known.entries for each in expected if each.known)


def first(expected: Sequence[Expected], rows: int) -> list[Expected]:
    """The first of them, as many as hold so many entries; one at least."""
    counts = accumulate(each.known.entries if each.known else 0 for each in expected)
    return list(expected[: max(sum(1 for count in counts if count <= rows), 1)])


def newest(expected: Sequence[Expected], rows: int) -> list[Expected]:
    """The last of them, as many as hold so many entries; one at least."""
    counts = accumulate(each.known.entries if each.known else 0 for each in reversed(expected))
    kept = sum(1 for count in counts if count <= rows)
    return list(expected[-max(kept, 1) :])


def disjoint(expected: Iterable[Expected]) -> list[Expected]:
    """The same, with gaps that overlap made one: an entry that is read twice would be counted twice."""
    found: list[Expected] = []
    for each in sorted(expected, key=lambda each: each.span.start):
        before = found[-1] if found else None
        if before and before.known is None and each.known is None and each.span.start < before.span.end:
            found[-1] = Expected(Span(before.span.start, max(before.span.end, each.span.end)))
        else:
            found.append(each)
    return found


def chunks(expected: Sequence[Expected], most: int) -> Iterator[Sequence[Expected]]:
    """The same in pieces of at most so many."""
    return (expected[at : at + most] for at in range(0, len(expected), most))
