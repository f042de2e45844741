"""Efficiency: where a dollar does most."""

from exporter.metrics import QUEST, TASK, Family, Metric
from exporter.report import tasks
from exporter.report.context import ReportContext, complete, samples
from exporter.requirements import SCORES

QUEST_IMPACT = Metric(
    "resource_quest_impact_score",
    "Impact of the quest's tasks judged in the window. Absent where no task was ever scored.",
    (*QUEST, "window"),
    (SCORES,),
)
QUEST_IMPACT_COST = Metric(
    "resource_quest_impact_cost_usd",
    "USD that the quest's tasks judged in the window cost, failures included.",
    (*QUEST, "window"),
    (SCORES,),
)
TOP_IMPACT_PER_USD = Metric(
    "resource_top_task_impact_per_usd",
    "Impact per USD of the most efficient tasks of the window.",
    (*TASK, "window"),
    (SCORES,),
)
TOP_IMPACT = Metric(
    "resource_top_task_impact_score", "Impact of the most efficient tasks of the window.", (*TASK, "window"), (SCORES,)
)
TOP_COST = Metric(
    "resource_top_task_cost_usd", "USD paid for the most efficient tasks of the window.", (*TASK, "window"), (SCORES,)
)
TOP_TOKENS = Metric(
    "resource_top_task_tokens", "Tokens used by the most efficient tasks of the window.", (*TASK, "window"), (SCORES,)
)
METRICS = (QUEST_IMPACT, QUEST_IMPACT_COST, TOP_IMPACT_PER_USD, TOP_IMPACT, TOP_COST, TOP_TOKENS)
TIMELESS = True


_QUESTS = """
SELECT quest_id, name, layer, time_window, CASE WHEN sum(scored) > 0 THEN sum(impact) END, sum(usd)
  FROM outcome_sums JOIN quest_labels USING (quest) GROUP BY ALL
"""
_COLUMNS = ("ratio(l.impact, l.usd)", "l.impact", "l.usd", "l.tokens")


def collect(context: ReportContext) -> list[Family]:
    """Impact and cost by quest, and the tasks with the most impact per USD."""
    quests = context.rows(_QUESTS)
    impact = samples(row[:5] for row in quests)
    cost = samples((*row[:4], row[5]) for row in quests)
    best = tasks.top(context, rank="efficiency", where="efficiency IS NOT NULL", columns=_COLUMNS)
    metrics = (TOP_IMPACT_PER_USD, TOP_IMPACT, TOP_COST, TOP_TOKENS)
    return [
        Family(QUEST_IMPACT, complete(impact, context.windows)),
        Family(QUEST_IMPACT_COST, complete(cost, context.windows)),
        *(Family(metric, tasks.ranking(best, len(TASK), column)) for column, metric in enumerate(metrics)),
    ]
