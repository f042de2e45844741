"""Reading in batches: each entry once, and no statement sends more, or takes longer, than it may."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exporter.sources.errors import SlowError, TooLargeError
from exporter.sources.reader import Span
from exporter.sources.transfer import Limit
from exporter.sync import batches as module
from exporter.sync.batches import Batch, BatchReader
from tests.sync.memory import Entry, Memory

START = datetime(2026, 5, 14, tzinfo=UTC)
SECOND, DAY = timedelta(seconds=1), timedelta(days=1)
# Entries lie close together and far apart, and many at one time.
TIMES = st.one_of(st.integers(0, 5), st.integers(0, 10**9), st.integers(0, 5 * 86_400 * 10**6 - 1)).map(
    lambda microseconds: START + timedelta(microseconds=microseconds)
)
WHOLE = Span(START, START + 5 * DAY)
MANY = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def batches(tmp_path: Path) -> BatchReader:
    return BatchReader("costs", tmp_path, patience=DAY)


@pytest.fixture(autouse=True)
def limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """A batch has eight entries at most."""
    monkeypatch.setattr(module, "BATCH", Limit(rows=8, size=1_000))
    monkeypatch.setattr(module, "NEW_ROWS", 8)


def ledger(times: list[datetime], rows: int = 8, slow: int = 1_000_000) -> Memory:
    """A ledger with entries at these times, of which one statement sends so many and reads so many in time."""
    entries = [Entry(time, number) for number, time in enumerate(times, 1)]
    return Memory(entries, rows, slow=lambda _, found: len(found) > slow)


def ids(*files: Path) -> list[int]:
    return [int(line) for file in files for line in file.read_text().splitlines()]


def assert_complete(found: list[Batch], expected: list[Entry]) -> None:
    """The batches hold these entries, each once and within its span, and follow each other in time."""
    assert sorted(ids(*(file for batch in found for file in batch.files))) == sorted(entry.id for entry in expected)
    for batch in found:
        within = {entry.id for entry in expected if batch.span.start <= entry.occurred_at < batch.span.end}
        assert set(ids(*batch.files)) == within
        assert batch.rows == len(within)
        assert all(len(ids(file)) <= 8 for file in batch.files)
    assert all(before.span.end <= after.span.start for before, after in pairwise(found))


@MANY
@given(times=st.lists(TIMES, max_size=60), high=st.none() | st.integers(0, 60))
async def test_a_span_is_read_once_and_in_order(batches: BatchReader, times: list[datetime], high: int | None) -> None:
    memory = ledger(times)
    found = [batch async for batch in batches.all(memory.reader, WHOLE, high)]
    assert_complete(found, [entry for entry in memory.entries if high is None or entry.id <= high])


@MANY
@given(seconds=st.sets(st.integers(0, 5 * 86_400 - 1), max_size=40), slow=st.integers(1, 8))
async def test_a_slow_span_is_read_in_shorter_ones(batches: BatchReader, seconds: set[int], slow: int) -> None:
    memory = ledger([START + second * SECOND for second in sorted(seconds)], slow=slow)
    found = [batch async for batch in batches.all(memory.reader, WHOLE, None)]
    assert_complete(found, [*memory.entries])


async def test_a_second_that_is_too_slow_is_an_error(batches: BatchReader) -> None:
    memory = ledger([START] * 3, slow=2)
    with pytest.raises(SlowError):
        await batches.first(memory.reader, WHOLE, None)
    assert memory.fetched[-1].end - memory.fetched[-1].start <= SECOND


async def test_a_moment_is_divided_by_ids_where_it_is_too_large(batches: BatchReader) -> None:
    batch = await batches.first(ledger([START] * 100).reader, WHOLE, None)
    assert batch.span == Span(START, START + timedelta(microseconds=1))
    assert (batch.rows, len(batch.files)) == (100, 16)
    assert sorted(ids(*batch.files)) == [*range(1, 101)]


async def test_a_moment_that_cannot_be_divided_is_an_error(batches: BatchReader) -> None:
    memory = Memory([Entry(START, number * 4096) for number in range(9)], rows=8)
    with pytest.raises(TooLargeError):
        await batches.first(memory.reader, WHOLE, None)


async def test_what_fits_is_remembered_for_the_next_span(batches: BatchReader) -> None:
    memory = ledger([START + number * SECOND for number in range(100)])
    lengths = [
        batch.span.end - batch.span.start async for batch in batches.all(memory.reader, Span(START, START + 99 * SECOND), None)
    ]
    assert max(lengths) <= 8 * SECOND
    tries = len(memory.fetched)
    await batches.first(memory.reader, Span(START, START + 99 * SECOND), None)
    assert len(memory.fetched) == tries + 1


async def test_empty_days_are_skipped(batches: BatchReader) -> None:
    memory = ledger([START + 1000 * DAY, START + 2000 * DAY])
    found = [batch async for batch in batches.all(memory.reader, Span(START, START + 3000 * DAY), None)]
    assert_complete(found, [*memory.entries])
    assert len(memory.fetched) < 10


@MANY
@given(numbers=st.sets(st.integers(-100, 100) | st.integers(-(10**6), 10**6), min_size=1), rows=st.integers(1, 8))
async def test_new_entries_are_read_once_and_in_order(batches: BatchReader, numbers: set[int], rows: int) -> None:
    memory = Memory([Entry(START, number) for number in numbers], rows=rows)
    low, newest, found = -(2**63), max(numbers), list[int]()
    while low < newest:
        file, count, high = await batches.new(memory.reader, low, newest)
        assert low < high <= newest
        assert count == len(ids(file))
        found, low = found + ids(file), high
    assert sorted(found) == sorted(numbers)


@MANY
@given(numbers=st.sets(st.integers(0, 100)), rows=st.integers(1, 8))
async def test_entries_are_read_by_their_ids(batches: BatchReader, numbers: set[int], rows: int) -> None:
    memory = Memory([Entry(START, number) for number in range(0, 100, 2)], rows=rows)
    files, found = await batches.among(memory.reader, sorted(numbers))
    assert sorted(ids(*files)) == [number for number in sorted(numbers) if number < 100 and number % 2 == 0]
    assert found == len(ids(*files))


def test_each_file_has_a_name_of_its_own(batches: BatchReader) -> None:
    names = [batches.file().name for _ in range(3)]
    assert names == ["costs-0.csv", "costs-1.csv", "costs-2.csv"]
