"""PromQL over the catalogue: every selector carries the filters of its dashboard, and replicas collapse into one."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from exporter.metrics import Metric
from exporter.telemetry import PREFIX

TARGET = 'job=~"$job",instance=~"$instance"'
"""The exporters that were chosen."""
TODAY = "1d"


@dataclass(frozen=True)
class Scope:
    """What one dashboard looks at: matchers by the label they bind. A metric takes those whose label it has."""

    filters: Mapping[str, str] = field(default_factory=dict)

    def selector(self, metric: Metric, **labels: str) -> str:
        """The series of a metric; of its windows the chosen one, unless ``labels`` say which."""
        wanted = {"window": "$window"} | labels if "window" in metric.labels else labels
        filters = [label + matcher for label, matcher in self.filters.items() if label in metric.labels]
        return _selector(metric.name, filters, wanted)

    def of(self, metric: Metric, **labels: str) -> str:
        """The values of a metric, once for all replicas. A selected window is no longer a label."""
        return _once(metric, self.selector(metric, **labels))

    def at_end(self, metric: Metric, **labels: str) -> str:
        """The values of a metric at the end of the time range, at every moment of it."""
        return _once(metric, f"{self.selector(metric, **labels)} @ end()")

    def peak(self, metric: Metric, **labels: str) -> str:
        """The greatest values of a metric between one point of a graph and the next."""
        return _once(metric, f"max_over_time({self.selector(metric, **labels)}[$__interval])")

    def change(self, metric: Metric, span: str) -> str:
        """How much a lifetime gauge has changed in the span before each moment."""
        return _once(metric, f"delta({self.selector(metric)}[{span}])")


def every(metric: Metric) -> str:
    """All series of a metric that the chosen exporters serve."""
    return _selector(metric.name, (), {})


def own(name: str, **labels: str) -> str:
    """The series of one of the exporter's metrics about itself, by its name without the prefix."""
    return _selector(PREFIX + name, (), labels)


def growth(counter: str, by: str) -> str:
    """The rate per second of a counter about the exporter itself."""
    return f"sum by ({by}) (rate({own(counter)}[$__rate_interval]))"


def total(expression: str, *by: str) -> str:
    """The sum, by labels if there are any."""
    return f"sum by ({', '.join(by)}) ({expression})" if by else f"sum({expression})"


def share(part: str, whole: str) -> str:
    """One over the other; nothing where the whole is 0 or unknown."""
    return f"{part} / ({whole} > 0)"


def known_zero(expression: str, when: str) -> str:
    """The expression; 0 where it finds nothing although ``when`` is known."""
    return f"{expression} or 0 * {when}"


def leading(expression: str, rank: str, keys: Iterable[str], most: int = 10) -> str:
    """The series that are first by a rank that stays the same over the time range, as that of ``Scope.at_end`` does.

    With any other rank, ``topk`` would choose again at every moment and yield more series in all.
    """
    labels = ", ".join(keys)
    return f"{expression} and on ({labels}) topk({most}, {rank})"


def _once(metric: Metric, series: str) -> str:
    return f"max without ({'instance, window' if 'window' in metric.labels else 'instance'}) ({series})"


def _selector(name: str, filters: Iterable[str], labels: Mapping[str, str]) -> str:
    equal = (f'{label}="{value}"' for label, value in labels.items())
    return f"{name}{{{','.join((TARGET, *filters, *equal))}}}"
