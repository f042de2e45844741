"""Provider breakdown: which provider is worth its price."""

from grafana_foundation_sdk.builders.piechart import Panel as Pie
from grafana_foundation_sdk.builders.timeseries import Panel as Course

from exporter.palette import PROVIDERS
from exporter.sections import providers
from grafana import absent, comparison, links, measures, theme
from grafana.layout import Tile
from grafana.panels import Query, Words, donut, linked, paint, per_hour
from grafana.queries import RECENT, total
from grafana.resource.scope import SCOPE


def tiles() -> list[Tile]:
    """Spend by provider, over time, and with its results."""
    return [
        Tile(linked(_shares(), *links.provider_of_series()), 12, 9),
        Tile(linked(_live(), *links.provider_of_series()), 12, 9),
        Tile(comparison.providers_table(SCOPE), 24, 8),
    ]


def _shares() -> Pie:
    words = Words(
        "Spend by provider, $window",
        "The table below shows what the spend achieved. Not filtered by layer and quest.",
        absent.CALLS,
    )
    spent = total(SCOPE.of(providers.SPEND), "provider")
    return paint(donut(words, theme.USD, Query(f"sort_desc({spent})", "{{provider}}")), PROVIDERS)


def _live() -> Course:
    words = Words(
        "Spend per hour, by provider",
        "USD in the hour before each moment. A provider that grows while others shrink has taken over their work:"
        " compare their impact per $1.",
        absent.HISTORY,
    )
    query = Query(measures.spent_per_hour(SCOPE, "provider"), "{{provider}}")
    return paint(per_hour(words, theme.USD, query), PROVIDERS).time_from(RECENT)
