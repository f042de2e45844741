"""Spend: what was billed, by whom and to whom, and where today is heading."""

from exporter.metrics import QUEST, Metric

SPEND = Metric(
    "resource_spend_usd",
    "USD billed over the lifetime of the cost ledger, credits subtracted. Use delta(), never rate(): it can be corrected downward.",
    (*QUEST, "provider", "model"),
    ("costs",),
)
CALLS = Metric(
    "resource_calls",
    "Billed calls over the lifetime of the cost ledger.",
    (*QUEST, "provider", "model"),
    ("costs",),
)
TOKENS = Metric(
    "resource_tokens",
    "Tokens over the lifetime of the cost ledger, by direction (token_type is input or output).",
    (*QUEST, "provider", "model", "token_type"),
    ("costs",),
)
QUEST_SPEND = Metric(
    "resource_quest_spend_usd",
    "USD spent by the quest in the window. Select one window, never sum over windows.",
    (*QUEST, "window"),
    ("costs",),
)
PROJECTED = Metric(
    "resource_quest_projected_spend_usd",
    "USD that the quest will have spent at the end of today, at the usual course of a day. Absent in the first half hour.",
    QUEST,
    ("costs",),
)
DAY_ELAPSED = Metric(
    "resource_budget_day_elapsed_ratio",
    "Share of today's budget day that has gone by, from 0 to 1, in the configured time zone.",
    (),
    (),
)
METRICS = (SPEND, CALLS, TOKENS, QUEST_SPEND, PROJECTED, DAY_ELAPSED)
