"""Resource utilization: budget against spend."""

from grafana_foundation_sdk.builders.timeseries import Panel as Course

from exporter.sections import spend
from grafana import absent, links, measures, theme
from grafana.layout import Tile
from grafana.panels import Panel, Query, Words, linked, paint_quests, per_hour
from grafana.queries import QUEST, RECENT, TODAY, leading, total
from grafana.resource.scope import SCOPE
from grafana.timeline import balance, days

SPENT = measures.spent_by_day(SCOPE)
ALLOCATED = measures.allocated_by_day(SCOPE)


def tiles() -> list[Tile]:
    """The timeline of days, and the last 24 hours by quest."""
    return [Tile(_days(), 12, 10), Tile(_balance(), 12, 10), Tile(linked(_live(), *links.quest_of_series()), 24, 9)]


def _days() -> Panel:
    words = Words(
        "Budget against spend, by day",
        "The allocation of each day in green and its spend in blue, or in red if it is over budget. Today is not over yet."
        " The data come from the ledgers, so days before Prometheus was started are included. Not filtered by quest.",
        absent.TIMELINE,
    )
    return days(words, ALLOCATED, SPENT)


def _balance() -> Panel:
    words = Words(
        "Over and under budget, by day",
        "Spend minus allocation of each day with a budget: red is overspend, green is unspent budget."
        " If much is unspent for many days, allocate less, or elsewhere. Not filtered by quest.",
        absent.because("no day has both calls and a budget"),
    )
    return balance(words, f"clamp_min({SPENT} - {ALLOCATED}, 0)", f"clamp_max({SPENT} - {ALLOCATED}, 0)")


def _live() -> Course:
    words = Words(
        "Spend per hour, by quest",
        "USD in the hour before each moment, for the ten quests that spent most on a day in the last 24 hours. After a lasting"
        " increase, open the quest and find the model behind it. It starts with the first scrape; its first hour is too low.",
        absent.HISTORY,
    )
    rank = total(SCOPE.highest(spend.QUEST_SPEND, window=TODAY), *QUEST)
    query = Query(leading(measures.spent_per_hour(SCOPE, *QUEST), rank, QUEST), "{{quest}}")
    return paint_quests(per_hour(words, theme.USD, query)).time_from(RECENT)
