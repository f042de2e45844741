"""Allocation: who may spend how much today."""

from exporter.metrics import QUEST, Family, Metric
from exporter.report.context import ReportContext, samples
from exporter.report.prepared import Prepared
from exporter.requirements import ALLOCATIONS, REPORTED

ALLOCATION = Metric(
    "resource_quest_allocation_usd",
    "USD that the quest may spend today; without this ledger, a day's share of its shortest budget. Absent where none was set.",
    QUEST,
    (ALLOCATIONS,),
)
REPORTED_SPEND = Metric(
    "resource_quest_reported_spend_usd",
    "USD spent by the quest today, as the allocation ledger itself reports it.",
    QUEST,
    (REPORTED,),
)
METRICS = (ALLOCATION, REPORTED_SPEND)
TIMELESS = True


_TODAY = """
SELECT quest_id, name, layer, sum({column}) FROM allocated($today, $today) JOIN quest_labels USING (quest) GROUP BY ALL
"""


def collect(context: ReportContext, _prepared: Prepared) -> list[Family]:
    """Today's allocations. No row, or a row without an amount, is no budget: then there is no sample, never 0."""
    allocated = context.rows(_TODAY.format(column="allocated_usd"), today=context.today)
    reported = context.rows(_TODAY.format(column="spent_usd"), today=context.today)
    return [Family(ALLOCATION, samples(allocated)), Family(REPORTED_SPEND, samples(reported))]
