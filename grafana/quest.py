"""One quest: its budget, what it pays for, and what that brings."""

from typing import Final

from grafana_foundation_sdk.builders.table import Panel as Table
from grafana_foundation_sdk.models.dashboard import DynamicConfigValue as Property

from exporter.sections import allocation, spend
from grafana import comparison, links, measures, rankings, theme, variables
from grafana.layout import Page, Section, Tile
from grafana.panels import RECENT, Query, Words, course, donut, linked, marked, number, paint
from grafana.queries import TODAY, Scope, share, total
from grafana.tables import Key, Value, rows

SCOPE: Final = Scope({"quest_id": '=~"$quest"'})
QUEST: Final = "quest_id" + SCOPE.filters["quest_id"]


def page() -> Page:
    """Everything about one quest, or about all of them together."""
    chosen = (variables.datasource(), variables.job(), variables.instance(), variables.quest(), variables.window())
    return Page(
        uid=links.QUEST,
        title="Quest",
        text="One quest of the Resource Dashboard: its budget, its providers and models, its best and its wasted"
        " tasks, its alerts.",
        since="now-30d",
        variables=chosen,
        sections=(
            Section("$quest, today and over $window", _today()),
            Section("Budget and spend of $quest", _course()),
            Section("Providers and models of $quest", _providers()),
            Section("Tasks of $quest", [Tile(rankings.best_tasks(SCOPE), 24, 8), Tile(rankings.wasted_tasks(SCOPE), 24, 8)]),
        ),
    )


def _today() -> list[Tile]:
    burn = share(f"({measures.budget_used(SCOPE)})", f"max({SCOPE.of(spend.DAY_ELAPSED)})")
    strip = (
        number(
            Words(
                "Allocated", "USD that the quest may spend today. Nothing here means that it has no budget, not that it has 0."
            ),
            theme.USD,
            Query(measures.allocated(SCOPE)),
            color=theme.ALLOCATED,
        ),
        number(
            Words("Spent", "USD billed to the quest today, from the ledger of costs."),
            theme.USD,
            Query(measures.spent(SCOPE)),
            color=theme.SPENT,
        ),
        number(
            Words(
                "Budget used",
                "Spent over allocated, today. From 80 % on, stop new tasks or allocate more; at 100 % it is overspent.",
            ),
            theme.SHARE,
            Query(measures.budget_used(SCOPE)),
            color=theme.BUDGET_USED,
        ),
        number(
            Words(
                "End of the day",
                "Spend and share of the budget that the usual course of a day leads to. Absent in the first half hour.",
            ),
            theme.SHARE,
            Query(share(measures.projected(SCOPE), measures.allocated(SCOPE)), "of budget"),
            Query(measures.projected(SCOPE), "projected"),
            color=theme.BUDGET_USED,
        ).override_by_name("projected", [theme.unit(theme.USD)]),
        number(
            Words("Pace", "Share of the budget used over share of the day gone by: 1 is on plan, 2 ends the budget at noon."),
            theme.SCORE,
            Query(burn),
            color=theme.PACE,
            decimals=2,
        ),
        number(
            Words("Impact per $1", "Impact of the quest's judged tasks over what they cost, failures included."),
            theme.SCORE,
            Query(measures.impact_per_usd(SCOPE)),
            decimals=2,
        ),
        number(
            Words(
                "Wasted",
                "USD paid for tasks with many tokens and little or no known impact, and its share of what judged tasks cost.",
            ),
            theme.USD,
            Query(measures.wasted_usd(SCOPE), "wasted"),
            Query(measures.wasted_share(SCOPE), "of judged"),
            color=theme.WASTED,
        ).override_by_name("of judged", [theme.unit(theme.SHARE)]),
        number(
            Words(
                "Ledgers differ",
                "Today's spend by the ledger of costs minus what the ledger of allocations reports. Far from 0: one of"
                " them is late or wrong.",
            ),
            theme.USD,
            Query(f"{measures.spent(SCOPE)} - {total(SCOPE.of(allocation.REPORTED_SPEND))}"),
        ),
    )
    return [*(Tile(panel, 3, 4) for panel in strip), Tile(_alerts(), 24, 4)]


def _alerts() -> Table:
    words = Words(
        "Firing alerts",
        "What Prometheus warns of about this quest, and for how long. Empty is good. The page Alerts of the"
        " documentation says what to do.",
    )
    # Prometheus writes these series itself: they carry the labels of the rule, not those of a scrape.
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
            "What was spent so far on each day, in red, under the allocation of that day, in green. A tooth above the"
            " line was overspent."
            " Begins when Prometheus began to scrape, unless the past was written with backfill.",
        ),
        theme.USD,
        Query(spent, "Spent"),
        Query(total(SCOPE.peak(allocation.ALLOCATION)), "Budget"),
    ).interval("1h")  # the past that backfill writes has a sample an hour
    budget.override_by_name("Spent", [Property("custom.fillOpacity", 40)])
    budget.override_by_name("Budget", [Property("custom.lineWidth", 2)])
    burn = course(
        Words(
            "Burn rate",
            "Spend of the hour before each moment, over an hour's part of the allocation. 1 uses up the budget"
            " exactly at the end of the day;"
            " above 2.4 for an hour, a tenth of the day's budget is gone: see which model does it.",
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
            "Spend by provider, lifetime", "Whom the quest paid since its first call. Click one to compare it with the others."
        ),
        theme.USD,
        Query(f"sort_desc({total(spent, 'provider')})", "{{provider}}"),
    )
    live = course(
        Words(
            "Spend per hour, by provider",
            "USD of the hour before each moment: which provider is behind a change in the quest's spend.",
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
