"""The exporter itself: whether its data are current and complete."""

from grafana import links, variables
from grafana.exporter import history, now
from grafana.layout import Page, Section


def page() -> Page:
    """The metrics of the exporter about its own work."""
    return Page(
        uid=links.EXPORTER,
        title="Exporter",
        text="Are the data of Resource Exporter current and complete? Its ledgers, data age, refreshes, audits and limits.",
        since="now-6h",
        variables=(variables.datasource(), variables.job(), variables.instance()),
        sections=(
            Section("Now", now.tiles()),
            Section("Freshness", history.freshness()),
            Section("Refreshes", history.refreshes()),
            Section("Exactness", history.exactness()),
            Section("Size", history.size()),
        ),
    )
