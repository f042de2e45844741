"""Spend: what was billed, by whom and to whom, and where today is heading."""

from collections import defaultdict
from decimal import Decimal

from exporter.metrics import QUEST, Family, Labels, Metric, Sample
from exporter.report import costs
from exporter.report.context import ReportContext, Row, complete, summed
from exporter.report.prepared import Prepared
from exporter.report.projection import end_of_day, usual_share
from exporter.requirements import COST_TOKENS, COSTS, SPENT

SPEND = Metric(
    "resource_spend_usd",
    "USD billed over the lifetime of the cost ledger, less credits. It may be corrected downward: use delta(), not rate().",
    (*QUEST, "provider", "model"),
    (COSTS,),
)
CALLS = Metric(
    "resource_calls",
    "Billed calls over the lifetime of the cost ledger.",
    (*QUEST, "provider", "model"),
    (COSTS,),
)
TOKENS = Metric(
    "resource_tokens",
    "Tokens over the lifetime of the cost ledger, by direction (token_type is input or output).",
    (*QUEST, "provider", "model", "token_type"),
    (COST_TOKENS,),
)
QUEST_SPEND = Metric(
    "resource_quest_spend_usd",
    "USD spent by the quest in the window. Select one window, never sum over windows.",
    (*QUEST, "window"),
    (SPENT,),
)
PROJECTED = Metric(
    "resource_quest_projected_spend_usd",
    "USD that the quest will have spent at the end of today, at the usual course of a day. Absent in the first half hour.",
    QUEST,
    (SPENT,),
)
DAY_ELAPSED = Metric(
    "resource_budget_day_elapsed_ratio",
    "Share of today's budget day that has gone by, from 0 to 1, in the configured time zone.",
    (),
    (),
)
METRICS = (SPEND, CALLS, TOKENS, QUEST_SPEND, PROJECTED, DAY_ELAPSED)
TIMELESS = False


def collect(context: ReportContext, prepared: Prepared) -> list[Family]:
    """Spend by quest and model over all time, by quest and window, and projected to the end of today."""
    cells = _cells(prepared)
    return [
        Family(SPEND, [(labels, float(sums[costs.USD])) for labels, sums in cells.items()]),
        Family(CALLS, [(labels, float(sums[costs.CALLS])) for labels, sums in cells.items()]),
        Family(
            TOKENS,
            [
                ((*labels, kind), float(sums[costs.TOKENS[kind]]))
                for labels, sums in cells.items()
                for kind in context.token_types
            ],
        ),
        Family(QUEST_SPEND, _by_quest(context, prepared)),
        Family(PROJECTED, _projected(context, prepared)),
        Family(DAY_ELAPSED, [((), context.calendar.elapsed(context.now))]),
    ]


def _cells(prepared: Prepared) -> dict[Labels, Row]:
    labels = prepared.labels
    parts = (((*labels.quests[quest], *labels.models[model]), sums) for (quest, model), sums in prepared.costs.cells.items())
    return {values: sums for values, sums in summed(parts).items() if sums[costs.ENTRIES]}


def _by_quest(context: ReportContext, prepared: Prepared) -> list[Sample]:
    labels = prepared.labels
    spent: dict[Labels, Decimal] = defaultdict(Decimal)
    for (window, quest), usd in prepared.costs.quests.items():
        if quest in labels.quests:
            spent[(*labels.quests[quest], window)] += usd
    found = [(values, float(usd)) for values, usd in spent.items()]
    return complete(found, context.windows, labels.spenders.values())


def _projected(context: ReportContext, prepared: Prepared) -> list[Sample]:
    """Today's spend divided by the share of a day's spend that is usually reached by now."""
    share = usual_share(context, prepared.costs)
    if share is None:
        return []
    projected = dict[Labels, float]()
    for quest, labels in prepared.labels.spenders.items():
        usd = prepared.costs.days.get((context.today, quest), Decimal(0))
        owed = prepared.costs.owed.get(quest, min(usd, Decimal(0)))
        projected[labels] = projected.get(labels, 0) + end_of_day(usd, owed, share)
    return list(projected.items())
