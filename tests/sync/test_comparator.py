"""Comparing a ledger with what is known of it, also where statements take too long."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

import pytest

from exporter.rollups.ranges import KnownRange
from exporter.sources.reader import Span
from exporter.sync.comparator import MOST_SPANS, differing
from exporter.sync.ranges import Expected
from tests.sync.memory import Entry, Memory

DAY = date(2026, 5, 14)
MIDNIGHT = datetime(2026, 5, 14, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def entry(minute: float, number: int, checksum: int = 7) -> Entry:
    return Entry(MIDNIGHT + minute * MINUTE, number, checksum)


def known(minute: int, *entries: Entry) -> Expected:
    """A minute of which these entries are known."""
    sums = len(entries), sum(each.checksum for each in entries), sum(each.id for each in entries)
    return Expected(span(minute, minute + 1), KnownRange(DAY, minute, 1, *sums))


def gap(start: int, end: int) -> Expected:
    return Expected(span(start, end))


def span(start: float, end: float) -> Span:
    return Span(MIDNIGHT + start * MINUTE, MIDNIGHT + end * MINUTE)


async def test_spans_differ_that_hold_something_else_than_is_known() -> None:
    here, changed, moved = entry(0, 1), entry(1, 2, checksum=8), entry(3, 3)
    expected = [known(0, here), known(1, entry(1, 2, checksum=9)), known(2, entry(2, 3)), gap(3, 4), gap(4, 9)]
    found = await differing(Memory([here, changed, moved]).reader, expected, None)
    assert found == expected[1:4]


async def test_entries_above_the_high_watermark_do_not_count() -> None:
    memory = Memory([entry(0, 1), entry(0, 5), entry(1, 6)])
    expected = [known(0, entry(0, 1)), gap(1, 2)]
    assert await differing(memory.reader, expected, 4) == []
    assert await differing(memory.reader, expected, 5) == expected[:1]
    assert await differing(memory.reader, expected, None) == expected


async def test_keys_are_compared_where_that_is_asked() -> None:
    memory = Memory([entry(0, 1, checksum=99)])
    assert await differing(memory.reader, [known(0, entry(0, 1))], None, of_keys=True) == []
    assert await differing(memory.reader, [known(0, entry(0, 2, checksum=99))], None, of_keys=True) != []


async def test_no_statement_compares_more_than_so_many_spans() -> None:
    memory = Memory([])
    await differing(memory.reader, [gap(minute, minute + 1) for minute in range(2 * MOST_SPANS + 1)], None)
    assert [len(spans) for spans in memory.asked] == [MOST_SPANS, MOST_SPANS, 1]
    assert await differing(memory.reader, [], None) == []


async def test_a_range_that_cannot_be_compared_in_time_differs() -> None:
    slow, quick = [entry(0.5, number) for number in range(3)], entry(1, 9)
    memory = Memory([*slow, quick], slow=lambda _, entries: len(entries) > 2)
    expected = [known(0, *slow), known(1, quick)]
    assert await differing(memory.reader, expected, None) == expected[:1]


async def test_a_gap_that_cannot_be_compared_in_time_is_halved() -> None:
    memory = Memory([entry(1, 1), entry(7, 2)], slow=lambda asked, _: asked.end - asked.start > 2 * MINUTE)
    found = await differing(memory.reader, [gap(0, 8)], None)
    assert found == [gap(0, 2), gap(6, 8)]


@pytest.mark.parametrize("most", [1, 2, 3, 7])
@pytest.mark.parametrize("wrong", [(), (0,), (3, 4), (0, 1, 2, 3, 4, 5, 6)])
async def test_dividing_finds_what_one_statement_would(most: int, wrong: Sequence[int]) -> None:
    entries = [entry(minute, minute) for minute in range(7)]
    expected = [known(minute, entries[minute], *([entry(minute, 99)] if minute in wrong else [])) for minute in range(7)]
    memory = Memory(entries, most_spans=most)
    assert await differing(memory.reader, expected, None) == [expected[minute] for minute in wrong]
    assert max(map(len, memory.asked)) == 7


async def test_an_error_is_not_taken_for_a_slow_statement() -> None:
    def fail(_span: Span, _entries: list[Entry]) -> bool:
        raise TimeoutError

    with pytest.raises(TimeoutError):
        await differing(Memory([], slow=fail).reader, [gap(0, 1)], None)
