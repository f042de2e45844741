"""Utilization: budget against spend, day by day."""

from exporter.metrics import Family, Metric, Sample
from exporter.report.context import ReportContext, samples
from exporter.requirements import ALLOCATIONS, COSTS, REPORTED

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
    (COSTS,),
    stand_in=REPORTED,
)
METRICS = (DAY_ALLOCATION, DAY_SPEND)
TIMELESS = True


_ALLOCATED = """
SELECT strftime(day, '%Y-%m-%d'), layer, sum(allocated_usd)
  FROM allocations JOIN quest_labels USING (quest) WHERE day BETWEEN $first AND $last GROUP BY ALL ORDER BY ALL
"""
_SPENT = """
SELECT day, layer, sum(usd)
  FROM quest_days JOIN quest_labels USING (quest) WHERE day BETWEEN $first AND $last GROUP BY ALL
"""


def collect(context: ReportContext) -> list[Family]:
    """The timeline. A day without spend is 0; a day without an allocation is absent."""
    days = context.timeline
    allocated = context.rows(_ALLOCATED, first=days[0], last=days[-1])
    return [Family(DAY_ALLOCATION, samples(allocated)), Family(DAY_SPEND, _spent(context))]


def _spent(context: ReportContext) -> list[Sample]:
    days = context.timeline
    spent = {(day, layer): usd for day, layer, usd in context.rows(_SPENT, first=days[0], last=days[-1])}
    layers = [layer for (layer,) in context.rows("SELECT DISTINCT layer FROM spender_labels ORDER BY layer")]
    return [((day.isoformat(), layer), float(spent.get((day, layer), 0))) for day in days for layer in layers]
