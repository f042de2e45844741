from collections.abc import Callable, Mapping
from datetime import date

import pytest

from exporter.metrics import Family, Metric
from exporter.sections import efficiency, providers, utilization, waste
from exporter.web.page import tables
from exporter.web.page.lookup import Lookup
from exporter.web.page.rows import DayRow, ProviderRow, TaskRow, WasteRow

GENE, ATLAS = ("q1", "Gene", "Agora"), ("q2", "Atlas", "Atlas")


def lookup(*families: tuple[Metric, Mapping[tuple[str, ...], float]]) -> Lookup:
    return Lookup(Family(metric, list(samples.items())) for metric, samples in families)


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
        15,
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
    today = DayRow("2026-11-20", today=True, allocated=None, spent=5.0)
    yesterday = DayRow("2026-11-19", today=False, allocated=10.0, spent=20.0)
    assert rows == (today, yesterday)
    assert [row.over for row in rows] == [None, 10.0]


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
        lookup((waste.WORST_TOKENS, {small: 2000.0, big: 9000.0, equal: 9000.0}), (waste.WORST_COST, {small: 0.25})), "30d", 15
    )
    assert rows == (
        TaskRow("t2", "Two", "Atlas", "Atlas", "unscored", None, None, None, 9000.0),
        TaskRow("t3", "Three", "Gene", "Agora", "low_impact", None, None, None, 9000.0),
        TaskRow("t1", "One", "Gene", "Agora", "unscored", None, None, 0.25, 2000.0),
    )


@pytest.mark.parametrize("rank", [tables.efficient_tasks, tables.wasteful_tasks])
def test_rankings_show_only_the_first_tasks_of_all(rank: Callable[[Lookup, str, int], tuple[TaskRow, ...]]) -> None:
    tasks = [(f"t{number:02}", "Task", *GENE) for number in range(20)]
    found = lookup(
        (efficiency.TOP_IMPACT_PER_USD, {(*task, "7d"): 1.0 + at // 10 for at, task in enumerate(tasks)}),
        (waste.WORST_TOKENS, {(*task, "unscored", "7d"): 1.0 + at // 10 for at, task in enumerate(tasks)}),
    )
    assert [row.task_id for row in rank(found, "7d", 12)] == [f"t{number:02}" for number in (*range(10, 20), 0, 1)]


@pytest.mark.parametrize(
    "windows, wanted, shown",
    [
        (["1d", "30d", "lifetime"], None, "30d"),
        (["1d", "30d", "lifetime"], "1d", "1d"),
        (["1d", "30d", "lifetime"], "<b>", "30d"),
        (["1d", "7d", "90d"], None, "90d"),
        (["7d", "lifetime"], "30d", "lifetime"),
        ([], "7d", "30d"),
    ],
)
def test_the_window_is_the_wanted_one_or_30_days_or_the_longest(windows: list[str], wanted: str | None, shown: str) -> None:
    found = tables.windows_of(lookup((providers.SPEND, {("GLM", window): 1.0 for window in windows})))
    assert sorted(found) == sorted(windows)
    assert tables.window_shown(found, wanted) == shown
