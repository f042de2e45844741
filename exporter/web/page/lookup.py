"""Read families like PromQL."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property

from exporter.metrics import QUEST, Family, Labels, Metric, Sample


class Lookup:
    """The families of one snapshot by metric. A missing family has no samples."""

    def __init__(self, families: Iterable[Family]) -> None:
        self._families = {family.metric.name: family for family in families}

    def sum_by(self, metric: Metric, by: Labels, **where: str) -> Mapping[Labels, float]:
        """Return ``sum by (by) (metric{where})``, keyed by the values of ``by`` in this order."""
        at = [metric.labels.index(label) for label in by]
        wanted = [(metric.labels.index(label), value) for label, value in where.items()]
        sums: dict[Labels, float] = defaultdict(float)
        for labels, value in self._samples(metric):
            if all(labels[index] == text for index, text in wanted):
                sums[tuple(labels[index] for index in at)] += value
        return dict(sums)

    def id_if_shared(self, quest_id: str, quest: str) -> str:
        """Return the id of a quest if another one has the same name, else nothing."""
        return quest_id if quest in self._shared else ""

    @cached_property
    def _shared(self) -> frozenset[str]:
        """The names of more than one quest."""
        quests = [family for family in self._families.values() if set(QUEST) <= set(family.metric.labels)]
        ids: dict[str, set[str]] = defaultdict(set)
        for family in quests:
            at, named = (family.metric.labels.index(label) for label in ("quest_id", "quest"))
            for labels, _ in family.samples:
                ids[labels[named]].add(labels[at])
        return frozenset(name for name, found in ids.items() if len(found) > 1)

    def windows(self, metrics: Iterable[Metric]) -> list[str]:
        """Return the names of the windows that the metrics have, the longest last."""
        found = {labels[metric.labels.index("window")] for metric in metrics for labels, _ in self._samples(metric)}
        return sorted(found, key=_days)

    def _samples(self, metric: Metric) -> Sequence[Sample]:
        family = self._families.get(metric.name)
        return family.samples if family else ()


def total(values: Iterable[float | None]) -> float | None:
    """Return the sum of the known values, None if there are none."""
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def _days(window: str) -> float:
    number = window.removesuffix("d")
    return float(number) if number.isdecimal() else float("inf")
