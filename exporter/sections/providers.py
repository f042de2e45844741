"""Providers: what each provider and model costs, and what it brings."""

from exporter.metrics import Metric

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
