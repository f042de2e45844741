"""The Resource Dashboard: the five questions of the report on one page."""

from typing import Final

from exporter.metrics import Metric
from exporter.sections import providers, spend, utilization, waste
from grafana import comparison, links, measures, rankings, theme, variables
from grafana.layout import Page, Section, Tile
from grafana.panels import RECENT, Query, Words, bars, course, donut, linked, number, paint
from grafana.queries import TODAY, Scope, known_zero, leading, share, total
from grafana.timeline import balance, days

SCOPE: Final = Scope({"layer": '=~"$layer"', "quest_id": '=~"$quest"'})
QUEST: Final = ("quest_id", "quest")


def page() -> Page:
    """The page to go to: today, then the five sections of the report."""
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
            Words("Allocated today", "USD that all chosen quests may spend today. Change it in the allocation ledger."),
            theme.USD,
            Query(measures.allocated(SCOPE)),
            color=theme.ALLOCATED,
            decimals=2,
        ),
        number(
            Words("Spent today", "USD billed today, also to quests without a budget. Compare it with what is allocated."),
            theme.USD,
            Query(measures.spent(SCOPE)),
            color=theme.SPENT,
            decimals=2,
        ),
        number(
            Words(
                "Budget used", "Spent over allocated, today. Above 80 % look at Budget allocation for the quests that push it."
            ),
            theme.SHARE,
            Query(measures.budget_used(SCOPE)),
            color=theme.BUDGET_USED,
        ),
        number(
            Words(
                "End of the day",
                "What will have been spent if the day takes its usual course, as a share of the allocation and in USD."
                " Above 100 %, slow a quest down or allocate more. Absent in the first half hour of the day.",
            ),
            theme.SHARE,
            Query(share(measures.projected(SCOPE), measures.allocated(SCOPE)), "of budget"),
            Query(measures.projected(SCOPE), "projected"),
            color=theme.BUDGET_USED,
        ).override_by_name("projected", [theme.unit(theme.USD)]),
        number(
            Words("Impact per $1", "Impact of the judged tasks over what they cost, failures included. Higher is better."),
            theme.SCORE,
            Query(measures.impact_per_usd(SCOPE)),
            decimals=2,
        ),
        number(
            Words(
                "Wasted",
                "USD paid for tasks with many tokens and little or no known impact. See Wasted resources below.",
            ),
            theme.USD,
            Query(measures.wasted_usd(SCOPE)),
            color=theme.WASTED,
            decimals=2,
        ),
        number(
            Words(
                "Wasted share",
                "Wasted over what all judged tasks cost. Above 10 % look for its reason and its quests.",
            ),
            theme.SHARE,
            Query(measures.wasted_share(SCOPE)),
            color=theme.BAD_SHARE,
        ),
        number(
            Words("Over budget", "Quests that have spent more today than was allocated to them. Budget allocation names them."),
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
            "Who may spend today: the eight largest allocations, and all others as one. A quest without a budget is not here.",
        ),
        theme.USD,
        Query(f"topk(8, {by_quest})", "{{quest}}"),
        Query(f"{measures.allocated(SCOPE)} - sum(topk(8, {by_quest})) > 0", "Other"),
    )
    used = bars(
        Words(
            "Used of what is allocated, by quest",
            "Share of its budget that each quest has spent today: orange from 80 %, red from 100 %. Click one to see"
            " what it pays for.",
        ),
        theme.SHARE,
        Query(f"topk(12, {measures.budget_used(SCOPE, *QUEST)})", "{{quest}}"),
        color=theme.BUDGET_USED,
    )
    shares.override_by_name("Other", [theme.colored(theme.REST)])
    return [Tile(linked(shares, *links.quest_of_series()), 10, 11), Tile(linked(used, *links.quest_of_series()), 14, 11)]


def _efficiency() -> list[Tile]:
    by_layer = bars(
        Words("Impact per $1 by layer, $window", "Impact of the tasks of each layer over what they cost, failures included."),
        theme.SCORE,
        Query(f"sort_desc({measures.impact_per_usd(SCOPE, 'layer')})", "{{layer}}"),
    )
    by_provider = bars(
        Words(
            "Impact per $1 by provider, $window",
            "Impact of tasks, shared out over providers by what each task paid them, over what was paid. Not filtered"
            " by layer and quest.",
        ),
        theme.SCORE,
        Query(f"sort_desc({measures.provider_impact_per_usd(SCOPE, 'provider')})", "{{provider}}"),
    )
    by_quest = bars(
        Words(
            "Impact per $1 by quest, $window",
            "The quests where a dollar does most. Give more to those at the top; those that are missing here do less.",
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
            "Each day's allocation in green, its spend in red before it. Red above green is overspent. Today is not over yet."
            " From the ledgers, so the days before Prometheus was started are there too. Not filtered by quest.",
        ),
        allocated,
        spent,
    )
    difference = balance(
        Words(
            "Over and under budget, by day",
            "Spend minus allocation of each day with a budget: red was overspent, green was left over."
            " Much green for many days: allocate less, or elsewhere. Not filtered by quest.",
        ),
        f"clamp_min({spent} - {allocated}, 0)",
        f"clamp_max({spent} - {allocated}, 0)",
    )
    rank = total(SCOPE.at_end(spend.QUEST_SPEND, window=TODAY), *QUEST)
    live = course(
        Words(
            "Spend per hour, by quest",
            "USD of the hour before each moment, of the ten quests that spent most today. A step upward that stays:"
            " open the quest and look for the model behind it. Begins when Prometheus began to scrape; its first hour is low.",
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
            "Spend by provider, $window", "Who was paid. The next table says what came of it. Not filtered by layer and quest."
        ),
        theme.USD,
        Query(f"sort_desc({spent})", "{{provider}}"),
    )
    live = course(
        Words(
            "Spend per hour, by provider",
            "USD of the hour before each moment. A provider that grows while the others shrink took over their work:"
            " compare what they bring before it becomes the habit.",
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
                "USD wasted, $window", "Paid for tasks with many tokens and little (low_impact) or no known (unscored) impact."
            ),
            theme.USD,
            in_all(waste.QUEST_USD),
            color=theme.WASTED,
        ),
        number(
            Words(
                "Tokens wasted, $window", "Used by those tasks. Cap the tokens of a task where this grows faster than the USD."
            ),
            theme.TOKENS,
            in_all(waste.QUEST_TOKENS),
            color=theme.WASTED,
        ),
        number(
            Words(
                "Tasks wasted, $window",
                "How many tasks that were. Few tasks and many tokens: look for loops in the table below.",
            ),
            theme.COUNT,
            in_all(waste.QUEST_TASKS),
            color=theme.WASTED,
        ),
    )
    reasons = bars(
        Words(
            "USD wasted by reason, $window",
            "low_impact: judged, and of little use; give such work to a cheaper model. unscored: nobody judged it;"
            " judge it or stop it.",
        ),
        theme.USD,
        Query(f"sort_desc({total(SCOPE.of(waste.QUEST_USD), 'reason')})", "{{reason}}"),
    )
    quests = bars(
        Words(
            "USD wasted by quest, $window",
            "The quests that lost most. Click one for its tasks, and mend what they have in common.",
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
