"""Providers: what each provider and model costs, and what it brings."""

from collections.abc import Mapping

from exporter.metrics import Family, Labels, Metric, Sample
from exporter.report import costs, outcomes
from exporter.report.context import ReportContext, Row, complete, samples, summed
from exporter.report.folding import OTHER
from exporter.report.prepared import Prepared
from exporter.requirements import COST_MODELS, COST_TASKS, COST_TOKENS, COSTS, SCORES, TASK_TOKENS, TASK_USD

PROVIDER = ("provider", "window")

SPEND = Metric("resource_provider_spend_usd", "USD billed by the provider in the window.", PROVIDER, (COSTS,))
CALLS = Metric("resource_provider_calls", "Calls billed by the provider in the window.", PROVIDER, (COSTS,))
UNPRICED = Metric(
    "resource_provider_unpriced_calls",
    "Calls of the provider in the window whose cost is unknown. They are counted as calls, not as free.",
    PROVIDER,
    (COSTS,),
)
TASKS = Metric("resource_provider_tasks", "Distinct tasks that called the provider in the window.", PROVIDER, (COST_TASKS,))
TOKENS = Metric(
    "resource_provider_tokens",
    "Tokens through the provider in the window, by direction (token_type is input or output).",
    ("provider", "token_type", "window"),
    (COST_TOKENS,),
)
MODEL_SPEND = Metric(
    "resource_model_spend_usd",
    "USD billed for the model in the window.",
    ("provider", "model", "window"),
    (COST_MODELS,),
)
IMPACT = Metric(
    "resource_provider_impact_score",
    "Impact of the tasks judged in the window, shared out by what each paid its providers, else by tokens, else by calls.",
    PROVIDER,
    (COST_TASKS, SCORES),
)
WASTED = Metric(
    "resource_provider_wasted_usd",
    "USD of the tasks wasted in the window, shared out by what each paid its providers, else by tokens, else by calls.",
    PROVIDER,
    (COST_TASKS, SCORES, TASK_TOKENS, TASK_USD),
)
METRICS = (SPEND, CALLS, UNPRICED, TASKS, TOKENS, MODEL_SPEND, IMPACT, WASTED)
TIMELESS = True


# A task that called two providers which are folded into one is one task.
_FOLDED_TASKS = """
SELECT '{other}', time_window, sum(tasks)
  FROM (SELECT max(last_day) AS day, any_value(tasks) AS tasks
          FROM callers JOIN provider_labels USING (family) WHERE provider = '{other}' GROUP BY task)
  JOIN (VALUES {windows}) AS windows (time_window, first) ON day >= first GROUP BY ALL
"""


def collect(context: ReportContext, prepared: Prepared) -> list[Family]:
    """Spend, use and outcome by provider, each window in full."""
    labels = prepared.labels.models
    sums = [((*labels[model], window), sums) for (window, model), sums in prepared.costs.models.items() if model in labels]
    models = summed(sums)
    by_provider = summed(((provider, window), sums) for (provider, _, window), sums in models.items())
    providers = list(dict.fromkeys((provider,) for provider, _ in labels.values()))

    def column(number: int) -> list[Sample]:
        return complete(samples((*values, sums[number]) for values, sums in by_provider.items()), context.windows, providers)

    impact, wasted = _credits(context, prepared)
    return [
        Family(SPEND, column(costs.USD)),
        Family(CALLS, column(costs.CALLS)),
        Family(UNPRICED, column(costs.UNPRICED)),
        Family(TASKS, complete(_tasks(context, prepared), context.windows, providers)),
        Family(TOKENS, [sample for kind in context.token_types for sample in _directed(kind, column(costs.TOKENS[kind]))]),
        Family(MODEL_SPEND, complete(_model_spend(models), context.windows, dict.fromkeys(labels.values()))),
        Family(IMPACT, impact),
        Family(WASTED, wasted),
    ]


def _model_spend(models: Mapping[Labels, Row]) -> list[Sample]:
    return [(values, float(sums[costs.USD])) for values, sums in models.items()]


def _directed(token_type: str, found: list[Sample]) -> list[Sample]:
    return [((provider, token_type, window), value) for (provider, window), value in found]


def _tasks(context: ReportContext, prepared: Prepared) -> list[Sample]:
    """Distinct tasks that called each provider, by window."""
    names = prepared.labels.providers
    called = prepared.outcomes.called.items()
    found: list[Sample] = [
        ((family, window), float(tasks)) for (window, family), tasks in called if names.get(family, OTHER) != OTHER
    ]
    if OTHER in names.values():
        windows = ", ".join(f"('{window}', DATE '{first}')" for window, first in context.windows.items())
        found += samples(context.rows(_FOLDED_TASKS.format(windows=windows, other=OTHER)))
    return found


def _credits(context: ReportContext, prepared: Prepared) -> tuple[list[Sample], list[Sample]]:
    """Impact and wasted USD of each provider. A provider of which no task was ever scored has no impact."""
    names, parts = prepared.labels.providers, prepared.outcomes.providers.items()
    shares = summed(((names.get(family, "unknown"), window), sums) for (window, family), sums in parts)
    impact = [(labels, float(sums[outcomes.IMPACT])) for labels, sums in shares.items() if sums[outcomes.SCORED]]
    wasted = [(labels, float(sums[outcomes.WASTED])) for labels, sums in shares.items()]
    return complete(impact, context.windows), complete(wasted, context.windows)
