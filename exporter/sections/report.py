"""Report: how the numbers on this page were cut."""

from exporter.metrics import Family, Metric
from exporter.sections.frame import Frame

INFO = Metric(
    "resource_report_info",
    "Always 1; the labels carry the time zone of the budget day and the profile of the ledgers.",
    ("timezone", "profile"),
    (),
)
METRICS = (INFO,)
TIMELESS = False


def collect(frame: Frame) -> list[Family]:
    """The report's own facts."""
    return [Family(INFO, [((frame.config.timezone.key, frame.config.profile), 1.0)])]
