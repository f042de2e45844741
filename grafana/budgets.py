"""Budgets of any period: the table of all of them, and the course of one."""

from collections.abc import Mapping
from typing import Final

from grafana_foundation_sdk.builders.stat import Panel as Stat
from grafana_foundation_sdk.builders.table import Panel as Table
from grafana_foundation_sdk.builders.timeseries import Panel as Course
from grafana_foundation_sdk.models.common import LineInterpolation, TableCellDisplayMode
from grafana_foundation_sdk.models.dashboard import DynamicConfigValue as Property

from exporter.palette import ALLOCATED, LAYERS, OVER, SPENT, WARNING
from exporter.sections import budgets
from grafana import absent, links, theme
from grafana.layout import Tile
from grafana.measures import EXCEEDED, LASTS, Budget, budget_of_all, budget_of_each
from grafana.panels import Query, Words, course, number, paint, texts
from grafana.queries import Scope, leading, share
from grafana.tables import Key, Value, rows

LONGER: Final = {"period": '!="day"'}
"""The budgets of a day are shown beside today's spend."""
SHOWN: Final = 50
"""The most rows of the table: with the budgets of thousands of quests, a browser would be slow."""
NO_DATE: Final[Mapping[int, tuple[str, str]]] = {
    EXCEEDED: ("over budget", OVER),
    LASTS: ("not used up", ALLOCATED),
}
MOST_POINTS: Final = 2880
"""Over 30 days one for each quarter of an hour, so that little of a day's spend comes after its last point."""
NO_BUDGETS: Final = absent.because("no budget of a period longer than a day (see the ledger budgets)")
NO_BUDGET: Final = absent.because("no budget of this period")
NO_END: Final = absent.because("no budget with an end")
NO_PROJECTION: Final = absent.because("no projection yet, no end")


def table(scope: Scope) -> Table:
    """The budgets of all periods longer than a day, the most used first."""
    words = Words(
        "Budgets of this period",
        "Budgets of a week, a month or another period that hold today, the most used first: orange from 80 %, red from 100 %."
        " Used up on: the day on which nothing is left at the pace of the period, if that is before its end: slow the quest"
        f" down or raise the budget. At most {SHOWN} rows. Click a quest to see the budget over time.",
        NO_BUDGETS,
    )
    keys = (
        Key("quest_id"),
        Key("quest", "Quest", link=links.budget_of_row()),
        Key("layer", "Layer", width=90, colors=LAYERS),
        Key("period", "Period", width=75),
    )
    panel = rows(words, keys, _columns(budget_of_each(Scope({**scope.filters, **LONGER}))), most=SHOWN)
    in_color = Property("custom.displayMode", TableCellDisplayMode.COLOR_TEXT)
    panel.override_by_name("Used", [in_color, *theme.graded(theme.BUDGET_USED)])
    date = [in_color, theme.colored(WARNING), Property("mappings", [texts(NO_DATE)])]
    return panel.override_by_name("Used up on", date)


def _columns(budget: Budget) -> list[Value]:
    rank = f"{budget.spent} / {budget.amount} or 0 * {budget.amount}"

    def first(expression: str) -> str:
        return leading(expression, rank, ("quest_id", "period"), SHOWN)

    return [
        Value("Budget", first(budget.amount), theme.USD, width=100),
        Value("Spent", first(budget.spent), theme.USD, width=100),
        Value("Used", first(budget.used), theme.SHARE, width=75, leads=True),
        Value("Projected", first(budget.projected), theme.USD, width=100),
        Value("Days left", first(budget.days_left), theme.COUNT, width=80),
        Value("Used up on", first(f"({budget.used_up})"), theme.DATE, width=105),
    ]


def so_far(scope: Scope) -> list[Tile]:
    """The budget of one period, of all chosen quests together."""
    budget = budget_of_all(scope)
    money = (_amount(budget), _spent(budget), _used(budget), _projected(budget))
    time = (_left(budget), _days_left(budget), _gone_by(budget), _used_up(budget))
    return [*(Tile(panel, 6, 3) for panel in (*money, *time)), Tile(_course(scope), 24, 9)]


def _amount(budget: Budget) -> Stat:
    words = Words(
        "Budget, $period", "USD that the quest may spend in the period that holds today, from the budgets ledger.", NO_BUDGET
    )
    return number(words, theme.USD, Query(budget.amount), color=ALLOCATED)


def _spent(budget: Budget) -> Stat:
    words = Words("Spent, $period", "USD spent since the period began. Compare it with the budget.", NO_BUDGET)
    return number(words, theme.USD, Query(budget.spent), color=SPENT)


def _used(budget: Budget) -> Stat:
    words = Words(
        "Used, $period",
        "Spent share of the budget. From 80 % on, check when it is used up; above 100 % it is exceeded.",
        NO_BUDGET,
    )
    return number(words, theme.SHARE, Query(budget.used), color=theme.BUDGET_USED)


def _projected(budget: Budget) -> Stat:
    words = Words(
        "End of the period",
        "Projected spend at the end of the period as a share of the budget, at the pace of its days so far. Above 100 %, slow"
        " the quest down or raise the budget. Absent without an end, and in the first half hour of the period.",
        NO_PROJECTION,
    )
    return number(words, theme.SHARE, Query(share(budget.projected, budget.amount)), color=theme.BUDGET_USED)


def _left(budget: Budget) -> Stat:
    words = Words("Left, $period", "USD of the budget that are left. Below 0, more is spent than the budget allows.", NO_BUDGET)
    left = Query(f"{budget.amount} - {budget.spent}")
    return number(words, theme.USD, left, color={-1: OVER, 0: ALLOCATED})


def _days_left(budget: Budget) -> Stat:
    text = "Days of the period that remain, with today. What is left of the budget must last so long."
    return number(Words("Days left", text, NO_END), theme.COUNT, Query(budget.days_left))


def _gone_by(budget: Budget) -> Stat:
    words = Words(
        "Gone by", "Share of the period that has gone by. If less of it has gone by than of the budget, slow down.", NO_END
    )
    return number(words, theme.SHARE, Query(budget.elapsed))


def _used_up(budget: Budget) -> Stat:
    words = Words(
        "Used up on",
        "The day on which nothing of the budget is left at the pace of the period. Not used up: the budget will do.",
        NO_PROJECTION,
    )
    date = Query(f"{budget.used_up} or {LASTS} + 0 * {budget.projected}")
    return number(words, theme.DATE, date, color=WARNING, instead=texts(NO_DATE))


def _course(scope: Scope) -> Course:
    words = Words(
        "Spend against the budget, $period",
        "Spend since the period began, in blue, and the budget, in green. Spend starts again with each period; blue above green"
        " is overspend. It starts with the first scrape; choose a longer time range to see earlier periods.",
        NO_BUDGET,
    )
    return against(words, scope.held(budgets.SPEND), scope.held(budgets.BUDGET))


def against(words: Words, spent: str, budget: str) -> Course:
    """Spend over time as an area, and the budget as a line that changes in steps."""
    panel = course(words, theme.USD, Query(spent, "Spent"), Query(budget, "Budget")).max_data_points(MOST_POINTS)
    panel.override_by_name("Spent", [Property("custom.fillOpacity", 40)])
    line = {"lineInterpolation": LineInterpolation.STEP_AFTER, "lineWidth": 2, "fillOpacity": 0}
    panel.override_by_name("Budget", [Property(f"custom.{name}", value) for name, value in line.items()])
    return paint(panel, {"Budget": ALLOCATED, "Spent": SPENT})
