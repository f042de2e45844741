"""Budgets of any period: the table of all of them, and the course of one."""

from collections.abc import Mapping
from typing import Final

from grafana_foundation_sdk.builders.stat import Panel as Stat
from grafana_foundation_sdk.builders.table import Panel as Table
from grafana_foundation_sdk.builders.timeseries import Panel as Course
from grafana_foundation_sdk.models.common import LineInterpolation, TableCellDisplayMode
from grafana_foundation_sdk.models.dashboard import DynamicConfigValue as Property

from grafana import links, theme
from grafana.layout import Tile
from grafana.measures import LASTS, OVER, Budget, budget_of_all, budget_of_each
from grafana.panels import UNKNOWN, Query, Words, course, number, of_budget, paint, texts
from grafana.queries import Scope, leading, share
from grafana.tables import Key, Value, rows

LONGER: Final = {"period": '!="day"'}
"""The budgets of a day are shown beside today's spend."""
SHOWN: Final = 50
"""The most rows of the table: with the budgets of thousands of quests, a browser would be slow."""
NO_DATE: Final[Mapping[int, tuple[str, str]]] = {
    OVER: ("over budget", theme.SPENT),
    LASTS: ("not in this period", theme.ALLOCATED),
}
NO_BUDGETS: Final = "No data: no budget of a period longer than a day. The ledger budgets holds them."
NO_BUDGET: Final = "No data: no budget of this period"
NO_END: Final = "No data: no budget with an end"
NO_PROJECTION: Final = "No data: no projection yet, or no end"


def table(scope: Scope) -> Table:
    """The budgets of all periods longer than a day, the most used first."""
    words = Words(
        "Budgets of this period",
        "Budgets of a week, a month or another period that hold today, the most used first: orange from 80 %, red from 100 %."
        " Used up on: the day on which nothing is left at the pace of the period, if that is before its end: slow the quest"
        f" down or raise the budget. At most {SHOWN} rows. Click a quest to see the budget over time.",
    )
    keys = (
        Key("quest_id"),
        Key("quest", "Quest", link=links.budget_of_row()),
        Key("layer", "Layer", width=85, colors=theme.LAYERS),
        Key("period", "Period", width=90),
    )
    panel = rows(words, keys, _columns(budget_of_each(Scope({**scope.filters, **LONGER}))), most=SHOWN).no_value(NO_BUDGETS)
    panel.override_by_regexp("/.*/", [Property("noValue", UNKNOWN)])  # of a cell; the reason is for a table without rows
    in_color = Property("custom.displayMode", TableCellDisplayMode.COLOR_TEXT)
    panel.override_by_name("Used", [in_color, *theme.graded(theme.BUDGET_USED)])
    date = [in_color, theme.colored(theme.WARNING), Property("mappings", [texts(NO_DATE)])]
    return panel.override_by_name("Used up on", date)


def _columns(budget: Budget) -> list[Value]:
    rank = f"{budget.spent} / {budget.amount} or 0 * {budget.amount}"

    def first(expression: str) -> str:
        return leading(expression, rank, ("quest_id", "period"), SHOWN)

    return [
        Value("Budget", first(budget.amount), theme.USD, width=110),
        Value("Spent", first(budget.spent), theme.USD, width=110),
        Value("Used", first(budget.used), theme.SHARE, width=85, leads=True),
        Value("Projected", first(budget.projected), theme.USD, width=110),
        Value("Days left", first(budget.days_left), theme.COUNT, width=90),
        Value("Used up on", first(f"({budget.used_up})"), theme.DATE, width=120),
    ]


def so_far(scope: Scope) -> list[Tile]:
    """The budget of one period, of all chosen quests together."""
    budget = budget_of_all(scope)
    strip = (_amount(budget), _spent(budget), _projected(budget), _left(budget))
    return [*(Tile(panel, 5, 4) for panel in strip), Tile(_used_up(budget), 4, 4), Tile(_course(budget), 24, 9)]


def _amount(budget: Budget) -> Stat:
    words = Words("Budget, $period", "USD that the quest may spend in the period that holds today, from the budgets ledger.")
    return number(words, theme.USD, Query(budget.amount), color=theme.ALLOCATED, decimals=2).no_value(NO_BUDGET)


def _spent(budget: Budget) -> Stat:
    words = Words(
        "Spent, $period",
        "Spent share of the budget and USD since the period began. From 80 % on, check when it is used up; above 100 % it is"
        " exceeded.",
    )
    return of_budget(words, budget.used, Query(budget.spent, "spent")).no_value(NO_BUDGET)


def _projected(budget: Budget) -> Stat:
    words = Words(
        "End of the period",
        "Projected spend at the end of the period, at the pace of its days so far. Above 100 %, slow the quest down or raise"
        " the budget. Absent without an end, and in the first half hour of the period.",
    )
    panel = of_budget(words, share(budget.projected, budget.amount), Query(budget.projected, "projected"))
    return panel.no_value(NO_PROJECTION)


def _left(budget: Budget) -> Stat:
    words = Words("Days left", "Days of the period that remain, with today, and the share of the period that has gone by.")
    panel = number(words, theme.COUNT, Query(budget.days_left, "left"), Query(budget.elapsed, "gone by"))
    return panel.override_by_name("gone by", [theme.unit(theme.SHARE)]).no_value(NO_END)


def _used_up(budget: Budget) -> Stat:
    words = Words(
        "Used up on",
        "The day on which nothing of the budget is left at the pace of the period. Not in this period: the budget will do.",
    )
    date = Query(f"{budget.used_up} or {LASTS} + 0 * {budget.projected}")
    return number(words, theme.DATE, date, color=theme.WARNING).mappings([texts(NO_DATE)]).no_value(NO_PROJECTION)


def _course(budget: Budget) -> Course:
    words = Words(
        "Spend against the budget, $period",
        "Spend since the period began, in red, and the budget, in green. Spend starts again with each period; red above green"
        " is overspend. It starts with the first scrape; choose a longer time range to see earlier periods.",
    )
    panel = course(words, theme.USD, Query(budget.spent, "Spent"), Query(budget.amount, "Budget")).no_value(NO_BUDGET)
    panel.override_by_name("Spent", [Property("custom.fillOpacity", 40)])
    line = {"lineInterpolation": LineInterpolation.STEP_AFTER, "lineWidth": 2}
    panel.override_by_name("Budget", [Property(f"custom.{name}", value) for name, value in line.items()])
    return paint(panel, {"Budget": theme.ALLOCATED, "Spent": theme.SPENT})
