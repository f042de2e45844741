"""The Resource Dashboard: the five sections of the report on one page."""

from typing import Final

from exporter.metrics import Metric
from exporter.sections import providers, spend, utilization, waste
from grafana import budgets, comparison, links, measures, rankings, theme, variables
from grafana.layout import Page, Section, Tile
from grafana.panels import RECENT, Query, Words, bars, course, donut, linked, number, of_budget, paint
from grafana.queries import TODAY, Scope, known_zero, leading, share, total
from grafana.timeline import balance, days

SCOPE: Final = Scope({"layer": '=~"$layer"', "quest_id": '=~"$quest"'})
QUEST: Final = ("quest_id", "quest")


def page() -> Page:
    """The main dashboard: today, then the five sections of the report."""
    chosen = (
        variables.datasource(),
        variables.job(),
        variables.instance(),
        variables.layer(),
        variables.quests(Scope({"layer": SCOPE.filters["layer"]})),
    )
    return Page(
        uid=links.RESOURCE,
        title="Resource Dashboard",
        text="Budgets, spend and impact of a fleet of AI agents: who may spend, where a dollar does most, and what was wasted.",
        since="now-30d",
        variables=(*chosen, variables.window()),
        sections=(
            Section("Today, and over $window", _today()),
            Section("Budget allocation", _allocation()),
            Section("Efficiency rankings", _efficiency()),
            Section("Resource utilization", _utilization()),
            Section("Provider breakdown", _providers()),
            Section("Wasted resources", _waste()),
        ),
    )


def _today() -> list[Tile]:
    strip = (
        number(
            Words("Allocated today", "USD that all chosen quests may spend today. Change it in the allocations ledger."),
            theme.USD,
            Query(measures.allocated(SCOPE)),
            color=theme.ALLOCATED,
            decimals=2,
        ),
        number(
            Words("Spent today", "USD billed today, including quests without a budget. Compare it with the allocation."),
            theme.USD,
            Query(measures.spent(SCOPE)),
            color=theme.SPENT,
            decimals=2,
        ),
        number(
            Words(
                "Budget used",
                "Spent share of today's allocation. Above 80 %, Budget allocation below shows the quests behind it.",
            ),
            theme.SHARE,
            Query(measures.budget_used(SCOPE)),
            color=theme.BUDGET_USED,
        ),
        of_budget(
            Words(
                "End of the day",
                "Projected spend at the end of the day, as a share of the allocation and in USD. Above 100 %, slow a quest"
                " down or"
                " allocate more. Absent in the first half hour of the day.",
            ),
            share(measures.projected(SCOPE), measures.allocated(SCOPE)),
            Query(measures.projected(SCOPE), "projected"),
        ),
        number(
            Words(
                "Impact per $1",
                "Impact of the judged tasks divided by their cost, failed tasks included. Higher is better.",
            ),
            theme.SCORE,
            Query(measures.impact_per_usd(SCOPE)),
            decimals=2,
        ),
        number(
            Words(
                "Wasted",
                "Cost of tasks with many tokens and little or no known impact. See Wasted resources below.",
            ),
            theme.USD,
            Query(measures.wasted_usd(SCOPE)),
            color=theme.WASTED,
            decimals=2,
        ),
        number(
            Words(
                "Wasted share",
                "Wasted share of the cost of all judged tasks. Above 10 %, check its reasons and quests below.",
            ),
            theme.SHARE,
            Query(measures.wasted_share(SCOPE)),
            color=theme.BAD_SHARE,
        ),
        number(
            Words("Over budget", "Quests that have spent more than their allocation today. Budget allocation names them."),
            theme.COUNT,
            Query(measures.quests_over_budget(SCOPE)),
            color=theme.ANY_IS_BAD,
        ),
    )
    return [Tile(panel, 3, 4) for panel in strip]


def _allocation() -> list[Tile]:
    by_quest = measures.allocated(SCOPE, *QUEST)
    shares = donut(
        Words(
            "Allocation of today, by quest",
            "The eight largest allocations of today; all others are Other. A quest without a budget is not shown.",
        ),
        theme.USD,
        Query(f"topk(8, {by_quest})", "{{quest}}"),
        Query(f"{measures.allocated(SCOPE)} - sum(topk(8, {by_quest})) > 0", "Other"),
    )
    used = bars(
        Words(
            "Budget used, by quest",
            "The share of its budget that each quest has spent today: orange from 80 %, red from 100 %. Click a quest to see"
            " what it pays for.",
        ),
        theme.SHARE,
        Query(f"topk(12, {measures.budget_used(SCOPE, *QUEST)})", "{{quest}}"),
        color=theme.BUDGET_USED,
    )
    shares.override_by_name("Other", [theme.colored(theme.REST)])
    return [
        Tile(linked(shares, *links.quest_of_series()), 10, 11),
        Tile(linked(used, *links.quest_of_series()), 14, 11),
        Tile(budgets.table(SCOPE), 24, 9),
    ]


