from collections.abc import Mapping
from datetime import UTC, date, datetime

import pytest

from exporter.metrics import Family, Labels, Metric
from exporter.sections import allocation, budgets, efficiency, providers, spend, utilization, waste
from exporter.web.page import tables
from exporter.web.page.lookup import Lookup
from exporter.web.page.rows import DayRow, ProviderRow, QuestRow, TaskRow, WasteRow

GENE, ATLAS, NIGHT = ("q1", "Gene", "Agora"), ("q2", "Atlas", "Atlas"), ("q3", "Night", "unknown")


def lookup(*families: tuple[Metric, Mapping[tuple[str, ...], float]]) -> Lookup:
    return Lookup(Family(metric, list(samples.items())) for metric, samples in families)


def test_allocation_has_the_largest_budget_first_and_what_is_spent_without_one_last() -> None:
    table = tables.allocation_table(
        lookup(
            (allocation.ALLOCATION, {GENE: 25.0, ATLAS: 75.0}),
            (spend.QUEST_SPEND, {(*GENE, "1d"): 50.0, (*GENE, "30d"): 900.0, (*NIGHT, "1d"): 3.0}),
            (spend.PROJECTED, {GENE: 80.0}),
        )
    )
    assert table.rows == (
        QuestRow("Atlas", "Atlas", 75.0, None, None, 100.0),
        QuestRow("Gene", "Agora", 25.0, 50.0, 80.0, 100.0),
        QuestRow("Night", "unknown", None, 3.0, None, 100.0),
    )
    assert [(row.share, row.used) for row in table.rows] == [(0.75, None), (0.25, 2.0), (None, None)]
    assert table.rest is None
    assert table.total == QuestRow("Total", "", 100.0, 53.0, 80.0, 100.0)


def test_quests_beyond_the_table_are_one_row_and_the_total_holds_them() -> None:
    quests: dict[Labels, float] = {(f"q{number:02}", f"Quest {number:02}", "Forge"): float(number) for number in range(1, 19)}
    table = tables.allocation_table(lookup((allocation.ALLOCATION, quests)))
    assert [row.quest for row in table.rows] == [f"Quest {number:02}" for number in range(18, 3, -1)]
    assert table.rest == QuestRow("3 more quests", "", 6.0, None, None, 171.0)
    assert table.total.allocated == 171.0


def test_budgets_are_sorted_by_the_share_used_and_say_when_they_are_used_up() -> None:
    now, end = datetime(2026, 5, 21, tzinfo=UTC), datetime(2026, 6, 1, tzinfo=UTC)
    month, over, empty, day = (*GENE, "month"), (*ATLAS, "month"), (*NIGHT, "open"), (*GENE, "day")
    rows, more = tables.budget_table(
        lookup(
            (budgets.BUDGET, {month: 300.0, over: 0.0, empty: 10.0, day: 5.0}),
            (budgets.SPEND, {month: 200.0, over: 1.0, empty: 2.0, day: 1.0}),
            (budgets.PROJECTED, {month: 310.0, over: 2.0}),
            (budgets.END, {month: end.timestamp(), over: end.timestamp(), day: end.timestamp()}),
        ),
        now,
    )
    assert more == 0
    assert [(row.quest, row.period, row.used, row.over, row.days_left) for row in rows] == [
        ("Atlas", "month", None, True, 11),
        ("Gene", "month", 200 / 300, False, 11),
        ("Night", "open", 0.2, False, None),
    ]
    assert [row.used_up for row in rows] == [None, now + (end - now) * (100 / 110), None]


def test_efficient_tasks_are_ranked_by_ratio_and_then_by_id() -> None:
    first, second, third = ("t2", "Two", *GENE, "30d"), ("t1", "One", *ATLAS, "30d"), ("t3", "Three", *ATLAS, "30d")
    rows = tables.efficient_tasks(
        lookup(
            (efficiency.TOP_IMPACT_PER_USD, {third: 4.0, first: 4.0, second: 9.0, ("t9", "Old", *GENE, "lifetime"): 99.0}),
            (efficiency.TOP_IMPACT, {first: 2.0}),
            (efficiency.TOP_COST, {first: 0.5}),
            (efficiency.TOP_TOKENS, {first: 1200.0}),
        ),
        "30d",
    )
    assert rows == (
        TaskRow("t1", "One", "Atlas", "Atlas", None, 9.0, None, None, None),
        TaskRow("t2", "Two", "Gene", "Agora", None, 4.0, 2.0, 0.5, 1200.0),
        TaskRow("t3", "Three", "Atlas", "Atlas", None, 4.0, None, None, None),
    )


