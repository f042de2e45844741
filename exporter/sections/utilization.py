"""Utilization: budget against spend, day by day."""

from collections import defaultdict
from datetime import date
from decimal import Decimal

from exporter.metrics import QUEST, Family, Metric, Sample
from exporter.report.context import ReportContext, samples
from exporter.report.prepared import Prepared
from exporter.requirements import ALLOCATIONS, SPENT

DAY_ALLOCATION = Metric(
    "resource_day_allocation_usd",
    "USD allocated on the calendar day, by layer, for each day of the timeline. Absent where nothing was allocated.",
    ("day", "layer"),
    (ALLOCATIONS,),
)
DAY_SPEND = Metric(
    "resource_day_spend_usd",
    "USD spent on the calendar day, by layer, for each day of the timeline.",
    ("day", "layer"),
    (SPENT,),
)
METRICS = (DAY_ALLOCATION, DAY_SPEND)
TIMELESS = True

LAYER = QUEST.index("layer")
_ALLOCATED = """
SELECT strftime(day, '%Y-%m-%d'), layer, sum(allocated_usd)
  FROM allocated($first, $last) JOIN quest_labels USING (quest) GROUP BY ALL
"""


def collect(context: ReportContext, prepared: Prepared) -> list[Family]:
    """The timeline. A day without spend is 0; a day without an allocation is absent."""
    days = context.timeline
    ledger = ALLOCATIONS.used(context.config.ledgers).ledger
    allocated = prepared.rows(context, ledger, _ALLOCATED, first=days[0], last=days[-1])
    return [Family(DAY_ALLOCATION, samples(allocated)), Family(DAY_SPEND, _spent(days, prepared))]


def _spent(days: list[date], prepared: Prepared) -> list[Sample]:
    labels = prepared.labels
    spent: dict[tuple[date, str], Decimal] = defaultdict(Decimal)
    for (day, quest), usd in prepared.costs.days.items():
        if quest in labels.quests:
            spent[day, labels.quests[quest][LAYER]] += usd
    layers = sorted({values[LAYER] for values in labels.spenders.values()})
    return [((day.isoformat(), layer), float(spent[day, layer])) for day in days for layer in layers]