def _efficiency() -> list[Tile]:
    by_layer = bars(
        Words("Impact per $1 by layer, $window", "Impact of the judged tasks divided by their cost, failed tasks included."),
        theme.SCORE,
        Query(f"sort_desc({measures.impact_per_usd(SCOPE, 'layer')})", "{{layer}}"),
    )
    by_provider = bars(
        Words(
            "Impact per $1 by provider, $window",
            "Impact divided by spend. The impact of a task is shared out to providers by its spend on them. Not filtered by"
            " layer and quest.",
        ),
        theme.SCORE,
        Query(f"sort_desc({measures.provider_impact_per_usd(SCOPE, 'provider')})", "{{provider}}"),
    )
    by_quest = bars(
        Words(
            "Impact per $1 by quest, $window",
            "The eight quests with the highest impact per USD. Consider larger budgets for the first ones.",
        ),
        theme.SCORE,
        Query(f"topk(8, {measures.impact_per_usd(SCOPE, *QUEST)})", "{{quest}}"),
    )
    return [
        Tile(rankings.best_tasks(SCOPE), 16, 17),
        Tile(linked(by_quest, *links.quest_of_series()), 8, 7),
        Tile(paint(by_layer, theme.LAYERS), 8, 5),
        Tile(linked(paint(by_provider, theme.PROVIDERS), *links.provider_of_series()), 8, 5),
    ]


def _utilization() -> list[Tile]:
    spent = total(SCOPE.of(utilization.DAY_SPEND), "day")
    allocated = total(SCOPE.of(utilization.DAY_ALLOCATION), "day")
    timeline = days(
        Words(
            "Budget against spend, by day",
            "The allocation of each day in green, its spend in red. Red above green is overspend. Today is not over yet."
            " The data come from the ledgers, so days before Prometheus was started are included. Not filtered by quest.",
        ),
        allocated,
        spent,
    )
    difference = balance(
        Words(
            "Over and under budget, by day",
            "Spend minus allocation of each day with a budget: red is overspend, green is unspent budget."
            " If much is unspent for many days, allocate less, or elsewhere. Not filtered by quest.",
        ),
        f"clamp_min({spent} - {allocated}, 0)",
        f"clamp_max({spent} - {allocated}, 0)",
    )
    rank = total(SCOPE.at_end(spend.QUEST_SPEND, window=TODAY), *QUEST)
    live = course(
        Words(
            "Spend per hour, by quest",
            "USD in the hour before each moment, for the ten quests with the highest spend today. After a lasting increase,"
            " open"
            " the quest and find the model behind it. It starts with the first scrape; its first hour is too low.",
        ),
        theme.USD,
        Query(leading(measures.spent_per_hour(SCOPE, *QUEST), rank, QUEST), "{{quest}}"),
        stacked=True,
    ).time_from(RECENT)
    return [Tile(timeline, 12, 10), Tile(difference, 12, 10), Tile(linked(live, *links.quest_of_series()), 24, 9)]


def _providers() -> list[Tile]:
    spent = total(SCOPE.of(providers.SPEND), "provider")
    shares = donut(
        Words(
            "Spend by provider, $window", "The table beside it shows what the spend achieved. Not filtered by layer and quest."
        ),
        theme.USD,
        Query(f"sort_desc({spent})", "{{provider}}"),
    )
    live = course(
        Words(
            "Spend per hour, by provider",
            "USD in the hour before each moment. A provider that grows while others shrink has taken over their work:"
            " compare their impact per $1.",
        ),
        theme.USD,
        Query(measures.spent_per_hour(SCOPE, "provider"), "{{provider}}"),
        stacked=True,
    ).time_from(RECENT)
    return [
        Tile(linked(paint(shares, theme.PROVIDERS), *links.provider_of_series()), 7, 9),
        Tile(comparison.providers_table(SCOPE), 17, 9),
        Tile(linked(paint(live, theme.PROVIDERS), *links.provider_of_series()), 24, 9),
    ]


def _waste() -> list[Tile]:
    def in_all(metric: Metric) -> Query:
        return Query(known_zero(total(SCOPE.of(metric)), measures.judged_usd(SCOPE)))

    totals = (
        number(
            Words(
                "USD wasted, $window", "Cost of tasks with many tokens and little (low_impact) or no known (unscored) impact."
            ),
            theme.USD,
            in_all(waste.QUEST_USD),
            color=theme.WASTED,
        ),
        number(
            Words(
                "Tokens wasted, $window", "Tokens of these tasks. If they grow faster than the USD, limit the tokens per task."
            ),
            theme.TOKENS,
            in_all(waste.QUEST_TOKENS),
            color=theme.WASTED,
        ),
        number(
            Words(
                "Tasks wasted, $window",
                "The number of these tasks. Few tasks with many tokens suggest loops: see the table below.",
            ),
            theme.COUNT,
            in_all(waste.QUEST_TASKS),
            color=theme.WASTED,
        ),
    )
    reasons = bars(
        Words(
            "USD wasted by reason, $window",
            "low_impact: scored with little impact; use a cheaper model for such work. unscored: never scored; score it or"
            " stop it.",
        ),
        theme.USD,
        Query(f"sort_desc({total(SCOPE.of(waste.QUEST_USD), 'reason')})", "{{reason}}"),
    )
    quests = bars(
        Words(
            "USD wasted by quest, $window",
            "The quests with the most waste. Click a quest to see its tasks, and fix what they have in common.",
        ),
        theme.USD,
        Query(f"topk(8, {total(SCOPE.of(waste.QUEST_USD), *QUEST)})", "{{quest}}"),
        color=theme.WASTED,
    )
    return [
        *(Tile(panel, 8, 4) for panel in totals),
        Tile(rankings.wasted_tasks(SCOPE), 16, 17),
        Tile(paint(reasons, theme.REASONS), 8, 5),
        Tile(linked(quests, *links.quest_of_series()), 8, 12),
    ]
