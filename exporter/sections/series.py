"""How many series there may be, counted from the catalogue: what one more quest, provider, model or ranked task adds.

Never fewer than there are, and no more where everything is there: a budget and spend today, both reasons of waste.
"""

from collections import Counter
from collections.abc import Iterable
from math import prod

from exporter.metrics import Metric
from exporter.sections.frame import Frame
from exporter.sources import SCORES

Subject = tuple[str, ...]
CELL: Subject = ("quest_id", "provider", "model")
QUEST: Subject = ("quest_id",)
JUDGED_QUEST: Subject = ("quest_id", "impacts")
PROVIDER: Subject = ("provider",)
JUDGED_PROVIDER: Subject = ("provider", "impacts")
MODEL: Subject = ("provider", "model")
TASK: Subject = ("task_id", "impacts")
LAYER: Subject = ("layer",)
REPORT: Subject = ()
REASONS = 2
"""Why a task may be wasted: ``unscored`` and ``low_impact``."""
_NAMES = ("task_id", "quest_id", "provider", "model")
"""The labels that say what a series is about; those of a quest and a task go with their ids."""


def tariff(frame: Frame, metrics: Iterable[Metric]) -> Counter[Subject]:
    """How many series the metrics have for each subject; of a quest's layer, only what is not said of the quest."""
    counts: Counter[Subject] = Counter()
    for metric in metrics:
        counts[_subject(metric)] += _series(frame, metric)
    return counts


def _subject(metric: Metric) -> Subject:
    """What each series of a metric is about. The judged ones are counted apart, for not all quests have been judged."""
    if "task_id" in metric.labels:
        return TASK
    if "quest_id" not in metric.labels and "layer" in metric.labels:
        return LAYER
    names = tuple(name for name in _NAMES if name in metric.labels)
    return (*names, SCORES.ledger) if any(source.ledger == SCORES.ledger for source in metric.sources) else names


def _series(frame: Frame, metric: Metric) -> int:
    """How many label sets a metric may have for one subject. A task has one place in the ranking of a window."""
    windows = len(frame.windows)
    if "task_id" in metric.labels:
        return windows
    values = {"window": windows, "day": len(frame.timeline), "token_type": len(frame.token_types), "reason": REASONS}
    return prod(values.get(label, 1) for label in metric.labels)
