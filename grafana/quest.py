"""The dashboard Quest: the budget, spend and impact of one quest."""

from typing import Final

from exporter.palette import ALLOCATED, OVER, PROVIDERS, SPENT
from exporter.sections import allocation, spend
from grafana import absent, alerts, budgets, comparison, links, measures, rankings, status, theme, variables
from grafana.layout import Page, Section, Tile
from grafana.panels import Panel, Query, Words, donut, linked, marked, number, paint, per_hour
from grafana.queries import RECENT, TODAY, Scope, share, total

SCOPE: Final = Scope({"quest_id": '=~"$quest"'})
PERIOD: Final = Scope({**SCOPE.filters, "period": '="$period"'})


def page() -> Page:
    """The dashboard of one quest, or of all quests together."""
    filters = (variables.datasource(), variables.job(), variables.instance(), variables.quest())
    return Page(
        uid=links.QUEST,
        title="Quest",
        text="One quest of the Resource Dashboard: its budget, providers, models, most efficient and wasted tasks, and alerts.",
        since="now-30d",
        variables=(*filters, variables.window(), variables.period(SCOPE)),
        sections=(
            Section("$quest, today and over $window", _today()),
            Section("Budget and spend of $quest", _course()),
            Section("Alerts and pace of $quest", _alerts()),
            Section("$quest, $period so far", budgets.so_far(PERIOD)),
            Section("Providers and models of $quest", _providers()),
            Section("Tasks of $quest", [Tile(rankings.best_tasks(SCOPE), 24, 9), Tile(rankings.wasted_tasks(SCOPE), 24, 9)]),
        ),
    )


def _today() -> list[Tile]:
    strip = (*_budget(), *_outcome())
    return [status.tile(), *(Tile(panel, 6, 3) for panel in strip)]


def _budget() -> tuple[Panel, ...]:
    used = Words(
        "Budget used",
        "Spent share of today's allocation. From 80 % on, stop new tasks or allocate more; at 100 % the budget is used up.",
        absent.BUDGET_TODAY,
    )
    end = Words(
        "End of the day",
        "Projected spend at the end of the day as a share of the budget. Above 100 %, slow the quest down or allocate more."
        " Absent in the first half hour of the day.",
        absent.PROJECTION_TODAY,
    )
    return (
        number(
            Words(
                "Allocated",
                "USD that the quest may spend today. No data means no budget, not a budget of 0.",
                absent.BUDGET_TODAY,
            ),
            theme.USD,
            Query(measures.allocated(SCOPE)),
            color=ALLOCATED,
        ),
        number(
            Words(
                "Spent",
                "USD billed to the quest today, from the costs ledger. Compare it with the budget.",
                absent.COSTS,
            ),
            theme.USD,
            Query(measures.spent(SCOPE)),
            color=SPENT,
        ),
        number(used, theme.SHARE, Query(measures.budget_used(SCOPE)), color=theme.BUDGET_USED),
        number(end, theme.SHARE, Query(share(measures.projected(SCOPE), measures.allocated(SCOPE))), color=theme.BUDGET_USED),
    )


def _outcome() -> tuple[Panel, ...]:
    impact = Words(
        "Impact per $1",
        "Impact of the quest's judged tasks divided by their cost, failed tasks included. Higher is better.",
        absent.IMPACT,
    )
    wasted = Words(
        "Wasted", "Cost of tasks with many tokens and little or no known impact. The tasks are at the bottom.", absent.IMPACT
    )
    part = Words(
        "Wasted share", "Wasted share of the cost of the judged tasks. Above 10 %, check the wasted tasks.", absent.IMPACT
    )
    return (
        number(impact, theme.SCORE, Query(measures.impact_per_usd(SCOPE)), decimals=2),
        number(wasted, theme.USD, Query(measures.wasted_usd(SCOPE)), color=OVER),
        number(part, theme.SHARE, Query(measures.wasted_share(SCOPE)), color=theme.BAD_SHARE),
    )


def _course() -> list[Tile]:
    words = Words(
        "Spend of each day against its budget",
        "Spend since midnight, in blue, and the allocation of the day, in green. Blue above green is overspend. It starts with"
        " the first scrape, unless the history was imported with backfill.",
        absent.HISTORY,
    )
    daily = budgets.against(words, SCOPE.held(spend.QUEST_SPEND, window=TODAY), SCOPE.held(allocation.ALLOCATION))
    burn = per_hour(
        Words(
            "Burn rate",
            "Spend in the hour before each moment divided by 1/24 of the allocation. At 1 the budget lasts exactly one day."
            " An hour at 2.4 uses a tenth of the day's budget: find out which model causes it.",
            "no data: no budget, or no spend in the last 24 hours",
        ),
        theme.SCORE,
        Query(measures.burn_rate(SCOPE), "Burn rate"),
        stacked=False,
    ).decimals(2)
    return [
        Tile(daily, 14, 9),
        Tile(paint(marked(burn, theme.PACE), {"Burn rate": SPENT}).time_from(RECENT), 10, 9),
    ]


def _providers() -> list[Tile]:
    shares = donut(
        Words(
            "Spend by provider, lifetime",
            "USD since the first call of the quest. Click a provider to compare it with others.",
            absent.COSTS,
        ),
        theme.USD,
        Query(f"sort_desc({total(SCOPE.of(spend.SPEND), 'provider')})", "{{provider}}"),
    )
    live = per_hour(
        Words(
            "Spend per hour, by provider",
            "USD in the hour before each moment. It shows which provider causes a change in the quest's spend.",
            absent.HISTORY,
        ),
        theme.USD,
        Query(measures.spent_per_hour(SCOPE, "provider"), "{{provider}}"),
    )
    return [
        Tile(linked(paint(shares, PROVIDERS), *links.provider_of_series()), 12, 9),
        Tile(linked(paint(live, PROVIDERS), *links.provider_of_series()).time_from(RECENT), 12, 9),
        Tile(comparison.models_table(SCOPE), 24, 8),
    ]


def _alerts() -> list[Tile]:
    pace = Words(
        "Pace",
        "Used share of the budget divided by the elapsed share of the day: 1 is on plan, at 2 it lasts until noon. Above 1,"
        " slow the quest down.",
        absent.BUDGET_TODAY,
    )
    elapsed = f"max({SCOPE.of(spend.DAY_ELAPSED)})"
    differ = Words(
        "Ledgers differ",
        "Today's spend in the costs ledger minus that in the allocations ledger, of the quests for which the latter tells it."
        " From one cent on, one of them is late or wrong: compare them.",
        absent.because("allocations of today report no spend"),
    )
    tiles = (
        number(pace, theme.SCORE, Query(share(f"({measures.budget_used(SCOPE)})", elapsed)), color=theme.PACE, decimals=2),
        number(differ, theme.USD, Query(measures.ledgers_differ(SCOPE)), color=theme.DIFFERENCE),
    )
    return [alerts.tile(18, alerts.OF_QUESTS, 'provider=""'), *(Tile(panel, 6, 4) for panel in tiles)]
