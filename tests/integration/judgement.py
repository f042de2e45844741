"""Efficiency and waste of the naive model: the rows of every task are summed up for every window.

Where the written definitions are ambiguous, the simplest reading is used:

- Impact is absent for a quest or provider without any scored task, and 0 in a window without a scored task.
- The waste of a provider is present if it has a share in any judged task; it may be 0.
- Ties in the ranking of waste are broken like those of efficiency, by task id, ascending.
"""

from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeVar

from tests.integration.books import Call, Outcome
from tests.integration.page import Amount, Page, sums
from tests.integration.rules import QUEST, TASK, Reading

T = TypeVar("T")
Amounts = list[tuple[str, Fraction]]
"""An amount of each task."""


@dataclass(frozen=True)
class Judged:
    """The sums of a task's outcomes in a window; the impact is None if none is scored."""

    task_id: str
    impact: Fraction | None
    cost: Fraction
    tokens: int


def judged(reading: Reading, days: int) -> list[Judged]:
    """Every task with an outcome in the window, by task id."""
    by_task: dict[str, list[Outcome]] = defaultdict(list)
    for row in reading.outcomes:
        if reading.inside(reading.day(row), days):
            by_task[row.task_id].append(row)
    return [_total(reading, task_id, rows) for task_id, rows in sorted(by_task.items())]


def _total(reading: Reading, task_id: str, rows: list[Outcome]) -> Judged:
    ever, calls = [row for row in reading.outcomes if row.task_id == task_id], reading.calls_of(task_id)
    scores = [Fraction(row.impact_score) for row in rows if row.impact_score is not None]
    cost = sum((Fraction(row.cost_usd or 0) for row in rows), Fraction())
    if all(row.cost_usd is None for row in ever):
        cost = sum((Fraction(row.cost_usd or 0) for row in calls), Fraction())
    tokens = sum(row.total_tokens or 0 for row in rows)
    if all(row.total_tokens is None for row in ever):
        tokens = sum((row.input_tokens or 0) + (row.output_tokens or 0) for row in calls)
    return Judged(task_id, sum(scores, Fraction()) if scores else None, cost, tokens)


def efficiency(page: Page, reading: Reading) -> None:
    """Impact and its cost per quest, and the most efficient tasks."""
    by_window = {window: judged(reading, days) for window, days in reading.settings.windows.items()}
    ever = [each for tasks in by_window.values() for each in tasks]
    scored = {_quest(reading, each) for each in ever if each.impact is not None}
    for window, tasks in by_window.items():
        impact = sums((_quest(reading, each), each.impact) for each in tasks)
        cost = sums((_quest(reading, each), each.cost) for each in tasks)
        for quest in scored:
            page.put("resource_quest_impact_score", (*QUEST, "window"), (*quest, window), impact.get(quest, Fraction()))
        for quest in {_quest(reading, each) for each in ever}:
            page.put("resource_quest_impact_cost_usd", (*QUEST, "window"), (*quest, window), cost.get(quest, Fraction()))
        _top(page, reading, window, tasks)


def _top(page: Page, reading: Reading, window: str, tasks: list[Judged]) -> None:
    efficient = [
        (each.impact / each.cost, each.impact, each) for each in tasks if each.cost > 0 and each.impact and each.impact > 0
    ]
    ranked = sorted(efficient, key=lambda each: (-each[0], each[2].task_id))
    for ratio, impact, task in _first(reading, ranked, [task for _, _, task in ranked]):
        labels = (*reading.task(task.task_id), window)
        page.put("resource_top_task_impact_per_usd", (*TASK, "window"), labels, ratio)
        page.put("resource_top_task_impact_score", (*TASK, "window"), labels, impact)
        page.put("resource_top_task_cost_usd", (*TASK, "window"), labels, task.cost)
        page.put("resource_top_task_tokens", (*TASK, "window"), labels, task.tokens)


def _first(reading: Reading, ranked: list[T], tasks: list[Judged]) -> list[T]:
    """Of those ranked, which are about these tasks, the first of all, and the first of each quest."""
    seen: Counter[tuple[str, str, str]] = Counter()
    first = []
    for place, (each, task) in enumerate(zip(ranked, tasks, strict=True)):
        quest = _quest(reading, task)
        if place < reading.settings.top or seen[quest] < reading.settings.quest_top:
            first.append(each)
        seen[quest] += 1
    return first


