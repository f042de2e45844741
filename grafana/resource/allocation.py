"""Budget allocation: who may spend how much today, and who has spent more."""

from typing import Final

from grafana_foundation_sdk.builders.piechart import Panel as Pie
from grafana_foundation_sdk.builders.table import Panel as Table

from exporter.palette import WARNING
from grafana import absent, budgets, links, measures, theme
from grafana.layout import Tile
from grafana.panels import Words, by_quest, linked
from grafana.queries import QUEST, leading
from grafana.resource.scope import BY_QUEST, SCOPE
from grafana.tables import Value, rows

SHOWN: Final = 50
"""The most rows of a table: with thousands of quests, a browser would be slow."""


def tiles() -> list[Tile]:
    """Today's allocations and the used share of each, spend without one, and the budgets of longer periods."""
    return [
        Tile(linked(_shares(), *links.quest_of_series()), 24, 10),
        Tile(_used(), 14, 11),
        Tile(_without(), 10, 11),
        Tile(budgets.table(SCOPE), 24, 6),
    ]


def _shares() -> Pie:
    words = Words(
        "Allocation of today, by quest",
        "The eight largest allocations of today; all others are Other. A quest without a budget is not shown. If one quest"
        " holds most of it, check that its impact is worth it.",
        absent.BUDGET_TODAY,
    )
    return by_quest(words, measures.allocated(SCOPE, *QUEST), measures.allocated(SCOPE))


def _used() -> Table:
    words = Words(
        "Budget used, by quest",
        "The share of its budget that each quest has spent today, the highest first: orange from 80 %, red from 100 %. Beyond"
        f" {SHOWN}, the last row has the number of all others and the highest share among them. Click a quest to see what it"
        " pays for.",
        absent.BUDGET_TODAY,
    )
    used = measures.budget_used(SCOPE, *QUEST)
    values = (
        Value("Used", f"topk({SHOWN}, {used}) or {_others(used)}", theme.SHARE, width=150, bar=theme.BUDGET_USED),
        Value("Spent", leading(measures.spent(SCOPE, *QUEST), used, QUEST, SHOWN), theme.USD, width=90),
        Value("Budget", leading(measures.allocated(SCOPE, *QUEST), used, QUEST, SHOWN), theme.USD, width=90),
    )
    return rows(words, BY_QUEST, values, most=SHOWN + 1)


def _others(used: str) -> str:
    """The highest value after the first ones, under the name *and 45 more, at most* if that is the number of the others."""
    number = f'count_values("more", count({used}) - {SHOWN} > 0)'
    named = f'label_replace({number}, "quest", "and $1 more, at most", "more", "(.*)")'
    return f"max by (quest) ({named} * on () group_left () max({used} unless topk({SHOWN}, {used})))"


def _without() -> Table:
    words = Words(
        "Spend without a budget, by quest",
        "Quests that have spent today and have no allocation for today. Give them one, or find out why they spend.",
        absent.because("all spend has a budget"),
    )
    spent = Value("Spent", measures.unbudgeted(SCOPE, *QUEST), theme.USD, width=150, bar=WARNING)
    return rows(words, BY_QUEST, (spent,), most=SHOWN)
