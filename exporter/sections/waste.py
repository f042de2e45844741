"""Waste: what was paid for nothing."""

from exporter.metrics import QUEST, TASK, Family, Labels, Metric
from exporter.report.context import ReportContext, complete, summed
from exporter.report.leaders import Ranking
from exporter.report.outcomes import TASKS, TOKENS, USD, Judged
from exporter.report.prepared import Prepared
from exporter.requirements import SCORES, TASK_TOKENS, TASK_USD

WASTE = (*QUEST, "reason", "window")

QUEST_USD = Metric(
    "resource_quest_wasted_usd",
    "USD of the quest's wasted tasks of the window: many tokens and little (low_impact) or no known (unscored) impact.",
    WASTE,
    (SCORES, TASK_TOKENS, TASK_USD),
)
QUEST_TOKENS = Metric(
    "resource_quest_wasted_tokens", "Tokens of the quest's wasted tasks of the window.", WASTE, (SCORES, TASK_TOKENS)
)
QUEST_TASKS = Metric("resource_quest_wasted_tasks", "Wasted tasks of the quest in the window.", WASTE, (SCORES, TASK_TOKENS))
WORST_TOKENS = Metric(
    "resource_wasted_task_tokens",
    "Tokens of the most wasteful tasks of the window, those of all quests and those of each.",
    (*TASK, "reason", "window"),
    (SCORES, TASK_TOKENS),
)
WORST_COST = Metric(
    "resource_wasted_task_cost_usd",
    "USD of the most wasteful tasks of the window, those of all quests and those of each.",
    (*TASK, "reason", "window"),
    (SCORES, TASK_TOKENS, TASK_USD),
)
METRICS = (QUEST_USD, QUEST_TOKENS, QUEST_TASKS, WORST_TOKENS, WORST_COST)
TIMELESS = True


_MOST_WASTEFUL = Ranking("tokens", values=("l.tokens", "l.usd"), labels=("l.reason",))


def collect(context: ReportContext, prepared: Prepared) -> list[Family]:
    """Wasted USD, tokens and tasks by quest and reason, and the most wasteful tasks by tokens."""
    quests = _by_quest(prepared)
    columns = {QUEST_USD: USD, QUEST_TOKENS: TOKENS, QUEST_TASKS: TASKS}
    by_quest = {
        metric: [(labels, float(sums[column])) for labels, sums in quests.items()] for metric, column in columns.items()
    }
    return [
        *(Family(metric, complete(found, context.windows)) for metric, found in by_quest.items()),
        *map(Family, (WORST_TOKENS, WORST_COST), prepared.first(context, _MOST_WASTEFUL)),
    ]


def _by_quest(prepared: Prepared) -> dict[Labels, Judged]:
    labels = prepared.labels.quests
    parts = prepared.outcomes.quests.items()
    return summed(
        ((*labels[quest], reason, window), sums) for (window, quest, reason), sums in parts if reason and quest in labels
    )
