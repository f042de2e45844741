"""The tables of the page, from the families of a snapshot."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime

from exporter.metrics import QUEST, TASK, Labels
from exporter.sections import allocation, budgets, efficiency, providers, spend, utilization, waste
from exporter.web.page.lookup import Lookup
from exporter.web.page.rows import Allocation, BudgetRow, DayRow, ProviderRow, QuestRow, TaskRow, WasteRow

QUESTS_SHOWN = 15
PREFERRED_WINDOW = "30d"
TODAY = "1d"


def window_shown(lookup: Lookup) -> str | None:
    """Return the window of the rankings: 30 days where it is configured, else the longest, None without any."""
    windows = lookup.windows((providers.SPEND, efficiency.QUEST_IMPACT_COST, waste.QUEST_USD))
    return PREFERRED_WINDOW if PREFERRED_WINDOW in windows else windows[-1] if windows else None


def allocation_table(lookup: Lookup) -> Allocation:
    """Return today's budgets, the largest first, then by spend."""
    allocated = lookup.sum_by(allocation.ALLOCATION, QUEST)
    spent = lookup.sum_by(spend.QUEST_SPEND, QUEST, window=TODAY)
    projected = lookup.sum_by(spend.PROJECTED, QUEST)
    budget = _sum(allocated.values())
    rows = [
        QuestRow(key[1], key[2], allocated.get(key), spent.get(key), projected.get(key), budget)
        for key in {**allocated, **spent, **projected}
    ]
    rows.sort(key=lambda row: (-(row.allocated or 0), -(row.spent or 0), row.quest))
    shown, beyond = rows[:QUESTS_SHOWN], rows[QUESTS_SHOWN:]
    rest = _together(f"{len(beyond):,} more quest{'s' if len(beyond) > 1 else ''}", beyond, budget) if beyond else None
    return Allocation(tuple(shown), rest, _together("Total", rows, budget))


def budget_table(lookup: Lookup, now: datetime) -> tuple[tuple[BudgetRow, ...], int]:
    """Return the budgets of periods that hold now, the most used first, and how many more there are.

    Those of a day are in the table of allocations.
    """
    by = (*QUEST, "period")
    amounts, spent, projected, ends = (
        lookup.sum_by(metric, by) for metric in (budgets.BUDGET, budgets.SPEND, budgets.PROJECTED, budgets.END)
    )
    rows = [
        BudgetRow(key[1], key[2], key[3], amount, spent.get(key), projected.get(key), _moment(ends.get(key), now), now)
        for key, amount in amounts.items()
        if key[3] != "day"
    ]
    rows.sort(key=lambda row: (not row.over, -(row.used or 0), -row.budget, row.quest))
    return tuple(rows[:QUESTS_SHOWN]), len(rows[QUESTS_SHOWN:])


def efficient_tasks(lookup: Lookup, window: str) -> tuple[TaskRow, ...]:
    """Return the most efficient tasks of the window, the best first, equal ones by task id."""
    ratios = lookup.sum_by(efficiency.TOP_IMPACT_PER_USD, TASK, window=window)
    impact, cost, tokens = (
        lookup.sum_by(metric, TASK, window=window)
        for metric in (efficiency.TOP_IMPACT, efficiency.TOP_COST, efficiency.TOP_TOKENS)
    )
    ranked = sorted(ratios, key=lambda key: (-ratios[key], key[0]))
    return tuple(
        TaskRow(key[0], key[1], key[3], key[4], None, ratios[key], impact.get(key), cost.get(key), tokens.get(key))
        for key in ranked
    )


def timeline(lookup: Lookup, today: date) -> tuple[DayRow, ...]:
    """Return the days of the timeline, the latest first."""
    allocated = lookup.sum_by(utilization.DAY_ALLOCATION, ("day",))
    spent = lookup.sum_by(utilization.DAY_SPEND, ("day",))
    largest = max((*allocated.values(), *spent.values()), default=0)
    days = sorted({*allocated, *spent}, reverse=True)
    return tuple(DayRow(day[0], day[0] == str(today), allocated.get(day), spent.get(day), largest) for day in days)


def provider_table(lookup: Lookup, window: str) -> tuple[ProviderRow, ...]:
    """Return the providers of the window, the most expensive first."""
    cost, tasks, calls, impact, wasted, unpriced = (
        lookup.sum_by(metric, ("provider",), window=window)
        for metric in (
            providers.SPEND,
            providers.TASKS,
            providers.CALLS,
            providers.IMPACT,
            providers.WASTED,
            providers.UNPRICED,
        )
    )
    tokens = lookup.sum_by(providers.TOKENS, ("provider", "token_type"), window=window)
    rows = [
        ProviderRow(
            provider=key[0],
            cost=cost.get(key),
            tasks=tasks.get(key),
            calls=calls.get(key),
            input_tokens=tokens.get((*key, "input")),
            output_tokens=tokens.get((*key, "output")),
            impact=impact.get(key),
            wasted=wasted.get(key),
            unpriced=unpriced.get(key),
        )
        for key in {**cost, **calls, **impact, **wasted}
    ]
    return tuple(sorted(rows, key=lambda row: (-(row.cost or 0), row.provider)))


def waste_by_reason(lookup: Lookup, window: str) -> tuple[WasteRow, ...]:
    """Return what the window wasted for each reason, the most expensive first."""
    tasks, tokens, cost = (
        lookup.sum_by(metric, ("reason",), window=window) for metric in (waste.QUEST_TASKS, waste.QUEST_TOKENS, waste.QUEST_USD)
    )
    rows = [WasteRow(key[0], tasks.get(key), tokens.get(key), cost.get(key)) for key in {**tasks, **tokens, **cost}]
    return tuple(sorted(rows, key=lambda row: (-(row.cost or 0), row.reason)))


def waste_total(rows: Iterable[WasteRow], nothing: float | None) -> WasteRow:
    """Return the sum over the reasons; without reasons, it is ``nothing``."""
    rows = tuple(rows) or (WasteRow("", nothing, nothing, nothing),)
    return WasteRow("Total", _sum(row.tasks for row in rows), _sum(row.tokens for row in rows), _sum(row.cost for row in rows))


def wasteful_tasks(lookup: Lookup, window: str) -> tuple[TaskRow, ...]:
    """Return the most wasteful tasks of the window, most tokens first, equal ones by task id."""
    by: Labels = (*TASK, "reason")
    tokens = lookup.sum_by(waste.WORST_TOKENS, by, window=window)
    cost: Mapping[Labels, float] = lookup.sum_by(waste.WORST_COST, by, window=window)
    ranked = sorted(tokens, key=lambda key: (-tokens[key], key[0]))
    return tuple(TaskRow(key[0], key[1], key[3], key[4], key[5], None, None, cost.get(key), tokens[key]) for key in ranked)


def _moment(timestamp: float | None, now: datetime) -> datetime | None:
    return None if timestamp is None else datetime.fromtimestamp(timestamp, now.tzinfo)


def _together(name: str, rows: list[QuestRow], budget: float | None) -> QuestRow:
    allocated, spent, projected = (_sum(getattr(row, field) for row in rows) for field in ("allocated", "spent", "projected"))
    return QuestRow(name, "", allocated, spent, projected, budget)


def _sum(values: Iterable[float | None]) -> float | None:
    """Return the sum of the known values, None if there are none."""
    known = [value for value in values if value is not None]
    return sum(known) if known else None
