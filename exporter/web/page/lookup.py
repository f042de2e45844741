"""Read families like PromQL."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from exporter.metrics import Family, Labels, Metric, Sample


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
