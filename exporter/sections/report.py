"""Report: how the numbers on this page were cut."""

from exporter.metrics import Metric

INFO = Metric(
    "resource_report_info",
    "Always 1; the labels carry the time zone of the budget day and the profile of the ledgers.",
    ("timezone", "profile"),
    (),
)
METRICS = (INFO,)
