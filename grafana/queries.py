"""PromQL over the catalogue of metrics. Every selector has the filters of its dashboard, and replicas are collapsed."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from exporter.metrics import Metric
from exporter.telemetry import PREFIX

TARGET = 'job=~"$job",instance=~"$instance"'
"""Selects the chosen exporters."""
TODAY = "1d"


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
        """The values of a metric, collapsed over replicas and without the label ``window``."""
        return _once(metric, self.selector(metric, **labels))

    def at_end(self, metric: Metric, **labels: str) -> str:
        """The values of a metric at the end of the time range, the same at every moment."""
        return _once(metric, f"{self.selector(metric, **labels)} @ end()")

    def peak(self, metric: Metric, **labels: str) -> str:
        """The maximum of a metric between two points of a graph."""
        return _once(metric, f"max_over_time({self.selector(metric, **labels)}[$__interval])")

    def change(self, metric: Metric, span: str) -> str:
        """The change of a lifetime gauge in the span before each moment."""
        return _once(metric, f"delta({self.selector(metric)}[{span}])")


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
    """The ``most`` series with the highest rank. The rank must be constant over the time range, as ``Scope.at_end`` is.

    With another rank, ``topk`` would choose at every moment and return more series in total.
    """
    labels = ", ".join(keys)
    return f"{expression} and on ({labels}) topk({most}, {rank})"


def _once(metric: Metric, series: str) -> str:
    return f"max without ({'instance, window' if 'window' in metric.labels else 'instance'}) ({series})"


def _selector(name: str, filters: Iterable[str], labels: Mapping[str, str]) -> str:
    equal = (f'{label}="{value}"' for label, value in labels.items())
    return f"{name}{{{','.join((TARGET, *filters, *equal))}}}"
