"""What the rollup file remembers of each ledger, and what it tells a report of changes."""

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from exporter.rollups import LABELLING, RollupFileError
from exporter.rollups import changes as logged
from exporter.rollups.changes import Advance
from tests.rollups.entries import FIRST, TODAY, Entry, Store, at, configure


def entry(key: int = 1, day: date = TODAY, **columns: object) -> Entry:
    labels = {"task_id": "t", "quest_id": "q", "provider": "p", "model": "m", "usd": Decimal(2), "checksum": 7}
    return {"occurred_at": at(day, 60), "key": key, **labels, **columns}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    found = Store(tmp_path)
    yield found
    found.rollups.close()


@pytest.mark.parametrize("ledger", ["costs", "impacts"])
def test_a_first_build_goes_on_after_a_restart(store: Store, ledger: str) -> None:
    store.rollups.begin(ledger, "nothing yet")
    store.rollups.build(store.changes(ledger, [entry(1, FIRST)]))
    store.reopen()
    assert (store.rollups.state(ledger), store.rollups.building(ledger)) == (None, "followed")
    store.rollups.build(store.changes(ledger, [entry(2)]))
    store.rollups.finish(ledger, "built")
    store.reopen()
    assert (store.rollups.state(ledger), store.rollups.building(ledger)) == ("built", None)
    assert sum(each.entries for each in store.known(ledger)) == 2


def test_a_ledger_that_is_built_again_begins_with_nothing(store: Store) -> None:
    store.begin("costs", "impacts")
    for ledger in ("costs", "impacts"):
        store.apply(ledger, [entry(), entry(2, rejection_reason="not_finite")], low=0)
    store.begin("costs")
    assert store.known("costs") == []
    assert store.rollups.pending_bins("costs", 0, 6) == {}
    assert store.rows("SELECT count(*) FROM daily_costs") == store.rows("SELECT count(*) FROM task_providers") == [(0,)]
    assert len(store.known("impacts")) == 1
    assert store.rollups.rejected() == [("impacts", "not_finite", 1)]


def test_states_are_there_with_their_facts_after_a_restart(store: Store) -> None:
    store.begin("costs", "impacts")
    assert store.rollups.state("costs") == "built"
    store.apply("costs", [entry()])
    store.reopen()
    assert (store.rollups.state("costs"), store.rollups.state("impacts")) == ("followed", "built")
    assert [each.entries for each in store.known("costs")] == [1]


def test_ledgers_advance_together(store: Store) -> None:
    store.begin("costs", "impacts")
    store.apply("costs", [entry(1), entry(2), entry(3)], low=0)
    store.rollups.advance({"costs": Advance("one", low=2), "impacts": Advance("two")})
    store.reopen()
    assert (store.rollups.state("costs"), store.rollups.state("impacts")) == ("one", "two")
    assert store.rollups.pending("costs", 0, 6, [0]) == {3: (TODAY, 60)}


def test_a_file_that_was_set_aside_meanwhile_takes_no_changes(store: Store) -> None:
    message = f"{store.path} was set aside meanwhile; the rollups of costs are built again"
    changes: list[Callable[[], None]] = [
        lambda: store.apply("costs", [entry()]),
        lambda: store.rollups.build(store.changes("costs", [entry()])),
        lambda: store.rollups.finish("costs", "built"),
        lambda: store.rollups.advance({"costs": Advance("further")}),
    ]
    for change in changes:
        with pytest.raises(RollupFileError) as refused:
            change()
        assert str(refused.value) == message
    assert store.known("costs") == []


def test_only_a_first_build_is_built_and_only_what_is_built_is_changed(store: Store) -> None:
    store.rollups.begin("costs", "building")
    with pytest.raises(RollupFileError):
        store.apply("costs", [entry()])
    store.rollups.finish("costs", "built")
    with pytest.raises(RollupFileError):
        store.rollups.build(store.changes("costs", [entry()]))
    store.apply("costs", [entry()])
    assert len(store.known("costs")) == 1


def dirty(store: Store) -> list[int] | None:
    changes = store.rollups.take_changes()
    return None if changes is None else sorted(changes.dirty_tasks)


def test_dirty_tasks_are_those_that_were_judged(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    store.begin("costs", "impacts")
    assert dirty(store) is None
    store.apply("costs", [entry()])
    assert dirty(store) == []
    store.apply("impacts", [entry()])
    store.apply("costs", [entry(2), entry(3, task_id="other"), entry(4, task_id=None)])
    assert dirty(store) == [number for (number,) in store.rows("SELECT task FROM tasks WHERE task_id = 't'")]
    store.apply("impacts", [entry()], ((TODAY, 60),))
    assert dirty(store) == []
    monkeypatch.setattr(logged, "MOST_DIRTY", 1)
    store.apply("impacts", [entry(5, task_id="a"), entry(6, task_id="b")])
    assert dirty(store) is None


def test_changes_of_totals_are_told_once(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    store.begin("costs", "impacts")
    assert store.rollups.take_changes() is None
    store.apply("costs", [entry()])
    store.apply("costs", [entry(2), entry(3)], ((TODAY, 60),))
    changes = store.rollups.take_changes()
    assert changes is not None
    assert [(row[0], row[3]) for row in changes.totals["cost_days"]] == [(TODAY, 1), (TODAY, 1)]
    assert changes.totals["provider_days"] == [("p", TODAY, 1), ("p", TODAY, 0)]
    changes = store.rollups.take_changes()
    assert changes is not None
    assert not any(changes.totals.values())
    monkeypatch.setattr(logged, "MOST_CHANGES", 1)
    store.apply("costs", [entry(4), entry(5, model="other")])
    assert store.rollups.take_changes() is None


def revised(store: Store, ledger: str, *entries: Entry, replaced: tuple[tuple[date, int], ...] = ()) -> set[str]:
    before = Counter(store.rollups.revisions)
    store.apply(ledger, entries, replaced)
    return {*(store.rollups.revisions - before)}


def test_a_report_is_told_what_may_have_changed(store: Store) -> None:
    store.begin("costs", "impacts")
    assert revised(store, "costs", entry()) == {"costs"}
    assert revised(store, "costs", entry(2), replaced=((TODAY, 60),)) == {"costs"}
    assert revised(store, "impacts", entry()) == {"impacts", LABELLING}


def test_outcomes_are_unknown_that_have_another_checksum(store: Store) -> None:
    store.begin("impacts")
    store.apply("impacts", [entry(1), entry(2)])
    assert store.rollups.unknown([1, 2, 3], [7, 8, 7]) == ({3}, {2})
    assert store.rollups.unknown([], []) == (set(), set())


def test_other_rules_apply_to_what_is_there(store: Store) -> None:
    store.begin("costs", "impacts")
    store.apply("costs", [entry()])
    store.apply("impacts", [entry(tokens=Decimal(500))])
    assert store.rows("SELECT family, reason FROM task_providers JOIN task_totals USING (task)") == [("p", None)]
    store.config = configure(providers={"Mine": ["^p$"]}, waste={"min_tokens": 400})
    store.reopen()
    assert store.rows("SELECT family, reason FROM task_providers JOIN task_totals USING (task)") == [("Mine", "unscored")]
    assert store.rows("SELECT family, wasted_usd FROM provider_outcome_totals") == [("Mine", 2)]
    assert store.rows("SELECT quest_id, reason FROM quest_outcome_totals JOIN quests USING (quest)") == [("q", "unscored")]
