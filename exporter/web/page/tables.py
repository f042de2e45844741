"""The tables of the page, from the families of a snapshot."""

from collections.abc import Iterable, Sequence
from datetime import date

from exporter.metrics import TASK, Labels
from exporter.sections import efficiency, providers, utilization, waste
from exporter.web.page.lookup import Lookup, total
from exporter.web.page.rows import DayRow, ProviderRow, TaskRow, WasteRow

PREFERRED_WINDOW = "30d"


def windows_of(lookup: Lookup) -> list[str]:
    """Return the windows of the rankings, the longest last."""
    return lookup.windows((providers.SPEND, efficiency.QUEST_IMPACT_COST, waste.QUEST_USD))


def window_shown(windows: Sequence[str], wanted: str | None) -> str:
    """Return the wanted window, if there is one of that name, else 30 days, else the longest."""
    if wanted is not None and wanted in windows:
        return wanted
    return PREFERRED_WINDOW if PREFERRED_WINDOW in windows or not windows else windows[-1]


def efficient_tasks(lookup: Lookup, window: str, top: int) -> tuple[TaskRow, ...]:
    """Return the ``top`` most efficient tasks of the window, the best first, equal ones by task id."""
    ratios = lookup.sum_by(efficiency.TOP_IMPACT_PER_USD, TASK, window=window)
    impact, cost, tokens = (
        lookup.sum_by(metric, TASK, window=window)
        for metric in (efficiency.TOP_IMPACT, efficiency.TOP_COST, efficiency.TOP_TOKENS)
    )
    ranked = sorted(ratios, key=lambda key: (-ratios[key], key[0]))[:top]
    return tuple(
        TaskRow(
            **_names(lookup, key),
            reason=None,
            impact_per_usd=ratios[key],
            impact=impact.get(key),
            cost=cost.get(key),
            tokens=tokens.get(key),
        )
        for key in ranked
    )


def timeline(lookup: Lookup, today: date) -> tuple[DayRow, ...]:
    """Return the days of the timeline, the latest first."""
    allocated = lookup.sum_by(utilization.DAY_ALLOCATION, ("day",))
    spent = lookup.sum_by(utilization.DAY_SPEND, ("day",))
    days = sorted({*allocated, *spent}, reverse=True)
    return tuple(DayRow(day[0], day[0] == str(today), allocated.get(day), spent.get(day)) for day in days)


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
    return WasteRow(
        "Total", total(row.tasks for row in rows), total(row.tokens for row in rows), total(row.cost for row in rows)
    )


def wasteful_tasks(lookup: Lookup, window: str, top: int) -> tuple[TaskRow, ...]:
    """Return the ``top`` most wasteful tasks of the window, most tokens first, equal ones by task id."""
    by = (*TASK, "reason")
    tokens = lookup.sum_by(waste.WORST_TOKENS, by, window=window)
    cost = lookup.sum_by(waste.WORST_COST, by, window=window)
    ranked = sorted(tokens, key=lambda key: (-tokens[key], key[0]))[:top]
    return tuple(
        TaskRow(**_names(lookup, key), reason=key[5], impact_per_usd=None, impact=None, cost=cost.get(key), tokens=tokens[key])
        for key in ranked
    )


def _names(lookup: Lookup, key: Labels) -> dict[str, str]:
    """What a row says of a task and its quest, by the labels that ``key`` begins with."""
    task_id, task, quest_id, quest, layer = key[: len(TASK)]
    shown = lookup.id_if_shared(quest_id, quest)
    return {"task_id": task_id, "task": task, "quest": quest, "layer": layer, "quest_id": shown}
