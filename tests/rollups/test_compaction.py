"""Compacted tasks: nothing that a report reads changes, and what changes later is read again."""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.rollups import compaction, shrinking
from exporter.rollups.months import State
from tests.rollups.entries import TODAY, Entry, Store, at, configure

MARCH, APRIL, MAY = (date(2026, month, 1) for month in (3, 4, 5))
KEYS: dict[str, Any] = {"report": {"windows": ["1d", "lifetime"]}, "state": {"tasks_for": "10d"}}
READ = (
    "SELECT day, quest_id, sum(usd) FROM daily_costs JOIN quests USING (quest) GROUP BY ALL HAVING sum(entries) <> 0",
    "SELECT day, provider, sum(calls) FROM daily_costs JOIN models USING (model_key) GROUP BY ALL HAVING sum(entries) <> 0",
    "SELECT day, minute, sum(entries), sum(usd) FROM costs GROUP BY ALL",
    "FROM hourly_costs",
    "SELECT * EXCLUDE (quest), quest_id FROM quest_outcome_totals JOIN quests USING (quest)",
    "FROM provider_outcome_totals",
    "FROM provider_last_days",
    "SELECT quest_id, arg_max(layer, latest) FROM quest_layers JOIN quests USING (quest) GROUP BY ALL",
    "SELECT task_id, quest_id FROM task_totals JOIN tasks USING (task) JOIN quests USING (quest)",
    "SELECT task_id, task_totals.* EXCLUDE (task, quest) FROM task_totals JOIN tasks USING (task)",
    "SELECT task_id, task_providers.* EXCLUDE (task) FROM task_providers JOIN tasks USING (task)",
    "FROM rejected",
    "SELECT ledger, day, minute, sum(entries), sum(checksum) FROM ranges GROUP BY ALL",
)
"""What reports read of the rollups, and what polls compare."""
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


def numbered(entries: Sequence[Entry]) -> list[Entry]:
    return [{**entry, "key": number} for number, entry in enumerate(entries)]


def judged(task: str, day: date, key: int = 1, **columns: object) -> Entry:
    labels = {"task_id": task, "quest_id": "q", "layer": "Agora", "usd": Decimal(1), "tokens": Decimal(5000), "checksum": key}
    return {"occurred_at": at(day, 60), "key": key, "impact": Decimal(2), **labels, **columns}


def compact(store: Store, today: date = TODAY) -> None:
    while store.rollups.compact(today):
        pass


def content(store: Store) -> list[list[tuple[Any, ...]]]:
    return [sorted(store.rows(query), key=repr) for query in READ]


def compacted(store: Store) -> dict[str, date]:
    return dict(store.rows("SELECT task_id, month FROM tasks WHERE month IS NOT NULL"))


def read_again(store: Store, ledger: str, entries: Sequence[Entry]) -> None:
    """What a poll does with the ranges that are to be read again."""
    known = [each.key for each in store.known(ledger) if each.unread]
    days = {day for day, _ in known}
    store.apply(ledger, [entry for entry in entries if entry["occurred_at"].date() in days], known)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    found = Store(tmp_path, configure(**KEYS))
    found.begin("costs", "impacts")
    yield found
    found.rollups.close()


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
@given(outcomes=ENTRIES, change=ENTRIES)
def test_a_month_that_changes_is_read_again(outcomes: list[Entry], change: list[Entry]) -> None:
    with TemporaryDirectory() as directory, TemporaryDirectory() as other:
        store, fresh = (Store(Path(each), configure(**KEYS)) for each in (directory, other))
        before = numbered(outcomes)
        changed = {entry["key"]: entry for entry in [*before, *numbered(change)]}
        for each in (store, fresh):
            each.begin("costs", "impacts")
        store.apply("impacts", before)
        compact(store)
        store.apply("impacts", [*changed.values()][: len(change)])
        read_again(store, "impacts", [*changed.values()])
        compact(store)
        fresh.apply("impacts", [*changed.values()])
        assert content(store) == content(fresh)
        store.rollups.close()
        fresh.rollups.close()


def test_an_outcome_of_today_has_the_month_of_its_task_read_again(store: Store) -> None:
    entries = [judged("a", APRIL, 1), judged("b", APRIL, 2, occurred_at=at(APRIL, 180)), judged("c", MARCH, 3)]
    store.apply("impacts", entries)
    compact(store)
    assert compacted(store) == {"a": APRIL, "b": APRIL, "c": MARCH}
    today = judged("a", TODAY, 4)
    store.apply("impacts", [today])
    assert store.rollups.unread("impacts") == [(APRIL, APRIL)]
    assert store.rollups.unread("costs") == []
    totals = "SELECT impact FROM task_totals JOIN tasks USING (task) WHERE task_id = 'a'"
    assert store.rows(totals) == [(2,)]  # until all of April is there
    read_again(store, "impacts", entries)
    compact(store)
    assert store.rows(totals) == [(4,)]
    assert compacted(store) == {"c": MARCH}
    compact(store, TODAY + timedelta(days=1))
    assert compacted(store) == {"b": APRIL, "c": MARCH}


