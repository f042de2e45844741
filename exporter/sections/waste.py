"""Waste: what was paid for nothing."""

from exporter.metrics import QUEST, TASK, Metric

WASTE = (*QUEST, "reason", "window")

QUEST_USD = Metric(
    "resource_quest_wasted_usd",
    "USD of the quest's wasted tasks of the window: many tokens and little (low_impact) or no known (unscored) impact.",
    WASTE,
    ("impacts",),
)
QUEST_TOKENS = Metric("resource_quest_wasted_tokens", "Tokens of the quest's wasted tasks of the window.", WASTE, ("impacts",))
QUEST_TASKS = Metric("resource_quest_wasted_tasks", "Wasted tasks of the quest in the window.", WASTE, ("impacts",))
TASK_TOKENS = Metric(
    "resource_wasted_task_tokens", "Tokens of the most wasteful tasks of the window.", (*TASK, "reason", "window"), ("impacts",)
)
TASK_COST = Metric(
    "resource_wasted_task_cost_usd", "USD of the most wasteful tasks of the window.", (*TASK, "reason", "window"), ("impacts",)
)
METRICS = (QUEST_USD, QUEST_TOKENS, QUEST_TASKS, TASK_TOKENS, TASK_COST)
