"""The tables of tasks: the most efficient and the most wasteful ones."""

from grafana_foundation_sdk.builders.table import Panel as Table

from exporter.sections import efficiency, waste
from grafana import links, theme
from grafana.panels import Words
from grafana.queries import Scope
from grafana.tables import Key, Value, rows

TASK = (
    Key("task_id"),
    Key("task", "Task"),
    Key("quest_id"),
    Key("quest", "Quest", width=180, link=links.quest_of_row()),
    Key("layer", "Layer", width=85, colors=theme.LAYERS),
)


def best_tasks(scope: Scope) -> Table:
    """The tasks of the window with the most impact per USD."""
    words = Words(
        "Where a dollar did most, $window",
        "The tasks with the highest impact per USD. Find out what they have in common, and do more of it.",
    )
    values = (
        Value("Impact per $1", scope.of(efficiency.TOP_IMPACT_PER_USD), theme.SCORE, width=130, decimals=1, bar=theme.NEUTRAL),
        Value("Impact", scope.of(efficiency.TOP_IMPACT), theme.SCORE, width=70, decimals=1),
        Value("Cost", scope.of(efficiency.TOP_COST), theme.USD, width=75),
        Value("Tokens", scope.of(efficiency.TOP_TOKENS), theme.TOKENS, width=75),
    )
    return rows(words, TASK, values, ranked=True).no_value("No task in this ranking")


def wasted_tasks(scope: Scope) -> Table:
    """The wasted tasks of the window with the most tokens."""
    words = Words(
        "Most wasteful tasks, $window",
        "The tasks with the most tokens among those with little or no known impact. Check the first ones for loops,"
        " long prompts and expensive models.",
    )
    values = (
        Value("Tokens", scope.of(waste.WORST_TOKENS), theme.TOKENS, width=130, bar=theme.WASTED),
        Value("Cost", scope.of(waste.WORST_COST), theme.USD, width=75),
    )
    return rows(words, (*TASK, Key("reason", "Reason", width=95, colors=theme.REASONS)), values, ranked=True).no_value(
        "No task in this ranking"
    )
