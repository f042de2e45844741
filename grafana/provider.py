"""The dashboard Provider: providers and models side by side, to see which are worth their price."""

from typing import Final

from exporter.metrics import Metric
from exporter.palette import OVER, PROVIDERS, SPENT
from exporter.sections import providers, spend
from grafana import absent, comparison, links, measures, status, theme, variables
from grafana.comparison import BY_PROVIDER
from grafana.layout import Page, Section, Tile
from grafana.panels import Panel, Query, Words, course, number, paint, per_hour
from grafana.queries import Scope, share, total
from grafana.tables import Key, Value, rows

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
    strip = (
        number(
            Words("Spent", "USD billed in the window. The table below says what it achieved.", absent.CALLS),
            theme.USD,
            Query(_of(providers.SPEND)),
            color=SPENT,
        ),
        number(
            Words("Calls", "Calls billed in the window. More calls at the same spend are cheaper calls.", absent.CALLS),
            theme.COUNT,
            Query(_of(providers.CALLS)),
        ),
        _price(),
        _cost_per_task(),
        _impact(),
        _wasted(),
        _unpriced(),
    )
    return [status.tile(), *(Tile(panel, 6, 3) for panel in strip)]


def _price() -> Panel:
    words = Words(
        "USD / 1M tokens",
        "USD per million input and output tokens in the window, cache and reasoning tokens included. It rises when work moves"
        " to more expensive models.",
        absent.TOKENS,
    )
    return number(words, theme.USD, Query(f"1e6 * {share(_of(providers.SPEND), _of(providers.TOKENS))}"))


def _cost_per_task() -> Panel:
    words = Words(
        "Cost per task",
        "Spend divided by distinct tasks. A task that called two providers counts for both. If it rises, find the model.",
        absent.TASKS,
    )
    return number(words, theme.USD, Query(share(_of(providers.SPEND), _of(providers.TASKS))), decimals=theme.PRICE)


def _impact() -> Panel:
    words = Words(
        "Impact per $1",
        "Impact divided by spend. The impact of a task is shared out by its spend per provider, else by tokens, else by calls."
        " Higher is better.",
        absent.IMPACT,
    )
    return number(words, theme.SCORE, Query(measures.provider_impact_per_usd(SCOPE)), decimals=2)


def _wasted() -> Panel:
    words = Words(
        "Wasted share",
        "Wasted share of spend. Above 10 %, see the table of wasted tasks on the Resource Dashboard.",
        absent.IMPACT,
    )
    return number(words, theme.SHARE, Query(share(_of(providers.WASTED), _of(providers.SPEND))), color=theme.BAD_SHARE)


def _unpriced() -> Panel:
    words = Words(
        "Calls unpriced",
        "Share of calls whose cost is unknown. They make a provider look cheaper than it is: fix the price list.",
        absent.CALLS,
    )
    return number(words, theme.SHARE, Query(share(_of(providers.UNPRICED), _of(providers.CALLS))), color=theme.BAD_SHARE)


def _comparison() -> list[Tile]:
    impact = Words(
        "Impact per $1, by provider",
        "Impact divided by spend. Move work to the providers at the top, and check that it stays so.",
        absent.IMPACT,
    )
    price = Words(
        "USD / 1M tokens, by provider",
        "Input and output together. Compare it with impact per $1: cheap is not enough.",
        absent.TOKENS,
    )
    task = Words(
        "Cost per task, by provider",
        "Spend divided by the distinct tasks of the window. Compare providers that do the same kind of task.",
        absent.TASKS,
    )
    wasted = Words(
        "Wasted share, by provider",
        "Wasted share of spend. If it is high, find out which kind of task the provider is bad at.",
        absent.IMPACT,
    )
    spent = _of(providers.SPEND, BY)
    values = (
        (impact, Value("Impact per $1", measures.provider_impact_per_usd(SCOPE, BY), theme.SCORE, 160, 2, theme.TEXT)),
        (price, Value("USD / 1M", f"1e6 * {share(spent, _of(providers.TOKENS, BY))}", theme.USD, 160, bar=SPENT)),
        (task, Value("Cost", share(spent, _of(providers.TASKS, BY)), theme.USD, 160, theme.PRICE, SPENT)),
        (wasted, Value("Wasted", share(_of(providers.WASTED, BY), spent), theme.SHARE, 160, bar=OVER)),
    )
    bars = [Tile(rows(words, BY_PROVIDER, (value,)), 12, 7) for words, value in values]
    return [*bars, Tile(comparison.providers_table(SCOPE), 24, 8)]


def _models() -> list[Tile]:
    words = Words(
        "Spend by model, $window",
        "The twelve models with the highest spend. Try a cheaper one for the work of the first ones.",
        absent.CALLS,
    )
    spent = Value("Spent", _of(providers.MODEL_SPEND, BY, "model"), theme.USD, 400, bar=SPENT)
    keys = (Key("provider", "Provider", 110, PROVIDERS, links.provider_of_row()), Key("model", "Model"))
    return [Tile(rows(words, keys, (spent,), most=12), 24, 10), Tile(comparison.models_table(SCOPE), 24, 10)]


def _trend() -> list[Tile]:
    spent = per_hour(
        Words(
            "Spend per hour",
            "USD in the hour before each moment, by provider. After a lasting increase, look for the model behind it above.",
            absent.HISTORY,
        ),
        theme.USD,
        Query(measures.spent_per_hour(SCOPE, BY), "{{provider}}"),
    )
    calls = per_hour(
        Words(
            "Calls per hour",
            "Calls in the hour before each moment, by provider. Fewer calls with the same spend are more expensive calls.",
            absent.HISTORY,
        ),
        theme.COUNT,
        Query(SCOPE.rise(spend.CALLS, BY), "{{provider}}"),
    )
    price = per_hour(
        Words(
            "Price per million tokens",
            "USD per million tokens in the hour before each moment. A step is a new price or another model.",
            absent.HISTORY,
        ),
        theme.USD,
        Query(f"1e6 * {share(measures.spent_per_hour(SCOPE, BY), SCOPE.rise(spend.TOKENS, BY))}", "{{provider}}"),
        stacked=False,
    )
    impact = course(
        Words(
            "Impact per $1, $window",
            "Impact per USD of the window over time, by provider. If it falls, find out what changed.",
            absent.IMPACT,
        ),
        theme.SCORE,
        Query(measures.provider_impact_per_usd(SCOPE, BY), "{{provider}}"),
    ).decimals(2)
    return [Tile(paint(panel, PROVIDERS), 12, 9) for panel in (spent, calls, price, impact)]
