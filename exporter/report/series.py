"""The most series there can be, from the catalogue: what each quest, provider, model and ranked task adds.

The number is exact if nothing is absent: each quest has a budget and spend today, and waste for both reasons.
"""

from collections import Counter
from collections.abc import Iterable
from math import prod
from typing import NamedTuple

from exporter.metrics import Metric
from exporter.report.context import ReportContext
from exporter.requirements import SCORES

Subject = tuple[str, ...]
"""What series are about: the labels that name it, and the ledger that judged it, for not all have been judged."""
CELL: Subject = ("quest_id", "provider", "model")
QUEST: Subject = ("quest_id",)
JUDGED_QUEST: Subject = ("quest_id", SCORES.ledger)
PROVIDER: Subject = ("provider",)
JUDGED_PROVIDER: Subject = ("provider", SCORES.ledger)
MODEL: Subject = ("provider", "model")
TASK: Subject = ("task_id", SCORES.ledger)
LAYER: Subject = ("layer",)
REPORT: Subject = ()
_NAMES = ("quest_id", "provider", "model")
_PERIODS = """
SELECT count(DISTINCT period) FROM budgets WHERE starts_on <= $today AND (ends_on IS NULL OR ends_on >= $today)
"""
REASONS = 2
"""Why a task may be wasted: ``unscored`` and ``low_impact``."""


class Kinds(NamedTuple):
    """How many providers there are, how many with those that judged tasks are shared out to, and how many models of them."""

    providers: int
    judged_providers: int
    models: int


class Tariff:
    """How many series each subject of a report costs."""

    def __init__(self, context: ReportContext, metrics: Iterable[Metric]) -> None:
        self._costs: Counter[Subject] = Counter()
        [(periods,)] = context.rows(_PERIODS, today=context.today)
        for metric in metrics:
            self._costs[_subject(metric)] += _series(context, metric, periods + ("allocations" in context.config.ledgers))

    @property
    def cell(self) -> int:
        """The series of one quest with one model."""
        return self._costs[CELL]

    @property
    def task(self) -> int:
        """The series of one ranked task."""
        return self._costs[TASK]

    def quest(self, *, cells: int, judged: bool, new_layer: bool) -> int:
        """The series of one quest: its own, those of what it calls and of how it was judged, and the days of its layer."""
        costs = self._costs
        return costs[QUEST] + cells * costs[CELL] + judged * costs[JUDGED_QUEST] + new_layer * costs[LAYER]

    def all_in_one(self, kinds: Kinds) -> int:
        """The most that the quest ``other`` may have."""
        return self.quest(cells=kinds.models, judged=True, new_layer=True)

    def shared(self, kinds: Kinds, ranked: int) -> int:
        """The series that there are whatever the quests: by provider and model, the rankings, and those without a label."""
        costs = self._costs
        providers = kinds.providers * costs[PROVIDER] + kinds.judged_providers * costs[JUDGED_PROVIDER]
        return providers + kinds.models * costs[MODEL] + ranked * costs[TASK] + costs[REPORT]


def _subject(metric: Metric) -> Subject:
    if "task_id" in metric.labels:
        return TASK
    if "quest_id" not in metric.labels and "layer" in metric.labels:
        return LAYER
    names = tuple(name for name in _NAMES if name in metric.labels)
    return (*names, SCORES.ledger) if any(source.ledger == SCORES.ledger for source in metric.sources) else names


def _series(context: ReportContext, metric: Metric, periods: int) -> int:
    """How many label sets a metric may have for one subject. A task has one place in the ranking of a window."""
    windows = len(context.windows)
    if "task_id" in metric.labels:
        return windows
    values = {
        "window": windows,
        "day": len(context.timeline),
        "token_type": len(context.token_types),
        "reason": REASONS,
        "period": periods,
    }
    return prod(values.get(label, 1) for label in metric.labels)
