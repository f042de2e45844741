"""Efficiency: where a dollar does most."""

from exporter.metrics import QUEST, TASK, Metric

QUEST_IMPACT = Metric(
    "resource_quest_impact_score",
    "Impact of the quest's tasks judged in the window. Absent where no task was ever scored.",
    (*QUEST, "window"),
    ("impacts",),
)
QUEST_IMPACT_COST = Metric(
    "resource_quest_impact_cost_usd",
    "USD that the quest's tasks judged in the window cost, failures included.",
    (*QUEST, "window"),
    ("impacts",),
)
TOP_IMPACT_PER_USD = Metric(
    "resource_top_task_impact_per_usd",
    "Impact per USD of the most efficient tasks of the window.",
    (*TASK, "window"),
    ("impacts",),
)
TOP_IMPACT = Metric(
    "resource_top_task_impact_score", "Impact of the most efficient tasks of the window.", (*TASK, "window"), ("impacts",)
)
TOP_COST = Metric(
    "resource_top_task_cost_usd", "USD paid for the most efficient tasks of the window.", (*TASK, "window"), ("impacts",)
)
TOP_TOKENS = Metric(
    "resource_top_task_tokens", "Tokens used by the most efficient tasks of the window.", (*TASK, "window"), ("impacts",)
)
METRICS = (QUEST_IMPACT, QUEST_IMPACT_COST, TOP_IMPACT_PER_USD, TOP_IMPACT, TOP_COST, TOP_TOKENS)
