"""Budgets: what each quest may spend in the periods that hold today, what it has spent, and where it is heading."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal

from exporter.calendar import ONE_DAY
from exporter.metrics import QUEST, Family, Labels, Metric, Sample
from exporter.report.budgets import Budget
from exporter.report.context import ReportContext
from exporter.report.prepared import Prepared
from exporter.report.projection import end_of_day, usual_share
from exporter.requirements import BUDGETS, DAY_BUDGETS, SPENT
from exporter.rollups import LABELLING

PERIOD = (*QUEST, "period")

BUDGET = Metric(
    "resource_quest_budget_usd",
    "USD that the quest may spend in the period that holds today. Absent where no budget was set.",
    PERIOD,
    (BUDGETS,),
    also=DAY_BUDGETS,
)
SPEND = Metric(
    "resource_quest_budget_spend_usd",
    "USD that the quest has spent in the period so far, in whole budget days.",
    PERIOD,
    (BUDGETS, SPENT),
    also=DAY_BUDGETS,
)
PROJECTED = Metric(
    "resource_quest_budget_projected_spend_usd",
    "USD that the quest will have spent at the end of the period, at the pace of its days so far. Absent without an end.",
    PERIOD,
    (BUDGETS, SPENT),
    also=DAY_BUDGETS,
)
ELAPSED = Metric(
    "resource_quest_budget_elapsed_ratio",
    "Share of the period that has gone by, from 0 to 1. Absent without an end.",
    PERIOD,
    (BUDGETS,),
    also=DAY_BUDGETS,
)
END = Metric(
    "resource_quest_budget_end_timestamp_seconds",
    "Unix time at which the period ends. Absent without an end.",
    PERIOD,
    (BUDGETS,),
    also=DAY_BUDGETS,
)
METRICS = (BUDGET, SPEND, PROJECTED, ELAPSED, END)
TIMELESS = False

_LABELS = "SELECT quest, quest_id, name, layer FROM quest_labels"


def collect(context: ReportContext, prepared: Prepared) -> list[Family]:
    """The budgets that hold today. Those of quests that share a label, as ``other`` does, are summed up."""
    budgets = prepared.budgets.in_force
    labels: Mapping[int, Labels] = {row[0]: row[1:] for row in prepared.rows(context, LABELLING, _LABELS)}
    spenders = {*prepared.labels.spenders.values()}
    spending = [budget for budget in budgets if labels.get(budget.quest) in spenders]
    share = usual_share(context, prepared.costs)
    sums = prepared.budgets

    def spent(budget: Budget) -> float:
        return float(sums.spent[budget.quest, budget.starts_on])

    def projected(budget: Budget) -> float | None:
        key = budget.quest, budget.starts_on
        return _projected(context, budget, sums.spent[key], sums.spent_today[key], share)

    return [
        Family(BUDGET, _added(budgets, labels, lambda budget: float(budget.usd))),
        Family(SPEND, _added(spending, labels, spent)),
        Family(PROJECTED, _added(spending, labels, projected)),
        Family(ELAPSED, _common(budgets, labels, lambda budget: _elapsed(context, budget))),
        Family(END, _common(budgets, labels, lambda budget: _end(context, budget))),
    ]


def _projected(context: ReportContext, budget: Budget, spent: Decimal, today: Decimal, share: float | None) -> float | None:
    """The days so far, with today at its end, and as much on each day to come; None while nothing can be said."""
    if budget.days is None:
        return None
    days = (context.today - budget.starts_on).days + 1
    before = float(spent - today)
    if share is None:
        return before / (days - 1) * budget.days if days > 1 else None
    return (before + end_of_day(today, min(today, Decimal(0)), share)) / days * budget.days


def _elapsed(context: ReportContext, budget: Budget) -> float | None:
    end = _end_of(context, budget)
    start = context.calendar.start(budget.starts_on)
    return None if end is None else (context.now - start) / (end - start)


def _end(context: ReportContext, budget: Budget) -> float | None:
    end = _end_of(context, budget)
    return None if end is None else end.timestamp()


def _end_of(context: ReportContext, budget: Budget) -> datetime | None:
    return None if budget.ends_on is None else context.calendar.start(budget.ends_on + ONE_DAY)


def _values(
    budgets: list[Budget], labels: Mapping[int, Labels], value: Callable[[Budget], float | None]
) -> dict[Labels, list[float | None]]:
    found: dict[Labels, list[float | None]] = defaultdict(list)
    for budget in budgets:
        if budget.quest in labels:
            found[(*labels[budget.quest], budget.period)].append(value(budget))
    return found


def _added(budgets: list[Budget], labels: Mapping[int, Labels], value: Callable[[Budget], float | None]) -> list[Sample]:
    """The sums of what is known of all budgets with the same labels."""
    known = {key: [each for each in values if each is not None] for key, values in _values(budgets, labels, value).items()}
    return [(key, sum(values)) for key, values in known.items() if values]


def _common(budgets: list[Budget], labels: Mapping[int, Labels], value: Callable[[Budget], float | None]) -> list[Sample]:
    """What all budgets with the same labels have in common."""
    return [
        (key, values[0])
        for key, values in _values(budgets, labels, value).items()
        if values[0] is not None and all(each == values[0] for each in values)
    ]
