"""The tables of tasks: the most efficient and the most wasteful ones."""

from typing import Final

from grafana_foundation_sdk.builders.table import Panel as Table

from exporter.metrics import Metric
from exporter.palette import LAYERS, OVER, REASONS
from exporter.sections import efficiency, waste
from grafana import absent, links, theme
from grafana.panels import Words
from grafana.queries import Scope, leading
from grafana.tables import Key, Value, rows

TASK: Final = (
    Key("task_id"),
    Key("task", "Task"),
    Key("quest_id"),
    Key("quest", "Quest", link=links.quest_of_row()),
    Key("layer", "Layer", width=90, colors=LAYERS),
)
MOST: Final = 15
"""The tasks of a ranking. The exporter also has the first tasks of each quest, so that one quest has a ranking of its own."""


def best_tasks(scope: Scope) -> Table:
    """The tasks of the window with the most impact per USD."""
    words = Words(
        "Where a dollar did most, $window",
        "The tasks with the highest impact per USD. Find out what they have in common, and do more of it. Of one quest, its"
        " first tasks (report.quest_top in the configuration) are known.",
        absent.because("no task in this window has impact and cost"),
    )

    def first(metric: Metric) -> str:
        return _first(scope, metric, efficiency.TOP_IMPACT_PER_USD)

    values = (
        Value("Impact per $1", first(efficiency.TOP_IMPACT_PER_USD), theme.SCORE, width=115, decimals=2, bar=theme.TEXT),
        Value("Impact", first(efficiency.TOP_IMPACT), theme.SCORE, width=65, decimals=2),
        Value("Cost", first(efficiency.TOP_COST), theme.USD, width=70),
        Value("Tokens", first(efficiency.TOP_TOKENS), theme.TOKENS, width=70),
    )
    return rows(words, TASK, values, most=MOST, ranked=True)


def wasted_tasks(scope: Scope) -> Table:
    """The wasted tasks of the window with the most tokens."""
    words = Words(
        "Most wasteful tasks, $window",
        "The tasks with the most tokens among those with little or no known impact. Check the first ones for loops,"
        " long prompts and expensive models. Of one quest, its first tasks (report.quest_top in the configuration) are known.",
        absent.WASTE,
    )
    values = (
        Value("Tokens", _first(scope, waste.WORST_TOKENS, waste.WORST_TOKENS), theme.TOKENS, width=135, bar=OVER),
        Value("Cost", _first(scope, waste.WORST_COST, waste.WORST_TOKENS), theme.USD, width=70),
    )
    keys = (*TASK, Key("reason", "Reason", width=95, colors=REASONS))
    return rows(words, keys, values, most=MOST, ranked=True)


def _first(scope: Scope, metric: Metric, rank: Metric) -> str:
    """A metric of the first tasks of all chosen quests together."""
    return leading(scope.of(metric), scope.of(rank), ("job", "task_id"), MOST)
