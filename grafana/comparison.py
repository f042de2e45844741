"""The table that holds providers against each other."""

from grafana_foundation_sdk.builders.table import Panel as Table

from exporter.metrics import Metric
from exporter.sections import providers, spend
from grafana import links, measures, theme
from grafana.panels import Words
from grafana.queries import Scope, share, total
from grafana.tables import Key, Value, rows

INPUT = {"token_type": "input"}
OUTPUT = {"token_type": "output"}


def providers_table(scope: Scope) -> Table:
    """What each provider cost in the window, and what came of it."""
    words = Words(
        "What each provider costs and brings, $window",
        "Compare the impact per $1, and beside it what was wasted and how many calls have no price, which make a provider look"
        " cheaper than it is. Not filtered by layer and quest.",
    )

    def of(metric: Metric, **labels: str) -> str:
        return total(scope.of(metric, **labels), "provider")

    spent = of(providers.SPEND)
    values = (
        Value("Cost", spent, theme.USD, width=80),
        Value("Tasks", of(providers.TASKS), theme.COUNT, width=70),
        Value("Calls", of(providers.CALLS), theme.COUNT, width=70),
        Value("Tokens in", of(providers.TOKENS, **INPUT), theme.TOKENS, width=85),
        Value("Tokens out", of(providers.TOKENS, **OUTPUT), theme.TOKENS, width=90),
        Value("Cost of a task", share(spent, of(providers.TASKS)), theme.USD, width=112),
        Value("Impact per $1", measures.provider_impact_per_usd(scope, "provider"), theme.SCORE, 125, 2, bar=theme.NEUTRAL),
        Value("Wasted", share(of(providers.WASTED), spent), theme.SHARE, width=75),
        Value("Unpriced", of(providers.UNPRICED), theme.COUNT, width=80),
    )
    key = Key("provider", "Provider", colors=theme.PROVIDERS, link=links.provider_of_row())
    return rows(words, (key,), values, most=50)


def models_table(scope: Scope) -> Table:
    """What each model was paid over the lifetime of the ledger, and what a million of its tokens costs."""
    words = Words(
        "Models, lifetime",
        "Where the money goes within a provider. A dear model with few calls is seldom the problem; one with many"
        " calls often is.",
    )

    def of(metric: Metric, **labels: str) -> str:
        return total(scope.of(metric, **labels), "provider", "model")

    spent = of(spend.SPEND)
    values = (
        Value("Cost", spent, theme.USD, width=130, bar=theme.SPENT),
        Value("Calls", of(spend.CALLS), theme.COUNT, width=80),
        Value("Tokens in", of(spend.TOKENS, **INPUT), theme.TOKENS, width=85),
        Value("Tokens out", of(spend.TOKENS, **OUTPUT), theme.TOKENS, width=90),
        Value("USD per 1M", f"1e6 * {share(spent, of(spend.TOKENS))}", theme.USD, width=95),
    )
    provider = Key("provider", "Provider", width=100, colors=theme.PROVIDERS, link=links.provider_of_row())
    return rows(words, (provider, Key("model", "Model")), values, most=50)
