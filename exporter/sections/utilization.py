"""Utilization: budget against spend, day by day."""

from exporter.metrics import Family, Metric, Sample
from exporter.sections.frame import Frame, samples
from exporter.sources import ALLOCATIONS, COSTS, REPORTED

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


def collect(frame: Frame) -> list[Family]:
    """The timeline. A day without spend is 0; a day without an allocation is absent."""
    days = frame.timeline
    allocated = frame.rows(_ALLOCATED, first=days[0], last=days[-1])
    return [Family(DAY_ALLOCATION, samples(allocated)), Family(DAY_SPEND, _spent(frame))]


def _spent(frame: Frame) -> list[Sample]:
    days = frame.timeline
    spent = {(day, layer): usd for day, layer, usd in frame.rows(_SPENT, first=days[0], last=days[-1])}
    layers = [layer for (layer,) in frame.rows("SELECT DISTINCT layer FROM spender_labels ORDER BY layer")]
    return [((day.isoformat(), layer), float(spent.get((day, layer), 0))) for day in days for layer in layers]
