"""The dashboard Month: one screen for those who decide on budgets, fit to print."""

from typing import Final

from exporter.metrics import Metric
from exporter.palette import OVER, SPENT
from exporter.sections import efficiency, spend, utilization, waste
from grafana import absent, links, measures, status, theme, variables
from grafana.layout import Page, Section, Tile
from grafana.months import last_month, this_month
from grafana.panels import Panel, Query, Words, by_quest, linked, number
from grafana.queries import QUEST, Scope, known_zero, share, total
from grafana.tables import Key, Value, rows
from grafana.timeline import days

SCOPE: Final = Scope()
WINDOW: Final = "30d"
_LINK: Final = links.chosen_window(WINDOW)
BY_QUEST: Final = (Key("quest_id"), Key("quest", "Quest", link=links.quest_of_row(window=_LINK)))
NO_SPEND: Final = absent.because("no call in 30 days")
NO_IMPACT: Final = absent.because("no task judged in 30 days")
NO_HISTORY: Final = "no data: Prometheus has less than 30 days"
NO_MONTH: Final = absent.because("not all of its days are known")


def page() -> Page:
    """Spend of the calendar month, and what 30 days have brought, each against the time before."""
    return Page(
        uid=links.MONTH,
        title="Month",
        text="Spend of this month against last, where the money goes, what it brought, and what waste cost. To print it, press"
        " d and then k to hide the menus, and print in landscape.",
        since="now-30d",
        variables=(variables.datasource(), variables.job(), variables.instance()),
        sections=(Section("This month and the last 30 days", [*_strip(), *_charts(), *_quests()]),),
    )


def _of(metric: Metric, *by: str) -> str:
    """The sum of a metric over the last 30 days, today included."""
    return total(SCOPE.of(metric, window=WINDOW), *by)


def _strip() -> list[Tile]:
    strip = (*_money(), *_outcome())
    return [status.tile(), *(Tile(panel, 6, 3) for panel in strip)]


def _money() -> tuple[Panel, ...]:
    now, before = this_month(SCOPE), last_month(SCOPE)
    spent = Words(
        "Spent this month",
        "USD billed since the first of the month, in the time zone of the report. Compare it with the last month, and with the"
        " budget beside it.",
        NO_MONTH,
    )
    last = Words(
        "Spent last month",
        "USD billed in the calendar month before. Its days are known if report.timeline_days in the configuration reaches"
        " back to its first day (62 always does), or if Prometheus has scraped since then.",
        NO_MONTH,
    )
    used = Words(
        "Used this month",
        "Spend of the month divided by the allocations of its days until today. Above 100 %, the month is over budget so far.",
        absent.because("no day of the month has a budget"),
    )
    part = share(now.sum(utilization.DAY_SPEND), now.sum(utilization.DAY_ALLOCATION))
    return (
        number(spent, theme.USD, Query(now.sum(utilization.DAY_SPEND)), color=SPENT),
        number(last, theme.USD, Query(before.sum(utilization.DAY_SPEND)), color=SPENT),
        number(used, theme.SHARE, Query(part), color=theme.BUDGET_USED),
    )


def _outcome() -> tuple[Panel, ...]:
    impact = Words(
        "Impact, last 30 days",
        "Impact of the tasks judged in the last 30 days, today included. Compare it with the 30 days before.",
        NO_IMPACT,
    )
    before = Words(
        "Impact 30 days ago",
        "The same as it was 30 days ago: of the 30 days before. It is known once Prometheus has scraped for so long.",
        NO_HISTORY,
    )
    per_usd = Words(
        "Impact per $1, 30 days",
        "Impact of the tasks judged in the last 30 days divided by their cost, failed tasks included. Higher is better.",
        NO_IMPACT,
    )
    wasted = Words(
        "Wasted, last 30 days",
        "Cost of tasks with many tokens and little or no known impact. The quests behind it are below.",
        NO_IMPACT,
    )
    judged = _of(efficiency.QUEST_IMPACT_COST)
    ago = total(SCOPE.before(efficiency.QUEST_IMPACT, WINDOW, window=WINDOW))
    return (
        number(impact, theme.SCORE, Query(_of(efficiency.QUEST_IMPACT)), decimals=1),
        number(before, theme.SCORE, Query(ago), decimals=1),
        number(per_usd, theme.SCORE, Query(share(_of(efficiency.QUEST_IMPACT), judged)), decimals=2),
        number(wasted, theme.USD, Query(known_zero(_of(waste.QUEST_USD), judged)), color=OVER),
    )


def _charts() -> list[Tile]:
    timeline = Words(
        "Budget against spend, by day",
        "The allocation of each day in green and its spend in blue, or in red if it is over budget. Many red days need a larger"
        " budget or fewer tasks.",
        absent.TIMELINE,
    )
    shares = Words(
        "Where the money goes, last 30 days",
        "USD by quest: the eight with the highest spend; all others are Other. Check that the first ones are worth it.",
        NO_SPEND,
    )
    spent = _of(spend.QUEST_SPEND, *QUEST)
    pie = by_quest(shares, f"{spent} > 0", _of(spend.QUEST_SPEND))
    return [
        Tile(days(timeline, measures.allocated_by_day(SCOPE), measures.spent_by_day(SCOPE)), 10, 8),
        Tile(linked(pie, *links.quest_of_series(_LINK)), 14, 8),
    ]


def _quests() -> list[Tile]:
    per_usd = share(_of(efficiency.QUEST_IMPACT, *QUEST), _of(efficiency.QUEST_IMPACT_COST, *QUEST))
    best = Words(
        "Five best quests, last 30 days",
        "The most impact per USD of judged tasks, failed ones included. Consider larger budgets for them.",
        NO_IMPACT,
    )
    worst = Words(
        "Five worst quests, last 30 days",
        "The least impact per USD of judged tasks. Ask what they are for, and give their budget to others.",
        NO_IMPACT,
    )
    cost = Words(
        "What waste cost, last 30 days",
        "The quests with the most USD in tasks with little or no known impact. Click a quest to see the tasks.",
        absent.because("no task wasted in 30 days"),
    )
    wasted = Value("Wasted", _of(waste.QUEST_USD, *QUEST), theme.USD, width=125, bar=OVER)
    return [
        Tile(rows(best, BY_QUEST, (_impact(f"topk(5, {per_usd})"),), most=5), 8, 9),
        Tile(rows(worst, BY_QUEST, (_impact(f"bottomk(5, {per_usd})", ascending=True),), most=5), 8, 9),
        Tile(rows(cost, BY_QUEST, (wasted,), most=5), 8, 9),
    ]


def _impact(per_usd: str, *, ascending: bool = False) -> Value:
    return Value("Impact per $1", per_usd, theme.SCORE, width=125, decimals=2, bar=theme.TEXT, ascending=ascending)
