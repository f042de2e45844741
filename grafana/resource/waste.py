"""Wasted resources: what was paid for nothing."""

from exporter.metrics import Metric
from exporter.palette import OVER, REASONS
from exporter.sections import waste
from grafana import absent, measures, rankings, theme
from grafana.layout import Tile
from grafana.panels import Panel, Query, Words, number
from grafana.queries import QUEST, known_zero, total
from grafana.resource.scope import BY_QUEST, SCOPE
from grafana.tables import Key, Value, rows


def tiles() -> list[Tile]:
    """The totals, the most wasteful tasks, and USD wasted by reason and by quest."""
    return [
        *(Tile(panel, 8, 3) for panel in _in_all()),
        Tile(rankings.wasted_tasks(SCOPE), 24, 17),
        Tile(_reasons(), 8, 10),
        Tile(_quests(), 16, 10),
    ]


def _in_all() -> list[Panel]:
    usd = _total(
        "USD wasted, $window",
        "Cost of tasks with many tokens and little (low_impact) or no known (unscored) impact. The quests behind it are below.",
        theme.USD,
        waste.QUEST_USD,
    )
    tokens = _total(
        "Tokens wasted, $window",
        "Tokens of these tasks. If they grow faster than the USD, limit the tokens per task.",
        theme.TOKENS,
        waste.QUEST_TOKENS,
    )
    tasks = _total(
        "Tasks wasted, $window",
        "The number of these tasks. Few tasks with many tokens suggest loops: see the table below.",
        theme.COUNT,
        waste.QUEST_TASKS,
    )
    return [usd, tokens, tasks]


def _total(title: str, text: str, unit: str, metric: Metric) -> Panel:
    """The sum over quests and reasons; 0 where tasks were judged and none was wasted."""
    query = Query(known_zero(total(SCOPE.of(metric)), measures.judged_usd(SCOPE)))
    return number(Words(title, text, absent.IMPACT), unit, query, color=OVER)


def _reasons() -> Panel:
    words = Words(
        "USD wasted by reason, $window",
        "low_impact: scored with little impact; use a cheaper model for such work. unscored: never scored; score it or"
        " stop it.",
        absent.WASTE,
    )
    usd = Value("Wasted", total(SCOPE.of(waste.QUEST_USD), "reason"), theme.USD, width=125, bar=OVER)
    return rows(words, (Key("reason", "Reason", colors=REASONS),), (usd,))


def _quests() -> Panel:
    words = Words(
        "USD wasted by quest, $window",
        "The quests with the most waste. Click a quest to see its tasks, and fix what they have in common.",
        absent.WASTE,
    )
    usd = Value("Wasted", total(SCOPE.of(waste.QUEST_USD), *QUEST), theme.USD, width=300, bar=OVER)
    return rows(words, BY_QUEST, (usd,), most=9)