def test_a_new_call_of_another_task_leaves_a_month_compacted(store: Store) -> None:
    store.apply("costs", [judged("a", APRIL, 1, provider="p")])
    compact(store)
    store.apply("costs", [judged("z", APRIL, 2, provider="p")])
    assert compacted(store) == {"a": APRIL}
    assert store.rollups.months[APRIL].state is State.COMPACTED
    assert store.rows("SELECT sum(usd) FROM daily_costs") == [(2,)]


def test_building_a_ledger_has_the_others_read_again(store: Store) -> None:
    outcome, call = judged("a", APRIL, 1), judged("a", APRIL, 1, provider="p")
    store.apply("impacts", [outcome])
    store.apply("costs", [call])
    compact(store)
    store.begin("costs")
    store.apply("costs", [call])
    assert store.rollups.unread("impacts") == [(APRIL, APRIL)]
    assert not store.rollups.compact(TODAY)
    read_again(store, "impacts", [outcome])
    compact(store)
    assert compacted(store) == {}
    assert store.rows("SELECT usd, impact FROM task_totals") == [(1, 2)]
    assert store.rows("SELECT share FROM task_providers") == [(1,)]


def test_new_rules_have_all_read_again(store: Store) -> None:
    outcome = judged("a", APRIL, 1)
    store.apply("impacts", [outcome])
    compact(store)
    store.config = configure(**KEYS, waste={"max_impact": 5})
    store.reopen()
    assert store.rollups.unread("impacts") == [(APRIL, APRIL)]
    read_again(store, "impacts", [outcome])
    compact(store)
    assert store.rows("SELECT reason FROM task_totals") == [("low_impact",)]


def test_slices_are_compacted_one_by_one(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compaction, "SLICE", 1)
    store.apply("impacts", [judged(name, APRIL, number) for number, name in enumerate("abc")])
    assert store.rollups.compact(TODAY)
    assert len(compacted(store)) == 1
    store.reopen()
    compact(store)
    assert len(compacted(store)) == 3


def test_nothing_younger_than_the_longest_window_is_compacted(tmp_path: Path) -> None:
    store = Store(tmp_path, configure(report={"windows": ["60d"]}, state={"tasks_for": "1d"}))
    store.begin("costs", "impacts")
    store.apply("impacts", [judged("a", APRIL, 1), judged("b", date(2026, 2, 28), 2)])
    compact(store)
    assert compacted(store) == {"b": date(2026, 2, 1)}
    store.rollups.close()


def test_a_file_of_which_much_is_free_becomes_smaller(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    store.apply("impacts", [judged("a", APRIL, 1)])
    store.rollups.connection.execute("CREATE TABLE filler AS SELECT random() AS x FROM range(2_000_000)")
    store.rollups.connection.execute("CHECKPOINT; DROP TABLE filler; CHECKPOINT")
    before, large, numbers = content(store), store.path.stat().st_size, store.rows("SELECT nextval('keys')")
    store.rollups.shrink()
    assert store.path.stat().st_size == large
    monkeypatch.setattr(shrinking, "LEAST_FREE", 1)
    store.rollups.shrink()
    assert store.path.stat().st_size < large / 2
    assert store.path.stat().st_mode & 0o777 == 0o600
    assert content(store) == before
    assert store.rows("SELECT nextval('keys')") == [(numbers[0][0] + 1,)]
    assert not shrinking.copied(store.path).exists()


def test_a_large_file_is_not_copied(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shrinking, "LEAST_FREE", 1)
    monkeypatch.setattr(shrinking, "FREE_SHARE", 0)
    store.rollups.connection.execute("CREATE TABLE filler AS SELECT 1; CHECKPOINT; DROP TABLE filler; CHECKPOINT")
    assert shrinking.worthwhile(store.rollups.connection)
    monkeypatch.setattr(shrinking, "MOST_USED", 1)
    assert not shrinking.worthwhile(store.rollups.connection)


def test_a_file_that_cannot_be_copied_stays(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    store.apply("impacts", [judged("a", APRIL, 1)])
    before = content(store)
    monkeypatch.setattr(shrinking, "worthwhile", lambda _: True)
    shrinking.copied(store.path).mkdir(parents=True)
    with pytest.raises(OSError, match="smaller"):
        store.rollups.shrink()
    assert content(store) == before
