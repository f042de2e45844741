"""The dashboard Quest: the budget, spend and impact of one quest."""

from typing import Final

from grafana_foundation_sdk.builders.table import Panel as Table
from grafana_foundation_sdk.models.dashboard import DynamicConfigValue as Property

from exporter.sections import allocation, spend
from grafana import budgets, comparison, links, measures, rankings, theme, variables
from grafana.layout import Page, Section, Tile
from grafana.panels import RECENT, Query, Words, course, donut, linked, marked, number, of_budget, paint
from grafana.queries import TODAY, Scope, share, total
from grafana.tables import Key, Value, rows

SCOPE: Final = Scope({"quest_id": '=~"$quest"'})
PERIOD: Final = Scope({**SCOPE.filters, "period": '="$period"'})
QUEST: Final = "quest_id" + SCOPE.filters["quest_id"]


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
            Section("$quest, $period so far", budgets.so_far(PERIOD)),
            Section("Budget and spend of $quest", _course()),
            Section("Providers and models of $quest", _providers()),
            Section("Tasks of $quest", [Tile(rankings.best_tasks(SCOPE), 24, 8), Tile(rankings.wasted_tasks(SCOPE), 24, 8)]),
        ),
    )


def _today() -> list[Tile]:
    burn = share(f"({measures.budget_used(SCOPE)})", f"max({SCOPE.of(spend.DAY_ELAPSED)})")
    strip = (
        number(
            Words("Allocated", "USD that the quest may spend today. An empty panel means no budget, not a budget of 0."),
            theme.USD,
            Query(measures.allocated(SCOPE)),
            color=theme.ALLOCATED,
        ),
        number(
            Words("Spent", "USD billed to the quest today, from the costs ledger."),
            theme.USD,
            Query(measures.spent(SCOPE)),
            color=theme.SPENT,
        ),
        number(
            Words(
                "Budget used",
                "Spent share of today's allocation. From 80 % on, stop new tasks or allocate more; at 100 % the budget is"
                " used up.",
            ),
            theme.SHARE,
            Query(measures.budget_used(SCOPE)),
            color=theme.BUDGET_USED,
        ),
        of_budget(
            Words(
                "End of the day",
                "Projected spend at the end of the day, in USD and as a share of the budget. Absent in the first half hour of"
                " the"
                " day.",
            ),
            share(measures.projected(SCOPE), measures.allocated(SCOPE)),
            Query(measures.projected(SCOPE), "projected"),
        ),
        number(
            Words(
                "Pace",
                "Used share of the budget divided by the elapsed share of the day: 1 is on plan, at 2 it lasts until noon.",
            ),
            theme.SCORE,
            Query(burn),
            color=theme.PACE,
            decimals=2,
        ),
        number(
            Words("Impact per $1", "Impact of the quest's judged tasks divided by their cost, failed tasks included."),
            theme.SCORE,
            Query(measures.impact_per_usd(SCOPE)),
            decimals=2,
        ),
        number(
            Words(
                "Wasted",
                "Cost of tasks with many tokens and little or no known impact, and its share of the cost of judged tasks.",
            ),
            theme.USD,
            Query(measures.wasted_usd(SCOPE), "wasted"),
            Query(measures.wasted_share(SCOPE), "of judged"),
            color=theme.WASTED,
        ).override_by_name("of judged", [theme.unit(theme.SHARE)]),
        number(
            Words(
                "Ledgers differ",
                "Today's spend in the costs ledger minus that in the allocations ledger. If it is far from 0, one of them is"
                " late"
                " or wrong.",
            ),
            theme.USD,
            Query(f"{measures.spent(SCOPE)} - {total(SCOPE.of(allocation.REPORTED_SPEND))}"),
        ),
    )
    return [*(Tile(panel, 3, 4) for panel in strip), Tile(_alerts(), 24, 4)]


def _alerts() -> Table:
    words = Words(
        "Firing alerts",
        "Alerts of Prometheus that fire for this quest, and for how long. The page Alerts of the documentation says what to"
        " do.",
    )
    # Prometheus creates these series itself: they have the labels of the rule, not those of a scrape.
    active = f'time() - (ALERTS_FOR_STATE{{{QUEST}}} and ignoring (alertstate) ALERTS{{alertstate="firing",{QUEST}}})'
    keys = (Key("alertname", "Alert"), Key("severity", "Severity"), Key("quest_id", "Quest"))
    columns = ", ".join(key.label for key in keys)
    return rows(words, keys, [Value("Active for", f"max by ({columns}) ({active})", theme.SECONDS, width=140)]).no_value(
        "No alert is firing"
    )


def _course() -> list[Tile]:
    spent = total(SCOPE.peak(spend.QUEST_SPEND, window=TODAY))
    budget = course(
        Words(
            "Budget against spend of each day",
            "Spend since midnight, in red, and the allocation of the day, in green. Red above the green line is overspend."
            " It starts with the first scrape, unless the history was imported with backfill.",
        ),
        theme.USD,
        Query(spent, "Spent"),
        Query(total(SCOPE.peak(allocation.ALLOCATION)), "Budget"),
    ).interval("1h")  # by default, backfill writes one sample per hour
    budget.override_by_name("Spent", [Property("custom.fillOpacity", 40)])
    budget.override_by_name("Budget", [Property("custom.lineWidth", 2)])
    burn = course(
        Words(
            "Burn rate",
            "Spend in the hour before each moment divided by 1/24 of the allocation. At 1 the budget lasts exactly one day."
            " An hour at 2.4 uses a tenth of the day's budget: find out which model causes it.",
        ),
        theme.SCORE,
        Query(f"24 * {share(measures.spent_per_hour(SCOPE), measures.allocated(SCOPE))}", "Burn rate"),
    )
    return [
        Tile(paint(budget, {"Budget": theme.ALLOCATED, "Spent": theme.SPENT}), 14, 9),
        Tile(paint(marked(burn, theme.PACE), {"Burn rate": theme.NEUTRAL}).time_from(RECENT), 10, 9),
    ]


def _providers() -> list[Tile]:
    spent = SCOPE.of(spend.SPEND)
    shares = donut(
        Words(
            "Spend by provider, lifetime", "USD since the first call of the quest. Click a provider to compare it with others."
        ),
        theme.USD,
        Query(f"sort_desc({total(spent, 'provider')})", "{{provider}}"),
    )
    live = course(
        Words(
            "Spend per hour, by provider",
            "USD in the hour before each moment. It shows which provider causes a change in the quest's spend.",
        ),
        theme.USD,
        Query(measures.spent_per_hour(SCOPE, "provider"), "{{provider}}"),
        stacked=True,
    )
    return [
        Tile(linked(paint(shares, theme.PROVIDERS), *links.provider_of_series()), 8, 9),
        Tile(linked(paint(live, theme.PROVIDERS), *links.provider_of_series()).time_from(RECENT), 16, 9),
        Tile(comparison.models_table(SCOPE), 24, 8),
    ]
