"""The ways from one dashboard to another. All carry the time range and the filters along."""

from typing import Final

from grafana_foundation_sdk.builders.dashboard import DashboardLink
from grafana_foundation_sdk.models.dashboard import DashboardLinkType

TAG: Final = "resource"
RESOURCE: Final = "resource-dashboard"
QUEST: Final = "resource-quest"
PROVIDER: Final = "resource-provider"
EXPORTER: Final = "resource-exporter"

_FILTERS = "&".join(f"${{{name}:queryparam}}" for name in ("datasource", "job", "instance", "window"))

_ROW = "${__data.fields.%s:percentencode}"
_SERIES = "${__field.labels.%s:percentencode}"


def quest_of_row() -> tuple[str, str]:
    """From a row of a table, by its column ``quest_id``."""
    return "Open the quest", _drill(QUEST, "quest", _ROW % "quest_id")


def quest_of_series() -> tuple[str, str]:
    """From a series, by its label ``quest_id``."""
    return "Open the quest", _drill(QUEST, "quest", _SERIES % "quest_id")


def provider_of_row() -> tuple[str, str]:
    """From a row of a table, by its column ``Provider``."""
    return "Open the provider", _drill(PROVIDER, "provider", _ROW % "Provider")


def provider_of_series() -> tuple[str, str]:
    """From a series, by its label ``provider``."""
    return "Open the provider", _drill(PROVIDER, "provider", _SERIES % "provider")


def all_dashboards() -> DashboardLink:
    """The dropdown that lists all dashboards of the product."""
    link = DashboardLink("Resource Exporter").type(DashboardLinkType.DASHBOARDS).tags([TAG]).as_dropdown(as_dropdown=True)
    link.include_vars(include_vars=True).keep_time(keep_time=True).tooltip("All dashboards of Resource Exporter")
    return link.placement("")  # at the top, not in a menu


def _drill(dashboard: str, variable: str, value: str) -> str:
    return f"/d/{dashboard}?{_FILTERS}&var-{variable}={value}&${{__url_time_range}}"
