"""What fails while a ledger is read is tried again, and neither loses nor doubles a row."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import pytest

from exporter.sources.errors import SlowError, SourceError
from exporter.sync import certain
from tests.sync.checks import Checked, sizes
from tests.sync.simulated import Ledger, times_around
from tests.sync.simulated_reader import Limits, SimulatedReader

NOW = datetime(2026, 5, 14, 15, 20, tzinfo=UTC)
OLD = NOW - timedelta(days=9)
MOST_CALLS = 300
READS = ["horizon", "position", "id_bins", "ids", "update_bins", "versions", "checksums"]
FETCHES = ["first_entry", "nth_entry", "fetch", "nth_id", "fetch_above", "fetch_ids"]
KINDS = [("costs", True, True), ("costs", False, True), ("impacts", True, True), ("impacts", False, False)]
"""By name, whether ids are numbers, and whether updates are told."""


@pytest.fixture(params=KINDS, ids=lambda kind: f"{kind[0]}-{'ids' if kind[1] else 'texts'}-{'tracked' if kind[2] else ''}")
def checked(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Checked]:
    name, numbered, tracked = request.param
    ledger = Ledger(name, NOW, numbered, tracked)
    for at in times_around(NOW):
        ledger.add(at, task_id="t1")
    with sizes(small=True):
        checked = Checked(ledger, tmp_path)
        yield checked
        checked.close()


def change(checked: Checked) -> None:
    """Commit one change of each kind, also ones that only an audit can find, and one that was open for a while."""
    ledger = checked.ledger
    slow = ledger.begin()
    slow.insert(OLD, task_id="slow")
    checked.poll()
    ledger.now += timedelta(minutes=1)
    for at in times_around(ledger.now):
        ledger.add(at, task_id="t2")
    ids = list(ledger.rows)
    transaction = ledger.begin()
    transaction.update(ids[0], touch=True, task_id="t3")
    transaction.update(ids[4], touch=True, occurred_at=OLD + timedelta(hours=2))
    transaction.delete(ids[1])
    checked.commit(transaction)
    checked.commit(slow)


def failing(checked: Checked, fail: Callable[[str], None]) -> str | None:
    """One poll in which calls of the reader fail."""
    before, checked.engine.limits.before = checked.engine.limits.before, fail
    error = checked.attempt(10**6)
    checked.engine.limits.before = before
    return error


def never_in_time(_: str) -> None:
    raise SlowError


@pytest.mark.slow
def test_crashes_at_any_call_lose_nothing(checked: Checked) -> None:
    checked.poll()
    change(checked)
    for calls in count(1, 9):
        if checked.attempt(calls) is None:
            break
    assert calls > 0
    checked.audit()


@pytest.mark.slow
def test_a_crash_at_any_call_of_the_first_build_loses_nothing(checked: Checked) -> None:
    for calls in count(0, 5):
        if checked.attempt(calls) is None:
            break
    assert calls > 0
    checked.poll()


@pytest.mark.slow
@pytest.mark.parametrize("call", READS + FETCHES)
@pytest.mark.parametrize("error", [SlowError(), SourceError("no")], ids=["slow", "refused"])
def test_a_call_that_always_fails_ends_the_poll(tmp_path: Path, call: str, error: SourceError) -> None:
    calls = 0

    def fail(name: str) -> None:
        nonlocal calls
        calls += 1
        assert calls < MOST_CALLS, "the engine tries for ever"
        if name == call:
            raise error

    ledger = Ledger("impacts", NOW, tracked=True)
    with sizes(small=False):
        checked = Checked(ledger, tmp_path)
        checked.poll()
        for number in (63, 130, 131):
            ledger.add(OLD, number, task_id="t1")
        checked.poll()
        change(checked)
        failing(checked, fail)
        checked.poll()
        checked.close()


def test_an_error_midway_leaves_nothing_out(checked: Checked) -> None:
    """What updates and lookback made suspect is compared by the next poll."""
    checked.poll()
    change(checked)
    known = checked.certain

    def fail(name: str) -> None:
        if name in ("fetch", "fetch_ids"):
            raise SourceError

    failing(checked, fail)
    checked.certain = known
    checked.poll()


@pytest.mark.parametrize("low, high", [(0, 1), (63, 64), (63, 130), (62, 65), (-(2**63), 2**62)])
async def test_ids_that_can_never_be_compared_in_time_are_an_error(low: int, high: int) -> None:
    limits = Limits(before=never_in_time)
    with pytest.raises(SlowError):
        await certain._id_bins(SimulatedReader(Ledger("costs", NOW).snapshot(), limits), low, high, 6)
    assert limits.calls.total() < MOST_CALLS


@pytest.mark.parametrize("low, count", [(0, 3), (0, 9), (-(2**63), 3)])
async def test_ids_are_compared_in_parts_as_small_as_two(low: int, count: int) -> None:
    ledger = Ledger("costs", NOW)
    for number in range(1, count + 1):
        ledger.add(NOW, number)
    reader = SimulatedReader(ledger.snapshot(), Limits(compared=2))
    found = await certain._id_bins(reader, low, count, 0)
    assert {number: each.entries for number, each in found.items()} == dict.fromkeys(range(1, count + 1), 1)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["costs", "impacts"])
def test_a_crash_after_a_slow_first_build_loses_nothing(name: str, tmp_path: Path) -> None:
    """What was open during the build is looked for again, until all of it is found."""
    failed: str | None = "not tried"
    with sizes(small=True):
        for calls in range(4, 40, 10):
            ledger = Ledger(name, NOW)
            slow = ledger.begin()
            for number in range(12):
                slow.insert(OLD - timedelta(days=number), task_id="slow")
            ledger.add(NOW, task_id="quick")
            (tmp_path / str(calls)).mkdir()
            checked = Checked(ledger, tmp_path / str(calls))
            checked.poll()
            checked.commit(slow)
            failed = checked.attempt(calls)
            checked.certain = True
            checked.poll()
            checked.close()
    assert failed is None
