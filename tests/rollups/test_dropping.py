"""Compacted tasks that no ranking can show: a month keeps digests of their ids and what they add up to."""

from datetime import timedelta
from decimal import Decimal

import pytest

from exporter.rollups import dropping
from tests.rollups.entries import TODAY, Store, configure
from tests.rollups.past import APRIL, KEYS, MARCH, compact, compacted, content, judged, read_again


def test_of_many_tasks_a_month_keeps_those_that_rankings_may_show(compacting: Store) -> None:
    scored = [judged(f"t{number:02}", APRIL, number, impact=Decimal(number + 1)) for number in range(20)]
    wasted = [judged(f"w{number:02}", APRIL, 20 + number, impact=None, tokens=5000 + number) for number in range(20)]
    first = [judged(f"m{number:02}", MARCH, 40 + number, impact=Decimal(100)) for number in range(3)]
    compacting.apply("impacts", [*scored, *wasted, *first])
    before = content(compacting)
    compact(compacting)
    assert content(compacting) == before
    kept = "SELECT task_id FROM tasks JOIN task_totals USING (task) ORDER BY task_id"
    assert compacting.rows(kept) == [("m00",), ("m01",), ("t18",), ("t19",), ("w18",), ("w19",)]
    assert compacting.rows("SELECT count(*) FROM tasks") == [(6,)]
    assert compacting.rows("SELECT month, count(*) FROM dropped_tasks GROUP BY ALL ORDER BY ALL") == [(MARCH, 1), (APRIL, 36)]


def test_a_call_of_a_dropped_task_has_its_month_read_again(compacting: Store) -> None:
    calls = [judged(name, APRIL, number, provider="p") for number, name in enumerate("abc")]
    compacting.apply("costs", calls)
    compact(compacting)
    assert compacting.rows("SELECT count(*) FROM tasks") == [(0,)]
    compacting.apply("costs", [late := judged("b", TODAY, 9, provider="p")])
    assert compacting.rollups.unread("costs") == [APRIL]
    read_again(compacting, "costs", [*calls, late])
    compact(compacting)
    assert compacted(compacting) == {}
    assert compacting.rows("SELECT task_id, last_day FROM task_providers JOIN tasks USING (task) ORDER BY task_id") == [
        ("a", APRIL),
        ("b", TODAY),
        ("c", APRIL),
    ]
    assert compacting.rows("SELECT day, sum(tasks) FROM provider_last_days GROUP BY ALL ORDER BY ALL") == [
        (APRIL, 2),
        (TODAY, 1),
    ]


def test_a_rejected_outcome_keeps_the_name_of_its_task(compacting: Store) -> None:
    best = [judged(task, APRIL, number, impact=Decimal(9)) for number, task in enumerate("abc")]
    compacting.apply("impacts", [*best, judged("d", APRIL, 8), judged("d", APRIL, 9, rejection_reason="not_finite")])
    compact(compacting)
    assert compacting.rows("SELECT task_id FROM impacts JOIN tasks USING (task)") == [("d",)]


def test_longer_rankings_have_dropped_tasks_read_again(compacting: Store) -> None:
    outcomes = [judged(name, APRIL, number, impact=Decimal(number + 1)) for number, name in enumerate("abcd")]
    compacting.apply("impacts", outcomes)
    compact(compacting)
    for keys, unread in (({"top": 1}, []), ({"top": 2}, []), ({"top": 3}, [APRIL])):
        compacting.config = configure(**KEYS | {"report": KEYS["report"] | keys})
        compacting.reopen()
        assert compacting.rollups.unread("impacts") == unread
    read_again(compacting, "impacts", outcomes)
    compact(compacting)
    assert len(compacting.rows("FROM task_totals")) == 4
    compact(compacting, TODAY + timedelta(days=8))
    assert len(compacting.rows("FROM task_totals")) == 3


def test_slices_are_compacted_one_by_one(compacting: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dropping, "SLICE", 1)
    compacting.apply("impacts", [judged(name, APRIL, number) for number, name in enumerate("abc")])
    assert compacting.rollups.compact(TODAY)
    assert len(compacted(compacting)) == 1
    compacting.reopen()
    compact(compacting)
    assert len(compacted(compacting)) == 3
