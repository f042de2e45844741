"""Efficiency: where a dollar does most."""

from exporter.metrics import QUEST, TASK, Family, Labels, Metric
from exporter.report.context import ReportContext, complete, summed
from exporter.report.leaders import Ranking
from exporter.report.outcomes import IMPACT, SCORED, USD, Judged
from exporter.report.prepared import Prepared
from exporter.requirements import SCORES, TASK_TOKENS, TASK_USD

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
    (SCORES, TASK_USD),
)
TOP_IMPACT_PER_USD = Metric(
    "resource_top_task_impact_per_usd",
    "Impact per USD of the most efficient tasks of the window, those of all quests and those of each.",
    (*TASK, "window"),
    (SCORES, TASK_USD),
)
TOP_IMPACT = Metric(
    "resource_top_task_impact_score",
    "Impact of the most efficient tasks of the window, those of all quests and those of each.",
    (*TASK, "window"),
    (SCORES, TASK_USD),
)
TOP_COST = Metric(
    "resource_top_task_cost_usd",
    "USD paid for the most efficient tasks of the window, those of all quests and those of each.",
    (*TASK, "window"),
    (SCORES, TASK_USD),
)
TOP_TOKENS = Metric(
    "resource_top_task_tokens",
    "Tokens used by the most efficient tasks of the window, those of all quests and those of each.",
    (*TASK, "window"),
    (SCORES, TASK_USD, TASK_TOKENS),
)
METRICS = (QUEST_IMPACT, QUEST_IMPACT_COST, TOP_IMPACT_PER_USD, TOP_IMPACT, TOP_COST, TOP_TOKENS)
TIMELESS = True


_MOST_EFFICIENT = Ranking("efficiency", ("ratio(l.impact, l.usd)", "l.impact", "l.usd", "l.tokens"))


def collect(context: ReportContext, prepared: Prepared) -> list[Family]:
    """Impact and cost by quest, and the tasks with the most impact per USD."""
    quests = _by_quest(prepared)
    impact = [(labels, float(sums[IMPACT])) for labels, sums in quests.items() if sums[SCORED]]
    cost = [(labels, float(sums[USD])) for labels, sums in quests.items()]
    metrics = (TOP_IMPACT_PER_USD, TOP_IMPACT, TOP_COST, TOP_TOKENS)
    return [
        Family(QUEST_IMPACT, complete(impact, context.windows)),
        Family(QUEST_IMPACT_COST, complete(cost, context.windows)),
        *map(Family, metrics, prepared.first(context, _MOST_EFFICIENT)),
    ]


def _by_quest(prepared: Prepared) -> dict[Labels, Judged]:
    labels = prepared.labels.quests
    parts = prepared.outcomes.quests.items()
    return summed(((*labels[quest], window), sums) for (window, quest, _), sums in parts if quest in labels)
