"""PromQL over the catalogue of metrics. Every selector has the filters of its dashboard.

Replicas are collapsed by their maximum, and then shards are added up, except for what is the same in all of them.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from exporter.metrics import Metric
from exporter.telemetry import PREFIX

TARGET = 'job=~"$job",instance=~"$instance"'
"""Selects the chosen exporters."""
TODAY = "1d"
RECENT = "24h"
"""The time range of panels that need a close view, and for how long what was last known of a stopped exporter is shown."""
SPAN = "1h"
"""The longest time between two samples of an imported history, and the range over which spend per hour is measured."""
QUEST = ("quest_id", "quest")
"""The labels of a quest by which it is found and shown."""
_SHARD = ("job", "shard")
_NOT_ADDED = ("_ratio", "_seconds", "_per_usd")
"""Metrics whose names end so are not added up over shards."""


@dataclass(frozen=True)
class Scope:
    """The filters of one dashboard: a matcher by label. They apply to the metrics that have the label."""

    filters: Mapping[str, str] = field(default_factory=dict)

    def selector(self, metric: Metric, **labels: str) -> str:
        """A selector of a metric. Its window is the chosen one, unless ``labels`` has another."""
        wanted = {"window": "$window"} | labels if "window" in metric.labels else labels
        filters = [label + matcher for label, matcher in self.filters.items() if label in metric.labels]
        return _selector(metric.name, filters, wanted)

    def of(self, metric: Metric, **labels: str) -> str:
        """The values of a metric, without the label ``window``."""
        return _once(metric, self.selector(metric, **labels))

    def before(self, metric: Metric, ago: str, **labels: str) -> str:
        """The values of a metric some time ago."""
        return _once(metric, f"{self.selector(metric, **labels)} offset {ago}")

    def highest(self, metric: Metric, **labels: str) -> str:
        """The highest values of a metric in the time range, the same at every moment.

        Unlike its value at the end of the range, this is known of a range that ends while the exporter is down.
        """
        return _once(metric, f"max_over_time({self.selector(metric, **labels)}[$__range] @ end())")

    def held(self, metric: Metric, *by: str, **labels: str) -> str:
        """The sum of a metric, between two samples of an imported history the last one. Absent while the exporter is down."""
        return total(self._held(metric, *by, **labels), *by)

    def rise(self, metric: Metric, *by: str) -> str:
        """The rise of a lifetime gauge in the hour before each moment, as a difference of two values: ``delta`` extrapolates.

        Where there was no value an hour before, it is the rise since the first one. A shard that returns has not risen.
        """
        first = total(_replicas(metric, f"min_over_time({self.selector(metric)}[{SPAN}])"), *by, *_SHARD)
        risen = f"{self._held(metric, *by)} - ({self._held(metric, *by, ago=SPAN)} or {first})"
        return f"clamp_min({total(risen, *by)}, 0)"

    def _held(self, metric: Metric, *by: str, ago: str = "", **labels: str) -> str:
        """The same for each shard.

        The last samples count only where a group has no other: the old series of a renamed quest must not be added to the new.
        """
        selector, offset = self.selector(metric, **labels), f" offset {ago}" if ago else ""
        last = _replicas(metric, f"last_over_time({selector}[{SPAN}]{offset})")
        down = f"max by (job) (up{{{TARGET}}}{offset}) == 0"
        groups = (*by, *_SHARD)
        now = total(_replicas(metric, selector + offset), *groups)
        return f"({now} or {total(f'({last} unless on (job) {down})', *groups)})"


def every(metric: Metric) -> str:
    """All series of a metric from the chosen exporters."""
    return _selector(metric.name, (), {})


def own(name: str, **labels: str) -> str:
    """The series of a metric about the exporter itself, by its name without the prefix."""
    return _selector(PREFIX + name, (), labels)


def growth(counter: str, by: str) -> str:
    """The rate per second of a counter about the exporter itself."""
    return f"sum by ({by}) (rate({own(counter)}[$__rate_interval]))"


def total(expression: str, *by: str) -> str:
    """The sum, grouped by the labels if there are any."""
    return f"sum by ({', '.join(by)}) ({expression})" if by else f"sum({expression})"


def share(part: str, whole: str) -> str:
    """``part`` divided by ``whole``; absent where ``whole`` is 0 or absent."""
    return f"{part} / ({whole} > 0)"


def known_zero(expression: str, when: str) -> str:
    """The expression, or 0 where it is absent but ``when`` is not."""
    return f"{expression} or 0 * {when}"


def leading(expression: str, rank: str, keys: Iterable[str], most: int = 10) -> str:
    """The ``most`` series with the highest rank. Over a time range, the rank must be constant, as ``Scope.highest`` is.

    With another rank, ``topk`` would choose at every moment and return more series in total.
    """
    labels = ", ".join(keys)
    return f"{expression} and on ({labels}) topk({most}, {rank})"


def _once(metric: Metric, series: str) -> str:
    replicas = _replicas(metric, series)
    return f"max without (shard) ({replicas})" if metric.name.endswith(_NOT_ADDED) else f"sum without (shard) ({replicas})"


def _replicas(metric: Metric, series: str) -> str:
    return f"max without ({'instance, window' if 'window' in metric.labels else 'instance'}) ({series})"


def _selector(name: str, filters: Iterable[str], labels: Mapping[str, str]) -> str:
    equal = (f'{label}="{value}"' for label, value in labels.items())
    return f"{name}{{{','.join((TARGET, *filters, *equal))}}}"
