"""The tables that compare providers and models."""

from grafana_foundation_sdk.builders.table import Panel as Table

from exporter.metrics import Metric
from exporter.palette import PROVIDERS, SPENT
from exporter.sections import providers, spend
from grafana import absent, links, measures, theme
from grafana.panels import Words
from grafana.queries import Scope, share, total
from grafana.tables import Key, Value, rows

INPUT = {"token_type": "input"}
OUTPUT = {"token_type": "output"}
BY_PROVIDER = (Key("provider", "Provider", colors=PROVIDERS, link=links.provider_of_row()),)


def providers_table(scope: Scope) -> Table:
    """The cost and the results of each provider in the window."""
    words = Words(
        "Cost and impact by provider, $window",
        "Compare impact per $1 together with waste. Calls without a price make a provider look cheaper than it is. Not filtered"
        " by layer and quest.",
        absent.CALLS,
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
        Value("Cost per task", share(spent, of(providers.TASKS)), theme.USD, 110, theme.PRICE),
        Value("Impact per $1", measures.provider_impact_per_usd(scope, "provider"), theme.SCORE, 110, 2, bar=theme.TEXT),
        Value("Wasted", share(of(providers.WASTED), spent), theme.SHARE, width=70),
        Value("Unpriced", of(providers.UNPRICED), theme.COUNT, width=80),
    )
    return rows(words, BY_PROVIDER, values, most=50)


def models_table(scope: Scope) -> Table:
    """The lifetime cost and usage of each model, and its price per million tokens."""
    words = Words(
        "Models, lifetime",
        "Where the money goes within a provider. An expensive model matters most if it has many calls.",
        absent.COSTS,
    )

    def of(metric: Metric, **labels: str) -> str:
        return total(scope.of(metric, **labels), "provider", "model")

    spent = of(spend.SPEND)
    values = (
        Value("Cost", spent, theme.USD, width=140, bar=SPENT),
        Value("Calls", of(spend.CALLS), theme.COUNT, width=80),
        Value("Tokens in", of(spend.TOKENS, **INPUT), theme.TOKENS, width=95),
        Value("Tokens out", of(spend.TOKENS, **OUTPUT), theme.TOKENS, width=100),
        Value("USD per 1M", f"1e6 * {share(spent, of(spend.TOKENS))}", theme.USD, width=100),
    )
    provider = Key("provider", "Provider", width=110, colors=PROVIDERS, link=links.provider_of_row())
    return rows(words, (provider, Key("model", "Model")), values, most=50)
