from collections.abc import Mapping
from datetime import UTC, datetime

import pytest

from exporter.metrics import Family, Labels, Metric
from exporter.sections import allocation, budgets, spend
from exporter.web.page import quests
from exporter.web.page.lookup import Lookup
from exporter.web.page.rows import BudgetRow, QuestRow, Use

GENE, ATLAS, NIGHT, IDLE = (
    ("q1", "Gene", "Agora"),
    ("q2", "Atlas", "Atlas"),
    ("q3", "Night", "unknown"),
    ("q4", "Idle", "Forge"),
)
NOW, END = datetime(2026, 5, 21, tzinfo=UTC), datetime(2026, 6, 1, tzinfo=UTC)


def lookup(*families: tuple[Metric, Mapping[tuple[str, ...], float]]) -> Lookup:
    return Lookup(Family(metric, list(samples.items())) for metric, samples in families)


def fleet(allocated: Mapping[int, float], spent: Mapping[int, float]) -> Lookup:
    """A fleet of quests by number, with what each may spend today and has spent."""

    def key(number: int) -> Labels:
        return f"q{number:03}", f"Quest {number:03}", "Forge"

    return lookup(
        (allocation.ALLOCATION, {key(number): usd for number, usd in allocated.items()}),
        (spend.QUEST_SPEND, {(*key(number), "1d"): usd for number, usd in spent.items()}),
    )


def test_allocations_are_sorted_by_the_share_used_and_spend_without_a_budget_is_last() -> None:
    table = quests.allocation_table(
        lookup(
            (allocation.ALLOCATION, {ATLAS: 75.0, GENE: 20.0, IDLE: 5.0}),
            (spend.QUEST_SPEND, {(*ATLAS, "1d"): 60.0, (*GENE, "1d"): 81.0, (*GENE, "30d"): 900.0, (*NIGHT, "1d"): 300.0}),
            (spend.PROJECTED, {GENE: 80.0}),
        ),
        NOW,
    )
    assert table.rows == (
        QuestRow("Gene", "Agora", 20.0, 81.0, 80.0, 100.0),
        QuestRow("Atlas", "Atlas", 75.0, 60.0, None, 100.0),
        QuestRow("Idle", "Forge", 5.0, None, None, 100.0),
        QuestRow("Night", "unknown", None, 300.0, None, 100.0),
    )
    assert [row.use for row in table.rows] == [Use.OVER, Use.WITHIN, Use.UNKNOWN, Use.NO_BUDGET]
    assert [row.used for row in table.rows] == [4.05, 0.8, None, None]
    assert [row.share for row in table.rows] == [0.2, 0.75, 0.05, None]
    assert table.total == QuestRow("Total", "", 100.0, 441.0, 80.0, 100.0)


def test_all_quests_over_budget_are_listed_and_the_others_say_that_they_are_not() -> None:
    allocated = dict.fromkeys(range(100), 10.0)
    spent = {number: 11.0 + number if number < 40 else 5.0 if number < 99 else 0.0 for number in range(101)}
    rows = quests.allocation_table(fleet(allocated, spent), NOW).rows
    assert [row.quest for row in rows[:40]] == [f"Quest {number:03}" for number in range(39, -1, -1)]
    assert {row.use for row in rows[40:55]} == {Use.WITHIN}
    assert rows[55] == QuestRow("45 more, all within budget", "", 450.0, 220.0, None, 1000.0)
    assert rows[56] == QuestRow("Quest 100", "Forge", None, 0.0, None, 1000.0)
    assert len(rows) == 57


def test_quests_over_budget_beyond_a_bound_are_counted() -> None:
    rows = quests.allocation_table(
        fleet(dict.fromkeys(range(101), 1.0), {number: 2.0 + number for number in range(101)}), NOW
    ).rows
    assert len(rows) == quests.MOST_OVER + 1
    assert rows[-1] == QuestRow("1 more, over budget", "", 1.0, 2.0, None, 101.0)
    assert rows[-1].use is Use.OVER


def test_a_budget_of_nothing_is_over_with_any_spend_and_comes_first() -> None:
    rows = quests.allocation_table(fleet({1: 0.0, 2: 1.0, 3: 0.0}, {1: 0.01, 2: 9.0, 3: 0.0}), NOW).rows
    assert [(row.quest, row.used, row.use) for row in rows] == [
        ("Quest 001", None, Use.OVER),
        ("Quest 002", 9.0, Use.OVER),
        ("Quest 003", None, Use.WITHIN),
    ]


