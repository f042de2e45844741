"""Days of past months: sums of calls stay, and a day is replaced once all of it has been read again."""

from datetime import timedelta
from decimal import Decimal

from tests.rollups.entries import TODAY, Store, at
from tests.rollups.past import APRIL, MAY, compact, compacted, judged


def test_calls_of_past_months_are_in_the_sums_of_days_only(compacting: Store) -> None:
    calls = [judged(task, APRIL, number, provider="p") for number, task in enumerate(["a", "b", None])]
    compacting.apply("costs", [*calls, judged("c", MAY, 3, provider="p")])
    compact(compacting)
    assert compacting.rows("SELECT task_id FROM costs JOIN tasks USING (task)") == [("c",)]
    assert compacting.rows("SELECT count(*) FROM costs") == [(1,)]
    assert compacting.rows("SELECT day, sum(usd) FROM daily_costs GROUP BY ALL ORDER BY ALL") == [(APRIL, 3), (MAY, 1)]


def test_a_day_is_replaced_when_all_of_it_has_been_read_again(compacting: Store) -> None:
    morning, evening = judged("a", APRIL, 1, provider="p"), judged("b", APRIL, 2, provider="p", occurred_at=at(APRIL, 1200))
    compacting.apply("costs", [morning, evening])
    compact(compacting)
    spent = "SELECT sum(usd) FROM daily_costs"
    compacting.apply("costs", [{**morning, "usd": Decimal(5)}], [(APRIL, 60)])
    assert compacting.rows(spent) == [(2,)]
    compacting.reopen()
    compacting.apply("costs", [judged("z", APRIL, 3, provider="p", occurred_at=at(APRIL, 60, 30))])  # where all was read again
    compacting.apply("costs", [judged("z", APRIL, 4, provider="p", occurred_at=at(APRIL, 1200, 30))])  # where it was not
    assert compacting.rows(spent) == [(4,)]
    compacting.apply("costs", [evening, judged("z", APRIL, 4, provider="p", occurred_at=at(APRIL, 1200, 30))], [(APRIL, 1200)])
    assert compacting.rows(spent) == [(8,)]
    compact(compacting)
    assert compacting.rows("SELECT task_id, sum(usd) FROM costs JOIN tasks USING (task) GROUP BY ALL ORDER BY ALL") == [
        ("a", 5),
        ("b", 1),
        ("z", 2),
    ]


def test_a_ledger_without_tasks_is_compacted(compacting: Store) -> None:
    compacting.apply("costs", [judged("a", APRIL, 1, provider="p", task_id=None)])
    compact(compacting)
    assert compacting.rows("SELECT count(*) FROM costs") == [(0,)]
    assert compacting.rows("SELECT sum(usd) FROM daily_costs") == [(1,)]
    compacting.apply("costs", [judged("a", APRIL, 1, provider="p", task_id=None, usd=Decimal(3))], [(APRIL, 60)])
    assert compacting.rows("SELECT sum(usd) FROM daily_costs") == [(3,)]


def test_a_month_waits_while_a_day_of_another_is_read_again(compacting: Store) -> None:
    morning, evening = judged("a", APRIL, 1, provider="p"), judged("b", APRIL, 2, provider="p", occurred_at=at(APRIL, 1200))
    moved = judged("c", APRIL, 4, provider="q", occurred_at=at(APRIL, 60, 30))
    compacting.apply("costs", [morning, evening, judged("c", MAY, 3, provider="p")])
    compact(compacting)
    compacting.apply("costs", [morning, moved], [(APRIL, 60)])
    june = TODAY + timedelta(days=31)
    compact(compacting, june)
    assert compacted(compacting) == {"b": APRIL, "a": APRIL}
    compacting.apply("costs", [evening], [(APRIL, 1200)])
    compact(compacting, june)
    assert sorted(compacting.rows("FROM provider_last_days")) == [("p", APRIL, 2), ("p", MAY, 1), ("q", APRIL, 1)]
    assert "c" not in compacted(compacting)