def test_the_timeline_adds_up_layers_and_starts_with_the_latest_day() -> None:
    rows = tables.timeline(
        lookup(
            (utilization.DAY_ALLOCATION, {("2026-11-19", "Agora"): 6.0, ("2026-11-19", "Atlas"): 4.0}),
            (
                utilization.DAY_SPEND,
                {("2026-11-20", "Agora"): 5.0, ("2026-11-19", "Agora"): 7.0, ("2026-11-19", "Forge"): 13.0},
            ),
        ),
        date(2026, 11, 20),
    )
    today = DayRow("2026-11-20", today=True, allocated=None, spent=5.0, largest=20.0)
    yesterday = DayRow("2026-11-19", today=False, allocated=10.0, spent=20.0, largest=20.0)
    assert rows == (today, yesterday)
    assert [row.over for row in rows] == [None, 10.0]
    assert [(row.bar(row.allocated), row.bar(row.spent)) for row in rows] == [(0.0, 25.0), (50.0, 100.0)]


@pytest.mark.parametrize("largest,spent", [(0.0, 0.0), (4.0, -1.0)])
def test_a_bar_is_never_shorter_than_nothing(largest: float, spent: float) -> None:
    assert DayRow("2026-11-20", today=True, allocated=None, spent=spent, largest=largest).bar(spent) == 0.0


def test_providers_are_sorted_by_cost_and_their_means_are_absent_where_nothing_divides() -> None:
    glm, codex = ("GLM", "30d"), ("Codex", "30d")
    rows = tables.provider_table(
        lookup(
            (providers.SPEND, {glm: 0.0, codex: 20.0, ("Codex", "1d"): 1.0}),
            (providers.CALLS, {glm: 3.0, codex: 40.0}),
            (providers.UNPRICED, {glm: 3.0, codex: 0.0}),
            (providers.TASKS, {glm: 0.0, codex: 8.0}),
            (providers.TOKENS, {("Codex", "input", "30d"): 900.0, ("Codex", "output", "30d"): 100.0}),
            (providers.IMPACT, {glm: 2.0, codex: 5.0}),
            (providers.WASTED, {("unknown", "30d"): 7.0}),
        ),
        "30d",
    )
    assert rows == (
        ProviderRow("Codex", 20.0, 8.0, 40.0, 900.0, 100.0, 5.0, None, 0.0),
        ProviderRow("GLM", 0.0, 0.0, 3.0, None, None, 2.0, None, 3.0),
        ProviderRow("unknown", None, None, None, None, None, None, 7.0, None),
    )
    assert [(row.cost_per_task, row.impact_per_usd) for row in rows] == [(2.5, 0.25), (None, None), (None, None)]


def test_waste_is_summed_over_quests_by_reason() -> None:
    found = lookup(
        (
            waste.QUEST_USD,
            {(*GENE, "unscored", "30d"): 1.0, (*ATLAS, "unscored", "30d"): 2.0, (*GENE, "low_impact", "30d"): 4.0},
        ),
        (waste.QUEST_TOKENS, {(*GENE, "unscored", "30d"): 5000.0, (*GENE, "low_impact", "7d"): 9.0}),
        (waste.QUEST_TASKS, {(*GENE, "unscored", "30d"): 2.0}),
    )
    rows = tables.waste_by_reason(found, "30d")
    assert rows == (WasteRow("low_impact", None, None, 4.0), WasteRow("unscored", 2.0, 5000.0, 3.0))
    assert tables.waste_total(rows, 0.0) == WasteRow("Total", 2.0, 5000.0, 7.0)
    assert tables.waste_total((), 0.0) == WasteRow("Total", 0.0, 0.0, 0.0)
    assert tables.waste_total((), None) == WasteRow("Total", None, None, None)


def test_wasteful_tasks_are_ranked_by_tokens_and_then_by_id() -> None:
    small, big, equal = (
        ("t1", "One", *GENE, "unscored", "30d"),
        ("t3", "Three", *GENE, "low_impact", "30d"),
        ("t2", "Two", *ATLAS, "unscored", "30d"),
    )
    rows = tables.wasteful_tasks(
        lookup((waste.WORST_TOKENS, {small: 2000.0, big: 9000.0, equal: 9000.0}), (waste.WORST_COST, {small: 0.25})), "30d"
    )
    assert rows == (
        TaskRow("t2", "Two", "Atlas", "Atlas", "unscored", None, None, None, 9000.0),
        TaskRow("t3", "Three", "Gene", "Agora", "low_impact", None, None, None, 9000.0),
        TaskRow("t1", "One", "Gene", "Agora", "unscored", None, None, 0.25, 2000.0),
    )


@pytest.mark.parametrize(
    "windows,shown",
    [(["1d", "30d", "lifetime"], "30d"), (["1d", "7d", "90d"], "90d"), (["7d", "lifetime"], "lifetime"), ([], None)],
)
def test_the_window_is_30_days_or_the_longest(windows: list[str], shown: str | None) -> None:
    assert tables.window_shown(lookup((providers.SPEND, {("GLM", window): 1.0 for window in windows}))) == shown
