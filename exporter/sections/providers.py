"""Providers: what each provider and model costs, and what it brings."""

from datetime import date

from exporter.metrics import Family, Metric, Sample
from exporter.report.context import TOKEN_TYPES, ReportContext, complete, samples
from exporter.requirements import COST_MODELS, COST_TASKS, COST_TOKENS, COSTS, SCORES

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
    (COST_TASKS, SCORES),
)
METRICS = (SPEND, CALLS, UNPRICED, TASKS, TOKENS, MODEL_SPEND, IMPACT, WASTED)
TIMELESS = True


_SUMS = """
SELECT provider, time_window, sum(usd), sum(calls), sum(unpriced), sum(input_tokens), sum(output_tokens)
  FROM window_costs JOIN model_labels USING (model_key) GROUP BY ALL
"""
_MODELS = """
SELECT provider, model, time_window, sum(usd) FROM window_costs JOIN model_labels USING (model_key) GROUP BY ALL
"""
# A task that called two providers which are folded into one is one task.
_TASKS = """
WITH called AS (
    SELECT provider, day, tasks FROM provider_last_days JOIN provider_labels USING (family) WHERE provider <> 'other'
    UNION ALL
    SELECT 'other', day, count(*) AS tasks
      FROM (SELECT task, max(last_day) AS day FROM task_providers JOIN provider_labels USING (family)
             WHERE provider = 'other' GROUP BY task) AS folded GROUP BY day
)
SELECT provider, time_window, sum(tasks) FROM called JOIN ({windows}) AS windows ON day >= first GROUP BY ALL
"""
_RECENT_CREDITS = """
SELECT coalesce(provider, 'unknown') AS provider, sum(impact), sum(wasted_usd), time_window
  FROM credits LEFT JOIN provider_labels USING (family) GROUP BY ALL
"""
_LIFETIME_CREDITS = """
SELECT coalesce(provider, 'unknown') AS provider, CASE WHEN sum(scored) > 0 THEN sum(impact) END, sum(wasted_usd)
  FROM provider_outcome_totals LEFT JOIN provider_labels USING (family) GROUP BY ALL
"""


def collect(context: ReportContext) -> list[Family]:
    """Spend, use and outcome by provider, each window in full."""
    sums = context.rows(_SUMS)
    models = samples(context.rows(_MODELS))
    span = "SELECT '{window}' AS time_window, DATE '{first}' AS first"
    called = samples(context.rows(_TASKS.format(windows=context.by_window(span, span))))
    known = context.rows("SELECT DISTINCT provider, model FROM model_labels")
    providers = list(dict.fromkeys(row[:1] for row in known))
    usd, calls, unpriced, *amounts = (
        complete(samples((*row[:2], row[column]) for row in sums), context.windows, providers) for column in range(2, 7)
    )
    tokens = dict(zip(TOKEN_TYPES, amounts, strict=True))
    impact, wasted = _credits(context)
    return [
        Family(SPEND, usd),
        Family(CALLS, calls),
        Family(UNPRICED, unpriced),
        Family(TASKS, complete(called, context.windows, providers)),
        Family(TOKENS, [sample for kind in context.token_types for sample in _directed(kind, tokens[kind])]),
        Family(MODEL_SPEND, complete(models, context.windows, known)),
        Family(IMPACT, impact),
        Family(WASTED, wasted),
    ]


def _directed(token_type: str, found: list[Sample]) -> list[Sample]:
    return [((provider, token_type, window), value) for (provider, window), value in found]


def _credits(context: ReportContext) -> tuple[list[Sample], list[Sample]]:
    """Impact and wasted USD of each provider. A provider of which no task was ever scored has no impact."""
    lifetime = context.rows(_LIFETIME_CREDITS)
    rows = context.rows(_RECENT_CREDITS)
    rows += [(*row, window) for row in lifetime for window, first in context.windows.items() if first == date.min]
    impact = samples((provider, window, impact) for provider, impact, _, window in rows)
    wasted = samples((provider, window, wasted) for provider, _, wasted, window in rows)
    return complete(impact, context.windows), complete(wasted, context.windows)
