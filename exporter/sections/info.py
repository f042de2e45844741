"""Report: how the numbers on this page were cut."""

from exporter.metrics import Family, Metric
from exporter.report.context import ReportContext

INFO = Metric(
    "resource_report_info",
    "Always 1; the labels carry the time zone of the budget day and the profile of the ledgers.",
    ("timezone", "profile"),
    (),
)
METRICS = (INFO,)
TIMELESS = False


def collect(context: ReportContext) -> list[Family]:
    """The report's own facts."""
    return [Family(INFO, [((context.config.timezone.key, context.config.profile), 1.0)])]