def _quest(reading: Reading, task: Judged) -> tuple[str, str, str]:
    return reading.quest_of(task.task_id)


def wasted(reading: Reading, days: int) -> list[tuple[str, Judged]]:
    """The wasted tasks of the window with the reason."""
    least, most = reading.settings.min_tokens, Fraction(reading.settings.max_impact)
    tasks = [task for task in judged(reading, days) if task.tokens > least]
    unscored = [("unscored", task) for task in tasks if task.impact is None]
    return unscored + [("low_impact", task) for task in tasks if task.impact is not None and task.impact <= most]


def waste(page: Page, reading: Reading) -> None:
    """Waste per quest and reason, and the wasted tasks with the most tokens."""
    by_window = {window: wasted(reading, days) for window, days in reading.settings.windows.items()}
    keys = {(*_quest(reading, task), reason) for found in by_window.values() for reason, task in found}
    for window, found in by_window.items():
        owned = [((*_quest(reading, task), reason), task) for reason, task in found]
        columns = {
            "usd": sums((key, task.cost) for key, task in owned),
            "tokens": sums((key, task.tokens) for key, task in owned),
            "tasks": sums((key, 1) for key, _ in owned),
        }
        for column, amounts in columns.items():
            for key in keys:
                place = (*key, window)
                page.put(f"resource_quest_wasted_{column}", (*QUEST, "reason", "window"), place, amounts.get(key, Fraction()))
        ranked = sorted(found, key=lambda each: (-each[1].tokens, each[1].task_id))
        for reason, task in _first(reading, ranked, [task for _, task in ranked]):
            labels = (*reading.task(task.task_id), reason, window)
            page.put("resource_wasted_task_tokens", (*TASK, "reason", "window"), labels, task.tokens)
            page.put("resource_wasted_task_cost_usd", (*TASK, "reason", "window"), labels, task.cost)


def shared(page: Page, reading: Reading) -> None:
    """The impact and waste of each task, shared out to the providers that it called."""
    weights, windows = _weights(reading), reading.settings.windows
    tasks = {window: judged(reading, days) for window, days in windows.items()}
    scored = {
        window: [(each.task_id, each.impact) for each in found if each.impact is not None] for window, found in tasks.items()
    }
    lost = {window: [(each.task_id, each.cost) for _, each in wasted(reading, days)] for window, days in windows.items()}
    _put_shares(page, "resource_provider_impact_score", weights, scored, scored)
    _put_shares(
        page, "resource_provider_wasted_usd", weights, lost,
        {window: [(each.task_id, Fraction()) for each in found] for window, found in tasks.items()},
    )  # fmt: skip


def _put_shares(
    page: Page, metric: str, weights: dict[str, dict[str, Fraction]], amounts: dict[str, Amounts], known: dict[str, Amounts]
) -> None:
    """One sample for each window and each provider with a share in any of the ``known`` tasks of any window."""
    providers = {provider for found in known.values() for provider in _share(weights, found)}
    for window, found in amounts.items():
        shares = _share(weights, found)
        for provider in providers:
            page.put(metric, ("provider", "window"), (provider, window), shares.get(provider, Fraction()))


def _weights(reading: Reading) -> dict[str, dict[str, Fraction]]:
    """The spend of each task per provider; for a task without spend its tokens, and without tokens its calls."""
    by_task: dict[str, list[Call]] = defaultdict(list)
    for row in reading.calls:
        if row.task_id:
            by_task[row.task_id].append(row)
    measures: tuple[Callable[[Call], Amount], ...] = (
        lambda row: max(row.cost_usd or 0, 0),
        lambda row: (row.input_tokens or 0) + (row.output_tokens or 0),
        lambda _: 1,
    )
    weights = {}
    for task_id, rows in by_task.items():
        totals = (sums((reading.provider(row), measure(row)) for row in rows) for measure in measures)
        weights[task_id] = next(total for total in totals if sum(total.values()) > 0)
    return weights


def _share(weights: dict[str, dict[str, Fraction]], amounts: Amounts) -> dict[str, Fraction]:
    """Providers without weight have no share; a task without calls belongs to the provider ``unknown``."""
    parts = []
    for task_id, amount in amounts:
        of_task = weights.get(task_id) or {"unknown": Fraction(1)}
        parts += [(each, amount * weight / sum(of_task.values())) for each, weight in of_task.items() if weight]
    return sums(parts)
