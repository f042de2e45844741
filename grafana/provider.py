"""The dashboard Provider: providers and models side by side, to see which are worth their price."""

from typing import Final

from exporter.metrics import Metric
from exporter.sections import providers, spend
from grafana import comparison, links, measures, theme, variables
from grafana.layout import Page, Section, Tile
from grafana.panels import Panel, Query, Words, bars, course, linked, number, paint
from grafana.queries import Scope, share, total

SCOPE: Final = Scope({"provider": '=~"$provider"'})
BY: Final = "provider"


def page() -> Page:
    """The dashboard over all providers, or the chosen ones."""
    chosen = (variables.datasource(), variables.job(), variables.instance(), variables.provider(), variables.window())
    return Page(
        uid=links.PROVIDER,
        title="Provider",
        text="Providers and models of the Resource Dashboard side by side: cost, impact and waste.",
        since="now-24h",
        variables=chosen,
        sections=(
            Section("$provider, $window", _strip()),
            Section("Comparison", _comparison()),
            Section("Models", _models()),
            Section("Trend", _trend()),
        ),
    )


def _of(metric: Metric, *by: str) -> str:
    return total(SCOPE.of(metric), *by)


def _strip() -> list[Tile]:
    tokens = Words("Tokens", "Input and output tokens in the window, cache and reasoning tokens included.")
    price = Words(
        "USD / 1M tokens",
        "USD per million input and output tokens in the window. It rises when work moves to more expensive models.",
    )
    task = Words("Cost per task", "Spend divided by distinct tasks. A task that called two providers counts for both.")
    impact = Words(
        "Impact per $1",
        "Impact divided by spend. The impact of a task is shared out by its spend per provider, else by tokens, else by calls.",
    )
    wasted = Words(
        "Wasted share", "Wasted share of spend. Above 10 %, see the table of wasted tasks on the Resource Dashboard."
    )
    unpriced = Words(
        "Calls unpriced",
        "Share of calls whose cost is unknown. They make a provider look cheaper than it is: fix the price list.",
    )
    strip = (
        number(Words("Spent", "USD billed in the window."), theme.USD, Query(_of(providers.SPEND)), color=theme.SPENT),
        number(Words("Calls", "Calls billed in the window."), theme.COUNT, Query(_of(providers.CALLS))),
        number(tokens, theme.TOKENS, Query(_of(providers.TOKENS))),
        number(price, theme.USD, Query(f"1e6 * {share(_of(providers.SPEND), _of(providers.TOKENS))}")),
        number(task, theme.USD, Query(share(_of(providers.SPEND), _of(providers.TASKS)))),
        number(impact, theme.SCORE, Query(measures.provider_impact_per_usd(SCOPE)), decimals=2),
        number(wasted, theme.SHARE, Query(share(_of(providers.WASTED), _of(providers.SPEND))), color=theme.BAD_SHARE),
        number(unpriced, theme.SHARE, Query(share(_of(providers.UNPRICED), _of(providers.CALLS))), color=theme.BAD_SHARE),
    )
    return [Tile(panel, 3, 4) for panel in strip]


def _comparison() -> list[Tile]:
    price = Words("USD per million tokens", "Input and output together. Compare it with impact per $1: cheap is not enough.")
    task = Words("Cost per task", "Spend divided by the distinct tasks of the window.")
    impact = Words(
        "Impact per $1",
        "Impact divided by spend. Move work to the providers at the top, and check that it stays so.",
    )
    wasted = Words("Wasted share", "Wasted share of spend. If it is high, find out which kind of task the provider is bad at.")
    panels = (
        _bars(impact, theme.SCORE, measures.provider_impact_per_usd(SCOPE, BY)),
        _bars(price, theme.USD, f"1e6 * {share(_of(providers.SPEND, BY), _of(providers.TOKENS, BY))}"),
        _bars(task, theme.USD, share(_of(providers.SPEND, BY), _of(providers.TASKS, BY))),
        _bars(wasted, theme.SHARE, share(_of(providers.WASTED, BY), _of(providers.SPEND, BY))),
    )
    return [*(Tile(panel, 6, 7) for panel in panels), Tile(comparison.providers_table(SCOPE), 24, 8)]


def _models() -> list[Tile]:
    spent = bars(
        Words("Spend by model, $window", "The twelve models with the highest spend. Click one to show only its provider."),
        theme.USD,
        Query(f"topk(12, {_of(providers.MODEL_SPEND, BY, 'model')})", "{{model}}"),
        color=theme.SPENT,
    )
    return [Tile(linked(spent, *links.provider_of_series()), 8, 13), Tile(comparison.models_table(SCOPE), 16, 13)]


def _bars(words: Words, unit: str, expression: str) -> Panel:
    return paint(bars(words, unit, Query(f"sort_desc({expression})", "{{provider}}")), theme.PROVIDERS)


def _trend() -> list[Tile]:
    spent = course(
        Words("Spend per hour", "USD in the hour before each moment, by provider."),
        theme.USD,
        Query(measures.spent_per_hour(SCOPE, BY), "{{provider}}"),
        stacked=True,
    )
    tokens = f"{total(SCOPE.change(spend.TOKENS, measures.SPAN), BY)}"
    price = course(
        Words(
            "Price per million tokens",
            "USD per million tokens in the hour before each moment. A step is a new price or another model.",
        ),
        theme.USD,
        Query(f"1e6 * {share(measures.spent_per_hour(SCOPE, BY), tokens)}", "{{provider}}"),
    )
    impact = course(
        Words(
            "Impact per $1, $window",
            "Impact per USD of the window over time, by provider. If it falls, find out what changed.",
        ),
        theme.SCORE,
        Query(measures.provider_impact_per_usd(SCOPE, BY), "{{provider}}"),
    )
    calls = course(
        Words(
            "Calls per hour",
            "Calls in the hour before each moment, by provider. Fewer calls with the same spend are more expensive calls.",
        ),
        theme.COUNT,
        Query(f"clamp_min({total(SCOPE.change(spend.CALLS, measures.SPAN), BY)}, 0)", "{{provider}}"),
        stacked=True,
    )
    return [Tile(paint(panel, theme.PROVIDERS), 12, 9) for panel in (spent, calls, price, impact)]
