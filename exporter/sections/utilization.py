"""Utilization: budget against spend, day by day."""

from exporter.metrics import Metric

DAY_ALLOCATION = Metric(
    "resource_day_allocation_usd",
    "USD allocated on the calendar day, by layer, for each day of the timeline. Absent where nothing was allocated.",
    ("day", "layer"),
    ("allocations",),
)
DAY_SPEND = Metric(
    "resource_day_spend_usd",
    "USD spent on the calendar day, by layer, for each day of the timeline.",
    ("day", "layer"),
    ("costs",),
)
METRICS = (DAY_ALLOCATION, DAY_SPEND)
