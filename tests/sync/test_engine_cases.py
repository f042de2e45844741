"""What others who follow a table that is written to ran into, case by case."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.sync.checks import Checked, sizes
from tests.sync.simulated import Ledger

NOW = datetime(2026, 5, 14, 15, 20, tzinfo=UTC)
OLD = NOW - timedelta(days=9)
INTERVAL = timedelta(seconds=15)


@pytest.fixture(params=["costs", "impacts"])
def ledger(request: pytest.FixtureRequest) -> Ledger:
    return Ledger(request.param, NOW, tracked=request.param == "impacts")


@pytest.fixture
def checked(ledger: Ledger, tmp_path: Path) -> Iterator[Checked]:
    with sizes(small=False):
        checked = Checked(ledger, tmp_path)
        yield checked
        checked.close()


@pytest.mark.parametrize("polls", [1, 2, 4])
def test_a_lower_id_appears_later(ledger: Ledger, checked: Checked, polls: int) -> None:
    checked.poll()
    slow = ledger.begin()
    slow.insert(OLD, task_id="slow")
    ledger.add(NOW, task_id="quick")
    for _ in range(polls):
        checked.poll()
    checked.commit(slow)
    checked.poll()


def test_two_late_commits_in_reverse_order(ledger: Ledger, checked: Checked) -> None:
    checked.poll()
    first, second = ledger.begin(), ledger.begin()
    for transaction in (first, second):
        transaction.insert(OLD, task_id="slow")
        ledger.add(NOW, task_id="quick")
        checked.poll()
    for transaction in (second, first):
        checked.commit(transaction)
        checked.poll()
        ledger.add(NOW, task_id="quick")
        checked.poll()
        checked.poll()


@pytest.mark.parametrize("ahead", [True, False])
def test_a_sequence_jumps_after_a_crash_of_the_server(ledger: Ledger, checked: Checked, ahead: bool) -> None:  # noqa: FBT001
    ledger.add(NOW, task_id="first")
    checked.poll()
    ledger.begin().insert(NOW, task_id="lost")
    checked.poll()
    ledger.crash(ahead=ahead)
    for _ in range(3):
        ledger.add(OLD, task_id="after")
        checked.poll()


def test_a_sequence_far_ahead_does_not_hide_lower_ids(ledger: Ledger, checked: Checked) -> None:
    checked.poll()
    slow = ledger.begin()
    slow.insert(OLD, task_id="slow")
    ledger.sequence += 10**6
    for _ in range(3):
        ledger.add(NOW, task_id="quick")
        checked.poll()
    checked.commit(slow)
    checked.poll()


def test_there_are_only_gaps_above_the_watermark(ledger: Ledger, checked: Checked) -> None:
    ledger.add(OLD, task_id="first")
    checked.poll()
    for _ in range(3):
        transaction = ledger.begin()
        transaction.insert(NOW, task_id="lost")
        checked.poll()
        transaction.rollback()
        checked.poll()
    assert (progress := checked.engine.progress)
    assert progress.low == progress.high == 1
    ledger.add(OLD, task_id="next")
    checked.poll()


@pytest.mark.parametrize("number", [0, -5, 1, 2**62])
def test_the_first_row_of_an_empty_ledger_has_any_id(ledger: Ledger, checked: Checked, number: int) -> None:
    checked.poll()
    checked.poll()
    slow = ledger.begin()
    slow.insert(OLD, number - 1, task_id="slow")
    ledger.add(NOW, number, task_id="quick")
    for _ in range(3):
        checked.poll()
    checked.commit(slow)
    for _ in range(3):
        checked.poll()
    assert (progress := checked.engine.progress)
    assert progress.low == number


def test_a_ledger_begins_with_the_id_zero(ledger: Ledger, checked: Checked) -> None:
    ledger.add(OLD, 0, task_id="zero")
    for number in (0, 1, 2):
        checked.poll()
        ledger.add(NOW, number + 1, task_id="next")
    checked.poll()


def test_rows_of_savepoints_count_with_their_transaction(ledger: Ledger, checked: Checked) -> None:
    checked.poll()
    transaction = ledger.begin()
    transaction.savepoint()
    transaction.insert(OLD, task_id="undone")
    transaction.rollback_to_savepoint()
    transaction.savepoint()
    transaction.insert(OLD, task_id="kept")
    for _ in range(3):
        ledger.add(NOW, task_id="quick")
        checked.poll()
    checked.commit(transaction)
    checked.poll()


def test_a_transaction_that_was_open_during_the_first_build(ledger: Ledger, checked: Checked) -> None:
    slow = ledger.begin()
    slow.insert(OLD, task_id="slow")
    ledger.add(NOW, task_id="quick")
    checked.poll()
    checked.poll()
    checked.commit(slow)
    checked.poll()


def test_an_id_drawn_before_its_transaction_runs(ledger: Ledger, checked: Checked) -> None:
    checked.poll()
    drawn = ledger.draw()
    ledger.add(NOW, task_id="quick")
    checked.poll()
    slow = ledger.begin()
    slow.insert(OLD, drawn, task_id="slow")
    checked.poll()
    checked.poll()
    checked.commit(slow)
    checked.poll()


@pytest.mark.parametrize("late", [timedelta(minutes=20), timedelta(hours=30)])
def test_updates_while_the_exporter_was_away(late: timedelta, tmp_path: Path) -> None:
    ledger = Ledger("impacts", NOW, tracked=True)
    rows = [ledger.add(OLD, task_id=f"t{number}") for number in range(3)]
    with sizes(small=False):
        checked = Checked(ledger, tmp_path)
        checked.poll()
        for row in rows:
            ledger.now += late
            transaction = ledger.begin()
            transaction.update(row, touch=True, total_tokens=7)
            checked.commit(transaction)
        assert checked.certain
        checked.poll()
        checked.close()


@pytest.mark.parametrize("name", ["costs", "impacts"])
@pytest.mark.parametrize("tracked", [True, False])
def test_a_new_row_without_a_number_counts_once(name: str, tracked: bool, tmp_path: Path) -> None:  # noqa: FBT001
    """It may be in the lookback and also be found by its update time, or with those that are looked for late."""
    ledger = Ledger(name, NOW, numbered=False, tracked=tracked)
    with sizes(small=False):
        checked = Checked(ledger, tmp_path)
        for ago in (timedelta(days=9), timedelta(minutes=3), timedelta(hours=3), timedelta(hours=3, minutes=1)):
            ledger.add(NOW - ago, task_id="t1")
            checked.poll()
            checked.poll()
        checked.close()


@pytest.mark.parametrize("name", ["costs", "impacts"])
def test_many_new_rows_in_a_gap_that_is_slow_to_compare(name: str, tmp_path: Path) -> None:
    ledger = Ledger(name, NOW, numbered=False)
    with sizes(small=False):
        checked = Checked(ledger, tmp_path)
        checked.engine.limits.compared = 2
        checked.poll()
        for days in range(5):
            ledger.add(OLD - timedelta(days=days), task_id="t1")
        checked.certain = False
        checked.audit()
        checked.close()


@pytest.mark.parametrize("numbered", [True, False])
def test_rows_that_are_committed_while_the_engine_catches_up(ledger: Ledger, tmp_path: Path, numbered: bool) -> None:  # noqa: FBT001
    """Each snapshot of one poll shows more rows and another update than the one before."""
    ledger.numbered = numbered

    def write() -> None:
        if len(ledger.rows) < 12:
            ledger.add(OLD + timedelta(days=len(ledger.rows) % 3), task_id="more")
            transaction = ledger.begin()
            transaction.update(next(iter(ledger.rows)), touch=True, total_tokens=len(ledger.rows))
            transaction.commit()

    with sizes(small=True):
        checked = Checked(ledger, tmp_path)
        checked.poll()
        for _ in range(5):
            ledger.add(OLD, task_id="t1")
        checked.engine.database.between = write
        checked.certain = False
        checked.attempt(10**6)
        checked.engine.database.between = lambda: None
        checked.audit()
        checked.close()
