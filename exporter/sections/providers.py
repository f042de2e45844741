"""Providers: what each provider and model costs, and what it brings."""

from datetime import date

from exporter.metrics import Family, Metric, Sample
from exporter.sections.frame import Frame, complete, samples

PROVIDER = ("provider", "window")

SPEND = Metric("resource_provider_spend_usd", "USD billed by the provider in the window.", PROVIDER, ("costs",))
CALLS = Metric("resource_provider_calls", "Calls billed by the provider in the window.", PROVIDER, ("costs",))
UNPRICED = Metric(
    "resource_provider_unpriced_calls",
    "Calls of the provider in the window whose cost is unknown. They are counted as calls, not as free.",
    PROVIDER,
    ("costs",),
)
TASKS = Metric("resource_provider_tasks", "Distinct tasks that called the provider in the window.", PROVIDER, ("costs",))
TOKENS = Metric(
    "resource_provider_tokens",
    "Tokens through the provider in the window, by direction (token_type is input or output).",
    ("provider", "token_type", "window"),
    ("costs",),
)
MODEL_SPEND = Metric(
    "resource_model_spend_usd",
    "USD billed for the model in the window.",
    ("provider", "model", "window"),
    ("costs",),
)
IMPACT = Metric(
    "resource_provider_impact_score",
    "Impact of the tasks judged in the window, shared out over providers by what each task paid them.",
    PROVIDER,
    ("costs", "impacts"),
)
WASTED = Metric(
    "resource_provider_wasted_usd",
    "USD of the tasks wasted in the window, shared out over providers by what each task paid them.",
    PROVIDER,
    ("costs", "impacts"),
)
METRICS = (SPEND, CALLS, UNPRICED, TASKS, TOKENS, MODEL_SPEND, IMPACT, WASTED)


_SUMS = """
SELECT provider, {windows} FROM cost_days JOIN model_labels USING (pair) GROUP BY ALL ORDER BY ALL
"""
_SUMMED = ("usd", "calls", "unpriced", "input_tokens", "output_tokens")
_MODELS = """
SELECT provider, model, {windows} FROM cost_days JOIN model_labels USING (pair) GROUP BY ALL ORDER BY ALL
"""
# A task that called two providers which are folded into one is one task.
_TASKS = """
WITH called AS (
    SELECT provider, day, tasks FROM provider_days JOIN provider_labels USING (family) WHERE provider <> 'other'
    UNION ALL
    SELECT 'other', day, count(*) AS tasks
      FROM (SELECT task, max(last_day) AS day FROM task_providers JOIN provider_labels USING (family)
             WHERE provider = 'other' GROUP BY task) AS folded GROUP BY day
)
SELECT provider, {windows} FROM provider_labels AS p LEFT JOIN called USING (provider) GROUP BY ALL ORDER BY ALL
"""
_RECENT_CREDITS = """
SELECT coalesce(provider, 'unknown') AS provider, sum(impact), sum(wasted), time_window
  FROM (SELECT time_window, family, (impact::DOUBLE * coalesce(share, 1))::DECIMAL(38, 15) AS impact,
               (CASE WHEN reason IS NULL THEN 0 ELSE usd::DOUBLE * coalesce(share, 1) END)::DECIMAL(38, 15) AS wasted
          FROM recent_tasks LEFT JOIN (FROM task_providers WHERE share > 0) AS paid USING (task)) AS shared
  LEFT JOIN provider_labels USING (family) GROUP BY ALL
"""
_LIFETIME_CREDITS = """
SELECT coalesce(provider, 'unknown') AS provider, CASE WHEN sum(scored) > 0 THEN sum(impact) END, sum(wasted_usd)
  FROM provider_outcomes LEFT JOIN provider_labels USING (family) GROUP BY ALL
"""


def collect(frame: Frame) -> list[Family]:
    """Spend, use and outcome by provider, each window in full."""
    models = frame.rows(_MODELS.format(windows=frame.per_window("sum(usd)")))
    called = frame.rows(_TASKS.format(windows=frame.per_window("sum(tasks)")))
    usd, calls, unpriced, *tokens = _sums(frame)
    impact, wasted = _credits(frame)
    return [
        Family(SPEND, usd),
        Family(CALLS, calls),
        Family(UNPRICED, unpriced),
        Family(TASKS, list(frame.spread(called, 1))),
        Family(TOKENS, [*_directed("input", tokens[0]), *_directed("output", tokens[1])]),
        Family(MODEL_SPEND, list(frame.spread(models, 2))),
        Family(IMPACT, impact),
        Family(WASTED, wasted),
    ]


def _sums(frame: Frame) -> list[list[Sample]]:
    """The samples of each summed column, by provider and window."""
    windows = [frame.per_window(f"sum({column})") for column in _SUMMED]
    rows = frame.rows(_SUMS.format(windows=", ".join(windows)))
    width = len(frame.windows)
    starts = range(1, 1 + len(_SUMMED) * width, width)
    return [list(frame.spread([(row[0], *row[start : start + width]) for row in rows], 1)) for start in starts]


def _directed(token_type: str, found: list[Sample]) -> list[Sample]:
    return [((provider, token_type, window), value) for (provider, window), value in found]


def _credits(frame: Frame) -> tuple[list[Sample], list[Sample]]:
    """Impact and wasted USD of each provider. A provider of which no task was ever scored has no impact."""
    lifetime = frame.rows(_LIFETIME_CREDITS)
    rows = frame.rows(_RECENT_CREDITS)
    rows += [(*row, window) for row in lifetime for window, first in frame.windows.items() if first == date.min]
    impact = samples((provider, window, impact) for provider, impact, _, window in rows)
    wasted = samples((provider, window, wasted) for provider, _, wasted, window in rows)
    return complete(impact, frame.windows), complete(wasted, frame.windows)
