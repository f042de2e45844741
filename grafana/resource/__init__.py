"""The Resource Dashboard: the five sections of the report on one page."""

from grafana import alerts, links, variables
from grafana.layout import Page, Section
from grafana.queries import Scope
from grafana.resource import allocation, efficiency, providers, today, utilization, waste
from grafana.resource.scope import SCOPE


def page() -> Page:
    """The main dashboard: today, then the five sections of the report."""
    chosen = (
        variables.datasource(),
        variables.job(),
        variables.instance(),
        variables.layer(),
        variables.quests(Scope({"layer": SCOPE.filters["layer"]})),
    )
    return Page(
        uid=links.RESOURCE,
        title="Resource Dashboard",
        text="Budgets, spend and impact of a fleet of AI agents: who may spend, where a dollar does most, and what was wasted.",
        since="now-30d",
        variables=(*chosen, variables.window()),
        sections=(
            Section("Today, and over $window", today.tiles()),
            Section("Budget allocation", allocation.tiles()),
            Section("Alerts", [alerts.tile(24, alerts.OF_QUESTS, link=links.quest_of_row("Quest"))]),
            Section("Efficiency rankings", efficiency.tiles()),
            Section("Resource utilization", utilization.tiles()),
            Section("Provider breakdown", providers.tiles()),
            Section("Wasted resources", waste.tiles()),
        ),
    )
