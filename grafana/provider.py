"""Providers and models side by side, to see which is worth its price."""

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
    """All providers side by side, or some of them."""
    chosen = (variables.datasource(), variables.job(), variables.instance(), variables.provider(), variables.window())
    return Page(
        uid=links.PROVIDER,
        title="Provider",
        text="Providers and models of the Resource Dashboard side by side: what they cost, what they bring, what they waste.",
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
    tokens = Words("Tokens", "Tokens in and out in the window. Cache and reasoning tokens are part of them.")
    price = Words(
        "USD / 1M tokens",
        "USD per million tokens, in and out together, of the window. Rises when work moves to dearer models.",
    )
    task = Words("Cost of a task", "USD over distinct tasks. A task that called two providers counts for both.")
    impact = Words(
        "Impact per $1", "Impact of tasks, shared out by what each paid to whom, else by tokens, over what was paid."
    )
    wasted = Words(
        "Wasted share", "Wasted USD over USD paid. Above 10 % see the tables of wasted tasks on the Resource Dashboard."
    )
    unpriced = Words(
        "Calls unpriced", "Calls whose cost is unknown. They make a provider look cheaper than it is: mend the price list."
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
    price = Words("USD per million tokens", "In and out together. A low price is worth nothing without impact: see beside it.")
    task = Words("Cost of a task", "USD over distinct tasks of the window.")
    impact = Words("Impact per $1", "Where a dollar does most. Move work to those at the top, and watch whether it stays so.")
    wasted = Words(
        "Wasted share", "Wasted USD over USD paid. A high share: find out which kind of task the provider is bad at."
    )
    panels = (
        _bars(impact, theme.SCORE, measures.provider_impact_per_usd(SCOPE, BY)),
        _bars(price, theme.USD, f"1e6 * {share(_of(providers.SPEND, BY), _of(providers.TOKENS, BY))}"),
        _bars(task, theme.USD, share(_of(providers.SPEND, BY), _of(providers.TASKS, BY))),
        _bars(wasted, theme.SHARE, share(_of(providers.WASTED, BY), _of(providers.SPEND, BY))),
    )
    return [*(Tile(panel, 6, 7) for panel in panels), Tile(comparison.providers_table(SCOPE), 24, 8)]


def _models() -> list[Tile]:
    spent = bars(
        Words("Spend by model, $window", "The twelve models that were paid most. Click one for its provider alone."),
        theme.USD,
        Query(f"topk(12, {_of(providers.MODEL_SPEND, BY, 'model')})", "{{model}}"),
        color=theme.SPENT,
    )
    return [Tile(linked(spent, *links.provider_of_series()), 8, 13), Tile(comparison.models_table(SCOPE), 16, 13)]


def _bars(words: Words, unit: str, expression: str) -> Panel:
    return paint(bars(words, unit, Query(f"sort_desc({expression})", "{{provider}}")), theme.PROVIDERS)


def _trend() -> list[Tile]:
    spent = course(
        Words("Spend per hour", "USD of the hour before each moment, by provider."),
        theme.USD,
        Query(measures.spent_per_hour(SCOPE, BY), "{{provider}}"),
        stacked=True,
    )
    tokens = f"{total(SCOPE.change(spend.TOKENS, measures.SPAN), BY)}"
    price = course(
        Words(
            "Price of a million tokens",
            "USD per million tokens of the hour before each moment. A step is a new price, or another model.",
        ),
        theme.USD,
        Query(f"1e6 * {share(measures.spent_per_hour(SCOPE, BY), tokens)}", "{{provider}}"),
    )
    impact = course(
        Words(
            "Impact per $1, $window",
            "How the impact per USD of the window has moved, by provider. A fall: look for what changed there.",
        ),
        theme.SCORE,
        Query(measures.provider_impact_per_usd(SCOPE, BY), "{{provider}}"),
    )
    calls = course(
        Words(
            "Calls per hour", "Calls of the hour before each moment, by provider. Fewer calls and the same spend: dearer ones."
        ),
        theme.COUNT,
        Query(f"clamp_min({total(SCOPE.change(spend.CALLS, measures.SPAN), BY)}, 0)", "{{provider}}"),
        stacked=True,
    )
    return [Tile(paint(panel, theme.PROVIDERS), 12, 9) for panel in (spent, calls, price, impact)]
