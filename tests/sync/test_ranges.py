"""Dividing spans of time into known ranges and gaps, in zones whose days have 23, 24.5 or 25 hours, or no hours at all."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.calendar import MICROSECOND, Calendar
from exporter.rollups.ranges import KnownRange
from exporter.sources.reader import Span, Sums
from exporter.sync import ranges
from exporter.sync.ranges import Budget, Expected

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
# Each with days around which the clocks change; Apia has no 30 December 2011, St. John's repeats the hour before midnight.
CHANGES = {
    "UTC": date(2026, 5, 14),
    "Europe/Berlin": date(2026, 10, 25),
    "Australia/Lord_Howe": date(2026, 4, 5),
    "Pacific/Apia": date(2011, 12, 30),
    "America/St_Johns": date(2010, 11, 7),
}


def local_days(calendar: Calendar, first: date, days: int = 4) -> list[tuple[date, datetime, datetime]]:
    """Days around the first, and the instants at which they begin and end; without those that the zone skips."""
    midnights = [(day, calendar.start(day)) for day in (first + timedelta(days=at - 1) for at in range(days + 1))]
    return [(day, start, end) for (day, start), (_, end) in pairwise(midnights) if start < end]


@st.composite
def situations(draw: st.DrawFn) -> tuple[Calendar, list[tuple[Span, KnownRange]], Span]:
    """A zone, ranges that are known with their spans, in order, and a span within their days."""
    zone = draw(st.sampled_from(sorted(CHANGES)))
    calendar = Calendar(ZoneInfo(zone))
    days = local_days(calendar, CHANGES[zone])
    known = []
    for day, start, end in days:
        for hour in sorted(draw(st.sets(st.integers(0, (end - start - MICROSECOND) // HOUR)))):
            minutes = draw(st.sampled_from([1, 5, 60]))
            for number in sorted(draw(st.sets(st.integers(0, 60 // minutes - 1), max_size=3))):
                begin = start + hour * HOUR + number * minutes * MINUTE
                if begin < end:
                    each = KnownRange(day, hour * 60 + number * minutes, minutes, 1, 0, 0)
                    known.append((Span(begin, min(begin + minutes * MINUTE, end)), each))
    times = st.timedeltas(timedelta(0), days[-1][2] - days[0][1] - MICROSECOND).map(lambda after: days[0][1] + after)
    start, last = sorted((draw(times), draw(times)))
    return calendar, known, Span(start, last + MICROSECOND)


def around(calendar: Calendar, whole: Span, known: Sequence[tuple[Span, KnownRange]]) -> list[KnownRange]:
    """The ranges that are looked up for a span, as the rollups find them by their keys."""
    first, last = ranges.hour(calendar, whole.start), ranges.key(calendar, whole.end - MICROSECOND)
    return [each for _, each in known if first <= each.key <= last]


@given(situations())
def test_a_cover_has_no_gap_and_no_overlap_and_each_range_once(
    situation: tuple[Calendar, list[tuple[Span, KnownRange]], Span],
) -> None:
    calendar, known, whole = situation
    found = ranges.cover(calendar, whole, around(calendar, whole, known))
    assert found[0].span.start <= whole.start
    assert found[-1].span.end >= whole.end
    assert all(before.span.end == after.span.start for before, after in pairwise(found))
    within = [(span, each) for span, each in known if span.start < whole.end and span.end > whole.start]
    assert [(each.span, each.known) for each in found if each.known] == within
    assert all(each.span.start >= whole.start and each.span.end <= whole.end for each in found if not each.known)


@pytest.mark.parametrize("zone", CHANGES)
@given(data=st.data())
def test_an_instant_is_in_the_minute_of_its_key(zone: str, data: st.DataObject) -> None:
    calendar = Calendar(ZoneInfo(zone))
    days = local_days(calendar, CHANGES[zone])
    day, start, end = data.draw(st.sampled_from(days))
    instant = start + data.draw(st.timedeltas(timedelta(0), end - start - MICROSECOND))
    minute = (instant - start) // MINUTE
    assert ranges.key(calendar, instant) == (day, minute)
    assert ranges.hour(calendar, instant) == (day, minute - minute % 60)
    assert ranges.settled_before(calendar, instant) == (day, minute // 60)
    assert ranges.minute(calendar, (day, minute)) == Span(start + minute * MINUTE, start + minute * MINUTE + MINUTE)


def test_a_range_ends_with_its_day() -> None:
    calendar = Calendar(ZoneInfo("Australia/Lord_Howe"))  # the day has 24 hours and a half
    found = ranges.span(calendar, KnownRange(date(2026, 4, 5), 1440, 60, 1, 0, 0))
    assert found == Span(datetime(2026, 4, 5, 13, 0, tzinfo=UTC), datetime(2026, 4, 5, 13, 30, tzinfo=UTC))


HERE = Span(datetime(2026, 5, 14, tzinfo=UTC), datetime(2026, 5, 14, 1, tzinfo=UTC))


def holding(*entries: int | None) -> list[Expected]:
    """Ranges with so many entries each; None is a gap."""
    counts = [None if count is None else KnownRange(date(2026, 5, 14), 0, 1, count, 70, 80) for count in entries]
    return [Expected(HERE, known) for known in counts]


@pytest.mark.parametrize(
    "expected, found, of_keys, differs",
    [
        (holding(3)[0], Sums(3, 70), False, False),
        (holding(3)[0], Sums(3, 71), False, True),
        (holding(3)[0], Sums(4, 70), False, True),
        (holding(3)[0], Sums(3, 80), True, False),
        (holding(3)[0], Sums(3, 70), True, True),
        (holding(None)[0], Sums(0, 0), False, False),
        (holding(None)[0], Sums(1, 0), False, True),
    ],
)
def test_a_span_differs_in_its_count_or_its_sum(expected: Expected, found: Sums, *, of_keys: bool, differs: bool) -> None:
    assert expected.differs(found, of_keys=of_keys) is differs


@pytest.mark.parametrize(
    "entries, rows, first, newest",
    [
        ([5, 5, 5], 10, 2, 2),
        ([5, 5, 5], 9, 1, 1),
        ([50, 5, 50], 10, 1, 1),
        ([None, 10, None, 1], 10, 3, 2),
        ([1, None, None], 0, 1, 2),
        ([5, 5, 5], 100, 3, 3),
    ],
)
def test_as_many_ranges_as_hold_so_many_entries(entries: list[int | None], rows: int, first: int, newest: int) -> None:
    expected = holding(*entries)
    assert ranges.first(expected, rows) == expected[:first]
    assert ranges.newest(expected, rows) == expected[-newest:]
    assert ranges.entries(expected) == sum(count or 0 for count in entries)


def test_chunks_are_in_order_and_of_a_bounded_size() -> None:
    assert [len(chunk) for chunk in ranges.chunks(holding(1, 2, 3, 4, 5), 2)] == [2, 2, 1]
    assert [each for chunk in ranges.chunks(holding(1, 2, 3), 2) for each in chunk] == holding(1, 2, 3)
    assert list(ranges.chunks([], 2)) == []


def test_a_large_comparison_is_due_in_every_third_poll() -> None:
    budget = Budget(10)
    assert [budget.due(30) for _ in range(7)] == [False, False, True, False, False, True, False]
    assert Budget(10).due(10)
    assert not Budget(10).due(11)


@given(st.lists(st.integers(0, 50), min_size=1))
def test_no_more_is_compared_than_the_budget_allows(rows: list[int]) -> None:
    budget = Budget(10)
    compared = sum(each for each in rows if budget.due(each))
    assert compared <= 10 * len(rows)
