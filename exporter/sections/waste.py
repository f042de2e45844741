"""Waste: what was paid for nothing."""

from exporter.metrics import QUEST, TASK, Family, Metric
from exporter.report import tasks
from exporter.report.context import ReportContext, complete, samples
from exporter.requirements import SCORES

WASTE = (*QUEST, "reason", "window")

QUEST_USD = Metric(
    "resource_quest_wasted_usd",
    "USD of the quest's wasted tasks of the window: many tokens and little (low_impact) or no known (unscored) impact.",
    WASTE,
    (SCORES,),
)
QUEST_TOKENS = Metric("resource_quest_wasted_tokens", "Tokens of the quest's wasted tasks of the window.", WASTE, (SCORES,))
QUEST_TASKS = Metric("resource_quest_wasted_tasks", "Wasted tasks of the quest in the window.", WASTE, (SCORES,))
TASK_TOKENS = Metric(
    "resource_wasted_task_tokens", "Tokens of the most wasteful tasks of the window.", (*TASK, "reason", "window"), (SCORES,)
)
TASK_COST = Metric(
    "resource_wasted_task_cost_usd", "USD of the most wasteful tasks of the window.", (*TASK, "reason", "window"), (SCORES,)
)
METRICS = (QUEST_USD, QUEST_TOKENS, QUEST_TASKS, TASK_TOKENS, TASK_COST)
TIMELESS = True


_QUESTS = """
SELECT quest_id, name, layer, reason, time_window, sum(usd), sum(tokens), sum(tasks)
  FROM outcome_sums JOIN quest_labels USING (quest) WHERE reason IS NOT NULL GROUP BY ALL
"""
_COLUMNS = ("l.reason", "l.tokens", "l.usd")


def collect(context: ReportContext) -> list[Family]:
    """Wasted USD, tokens and tasks by quest and reason, and the most wasteful tasks by tokens."""
    quests = context.rows(_QUESTS)
    worst = tasks.top(context, rank="tokens", where="reason IS NOT NULL", columns=_COLUMNS)
    by_quest = {metric: samples((*row[:5], row[5 + n]) for row in quests) for n, metric in enumerate(METRICS[:3])}
    return [
        *(Family(metric, complete(found, context.windows)) for metric, found in by_quest.items()),
        *(Family(metric, tasks.ranking(worst, len(TASK) + 1, n)) for n, metric in enumerate((TASK_TOKENS, TASK_COST))),
    ]
