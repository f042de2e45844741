"""Compacted tasks: nothing that a report reads changes, and what changes later is read again."""

from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.rollups import dropping, known
from exporter.rollups.months import State
from exporter.rollups.staging import Place
from tests.rollups.entries import TODAY, Entry, Store, at, configure
from tests.rollups.past import APRIL, KEYS, MARCH, MAY, compact, compacted, content, judged, numbered, read_again

DAYS = st.sampled_from([MARCH, APRIL - timedelta(days=1), APRIL, APRIL + timedelta(days=20), MAY, TODAY])
AMOUNTS = st.none() | st.sampled_from([Decimal("0.5"), Decimal(-3), Decimal(20)])
TOKENS = st.none() | st.sampled_from([Decimal(700), Decimal(5000)])
ENTRIES = st.lists(
    st.fixed_dictionaries(
        {
            "occurred_at": st.builds(at, DAYS, st.sampled_from([0, 59, 60, 1439])),
            "checksum": st.integers(0, 9),
            "rejection_reason": st.sampled_from([None, None, None, "not_finite"]),
            "task_id": st.sampled_from(["a", "b", "c", "d", "e"]),
            "quest_id": st.sampled_from(["q1", "q2", None]),
            "provider": st.sampled_from(["p1", "p2"]),
            "layer": st.sampled_from(["Agora", "Atlas", None]),
            "usd": AMOUNTS,
            "tokens": TOKENS,
            "input_tokens": TOKENS,
            "impact": AMOUNTS,
        }
    ),
    min_size=1,
    max_size=12,
)


@settings(max_examples=15, deadline=None)
@given(calls=ENTRIES, outcomes=ENTRIES)
def test_a_report_reads_the_same(calls: list[Entry], outcomes: list[Entry]) -> None:
    with TemporaryDirectory() as directory:
        store = Store(Path(directory), configure(**KEYS))
        store.begin("costs", "impacts")
        store.apply("costs", numbered(calls))
        store.apply("impacts", numbered(outcomes))
        before = content(store)
        compact(store)
        months = {
            name: {entry["occurred_at"].date().replace(day=1) for entry in good(name, calls, outcomes)} for name in "abcde"
        }
        assert content(store) == before
        assert compacted(store) == {name: min(each) for name, each in months.items() if len(each) == 1 and max(each) < MAY}
        assert not store.rows("FROM costs SEMI JOIN (FROM tasks WHERE month IS NOT NULL) USING (task)")
        store.rollups.close()


def good(task: str, *ledgers: list[Entry]) -> list[Entry]:
    """The entries of a task that count."""
    return [each for ledger in ledgers for each in ledger if each["task_id"] == task and not each["rejection_reason"]]


@settings(max_examples=15, deadline=None)
@given(calls=ENTRIES, outcomes=ENTRIES, change=ENTRIES, size=st.sampled_from([1, dropping.SLICE]))
def test_a_month_that_changes_is_read_again(calls: list[Entry], outcomes: list[Entry], change: list[Entry], size: int) -> None:
    with TemporaryDirectory() as directory, TemporaryDirectory() as other, pytest.MonkeyPatch.context() as patch:
        patch.setattr(dropping, "SLICE", size)
        store, fresh = (Store(Path(each), configure(**KEYS)) for each in (directory, other))
        before = numbered(outcomes)
        # An outcome that moves to another month and task is found by its id, before it comes to the rollups.
        tasks = {entry["key"]: entry["task_id"] for entry in before}
        after = [{**entry, "task_id": tasks.get(entry["key"], entry["task_id"])} for entry in numbered(change)]
        changed = {entry["key"]: entry for entry in [*before, *after]}
        for each in (store, fresh):
            each.begin("costs", "impacts")
            each.apply("costs", numbered(calls))
        store.apply("impacts", before)
        compact(store)
        store.apply("impacts", [*changed.values()][: len(change)])
        read_again(store, "impacts", [*changed.values()])
        read_again(store, "costs", numbered(calls))
        compact(store)
        fresh.apply("impacts", [*changed.values()])
        assert content(store) == content(fresh)
        store.rollups.close()
        fresh.rollups.close()


def test_an_outcome_of_today_has_the_month_of_its_task_read_again(compacting: Store) -> None:
    entries = [judged("a", APRIL, 1), judged("b", APRIL, 2, occurred_at=at(APRIL, 180)), judged("c", MARCH, 3)]
    compacting.apply("impacts", entries)
    compact(compacting)
    assert compacted(compacting) == {"a": APRIL, "b": APRIL, "c": MARCH}
    today = judged("a", TODAY, 4)
    compacting.apply("impacts", [today])
    assert compacting.rollups.unread("impacts") == [APRIL]
    assert compacting.rollups.unread("costs") == []
    totals = "SELECT impact FROM task_totals JOIN tasks USING (task) WHERE task_id = 'a'"
    assert compacting.rows(totals) == [(2,)]  # until all of April is there
    read_again(compacting, "impacts", entries)
    compact(compacting)
    assert compacting.rows(totals) == [(4,)]
    assert compacted(compacting) == {"c": MARCH}
    compact(compacting, TODAY + timedelta(days=8))
    assert compacted(compacting) == {"b": APRIL, "c": MARCH}


def test_a_new_call_of_another_task_leaves_a_month_compacted(compacting: Store) -> None:
    compacting.apply("costs", [judged("a", APRIL, 1, provider="p")])
    compact(compacting)
    compacting.apply("costs", [judged("z", APRIL, 2, provider="p")])
    assert compacted(compacting) == {"a": APRIL}
    assert compacting.rollups.months[APRIL].state is State.COMPACTED
    assert compacting.rows("SELECT sum(usd) FROM daily_costs") == [(2,)]


def test_a_copy_that_fails_is_not_tried_again_while_a_month_waits(compacting: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    compacting.apply("impacts", [judged("a", APRIL, 1)])
    compact(compacting)
    compacting.apply("impacts", [judged("a", TODAY, 2)])
    monkeypatch.setattr(compacting.rollups, "shrink", lambda: pytest.fail("copied"))
    assert not compacting.rollups.compact(TODAY + timedelta(days=1))


def test_hours_that_settle_are_still_read_again(compacting: Store) -> None:
    minutes = [judged("a", APRIL, 1), judged("b", APRIL, 2, occurred_at=at(APRIL, 67))]
    compacting.apply("impacts", minutes)
    compact(compacting)
    late = judged("a", APRIL, 3, impact=Decimal(7))
    compacting.apply("impacts", [late])
    compacting.rollups.settle("impacts", (TODAY, 0), "settled")
    assert [each.key for each in compacting.known("impacts") if each.unread] == [(APRIL, 60)]
    read_again(compacting, "impacts", [*minutes, late], Place(TODAY, TODAY, 0))
    compact(compacting)
    assert compacting.rows("SELECT impact FROM task_totals JOIN tasks USING (task) ORDER BY task_id") == [(9,), (2,)]


def test_a_large_month_is_read_again_some_days_at_a_time(compacting: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(known, "MOST_READ_AGAIN", 2)
    entries = [judged("a", APRIL + timedelta(days=number), number) for number in range(5)]
    compacting.apply("impacts", entries)
    compact(compacting)
    compacting.apply("impacts", [judged("a", TODAY, 9)])
    assert compacting.rollups.unread("impacts") == [APRIL, APRIL + timedelta(days=1)]
