"""Compacted months where the configuration changes, a ledger is built again, or the clock was wrong."""

from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

from tests.rollups.entries import TODAY, Store, configure
from tests.rollups.past import APRIL, KEYS, MAY, compact, compacted, judged, read_again, remove


def test_building_a_ledger_has_the_others_read_again(compacting: Store) -> None:
    outcome, call = judged("a", APRIL, 1), judged("a", APRIL, 1, provider="p")
    compacting.apply("impacts", [outcome])
    compacting.apply("costs", [call])
    compact(compacting)
    compacting.begin("costs")
    compacting.apply("costs", [call])
    assert compacting.rollups.unread("impacts") == [APRIL]
    assert not compacting.rollups.compact(TODAY)
    read_again(compacting, "impacts", [outcome])
    compact(compacting)
    assert compacted(compacting) == {}
    assert compacting.rows("SELECT usd, impact FROM task_totals") == [(1, 2)]
    assert compacting.rows("SELECT share FROM task_providers") == [(1,)]


def test_new_rules_have_all_read_again(compacting: Store) -> None:
    outcome = judged("a", APRIL, 1)
    compacting.apply("impacts", [outcome])
    compact(compacting)
    compacting.config = configure(**KEYS, waste={"max_impact": 5})
    compacting.reopen()
    assert compacting.rollups.unread("impacts") == [APRIL]
    read_again(compacting, "impacts", [outcome])
    compact(compacting)
    assert compacting.rows("SELECT reason FROM task_totals") == [("low_impact",)]


def test_nothing_younger_than_the_longest_window_is_compacted(tmp_path: Path) -> None:
    store = Store(tmp_path, configure(report={"windows": ["60d"]}, state={"tasks_for": "1d"}))
    store.begin("costs", "impacts")
    store.apply("impacts", [judged("a", APRIL, 1), judged("b", date(2026, 2, 28), 2)])
    compact(store)
    assert compacted(store) == {"b": date(2026, 2, 1)}
    store.rollups.close()


def test_a_month_inside_a_longer_window_is_read_again(compacting: Store) -> None:
    outcome = judged("a", APRIL, 1)
    compacting.apply("impacts", [outcome])
    compact(compacting)
    compacting.config = configure(report={"windows": ["60d"]}, state={"tasks_for": "10d"})
    compacting.reopen()
    assert not compacting.rollups.compact(TODAY)
    assert compacting.rollups.unread("impacts") == [APRIL]
    read_again(compacting, "impacts", [outcome])
    compact(compacting)
    assert compacted(compacting) == {}
    assert compacting.rows("SELECT impact FROM outcomes") == [(2,)]


def test_what_was_compacted_by_a_clock_that_was_ahead_is_read_again(compacting: Store) -> None:
    compacting.apply("impacts", [judged("a", MAY, 1)])
    compact(compacting, TODAY + timedelta(days=90))
    assert compacted(compacting) == {"a": MAY}
    assert not compacting.rollups.compact(TODAY)
    assert compacting.rollups.unread("impacts") == [MAY]


def test_a_ledger_that_is_no_longer_configured_is_not_waited_for(compacting: Store) -> None:
    outcome, late = judged("a", APRIL, 1), judged("a", APRIL, 2, impact=Decimal(7))
    compacting.apply("costs", [judged("a", APRIL, 1, provider="p")])
    compacting.apply("impacts", [outcome])
    compact(compacting)
    remove(compacting, "costs")
    compacting.apply("impacts", [late])
    read_again(compacting, "impacts", [outcome, late])
    compact(compacting)
    assert compacting.rows("SELECT impact FROM task_totals") == [(9,)]
    compacting.config = configure(**KEYS)
    compacting.reopen()
    assert compacting.rollups.state("costs") is None  # so it is built again


def test_a_ledger_that_is_removed_while_a_month_is_read_again_is_not_waited_for(compacting: Store) -> None:
    outcome, late = judged("a", APRIL, 1), judged("a", APRIL, 2, impact=Decimal(7))
    compacting.apply("costs", [judged("a", APRIL, 1, provider="p")])
    compacting.apply("impacts", [outcome])
    compact(compacting)
    compacting.apply("impacts", [late])
    remove(compacting, "costs")
    read_again(compacting, "impacts", [outcome, late])
    compact(compacting)
    assert compacting.rows("SELECT impact FROM task_totals") == [(9,)]


def test_a_build_that_was_broken_off_is_not_resumed_after_compaction(compacting: Store) -> None:
    compacting.rollups.begin("costs", "building")
    compacting.rollups.build(compacting.changes("costs", [judged("a", APRIL, 1, provider="p")]))
    remove(compacting, "costs")
    compact(compacting)
    compacting.config = configure(**KEYS)
    compacting.reopen()
    assert (compacting.rollups.building("costs"), compacting.rows("SELECT count(*) FROM costs")) == (None, [(0,)])


def test_a_build_that_is_resumed_has_what_was_compacted_meanwhile_read_again(compacting: Store) -> None:
    call, outcome = judged("a", APRIL, 1, provider="p"), judged("a", APRIL, 1)
    compacting.apply("impacts", [outcome])
    compacting.rollups.begin("costs", "building")
    whole = compacting.config
    remove(compacting, "costs")
    compact(compacting)
    assert compacted(compacting) == {"a": APRIL}
    compacting.config = whole
    compacting.reopen()
    compacting.rollups.build(compacting.changes("costs", [call]))
    compacting.rollups.finish("costs", "built")
    read_again(compacting, "costs", [call])
    read_again(compacting, "impacts", [outcome])
    compact(compacting)
    assert compacting.rows("SELECT share FROM task_providers") == [(1,)]