def test_a_budget_of_another_period_is_shown_where_nothing_is_allocated() -> None:
    opened, month, over = (*NIGHT, "open"), (*NIGHT, "month"), (*IDLE, "open")
    table = quests.allocation_table(
        lookup(
            (allocation.ALLOCATION, {GENE: 20.0}),
            (spend.QUEST_SPEND, {(*GENE, "1d"): 5.0, (*NIGHT, "1d"): 3.0, (*ATLAS, "1d"): 9.0}),
            (budgets.BUDGET, {(*GENE, "open"): 7.0, opened: 1200.0, month: 40.0, over: 0.0}),
            (budgets.SPEND, {(*GENE, "open"): 8.0, opened: 300.0, month: 4.0, over: 1.0}),
        ),
        NOW,
    )
    shown = [(row.quest, row.other and row.other.period, row.used, row.spent, row.over, row.use) for row in table.rows]
    assert shown == [
        ("Gene", None, 0.25, 5.0, False, Use.WITHIN),
        ("Idle", "open", None, None, True, Use.OTHER_PERIOD),
        ("Night", "open", 0.25, 3.0, False, Use.OTHER_PERIOD),
        ("Atlas", None, None, 9.0, False, Use.NO_BUDGET),
    ]
    assert table.total == QuestRow("Total", "", 20.0, 17.0, None, 20.0)


def test_budgets_of_other_periods_do_not_add_up() -> None:
    keys: list[Labels] = [(f"q{number:02}", f"Quest {number:02}", "Forge") for number in range(17)]
    table = quests.allocation_table(
        lookup(
            (spend.QUEST_SPEND, {(*key, "1d"): 1.0 for key in keys}),
            (budgets.BUDGET, {(*key, "open"): 9.0 for key in keys}),
            (budgets.SPEND, {(*key, "open"): 3.0 for key in keys}),
        ),
        NOW,
    )
    assert len(table.rows) == quests.MOST + 1
    together = table.rows[-1]
    assert (together.quest, together.spent, together.used) == ("2 more, all with a budget of another period", 2.0, None)
    assert (together.other, together.use) == (None, Use.OTHER_PERIOD)


@pytest.mark.parametrize("period, derived", [("day", False), ("month", True)])
def test_allocations_without_budgets_of_a_day_are_derived(period: str, *, derived: bool) -> None:
    found = lookup((allocation.ALLOCATION, {GENE: 1.0}), (budgets.BUDGET, {(*GENE, period): 1.0}))
    assert quests.allocation_table(found, NOW).derived == derived


def test_budgets_are_sorted_by_the_share_used_and_say_when_they_are_used_up() -> None:
    month, over, empty, day = (*GENE, "month"), (*ATLAS, "month"), (*NIGHT, "open"), (*GENE, "day")
    table = quests.budget_table(
        lookup(
            (budgets.BUDGET, {month: 300.0, over: 0.0, empty: 10.0, day: 5.0}),
            (budgets.SPEND, {month: 200.0, over: 1.0, empty: 2.0, day: 1.0}),
            (budgets.PROJECTED, {month: 310.0, over: 2.0}),
            (budgets.END, {month: END.timestamp(), over: END.timestamp(), day: END.timestamp()}),
        ),
        NOW,
    )
    assert table.more == ()
    assert [(row.quest, row.period, row.used, row.use, row.days_left) for row in table.rows] == [
        ("Atlas", "month", None, Use.OVER, 11),
        ("Gene", "month", 200 / 300, Use.WITHIN, 11),
        ("Night", "open", 0.2, Use.WITHIN, None),
    ]
    assert [row.used_up for row in table.rows] == [None, NOW + (END - NOW) * (100 / 110), None]


def test_budgets_that_are_not_listed_are_counted() -> None:
    keys: list[Labels] = [(f"q{number}", f"Quest {number}", "Forge", "month") for number in range(60)]
    spent: dict[Labels, float] = {key: 20.0 if at < 20 else 1.0 for at, key in enumerate(keys[:-16])}
    table = quests.budget_table(lookup((budgets.BUDGET, dict.fromkeys(keys, 10.0)), (budgets.SPEND, spent)), NOW)
    uses = [row.use for row in table.rows]
    assert uses == [Use.OVER] * 20 + [Use.WITHIN] * 15 + [Use.UNKNOWN] * 15
    assert table.more == ("and 9 more, all within budget", "and 1 more, with unknown spend")
    assert isinstance(table.rows[0], BudgetRow)


def test_quests_over_any_budget_are_counted_once() -> None:
    found = lookup(
        (budgets.BUDGET, {(*GENE, "day"): 1.0, (*GENE, "month"): 9.0, (*ATLAS, "day"): 5.0, (*IDLE, "day"): 1.0}),
        (budgets.SPEND, {(*GENE, "day"): 2.0, (*GENE, "month"): 10.0, (*ATLAS, "day"): 5.0}),
    )
    assert quests.over_budget(found) == (1, 2)
    assert quests.over_budget(lookup((budgets.BUDGET, {(*GENE, "day"): 1.0}))) is None
