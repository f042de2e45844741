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

from exporter.rollups import candidates, known
from exporter.rollups.months import State
from exporter.rollups.staging import Place
from tests.rollups.entries import OPEN, TODAY, Entry, Store, at, configure

MARCH, APRIL, MAY = (date(2026, month, 1) for month in (3, 4, 5))
KEYS: dict[str, Any] = {"report": {"windows": ["1d", "lifetime"], "top": 2, "quest_top": 1}, "state": {"tasks_for": "10d"}}
FIRST_TASKS = """
SELECT task_id, quest_id, task_totals.* EXCLUDE (task, quest)
  FROM task_totals JOIN tasks USING (task) JOIN quests USING (quest) WHERE {condition} IS NOT NULL
"""
READ = (
    "SELECT day, quest_id, sum(usd) FROM daily_costs JOIN quests USING (quest) GROUP BY ALL HAVING sum(entries) <> 0",
    "SELECT day, provider, sum(calls) FROM daily_costs JOIN models USING (model_key) GROUP BY ALL HAVING sum(entries) <> 0",
    "FROM hourly_costs",
    "SELECT * EXCLUDE (quest), quest_id FROM quest_outcome_totals JOIN quests USING (quest)",
    "FROM provider_outcome_totals",
    "FROM provider_last_days",
    "SELECT quest_id, arg_max(layer, latest) FROM quest_layers JOIN quests USING (quest) GROUP BY ALL",
    *(
        f"{FIRST_TASKS.format(condition=condition)} {first}"
        for rank, condition in (("efficiency", "efficiency"), ("tokens", "reason"))
        for first in (
            f"ORDER BY {rank} DESC, task_id LIMIT 2",
            f"QUALIFY row_number() OVER (PARTITION BY quest_id ORDER BY {rank} DESC, task_id) = 1",
        )
    ),
    *(
        f"SELECT sum(tasks) FROM (SELECT any_value(tasks) AS tasks FROM callers WHERE family IN ({families}) GROUP BY task)"
        for families in ("'p1'", "'p2'", "'p1', 'p2'")
    ),
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


def judged(task: str | None, day: date, key: int = 1, **columns: object) -> Entry:
    labels = {"task_id": task, "quest_id": "q", "layer": "Agora", "usd": Decimal(1), "tokens": Decimal(5000), "checksum": key}
    return {"occurred_at": at(day, 60), "key": key, "impact": Decimal(2), **labels, **columns}


def compact(store: Store, today: date = TODAY) -> None:
    while store.rollups.compact(today):
        pass


def content(store: Store) -> list[list[tuple[Any, ...]]]:
    return [sorted(store.rows(query), key=repr) for query in READ]


def compacted(store: Store) -> dict[str, date]:
    """The month of each compacted task, of which some are known by a digest only."""
    names = "(SELECT unnest(['a', 'b', 'c', 'd', 'e']) AS task_id)"
    dropped = f"SELECT task_id, month FROM dropped_tasks JOIN {names} ON digest = md5_number_lower(task_id)"
    return dict(store.rows(f"SELECT task_id, month FROM tasks WHERE month IS NOT NULL UNION ALL {dropped}"))


def read_again(store: Store, ledger: str, entries: Sequence[Entry], place: Place = OPEN) -> None:
    """What a poll does with the ranges that are to be read again."""
    replaced = [each.key for each in store.known(ledger) if each.unread]
    days = {day for day, _ in replaced}
    store.apply(ledger, [entry for entry in entries if entry["occurred_at"].date() in days], replaced, place)


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
@given(calls=ENTRIES, outcomes=ENTRIES, change=ENTRIES, size=st.sampled_from([1, candidates.SLICE]))
def test_a_month_that_changes_is_read_again(calls: list[Entry], outcomes: list[Entry], change: list[Entry], size: int) -> None:
    with TemporaryDirectory() as directory, TemporaryDirectory() as other, pytest.MonkeyPatch.context() as patch:
        patch.setattr(candidates, "SLICE", size)
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


def test_an_outcome_of_today_has_the_month_of_its_task_read_again(store: Store) -> None:
    entries = [judged("a", APRIL, 1), judged("b", APRIL, 2, occurred_at=at(APRIL, 180)), judged("c", MARCH, 3)]
    store.apply("impacts", entries)
    compact(store)
    assert compacted(store) == {"a": APRIL, "b": APRIL, "c": MARCH}
    today = judged("a", TODAY, 4)
    store.apply("impacts", [today])
    assert store.rollups.unread("impacts") == [APRIL]
    assert store.rollups.unread("costs") == []
    totals = "SELECT impact FROM task_totals JOIN tasks USING (task) WHERE task_id = 'a'"
    assert store.rows(totals) == [(2,)]  # until all of April is there
    read_again(store, "impacts", entries)
    compact(store)
    assert store.rows(totals) == [(4,)]
    assert compacted(store) == {"c": MARCH}
    compact(store, TODAY + timedelta(days=8))
    assert compacted(store) == {"b": APRIL, "c": MARCH}


def test_of_many_tasks_a_month_keeps_those_that_rankings_may_show(store: Store) -> None:
    scored = [judged(f"t{number:02}", APRIL, number, impact=Decimal(number + 1)) for number in range(20)]
    wasted = [judged(f"w{number:02}", APRIL, 20 + number, impact=None, tokens=5000 + number) for number in range(20)]
    first = [judged(f"m{number:02}", MARCH, 40 + number, impact=Decimal(100)) for number in range(3)]
    store.apply("impacts", [*scored, *wasted, *first])
    before = content(store)
    compact(store)
    assert content(store) == before
    kept = "SELECT task_id FROM tasks JOIN task_totals USING (task) ORDER BY task_id"
    assert store.rows(kept) == [("m00",), ("m01",), ("t18",), ("t19",), ("w18",), ("w19",)]
    assert store.rows("SELECT count(*) FROM tasks") == [(6,)]
    assert store.rows("SELECT month, count(*) FROM dropped_tasks GROUP BY ALL ORDER BY ALL") == [(MARCH, 1), (APRIL, 36)]


def test_a_call_of_a_dropped_task_has_its_month_read_again(store: Store) -> None:
    calls = [judged(name, APRIL, number, provider="p") for number, name in enumerate("abc")]
    store.apply("costs", calls)
    compact(store)
    assert store.rows("SELECT count(*) FROM tasks") == [(0,)]
    store.apply("costs", [late := judged("b", TODAY, 9, provider="p")])
    assert store.rollups.unread("costs") == [APRIL]
    read_again(store, "costs", [*calls, late])
    compact(store)
    assert compacted(store) == {}
    assert store.rows("SELECT task_id, last_day FROM task_providers JOIN tasks USING (task) ORDER BY task_id") == [
        ("a", APRIL),
        ("b", TODAY),
        ("c", APRIL),
    ]
    assert store.rows("SELECT day, sum(tasks) FROM provider_last_days GROUP BY ALL ORDER BY ALL") == [
        (APRIL, 2),
        (TODAY, 1),
    ]


def test_calls_of_past_months_are_in_the_sums_of_days_only(store: Store) -> None:
    calls = [judged(task, APRIL, number, provider="p") for number, task in enumerate(["a", "b", None])]
    store.apply("costs", [*calls, judged("c", MAY, 3, provider="p")])
    compact(store)
    assert store.rows("SELECT task_id FROM costs JOIN tasks USING (task)") == [("c",)]
    assert store.rows("SELECT count(*) FROM costs") == [(1,)]
    assert store.rows("SELECT day, sum(usd) FROM daily_costs GROUP BY ALL ORDER BY ALL") == [(APRIL, 3), (MAY, 1)]


def test_a_day_is_replaced_when_all_of_it_has_been_read_again(store: Store) -> None:
    morning, evening = judged("a", APRIL, 1, provider="p"), judged("b", APRIL, 2, provider="p", occurred_at=at(APRIL, 1200))
    store.apply("costs", [morning, evening])
    compact(store)
    spent = "SELECT sum(usd) FROM daily_costs"
    store.apply("costs", [{**morning, "usd": Decimal(5)}], [(APRIL, 60)])
    assert store.rows(spent) == [(2,)]
    store.reopen()
    store.apply("costs", [judged("z", APRIL, 3, provider="p", occurred_at=at(APRIL, 60, 30))])  # where all was read again
    store.apply("costs", [judged("z", APRIL, 4, provider="p", occurred_at=at(APRIL, 1200, 30))])  # where it was not
    assert store.rows(spent) == [(4,)]
    store.apply("costs", [evening, judged("z", APRIL, 4, provider="p", occurred_at=at(APRIL, 1200, 30))], [(APRIL, 1200)])
    assert store.rows(spent) == [(8,)]
    compact(store)
    assert store.rows("SELECT task_id, sum(usd) FROM costs JOIN tasks USING (task) GROUP BY ALL ORDER BY ALL") == [
        ("a", 5),
        ("b", 1),
        ("z", 2),
    ]


def test_a_ledger_without_tasks_is_compacted(store: Store) -> None:
    store.apply("costs", [judged("a", APRIL, 1, provider="p", task_id=None)])
    compact(store)
    assert store.rows("SELECT count(*) FROM costs") == [(0,)]
    assert store.rows("SELECT sum(usd) FROM daily_costs") == [(1,)]
    store.apply("costs", [judged("a", APRIL, 1, provider="p", task_id=None, usd=Decimal(3))], [(APRIL, 60)])
    assert store.rows("SELECT sum(usd) FROM daily_costs") == [(3,)]


def test_longer_rankings_have_dropped_tasks_read_again(store: Store) -> None:
    outcomes = [judged(name, APRIL, number, impact=Decimal(number + 1)) for number, name in enumerate("abcd")]
    store.apply("impacts", outcomes)
    compact(store)
    for keys, unread in (({"top": 1}, []), ({"top": 3}, [APRIL])):
        store.config = configure(**KEYS | {"report": KEYS["report"] | keys})
        store.reopen()
        assert store.rollups.unread("impacts") == unread
    read_again(store, "impacts", outcomes)
    compact(store)
    assert len(store.rows("FROM task_totals")) == 4
    compact(store, TODAY + timedelta(days=8))
    assert len(store.rows("FROM task_totals")) == 3


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
    assert store.rollups.unread("impacts") == [APRIL]
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
    assert store.rollups.unread("impacts") == [APRIL]
    read_again(store, "impacts", [outcome])
    compact(store)
    assert store.rows("SELECT reason FROM task_totals") == [("low_impact",)]


def test_slices_are_compacted_one_by_one(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(candidates, "SLICE", 1)
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


def test_a_month_inside_a_longer_window_is_read_again(store: Store) -> None:
    outcome = judged("a", APRIL, 1)
    store.apply("impacts", [outcome])
    compact(store)
    store.config = configure(report={"windows": ["60d"]}, state={"tasks_for": "10d"})
    store.reopen()
    assert not store.rollups.compact(TODAY)
    assert store.rollups.unread("impacts") == [APRIL]
    read_again(store, "impacts", [outcome])
    compact(store)
    assert compacted(store) == {}
    assert store.rows("SELECT impact FROM outcomes") == [(2,)]


def test_what_was_compacted_by_a_clock_that_was_ahead_is_read_again(store: Store) -> None:
    store.apply("impacts", [judged("a", MAY, 1)])
    compact(store, TODAY + timedelta(days=90))
    assert compacted(store) == {"a": MAY}
    assert not store.rollups.compact(TODAY)
    assert store.rollups.unread("impacts") == [MAY]


def test_a_ledger_that_is_no_longer_configured_is_not_waited_for(store: Store) -> None:
    outcome, late = judged("a", APRIL, 1), judged("a", APRIL, 2, impact=Decimal(7))
    store.apply("costs", [judged("a", APRIL, 1, provider="p")])
    store.apply("impacts", [outcome])
    compact(store)
    store.config = configure(**KEYS)
    ledgers = {name: ledger for name, ledger in store.config.ledgers.items() if name != "costs"}
    store.config = store.config.model_copy(update={"ledgers": ledgers})
    store.reopen()
    store.apply("impacts", [late])
    read_again(store, "impacts", [outcome, late])
    compact(store)
    assert store.rows("SELECT impact FROM task_totals") == [(9,)]
    store.config = configure(**KEYS)
    store.reopen()
    assert store.rollups.state("costs") is None  # so it is built again


def test_a_build_that_is_resumed_has_what_was_compacted_meanwhile_read_again(store: Store) -> None:
    call, outcome = judged("a", APRIL, 1, provider="p"), judged("a", APRIL, 1)
    store.apply("impacts", [outcome])
    store.rollups.begin("costs", "building")
    whole = store.config
    store.config = whole.model_copy(update={"ledgers": {k: v for k, v in whole.ledgers.items() if k != "costs"}})
    store.reopen()
    compact(store)
    assert compacted(store) == {"a": APRIL}
    store.config = whole
    store.reopen()
    store.rollups.build(store.changes("costs", [call]))
    store.rollups.finish("costs", "built")
    read_again(store, "costs", [call])
    read_again(store, "impacts", [outcome])
    compact(store)
    assert store.rows("SELECT share FROM task_providers") == [(1,)]


def test_hours_that_settle_are_still_read_again(store: Store) -> None:
    minutes = [judged("a", APRIL, 1), judged("b", APRIL, 2, occurred_at=at(APRIL, 67))]
    store.apply("impacts", minutes)
    compact(store)
    late = judged("a", APRIL, 3, impact=Decimal(7))
    store.apply("impacts", [late])
    store.rollups.settle("impacts", (TODAY, 0), "settled")
    assert [each.key for each in store.known("impacts") if each.unread] == [(APRIL, 60)]
    read_again(store, "impacts", [*minutes, late], Place(TODAY, TODAY, 0))
    compact(store)
    assert store.rows("SELECT impact FROM task_totals JOIN tasks USING (task) ORDER BY task_id") == [(9,), (2,)]


def test_a_large_month_is_read_again_some_days_at_a_time(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(known, "MOST_READ_AGAIN", 2)
    entries = [judged("a", APRIL + timedelta(days=number), number) for number in range(5)]
    store.apply("impacts", entries)
    compact(store)
    store.apply("impacts", [judged("a", TODAY, 9)])
    assert store.rollups.unread("impacts") == [APRIL, APRIL + timedelta(days=1)]
