"""The links between the dashboards. All of them keep the time range and the filters."""

from typing import Final

from grafana_foundation_sdk.builders.dashboard import DashboardLink
from grafana_foundation_sdk.models.dashboard import DashboardLinkType

TAG: Final = "resource"
RESOURCE: Final = "resource-dashboard"
MONTH: Final = "resource-month"
QUEST: Final = "resource-quest"
PROVIDER: Final = "resource-provider"
EXPORTER: Final = "resource-exporter"

_FILTERS = "&".join(f"${{{name}:queryparam}}" for name in ("datasource", "job", "instance"))
_WINDOW = "${window:queryparam}"

_ROW = "${__data.fields.%s:percentencode}"
_SERIES = "${__field.labels.%s:percentencode}"


def quest_of_row(column: str = "quest_id", window: str = _WINDOW) -> tuple[str, str]:
    """Title and URL of the link from a table row to its quest, by the column that holds its id."""
    return "Open the quest", _drill(QUEST, "quest", _ROW % column, window)


def quest_of_series(window: str = _WINDOW) -> tuple[str, str]:
    """Title and URL of the link from a series to its quest, by the label ``quest_id``."""
    return "Open the quest", _drill(QUEST, "quest", _SERIES % "quest_id", window)


def budget_of_row() -> tuple[str, str]:
    """Title and URL of the link from a table row to the quest and the period of a budget."""
    return "Open the quest", _drill(QUEST, "quest", f"{_ROW % 'quest_id'}&var-period={_ROW % 'Period'}")


def provider_of_row() -> tuple[str, str]:
    """Title and URL of the link from a table row to its provider, by the column ``Provider``."""
    return "Open the provider", _drill(PROVIDER, "provider", _ROW % "Provider")


def provider_of_series() -> tuple[str, str]:
    """Title and URL of the link from a series to its provider, by the label ``provider``."""
    return "Open the provider", _drill(PROVIDER, "provider", _SERIES % "provider")


def all_dashboards() -> DashboardLink:
    """The dropdown with all dashboards of Resource Exporter."""
    link = DashboardLink("Resource Exporter").type(DashboardLinkType.DASHBOARDS).tags([TAG]).as_dropdown(as_dropdown=True)
    return link.include_vars(include_vars=True).keep_time(keep_time=True).tooltip("All dashboards of Resource Exporter")


def chosen_window(window: str) -> str:
    """The part of a URL that chooses a window, for dashboards without that variable."""
    return f"var-window={window}"


def _drill(dashboard: str, variable: str, value: str, window: str = _WINDOW) -> str:
    return f"/d/{dashboard}?{_FILTERS}&{window}&var-{variable}={value}&${{__url_time_range}}"
