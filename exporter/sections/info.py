"""Report: how the numbers on this page were cut."""

from exporter.metrics import Family, Metric
from exporter.report.context import ReportContext
from exporter.report.prepared import Prepared

INFO = Metric(
    "resource_report_info",
    "Always 1; the labels carry the time zone of the budget day and the profile of the ledgers.",
    ("timezone", "profile"),
    (),
)
METRICS = (INFO,)
TIMELESS = False


def collect(context: ReportContext, _prepared: Prepared) -> list[Family]:
    """The report's own facts."""
    return [Family(INFO, [((context.config.timezone.key, context.config.profile), 1.0)])]
