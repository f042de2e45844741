"""Efficiency rankings: where a dollar does most."""

from exporter.palette import LAYERS
from grafana import absent, measures, rankings, theme
from grafana.comparison import BY_PROVIDER
from grafana.layout import Tile
from grafana.panels import Words
from grafana.queries import QUEST
from grafana.resource.scope import BY_QUEST, SCOPE
from grafana.tables import Key, Value, rows


def tiles() -> list[Tile]:
    """The best tasks, and impact per USD by quest, layer and provider."""
    return [
        Tile(rankings.best_tasks(SCOPE), 24, 17),
        Tile(rows(_quests(), BY_QUEST, (_impact(measures.impact_per_usd(SCOPE, *QUEST)),), most=8), 8, 10),
        Tile(rows(_layers(), (_LAYER,), (_impact(measures.impact_per_usd(SCOPE, "layer")),)), 8, 10),
        Tile(rows(_providers(), BY_PROVIDER, (_impact(measures.provider_impact_per_usd(SCOPE, "provider")),)), 8, 10),
    ]


_LAYER = Key("layer", "Layer", colors=LAYERS)


def _impact(expression: str) -> Value:
    return Value("Impact per $1", expression, theme.SCORE, width=125, decimals=2, bar=theme.TEXT)


def _quests() -> Words:
    return Words(
        "Impact per $1 by quest, $window",
        "The eight quests with the highest impact per USD. Consider larger budgets for the first ones.",
        absent.IMPACT,
    )


def _layers() -> Words:
    return Words(
        "Impact per $1 by layer, $window",
        "Impact of the judged tasks divided by their cost, failed tasks included. Ask why the last layer has less.",
        absent.IMPACT,
    )


def _providers() -> Words:
    return Words(
        "Impact per $1 by provider, $window",
        "Impact divided by spend. The impact of a task is shared out to providers by its spend on them. Not filtered by"
        " layer and quest. Consider the first ones for more of the work.",
        absent.IMPACT,
    )
