"""Allocation: who may spend how much today."""

from exporter.metrics import QUEST, Metric

ALLOCATION = Metric(
    "resource_quest_allocation_usd",
    "USD that the quest may spend today, from the allocation ledger. Absent where no budget was set.",
    QUEST,
    ("allocations",),
)
REPORTED_SPEND = Metric(
    "resource_quest_reported_spend_usd",
    "USD spent by the quest today, as the allocation ledger itself reports it.",
    QUEST,
    ("allocations",),
)
METRICS = (ALLOCATION, REPORTED_SPEND)
